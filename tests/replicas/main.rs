//! What replicas of the operator share: the lease, and the webhooks' certificate. Against an API server that is a router.

#[path = "../reconcile/api_server.rs"]
#[expect(dead_code, reason = "the tests of passes use the rest")]
mod api_server;
mod certificate;
mod lease;
mod processes;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::time::sleep;

/// Waits until something is there.
async fn eventually<T, F>(what: &str, within: Duration, attempt: impl Fn() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let began = Instant::now();
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        assert!(began.elapsed() < within, "waited in vain: {what}");
        sleep(Duration::from_millis(50)).await;
    }
}
