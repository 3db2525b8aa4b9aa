//! What wakes the controller: clusters, and the metadata of every object that they own or depend on. It changes with
//! whatever changes in the object, and what a pass needs is read live.

use std::{fmt::Debug, sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::StatefulSet,
        core::v1::{ConfigMap, Pod, Service, ServiceAccount},
        policy::v1::PodDisruptionBudget,
        rbac::v1::{Role, RoleBinding},
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{Controller, controller::Config, reflector::ObjectRef, utils::Backoff, watcher},
};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use super::{Context, error_policy, reconcile};
use crate::{api::AerospikeCluster, resources::labels};

/// Clusters worked on at the same time.
const CONCURRENCY: u16 = 16;
/// Events of one cluster within this time lead to one pass.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// The pause after each failure of a watch, in which all of them wait. Were it to grow with failures in a row, as is usual,
/// all of them would see nothing for minutes after an API server was away for seconds.
const RETRY: Duration = Duration::from_millis(500);

/// Which namespaces are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// One.
    Namespace(String),
}

impl Scope {
    /// Reads `WATCH_NAMESPACE`: empty for all, one name, or names with commas between.
    #[must_use]
    pub fn parse(text: &str) -> Vec<Self> {
        let names: Vec<_> = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| Self::Namespace(name.to_owned()))
            .collect();
        if names.is_empty() {
            vec![Self::All]
        } else {
            names
        }
    }

    fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(name) => Api::namespaced(client.clone(), name),
        }
    }
}

/// Runs the controller on `scopes` until `stop` is cancelled.
pub async fn run(context: Arc<Context>, scopes: Vec<Scope>, stop: CancellationToken) {
    let controllers = scopes
        .into_iter()
        .map(|scope| run_scope(context.clone(), scope, stop.clone()));
    futures::future::join_all(controllers).await;
}

async fn run_scope(context: Arc<Context>, scope: Scope, stop: CancellationToken) {
    let client = context.client.clone();
    let clusters: Api<DeserializeGuard<AerospikeCluster>> = scope.api(&client);
    let ours = watcher::Config::default().labels(labels::SELECTOR);
    let any = watcher::Config::default();
    let controller = Controller::new(clusters, watcher::Config::default())
        .trigger_backoff(Steady)
        .with_config(
            Config::default()
                .concurrency(CONCURRENCY)
                .debounce(DEBOUNCE),
        )
        .watches(
            scope.api::<PartialObjectMeta<Pod>>(&client),
            ours.clone(),
            cluster_of,
        );
    let controller = owns::<StatefulSet>(controller, &scope, &client, &ours);
    let controller = owns::<ConfigMap>(controller, &scope, &client, &ours);
    let controller = owns::<PodDisruptionBudget>(controller, &scope, &client, &ours);
    let controller = owns::<ServiceAccount>(controller, &scope, &client, &ours);
    let controller = owns::<Role>(controller, &scope, &client, &ours);
    let controller = owns::<RoleBinding>(controller, &scope, &client, &ours);
    // Users choose the labels of the services of pods.
    owns::<Service>(controller, &scope, &client, &any)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, error_policy, context)
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(%error, "Pass ended");
            }
        })
        .await;
}

/// The same pause after every failure.
struct Steady;

impl Iterator for Steady {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(RETRY)
    }
}

impl Backoff for Steady {
    fn reset(&mut self) {}
}

type Clusters = Controller<DeserializeGuard<AerospikeCluster>>;

fn owns<K>(
    controller: Clusters,
    scope: &Scope,
    client: &Client,
    config: &watcher::Config,
) -> Clusters
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    controller.owns(scope.api::<PartialObjectMeta<K>>(client), config.clone())
}

#[expect(clippy::needless_pass_by_value, reason = "the signature is kube's")]
fn cluster_of(
    pod: PartialObjectMeta<Pod>,
) -> Option<ObjectRef<DeserializeGuard<AerospikeCluster>>> {
    let name = pod.labels().get(labels::CLUSTER)?;
    Some(ObjectRef::new(name).within(&pod.namespace()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of the nine watches fails when the API server goes, and once more before it is back.
    #[test]
    fn all_watches_are_tried_again_within_ten_seconds_of_an_outage() {
        let pauses: Duration = Steady.take(2 * 9).sum();
        assert!(pauses < Duration::from_secs(10), "{pauses:?}");
    }

    #[test]
    fn an_empty_list_of_namespaces_means_all() {
        let named = |name: &str| Scope::Namespace(name.to_owned());
        assert_eq!(Scope::parse(""), [Scope::All]);
        assert_eq!(Scope::parse("a, b"), [named("a"), named("b")]);
    }
}
