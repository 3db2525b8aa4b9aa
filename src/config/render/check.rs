//! Lists that cannot be written.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    api::Tree,
    config::{Problem, name_of, trail::Trail},
    finding::{MOST_TOLD, Reason},
};

/// The lists of `tree` that cannot be written.
pub(super) fn lists(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    members(tree, &Trail::ROOT, &mut problems);
    problems
}

fn members(tree: &Tree, at: &Trail<'_>, problems: &mut Vec<Problem>) {
    for (key, value) in tree {
        if problems.len() >= MOST_TOLD {
            return;
        }
        match value {
            Value::Object(tree) => members(tree, &at.child(key), problems),
            Value::Array(items) => list(items, &at.child(key), problems),
            _ => {}
        }
    }
}

fn list(items: &[Value], at: &Trail<'_>, problems: &mut Vec<Problem>) {
    if items.first().is_some_and(Value::is_string) {
        let other = items.iter().position(|item| !item.is_string());
        problems.extend(other.map(|index| mixed(&at.item(index, None))));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        if problems.len() >= MOST_TOLD {
            return;
        }
        let name = name_of(item).or_else(|| item.get("type")?.as_str());
        let (Some(tree), Some(name)) = (item.as_object(), name) else {
            continue;
        };
        let trail = at.item(index, Some(name));
        if seen.insert(name) {
            members(tree, &trail, problems);
        } else {
            problems.push(duplicate(name, &trail));
        }
    }
}

/// AKO names the sections above that are no items.
fn duplicate(name: &str, at: &Trail<'_>) -> Problem {
    let steps = at.steps();
    let pairs = steps.iter().zip(steps.iter().skip(1));
    let sections = pairs.filter_map(|(step, next)| next.name().and(step.name()));
    let context: String = sections.flat_map(|name| [name, ": "]).collect();
    let list = at.name().unwrap_or_default();
    Problem {
        code: "SCH-02",
        path: at.path(),
        reason: Reason::Duplicate,
        message: format!(
            "aerospikeConfig not valid: {context}duplicate name \"{name}\" in {list} list section; each item needs a name of its own"
        ),
    }
}

fn mixed(at: &Trail<'_>) -> Problem {
    Problem {
        code: "SCH-04",
        path: at.path(),
        reason: Reason::Invalid,
        message:
            "aerospikeConfig not valid: a list that begins with a string holds nothing but strings"
                .to_owned(),
    }
}
