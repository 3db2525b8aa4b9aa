//! The settings in force: what the file said, and what was changed since.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{LOG_LEVELS, Table};
use crate::version::Release;

/// Contexts of the log, in the order in which the server lists them.
const LOG_CONTEXTS: &str = include_str!("../../data/keys/log-contexts");

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// `stderr`, or a path.
    pub name: String,
    /// The level of each context, in the server's order.
    pub levels: Vec<(String, usize)>,
}

impl Sink {
    /// Whether a line of `context` at `level` (0 is critical) is written here.
    #[must_use]
    pub fn takes(&self, context: &str, level: usize) -> bool {
        self.levels
            .iter()
            .any(|(name, most)| name == context && level <= *most)
    }
}

/// Settings by key: the path in the file, with names in braces.
#[derive(Debug, Clone)]
pub struct Settings {
    release: Release,
    values: BTreeMap<String, Vec<String>>,
    sections: BTreeSet<String>,
    namespaces: Vec<String>,
    sinks: Vec<Sink>,
    warnings: Vec<String>,
    revision: u64,
}

impl Settings {
    /// No settings.
    #[must_use]
    pub fn empty(release: Release) -> Self {
        Self {
            release,
            values: BTreeMap::new(),
            sections: BTreeSet::new(),
            namespaces: Vec::new(),
            sinks: Vec::new(),
            warnings: Vec::new(),
            revision: 0,
        }
    }

    /// Moves with every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The release they are for.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// Makes them those of another release.
    pub fn set_release(&mut self, release: Release) {
        self.revision += 1;
        self.release = release;
    }

    /// The parameter table of that release.
    #[must_use]
    pub fn table(&self) -> Table {
        Table::of(self.release)
    }

    /// The namespaces, in the order of the file.
    #[must_use]
    pub fn namespaces(&self) -> &[String] {
        &self.namespaces
    }

    /// The log sinks, in the order of the file.
    #[must_use]
    pub fn sinks(&self) -> &[Sink] {
        &self.sinks
    }

    /// What the file holds that is let pass with a warning.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the section at `key` is there.
    #[must_use]
    pub fn has_section(&self, key: &str) -> bool {
        self.sections.contains(key)
    }

    /// The names of the sections of the list at `key`.
    pub fn section_names<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.sections.iter().filter_map(move |section| {
            let label = section
                .strip_prefix(key)?
                .strip_prefix(".{")?
                .strip_suffix('}')?;
            (!label.contains('}')).then_some(label)
        })
    }

    /// The value at `key`, if it was set.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values
            .get(key)
            .and_then(|values| values.last())
            .map(String::as_str)
    }

    /// The values at `key`, in the order of the file.
    #[must_use]
    pub fn all(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// All keys and values.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values
            .iter()
            .map(|(key, values)| (key.as_str(), values.as_slice()))
    }

    /// The number at `key`, or `otherwise`.
    #[must_use]
    pub fn number(&self, key: &str, otherwise: u64) -> u64 {
        self.get(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(otherwise)
    }

    /// The port at `key`; 0 if there is none.
    #[must_use]
    pub fn port(&self, key: &str) -> u16 {
        self.get(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }

    /// Whether `key` is true.
    #[must_use]
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some("true")
    }

    /// Sets `key` to one value.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.revision += 1;
        self.values.insert(key.to_owned(), vec![value.into()]);
    }

    /// Adds a value to `key`.
    pub fn append(&mut self, key: &str, value: String) {
        self.revision += 1;
        self.values.entry(key.to_owned()).or_default().push(value);
    }

    /// Removes one value from `key`; whether it was there.
    pub fn remove_value(&mut self, key: &str, value: &str) -> bool {
        self.revision += 1;
        let Some(values) = self.values.get_mut(key) else {
            return false;
        };
        let before = values.len();
        values.retain(|known| known != value);
        values.len() < before
    }

    /// Adds the section at `key`.
    pub fn add_section(&mut self, key: &str) {
        self.revision += 1;
        self.sections.insert(key.to_owned());
    }

    /// Removes the section at `key` with everything in it; whether it was there.
    pub fn remove_section(&mut self, key: &str) -> bool {
        self.revision += 1;
        let below = format!("{key}.");
        self.values.retain(|known, _| !known.starts_with(&below));
        self.sections.retain(|known| !known.starts_with(&below));
        self.sections.remove(key)
    }

    /// Adds a namespace.
    pub fn add_namespace(&mut self, name: &str) {
        self.revision += 1;
        self.namespaces.push(name.to_owned());
    }

    /// Notes something that the server warns about.
    pub fn warn(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    /// Adds a log sink and returns its key.
    pub fn add_sink(&mut self, name: &str) -> String {
        let known = |context: &&str| self.table().has_log_context(context);
        let contexts = LOG_CONTEXTS
            .lines()
            .filter_map(|line| line.split(':').next());
        let levels = contexts
            .filter(known)
            .map(|context| (context.to_owned(), 0))
            .collect();
        self.sinks.push(Sink {
            name: name.to_owned(),
            levels,
        });
        (self.sinks.len() - 1).to_string()
    }

    /// Sets the level of a context (or `any`) of the sink with this key; whether all of them are known.
    pub fn set_log_level(&mut self, sink: &str, context: &str, level: &str) -> bool {
        let number = LOG_LEVELS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(level));
        let sink = sink
            .parse()
            .ok()
            .and_then(|index: usize| self.sinks.get_mut(index));
        let (Some(number), Some(sink)) = (number, sink) else {
            return false;
        };
        let any = context == "any";
        let mut found = any;
        for (_, at) in sink
            .levels
            .iter_mut()
            .filter(|(name, _)| any || name == context)
        {
            *at = number;
            found = true;
        }
        found
    }
}

/// The key of a parameter of a namespace.
#[must_use]
pub fn namespace_key(namespace: &str, name: &str) -> String {
    format!("namespaces.{{{namespace}}}.{name}")
}
