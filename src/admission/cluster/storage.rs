//! Volumes: sources, methods, attachments, and what a change of them may do.

mod attachments;
mod change;
mod methods;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::{
    admission::{
        cluster::name::is_dns_1123,
        rules::{Area, Told},
        subject::Subject,
    },
    api::storage::{PersistentVolumeSpec, StorageSpec, Volume, VolumeMode, VolumeSource},
    finding::{FieldPath, Finding, shortened},
    resolve::quantity::Amount,
    resources::names::RESERVED_VOLUMES,
};
pub use change::shrinking_claims;

/// The rules of this part. That a volume has one source, `STO-04` and `STO-05`, is told where it is resolved.
pub const AREA: Area = Area {
    rules: &[
        local_volumes_have_classes,
        volumes_have_names,
        sources_are_complete,
        claims_have_a_size,
        methods::block_volumes_can_be_prepared,
        methods::block_volumes_can_be_erased,
        methods::filesystems_can_be_prepared,
        methods::filesystems_can_be_erased,
        attachments::volumes_are_attached,
        attachments::server_paths_are_absolute,
        attachments::server_paths_are_free,
        attachments::server_paths_are_unique,
        attachments::own_containers_are_not_attached,
        attachments::container_paths_are_absolute,
        attachments::containers_are_attached_once,
        attachments::containers_exist,
        attachments::container_paths_are_unique,
        attachments::host_paths_are_read_only_in_containers,
        attachments::host_paths_are_read_only_in_the_server,
    ],
    changes: &[
        change::claims_stay,
        change::an_earlier_revision_keeps_its_claims,
    ],
    advice: &[attachments::mount_options_that_are_ignored],
};

/// Longer names are no volume's; a path names their place instead.
const NAME_LIMIT: usize = 63;
/// So many characters of a value are quoted.
const QUOTED: usize = 100;

/// A storage in force, and where it stands.
struct PlacedStorage<'a> {
    path: FieldPath,
    spec: &'a StorageSpec,
}

/// A volume, and where it stands.
#[derive(Clone)]
struct PlacedVolume<'a> {
    storage: Rc<FieldPath>,
    index: usize,
    volume: &'a Volume,
}

/// Every storage in force once, however many racks share it.
fn storages<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedStorage<'a>> + use<'a> {
    subject.storages().map(|(placed, spec)| PlacedStorage {
        path: placed.storage_path(),
        spec,
    })
}

fn volumes<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedVolume<'a>> + use<'a> {
    storages(subject).flat_map(PlacedStorage::volumes)
}

impl<'a> PlacedStorage<'a> {
    fn volumes(self) -> impl Iterator<Item = PlacedVolume<'a>> + use<'a> {
        let path = Rc::new(self.path);
        let volumes = self.spec.volumes.iter().enumerate();
        volumes.map(move |(index, volume)| PlacedVolume {
            storage: Rc::clone(&path),
            index,
            volume,
        })
    }
}

impl<'a> PlacedVolume<'a> {
    fn path(&self) -> FieldPath {
        let list = self.storage.child("volumes");
        match self.volume.name.as_str() {
            name if name.len() <= NAME_LIMIT => list.item(self.index, name),
            _ => list.index(self.index),
        }
    }

    fn name(&self) -> String {
        shortened(&self.volume.name, QUOTED)
    }

    /// What is claimed for it, if anything is.
    fn claim(&self) -> Option<&'a PersistentVolumeSpec> {
        claim(self.volume)
    }

    fn is_claimed_as(&self, mode: VolumeMode) -> bool {
        self.claim().is_some_and(|claim| claim.volume_mode == mode)
    }

    /// Whether it is a folder of the node.
    fn is_host_path(&self) -> bool {
        let source = self.volume.source.as_ref();
        source.is_some_and(|source| source.host_path.is_some())
    }
}

fn claim(volume: &Volume) -> Option<&PersistentVolumeSpec> {
    volume.source.as_ref()?.persistent_volume.as_ref()
}

fn local_volumes_have_classes(subject: &Subject<'_>) -> Vec<Finding> {
    let without = storages(subject).filter(|it| it.spec.local_storage_classes.is_empty());
    without
        .flat_map(|PlacedStorage { path, spec }| {
            let flags = [
                (
                    "STO-01",
                    "deleteLocalStorageOnRestart",
                    spec.delete_local_storage_on_restart,
                ),
                (
                    "STO-02",
                    "deleteLocalStorageOnPodRecovery",
                    spec.delete_local_storage_on_pod_recovery,
                ),
            ];
            let set = flags.into_iter().filter(|(_, _, flag)| *flag == Some(true));
            set.map(move |(code, member, _)| {
                Finding::invalid(
                    code,
                    path.child(member),
                    format!(
                        "localStorageClasses cannot be empty if {member} is set: list the storage classes whose volumes are \
                         bound to a node"
                    ),
                )
            })
        })
        .told()
}

fn volumes_have_names(subject: &Subject<'_>) -> Vec<Finding> {
    let why = |name: &str| match name {
        name if RESERVED_VOLUMES.contains(&name) => {
            Some("the operator has a volume of that name in every pod; choose another")
        }
        name if !is_dns_1123(name) => Some(
            "at most 63 lower case alphanumeric characters or '-', starting and ending with an alphanumeric character",
        ),
        _ => None,
    };
    volumes(subject)
        .filter_map(|placed| {
            let why = why(&placed.volume.name)?;
            Some(Finding::invalid(
                "STO-03",
                placed.path().child("name"),
                format!("invalid volume name {:?}: {why}", placed.name()),
            ))
        })
        .told()
}

/// What a source must name for a pod to be accepted, if it does not.
fn nameless(source: &VolumeSource) -> Vec<[&'static str; 2]> {
    let host = source.host_path.as_ref().map(|host| Some(&host.path));
    let secret = source.secret.as_ref();
    let secret = secret.map(|secret| secret.secret_name.as_ref());
    let map = source.config_map.as_ref().map(|map| Some(&map.name));
    let given = [
        (["hostPath", "path"], host),
        (["secret", "secretName"], secret),
        (["configMap", "name"], map),
    ];
    let is_nameless = |name: Option<&String>| name.is_none_or(String::is_empty);
    let nameless = given
        .into_iter()
        .filter(|(_, name)| name.is_some_and(is_nameless));
    nameless.map(|(members, _)| members).collect()
}

fn sources_are_complete(subject: &Subject<'_>) -> Vec<Finding> {
    let given =
        volumes(subject).filter_map(|placed| Some((placed.volume.source.as_ref()?, placed)));
    given
        .flat_map(|(source, placed)| {
            let incomplete = nameless(source).into_iter();
            incomplete.map(move |[kind, member]| {
                Finding::required(
                    "CRD-10",
                    placed.path().children(&["source", kind, member]),
                    format!("Required value: a {kind} volume needs its {member}"),
                )
            })
        })
        .told()
}

fn claims_have_a_size(subject: &Subject<'_>) -> Vec<Finding> {
    let claims =
        volumes(subject).filter_map(|placed| Some((placed.claim()?.size.0.trim(), placed)));
    claims
        .filter_map(|(size, placed)| {
            let members = ["source", "persistentVolume", "size"];
            let path = || placed.path().children(&members);
            match Amount::parse(size) {
                _ if size.is_empty() => Some(Finding::required(
                    "CRD-10",
                    path(),
                    "Required value: say how much is claimed, such as 10Gi",
                )),
                Some(amount) if amount.as_bytes() > 0 => None,
                _ => Some(Finding::invalid(
                    "CRD-10",
                    path(),
                    format!(
                        "Invalid value: {:?}: a claim needs a size above 0, such as 10Gi",
                        shortened(size, QUOTED)
                    ),
                )),
            }
        })
        .told()
}
