//! `AerospikeCluster`: the desired state of one database cluster.
#![expect(
    clippy::duplicated_attributes,
    reason = "printer columns repeat their types"
)]

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Tree, access_control::AccessControl, client_cert::OperatorClientCert, crd, lenient,
    network::NetworkPolicy, operations::Operation, pod::PodSpec, racks::RackConfig,
    services::SeedsFinderServices, services::ServiceSpec, status::AerospikeClusterStatus,
    storage::StorageSpec,
};

/// Desired state of one database cluster.
#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[kube(
    group = "asdb.aerospike.com",
    version = "v1",
    kind = "AerospikeCluster",
    namespaced,
    status = "AerospikeClusterStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A database cluster.",
    scale(
        spec_replicas_path = ".spec.size",
        status_replicas_path = ".status.size",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Size", type_ = "string", json_path = ".spec.size"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(
        name = "MultiPodPerHost",
        type_ = "boolean",
        json_path = ".spec.podSpec.multiPodPerHost"
    ),
    printcolumn(
        name = "HostNetwork",
        type_ = "boolean",
        json_path = ".spec.podSpec.hostNetwork"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase")
)]
#[serde(rename_all = "camelCase")]
pub struct AerospikeClusterSpec {
    /// Number of database pods over all racks.
    #[schemars(range(min = 1, max = 256))]
    pub size: i32,

    /// Server image, with a tag that holds the version.
    #[schemars(length(min = 1))]
    pub image: String,

    /// How many pods a voluntary disruption may take away at once, as a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,

    /// No pod disruption budget is kept if true.
    #[serde(
        default,
        rename = "disablePDB",
        skip_serializing_if = "Option::is_none"
    )]
    pub disable_pdb: Option<bool>,

    /// Storage of every rack that has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,

    /// Roles and users of the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_access_control: Option<AccessControl>,

    /// Server configuration as a tree.
    #[schemars(schema_with = "crd::free_form")]
    pub aerospike_config: Tree,

    /// Applies changes of the configuration at run time where the server can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dynamic_config_update: Option<bool>,

    /// Switches for validations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = {"skipWorkDirValidate": false}))]
    pub validation_policy: Option<ValidationPolicy>,

    /// Racks, and how many of their pods are handled together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack_config: Option<RackConfig>,

    /// Addresses that the servers advertise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_network_policy: Option<NetworkPolicy>,

    /// Certificates that the operator uses to talk to the servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_client_cert: Option<OperatorClientCert>,

    /// Settings of the database pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_spec: Option<PodSpec>,

    /// Services through which clients find a first node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds_finder_services: Option<SeedsFinderServices>,

    /// Metadata of the headless service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headless_service: Option<ServiceSpec>,

    /// Metadata of the service of each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_service: Option<ServiceSpec>,

    /// Node ids that are kept out of the roster.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub roster_node_block_list: Vec<String>,

    /// Kubernetes nodes that carry no pod of this cluster.
    #[serde(
        default,
        rename = "k8sNodeBlockList",
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub k8s_node_block_list: Vec<String>,

    /// Suspends the operator's work on this cluster, deletion excepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,

    /// Operations go on while only a sidecar fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_sidecar_failure: Option<bool>,

    /// Operation on demand, at most one.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(max = 1))]
    pub operations: Vec<Operation>,

    /// Takes the rack id of each pod from its annotation `aerospike.com/override-rack-id`.
    #[serde(
        default,
        rename = "enableRackIDOverride",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_rack_id_override: Option<bool>,
}

/// Switches for validations.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationPolicy {
    /// The work directory need not be on a persistent volume.
    #[serde(default)]
    pub skip_work_dir_validate: bool,

    /// No effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_xdr_dlog_file_validate: Option<bool>,
}
