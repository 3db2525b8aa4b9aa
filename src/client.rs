//! The Kubernetes client that the whole process shares.

use std::time::Duration;

use kube::{Client, Config, client::ClientBuilder};
use tower::{limit::ConcurrencyLimitLayer, timeout::TimeoutLayer};

/// How long a call may wait for its answer to begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Calls in flight over all clusters.
const IN_FLIGHT: usize = 64;

/// A client whose calls fail when the API server does not start to answer in time.
///
/// kube itself waits for ever. Watches are not cut off: their headers come at once.
///
/// # Errors
///
/// If no cluster is configured, or its certificates cannot be used.
pub async fn connect() -> anyhow::Result<Client> {
    let config = Config::infer().await?;
    build(config, ANSWER_WITHIN)
}

fn build(config: Config, answer_within: Duration) -> anyhow::Result<Client> {
    let builder = ClientBuilder::try_from(config)?
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
        let client = build(Config::new(url.parse().unwrap()), Duration::from_millis(50)).unwrap();
        let call = Api::<ConfigMap>::default_namespaced(client);
        let result = tokio::time::timeout(Duration::from_secs(5), call.get("c")).await;
        assert!(matches!(result, Ok(Err(kube::Error::Service(_)))));
    }
}
