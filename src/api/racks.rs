//! Racks and how they are worked on.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Affinity, Toleration},
    apimachinery::pkg::util::intstr::IntOrString,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Tree, crd, lenient, storage::StorageSpec};

/// Racks, and how many of their pods are handled together.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RackConfig {
    /// Database namespaces that are spread over racks.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub namespaces: Vec<String>,

    /// The racks; one with id 0 if there is none.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub racks: Vec<Rack>,

    /// Pods of a rack that restart together, as a number or a percentage of the rack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update_batch_size: Option<IntOrString>,

    /// Pods of a rack that are removed together, as a number or a percentage of the rack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_down_batch_size: Option<IntOrString>,

    /// Failed or pending pods of a rack that operations do without, as a number or a percentage of the rack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ignorable_pods: Option<IntOrString>,
}

/// One rack. The `effective…` members are computed, never read.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rack {
    /// Number of the rack; 0 is the one that is there when none is given.
    #[schemars(schema_with = "crd::rack_id")]
    pub id: i64,

    /// Version of the rack; another one moves the rack to a new `StatefulSet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,

    /// Zone of the rack's nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,

    /// Region of the rack's nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// Value of the node label `aerospike.com/rack-label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rack_label: Option<String>,

    /// The one node of the rack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,

    /// Changes to the cluster's configuration for this rack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::free_form")]
    pub aerospike_config: Option<Tree>,

    /// Configuration in force, as rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crd::free_form")]
    pub effective_aerospike_config: Option<Tree>,

    /// Storage in the place of the cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageSpec>,

    /// Storage in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_storage: Option<StorageSpec>,

    /// Scheduling in the place of the cluster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_spec: Option<RackPodSpec>,

    /// Scheduling in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_pod_spec: Option<RackPodSpec>,

    /// Takes every node of the rack out of the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_block_from_roster: Option<bool>,
}

/// Where a rack's pods may run.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RackPodSpec {
    /// Affinities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,

    /// Taints that the pods tolerate.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tolerations: Vec<Toleration>,

    /// Labels that the node has.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub node_selector: BTreeMap<String, String>,
}
