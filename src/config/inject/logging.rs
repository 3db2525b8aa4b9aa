//! A console sink, without which a pod logs nothing that Kubernetes can show.

use serde_json::{Value, json};

use super::{Context, wrong_type};
use crate::{
    api::Tree,
    config::{Problem, name_of},
    finding::{FieldPath, Told},
};

const CODE: &str = "DEF-17";
const CONSOLE: &str = "console";

pub(super) fn defaults(tree: &mut Tree, _: &Context<'_>, problems: &mut Vec<Problem>) {
    let path = FieldPath::default().child("logging");
    let sinks = tree
        .entry("logging")
        .or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(sinks) = sinks else {
        problems.push(wrong_type(CODE, path, "a list", sinks));
        return;
    };
    let wrong = sinks
        .iter()
        .enumerate()
        .filter(|(_, sink)| !sink.is_object());
    let wrong = wrong.map(|(index, sink)| wrong_type(CODE, path.index(index), "an object", sink));
    problems.extend(wrong.told());
    if !sinks.iter().any(|sink| name_of(sink) == Some(CONSOLE)) {
        sinks.push(json!({"name": CONSOLE, "any": "info"}));
    }
}
