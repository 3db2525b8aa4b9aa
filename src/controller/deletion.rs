//! A cluster that goes: its claims by their policies, its place in the node reader's binding, then the finalizer. All else
//! goes by owner references.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Preconditions},
    runtime::controller::Action,
};

use super::{Context, Error, events::Told, execute, observe};
use crate::{
    api::AerospikeCluster,
    plan::{deletion::claims_to_delete, observed::Claim},
    resolve,
    resources::rbac,
};

/// Cleans up after a cluster, so that its finalizer may go.
///
/// # Errors
///
/// If something cannot be read or deleted.
pub async fn clean_up(cluster: &AerospikeCluster, context: &Context) -> Result<Action, Error> {
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

async fn clean(cluster: &AerospikeCluster, context: &Context) -> Result<usize, Error> {
    let namespace = cluster.namespace().unwrap_or_default();
    // Effective policies are there for any spec, be it one that today's rules refuse.
    let spec = resolve::effective(cluster, &context.settings).spec;
    let claims = observe::claims(context, &namespace, &cluster.name_any()).await?;
    let going = claims_to_delete(&spec, &claims);
    for claim in &going {
        delete_claim(&namespace, claim, context).await?;
    }
    let identity = resolve::Identity::of(cluster);
    execute::change_node_readers(context, |subjects| {
        subjects.retain(|subject| *subject != rbac::subject(&identity));
    })
    .await?;
    Ok(going.len())
}

async fn delete_claim(namespace: &str, claim: &Claim, context: &Context) -> Result<(), Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), namespace);
    let params = DeleteParams::default().preconditions(Preconditions {
        uid: Some(claim.uid.clone()),
        resource_version: None,
    });
    tracing::info!(claim = claim.name, "Deleting claim");
    match api.delete(&claim.name, &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(Error::executing(format!("delete claim {}", claim.name))(
            source,
        )),
    }
}
