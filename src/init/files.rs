//! Reading the `ConfigMap`, and leaving files for the server. Every file appears whole, by renaming.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::paths::Paths;
use crate::resources::config_map::PEERS;

/// Licence of the server, in the `ConfigMap` if a user put it there.
const FEATURES: &str = "features.conf";
/// The configuration that the server reads.
const CONFIG: &str = "aerospike.conf";
/// This program, for the server container.
const PROGRAM: &str = "akoinit";
/// Copy of the `ConfigMap`.
const CONFIG_MAP: &str = "configmap";

/// A file could not be read or written.
#[derive(Debug, Error)]
#[error("failed to {what} {path}", path = path.display())]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { what, path, source }
}

/// The text of `key` in the copy of the `ConfigMap`.
///
/// # Errors
///
/// There is no such key, or it is not text.
pub fn read(paths: &Paths, key: &str) -> Result<String, FileError> {
    let path = paths.etc.join(CONFIG_MAP).join(key);
    fs::read_to_string(&path).map_err(failed("read", &path))
}

/// Copies what the server container needs: peers, this program, the licence, the `ConfigMap`.
///
/// The kubelet may replace the `ConfigMap` at any time. All that is read is read from the copy, so that the hashes are
/// those of the configuration.
///
/// # Errors
///
/// A file could not be read or written.
pub fn install(paths: &Paths) -> Result<(), FileError> {
    let configs = at_one_moment(&paths.configs);
    copy(&configs.join(PEERS), &paths.etc.join(PEERS), 0o644)?;
    copy(
        &paths.proc.join("self/exe"),
        &paths.etc.join(PROGRAM),
        0o755,
    )?;
    let features = configs.join(FEATURES);
    if features.exists() {
        copy(&features, &paths.etc.join(FEATURES), 0o644)?;
    }
    let folder = paths.etc.join(CONFIG_MAP);
    make_folder(&folder)?;
    for name in keys(&configs)? {
        copy(&configs.join(&name), &folder.join(&name), 0o644)?;
    }
    Ok(())
}

/// The folder of one version of a mounted `ConfigMap`: the kubelet makes a new one for each, and turns a link to it.
fn at_one_moment(mounted: &Path) -> PathBuf {
    let version = fs::canonicalize(mounted.join("..data"));
    version.unwrap_or_else(|_| mounted.to_owned())
}

/// Leaves the configuration for the server.
///
/// # Errors
///
/// It could not be written.
pub fn write_config(paths: &Paths, text: &str) -> Result<(), FileError> {
    write(&paths.etc.join(CONFIG), text.as_bytes(), 0o644)
}

/// Makes a folder and those above it.
///
/// # Errors
///
/// It could not be made.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .map_err(failed("make the folder", path))
}

/// The keys of a mounted `ConfigMap`; what begins with two dots is the kubelet's.
fn keys(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(failed("list", folder))?;
    let files = entries
        .into_iter()
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with(".."))
        .filter(|entry| entry.path().is_file());
    Ok(files.map(|entry| entry.file_name().into()).collect())
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), FileError> {
    let content = fs::read(from).map_err(failed("read", from))?;
    write(to, &content, mode)
}

/// A program that runs cannot be written to, but another can take its name.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), FileError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::write(&fresh, content)
        .and_then(|()| fs::set_permissions(&fresh, Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_stays_the_same_when_the_config_map_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let paths = Paths {
            configs: at("configs"),
            etc: at("etc"),
            volumes: at("workdir"),
            proc: at("proc"),
        };
        for made in ["configs/..first", "configs/..second", "etc", "proc/self"] {
            fs::create_dir_all(at(made)).unwrap();
        }
        fs::write(at("proc/self/exe"), "program").unwrap();
        let turn = |version: &str| {
            fs::write(at(&format!("configs/{version}/{PEERS}")), version).unwrap();
            std::os::unix::fs::symlink(version, at("configs/new")).unwrap();
            fs::rename(at("configs/new"), at("configs/..data")).unwrap();
        };
        turn("..first");
        install(&paths).unwrap();
        turn("..second");
        assert_eq!(read(&paths, PEERS).unwrap(), "..first");
        install(&paths).unwrap();
        assert_eq!(read(&paths, PEERS).unwrap(), "..second");
    }
}
