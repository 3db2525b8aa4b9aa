//! Where containers see volumes.

use std::{collections::HashSet, rc::Rc};

use k8s_openapi::api::core::v1::Container;

use super::{PlacedVolume, QUOTED, volumes};
use crate::{
    admission::{rules::Told, subject::Subject},
    api::{
        pod::PodSpec,
        storage::{ContainerAttachment, MountOptions},
    },
    finding::{FieldPath, Finding, Warning, shortened},
    resources::names::{INIT_CONTAINER, SERVER_CONTAINER},
};

/// Where the server's own configuration and its template are mounted.
const RESERVED: [&str; 2] = ["/etc/aerospike", "/configs"];

/// Whose containers see a volume.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum List {
    Sidecars,
    InitContainers,
}

impl List {
    /// The member both of a volume and of `podSpec`.
    const fn member(self) -> &'static str {
        match self {
            Self::Sidecars => "sidecars",
            Self::InitContainers => "initContainers",
        }
    }
}

/// An attachment to a container that the user brings.
struct Attached<'a> {
    placed: PlacedVolume<'a>,
    list: List,
    index: usize,
    attachment: &'a ContainerAttachment,
}

impl Attached<'_> {
    fn path(&self) -> FieldPath {
        let list = self.placed.path().child(self.list.member());
        list.item(self.index, &self.attachment.container_name)
    }

    /// The storage and the list that it is in.
    fn place(&self) -> (Rc<FieldPath>, List) {
        (Rc::clone(&self.placed.storage), self.list)
    }

    fn container(&self) -> String {
        shortened(&self.attachment.container_name, QUOTED)
    }

    fn is_own(&self) -> bool {
        [INIT_CONTAINER, SERVER_CONTAINER].contains(&self.attachment.container_name.as_str())
    }
}

/// Every attachment to a container that the user brings.
fn attachments<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Attached<'a>> + use<'a> {
    volumes(subject).flat_map(|placed| {
        let lists = [
            (List::Sidecars, &placed.volume.sidecars),
            (List::InitContainers, &placed.volume.init_containers),
        ];
        let all = lists.into_iter().flat_map(|(list, attachments)| {
            let attachments = attachments.iter().enumerate();
            attachments.map(move |(index, attachment)| (list, index, attachment))
        });
        all.map(move |(list, index, attachment)| Attached {
            placed: placed.clone(),
            list,
            index,
            attachment,
        })
    })
}

pub(super) fn volumes_are_attached(subject: &Subject<'_>) -> Vec<Finding> {
    let is_loose = |placed: &PlacedVolume<'_>| {
        let volume = placed.volume;
        volume.aerospike.is_none()
            && volume.sidecars.is_empty()
            && volume.init_containers.is_empty()
    };
    volumes(subject)
        .filter(is_loose)
        .map(|placed| {
            Finding::required(
                "STO-10",
                placed.path(),
                format!(
                    "volume {} is attached to no container: say in aerospike, sidecars or initContainers who sees it",
                    placed.name()
                ),
            )
        })
        .told()
}

/// The volumes that the server sees, with their paths in it.
fn server_paths<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (PlacedVolume<'a>, &'a str)> + use<'a> {
    volumes(subject).filter_map(|placed| {
        let path = placed.volume.aerospike.as_ref()?.path.as_str();
        Some((placed, path))
    })
}

fn server_path(placed: &PlacedVolume<'_>) -> FieldPath {
    placed.path().children(&["aerospike", "path"])
}

pub(super) fn server_paths_are_absolute(subject: &Subject<'_>) -> Vec<Finding> {
    server_paths(subject)
        .filter(|(_, path)| !path.starts_with('/'))
        .map(|(placed, path)| {
            Finding::invalid(
                "STO-11",
                server_path(&placed),
                format!(
                    "path {:?} of volume {} must be absolute: begin it with '/'",
                    shortened(path, QUOTED),
                    placed.name()
                ),
            )
        })
        .told()
}

pub(super) fn server_paths_are_free(subject: &Subject<'_>) -> Vec<Finding> {
    server_paths(subject)
        .filter(|(_, path)| RESERVED.contains(path))
        .map(|(placed, path)| {
            Finding::forbidden(
                "STO-12",
                server_path(&placed),
                format!(
                    "{path} is a reserved path, where the operator mounts the configuration: give volume {} another one,                      which may be below it",
                    placed.name()
                ),
            )
        })
        .told()
}

pub(super) fn server_paths_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    server_paths(subject)
        .filter(|(placed, path)| !seen.insert((Rc::clone(&placed.storage), *path)))
        .map(|(placed, path)| {
            Finding::duplicate(
                "STO-13",
                server_path(&placed),
                format!(
                    "duplicate volume path {}: a volume before {} has it already; give each its own",
                    shortened(path, QUOTED),
                    placed.name()
                ),
            )
        })
        .told()
}

pub(super) fn own_containers_are_not_attached(subject: &Subject<'_>) -> Vec<Finding> {
    attachments(subject)
        .filter_map(|attached| {
            let (code, instead) = match attached.attachment.container_name.as_str() {
                INIT_CONTAINER => ("STO-14", "it sees every volume anyway; leave this out"),
                SERVER_CONTAINER => (
                    "STO-15",
                    "say in aerospike where the server sees the volume",
                ),
                _ => return None,
            };
            Some(Finding::forbidden(
                code,
                attached.path().child("containerName"),
                format!(
                    "cannot attach a volume to {}, the operator's own container, here: {instead}",
                    attached.container()
                ),
            ))
        })
        .told()
}

pub(super) fn container_paths_are_absolute(subject: &Subject<'_>) -> Vec<Finding> {
    attachments(subject)
        .filter(|attached| !attached.attachment.path.starts_with('/'))
        .map(|attached| {
            Finding::invalid(
                "STO-16",
                attached.path().child("path"),
                format!(
                    "path {:?} in container {} must be absolute: begin it with '/'",
                    shortened(&attached.attachment.path, QUOTED),
                    attached.container()
                ),
            )
        })
        .told()
}

pub(super) fn containers_are_attached_once(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    attachments(subject)
        .filter(|attached| {
            let container = attached.attachment.container_name.as_str();
            !seen.insert((attached.place(), attached.placed.index, container))
        })
        .map(|attached| {
            Finding::duplicate(
                "STO-17",
                attached.path().child("containerName"),
                format!(
                    "duplicate container {}: it sees volume {} already; a container sees a volume once",
                    attached.container(),
                    attached.placed.name()
                ),
            )
        })
        .told()
}

pub(super) fn containers_exist(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let names = |of: fn(&PodSpec) -> &[Container]| -> HashSet<&str> {
        let containers = pod.map_or(&[][..], of);
        containers.iter().map(|it| it.name.as_str()).collect()
    };
    let sidecars = names(|pod| &pod.sidecars);
    let init_containers = names(|pod| &pod.init_containers);
    let is_there = |attached: &Attached<'_>| {
        let names = match attached.list {
            List::Sidecars => &sidecars,
            List::InitContainers => &init_containers,
        };
        names.contains(attached.attachment.container_name.as_str())
    };
    attachments(subject)
        .filter(|attached| !attached.is_own() && !is_there(attached))
        .map(|attached| {
            Finding::invalid(
                "STO-18",
                attached.path().child("containerName"),
                format!(
                    "{:?} not found in container names of podSpec.{}: attach the volume to one that is there",
                    attached.container(),
                    attached.list.member()
                ),
            )
        })
        .told()
}

pub(super) fn container_paths_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    attachments(subject)
        .filter(|attached| {
            let ContainerAttachment { container_name, path, .. } = attached.attachment;
            !seen.insert((attached.place(), container_name.as_str(), path.as_str()))
        })
        .map(|attached| {
            Finding::duplicate(
                "STO-19",
                attached.path().child("path"),
                format!(
                    "duplicate path {} in container {}: another volume is there already; give each its own",
                    shortened(&attached.attachment.path, QUOTED),
                    attached.container()
                ),
            )
        })
        .told()
}

fn is_read_only(options: Option<&MountOptions>) -> bool {
    options.is_some_and(|options| options.read_only == Some(true))
}

pub(super) fn host_paths_are_read_only_in_containers(subject: &Subject<'_>) -> Vec<Finding> {
    attachments(subject)
        .filter(|attached| attached.placed.is_host_path())
        .filter(|attached| !is_read_only(attached.attachment.mount_options.as_ref()))
        .map(|attached| {
            let place = attached.path().children(&["mountOptions", "readOnly"]);
            let container = attached.container();
            writable_host_path("STO-20", place, &attached.placed, &container)
        })
        .told()
}

pub(super) fn host_paths_are_read_only_in_the_server(subject: &Subject<'_>) -> Vec<Finding> {
    let seen =
        volumes(subject).filter_map(|placed| Some((placed.volume.aerospike.as_ref()?, placed)));
    seen.filter(|(_, placed)| placed.is_host_path())
        .filter(|(server, _)| !is_read_only(server.mount_options.as_ref()))
        .map(|(_, placed)| {
            let place = placed
                .path()
                .children(&["aerospike", "mountOptions", "readOnly"]);
            writable_host_path("STO-21", place, &placed, SERVER_CONTAINER)
        })
        .told()
}

fn writable_host_path(
    code: &'static str,
    place: FieldPath,
    placed: &PlacedVolume<'_>,
    container: &str,
) -> Finding {
    Finding::invalid(
        code,
        place,
        format!(
            "hostPath volume {} must be read-only in container {container}: set readOnly: true",
            placed.name()
        ),
    )
}

pub(super) fn mount_options_that_are_ignored(subject: &Subject<'_>) -> Vec<Warning> {
    let has_options = |placed: &PlacedVolume<'_>| {
        let server = placed.volume.aerospike.as_ref();
        let options = server.and_then(|server| server.mount_options.as_ref());
        options.is_some_and(|options| *options != MountOptions::default())
    };
    volumes(subject)
        .filter(|placed| !placed.is_host_path() && has_options(placed))
        .map(|placed| Warning {
            code: "W-01",
            path: placed.path().children(&["aerospike", "mountOptions"]),
            message: format!(
                "mountOptions are ignored for volume {}: they have an effect in the server for hostPath volumes only; should \
                 that change, pods would restart",
                placed.name()
            ),
        })
        .told()
}
