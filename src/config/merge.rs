//! A rack's changes over the cluster's configuration.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::{
    api::Tree,
    config::{Problem, name_of},
    finding::{FieldPath, MOST_TOLD, Reason},
};

/// `base` with the changes of `patch`.
///
/// # Errors
///
/// List elements that cannot be matched by `name`.
pub fn merge(base: &Tree, patch: &Tree) -> Result<Tree, Vec<Problem>> {
    let mut merger = Merger::default();
    let tree = merger.trees(base, patch, &FieldPath::default());
    if merger.problems.is_empty() {
        Ok(tree)
    } else {
        Err(merger.problems)
    }
}

#[derive(Default)]
struct Merger {
    problems: Vec<Problem>,
}

impl Merger {
    fn trees(&mut self, base: &Tree, patch: &Tree, at: &FieldPath) -> Tree {
        let mut result = base.clone();
        for (key, change) in patch {
            let value = match base.get(key) {
                Some(old) => self.values(key, old, change, &at.child(key)),
                None => change.clone(),
            };
            result.insert(key.clone(), value);
        }
        result
    }

    fn values(&mut self, key: &str, base: &Value, patch: &Value, at: &FieldPath) -> Value {
        match (base, patch) {
            (Value::Object(base), Value::Object(patch)) if !is_other_engine(key, base, patch) => {
                Value::Object(self.trees(base, patch, at))
            }
            (Value::Array(base), Value::Array(patch)) if !(is_plain(base) && is_plain(patch)) => {
                Value::Array(self.lists(base, patch, at))
            }
            _ => patch.clone(),
        }
    }

    /// Items of `base` in their order, then those that only `patch` has. Of several in `patch` with one name the first counts.
    fn lists(&mut self, base: &[Value], patch: &[Value], at: &FieldPath) -> Vec<Value> {
        let base = self.named(base, at);
        let patch = self.named(patch, at);
        let names: HashSet<_> = base.iter().map(|(_, name, _)| *name).collect();
        let mut by_name = HashMap::new();
        for (_, name, change) in &patch {
            by_name.entry(*name).or_insert(*change);
        }
        let changed = base.iter().map(|(index, name, item)| {
            Value::Object(match by_name.get(name) {
                Some(change) => self.trees(item, change, &at.item(*index, name)),
                None => (*item).clone(),
            })
        });
        let mut result: Vec<_> = changed.collect();
        let added = patch.iter().filter(|(_, name, _)| !names.contains(name));
        result.extend(added.map(|(_, _, item)| Value::Object((*item).clone())));
        result
    }

    fn named<'a>(&mut self, items: &'a [Value], at: &FieldPath) -> Vec<(usize, &'a str, &'a Tree)> {
        let mut named = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match (item.as_object(), name_of(item)) {
                (Some(tree), Some(name)) => named.push((index, name, tree)),
                (tree, _) if self.problems.len() < MOST_TOLD => self
                    .problems
                    .push(unmatched(at.index(index), tree.is_some())),
                _ => {}
            }
        }
        named
    }
}

fn unmatched(path: FieldPath, is_object: bool) -> Problem {
    let (path, reason, wrong) = if is_object {
        (path.child("name"), Reason::Required, "has no name")
    } else {
        (path, Reason::Invalid, "is no object")
    };
    Problem {
        code: "DEF-21",
        path,
        reason,
        message: format!(
            "failed to update rack aerospikeConfig: a list item {wrong}; items of a list that a rack changes are matched by a text `name`"
        ),
    }
}

/// A storage engine on files takes nothing over from one on devices, nor the other way round.
fn is_other_engine(key: &str, base: &Tree, patch: &Tree) -> bool {
    let moves = |from: &Tree, to: &Tree| from.contains_key("files") && to.contains_key("devices");
    key == "storage-engine" && (moves(base, patch) || moves(patch, base))
}

fn is_plain(items: &[Value]) -> bool {
    !items
        .iter()
        .any(|item| matches!(item, Value::Array(_) | Value::Object(_)))
}
