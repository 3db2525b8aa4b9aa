//! The Kubernetes clients that the whole process shares.

use std::time::Duration;

use kube::{Client, Config, client::ClientBuilder};
use tower::{limit::ConcurrencyLimitLayer, timeout::TimeoutLayer, util::option_layer};

use crate::leader::{
    Lease,
    gate::{Connections, Gate},
};

/// How long a call may wait for its answer to begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The same for what a replica needs for itself.
const OWN_ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Calls in flight at a time.
const IN_FLIGHT: usize = 64;

/// The ways to the API server.
#[derive(Clone)]
pub struct Clients {
    /// For the work on clusters: writes only while the lease is ours.
    pub work: Client,
    /// For what each replica needs for itself, such as the lease: never behind the work in the queue.
    pub own: Client,
}

impl Clients {
    /// Clients whose calls fail when the API server does not start to answer in time.
    ///
    /// kube itself waits for ever. Watches are not cut off: their headers come at once.
    ///
    /// # Errors
    ///
    /// If no cluster is configured, or its certificates cannot be used.
    pub async fn connect(lease: Lease) -> anyhow::Result<Self> {
        let config = Config::infer().await?;
        Ok(Self {
            work: build(config.clone(), Some(lease), ANSWER_WITHIN)?,
            own: build(config, None, OWN_ANSWER_WITHIN)?,
        })
    }
}

/// Writes only while `lease` is ours, if one is given; that is checked last, after all waiting.
fn build(config: Config, lease: Option<Lease>, answer_within: Duration) -> anyhow::Result<Client> {
    let builder = match &lease {
        Some(lease) => ClientBuilder::try_from((config, Connections(lease.clone())))?,
        None => ClientBuilder::try_from(config)?,
    };
    let builder = builder
        .with_layer(&option_layer(lease.map(Gate)))
        .with_layer(&TimeoutLayer::new(answer_within))
        .with_layer(&ConcurrencyLimitLayer::new(IN_FLIGHT));
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_server_that_never_answers_is_an_error() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let config = Config::new(url.parse().unwrap());
        let client = build(config, None, Duration::from_millis(50)).unwrap();
        let call = Api::<ConfigMap>::default_namespaced(client);
        let result = tokio::time::timeout(Duration::from_secs(5), call.get("c")).await;
        assert!(matches!(result, Ok(Err(kube::Error::Service(_)))));
    }
}
