//! Volumes as they are treated: one source each, every policy decided.

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, HostPathVolumeSource, SecretVolumeSource,
};

use crate::{
    api::storage::{
        ContainerAttachment, InitMethod, PersistentVolumeSpec, ServerAttachment, StorageSpec,
        Volume, VolumeMode, VolumePolicy, VolumeSource, WipeMethod,
    },
    finding::{FieldPath, Finding, Told},
};

/// Volumes of a rack's pods, and how they are treated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    /// The volumes in the order of the spec.
    pub volumes: Vec<ResolvedVolume>,
    /// How many block volumes are prepared at once, at least 1.
    pub cleanup_threads: u32,
    /// Storage classes whose volumes are bound to a node.
    pub local_storage_classes: Vec<String>,
    /// Node-bound claims go when their pod is restarted on purpose.
    pub delete_local_on_restart: bool,
    /// Node-bound claims go when their failed pod is replaced.
    pub delete_local_on_recovery: bool,
    /// Whether claims of volumes that are no longer listed go with their pod: block, then file system.
    pub cascade_delete_unlisted: (bool, bool),
}

/// One volume.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedVolume {
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: VolumeKind,
    /// How it is prepared when new.
    pub init: InitMethod,
    /// How it is erased.
    pub wipe: WipeMethod,
    /// Its claim goes with its pod.
    pub cascade_delete: bool,
    /// Where the server sees it.
    pub server: Option<ServerAttachment>,
    /// Where sidecars see it.
    pub sidecars: Vec<ContainerAttachment>,
    /// Where further init containers see it.
    pub init_containers: Vec<ContainerAttachment>,
}

/// What a volume is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum VolumeKind {
    /// A claim of a raw device.
    Block(Box<PersistentVolumeSpec>),
    /// A claim of a file system.
    Filesystem(Box<PersistentVolumeSpec>),
    /// A folder that lives as long as the pod.
    EmptyDir(EmptyDirVolumeSource),
    /// A Secret.
    Secret(SecretVolumeSource),
    /// A `ConfigMap`.
    ConfigMap(ConfigMapVolumeSource),
    /// A folder of the node.
    HostPath(HostPathVolumeSource),
}

impl VolumeKind {
    /// The claim, if it is one.
    #[must_use]
    pub fn claim(&self) -> Option<&PersistentVolumeSpec> {
        match self {
            Self::Block(claim) | Self::Filesystem(claim) => Some(claim),
            Self::EmptyDir(_) | Self::Secret(_) | Self::ConfigMap(_) | Self::HostPath(_) => None,
        }
    }

    /// Whether the pod sees a raw device.
    #[must_use]
    pub const fn is_block(&self) -> bool {
        matches!(self, Self::Block(_))
    }
}

/// Fills in the `effective…` members of every policy; what stood in them before does not count.
pub fn fill_in(storage: &mut StorageSpec) {
    let filesystem = storage.filesystem_volume_policy.get_or_insert_default();
    decide(filesystem, InitMethod::None, WipeMethod::DeleteFiles, false);
    let filesystem = filesystem.clone();
    let block = storage.block_volume_policy.get_or_insert_default();
    decide(block, InitMethod::None, WipeMethod::Dd, false);
    let block = block.clone();
    for volume in &mut storage.volumes {
        let fallback = if is_block(volume) {
            &block
        } else {
            &filesystem
        };
        decide(
            &mut volume.policy,
            fallback.effective_init_method.unwrap_or(InitMethod::None),
            fallback.effective_wipe_method.unwrap_or(WipeMethod::Dd),
            fallback.effective_cascade_delete.unwrap_or(false),
        );
    }
}

/// States what the two volume policies leave open, with the values that the mutating webhook adds: so the result is the
/// same whether it ran or not.
pub fn state_policies(storage: &mut StorageSpec) {
    let policies = [
        &mut storage.filesystem_volume_policy,
        &mut storage.block_volume_policy,
    ];
    for policy in policies.into_iter().flatten() {
        policy.init_method = policy.effective_init_method;
        policy.wipe_method = policy.effective_wipe_method;
        policy.cascade_delete = Some(policy.effective_cascade_delete == Some(true));
    }
}

fn is_block(volume: &Volume) -> bool {
    volume
        .source
        .as_ref()
        .and_then(|source| source.persistent_volume.as_ref())
        .is_some_and(|claim| claim.volume_mode == VolumeMode::Block)
}

fn decide(policy: &mut VolumePolicy, init: InitMethod, wipe: WipeMethod, cascade: bool) {
    policy.effective_init_method = Some(policy.init_method.unwrap_or(init));
    policy.effective_wipe_method = Some(policy.wipe_method.unwrap_or(wipe));
    let cascade = policy.cascade_delete.unwrap_or(cascade);
    policy.effective_cascade_delete = cascade.then_some(true);
}

/// Storage whose policies are filled in, as typed volumes. `path` is where the storage stands.
///
/// # Errors
///
/// Each volume that has no source, or more than one.
pub fn resolve(storage: &StorageSpec, path: &FieldPath) -> Result<Storage, Vec<Finding>> {
    let volumes: Option<_> = storage.volumes.iter().map(resolve_volume).collect();
    let Some(volumes) = volumes else {
        return Err(problems(storage, path));
    };
    let cascades = |policy: &Option<VolumePolicy>| {
        policy
            .as_ref()
            .is_some_and(|policy| policy.effective_cascade_delete == Some(true))
    };
    Ok(Storage {
        volumes,
        cleanup_threads: u32::try_from(storage.cleanup_threads.unwrap_or(1).max(1)).unwrap_or(1),
        local_storage_classes: storage.local_storage_classes.clone(),
        delete_local_on_restart: storage.delete_local_storage_on_restart == Some(true),
        delete_local_on_recovery: storage.delete_local_storage_on_pod_recovery == Some(true),
        cascade_delete_unlisted: (
            cascades(&storage.block_volume_policy),
            cascades(&storage.filesystem_volume_policy),
        ),
    })
}

/// What keeps storage from being resolved: each volume that has no source, or more than one.
#[must_use]
pub fn problems(storage: &StorageSpec, path: &FieldPath) -> Vec<Finding> {
    let list = path.child("volumes");
    let volumes = storage.volumes.iter().enumerate();
    let wrong = volumes.filter_map(|(index, volume)| {
        let place = || list.item(index, &volume.name).child("source");
        match sources(volume) {
            1 => None,
            0 => Some(Finding::required(
                "STO-04",
                place(),
                "no source: give one of persistentVolume, emptyDir, secret, configMap, hostPath",
            )),
            _ => Some(Finding::invalid(
                "STO-05",
                place(),
                "more than one source: leave one of persistentVolume, emptyDir, secret, configMap, hostPath",
            )),
        }
    });
    wrong.told()
}

fn sources(volume: &Volume) -> usize {
    let Some(source) = &volume.source else {
        return 0;
    };
    let given = [
        source.persistent_volume.is_some(),
        source.empty_dir.is_some(),
        source.secret.is_some(),
        source.config_map.is_some(),
        source.host_path.is_some(),
    ];
    given.into_iter().filter(|given| *given).count()
}

/// None if it has not one source.
fn resolve_volume(volume: &Volume) -> Option<ResolvedVolume> {
    let source = volume.source.as_ref().filter(|_| sources(volume) == 1)?;
    let kind = kind_of(source.clone())?;
    let policy = &volume.policy;
    Some(ResolvedVolume {
        name: volume.name.clone(),
        init: policy.effective_init_method.unwrap_or(InitMethod::None),
        wipe: policy.effective_wipe_method.unwrap_or(WipeMethod::Dd),
        cascade_delete: policy.effective_cascade_delete == Some(true),
        server: volume.aerospike.clone(),
        sidecars: volume.sidecars.clone(),
        init_containers: volume.init_containers.clone(),
        kind,
    })
}

fn kind_of(source: VolumeSource) -> Option<VolumeKind> {
    let claim = source
        .persistent_volume
        .map(|claim| match claim.volume_mode {
            VolumeMode::Block => VolumeKind::Block(Box::new(claim)),
            VolumeMode::Filesystem => VolumeKind::Filesystem(Box::new(claim)),
        });
    claim
        .or(source.empty_dir.map(VolumeKind::EmptyDir))
        .or(source.secret.map(VolumeKind::Secret))
        .or(source.config_map.map(VolumeKind::ConfigMap))
        .or(source.host_path.map(VolumeKind::HostPath))
}
