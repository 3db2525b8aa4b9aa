//! LDAP patterns, kept from the substitution of environment variables in the pod.

use serde_json::Value;

use super::{Context, object};
use crate::{api::Tree, config::Problem, finding::FieldPath};

/// A pattern of LDAP, and what turns into it when the pod's environment is filled in.
const PATTERNS: [(&str, &str); 2] = [("${un}", "$${_DNE}{un}"), ("${dn}", "$${_DNE}{dn}")];

pub(super) fn defaults(tree: &mut Tree, _: &Context<'_>, problems: &mut Vec<Problem>) {
    if !tree.contains_key("security") {
        return;
    }
    let security = object(
        tree,
        "security",
        ("DEF-18", &FieldPath::default()),
        problems,
    );
    if let Some(ldap) = security.and_then(|security| security.get_mut("ldap")) {
        escape(ldap);
    }
}

fn escape(value: &mut Value) {
    match value {
        Value::String(text) => *text = escaped(text),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(key, mut member)| {
                    escape(&mut member);
                    (escaped(&key), member)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn escaped(text: &str) -> String {
    PATTERNS
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
