//! Texts as they were in a commit, by the `git` program.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Command,
};

use super::source::{Source, is_manifest};

/// What `git` cannot tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("git cannot be run: {0}")]
    Run(#[from] io::Error),
    /// It refused.
    #[error("{path}: {reference}: {told}")]
    Refused {
        /// What was asked about.
        path: String,
        /// The commit.
        reference: String,
        /// What it said.
        told: String,
    },
    /// The text is not one.
    #[error("{path}: {reference}: is not UTF-8")]
    NoText {
        /// What was asked about.
        path: String,
        /// The commit.
        reference: String,
    },
}

/// A commit of the repository that holds a path.
struct Commit<'a> {
    /// The folder in which `git` runs.
    folder: &'a Path,
    reference: &'a str,
    id: String,
}

/// What `path` held in the commit that `reference` names: a file, or the manifests in and below a folder; nothing of what
/// was not there.
///
/// # Errors
///
/// If `path` is in no repository, or `reference` names no commit of it.
pub fn read(reference: &str, path: &Path) -> Result<Vec<Source>, Error> {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let folder = match parent {
        _ if path.is_dir() => path,
        Some(parent) => parent,
        None => Path::new("."),
    };
    let commit = Commit::named(reference, folder)?;
    let listed = match path.file_name() {
        Some(name) if !path.is_dir() => commit.list(name)?,
        _ => commit.list(OsStr::new("."))?,
    };
    let manifests = listed
        .iter()
        .filter(|name| !path.is_dir() || is_manifest(Path::new(name)));
    manifests.map(|name| commit.text(name)).collect()
}

impl<'a> Commit<'a> {
    fn named(reference: &'a str, folder: &'a Path) -> Result<Self, Error> {
        let named = format!("{reference}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--end-of-options", &named].map(OsStr::new);
        let id = git(folder, reference, &arguments)?;
        Ok(Self {
            folder,
            reference,
            id: String::from_utf8_lossy(&id).trim().to_owned(),
        })
    }

    /// The files at or below `name`, relative to the folder.
    fn list(&self, name: &OsStr) -> Result<Vec<OsString>, Error> {
        let options = ["ls-tree", "-r", "-z", "--name-only", &self.id, "--"].map(OsStr::new);
        let arguments = [&options[..], &[name]].concat();
        let listed = git(self.folder, self.reference, &arguments)?;
        let names = listed
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names
            .map(|name| OsStr::from_bytes(name).to_owned())
            .collect())
    }

    fn text(&self, name: &OsStr) -> Result<Source, Error> {
        let mut object = OsString::from(format!("{}:./", self.id));
        object.push(name);
        let arguments = [OsStr::new("cat-file"), OsStr::new("blob"), &object];
        let path = self.folder.join(name).display().to_string();
        let text = git(self.folder, self.reference, &arguments)?;
        let text = String::from_utf8(text).map_err(|_| Error::NoText {
            path: path.clone(),
            reference: self.reference.to_owned(),
        })?;
        Ok(Source {
            name: format!("{}:{path}", self.reference),
            text,
            is_found: true,
        })
    }
}

/// What `git` prints in `folder`.
fn git(folder: &Path, reference: &str, arguments: &[&OsStr]) -> Result<Vec<u8>, Error> {
    let mut git = Command::new("git");
    git.arg("-C").arg(folder).args(arguments);
    let output = git.output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(Error::Refused {
        path: folder.display().to_string(),
        reference: reference.to_owned(),
        told: told.lines().next().unwrap_or("git failed").to_owned(),
    })
}
