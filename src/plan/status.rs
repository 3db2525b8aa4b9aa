//! What is told about a cluster: the mirror of the spec that was rolled out, phase and conditions. A pure function of
//! what is desired, what is, what is next and what was told before.

pub mod conditions;

use crate::{
    api::{
        AerospikeClusterSpec, AerospikeClusterStatus,
        status::{Mirror, Phase},
    },
    finding::Finding,
    plan::{Observed, Plan, access_control},
    resolve::Desired,
    resources::labels,
};
use conditions::Situation;

/// Above this many bytes the effective configurations are left out of the mirror; the racks' `ConfigMap`s hold them.
const MIRROR_LIMIT: usize = 256 << 10;

/// The mirror of a resolved spec.
#[must_use]
pub fn mirror(spec: &AerospikeClusterSpec) -> Mirror {
    let spec = spec.clone();
    let mut mirror = Mirror {
        size: Some(spec.size),
        image: Some(spec.image),
        max_unavailable: spec.max_unavailable,
        disable_pdb: spec.disable_pdb,
        multi_pod_per_host: None,
        storage: spec.storage,
        aerospike_access_control: spec.aerospike_access_control,
        aerospike_config: Some(spec.aerospike_config),
        enable_dynamic_config_update: spec.enable_dynamic_config_update,
        enable_rack_id_override: spec.enable_rack_id_override,
        ignore_sidecar_failure: spec.ignore_sidecar_failure,
        resources: None,
        validation_policy: spec.validation_policy,
        rack_config: spec.rack_config,
        aerospike_network_policy: spec.aerospike_network_policy,
        operator_client_cert_spec: spec.operator_client_cert,
        pod_spec: spec.pod_spec,
        seeds_finder_services: spec.seeds_finder_services,
        headless_service: spec.headless_service,
        pod_service: spec.pod_service,
        roster_node_block_list: spec.roster_node_block_list,
        k8s_node_block_list: spec.k8s_node_block_list,
        operations: spec.operations,
    };
    shrink(&mut mirror);
    mirror
}

fn shrink(mirror: &mut Mirror) {
    let Some(racks) = &mut mirror.rack_config else {
        return;
    };
    let size = serde_json::to_vec(&*racks).map_or(0, |bytes| bytes.len());
    if size > MIRROR_LIMIT {
        for rack in &mut racks.racks {
            rack.effective_aerospike_config = None;
        }
    }
}

/// The spec that a mirror stands for, to compare a new spec with; none before the first roll-out.
#[must_use]
pub fn mirrored_spec(status: &AerospikeClusterStatus) -> Option<AerospikeClusterSpec> {
    let mirror = status.mirror.clone();
    Some(AerospikeClusterSpec {
        size: mirror.size?,
        image: mirror.image?,
        max_unavailable: mirror.max_unavailable,
        disable_pdb: mirror.disable_pdb,
        storage: mirror.storage,
        aerospike_access_control: mirror.aerospike_access_control,
        aerospike_config: mirror.aerospike_config?,
        enable_dynamic_config_update: mirror.enable_dynamic_config_update,
        validation_policy: mirror.validation_policy,
        rack_config: mirror.rack_config,
        aerospike_network_policy: mirror.aerospike_network_policy,
        operator_client_cert: mirror.operator_client_cert_spec,
        pod_spec: mirror.pod_spec,
        seeds_finder_services: mirror.seeds_finder_services,
        headless_service: mirror.headless_service,
        pod_service: mirror.pod_service,
        roster_node_block_list: mirror.roster_node_block_list,
        k8s_node_block_list: mirror.k8s_node_block_list,
        paused: None,
        ignore_sidecar_failure: mirror.ignore_sidecar_failure,
        operations: mirror.operations,
        enable_rack_id_override: mirror.enable_rack_id_override,
    })
}

/// The status after a pass that looked at everything. `generation` is that of the spec.
#[must_use]
pub fn after_pass(
    desired: &Desired,
    observed: &Observed,
    plan: &Plan,
    generation: Option<i64>,
) -> AerospikeClusterStatus {
    let mut status = observed.status.clone();
    let wanted = mirror(&desired.spec);
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
    let rolled_out = status.mirror == wanted;
    status.phase = Some(if rolled_out {
        Phase::Completed
    } else {
        Phase::InProgress
    });
    status.selector = Some(labels::cluster_selector(&desired.identity.name));
    let situation = Situation::of(observed, plan, rolled_out);
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
