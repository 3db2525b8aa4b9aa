//! Volumes and what happens to them.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        ConfigMapVolumeSource, EmptyDirVolumeSource, HostPathVolumeSource, SecretVolumeSource,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::LabelSelector},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{crd, lenient};

/// Volumes of a rack's pods, and the policies for them.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageSpec {
    /// Policy for file system volumes and for those that are no claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem_volume_policy: Option<VolumePolicy>,

    /// Policy for block volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_volume_policy: Option<VolumePolicy>,

    /// How many block volumes the init container prepares at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), extend("default" = 1))]
    pub cleanup_threads: Option<i64>,

    /// Storage classes whose volumes are bound to a node.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub local_storage_classes: Vec<String>,

    /// Deletes node-bound claims of a pod when it is restarted on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_local_storage_on_restart: Option<bool>,

    /// Deletes node-bound claims of a failed pod, and with them its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_local_storage_on_pod_recovery: Option<bool>,

    /// The volumes, keyed by name.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(schema_with = "crd::list_by_name::<Volume>")]
    pub volumes: Vec<Volume>,
}

/// How volumes are prepared, erased and deleted. The `effective…` members are computed, never read.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumePolicy {
    /// How a new volume is prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_method: Option<InitMethod>,

    /// How a volume is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wipe_method: Option<WipeMethod>,

    /// Deletes the claim when its pod leaves the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade_delete: Option<bool>,

    /// The init method in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_init_method: Option<InitMethod>,

    /// The wipe method in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_wipe_method: Option<WipeMethod>,

    /// Whether the claim goes with its pod; absent means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_cascade_delete: Option<bool>,
}

/// How a new volume is prepared.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum InitMethod {
    /// Left as it is.
    None,
    /// The whole device is overwritten with zeros.
    Dd,
    /// The first 8 MiB of the device are overwritten with zeros.
    HeaderCleanup,
    /// All blocks are discarded.
    Blkdiscard,
    /// All blocks are discarded, then the first 8 MiB are overwritten with zeros.
    BlkdiscardWithHeaderCleanup,
    /// All files are deleted; folders stay.
    DeleteFiles,
}

/// How a volume is erased.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum WipeMethod {
    /// The whole device is overwritten with zeros.
    Dd,
    /// All blocks are discarded.
    Blkdiscard,
    /// All files are deleted.
    DeleteFiles,
}

/// One volume of a pod.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Name of the pod's volume, and of the claim template.
    pub name: String,

    /// Where its content comes from; exactly one member is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<VolumeSource>,

    /// Where the server sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aerospike: Option<ServerAttachment>,

    /// Where sidecars see it.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub sidecars: Vec<ContainerAttachment>,

    /// Where further init containers see it.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub init_containers: Vec<ContainerAttachment>,

    /// What happens to it.
    #[serde(flatten)]
    pub policy: VolumePolicy,
}

/// Where a volume's content comes from.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSource {
    /// A folder that lives as long as the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty_dir: Option<EmptyDirVolumeSource>,

    /// A Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretVolumeSource>,

    /// A `ConfigMap`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapVolumeSource>,

    /// A folder of the node, read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_path: Option<HostPathVolumeSource>,

    /// A claim of the pod's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume: Option<PersistentVolumeSpec>,
}

/// The claim that is made for each pod.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersistentVolumeSpec {
    /// Labels and annotations of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ObjectMetadata>,

    /// Storage class; the cluster's default class if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,

    /// Block device or file system.
    pub volume_mode: VolumeMode,

    /// Requested capacity.
    pub size: Quantity,

    /// How it may be mounted; `ReadWriteOnce` if empty.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub access_modes: Vec<AccessMode>,

    /// Which persistent volumes qualify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// Block device or file system.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
pub enum VolumeMode {
    /// A raw device.
    Block,
    /// A mounted file system.
    #[default]
    Filesystem,
}

/// How a volume may be mounted.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum AccessMode {
    /// Read-only by many nodes.
    ReadOnlyMany,
    /// Read-write by many nodes.
    ReadWriteMany,
    /// Read-write by one node.
    ReadWriteOnce,
    /// Read-write by one pod.
    ReadWriteOncePod,
}

impl AccessMode {
    /// The name in the Kubernetes API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnlyMany => "ReadOnlyMany",
            Self::ReadWriteMany => "ReadWriteMany",
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteOncePod => "ReadWriteOncePod",
        }
    }
}

/// Labels and annotations that users add to an object.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetadata {
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,

    /// Labels.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
}

/// Where the server sees a volume.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerAttachment {
    /// Mount path or device path, absolute.
    pub path: String,

    /// Options of the mount, honoured for host paths only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<MountOptions>,
}

/// Where another container sees a volume.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerAttachment {
    /// The container.
    pub container_name: String,

    /// Mount path or device path, absolute.
    pub path: String,

    /// Options of the mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_options: Option<MountOptions>,
}

/// Options of a mount.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MountOptions {
    /// Mounted read-only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,

    /// Folder inside the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path: Option<String>,

    /// How later mounts travel between host and container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_propagation: Option<String>,

    /// Folder inside the volume, with variables of the container's environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_path_expr: Option<String>,
}
