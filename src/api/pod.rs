//! Settings of the database pods.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, LocalObjectReference, PodDNSConfig, PodSecurityContext,
    ResourceRequirements, SecurityContext, Toleration,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{lenient, storage::ObjectMetadata};

/// Settings of the database pods.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// The server container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_container: Option<ServerContainer>,

    /// The container that prepares a pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike_init_container: Option<InitContainer>,

    /// Labels and annotations of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ObjectMetadata>,

    /// Containers beside the server.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub sidecars: Vec<Container>,

    /// Further init containers; one named `aerospike-init` marks the place of ours.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub init_containers: Vec<Container>,

    /// Affinities of every rack that has none of its own.
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

    /// Several pods of this cluster may share a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_pod_per_host: Option<bool>,

    /// The pods use their node's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_network: Option<bool>,

    /// DNS policy of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_policy: Option<String>,

    /// DNS policy in force, computed.
    #[serde(
        default,
        rename = "effectiveDNSPolicy",
        skip_serializing_if = "Option::is_none"
    )]
    pub effective_dns_policy: Option<String>,

    /// DNS settings of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<PodDNSConfig>,

    /// Security settings of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<PodSecurityContext>,

    /// Secrets for pulling images.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub image_pull_secrets: Vec<LocalObjectReference>,
}

/// Settings of the server container.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerContainer {
    /// Security settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,

    /// Requests and limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}

/// Settings of the container that prepares a pod.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InitContainer {
    /// Registry of its image; empty counts as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_registry: Option<String>,

    /// Path inside the registry; may be empty on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_registry_namespace: Option<String>,

    /// Name and tag; empty counts as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name_and_tag: Option<String>,

    /// Security settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,

    /// Requests and limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}
