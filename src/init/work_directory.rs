//! The folders that the server expects in its work directory.

use std::path::{Path, PathBuf};

use crate::resources::init_document::{InitDocument, VolumeKindDocument};

/// Folders inside the work directory.
const FOLDERS: [&str; 2] = ["smd", "usr/udf/lua"];

/// The folders to make, below the folder of volumes; none if the work directory is not on a volume.
#[must_use]
pub fn folders(document: &InitDocument) -> Vec<PathBuf> {
    let work = Path::new(&document.work_directory);
    let mounted = document
        .volumes
        .iter()
        .filter(|volume| volume.kind != VolumeKindDocument::Block)
        .filter_map(|volume| {
            let path = Path::new(volume.server_path.as_ref()?);
            Some((volume, path, work.strip_prefix(path).ok()?))
        });
    // Of nested mounts the deepest holds the folder.
    let Some((volume, _, inside)) = mounted.max_by_key(|(_, path, _)| path.components().count())
    else {
        return Vec::new();
    };
    let folder = super::volumes::place(volume).join(inside);
    FOLDERS.iter().map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::samples::{document, volume};

    #[test]
    fn the_deepest_mount_holds_the_folders() {
        let mut document = document();
        document.work_directory = "/opt/aerospike/work".to_owned();
        document.volumes = vec![
            volume("opt", VolumeKindDocument::Filesystem, "/opt"),
            volume("as", VolumeKindDocument::Filesystem, "/opt/aerospike"),
            volume("near", VolumeKindDocument::Filesystem, "/opt/aero"),
            volume("raw", VolumeKindDocument::Block, "/opt/aerospike/work"),
        ];
        assert_eq!(
            folders(&document),
            [
                Path::new("filesystem-volumes/as/work/smd"),
                Path::new("filesystem-volumes/as/work/usr/udf/lua"),
            ]
        );
    }

    #[test]
    fn off_the_volumes_nothing_is_made() {
        assert!(folders(&document()).is_empty());
    }
}
