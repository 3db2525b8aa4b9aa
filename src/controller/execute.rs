//! Carries effects out, each only if the world is still as it was when it was decided.

mod configuration;
mod entries;
mod in_pod;
mod restart;
mod steps;

use std::{fmt::Debug, time::Duration};

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use self::entries::Entry;
use super::{Context, Error, events, servers};
use crate::{
    aerospike::access,
    leader::Write,
    plan::{Effect, FIELD_MANAGER, Kind, Object, Observed, Plan},
    resolve::Desired,
    resources::{labels, names, rbac},
};

/// What was seen longer ago than this justifies no step: pods may have joined since.
const SEEN_WITHIN: Duration = Duration::from_secs(8);

impl Kind {
    /// How the API knows the kind.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        use k8s_openapi::api::{
            apps::v1::StatefulSet,
            core::v1::{ConfigMap, Service, ServiceAccount},
            policy::v1::PodDisruptionBudget,
            rbac::v1::{Role, RoleBinding},
        };
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Role => ApiResource::erase::<Role>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
        }
    }
}

/// Carries out the upkeep, then the step. The first failure ends it; what follows is decided anew in the next pass.
///
/// # Errors
///
/// The first effect that failed.
pub async fn execute(
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
    context: &Context,
) -> Result<(), Error> {
    for effect in &plan.upkeep {
        let done = carry_out(desired, observed, effect, context).await;
        if let Err(error) = done {
            let told = events::of_failure(effect, &error);
            context.tell_desired(desired, &told).await;
            return Err(error);
        }
        for told in events::of_effect(desired, effect) {
            context.tell_desired(desired, &told).await;
        }
    }
    match &plan.step {
        Some(step) if is_recent(observed) => steps::take(desired, observed, step, context).await,
        Some(_) | None => Ok(()),
    }
}

/// Whether a step may still be taken on what was observed.
fn is_recent(observed: &Observed) -> bool {
    let age = Timestamp::now().duration_since(observed.now);
    age.unsigned_abs() <= SEEN_WITHIN
}

async fn carry_out(
    desired: &Desired,
    observed: &Observed,
    effect: &Effect,
    context: &Context,
) -> Result<(), Error> {
    context.lease.permit(Write::Upkeep)?;
    context.metrics.effect(name_of(effect));
    match effect {
        Effect::Apply { object, new } => {
            tracing::info!(kind = ?object.kind, name = object.name, new, "Applying");
            apply(desired, object, *new, context).await
        }
        Effect::Delete { kind, name, uid } => {
            tracing::info!(?kind, name, "Deleting");
            delete(desired, *kind, name, uid, context).await
        }
        Effect::MarkInitialized { claim, uid } => {
            mark_initialized(desired, claim, uid, context).await
        }
        Effect::NoteReturn { pod, pod_ip } => {
            restart::note_return(desired, Entry::of(pod, pod_ip), context).await
        }
        Effect::GrantNodeReader => grant_node_reader(desired, context).await,
        Effect::Command(order) => steps::command(desired, observed, order, context).await,
        Effect::Administer { requests } => {
            let mut connection = servers::administrator(desired, observed, context).await?;
            for request in requests {
                context.lease.permit(Write::Upkeep)?;
                tracing::info!(request = request.name(), "Administering");
                match connection.admin(request).await {
                    Ok(_) => {}
                    Err(error)
                        if error
                            .refusal()
                            .is_some_and(|code| access::is_done_already(request, code)) => {}
                    Err(source) => {
                        let request = request.name();
                        return Err(Error::Administer { request, source });
                    }
                }
            }
            Ok(())
        }
    }
}

const fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Apply { new: true, .. } => "Create",
        Effect::Apply { new: false, .. } => "Apply",
        Effect::Delete { .. } => "Delete",
        Effect::MarkInitialized { .. } => "MarkInitialized",
        Effect::NoteReturn { .. } => "NoteReturn",
        Effect::GrantNodeReader => "GrantNodeReader",
        Effect::Administer { .. } => "Administer",
        Effect::Command(_) => "Command",
    }
}

/// The objects of a kind beside the cluster.
pub(super) fn api(desired: &Desired, kind: Kind, client: &Client) -> Api<DynamicObject> {
    Api::namespaced_with(
        client.clone(),
        &desired.identity.namespace,
        &kind.resource(),
    )
}

/// Deletes an object if it still is the one of `uid`. One that is gone or was replaced is no error.
pub(super) async fn delete_if_same<K>(api: &Api<K>, name: &str, uid: &str) -> kube::Result<()>
where
    K: Clone + DeserializeOwned + Debug,
{
    let params = DeleteParams::default().preconditions(Preconditions {
        uid: Some(uid.to_owned()),
        resource_version: None,
    });
    match api.delete(name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Server-side apply with conflicts forced, as a controller should. Not so if there should be no such object: one that
/// was made since then keeps what others wrote, above all the replicas that a set was given after it was made.
async fn apply(
    desired: &Desired,
    object: &Object,
    new: bool,
    context: &Context,
) -> Result<(), Error> {
    let mut params = PatchParams::apply(FIELD_MANAGER);
    params.force = !new;
    api(desired, object.kind, &context.client)
        .patch(&object.name, &params, &Patch::Apply(&object.body))
        .await
        .map(drop)
        .map_err(Error::executing(format!(
            "apply {:?} {}",
            object.kind, object.name
        )))
}

async fn delete(
    desired: &Desired,
    kind: Kind,
    name: &str,
    uid: &str,
    context: &Context,
) -> Result<(), Error> {
    delete_if_same(&api(desired, kind, &context.client), name, uid)
        .await
        .map_err(Error::executing(format!("delete {kind:?} {name}")))
}

async fn mark_initialized(
    desired: &Desired,
    claim: &str,
    uid: &str,
    context: &Context,
) -> Result<(), Error> {
    let claims: Api<k8s_openapi::api::core::v1::PersistentVolumeClaim> =
        Api::namespaced(context.client.clone(), &desired.identity.namespace);
    let patch = json!({"metadata": {
        "uid": uid,
        "annotations": {labels::INITIALIZED: "true"},
    }});
    claims
        .patch(
            claim,
            &PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            },
            &Patch::Merge(patch),
        )
        .await
        .map(drop)
        .map_err(Error::executing(format!("annotate claim {claim}")))
}

/// Adds the cluster's service account to those that may read nodes.
async fn grant_node_reader(desired: &Desired, context: &Context) -> Result<(), Error> {
    change_node_readers(context, |subjects| {
        subjects.push(rbac::subject(&desired.identity));
    })
    .await
}

/// Changes the subjects of the binding, and tries again when somebody was first.
pub(super) async fn change_node_readers(
    context: &Context,
    change: impl FnOnce(&mut Vec<k8s_openapi::api::rbac::v1::Subject>),
) -> Result<(), Error> {
    let bindings: Api<k8s_openapi::api::rbac::v1::ClusterRoleBinding> =
        Api::all(context.client.clone());
    let what = format!("change the subjects of {}", names::NODE_READER);
    let binding = bindings
        .get(names::NODE_READER)
        .await
        .map_err(Error::executing(what.clone()))?;
    let before = binding.subjects.unwrap_or_default();
    let mut subjects = before.clone();
    change(&mut subjects);
    if subjects == before {
        return Ok(());
    }
    let patch = json!({
        "metadata": {"resourceVersion": binding.metadata.resource_version},
        "subjects": subjects,
    });
    bindings
        .patch(
            names::NODE_READER,
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await
        .map(drop)
        .map_err(Error::executing(what))
}
