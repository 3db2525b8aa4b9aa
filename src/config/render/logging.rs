//! The section of log sinks, whose members are contexts.

use serde_json::Value;

use super::{braces, named, names, statement, value};
use crate::api::Tree;

/// Members that are parameters of the sink.
const PARAMETERS: &[&str] = &["facility", "path", "tag"];

/// Contexts that are lists of sections everywhere else, where a list of one level stands for the level.
const LIST_CONTEXTS: &[&str] = &["namespace", "tls"];

pub(super) fn section(text: &mut String, sinks: &[Value]) {
    braces(text, "logging", 0, |text| {
        for (name, sink) in named(sinks) {
            braces(text, &title(name), 1, |text| body(text, sink));
        }
    });
}

fn title(name: &str) -> String {
    match name {
        "console" | "syslog" => name.to_owned(),
        file => format!("file {file}"),
    }
}

fn body(text: &mut String, sink: &Tree) {
    for (key, given) in sink {
        let level = value::text(only_level(key, given));
        if !names::is_written(key, &level) {
            continue;
        }
        if PARAMETERS.contains(&key.as_str()) {
            statement(text, key, &level, 2);
        } else {
            statement(text, &format!("context {key}"), &level, 2);
        }
    }
}

pub(in crate::config) fn only_level<'a>(key: &str, given: &'a Value) -> &'a Value {
    match given {
        Value::Array(levels) if levels.len() == 1 && LIST_CONTEXTS.contains(&key) => &levels[0],
        other => other,
    }
}
