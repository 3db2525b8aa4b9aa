//! Texts → the objects in them.

use std::{path::PathBuf, rc::Rc};

use super::{
    engine::KIND,
    manifest::{self, BadYaml, Document},
    source::{self, Source},
};

/// The objects of some texts.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Each with the text that holds it.
    pub objects: Vec<(Rc<Source>, Document)>,
    /// What could not be read, and why.
    pub unreadable: Vec<String>,
    /// Texts that are no manifests, and need not be.
    pub passed_over: usize,
}

/// The objects of what `paths` name.
#[must_use]
pub fn read(paths: &[PathBuf]) -> Gathered {
    let mut gathered = Gathered::default();
    for source in paths.iter().flat_map(|path| source::read(path)) {
        match source {
            Ok(source) => gathered.add(source),
            Err(unreadable) => gathered.unreadable.push(unreadable.to_string()),
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
            Err(bad) => self.unreadable.push(told(&source, &bad)),
        }
    }
}

fn told(Source { name, .. }: &Source, bad: &BadYaml) -> String {
    let place = bad
        .at
        .map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
    format!("{name}{place}: {bad}")
}
