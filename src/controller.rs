//! The shell around the plan: one pass observes, decides, executes and reports, and says when to look again.

pub mod deletion;
pub mod error;
pub mod events;
pub mod execute;
pub mod guards;
pub mod observe;
pub mod report;
pub mod secrets;
pub mod servers;
pub mod watches;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        controller::Action,
        events::Recorder,
        finalizer::{self, finalizer},
    },
};

use crate::{
    admission::{self, Proposal},
    api::{AerospikeCluster, FINALIZER},
    finding::Finding,
    leader::Lease,
    plan::{self, Plan, status, status::conditions::Situation},
    resolve::{self, Settings},
    telemetry::{Metrics, chain},
};
pub use error::Error;

/// After effects: their events usually come first.
const AFTER_EFFECTS: Duration = Duration::from_millis(250);
/// While something is waited for that watches do not tell, such as servers.
const WHILE_WAITING: Duration = Duration::from_secs(1);
/// While pods are waited for, whose events wake us.
const WHILE_PODS_START: Duration = Duration::from_secs(10);
/// A settled cluster's servers are asked this often, spread by a fifth.
const WHEN_SETTLED: Duration = Duration::from_mins(1);
/// While a person has to act.
const WHILE_STALLED: Duration = Duration::from_secs(30);
/// The longest time between tries of a pass that fails.
const LONGEST_BACKOFF: Duration = Duration::from_mins(5);

/// Everything that a pass may touch.
pub struct Context {
    /// Kubernetes; what it writes passes the lease.
    pub client: Client,
    /// Whether what is not Kubernetes may be changed, and what disrupts.
    pub lease: Lease,
    /// Kubernetes events.
    pub recorder: Recorder,
    /// What the installation contributes.
    pub settings: Settings,
    /// What the process counts.
    pub metrics: Arc<Metrics>,
    /// Hashes of passwords, sessions with servers.
    pub secrets: secrets::Vault,
    /// Whether AKO leads here.
    pub ako: guards::AkoLeader,
    /// Failures in a row by cluster.
    pub failures: Mutex<HashMap<String, u32>>,
}

impl Context {
    fn failed(&self, cluster: &str) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(cluster.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    fn succeeded(&self, cluster: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(cluster);
    }
}

/// One pass over one cluster.
///
/// # Errors
///
/// If the API server refuses something unexpected; the pass is repeated with [`error_policy`].
#[tracing::instrument(skip_all, fields(namespace = cluster.namespace(), cluster = cluster.name_any()))]
pub async fn reconcile(
    cluster: Arc<DeserializeGuard<AerospikeCluster>>,
    context: Arc<Context>,
) -> Result<Action, Error> {
    let began = Instant::now();
    let key = key_of(&*cluster);
    let result = Box::pin(guarded(&cluster, &context)).await;
    let failure = result.as_ref().err().map(Error::reason);
    context.metrics.pass(began.elapsed().as_secs_f64(), failure);
    match &result {
        Ok(_) => context.succeeded(&key),
        Err(error) => {
            tracing::warn!(error = chain(error), reason = error.reason(), "Pass failed");
        }
    }
    result
}

fn key_of<K: ResourceExt>(cluster: &K) -> String {
    format!(
        "{}/{}",
        cluster.namespace().unwrap_or_default(),
        cluster.name_any()
    )
}

async fn guarded(
    cluster: &DeserializeGuard<AerospikeCluster>,
    context: &Context,
) -> Result<Action, Error> {
    let cluster = match &cluster.0 {
        Ok(cluster) => Arc::new(cluster.clone()),
        Err(invalid) => return deletion::unreadable(invalid, context).await,
    };
    let api = Api::namespaced(
        context.client.clone(),
        &cluster.namespace().unwrap_or_default(),
    );
    if cluster.metadata.deletion_timestamp.is_none() {
        if let Some(stalled) = guards::keep_off(&cluster, context) {
            return report::situation(&cluster, &stalled, context).await;
        }
        if cluster.spec.paused == Some(true) {
            return report::situation(&cluster, &Situation::Paused, context).await;
        }
    }
    let result = finalizer(&api, FINALIZER, cluster.clone(), |event| async {
        match event {
            finalizer::Event::Apply(cluster) => Box::pin(pass(&cluster, context)).await,
            finalizer::Event::Cleanup(cluster) => deletion::clean_up(&cluster, context).await,
        }
    })
    .await
    .map_err(Error::from);
    match result {
        // Somebody was first; the next pass decides anew.
        Err(error) if error.is_conflict() => Ok(Action::requeue(AFTER_EFFECTS)),
        Err(error) => {
            report::failed(&cluster, &error, context).await;
            Err(error)
        }
        done => done,
    }
}

/// When to try again after an error: later with every failure in a row.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "the signature is kube's")]
pub fn error_policy(
    cluster: Arc<DeserializeGuard<AerospikeCluster>>,
    error: &Error,
    context: Arc<Context>,
) -> Action {
    match error {
        Error::Unreadable(_) => Action::await_change(),
        _ => Action::requeue(backoff(context.failed(&key_of(&*cluster)))),
    }
}

/// 1 s, doubling with each failure in a row, to five minutes.
fn backoff(failures: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    (Duration::from_secs(1) * doubled).min(LONGEST_BACKOFF)
}

/// Brings `cluster` one step closer to its spec.
async fn pass(cluster: &AerospikeCluster, context: &Context) -> Result<Action, Error> {
    let now = Timestamp::now();
    let cluster = observe::fresh(cluster, context).await?;
    let Some(cluster) = cluster else {
        return Ok(Action::await_change());
    };
    let rolled_out = cluster.rolled_out();
    let proposal = Proposal::to_roll_out(&cluster, rolled_out.as_ref(), &context.settings);
    let findings = admission::check(&proposal).findings;
    let resolved = match resolve::resolve(&cluster, &context.settings) {
        Ok(_) if !findings.is_empty() => Err(findings),
        resolved => resolved,
    };
    let desired = match resolved {
        Ok(desired) => desired,
        Err(wrong) => {
            return Box::pin(invalid(&cluster, rolled_out, &wrong, now, context)).await;
        }
    };
    let observed = observe::observe(&cluster, &desired, now, context).await?;
    let plan = plan::next(&desired, &observed);
    tracing::debug!(?plan, "Planned");
    let executed = execute::execute(&desired, &observed, &plan, context).await;
    let status = status::after_pass(&desired, &observed, &plan, cluster.metadata.generation);
    executed?;
    report::report(&cluster, status, context).await?;
    Ok(Action::requeue(look_again_after(
        &plan,
        &desired.identity.uid,
    )))
}

/// Rolls nothing out, names what is wrong, and keeps up what runs.
async fn invalid(
    cluster: &AerospikeCluster,
    rolled_out: Option<AerospikeCluster>,
    findings: &[Finding],
    now: Timestamp,
    context: &Context,
) -> Result<Action, Error> {
    report::invalid(cluster, findings, now, context).await?;
    let desired = rolled_out.and_then(|old| resolve::resolve(&old, &context.settings).ok());
    let Some(desired) = desired else {
        return Ok(Action::await_change());
    };
    let observed = observe::observe(cluster, &desired, now, context).await?;
    let plan = plan::next(&desired, &observed).keeping_up(&observed);
    execute::execute(&desired, &observed, &plan, context).await?;
    Ok(Action::requeue(WHILE_STALLED))
}

fn look_again_after(plan: &Plan, uid: &str) -> Duration {
    if plan.is_done() {
        spread(WHEN_SETTLED, uid)
    } else if !plan.upkeep.is_empty() || plan.step.is_some() {
        AFTER_EFFECTS
    } else if plan.waits.iter().any(|wait| wait.reason.needs_a_person()) {
        WHILE_STALLED
    } else if plan.waits.iter().any(|wait| wait.reason.is_about_pods()) {
        WHILE_PODS_START
    } else {
        WHILE_WAITING
    }
}

/// `period` give or take a fifth, the same for the same cluster.
fn spread(period: Duration, uid: &str) -> Duration {
    let hash = uid.bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    period * (80 + hash % 41) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_are_repeated_ever_more_slowly() {
        let seconds: Vec<_> = (1..=4).map(|n| backoff(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8]);
        assert_eq!(backoff(1000), LONGEST_BACKOFF);
    }

    #[test]
    fn settled_clusters_are_looked_at_at_different_times() {
        for uid in ["a", "b", "0f3c-11"] {
            let seconds = spread(WHEN_SETTLED, uid).as_secs();
            assert!((48..=72).contains(&seconds));
        }
    }
}
