//! What the verdict about a subresource depends on, read when it is asked for.

use std::{future::Future, time::Duration};

use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::Pod},
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use tokio::time;

use crate::{
    admission::eviction::{self, Asked},
    api::{AerospikeCluster, FIELD_MANAGER},
    telemetry::chain,
};

/// The API server waits 5 s for these webhooks; a call that takes longer than this is given up before.
const CALL_WITHIN: Duration = Duration::from_millis(1500);

/// The API server, as far as a verdict needs it.
#[derive(Clone)]
pub struct Live {
    client: Client,
}

impl Live {
    /// Reads by `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A cluster, if it exists.
    ///
    /// # Errors
    ///
    /// Why it could not be read.
    pub async fn cluster(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<AerospikeCluster>, String> {
        let api: Api<AerospikeCluster> = Api::namespaced(self.client.clone(), namespace);
        soon(api.get_opt(name)).await
    }

    /// The pod, with the name of its cluster, if it is a database pod that still matters.
    ///
    /// # Errors
    ///
    /// Why that could not be told.
    pub async fn database_pod(&self, asked: &Asked) -> Result<Option<(Pod, String)>, String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &asked.namespace);
        let Some(pod) = soon(pods.get_opt(&asked.pod)).await? else {
            return Ok(None);
        };
        let Some(owner) = eviction::set_to_look_at(&pod) else {
            return Ok(None);
        };
        let sets: Api<StatefulSet> = Api::namespaced(self.client.clone(), &asked.namespace);
        let set = soon(sets.get_opt(&owner.name)).await?;
        let cluster = set.and_then(|set| eviction::cluster_of(&set, owner).map(str::to_owned));
        Ok(cluster.map(|cluster| (pod, cluster)))
    }

    /// Notes on the pod that it shall be moved, unless that is noted already or nothing may be changed.
    ///
    /// # Errors
    ///
    /// Why it could not be noted.
    pub async fn note(&self, asked: &Asked, pod: &Pod) -> Result<(), String> {
        let Some(note) = eviction::note(pod, Timestamp::now()).filter(|_| !asked.dry_run) else {
            return Ok(());
        };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &asked.namespace);
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        soon(pods.patch(&asked.pod, &params, &Patch::Merge(&note)))
            .await
            .map(drop)
    }
}

async fn soon<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match time::timeout(CALL_WITHIN, call).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err("the API server did not answer in time".to_owned()),
    }
}
