//! Reviews of `pods/eviction`: a database pod is not evicted but moved by the operator, once no data depends on it.
//!
//! What is ours is told by the chain of owners, pod to `StatefulSet` to `AerospikeCluster`; labels alone say nothing. All
//! else passes at once, and so does a pod that is lost already.

use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::Pod, policy::v1::Eviction},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
    jiff::Timestamp,
};
use kube::core::{ObjectMeta, Status, response::reason};
use serde_json::{Value, json};

use crate::{
    admission::wire::{Request, Response},
    api::{EVICTION_BLOCKED, GROUP},
};

/// Which pod is to be evicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Nothing is to be changed, whatever the answer.
    pub dry_run: bool,
}

/// Reads which pod is to be evicted; none if the request holds no `Eviction`.
#[must_use]
pub fn asked(request: &Request<'_>) -> Option<Asked> {
    let eviction: Eviction = serde_json::from_str(request.object?.get()).ok()?;
    let pod = eviction.metadata.name.or_else(|| request.name.clone());
    Some(Asked {
        namespace: request.namespace.clone().unwrap_or_default(),
        pod: pod.unwrap_or_default(),
        dry_run: request.dry_run == Some(true),
    })
}

/// The refusal of a request without an `Eviction`.
#[must_use]
pub fn not_asked() -> Response {
    let message = "the request holds no Eviction of policy/v1";
    refused(400, reason::BAD_REQUEST, message)
}

/// The `StatefulSet` that has to be looked at to tell whether `pod` is a database pod in use: none where it is none, or
/// where nothing is lost with it any more.
#[must_use]
pub fn set_to_look_at(pod: &Pod) -> Option<&OwnerReference> {
    let owner = controller(&pod.metadata)?;
    (owner.kind == "StatefulSet" && !is_lost(pod)).then_some(owner)
}

/// The name of the cluster that `set` belongs to, if it is one of ours and is still the one that `reference` names.
#[must_use]
pub fn cluster_of<'a>(set: &'a StatefulSet, reference: &OwnerReference) -> Option<&'a str> {
    let owner = controller(&set.metadata)?;
    let group = owner.api_version.split('/').next();
    let ours = owner.kind == "AerospikeCluster" && group == Some(GROUP);
    let same = set.metadata.uid.as_deref() == Some(reference.uid.as_str());
    (ours && same).then_some(&owner.name)
}

fn controller(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true))
}

/// It is on its way out, its containers have ended or never ran, or its node does not answer.
fn is_lost(pod: &Pod) -> bool {
    let Some(status) = &pod.status else {
        return true;
    };
    let phase = status.phase.as_deref();
    let unknown = status
        .conditions
        .iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "Unknown");
    pod.metadata.deletion_timestamp.is_some() || phase != Some("Running") || unknown
}

/// What notes on a pod that it shall be moved; none if that is noted already.
#[must_use]
pub fn note(pod: &Pod, now: Timestamp) -> Option<Value> {
    let annotations = pod.metadata.annotations.as_ref();
    if annotations.is_some_and(|annotations| annotations.contains_key(EVICTION_BLOCKED)) {
        return None;
    }
    Some(json!({"metadata": {
        "uid": pod.metadata.uid,
        "annotations": {EVICTION_BLOCKED: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()},
    }}))
}

/// The refusal of a database pod of `cluster`.
#[must_use]
pub fn blocked(asked: &Asked, cluster: &str) -> Response {
    let Asked { namespace, pod, .. } = asked;
    let message = format!(
        "eviction of pod {namespace}/{pod} blocked by admission webhook: it is a server of AerospikeCluster {cluster}, and the \
         operator will evict it safely, once no data depends on it; a drain that keeps trying goes on by itself then"
    );
    refused(403, reason::FORBIDDEN, &message)
}

/// The refusal of a pod on which its wish could not be noted.
#[must_use]
pub fn not_noted(asked: &Asked, why: &str) -> Response {
    let Asked { namespace, pod, .. } = asked;
    let message = format!(
        "pod {namespace}/{pod} is a database server, and it could not be noted on it that it shall be evicted: {why}"
    );
    refused(500, reason::INTERNAL_ERROR, &message)
}

/// What is said where the API server did not tell whose the pod is; a drain is not held up by that.
#[must_use]
pub fn not_checked(asked: &Asked, why: &str) -> Response {
    let Asked { namespace, pod, .. } = asked;
    Response::warned(format!(
        "aerospike-operator could not tell whether pod {namespace}/{pod} is a database server: {why}"
    ))
}

fn refused(code: u16, reason: &str, message: &str) -> Response {
    Response::denied(Status::failure(message, reason).with_code(code))
}

#[cfg(test)]
mod tests;
