//! Lists that cannot be written.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    api::Tree,
    config::{Problem, name_of},
    finding::{FieldPath, Reason},
};

/// Every list of `tree` can be written.
pub(super) fn lists(tree: &Tree) -> Result<(), Problem> {
    members(tree, &FieldPath::default(), "")
}

/// `context` names the objects on the way down, as AKO's message does.
fn members(tree: &Tree, path: &FieldPath, context: &str) -> Result<(), Problem> {
    tree.iter().try_for_each(|(key, value)| match value {
        Value::Object(tree) => members(tree, &path.child(key), &format!("{context}{key}: ")),
        Value::Array(items) => list(key, items, &path.child(key), context),
        _ => Ok(()),
    })
}

fn list(key: &str, items: &[Value], path: &FieldPath, context: &str) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    let of_texts = items.first().is_some_and(Value::is_string);
    for (index, item) in items.iter().enumerate() {
        if of_texts && !item.is_string() {
            return Err(mixed(path.index(index)));
        }
        let Some(tree) = item.as_object() else {
            continue;
        };
        let Some(name) = name_of(item).or_else(|| item.get("type")?.as_str()) else {
            continue;
        };
        let path = path.item(index, name);
        if !seen.insert(name) {
            return Err(duplicate(key, name, path, context));
        }
        members(tree, &path, context)?;
    }
    Ok(())
}

fn duplicate(key: &str, name: &str, path: FieldPath, context: &str) -> Problem {
    Problem {
        code: "SCH-02",
        path,
        reason: Reason::Duplicate,
        message: format!(
            "aerospikeConfig not valid: {context}duplicate name \"{name}\" in {key} list section"
        ),
    }
}

fn mixed(path: FieldPath) -> Problem {
    Problem {
        code: "SCH-04",
        path,
        reason: Reason::Invalid,
        message:
            "aerospikeConfig not valid: a list that begins with a string holds nothing but strings"
                .to_owned(),
    }
}
