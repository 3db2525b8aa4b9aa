//! `rack-id` of the namespaces that are spread over racks.

use serde_json::Value;

use super::{Context, Section, wrong_type};
use crate::{
    api::Tree,
    config::{Problem, go_text},
    finding::{FieldPath, MOST_TOLD, Reason},
    nearest_name::nearest_name,
};

const RACK_ID: &str = "rack-id";

pub(super) fn defaults(tree: &mut Tree, context: &Context<'_>, problems: &mut Vec<Problem>) {
    let path = FieldPath::default().child("namespaces");
    match tree.get_mut("namespaces") {
        None => problems.push(missing(path, tree)),
        Some(Value::Array(items)) if !items.is_empty() => {
            for (index, item) in items.iter_mut().enumerate() {
                if problems.len() < MOST_TOLD {
                    namespace(item, &path, index, context, problems);
                }
            }
        }
        Some(other) => problems.push(no_list(path, other)),
    }
}

fn missing(path: FieldPath, tree: &Tree) -> Problem {
    let meant = nearest_name("namespaces", tree.keys().map(String::as_str));
    let meant = meant.map_or_else(String::new, |it| {
        format!("; write \"namespaces\", not {it:?}")
    });
    Problem {
        code: "DEF-10a",
        path,
        reason: Reason::Required,
        message: format!(
            "aerospikeConfig.namespaces not present. List at least one namespace{meant}"
        ),
    }
}

fn no_list(path: FieldPath, given: &Value) -> Problem {
    let (code, reason, message) = match given {
        Value::Null => (
            "DEF-10b",
            Reason::Required,
            "aerospikeConfig.namespaces cannot be nil; list at least one namespace".to_owned(),
        ),
        Value::Array(_) => (
            "DEF-10d",
            Reason::Required,
            "aerospikeConfig.namespaces is empty; list at least one namespace".to_owned(),
        ),
        other => (
            "DEF-10c",
            Reason::Invalid,
            format!(
                "aerospikeConfig.namespaces not valid namespace list {}: write each namespace as an item, beginning with `- name:`",
                go_text::value(other)
            ),
        ),
    };
    Problem {
        code,
        path,
        reason,
        message,
    }
}

fn namespace(
    item: &mut Value,
    list: &FieldPath,
    index: usize,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) {
    let Value::Object(tree) = item else {
        problems.push(wrong_type("DEF-10d", list.index(index), "an object", item));
        return;
    };
    let Some(name) = tree.get("name").and_then(Value::as_str).map(str::to_owned) else {
        return;
    };
    match context.rack_id {
        Some(rack_id) if context.rack_namespaces.contains(name.as_str()) => {
            set_rack_id(tree, rack_id, list.item(index, name), problems);
        }
        _ => {
            tree.remove(RACK_ID);
        }
    }
}

fn set_rack_id(tree: &mut Tree, rack_id: i64, path: FieldPath, problems: &mut Vec<Problem>) {
    let is_stale = tree.get(RACK_ID).and_then(Value::as_f64) == Some(0.0);
    if is_stale && rack_id != 0 {
        tree.remove(RACK_ID);
    }
    let mut section = Section {
        tree,
        path,
        code: "DEF-11",
        problems,
    };
    section.fix(RACK_ID, rack_id.into());
}
