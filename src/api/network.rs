//! Addresses that the servers advertise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lenient;

/// Which addresses the servers advertise, and to what they bind fabric.
///
/// The order of the members is that of AKO's encoder, on which a hash depends.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Type of `access-address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "hostInternal"))]
    pub access: Option<AddressType>,

    /// Networks of `access` as `<namespace>/<name>`.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_access_network_names: Vec<String>,

    /// Type of `alternate-access-address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "hostExternal"))]
    pub alternate_access: Option<AddressType>,

    /// Networks of `alternateAccess`.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_alternate_access_network_names: Vec<String>,

    /// Type of `tls-access-address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "hostInternal"))]
    pub tls_access: Option<AddressType>,

    /// Networks of `tlsAccess`.
    #[serde(
        default,
        rename = "customTLSAccessNetworkNames",
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_tls_access_network_names: Vec<String>,

    /// Type of `tls-alternate-access-address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "hostExternal"))]
    pub tls_alternate_access: Option<AddressType>,

    /// Networks of `tlsAlternateAccess`.
    #[serde(
        default,
        rename = "customTLSAlternateAccessNetworkNames",
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_tls_alternate_access_network_names: Vec<String>,

    /// Binds fabric to chosen networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fabric: Option<FabricType>,

    /// Networks of `fabric`.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_fabric_network_names: Vec<String>,

    /// Binds TLS fabric to chosen networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fabric: Option<FabricType>,

    /// Networks of `tlsFabric`.
    #[serde(
        default,
        rename = "customTLSFabricNetworkNames",
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(length(min = 1))]
    pub custom_tls_fabric_network_names: Vec<String>,
}

/// Where an advertised address comes from.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum AddressType {
    /// The pod's IP.
    #[serde(rename = "pod")]
    Pod,
    /// The node's internal IP.
    #[serde(rename = "hostInternal")]
    HostInternal,
    /// The node's external IP.
    #[serde(rename = "hostExternal")]
    HostExternal,
    /// A label of the node.
    #[serde(rename = "configuredIP")]
    ConfiguredIp,
    /// An additional network of the pod.
    #[serde(rename = "customInterface")]
    CustomInterface,
}

/// To what fabric binds.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum FabricType {
    /// An additional network of the pod.
    #[serde(rename = "customInterface")]
    CustomInterface,
}
