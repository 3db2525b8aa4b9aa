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
/// What makes a folder a Helm chart, and which of its folders holds no manifests but what becomes them.
const CHART: &str = "Chart.yaml";
const TEMPLATES: &str = "templates";

/// A text and what to call it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file as it was named, or `-`.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// It was found in a folder, not named, so that it need not be a manifest.
    pub is_found: bool,
}

/// A file's name as programs compare it with others.
#[must_use]
pub fn relative(name: &str) -> &str {
    name.trim_start_matches("./")
}

impl Source {
    /// The name as programs compare it with others: `./a.yaml` is `a.yaml`.
    #[must_use]
    pub fn relative_name(&self) -> &str {
        relative(&self.name)
    }
}

/// What cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file as it was named, or `-`.
    pub name: String,
    /// Why.
    pub fault: Fault,
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is nothing to read, or it must not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Nothing came in.
    #[error("there is nothing on standard input: did the program fail that should write it?")]
    Nothing,
    /// It is no text.
    #[error("line {line} is not UTF-8: save the file as UTF-8")]
    NoText {
        /// The first line that is none.
        line: usize,
    },
}

/// Reads what `path` names; of a folder every manifest in it and below it, by name.
#[must_use]
pub fn read(path: &Path) -> Vec<Result<Source, Unreadable>> {
    if path.as_os_str() == STDIN {
        return vec![named(path, standard_input(), false)];
    }
    if !path.is_dir() {
        return vec![named(path, text_of(path), false)];
    }
    let mut files = Vec::new();
    if let Err(error) = walk(path, &mut files) {
        return vec![named(path, Err(error.into()), true)];
    }
    let files = files.iter();
    files.map(|file| named(file, text_of(file), true)).collect()
}

/// Whether a file of a folder is taken for a manifest.
#[must_use]
pub fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn named(path: &Path, text: Result<String, Fault>, is_found: bool) -> Result<Source, Unreadable> {
    let name = path.display().to_string();
    match text {
        Ok(text) => Ok(Source {
            name,
            text,
            is_found,
        }),
        Err(fault) => Err(Unreadable { name, fault }),
    }
}

fn standard_input() -> Result<String, Fault> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(Fault::Nothing);
    }
    text(bytes)
}

fn text_of(file: &Path) -> Result<String, Fault> {
    text(fs::read(file)?)
}

fn text(bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let lines = error.as_bytes()[..good]
            .iter()
            .filter(|byte| **byte == b'\n');
        Fault::NoText {
            line: lines.count() + 1,
        }
    })
}

/// Adds the manifests of `folder`, by name. Hidden folders, links to folders and the templates of charts are left out.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = fs::read_dir(folder)?;
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let is_chart = folder.join(CHART).is_file();
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if !(is_hidden || is_chart && name == TEMPLATES) {
                walk(&path, files)?;
            }
        } else if is_manifest(&path) && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_another_encoding_is_told_with_the_line_where_it_begins() {
        let told = |bytes: &[u8]| text(bytes.to_vec()).unwrap_err().to_string();
        assert_eq!(
            told(b"a: 1\nb: f\xfcr\n"),
            "line 2 is not UTF-8: save the file as UTF-8"
        );
        assert!(told(b"\xff\xfea\0").starts_with("line 1 "));
        assert_eq!(text("ä".into()).unwrap(), "ä");
    }
}
