//! The server's configuration as a tree: what is put into it, how a rack's changes are merged, how it is rendered.

pub mod go_text;
pub mod inject;
pub mod merge;
pub mod parameters;
pub mod render;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{
    api::Tree,
    finding::{FieldPath, Finding, Reason, Step},
};

/// A finding whose path is relative to the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule's id.
    pub code: &'static str,
    /// Where, below `aerospikeConfig`.
    pub path: FieldPath,
    /// How it is wrong.
    pub reason: Reason,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// The finding at the place that `place` gives for the relative path.
    pub fn into_finding(self, place: impl Fn(&FieldPath) -> FieldPath) -> Finding {
        Finding {
            code: self.code,
            path: place(&self.path),
            reason: self.reason,
            message: self.message,
        }
    }
}

/// The place of `path` in `tree`, if `tree` itself holds a value there. List items are found by their `name`, so an index
/// may differ from that in `path`.
#[must_use]
pub fn locate(tree: &Tree, path: &FieldPath) -> Option<FieldPath> {
    let mut steps = path.steps();
    let mut place = FieldPath::default();
    let mut value = match steps.next() {
        None => return Some(place),
        Some(first) => {
            let name = first.name()?;
            place = place.child(name);
            tree.get(name)?
        }
    };
    for step in steps {
        (place, value) = descend(&place, value, step)?;
    }
    Some(place)
}

fn descend<'a>(
    place: &FieldPath,
    value: &'a Value,
    step: Step<'_>,
) -> Option<(FieldPath, &'a Value)> {
    match step {
        Step::Name(name) => Some((place.child(name), value.get(name)?)),
        Step::Item { index, key: None } => Some((place.index(index), value.get(index)?)),
        Step::Item { key: Some(key), .. } => {
            let items = value.as_array()?;
            let index = items.iter().position(|item| name_of(item) == Some(key))?;
            Some((place.item(index, key), items.get(index)?))
        }
    }
}

/// Whether `tree` itself holds a value at `path`; list items are found by their `name`.
#[must_use]
pub fn supplies(tree: &Tree, path: &FieldPath) -> bool {
    locate(tree, path).is_some()
}

/// The `name` of a list's item.
fn name_of(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}
