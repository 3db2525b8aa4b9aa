//! The effective spec: AKO's stored form, with every default, policy, merge and injection worked out. Idempotent, and
//! blind to `effective…` members that stand in its input.

mod quantities;

use k8s_openapi::{
    api::core::v1::PodSecurityContext, apimachinery::pkg::util::intstr::IntOrString,
};

use crate::{
    api::{
        AerospikeCluster, AerospikeClusterSpec, Tree,
        cluster::ValidationPolicy,
        network::{AddressType, NetworkPolicy},
        pod::PodSpec,
        racks::{Rack, RackConfig, RackPodSpec},
        services::ServiceSpec,
        storage::StorageSpec,
    },
    config::{self, inject},
    finding::{FieldPath, Finding, MOST_TOLD},
    resolve::{
        Settings, network,
        racks::{blame, rack_path},
        storage,
    },
};

/// A spec with everything effective, and what kept parts of it from being worked out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effective {
    /// The spec in AKO's stored form. Where a problem stands, the user's value is left.
    pub spec: AerospikeClusterSpec,
    /// What kept parts of it from being worked out.
    pub problems: Vec<Finding>,
}

/// Works out the effective spec of a custom resource.
#[must_use]
pub fn effective(cluster: &AerospikeCluster, _settings: &Settings) -> Effective {
    let name = cluster.metadata.name.as_deref().unwrap_or_default();
    let namespace = cluster.metadata.namespace.as_deref().unwrap_or_default();
    let mut spec = cluster.spec.clone();
    disruption_budget(&mut spec);
    validation_policy(&mut spec);
    network_policy(&mut spec, namespace);
    let storage = with_threads(spec.storage.get_or_insert_default());
    storage::fill_in(storage);
    storage::state_policies(storage);
    spec.seeds_finder_services.get_or_insert_default();
    for service in [&mut spec.headless_service, &mut spec.pod_service] {
        let ServiceSpec { metadata } = service.get_or_insert_default();
        metadata.get_or_insert_default();
    }
    pod_spec(spec.pod_spec.get_or_insert_default());
    quantities::canonical(&mut spec);
    roster_block_list(&mut spec.roster_node_block_list);
    let mut problems = default_rack(&mut spec);
    problems.extend(configuration(&mut spec, name));
    racks(&mut spec);
    Effective { spec, problems }
}

fn disruption_budget(spec: &mut AerospikeClusterSpec) {
    if spec.disable_pdb == Some(true) {
        spec.max_unavailable = None;
    } else {
        spec.max_unavailable.get_or_insert(IntOrString::Int(1));
    }
}

fn validation_policy(spec: &mut AerospikeClusterSpec) {
    spec.validation_policy.get_or_insert(ValidationPolicy {
        skip_work_dir_validate: false,
        skip_xdr_dlog_file_validate: None,
    });
}

fn network_policy(spec: &mut AerospikeClusterSpec, namespace: &str) {
    let policy = spec.aerospike_network_policy.get_or_insert_default();
    policy.access.get_or_insert(AddressType::HostInternal);
    policy
        .alternate_access
        .get_or_insert(AddressType::HostExternal);
    policy.tls_access.get_or_insert(AddressType::HostInternal);
    policy
        .tls_alternate_access
        .get_or_insert(AddressType::HostExternal);
    for names in network_names(policy) {
        for name in names {
            *name = network::whole_name(name, namespace);
        }
    }
}

fn network_names(policy: &mut NetworkPolicy) -> [&mut Vec<String>; 6] {
    [
        &mut policy.custom_access_network_names,
        &mut policy.custom_alternate_access_network_names,
        &mut policy.custom_tls_access_network_names,
        &mut policy.custom_tls_alternate_access_network_names,
        &mut policy.custom_fabric_network_names,
        &mut policy.custom_tls_fabric_network_names,
    ]
}

/// AKO's encoder drops a zero, and the schema's default of 1 takes its place.
fn with_threads(storage: &mut StorageSpec) -> &mut StorageSpec {
    if storage.cleanup_threads.unwrap_or(0) == 0 {
        storage.cleanup_threads = Some(1);
    }
    for volume in &mut storage.volumes {
        let source = volume.source.get_or_insert_default();
        if let Some(claim) = &mut source.persistent_volume {
            claim.metadata.get_or_insert_default();
        }
        if let Some(server) = &mut volume.aerospike {
            server.mount_options.get_or_insert_default();
        }
        for attachment in volume
            .sidecars
            .iter_mut()
            .chain(&mut volume.init_containers)
        {
            attachment.mount_options.get_or_insert_default();
        }
    }
    storage
}

fn pod_spec(pod: &mut PodSpec) {
    pod.aerospike_container.get_or_insert_default();
    pod.metadata.get_or_insert_default();
    pod.effective_dns_policy = Some(pod.dns_policy.clone().unwrap_or_else(|| {
        let policy = if pod.host_network == Some(true) {
            "ClusterFirstWithHostNet"
        } else {
            "ClusterFirst"
        };
        policy.to_owned()
    }));
    pod.security_context
        .get_or_insert_with(PodSecurityContext::default)
        .fs_group
        .get_or_insert(0);
    for container in pod.sidecars.iter_mut().chain(&mut pod.init_containers) {
        container.resources.get_or_insert_default();
    }
}

/// The server prints node ids in upper case without leading zeros.
fn roster_block_list(ids: &mut [String]) {
    for id in ids {
        id.make_ascii_uppercase();
        let zeros = id.len() - id.trim_start_matches('0').len();
        id.drain(..zeros);
    }
}

fn default_rack(spec: &mut AerospikeClusterSpec) -> Vec<Finding> {
    let config = spec.rack_config.get_or_insert_default();
    if config.racks.is_empty() {
        config.racks.push(Rack::default());
    }
    let several = config.racks.len() > 1;
    let reserved = |rack: &&Rack| rack.id == 0 && (several || is_customised(rack));
    config
        .racks
        .iter()
        .enumerate()
        .filter(|(_, rack)| reserved(rack))
        .map(|(index, rack)| {
            Finding::invalid(
                "DEF-06",
                rack_path(index, rack).child("id"),
                "invalid RackConfig: RackID 0 is reserved for the single rack that is there when none is given; \
                 use an id from 1 to 1000000",
            )
        })
        .collect()
}

fn is_customised(rack: &Rack) -> bool {
    [&rack.zone, &rack.region, &rack.rack_label, &rack.node_name]
        .iter()
        .any(|placement| placement.as_deref().is_some_and(|text| !text.is_empty()))
        || rack.aerospike_config.is_some()
        || rack.storage.is_some()
        || rack.pod_spec.is_some()
}

/// Works out the cluster's configuration, then that of every rack.
fn configuration(spec: &mut AerospikeClusterSpec, name: &str) -> Vec<Finding> {
    let client = spec
        .operator_client_cert
        .as_ref()
        .and_then(|cert| cert.tls_client_name.clone());
    let Some(rack_config) = &mut spec.rack_config else {
        return Vec::new();
    };
    let RackConfig {
        namespaces, racks, ..
    } = rack_config;
    let namespaces = namespaces.iter().map(String::as_str).collect();
    let context = |rack_id| inject::Context {
        cluster_name: name,
        rack_id,
        rack_namespaces: &namespaces,
        client_name: client.as_deref(),
    };
    let global = FieldPath::spec().child("aerospikeConfig");
    let problems = inject::defaults(&mut spec.aerospike_config, &context(None));
    let mut findings: Vec<_> = problems
        .into_iter()
        .map(|problem| problem.into_finding(|path| global.join(path)))
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    for (index, rack) in racks.iter_mut().enumerate() {
        if findings.len() >= MOST_TOLD {
            break;
        }
        match rack_configuration(&spec.aerospike_config, rack, &context(Some(rack.id))) {
            Ok(tree) => rack.effective_aerospike_config = Some(tree),
            Err(problems) => findings.extend(problems.into_iter().map(|problem| {
                problem.into_finding(|path| blame(&spec.aerospike_config, index, rack, path))
            })),
        }
    }
    findings
}

fn rack_configuration(
    global: &Tree,
    rack: &Rack,
    context: &inject::Context<'_>,
) -> Result<Tree, Vec<config::Problem>> {
    let mut tree = match &rack.aerospike_config {
        Some(own) => config::merge::merge(global, own)?,
        None => global.clone(),
    };
    let problems = inject::defaults(&mut tree, context);
    if problems.is_empty() {
        Ok(tree)
    } else {
        Err(problems)
    }
}

fn racks(spec: &mut AerospikeClusterSpec) {
    let Some(config) = &mut spec.rack_config else {
        return;
    };
    for rack in &mut config.racks {
        let storage = rack.storage.as_ref().or(spec.storage.as_ref());
        let mut storage = storage.cloned().unwrap_or_default();
        storage::fill_in(with_threads(&mut storage));
        if let Some(own) = &mut rack.storage {
            share_volumes(own, &storage);
        }
        rack.effective_storage = Some(storage);
        let scheduling = rack.pod_spec.clone();
        let of_cluster = || spec.pod_spec.as_ref().map(scheduled).unwrap_or_default();
        rack.effective_pod_spec = Some(scheduling.unwrap_or_else(of_cluster));
    }
}

fn scheduled(pod: &PodSpec) -> RackPodSpec {
    RackPodSpec {
        affinity: pod.affinity.clone(),
        tolerations: pod.tolerations.clone(),
        node_selector: pod.node_selector.clone(),
    }
}

/// In AKO's stored form a rack's own storage has the volumes of the one in force, and policies without computed members.
fn share_volumes(own: &mut StorageSpec, in_force: &StorageSpec) {
    own.volumes.clone_from(&in_force.volumes);
    own.cleanup_threads = in_force.cleanup_threads;
    for policy in [
        &mut own.filesystem_volume_policy,
        &mut own.block_volume_policy,
    ] {
        let policy = policy.get_or_insert_default();
        policy.effective_init_method = None;
        policy.effective_wipe_method = None;
        policy.effective_cascade_delete = None;
    }
}

/// Where a rack's storage stands: in the rack if it has its own, else in the cluster's.
#[must_use]
pub fn storage_path(index: usize, rack: &Rack) -> FieldPath {
    if rack.storage.is_some() {
        rack_path(index, rack).child("storage")
    } else {
        FieldPath::spec().child("storage")
    }
}
