//! A cluster that goes: its claims by their policies, its place in the node reader's binding, then the finalizer. All else
//! goes by owner references.

use k8s_openapi::api::core::v1::{ObjectReference, PersistentVolumeClaim};
use kube::{
    Api, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams},
    core::error_boundary::InvalidObject,
    runtime::controller::Action,
};
use serde_json::json;

use super::{Context, Error, events::Told, execute, observe, report};
use crate::{
    api::{AerospikeCluster, FINALIZER},
    leader::Write,
    plan::{deletion::claims_to_delete, observed::Claim, status::conditions::Situation},
    resolve::{self, Identity},
    resources::rbac,
};

/// Cleans up after a cluster, so that its finalizer may go.
///
/// # Errors
///
/// If something cannot be read or deleted.
pub async fn clean_up(cluster: &AerospikeCluster, context: &Context) -> Result<Action, Error> {
    report::situation(cluster, &Situation::Terminating, context).await?;
    let cleaned = clean(cluster, context).await;
    let told = match &cleaned {
        Ok(deleted) => Told {
            reason: "Deleted",
            note: format!("Deleted the cluster and {deleted} of its claims"),
            warning: false,
        },
        Err(error) => Told::warning("DeleteFailed", crate::telemetry::chain(error)),
    };
    context.tell(cluster, &told).await;
    cleaned?;
    let namespace = cluster.namespace().unwrap_or_default();
    context.metrics.forget(&namespace, &cluster.name_any());
    Ok(Action::await_change())
}

/// What can be done about an object that is not an `AerospikeCluster` that this version can read: it is named, and if it
/// goes, it goes without its claims, since their policies are unknown.
///
/// # Errors
///
/// That it cannot be read, or that its finalizer could not be removed.
pub async fn unreadable(object: &InvalidObject, context: &Context) -> Result<Action, Error> {
    let reference = reference_to(object);
    let unreadable = Error::Unreadable(object.error.clone());
    if object.metadata.deletion_timestamp.is_none() {
        let told = Told::warning("UpdateFailed", unreadable.to_string());
        context.tell_of(&reference, &told).await;
        return Err(unreadable);
    }
    let note = format!("{unreadable}; its claims are kept");
    context
        .tell_of(&reference, &Told::warning("Deleted", note))
        .await;
    remove_finalizer(&object.metadata, context).await?;
    Ok(Action::await_change())
}

fn reference_to(object: &InvalidObject) -> ObjectReference {
    let metadata = object.metadata.clone();
    ObjectReference {
        api_version: Some(AerospikeCluster::api_version(&()).into_owned()),
        kind: Some(AerospikeCluster::kind(&()).into_owned()),
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        ..ObjectReference::default()
    }
}

async fn remove_finalizer(metadata: &ObjectMeta, context: &Context) -> Result<(), Error> {
    let others: Vec<_> = metadata
        .finalizers
        .iter()
        .flatten()
        .filter(|finalizer| *finalizer != FINALIZER)
        .collect();
    let api: Api<DynamicObject> = Api::namespaced_with(
        context.client.clone(),
        metadata.namespace.as_deref().unwrap_or_default(),
        &ApiResource::erase::<AerospikeCluster>(&()),
    );
    let patch = json!({"metadata": {
        "resourceVersion": metadata.resource_version,
        "finalizers": others,
    }});
    api.patch(
        metadata.name.as_deref().unwrap_or_default(),
        &PatchParams::default(),
        &Patch::Merge(patch),
    )
    .await
    .map(drop)
    .map_err(Error::executing("remove the finalizer"))
}

async fn clean(cluster: &AerospikeCluster, context: &Context) -> Result<usize, Error> {
    let namespace = cluster.namespace().unwrap_or_default();
    // Effective policies are there for any spec, be it one that today's rules refuse.
    let spec = resolve::effective(cluster, &context.settings).spec;
    let claims = observe::claims(&context.client, &namespace, &cluster.name_any()).await?;
    let going = claims_to_delete(&spec, &claims);
    for claim in &going {
        delete_claim(&namespace, claim, context).await?;
    }
    forget_node_reader(&Identity::of(cluster), context).await?;
    Ok(going.len())
}

/// Takes the cluster's pods from those that may read nodes. Without the binding there is nothing to take.
async fn forget_node_reader(identity: &Identity, context: &Context) -> Result<(), Error> {
    let subject = rbac::subject(identity);
    let forgotten = execute::change_node_readers(context, |subjects| {
        subjects.retain(|other| *other != subject);
    });
    match forgotten.await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result,
    }
}

async fn delete_claim(namespace: &str, claim: &Claim, context: &Context) -> Result<(), Error> {
    context.lease.permit(Write::Disruptive)?;
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), namespace);
    tracing::info!(claim = claim.name, "Deleting claim");
    execute::delete_if_same(&api, &claim.name, &claim.uid)
        .await
        .map_err(Error::executing(format!("delete claim {}", claim.name)))
}
