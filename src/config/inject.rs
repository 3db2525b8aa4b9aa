//! What the operator puts into a configuration, placeholders for `init` among it.

mod logging;
mod namespaces;
mod network;
mod security;
mod service;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    api::Tree,
    config::{Problem, go_text},
    finding::{FieldPath, Reason},
};

/// What the injected values depend on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Name of the custom resource.
    pub cluster_name: &'a str,
    /// The rack whose configuration this is; none for the cluster's own.
    pub rack_id: Option<i64>,
    /// Namespaces that are spread over racks.
    pub rack_namespaces: &'a BTreeSet<&'a str>,
    /// `operatorClientCert.tlsClientName`
    pub client_name: Option<&'a str>,
}

type Step = fn(&mut Tree, &Context<'_>, &mut Vec<Problem>);

const STEPS: [Step; 5] = [
    namespaces::defaults,
    service::defaults,
    network::defaults,
    logging::defaults,
    security::defaults,
];

/// Completes `tree`. Idempotent.
///
/// Returns every value that stands in the way; `tree` is complete only if there is none.
#[must_use]
pub fn defaults(tree: &mut Tree, context: &Context<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for step in STEPS {
        step(tree, context, &mut problems);
    }
    problems
}

/// A section into which values are put that users cannot change.
struct Section<'a> {
    tree: &'a mut Tree,
    path: FieldPath,
    code: &'static str,
    problems: &'a mut Vec<Problem>,
}

impl Section<'_> {
    /// Sets `key`, or reports the value that is there and differs.
    fn fix(&mut self, key: &str, value: Value) {
        match self.tree.get(key) {
            None => {
                self.tree.insert(key.to_owned(), value);
            }
            Some(given) if is_equal(given, &value) => {}
            Some(given) => self.problems.push(Problem {
                code: self.code,
                path: self.path.child(key),
                reason: Reason::Invalid,
                message: format!(
                    "failed to set default aerospikeConfig.{} config: config {key} can not have non-default value ({} {}). \
                     It will be set internally ({} {})",
                    self.path,
                    go_text::type_name(given),
                    go_text::value(given),
                    go_text::type_name(&value),
                    go_text::value(&value),
                ),
            }),
        }
    }
}

/// Whether two values are the same; numbers by what they count, however they are written.
pub(crate) fn is_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b))
        }
        (a, b) => a == b,
    }
}

/// The object at `key`, or a problem that says that it is missing or something else.
fn object<'a>(
    tree: &'a mut Tree,
    key: &str,
    place: (&'static str, &FieldPath),
    problems: &mut Vec<Problem>,
) -> Option<&'a mut Tree> {
    let (code, parent) = place;
    let path = parent.child(key);
    let problem = match tree.get_mut(key) {
        Some(Value::Object(object)) => return Some(object),
        Some(other) => wrong_type(code, path, "an object", other),
        None => missing(code, path),
    };
    problems.push(problem);
    None
}

fn missing(code: &'static str, path: FieldPath) -> Problem {
    Problem {
        code,
        reason: Reason::Required,
        message: format!("aerospikeConfig.{path} not present; it is required"),
        path,
    }
}

fn wrong_type(code: &'static str, path: FieldPath, wanted: &str, given: &Value) -> Problem {
    Problem {
        code,
        reason: Reason::Invalid,
        message: format!(
            "aerospikeConfig.{path} must be {wanted}, not {}",
            kind(given)
        ),
        path,
    }
}

/// The JSON type alone: values of a wrong type may be anything, secrets too.
pub(in crate::config) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
