//! Where containers see volumes, as far as they say so themselves: mounts and devices.

use std::collections::{HashMap, HashSet};

use k8s_openapi::api::core::v1::{VolumeDevice, VolumeMount};

use super::{PlacedContainer, containers, unknown};
use crate::{
    admission::{
        cluster::syntax::{is_descending, shown},
        rules::Told,
        subject::Subject,
    },
    api::storage::{StorageSpec, Volume},
    finding::{FieldPath, Finding},
    resources::names::{CONF_VOLUME, CONFIGS_VOLUME},
};

/// Volumes of every pod, whatever the storage.
const OWN_VOLUMES: [&str; 2] = [CONF_VOLUME, CONFIGS_VOLUME];
const BIDIRECTIONAL: &str = "Bidirectional";
const NONE: &str = "None";

fn mounts<'a>(
    placed: &PlacedContainer<'a>,
) -> impl Iterator<Item = (FieldPath, &'a VolumeMount)> + use<'a> {
    let list = placed.path.child("volumeMounts");
    let mounts = placed.container.volume_mounts.iter().flatten().enumerate();
    mounts.map(move |(index, mount)| (list.item(index, &mount.mount_path), mount))
}

fn devices<'a>(
    placed: &PlacedContainer<'a>,
) -> impl Iterator<Item = (FieldPath, &'a VolumeDevice)> + use<'a> {
    let list = placed.path.child("volumeDevices");
    let devices = placed.container.volume_devices.iter().flatten().enumerate();
    devices.map(move |(index, device)| (list.item(index, &device.device_path), device))
}

pub(super) fn mounts_are_complete(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let members = mounts(placed).flat_map(|(path, mount)| {
        [
            (path.child("name"), &mount.name),
            (path.child("mountPath"), &mount.mount_path),
        ]
    });
    let missing = members.filter(|(_, text)| text.is_empty());
    missing
        .map(|(path, _)| Finding::required("POD-20", path, "a mount needs a name and a mountPath"))
        .told()
}

pub(super) fn devices_are_complete(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let members = devices(placed).flat_map(|(path, device)| {
        [
            (path.child("name"), &device.name),
            (path.child("devicePath"), &device.device_path),
        ]
    });
    members
        .filter_map(|(path, text)| {
            if text.is_empty() {
                let message = "a device needs a name and a devicePath";
                return Some(Finding::required("POD-23", path, message));
            }
            let climbs = text.split('/').any(|part| part == "..");
            let message = || format!("{} must not contain '..'", shown(text));
            climbs.then(|| Finding::invalid("POD-23", path, message()))
        })
        .told()
}

pub(super) fn mounts_stay_in_their_volume(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    mounts(placed)
        .flat_map(|(path, mount)| leaving(&path, mount))
        .told()
}

fn leaving(path: &FieldPath, mount: &VolumeMount) -> Vec<Finding> {
    let given = [
        ("subPath", &mount.sub_path),
        ("subPathExpr", &mount.sub_path_expr),
    ];
    let given = given.map(|(member, text)| {
        let text = text.as_deref().filter(|text| !text.is_empty());
        (member, text)
    });
    let both = given.iter().all(|(_, text)| text.is_some()).then(|| {
        let message = "must not be there beside subPath: keep one of the two";
        Finding::invalid("POD-21", path.child("subPathExpr"), message)
    });
    let leaving = given
        .into_iter()
        .filter_map(|(member, text)| Some((member, text.filter(|text| !is_descending(text))?)));
    let leaving = leaving.map(|(member, text)| {
        let message = format!("{} must be relative and without '..'", shown(text));
        Finding::invalid("POD-21", path.child(member), message)
    });
    both.into_iter().chain(leaving).collect()
}

pub(super) fn mounts_are_shared_as_is_possible(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let context = placed.container.security_context.as_ref();
    let is_privileged = context.is_some_and(|context| context.privileged == Some(true));
    mounts(placed)
        .flat_map(|(path, mount)| wrongly_shared(&path, mount, is_privileged))
        .told()
}

fn wrongly_shared(path: &FieldPath, mount: &VolumeMount, is_privileged: bool) -> Vec<Finding> {
    const PROPAGATIONS: [&str; 3] = [BIDIRECTIONAL, "HostToContainer", NONE];
    let propagation = mount.mount_propagation.as_deref();
    let recursive = mount.recursive_read_only.as_deref();
    let member = "mountPropagation";
    let both_ways = (propagation == Some(BIDIRECTIONAL) && !is_privileged).then(|| {
        let message =
            "Bidirectional is for privileged containers only: use HostToContainer or None";
        Finding::forbidden("POD-22", path.child(member), message)
    });
    let propagation = unknown("POD-22", (path, member), propagation, &PROPAGATIONS);
    let recursive = unknown(
        "POD-22",
        (path, "recursiveReadOnly"),
        recursive,
        &["Disabled", "IfPossible", "Enabled"],
    );
    [propagation, both_ways, recursive]
        .into_iter()
        .flatten()
        .collect()
}

/// One volume, and one path, is either mounted or seen as a device.
pub(super) fn devices_and_mounts_differ(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let mounted = placed.container.volume_mounts.iter().flatten();
    let (names, paths): (HashSet<_>, HashSet<_>) = mounted
        .map(|mount| (&mount.name, &mount.mount_path))
        .unzip();
    let clashes = devices(placed).flat_map(|(path, device)| {
        let name = names.contains(&device.name);
        let at = paths.contains(&device.device_path);
        [
            (name, path.child("name"), &device.name),
            (at, path.child("devicePath"), &device.device_path),
        ]
    });
    clashes
        .filter(|(clashes, ..)| *clashes)
        .map(|(_, path, text)| {
            let message = format!(
                "{} is in volumeMounts too: keep one of the two",
                shown(text)
            );
            Finding::invalid("POD-23", path, message)
        })
        .told()
}

pub(super) fn mounts_name_volumes(subject: &Subject<'_>) -> Vec<Finding> {
    let named = containers(subject)
        .flat_map(|placed| mounts(&placed))
        .map(|(path, mount)| (path, &mount.name));
    let named = named.filter(|(_, name)| !OWN_VOLUMES.contains(&name.as_str()));
    missing(subject, named, |_| true)
}

pub(super) fn devices_name_volumes(subject: &Subject<'_>) -> Vec<Finding> {
    let named = containers(subject)
        .flat_map(|placed| devices(&placed))
        .map(|(path, device)| (path, &device.name));
    missing(subject, named, |volume| {
        volume
            .source
            .as_ref()
            .is_some_and(|source| source.persistent_volume.is_some())
    })
}

/// A finding for each name that is none of a volume of every rack, or of none that `fits`.
fn missing<'a>(
    subject: &Subject<'a>,
    named: impl Iterator<Item = (FieldPath, &'a String)>,
    fits: fn(&Volume) -> bool,
) -> Vec<Finding> {
    let mut named = named.filter(|(_, name)| !name.is_empty()).peekable();
    if named.peek().is_none() {
        return Vec::new();
    }
    let storages: Vec<_> = subject
        .storages()
        .map(|(rack, storage)| (rack.rack.id, names(storage, fits)))
        .collect();
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for name in storages.iter().flat_map(|(_, names)| names) {
        *holders.entry(name).or_default() += 1;
    }
    named
        .filter(|(_, name)| holders.get(name.as_str()) != Some(&storages.len()))
        .filter_map(|(path, name)| {
            let mut storages = storages.iter();
            let (rack, _) = storages.find(|(_, names)| !names.contains(name.as_str()))?;
            let message = format!(
                "{} is no volume of the pods of rack {rack} that can be used so: name one of spec.storage.volumes (of the rack's \
                 own storage if it has one)",
                shown(name)
            );
            Some(Finding::invalid("POD-24", path.child("name"), message))
        })
        .told()
}

fn names(storage: &StorageSpec, fits: fn(&Volume) -> bool) -> HashSet<&str> {
    let volumes = storage.volumes.iter().filter(|volume| fits(volume));
    volumes.map(|volume| volume.name.as_str()).collect()
}
