//! `init.json` in the rack's `ConfigMap`: all that the init container needs to know of the resolved spec.
//!
//! Members are only ever added, so that an older init container reads what a newer operator writes.

use serde::{Deserialize, Serialize};

use crate::api::{
    network::AddressType,
    storage::{InitMethod, WipeMethod},
};

/// Key of the document in the rack's `ConfigMap`.
pub const KEY: &str = "init.json";
/// The version that this build writes.
pub const VERSION: u32 = 1;

/// All that the init container needs to know of the resolved spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitDocument {
    /// Version of the document.
    pub version: u32,
    /// Name of the custom resource, which is the cluster's name.
    pub cluster: String,
    /// Image of the server.
    pub server_image: String,
    /// Number of the rack.
    pub rack_id: i64,
    /// Revision of the rack, empty if it has none.
    #[serde(default)]
    pub rack_revision: String,
    /// The rack id comes from the pod's annotation.
    #[serde(default)]
    pub rack_id_override: bool,
    /// Ports and addresses.
    pub network: NetworkDocument,
    /// The folder of the server's own state.
    pub work_directory: String,
    /// How many block volumes are prepared at once.
    pub cleanup_threads: u32,
    /// The volumes.
    pub volumes: Vec<VolumeDocument>,
    /// Devices of all namespaces, shadow devices among them, as paths in the server container.
    #[serde(default)]
    pub devices: Vec<String>,
}

/// Ports and addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkDocument {
    /// Service port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_port: Option<u16>,
    /// TLS service port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_service_port: Option<u16>,
    /// Administration port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_port: Option<u16>,
    /// TLS administration port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_admin_port: Option<u16>,
    /// Heartbeat port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_port: Option<u16>,
    /// TLS heartbeat port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_heartbeat_port: Option<u16>,
    /// Fabric port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fabric_port: Option<u16>,
    /// TLS fabric port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fabric_port: Option<u16>,
    /// TLS name of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
    /// `access-address`
    pub access: AddressDocument,
    /// `alternate-access-address`
    pub alternate_access: AddressDocument,
    /// `tls-access-address`
    pub tls_access: AddressDocument,
    /// `tls-alternate-access-address`
    pub tls_alternate_access: AddressDocument,
    /// Networks to which fabric binds; any address if empty.
    #[serde(default)]
    pub fabric_networks: Vec<String>,
    /// Networks to which TLS fabric binds; any address if empty.
    #[serde(default)]
    pub tls_fabric_networks: Vec<String>,
    /// The pods use their node's network.
    #[serde(default)]
    pub host_network: bool,
    /// The pod has a service whose node ports are advertised.
    #[serde(default)]
    pub pod_service: bool,
}

/// Where an advertised address comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressDocument {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: AddressType,
    /// Its networks, if it is of an additional network.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// One claim, and how it is prepared and erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeDocument {
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: VolumeKindDocument,
    /// How it is prepared when new.
    pub init: InitMethod,
    /// How it is erased.
    pub wipe: WipeMethod,
    /// Where the server sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_path: Option<String>,
}

/// What a volume is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeKindDocument {
    /// A claim of a raw device, at `/workdir/block-volumes/<name>`.
    Block,
    /// A claim of a file system, at `/workdir/filesystem-volumes/<name>`.
    Filesystem,
    /// No claim; mounted like a file system, and never prepared or erased.
    Other,
}
