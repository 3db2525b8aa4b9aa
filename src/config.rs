//! The server's configuration as a tree: what is put into it, how a rack's changes are merged, how it is rendered.

mod dotted;
pub mod go_text;
pub mod inject;
pub mod lines;
pub mod merge;
pub mod parameters;
pub mod render;
pub mod schema;
pub mod statements;
#[cfg(test)]
mod tests;
mod trail;

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
    let found = follow(tree, path);
    (found.known == path.depth()).then_some(found.place)
}

/// A path as it stands in a tree that holds only the first steps of it, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The place: indexes as in the tree as far as it goes, then as asked for.
    pub place: FieldPath,
    /// So many steps of it exist.
    pub known: usize,
}

/// Follows `path` in `tree` as far as it goes. List items are found by their `name`.
#[must_use]
pub fn follow(tree: &Tree, path: &FieldPath) -> Followed {
    let mut found = Followed {
        place: FieldPath::default(),
        known: 0,
    };
    let mut value = None;
    let mut steps = path.steps();
    for step in steps.by_ref() {
        let next = match value {
            None => step
                .name()
                .and_then(|name| tree.get(name))
                .map(|child| (None, child)),
            Some(value) => descend(value, step),
        };
        found.place = found.place.step(step, next.and_then(|(index, _)| index));
        let Some((_, child)) = next else { break };
        found.known += 1;
        value = Some(child);
    }
    found.place = steps.fold(found.place, |place, step| place.step(step, None));
    found
}

/// So many items of a list are searched for one that stands elsewhere than in another list. Only sets of a namespace may be
/// more, and their place is mostly right.
const LONGEST_SEARCH: usize = 512;

/// What `step` leads to, with its index in a list.
fn descend<'a>(value: &'a Value, step: Step<'_>) -> Option<(Option<usize>, &'a Value)> {
    match step {
        Step::Name(name) => Some((None, value.get(name)?)),
        Step::Item { index, key: None } => Some((Some(index), value.get(index)?)),
        Step::Item { index, .. } => {
            let items = value.as_array()?;
            let is_it = |item: &Value| name_of(item).is_some_and(|name| step.is_to(name));
            // Mostly the place is right; and of several of one name it is the one that is meant.
            let index = match items.get(index) {
                Some(item) if is_it(item) => index,
                _ => items.iter().take(LONGEST_SEARCH).position(is_it)?,
            };
            Some((Some(index), items.get(index)?))
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
