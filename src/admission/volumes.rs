//! Where the server sees the volumes of a rack: what the devices, files and folders of its configuration stand on.

use std::collections::HashSet;

use crate::api::storage::{StorageSpec, Volume, VolumeMode};

/// The volumes of a rack that the server sees, by their paths.
#[derive(Debug)]
pub struct ServerVolumes<'a> {
    devices: HashSet<&'a str>,
    filesystems: HashSet<&'a str>,
    claimed: Folders<'a>,
    all: Folders<'a>,
}

impl<'a> ServerVolumes<'a> {
    /// Those of `storage`.
    #[must_use]
    pub fn of(storage: &'a StorageSpec) -> Self {
        let of_mode = |wanted| {
            let paths = storage.volumes.iter();
            paths.filter_map(move |volume| path(volume).filter(|_| mode(volume) == Some(wanted)))
        };
        Self {
            devices: of_mode(VolumeMode::Block).collect(),
            filesystems: of_mode(VolumeMode::Filesystem).collect(),
            claimed: Folders::of(of_mode(VolumeMode::Filesystem)),
            all: Folders::of(storage.volumes.iter().filter_map(path)),
        }
    }

    /// Whether `path` is that of a claimed raw device.
    #[must_use]
    pub fn is_device(&self, path: &str) -> bool {
        self.devices.contains(path)
    }

    /// Whether `path` is where a claimed file system is mounted.
    #[must_use]
    pub fn is_filesystem(&self, path: &str) -> bool {
        self.filesystems.contains(path)
    }

    /// Whether `folder` is on a claimed file system, so that it outlives the pod.
    #[must_use]
    pub fn keep(&self, folder: &str) -> bool {
        self.claimed.hold(folder)
    }

    /// Whether `folder` is on any volume.
    #[must_use]
    pub fn hold(&self, folder: &str) -> bool {
        self.all.hold(folder)
    }
}

/// Where the server sees `volume`.
fn path(volume: &Volume) -> Option<&str> {
    Some(volume.aerospike.as_ref()?.path.as_str())
}

/// What is claimed for `volume`, if anything is.
fn mode(volume: &Volume) -> Option<VolumeMode> {
    let source = volume.source.as_ref()?;
    Some(source.persistent_volume.as_ref()?.volume_mode)
}

/// Absolute folders, sorted, none of them inside another: so the only one that can hold a folder is the last before it.
#[derive(Debug)]
struct Folders<'a>(Vec<Vec<&'a str>>);

impl<'a> Folders<'a> {
    fn of(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut folders: Vec<_> = paths.filter_map(components).collect();
        folders.sort_unstable();
        folders.dedup_by(|inner, outer| inner.starts_with(outer));
        Self(folders)
    }

    fn hold(&self, folder: &str) -> bool {
        let Some(folder) = components(folder) else {
            return false;
        };
        let behind = self.0.partition_point(|other| *other <= folder);
        let last = self.0.get(..behind).and_then(<[_]>::last);
        last.is_some_and(|outer| folder.starts_with(outer))
    }
}

/// Whether the absolute folder `inner` is `outer` or below it.
#[must_use]
pub fn is_within(outer: &str, inner: &str) -> bool {
    match (components(outer), components(inner)) {
        (Some(outer), Some(inner)) => inner.starts_with(&outer),
        _ => false,
    }
}

/// The folder that `file` is in, with its last slash; empty if it names none.
#[must_use]
pub fn folder_of(file: &str) -> &str {
    file.rfind('/').map_or("", |slash| &file[..=slash])
}

/// The names on the way to an absolute path, `.` and `..` followed.
fn components(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for name in path.strip_prefix('/')?.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn volumes_are_known_by_kind_and_path() {
        let storage: StorageSpec = serde_json::from_value(json!({"volumes": [
            {"name": "raw", "aerospike": {"path": "/dev/a"},
                "source": {"persistentVolume": {"volumeMode": "Block", "size": "1Gi"}}},
            {"name": "work", "aerospike": {"path": "/opt/aerospike"},
                "source": {"persistentVolume": {"volumeMode": "Filesystem", "size": "1Gi"}}},
            {"name": "secret", "aerospike": {"path": "/etc/aerospike/secret"},
                "source": {"secret": {"secretName": "s"}}},
            {"name": "elsewhere", "sidecars": [{"containerName": "c", "path": "/x"}],
                "source": {"persistentVolume": {"volumeMode": "Filesystem", "size": "1Gi"}}},
        ]}))
        .unwrap();
        let volumes = ServerVolumes::of(&storage);
        let is = |path| {
            let exact = (volumes.is_device(path), volumes.is_filesystem(path));
            (exact, volumes.keep(path), volumes.hold(path))
        };
        assert_eq!(is("/dev/a"), ((true, false), false, true));
        assert_eq!(is("/opt/aerospike"), ((false, true), true, true));
        assert_eq!(is("/opt/aerospike/data/"), ((false, false), true, true));
        assert_eq!(is("/etc/aerospike/secret"), ((false, false), false, true));
        assert_eq!(is("/x"), ((false, false), false, false));
        assert_eq!(is(""), ((false, false), false, false));
    }

    #[test]
    fn a_folder_is_within_itself_and_its_parents() {
        for (outer, inner) in [
            ("/", "/a"),
            ("/a", "/a"),
            ("/a/", "/a//b"),
            ("/a", "/b/../a/."),
        ] {
            assert!(is_within(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [("/a", "/ab"), ("/a/b", "/a"), ("a", "a/b"), ("/a", "/a/..")] {
            assert!(!is_within(outer, inner), "{outer} {inner}");
        }
        let files = [("/a/b.dat", "/a/"), ("/b", "/"), ("b", ""), ("", "")];
        for (file, folder) in files {
            assert_eq!(folder_of(file), folder);
        }
    }

    proptest! {
        #[test]
        fn folders_hold_what_is_within_one_of_them(
            folders in prop::collection::vec("(/[ab]){0,3}/?", 0..6),
            asked in "(/[ab]){0,4}",
        ) {
            let held = Folders::of(folders.iter().map(String::as_str)).hold(&asked);
            let expected = folders.iter().any(|folder| is_within(folder, &asked));
            prop_assert_eq!(held, expected);
        }
    }
}
