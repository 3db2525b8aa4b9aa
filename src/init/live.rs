//! The few objects that the program reads and writes in the API, each by name, with patience.

use std::{
    collections::hash_map::DefaultHasher,
    future::Future,
    hash::{Hash, Hasher},
    time::Duration,
};

use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod, Service};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::{environment::Environment, status};
use crate::{
    api::{AerospikeCluster, status::PodStatus},
    resources::labels::{CONFIG_TEMPLATE, RENDERED_CONFIG},
};

/// Field manager of everything that the program writes.
const FIELD_MANAGER: &str = "pod";
/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(10);

/// An object could not be read or written.
#[derive(Debug, Error)]
pub enum LiveError {
    /// The API refused or did not answer.
    #[error("failed to {verb} {kind} {name}{advice}")]
    Api {
        /// What was tried.
        verb: &'static str,
        /// Kind of the object.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What would help, if known.
        advice: &'static str,
        /// Why.
        source: Box<kube::Error>,
    },
    /// A change could not be written down.
    #[error("the change of {name} is not a JSON patch")]
    Patch {
        /// Name of the object.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// How long to go on trying.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A call that is refused for now, since a new pod's name may reach its role after the pod starts.
    pub reads: Duration,
    /// The report in the cluster's status.
    pub report: Duration,
    /// The wait after the first attempt; it doubles.
    pub first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            reads: Duration::from_mins(1),
            report: Duration::from_mins(2),
            first_wait: Duration::from_millis(500),
        }
    }
}

impl Patience {
    /// The wait after `attempt`: doubling, and spread by half so that the pods of a cluster do not come all at once.
    fn wait(&self, pod: &str, attempt: u32) -> Duration {
        let full = self.first_wait.saturating_mul(1 << attempt.min(16));
        let mut hasher = DefaultHasher::new();
        (pod, attempt).hash(&mut hasher);
        let percent = 50 + u32::try_from(hasher.finish() % 51).unwrap_or(0);
        full.min(LONGEST) * percent / 100
    }
}

/// The API as the pod may use it.
#[derive(Clone)]
pub struct Live {
    client: Client,
    environment: Environment,
    patience: Patience,
}

impl Live {
    /// Reads and writes as the pod of `environment`.
    #[must_use]
    pub fn new(client: Client, environment: Environment, patience: Patience) -> Self {
        Self {
            client,
            environment,
            patience,
        }
    }

    /// The pod's custom resource, untyped: what another version wrote there must not stop a server.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn cluster(&self) -> Result<Value, LiveError> {
        let api = self.clusters();
        let name = &self.environment.cluster;
        let cluster = self
            .read("AerospikeCluster", name, || api.get(name))
            .await?;
        Ok(json!({
            "metadata": cluster.metadata,
            "status": cluster.data.get("status"),
        }))
    }

    /// The pod itself.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn pod(&self) -> Result<Pod, LiveError> {
        let api: Api<Pod> = self.namespaced();
        let name = &self.environment.pod;
        self.read("Pod", name, || api.get(name)).await
    }

    /// The pod's service.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn service(&self) -> Result<Service, LiveError> {
        let api: Api<Service> = self.namespaced();
        let name = &self.environment.pod;
        self.read("Service", name, || api.get(name)).await
    }

    /// A claim of the pod.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn claim(&self, name: &str) -> Result<PersistentVolumeClaim, LiveError> {
        let api: Api<PersistentVolumeClaim> = self.namespaced();
        self.read("PersistentVolumeClaim", name, || api.get(name))
            .await
    }

    /// The pod's node.
    ///
    /// # Errors
    ///
    /// It could not be read.
    pub async fn node(&self, name: &str) -> Result<Node, LiveError> {
        let api: Api<Node> = Api::all(self.client.clone());
        self.read("Node", name, || api.get(name)).await
    }

    /// Shows on the pod the configuration and the template that it was made of. What is too large is left out, an older
    /// one removed: without it changes need a restart, with a wrong one they would be missed.
    ///
    /// # Errors
    ///
    /// The pod could not be written.
    pub async fn annotate(&self, config: &str, template: &str) -> Result<(), LiveError> {
        let (config, template) = (json!(config), json!(template));
        let choices = [
            (&config, &template),
            (&config, &Value::Null),
            (&Value::Null, &Value::Null),
        ];
        for (config, template) in choices {
            match self.annotations(config, template).await {
                Err(LiveError::Api { source, .. }) if is_too_large(&source) => {
                    tracing::warn!(
                        "the configuration is too large for the annotations of a pod; changes of it will need restarts"
                    );
                }
                annotated => return annotated,
            }
        }
        Ok(())
    }

    async fn annotations(&self, config: &Value, template: &Value) -> Result<(), LiveError> {
        let api: Api<Pod> = self.namespaced();
        let annotations = json!({RENDERED_CONFIG: config, CONFIG_TEMPLATE: template});
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        let name = &self.environment.pod;
        let parameters = parameters();
        let written = self
            .patiently(|| api.patch_metadata(name, &parameters, &patch))
            .await;
        written.map(drop).map_err(failed("annotate", "Pod", name))
    }

    /// Puts the pod's entry into the status of its cluster.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub async fn report(&self, entry: &PodStatus) -> Result<(), LiveError> {
        let name = &self.environment.cluster;
        let deadline = Instant::now() + self.patience.report;
        for attempt in 0.. {
            let cluster = self.cluster().await?;
            match self.write_status(&cluster, entry).await? {
                Ok(()) => break,
                Err(error) if is_gone(&error) || Instant::now() >= deadline => {
                    return Err(failed("patch the status of", "AerospikeCluster", name)(
                        error,
                    ));
                }
                Err(error) => self.pause(attempt, &error).await,
            }
        }
        Ok(())
    }

    async fn write_status(
        &self,
        cluster: &Value,
        entry: &PodStatus,
    ) -> Result<Result<(), kube::Error>, LiveError> {
        let name = &self.environment.cluster;
        let patch = status::patch(cluster, &self.environment.pod, entry);
        let patch = serde_json::from_value(patch).map_err(|source| LiveError::Patch {
            name: name.clone(),
            source,
        })?;
        let written = self
            .clusters()
            .patch_status(name, &parameters(), &Patch::Json::<()>(patch))
            .await;
        Ok(written.map(drop))
    }

    fn clusters(&self) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<AerospikeCluster>(&());
        Api::namespaced_with(self.client.clone(), &self.environment.namespace, &resource)
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.environment.namespace)
    }

    async fn read<T, F>(
        &self,
        kind: &'static str,
        name: &str,
        call: impl Fn() -> F,
    ) -> Result<T, LiveError>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        self.patiently(call)
            .await
            .map_err(failed("read", kind, name))
    }

    async fn patiently<T, F>(&self, call: impl Fn() -> F) -> Result<T, kube::Error>
    where
        F: Future<Output = Result<T, kube::Error>>,
    {
        let deadline = Instant::now() + self.patience.reads;
        let mut attempt = 0;
        loop {
            match call().await {
                Err(error) if passes(&error) && Instant::now() < deadline => {
                    self.pause(attempt, &error).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn pause(&self, attempt: u32, error: &kube::Error) {
        let wait = self.patience.wait(&self.environment.pod, attempt);
        tracing::info!("trying again in {} ms: {error}", wait.as_millis());
        sleep(wait).await;
    }
}

fn parameters() -> PatchParams {
    PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

/// What may be different in a moment.
fn passes(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            status.is_forbidden() || status.code == 429 || (status.code >= 500 && !large(status))
        }
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

fn is_too_large(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 413 || status.code == 422 || large(status))
}

/// The store behind the API has a limit of its own, and reports it as a failure of the server.
fn large(status: &kube::core::Status) -> bool {
    status.message.contains("request is too large")
}

fn failed(
    verb: &'static str,
    kind: &'static str,
    name: &str,
) -> impl FnOnce(kube::Error) -> LiveError {
    let name = name.to_owned();
    move |source| LiveError::Api {
        verb,
        kind,
        name,
        advice: advice(kind, &source),
        source: Box::new(source),
    }
}

const FORBIDDEN: &str = ": the role that the operator makes for the cluster does not allow it; see the operator's log for why it is out of date";
const FORBIDDEN_NODE: &str = ": the pod's service account must be a subject of the ClusterRoleBinding of aerospike-operator-node-reader; install it from the operator's manifests";
const NO_SERVICE: &str = ": the operator makes a service for each pod with multiPodPerHost; see its log for why it is missing";

fn advice(kind: &str, error: &kube::Error) -> &'static str {
    match (kind, error) {
        ("Node", kube::Error::Api(status)) if status.is_forbidden() => FORBIDDEN_NODE,
        (_, kube::Error::Api(status)) if status.is_forbidden() => FORBIDDEN,
        ("Service", kube::Error::Api(status)) if status.is_not_found() => NO_SERVICE,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let patience = Patience::default();
        for attempt in 0..40 {
            let full = Duration::from_millis(500 << attempt.min(10)).min(LONGEST);
            let wait = patience.wait("c-1-0", attempt);
            assert!(full / 2 <= wait && wait <= full, "{attempt}: {wait:?}");
        }
        assert_ne!(patience.wait("c-1-0", 9), patience.wait("c-1-1", 9));
    }
}
