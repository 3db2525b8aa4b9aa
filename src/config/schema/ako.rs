//! What is wrong with a value in AKO's own words, which users know and search for: the lines of its schema's errors,
//! without those about the schema itself.

use serde_json::Value;

use super::{
    LONGEST, Place, TYPE, Variant,
    leaf::Wrong,
    text::{push, shortened},
};
use crate::{
    config::{go_text, parameters::Kind, trail::Trail},
    finding::Step,
};

/// Characters of the section that AKO prints around a value.
const LONGEST_SECTION: usize = 64;

/// AKO's line; none where its schema says something that helps nobody.
pub(super) fn line(at: Place<'_>, value: &Value, wrong: Wrong) -> Option<String> {
    let (error, description) = match wrong {
        Wrong::Type | Wrong::Item(_) => return mistyped(at, value),
        Wrong::Below(min) => (
            "number_gte",
            format!("Must be greater than or equal to {min}"),
        ),
        Wrong::Above(max) => ("number_lte", format!("Must be less than or equal to {max}")),
        Wrong::NoWord | Wrong::NoHost(_) => return None,
    };
    Some(violation(at, value, error, &description))
}

fn mistyped(at: Place<'_>, value: &Value) -> Option<String> {
    let expected = match at.parameter.kind {
        Kind::Integer => "integer",
        Kind::Flag => "boolean",
        Kind::Text | Kind::Word => "string",
        Kind::Section | Kind::Variant => "object",
        Kind::Texts | Kind::Sections => "array",
        Kind::WordOrHosts => return None,
    };
    let value = normalised(value);
    let given = json_type(value);
    let description = format!("Invalid type. Expected: {expected}, given: {given}");
    Some(violation(at, value, "invalid_type", &description))
}

/// As AKO prints a violation of its schema: in a section with a type that is one of its form first.
fn violation(at: Place<'_>, value: &Value, error: &str, description: &str) -> String {
    let mut text = String::new();
    if let Some(variant) = at.variant {
        let place = dotted(variant.trail);
        let members = known_members(variant);
        push(
            &mut text,
            format_args!(
                "{{{members} number_one_of (root).{place} Must validate one and only one schema (oneOf) {place}}} "
            ),
        );
    }
    let place = dotted(at.trail);
    let value = printed(at.node.name, value);
    push(
        &mut text,
        format_args!("{{{value} {error} (root).{place} {description} {place}}}"),
    );
    text
}

/// The section with a type, without what may be secret or the user put there by mistake.
fn known_members(Variant { tree, node, .. }: Variant<'_>) -> String {
    let told = |key: &str| key == TYPE || node.member(key).is_some() && !is_secret(key);
    let members = tree.iter().filter(|(key, _)| told(key));
    let members: Vec<_> = members
        .map(|(key, value)| format!("{key}:{}", printed(key, value)))
        .collect();
    format!("map[{}]", shortened(&members.join(" "), LONGEST_SECTION))
}

/// Whether values of a parameter may be secrets.
fn is_secret(name: &str) -> bool {
    ["password", "secret", "token", "key"]
        .iter()
        .any(|word| name.contains(word))
}

/// A value as AKO prints it, unless it is secret or long.
pub(super) fn printed(name: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => go_text::value(value),
        _ if is_secret(name) => "***".to_owned(),
        Value::Object(_) => "map[…]".to_owned(),
        Value::Array(_) => "[…]".to_owned(),
        Value::Number(_) => go_text::value(value),
        Value::String(text) => shortened(text, LONGEST),
    }
}

/// A list that begins with neither text nor section is nothing to AKO.
fn normalised(value: &Value) -> &Value {
    match value {
        Value::Array(items)
            if !items
                .first()
                .is_some_and(|it| it.is_string() || it.is_object()) =>
        {
            &Value::Null
        }
        other => other,
    }
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `namespaces.0.storage-engine`
fn dotted(trail: &Trail<'_>) -> String {
    let steps = trail.steps().into_iter().map(|step| match step {
        Step::Name(name) => name.to_owned(),
        Step::Item { index, .. } => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}
