//! Carries effects out, each only if the world is still as it was when it was decided.

use std::fmt::Debug;

use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Context, Error, events, servers};
use crate::{
    aerospike::access,
    leader::Write,
    plan::{Effect, FIELD_MANAGER, Kind, Object, Observed, Plan, Step},
    resolve::Desired,
    resources::{labels, names, rbac},
};

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
            let told = events::of_failure(Some(effect), &error);
            context.tell_desired(desired, &told).await;
            return Err(error);
        }
        for told in events::of_effect(desired, effect) {
            context.tell_desired(desired, &told).await;
        }
    }
    match &plan.step {
        Some(step) => take(desired, step, context).await,
        None => Ok(()),
    }
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
        Effect::GrantNodeReader => grant_node_reader(desired, context).await,
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
        Effect::GrantNodeReader => "GrantNodeReader",
        Effect::Administer { .. } => "Administer",
    }
}

/// The objects of a kind beside the cluster.
pub(super) fn api(desired: &Desired, kind: Kind, context: &Context) -> Api<DynamicObject> {
    Api::namespaced_with(
        context.client.clone(),
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
    api(desired, object.kind, context)
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
    delete_if_same(&api(desired, kind, context), name, uid)
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

async fn take(desired: &Desired, step: &Step, context: &Context) -> Result<(), Error> {
    context.lease.permit(Write::Disruptive)?;
    let (before, after) = events::of_step(step);
    context.tell_desired(desired, &before).await;
    context.metrics.effect("Grow");
    let Step::Grow { rack, from, to, .. } = step;
    tracing::info!(%rack, from, to, "Scaling up");
    match grow(desired, step, context).await {
        // Somebody touched the set since it was looked at: the next pass decides anew.
        Err(Error::Execute {
            source: kube::Error::Api(status),
            ..
        }) if status.is_conflict() || status.is_invalid() => Ok(()),
        Ok(()) => {
            context.tell_desired(desired, &after).await;
            Ok(())
        }
        Err(error) => {
            let told = events::of_failure(None, &error);
            context.tell_desired(desired, &told).await;
            Err(error)
        }
    }
}

/// One patch that holds only if nobody touched the set since it was looked at.
async fn grow(desired: &Desired, step: &Step, context: &Context) -> Result<(), Error> {
    let Step::Grow {
        set,
        uid,
        resource_version,
        from,
        to,
        ..
    } = step;
    let patch: json_patch::Patch =
        serde_json::from_value(replicas_patch(uid, resource_version, *from, *to))
            .expect("the operations are written as the standard has them");
    api(desired, Kind::StatefulSet, context)
        .patch(
            set,
            &PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            },
            &Patch::<Value>::Json(patch),
        )
        .await
        .map(drop)
        .map_err(Error::executing(format!("scale {set} from {from} to {to}")))
}

fn replicas_patch(uid: &str, resource_version: &str, from: i32, to: i32) -> Value {
    json!([
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
        {"op": "test", "path": "/spec/replicas", "value": from},
        {"op": "replace", "path": "/spec/replicas", "value": to},
    ])
}
