//! Folders and loop devices, named after the claims that they serve. Making what is there already changes nothing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::run::run;

/// The disks in a folder.
pub struct Disks {
    folder: PathBuf,
}

impl Disks {
    /// The disks in `folder`.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// A folder for a file system.
    ///
    /// # Errors
    /// If it could not be made.
    pub fn folder(&self, uid: &str) -> Result<PathBuf> {
        let folder = self.place(uid)?;
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A device of `bytes`; an older one grows.
    ///
    /// # Errors
    /// If it could not be made.
    pub fn device(&self, uid: &str, bytes: u64) -> Result<String> {
        let image = self.image(uid)?;
        fs::create_dir_all(&self.folder)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&image)?;
        if file.metadata()?.len() < bytes {
            file.set_len(bytes)?;
        }
        match attached(&image)?.first() {
            Some(device) => {
                run("losetup", &["--set-capacity", device])?;
                Ok(device.clone())
            }
            None => Ok(run("losetup", &["--find", "--show", path(&image)?])?
                .trim()
                .to_owned()),
        }
    }

    /// Removes what was made for a claim.
    ///
    /// # Errors
    /// If it could not be removed.
    pub fn remove(&self, uid: &str) -> Result<()> {
        let (folder, image) = (self.place(uid)?, self.image(uid)?);
        if folder.is_dir() {
            fs::remove_dir_all(folder)?;
        }
        if image.exists() {
            detach(&image)?;
            fs::remove_file(image)?;
        }
        Ok(())
    }

    fn place(&self, uid: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        ensure!(
            !uid.is_empty() && uid.chars().all(plain),
            "{uid:?} is no uid"
        );
        Ok(self.folder.join(uid))
    }

    fn image(&self, uid: &str) -> Result<PathBuf> {
        Ok(self.place(uid)?.with_extension("img"))
    }
}

/// Detaches every device over a file below `folder`: ours, and those by which kubelets hold block volumes.
pub fn release_all(folder: &Path) {
    let list = ["--list", "--noheadings", "--output", "NAME,BACK-FILE"];
    for line in run("losetup", &list).unwrap_or_default().lines() {
        let place = line.trim().split_once(char::is_whitespace);
        let Some((device, file)) = place else {
            continue;
        };
        if Path::new(file.trim()).starts_with(folder) {
            let _ = run("losetup", &["--detach", device]);
        }
    }
}

fn detach(image: &Path) -> Result<()> {
    for device in attached(image)? {
        run("losetup", &["--detach", &device])?;
    }
    Ok(())
}

/// The loop devices over a file.
fn attached(image: &Path) -> Result<Vec<String>> {
    let list = run(
        "losetup",
        &[
            "--noheadings",
            "--output",
            "NAME",
            "--associated",
            path(image)?,
        ],
    )?;
    Ok(list.split_whitespace().map(str::to_owned).collect())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("the path of a volume is text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_removed_and_nothing_outside() {
        let top = tempfile::tempdir().unwrap();
        let disks = Disks::new(top.path().join("volumes"));
        let folder = disks.folder("u-1").unwrap();
        assert!(folder.is_dir());
        disks.remove("u-1").unwrap();
        assert!(!folder.exists());
        for bad in ["", "..", "a/b"] {
            assert!(disks.folder(bad).is_err() && disks.remove(bad).is_err());
        }
    }
}
