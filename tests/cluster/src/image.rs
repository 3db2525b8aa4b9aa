//! Packs files into container images, always to the same bytes, and images into an archive that container runtimes import.

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::digest;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What is at a path of an image; paths have no slash in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A folder that anybody may use.
    Folder,
    /// A file that anybody may read and run.
    File(Vec<u8>),
    /// A symbolic link.
    Link(&'static str),
}

/// The files of an image, packed; clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    bytes: Arc<[u8]>,
    digest: String,
}

/// An image without its layer's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    name: String,
    layer: Layer,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Layer {
    /// Packs files. Owner, mode and time are fixed, so that the same files make the same layer.
    ///
    /// # Errors
    /// If a path is too long for an archive.
    pub fn pack(entries: &[(&str, Entry)]) -> Result<Self> {
        let mut archive = Builder::new(Vec::new());
        for (path, entry) in entries {
            append(&mut archive, path, entry)
                .with_context(|| format!("{path} could not be packed"))?;
        }
        let bytes = archive.into_inner()?;
        let digest = digest::of(&bytes);
        Ok(Self {
            bytes: bytes.into(),
            digest,
        })
    }
}

impl Image {
    /// An image of one layer.
    #[must_use]
    pub fn new(name: &str, layer: Layer, entrypoint: &[&str], environment: &[String]) -> Self {
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {"Entrypoint": entrypoint, "Env": environment},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.bytes.len()}],
        });
        Self {
            name: name.to_owned(),
            layer,
            config,
            manifest: manifest.to_string().into_bytes(),
        }
    }

    /// The full name, with registry and tag.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By what a runtime knows that it has exactly this image.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::of(&self.manifest)
    }
}

/// An archive in the OCI image layout; what images share is in it once.
///
/// # Errors
/// Never in practice: it is written to memory.
pub fn archive(images: &[&Image]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    let mut blobs: BTreeMap<String, &[u8]> = BTreeMap::new();
    for image in images {
        blobs.insert(image.layer.digest.clone(), &image.layer.bytes);
        blobs.insert(digest::of(&image.config), &image.config);
        blobs.insert(image.digest(), &image.manifest);
    }
    let layout = br#"{"imageLayoutVersion":"1.0.0"}"#;
    let index = index(images).to_string();
    file(&mut archive, "oci-layout", layout)?;
    file(&mut archive, "index.json", index.as_bytes())?;
    for (digest, bytes) in blobs {
        file(
            &mut archive,
            &format!("blobs/{}", digest.replace(':', "/")),
            bytes,
        )?;
    }
    Ok(archive.into_inner()?)
}

fn index(images: &[&Image]) -> Value {
    let manifests: Vec<_> = images
        .iter()
        .map(|image| {
            let mut descriptor = descriptor(MANIFEST, &image.manifest);
            descriptor["platform"] = json!({"architecture": architecture(), "os": "linux"});
            descriptor["annotations"] = json!({"io.containerd.image.name": image.name});
            descriptor
        })
        .collect();
    json!({"schemaVersion": 2, "manifests": manifests})
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest::of(bytes), "size": bytes.len()})
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::Folder => {
            let mut header = header(EntryType::Directory, 0);
            header.set_mode(0o755);
            archive.append_data(&mut header, format!("{path}/"), io::empty())
        }
        Entry::File(bytes) => file(archive, path, bytes),
        Entry::Link(target) => {
            archive.append_link(&mut header(EntryType::Symlink, 0), path, target)
        }
    }
}

fn file(archive: &mut Builder<Vec<u8>>, path: &str, bytes: &[u8]) -> io::Result<()> {
    archive.append_data(
        &mut header(EntryType::Regular, bytes.len() as u64),
        path,
        bytes,
    )
}

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// The machine's kind, as images name it.
fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Read as _;

    use super::*;

    fn layer() -> Layer {
        Layer::pack(&[
            ("tmp", Entry::Folder),
            ("usr/bin/asd", Entry::File(b"program".to_vec())),
            ("usr/bin/tini", Entry::Link("asd")),
        ])
        .unwrap()
    }

    fn image(name: &str) -> Image {
        Image::new(name, layer(), &["/usr/bin/asd"], &["A=1".into()])
    }

    fn unpack(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let files = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (path, bytes)
        });
        files.collect()
    }

    #[test]
    fn the_same_files_make_the_same_layer_on_every_machine() {
        assert_eq!(
            layer().digest,
            "sha256:285f3cb23ed88977f5b9b5cc81a690620c4af3498a2d788d194efb5e142a973d"
        );
    }

    #[test]
    fn the_same_image_has_the_same_digest_and_another_has_another() {
        assert_eq!(image("a:1").digest(), image("a:1").digest());
        let other = Image::new("a:1", layer(), &["/usr/bin/asd"], &["A=2".into()]);
        assert_ne!(image("a:1").digest(), other.digest());
    }

    #[test]
    fn a_layer_holds_files_folders_and_links() {
        let paths: Vec<_> = unpack(&layer().bytes)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        assert_eq!(paths, ["tmp/", "usr/bin/asd", "usr/bin/tini"]);
    }

    #[test]
    fn every_blob_of_an_archive_is_there_once_under_its_digest() {
        let (one, two) = (image("a:1"), image("b:1"));
        let files = unpack(&archive(&[&one, &two]).unwrap());
        let names: BTreeSet<_> = files.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(names.len(), files.len());
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("blobs/")) {
            assert_eq!(*path, format!("blobs/sha256/{}", digest::hex(bytes)));
        }
    }

    #[test]
    fn the_index_names_every_image() {
        let (one, two) = (image("a:1"), image("b:1"));
        let index = index(&[&one, &two]);
        let names: Vec<_> = index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|manifest| {
                manifest["annotations"]["io.containerd.image.name"]
                    .as_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(names, ["a:1", "b:1"]);
        assert_eq!(index["manifests"][0]["digest"], one.digest());
    }
}
