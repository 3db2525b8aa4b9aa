//! Between a spec and its mirror in the status.

use super::{AerospikeCluster, AerospikeClusterSpec, length, racks::Rack, status::Mirror};

/// Above this many bytes the effective configurations are left out of the mirror; the racks' `ConfigMap`s hold them.
pub const MIRROR_LIMIT: usize = 256 << 10;

impl AerospikeCluster {
    /// The cluster as it was last rolled out completely; none if it never was.
    #[must_use]
    pub fn rolled_out(&self) -> Option<Self> {
        let status = self.status.as_ref()?;
        let mut spec = status.mirror.spec()?;
        if status.operation_in_progress.is_some() {
            // What the mirror has of it is how far it got.
            spec.operations.clear();
        }
        Some(Self {
            metadata: self.metadata.clone(),
            spec,
            status: Some(status.clone()),
        })
    }
}

impl Mirror {
    /// The mirror of a resolved spec.
    #[must_use]
    pub fn of(spec: &AerospikeClusterSpec) -> Self {
        let spec = spec.clone();
        let mut mirror = Self {
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

    /// Whether it is the mirror of `spec`, which is a resolved one.
    #[must_use]
    pub fn stands_for(&self, spec: &AerospikeClusterSpec) -> bool {
        self.size == Some(spec.size)
            && self.image.as_ref() == Some(&spec.image)
            && self.max_unavailable == spec.max_unavailable
            && self.disable_pdb == spec.disable_pdb
            && self.storage == spec.storage
            && self.aerospike_access_control == spec.aerospike_access_control
            && self.aerospike_config.as_ref() == Some(&spec.aerospike_config)
            && self.enable_dynamic_config_update == spec.enable_dynamic_config_update
            && self.enable_rack_id_override == spec.enable_rack_id_override
            && self.ignore_sidecar_failure == spec.ignore_sidecar_failure
            && self.validation_policy == spec.validation_policy
            && self.aerospike_network_policy == spec.aerospike_network_policy
            && self.operator_client_cert_spec == spec.operator_client_cert
            && self.pod_spec == spec.pod_spec
            && self.seeds_finder_services == spec.seeds_finder_services
            && self.headless_service == spec.headless_service
            && self.pod_service == spec.pod_service
            && self.roster_node_block_list == spec.roster_node_block_list
            && self.k8s_node_block_list == spec.k8s_node_block_list
            && self.operations == spec.operations
            && self.holds_racks_of(spec)
    }

    /// Effective configurations may have been left out.
    fn holds_racks_of(&self, spec: &AerospikeClusterSpec) -> bool {
        let racks = self.rack_config.as_ref().map_or(&[][..], |own| &own.racks);
        let left_out = |rack: &Rack| rack.effective_aerospike_config.is_none();
        if racks.iter().any(left_out) {
            Self::of(spec).rack_config == self.rack_config
        } else {
            self.rack_config == spec.rack_config
        }
    }

    /// The spec that it stands for, to compare a new spec with; none before the first roll-out.
    #[must_use]
    pub fn spec(&self) -> Option<AerospikeClusterSpec> {
        let mirror = self.clone();
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
}

fn shrink(mirror: &mut Mirror) {
    let Some(racks) = &mut mirror.rack_config else {
        return;
    };
    if length::json(racks) > MIRROR_LIMIT {
        for rack in &mut racks.racks {
            rack.effective_aerospike_config = None;
        }
    }
}
