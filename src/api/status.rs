//! What is known of a cluster: the mirror of the last spec that was rolled out, its pods, and the conditions.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::ResourceRequirements,
    apimachinery::pkg::{
        apis::meta::v1::{Condition, Time},
        util::intstr::IntOrString,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Tree, access_control::AccessControl, client_cert::OperatorClientCert,
    cluster::ValidationPolicy, crd, lenient, network::NetworkPolicy, operations::Operation,
    operations::OperationInProgress, pod::PodSpec, racks::RackConfig,
    services::SeedsFinderServices, services::ServiceSpec, storage::StorageSpec,
};

/// Observed state of one database cluster.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AerospikeClusterStatus {
    /// The last spec that was rolled out completely, in resolved form.
    #[serde(flatten)]
    pub mirror: Mirror,

    /// Every server container has a readiness probe.
    #[serde(default)]
    pub is_readiness_probe_enabled: bool,

    /// Each pod, as its init container reported it, keyed by name.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub pods: BTreeMap<String, PodStatus>,

    /// One word for `kubectl get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// Label selector of the pods, for the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,

    /// The operation on demand that goes on, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_in_progress: Option<OperationInProgress>,

    /// The generation that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions, keyed by type.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(schema_with = "crd::conditions")]
    pub conditions: Vec<Condition>,
}

/// The last spec that was rolled out completely, in AKO's stored form.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mirror {
    /// Number of database pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i32>,

    /// Server image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Budget for voluntary disruptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unavailable: Option<IntOrString>,

    /// No pod disruption budget is kept if true.
    #[serde(
        default,
        rename = "disablePDB",
        skip_serializing_if = "Option::is_none"
    )]
    pub disable_pdb: Option<bool>,

    /// Never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_pod_per_host: Option<bool>,

    /// Storage of the racks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,

    /// Roles and users as they are installed on the servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_access_control: Option<AccessControl>,

    /// Server configuration; absent until a cluster was rolled out for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::free_form")]
    pub aerospike_config: Option<Tree>,

    /// Changes at run time are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dynamic_config_update: Option<bool>,

    /// Rack ids come from the pods' annotations.
    #[serde(
        default,
        rename = "enableRackIDOverride",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_rack_id_override: Option<bool>,

    /// Operations go on while only a sidecar fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_sidecar_failure: Option<bool>,

    /// Never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Switches for validations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_policy: Option<ValidationPolicy>,

    /// Racks with everything in force for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack_config: Option<RackConfig>,

    /// Addresses that the servers advertise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_network_policy: Option<NetworkPolicy>,

    /// Certificates of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_client_cert_spec: Option<OperatorClientCert>,

    /// Settings of the pods.
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
    pub k8s_node_block_list: Vec<String>,

    /// Operations that were carried out.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub operations: Vec<Operation>,
}

/// One word for `kubectl get`.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum Phase {
    /// Work is left to do.
    InProgress,
    /// The spec was rolled out.
    Completed,
    /// The last pass failed.
    Error,
}

/// One pod, as its init container reported it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// Image of the server container.
    pub image: String,

    /// Image of the init container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_image: Option<String>,

    /// IP of the pod.
    #[serde(rename = "podIP")]
    pub pod_ip: String,

    /// Internal IP of the node.
    #[serde(
        default,
        rename = "hostInternalIP",
        skip_serializing_if = "Option::is_none"
    )]
    pub host_internal_ip: Option<String>,

    /// External IP of the node.
    #[serde(
        default,
        rename = "hostExternalIP",
        skip_serializing_if = "Option::is_none"
    )]
    pub host_external_ip: Option<String>,

    /// Port of the server; the TLS one if there is one.
    pub pod_port: i64,

    /// Port by which the server is reached through its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_port: Option<i32>,

    /// Port for administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_admin_port: Option<i32>,

    /// Port for administration through the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_admin_port: Option<i32>,

    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike: Option<InstanceSummary>,

    /// Volumes that were prepared, as `<volume>@<claim uid>`.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub initialized_volumes: Vec<String>,

    /// Volumes whose data is to be erased before a namespace uses them again.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub dirty_volumes: Vec<String>,

    /// Hash of the configuration that the pod runs.
    pub aerospike_config_hash: String,

    /// Hash of the network policy that the pod runs.
    pub network_policy_hash: String,

    /// Hash of the pod settings that the pod runs.
    pub pod_spec_hash: String,

    /// How the last change at run time ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_config_update_status: Option<DynamicConfigUpdateStatus>,

    /// Parameters that may have been set at run time, and are not in the pod's own file yet.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub dynamic_config_parameters: Vec<String>,

    /// The last time that the operator restarted the pod or its server, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_restart: Option<LastRestart>,

    /// The rack id came from an annotation.
    #[serde(
        default,
        rename = "rackIDOverridden",
        skip_serializing_if = "Option::is_none"
    )]
    pub rack_id_overridden: Option<bool>,
}

/// A restart of a pod, or of the server in it, by the operator.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRestart {
    /// When it was decided.
    pub time: Time,

    /// What it was restarted for, as events call it.
    pub reasons: Vec<String>,

    /// How far the restart of the server in its pod came; absent where the pod was made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_restart: Option<WarmRestart>,
}

/// How far a restart of a server in its pod came.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum WarmRestart {
    /// It was decided. What is in the pod's file, and whether its server was told to end, is not known.
    Begun,
    /// The file is as the pod's hash says, and the server was told to end.
    Told,
    /// The server is back.
    Done,
}

/// How the last change of the configuration at run time ended, if not well.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum DynamicConfigUpdateStatus {
    /// No command succeeded.
    Failed,
    /// Some commands succeeded.
    PartiallyFailed,
    /// All is well.
    #[serde(rename = "")]
    Empty,
}

/// A server as its pod's init container configured it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceSummary {
    /// Name of the cluster.
    pub cluster_name: String,

    /// Id of the node.
    #[serde(rename = "nodeID")]
    pub node_id: String,

    /// Id of the rack.
    #[serde(default, rename = "rackID", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::integer")]
    pub rack_id: Option<i64>,

    /// TLS name of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,

    /// Advertised addresses as `ip:port`.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub access_endpoints: Vec<String>,

    /// Alternate advertised addresses.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub alternate_access_endpoints: Vec<String>,

    /// Advertised addresses for TLS.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tls_access_endpoints: Vec<String>,

    /// Alternate advertised addresses for TLS.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tls_alternate_access_endpoints: Vec<String>,
}
