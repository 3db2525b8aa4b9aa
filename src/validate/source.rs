//! The texts to judge: files, folders, standard input.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

/// What stands for standard input.
pub const STDIN: &str = "-";
/// Files of a folder that are manifests.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// A text and what to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as it was named, or `-`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// What cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {source}")]
pub struct Unreadable {
    name: String,
    source: io::Error,
}

/// Reads what `path` names; of a folder every manifest in it, by name.
#[must_use]
pub fn read(path: &Path) -> Vec<Result<Source, Unreadable>> {
    if path.as_os_str() == STDIN {
        return vec![named(path, standard_input())];
    }
    if !path.is_dir() {
        return vec![named(path, fs::read_to_string(path))];
    }
    match manifests(path) {
        Ok(files) => files
            .iter()
            .map(|file| named(file, fs::read_to_string(file)))
            .collect(),
        Err(error) => vec![named(path, Err(error))],
    }
}

fn named(path: &Path, text: io::Result<String>) -> Result<Source, Unreadable> {
    let name = path.display().to_string();
    match text {
        Ok(text) => Ok(Source { name, text }),
        Err(source) => Err(Unreadable { name, source }),
    }
}

fn standard_input() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

fn manifests(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
