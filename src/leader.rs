//! Runs work only while this process holds the lease.

use std::{future::Future, time::Duration};

use kube::Client;
use kube_lease_manager::{LeaseCreateMode, LeaseManagerBuilder};
use tokio_util::sync::CancellationToken;

/// Name of the lease. AKO's has another one, so that its holder can be told from us.
pub const LEASE: &str = "aerospike-operator";
/// How long a lease is held without renewal: seconds.
const DURATION: u64 = 15;
/// How long before its end the lease is given up if it could not be renewed: seconds.
const GRACE: u64 = 5;
/// How long the release of the lease may take.
const RELEASE_WITHIN: Duration = Duration::from_secs(1);

/// Waits for the lease, then runs `work` until it ends, the lease is lost or `stop` is cancelled. The lease is released.
///
/// # Errors
///
/// If the lease cannot be read or was lost; the process should exit and be restarted.
pub async fn while_leading<F>(
    client: Client,
    namespace: &str,
    identity: &str,
    stop: CancellationToken,
    work: F,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let builder = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(namespace)
        .with_identity(identity)
        .with_duration(DURATION)
        .with_grace(GRACE)
        .with_create_mode(LeaseCreateMode::AutoCreate);
    let built = async { anyhow::Ok(builder.build().await?.watch().await) };
    let (mut leading, task) = tokio::select! {
        built = built => built?,
        () = stop.cancelled() => return Ok(()),
    };
    let lost = async {
        if leading.wait_for(|leading| *leading).await.is_err() {
            anyhow::bail!("the lease task ended");
        }
        tracing::info!(identity, "Leading");
        tokio::select! {
            result = work => result,
            _ = leading.wait_for(|leading| !*leading) => anyhow::bail!("lost the lease"),
        }
    };
    let result = tokio::select! {
        result = lost => result,
        () = stop.cancelled() => Ok(()),
    };
    drop(leading);
    if let Ok(released) = tokio::time::timeout(RELEASE_WITHIN, task).await {
        released??;
    } else {
        tracing::warn!("The lease could not be released in time, and runs out");
    }
    result
}
