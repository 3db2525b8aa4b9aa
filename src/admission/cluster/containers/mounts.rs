//! Where containers see volumes, as far as they say so themselves: mounts and devices.

use k8s_openapi::api::core::v1::{VolumeDevice, VolumeMount};

use super::{PlacedContainer, containers, unknown};
use crate::{
    admission::{
        cluster::syntax::{is_descending, shown},
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
        .collect()
}

pub(super) fn devices_are_complete(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let members = devices(placed).flat_map(|(path, device)| {
        [
            (path.child("name"), &device.name),
            (path.child("devicePath"), &device.device_path),
        ]
    });
    let (missing, given): (Vec<_>, Vec<_>) = members.partition(|(_, text)| text.is_empty());
    let missing = missing.into_iter().map(|(path, _)| {
        Finding::required("POD-23", path, "a device needs a name and a devicePath")
    });
    let climbing = given
        .into_iter()
        .filter(|(_, text)| text.split('/').any(|part| part == ".."));
    missing
        .chain(climbing.map(|(path, text)| {
            Finding::invalid(
                "POD-23",
                path,
                format!("{} must not contain '..'", shown(text)),
            )
        }))
        .collect()
}

pub(super) fn mounts_stay_in_their_volume(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let filled = |text: &'_ Option<String>| text.clone().filter(|text| !text.is_empty());
    let mut findings = Vec::new();
    for (path, mount) in mounts(placed) {
        let given = [
            ("subPath", filled(&mount.sub_path)),
            ("subPathExpr", filled(&mount.sub_path_expr)),
        ];
        let both = given.iter().all(|(_, text)| text.is_some());
        if both {
            let message = "must not be there beside subPath: keep one of the two";
            findings.push(Finding::invalid(
                "POD-21",
                path.child("subPathExpr"),
                message,
            ));
        }
        let leaving = given
            .into_iter()
            .filter_map(|(member, text)| Some((member, text.filter(|text| !is_descending(text))?)));
        findings.extend(leaving.map(|(member, text)| {
            let message = format!("{} must be relative and without '..'", shown(&text));
            Finding::invalid("POD-21", path.child(member), message)
        }));
    }
    findings
}

pub(super) fn mounts_are_shared_as_is_possible(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let context = placed.container.security_context.as_ref();
    let is_privileged = context.is_some_and(|context| context.privileged == Some(true));
    let mut findings = Vec::new();
    for (path, mount) in mounts(placed) {
        let (propagation, recursive) = (
            mount.mount_propagation.as_deref(),
            mount.recursive_read_only.as_deref(),
        );
        let place = path.child("mountPropagation");
        findings.extend(unknown(
            "POD-22",
            &place,
            propagation,
            &[BIDIRECTIONAL, "HostToContainer", NONE],
        ));
        if propagation == Some(BIDIRECTIONAL) && !is_privileged {
            let message =
                "Bidirectional is for privileged containers only: use HostToContainer or None";
            findings.push(Finding::forbidden("POD-22", place, message));
        }
        let place = path.child("recursiveReadOnly");
        findings.extend(unknown(
            "POD-22",
            &place,
            recursive,
            &["Disabled", "IfPossible", "Enabled"],
        ));
    }
    findings
}

/// One volume, and one path, is either mounted or seen as a device.
pub(super) fn devices_and_mounts_differ(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let mounted =
        |fits: &dyn Fn(&VolumeMount) -> bool| mounts(placed).any(|(_, mount)| fits(mount));
    let clashes = devices(placed).flat_map(|(path, device)| {
        let name = mounted(&|mount| mount.name == device.name);
        let at = mounted(&|mount| mount.mount_path == device.device_path);
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
        .collect()
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
    let has = |storage: &StorageSpec, name: &str| {
        storage
            .volumes
            .iter()
            .any(|volume| volume.name == name && fits(volume))
    };
    let given = named.filter(|(_, name)| !name.is_empty());
    given
        .filter_map(|(path, name)| {
            let mut racks = subject.placed_racks();
            let without = racks.find(|rack| rack.storage().is_some_and(|storage| !has(storage, name)))?;
            let message = format!(
                "{} is no volume of the pods of rack {} that can be used so: name one of spec.storage.volumes (of the rack's own \
                 storage if it has one)",
                shown(name),
                without.rack.id
            );
            Some(Finding::invalid("POD-24", path.child("name"), message))
        })
        .collect()
}
