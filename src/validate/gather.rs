//! Texts → the objects in them.

use std::{fmt, path::PathBuf, rc::Rc};

use super::{
    manifest::{self, Document},
    places::Position,
    source::{self, Source},
};
use crate::api::KIND;

/// The objects of some texts.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Each with the text that holds it.
    pub objects: Vec<(Rc<Source>, Document)>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Texts that are no manifests, and need not be.
    pub passed_over: usize,
}

/// What should be a manifest and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name, and its text as far as there is one.
    pub source: Rc<Source>,
    /// Where in the text it goes wrong, if that is known.
    pub at: Option<Position>,
    /// Why it cannot be read.
    pub message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source.name)?;
        if let Some(Position { line, column }) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The objects of what `paths` name; `all_found` if nobody says that each file is a manifest.
#[must_use]
pub fn read(paths: &[PathBuf], all_found: bool) -> Gathered {
    let mut gathered = Gathered::default();
    for source in paths.iter().flat_map(|path| source::read(path)) {
        match source {
            Ok(source) => gathered.add(Source {
                is_found: source.is_found || all_found,
                ..source
            }),
            Err(unreadable) => gathered.unreadable.push(unreadable.into()),
        }
    }
    gathered
}

impl Gathered {
    /// Adds the objects of `source`.
    pub fn add(&mut self, source: Source) {
        match manifest::read(&source.text) {
            Ok(documents) => {
                let source = Rc::new(source);
                let documents = documents.into_iter();
                let objects = documents.map(|document| (Rc::clone(&source), document));
                self.objects.extend(objects);
            }
            // A folder may hold other things than manifests; a cluster's manifest names its kind.
            Err(_) if source.is_found && !source.text.contains(KIND) => self.passed_over += 1,
            Err(bad) => self.unreadable.push(Unreadable {
                source: Rc::new(source),
                at: bad.at,
                message: bad.message,
            }),
        }
    }
}

impl From<source::Unreadable> for Unreadable {
    fn from(source::Unreadable { name, fault }: source::Unreadable) -> Self {
        Self {
            source: Rc::new(Source {
                name,
                ..Source::default()
            }),
            at: None,
            message: fault.to_string(),
        }
    }
}
