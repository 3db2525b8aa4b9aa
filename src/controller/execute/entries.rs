//! Pods' entries in the status. Each is changed only if it still is the one that was seen.

use kube::Api;
use serde_json::{Value, json};

use super::steps::{json_patch, managed_by};
use crate::{
    api::{AerospikeCluster, status::PodStatus},
    controller::{Context, Error},
    resolve::Desired,
};

/// Field manager of changes of entries.
const MANAGER: &str = "pod";

/// An entry that was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pod: &'a str,
    ip: &'a str,
}

impl<'a> Entry<'a> {
    /// The entry of a pod, with the IP in it.
    pub(super) const fn of(pod: &'a str, ip: &'a str) -> Self {
        Self { pod, ip }
    }

    fn path(self) -> String {
        format!("/status/pods/{}", self.pod)
    }

    /// The operation of a JSON patch that looks whether a member still has a value.
    pub(super) fn test(self, member: &str, value: &Value) -> Value {
        json!({"op": "test", "path": format!("{}/{member}", self.path()), "value": value})
    }

    /// The operation of a JSON patch that gives a member a value.
    pub(super) fn set(self, member: &str, value: &Value) -> Value {
        json!({"op": "add", "path": format!("{}/{member}", self.path()), "value": value})
    }

    fn is_the_same(self) -> Value {
        self.test("podIP", &self.ip.into())
    }

    /// Carries `operations` out, if it is the entry that was seen, and returns what it is then.
    ///
    /// # Errors
    /// It is not, or the API server refused.
    pub(super) async fn change(
        self,
        desired: &Desired,
        operations: Vec<Value>,
        context: &Context,
    ) -> Result<Option<PodStatus>, Error> {
        let operations = [vec![self.is_the_same()], operations].concat();
        let what = format!("change the entry of pod {}", self.pod);
        let cluster = patch(desired, operations, what, context).await?;
        Ok(cluster
            .status
            .and_then(|mut status| status.pods.remove(self.pod)))
    }
}

/// Removes the entries of pods, given as names and IPs.
///
/// # Errors
/// One is not the one that was seen, or the API server refused.
pub(super) async fn remove(
    desired: &Desired,
    pods: &[(String, String)],
    context: &Context,
) -> Result<(), Error> {
    let entries = pods.iter().map(|(pod, ip)| Entry::of(pod, ip));
    let operations = entries.flat_map(|entry| {
        let remove = json!({"op": "remove", "path": entry.path()});
        [entry.is_the_same(), remove]
    });
    let what = "remove the entries of removed pods".to_owned();
    patch(desired, operations.collect(), what, context)
        .await
        .map(drop)
}

async fn patch(
    desired: &Desired,
    operations: Vec<Value>,
    what: String,
    context: &Context,
) -> Result<AerospikeCluster, Error> {
    let identity = &desired.identity;
    let api: Api<AerospikeCluster> = Api::namespaced(context.client.clone(), &identity.namespace);
    let same = json!({"op": "test", "path": "/metadata/uid", "value": identity.uid});
    let patch = json_patch(Value::Array([vec![same], operations].concat()));
    api.patch_status(&identity.name, &managed_by(MANAGER), &patch)
        .await
        .map_err(Error::executing(what))
}
