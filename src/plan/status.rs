//! What is told about a cluster: the mirror of the spec that was rolled out, phase and conditions. A pure function of
//! what is desired, what is, what is next and what was told before.

pub mod conditions;

use crate::{
    api::{
        AerospikeClusterStatus,
        status::{Mirror, Phase},
    },
    finding::Finding,
    plan::{Observed, Plan, access_control, on_demand},
    resolve::Desired,
    resources::labels,
};
use conditions::Situation;

/// The status after a pass that looked at everything. `generation` is that of the spec.
#[must_use]
pub fn after_pass(
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
    generation: Option<i64>,
) -> AerospikeClusterStatus {
    let mut status = observed.status.clone();
    let wanted = Mirror::of(&desired.spec);
    if access_control::is_installed(desired, observed) && access_was_read(observed) {
        status
            .mirror
            .aerospike_access_control
            .clone_from(&wanted.aerospike_access_control);
    }
    if plan.is_rolled_out() {
        status.mirror = wanted.clone();
        status.is_readiness_probe_enabled = true;
    }
    on_demand::note(desired, observed, &mut status);
    let rolled_out = status.mirror == wanted;
    status.phase = Some(if rolled_out {
        Phase::Completed
    } else {
        Phase::InProgress
    });
    status.selector = Some(labels::cluster_selector(&desired.identity.name));
    let situation = Situation::of(desired, observed, plan, rolled_out);
    conditions::tell(&mut status, &situation, generation, observed.now);
    conditions::tell_available(&mut status, observed, generation);
    status
}

fn access_was_read(observed: &Observed) -> bool {
    matches!(observed.access, super::Access::Known { .. })
}

/// The status of a cluster whose spec breaks rules: nothing is rolled out, and the places are named.
#[must_use]
pub fn of_invalid(
    old: &AerospikeClusterStatus,
    findings: &[Finding],
    generation: Option<i64>,
    now: k8s_openapi::jiff::Timestamp,
) -> AerospikeClusterStatus {
    let places: Vec<_> = findings.iter().map(ToString::to_string).collect();
    let situation = Situation::Stalled {
        reason: "InvalidSpec",
        message: places.join("; "),
    };
    stalled(old, &situation, generation, now)
}

/// The status after a pass that failed.
#[must_use]
pub fn of_failure(
    old: &AerospikeClusterStatus,
    situation: &Situation,
    generation: Option<i64>,
    now: k8s_openapi::jiff::Timestamp,
) -> AerospikeClusterStatus {
    let mut status = stalled(old, situation, generation, now);
    status.phase = Some(Phase::Error);
    status
}

/// The status of a cluster that is not touched, for the reason in `situation`.
#[must_use]
pub fn stalled(
    old: &AerospikeClusterStatus,
    situation: &Situation,
    generation: Option<i64>,
    now: k8s_openapi::jiff::Timestamp,
) -> AerospikeClusterStatus {
    let mut status = old.clone();
    conditions::tell(&mut status, situation, generation, now);
    if situation.is_somebody_elses() {
        // A cluster of another operator is told by the lack of it.
        status.observed_generation = old.observed_generation;
    }
    status
}
