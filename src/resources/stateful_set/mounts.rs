//! Where containers see volumes.

use k8s_openapi::api::core::v1::{VolumeDevice, VolumeMount};

use crate::{
    api::storage::{ContainerAttachment, MountOptions},
    resolve::{Rack, ResolvedVolume, VolumeKind},
    resources::names,
};

/// Where server and init container see the rendered configuration.
pub const CONF_PATH: &str = "/etc/aerospike";
/// Where the init container sees the rack's `ConfigMap`.
pub const CONFIGS_PATH: &str = "/configs";
/// Where clients of the Kubernetes API look for a token.
pub const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Where the init container sees raw devices.
const BLOCK_FOLDER: &str = "/workdir/block-volumes";
/// Where the init container sees all other volumes.
const FILESYSTEM_FOLDER: &str = "/workdir/filesystem-volumes";
/// What of the work directory is kept; the rest stays as the image has it.
const WORK_FOLDERS: [&str; 2] = ["smd", "usr"];

/// The mounts of the server, sorted by path.
pub fn of_server(rack: &Rack) -> Vec<VolumeMount> {
    let volumes = mounted(rack).flat_map(|volume| server_mounts(rack, volume));
    let own = mount(names::CONF_VOLUME, CONF_PATH, None);
    sorted(std::iter::once(own).chain(volumes).collect())
}

fn server_mounts(rack: &Rack, volume: &ResolvedVolume) -> Vec<VolumeMount> {
    let Some(server) = &volume.server else {
        return Vec::new();
    };
    if !is_work_directory(rack, volume) {
        let options = server_options(rack, volume);
        return vec![mount(&volume.name, &server.path, options)];
    }
    WORK_FOLDERS
        .iter()
        .map(|folder| VolumeMount {
            sub_path: Some((*folder).to_owned()),
            ..mount(&volume.name, &format!("{}/{folder}", server.path), None)
        })
        .collect()
}

fn is_work_directory(rack: &Rack, volume: &ResolvedVolume) -> bool {
    let server = volume.server.as_ref();
    server.is_some_and(|server| server.path == rack.work_directory)
}

/// The options of a volume that server and init container see: none but those of a folder of the node.
fn server_options<'a>(rack: &Rack, volume: &'a ResolvedVolume) -> Option<&'a MountOptions> {
    let server = volume.server.as_ref()?;
    let honoured =
        matches!(volume.kind, VolumeKind::HostPath(_)) && !is_work_directory(rack, volume);
    server.mount_options.as_ref().filter(|_| honoured)
}

/// The mounts of the init container, which sees every volume, sorted by path.
pub fn of_init(rack: &Rack) -> Vec<VolumeMount> {
    let volumes = mounted(rack).map(|volume| {
        let path = format!("{FILESYSTEM_FOLDER}/{}", volume.name);
        mount(&volume.name, &path, server_options(rack, volume))
    });
    let token = VolumeMount {
        read_only: Some(true),
        ..mount(names::TOKEN_VOLUME, TOKEN_PATH, None)
    };
    let own = [
        mount(names::CONF_VOLUME, CONF_PATH, None),
        mount(names::CONFIGS_VOLUME, CONFIGS_PATH, None),
        token,
    ];
    sorted(own.into_iter().chain(volumes).collect())
}

/// The mounts of the volumes that name `container`.
pub fn of_attachments(
    rack: &Rack,
    container: &str,
    attachments: fn(&ResolvedVolume) -> &[ContainerAttachment],
) -> Vec<VolumeMount> {
    attached(mounted(rack), container, attachments)
        .map(|(volume, at)| mount(&volume.name, &at.path, at.mount_options.as_ref()))
        .collect()
}

/// The devices of the server, sorted by path.
pub fn devices_of_server(rack: &Rack) -> Vec<VolumeDevice> {
    let devices = raw(rack).filter_map(|volume| {
        let server = volume.server.as_ref()?;
        Some(device(&volume.name, &server.path))
    });
    sorted_devices(devices.collect())
}

/// The devices of the init container, which sees every volume, sorted by path.
pub fn devices_of_init(rack: &Rack) -> Vec<VolumeDevice> {
    let path = |name: &str| format!("{BLOCK_FOLDER}/{name}");
    sorted_devices(
        raw(rack)
            .map(|volume| device(&volume.name, &path(&volume.name)))
            .collect(),
    )
}

/// The devices of the volumes that name `container`.
pub fn devices_of_attachments(
    rack: &Rack,
    container: &str,
    attachments: fn(&ResolvedVolume) -> &[ContainerAttachment],
) -> Vec<VolumeDevice> {
    attached(raw(rack), container, attachments)
        .map(|(volume, at)| device(&volume.name, &at.path))
        .collect()
}

/// `own` and `added`, sorted by path; one path holds one mount, which is the added one if there is one.
pub fn merge(own: Option<Vec<VolumeMount>>, added: Vec<VolumeMount>) -> Vec<VolumeMount> {
    let taken = |path: &str| added.iter().any(|mount| mount.mount_path == path);
    let own = own.into_iter().flatten();
    let mut all: Vec<_> = own.filter(|mount| !taken(&mount.mount_path)).collect();
    all.extend(added);
    sorted(all)
}

/// Like [`merge`], for devices.
pub fn merge_devices(
    own: Option<Vec<VolumeDevice>>,
    added: Vec<VolumeDevice>,
) -> Vec<VolumeDevice> {
    let taken = |path: &str| added.iter().any(|device| device.device_path == path);
    let own = own.into_iter().flatten();
    let mut all: Vec<_> = own.filter(|device| !taken(&device.device_path)).collect();
    all.extend(added);
    sorted_devices(all)
}

fn mounted(rack: &Rack) -> impl Iterator<Item = &ResolvedVolume> {
    let volumes = rack.storage.volumes.iter();
    volumes.filter(|volume| !volume.kind.is_block())
}

fn raw(rack: &Rack) -> impl Iterator<Item = &ResolvedVolume> {
    let volumes = rack.storage.volumes.iter();
    volumes.filter(|volume| volume.kind.is_block())
}

fn attached<'a>(
    volumes: impl Iterator<Item = &'a ResolvedVolume>,
    container: &str,
    attachments: fn(&ResolvedVolume) -> &[ContainerAttachment],
) -> impl Iterator<Item = (&'a ResolvedVolume, &'a ContainerAttachment)> {
    volumes
        .flat_map(move |volume| attachments(volume).iter().map(move |at| (volume, at)))
        .filter(move |(_, at)| at.container_name == container)
}

fn mount(volume: &str, path: &str, options: Option<&MountOptions>) -> VolumeMount {
    let MountOptions {
        read_only,
        sub_path,
        mount_propagation,
        sub_path_expr,
    } = options.cloned().unwrap_or_default();
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.filter(|read_only| *read_only),
        sub_path: sub_path.filter(|path| !path.is_empty()),
        sub_path_expr: sub_path_expr.filter(|path| !path.is_empty()),
        mount_propagation: mount_propagation.filter(|kind| !kind.is_empty()),
        ..VolumeMount::default()
    }
}

fn device(volume: &str, path: &str) -> VolumeDevice {
    VolumeDevice {
        name: volume.to_owned(),
        device_path: path.to_owned(),
    }
}

/// Sorted, a folder comes before those inside it.
fn sorted(mut mounts: Vec<VolumeMount>) -> Vec<VolumeMount> {
    mounts.sort_by(|a, b| a.mount_path.cmp(&b.mount_path));
    mounts
}

fn sorted_devices(mut devices: Vec<VolumeDevice>) -> Vec<VolumeDevice> {
    devices.sort_by(|a, b| a.device_path.cmp(&b.device_path));
    devices
}
