//! What is said about a value: a sentence for the person who mends it, and where users know AKO's own words, those too.

use std::fmt::Write;

use serde_json::Value;

use super::{
    NAME, Place, Server, TYPE, Variant,
    leaf::Wrong,
    nearest,
    requirements::{Lack, alternatives, members},
};
use crate::{
    api::Tree,
    config::{
        Problem, go_text,
        inject::kind,
        parameters::{Kind, Node, Parameter, Release},
        trail::Trail,
    },
    finding::{FieldPath, Reason, Step},
};

/// Characters of a value or of a name that the user chose.
const LONGEST: usize = 48;
/// Characters of the section that AKO prints around a value.
const LONGEST_SECTION: usize = 100;

fn problem(path: FieldPath, reason: Reason, sentence: &str) -> Problem {
    Problem {
        code: "SCH-04",
        path,
        reason,
        message: format!("aerospikeConfig not valid: {sentence}"),
    }
}

/// A parameter that only Enterprise has.
pub(super) fn needs_enterprise(trail: &Trail<'_>, name: &str) -> Problem {
    Problem {
        code: "CE-02",
        path: trail.path(),
        reason: Reason::Forbidden,
        message: format!(
            "only Enterprise and Federal editions are allowed to use {name}: use an Enterprise image or leave it out"
        ),
    }
}

/// A name that `section` does not have.
pub(super) fn unknown(section: Place<'_>, trail: &Trail<'_>, key: &str, server: Server) -> Problem {
    let why = match section.node.member(key) {
        Some(node) => format!(
            "server {} does not have it, it exists {}",
            server.release,
            lifetime(node, server.release)
        ),
        None => unknown_everywhere(section, key, server),
    };
    let name = shortened(key, LONGEST);
    let sentence = format!("Additional property {name} is not allowed: {why}");
    problem(trail.path(), Reason::Forbidden, &sentence)
}

fn unknown_everywhere(section: Place<'_>, key: &str, server: Server) -> String {
    let release = server.release;
    let mut why = format!(
        "server {release} has no such parameter in {}",
        title(section)
    );
    if let Some(name) = nearest::similar(section.node, key, release) {
        push(&mut why, format_args!("; did you mean {name}?"));
        return why;
    }
    let sections = nearest::sections_with(key, release);
    if !sections.is_empty() {
        push(
            &mut why,
            format_args!("; it belongs into {}", sections.join(", ")),
        );
    }
    why
}

/// In which other releases than `release` the node exists.
fn lifetime(node: &Node, release: Release) -> String {
    let ends = node.rows.iter().filter_map(|row| row.until);
    let last = ends.filter(|until| *until < release).max();
    let starts = node.rows.iter().filter_map(|row| row.since);
    let next = starts.filter(|since| *since > release).min();
    match (last, next) {
        (Some(last), Some(next)) => format!("until {last} and again since {next}"),
        (Some(last), None) => format!("until {last}"),
        (None, Some(next)) => format!("since {next}"),
        (None, None) => "in other releases".to_owned(),
    }
}

/// The section as one speaks of it.
fn title(section: Place<'_>) -> String {
    match (section.trail.name(), section.variant) {
        (Some(name), Some(_)) => format!("{name} of type {}", section.node.name),
        (Some(name), None) => name.to_owned(),
        (None, _) => "aerospikeConfig".to_owned(),
    }
}

/// A group of members that does not hold.
pub(super) fn lacking(section: Place<'_>, lack: Lack, server: Server, given: &Tree) -> Problem {
    let path = section.trail.path();
    let title = title(section);
    match lack {
        Lack::Member(name) => {
            let node = section.node.member(name);
            let takes = node
                .and_then(|node| node.parameter(server.release))
                .map(takes);
            let takes = takes.unwrap_or_else(|| "a value".to_owned());
            let sentence = format!(
                "{name} is required in {title} of server {}: {takes}",
                server.release
            );
            problem(path.child(name), Reason::Required, &sentence)
        }
        Lack::Alternatives(names) => {
            let missing = listed(names, |name| !given.contains_key(name));
            problem(path, Reason::Required, &format!("{title} needs {missing}"))
        }
        Lack::TooMany(names) => {
            let allowed = listed(names, |name| name != TYPE);
            problem(
                path,
                Reason::Invalid,
                &format!("{title} takes only one of {allowed}"),
            )
        }
    }
}

/// `a and b, or c`, of the members that count.
fn listed(names: &'static str, counts: impl Fn(&str) -> bool) -> String {
    let each = alternatives(names).map(|names| {
        let counted: Vec<_> = members(names).filter(|name| counts(name)).collect();
        counted.join(" and ")
    });
    each.collect::<Vec<_>>().join(", or ")
}

/// An item of a list without a name.
pub(super) fn nameless(item: Place<'_>) -> Problem {
    let sentence = format!(
        "{NAME} is required: it tells the items of {} apart",
        title(item)
    );
    problem(item.trail.path().child(NAME), Reason::Required, &sentence)
}

/// An item of a list that is no section.
pub(super) fn no_section(item: Place<'_>, given: &Value) -> Problem {
    let sentence = format!(
        "{} takes a list of sections with a name each, and this item is {}",
        title(item),
        kind(given)
    );
    problem(item.trail.path(), Reason::Invalid, &sentence)
}

/// An empty section in a list's item, which AKO takes for a parameter.
pub(super) fn empty(section: Place<'_>) -> Problem {
    let names = section.node.members.iter().take(3).map(|it| it.name);
    let sentence = format!(
        "{} is empty: leave it out, or set one of its parameters, such as {}",
        section.node.name,
        names.collect::<Vec<_>>().join(", ")
    );
    problem(section.trail.path(), Reason::Required, &sentence)
}

/// A variant whose type is missing, or none that the release has.
pub(super) fn no_type(
    at: Place<'_>,
    trail: &Trail<'_>,
    given: Option<&Value>,
    server: Server,
) -> Problem {
    let types: Vec<_> = at
        .node
        .members_in(server.release)
        .map(|it| it.name)
        .collect();
    let types = types.join(", ");
    let name = at.node.name;
    let (reason, sentence) = match given {
        None => (
            Reason::Required,
            format!("type is required: the type of {name} is one of {types}"),
        ),
        Some(Value::String(text)) => {
            let text = shortened(text, LONGEST);
            let of_other = at
                .node
                .member(&text)
                .map(|node| format!(" ({text} exists {})", lifetime(node, server.release)));
            let of_other = of_other.unwrap_or_default();
            let release = server.release;
            (
                Reason::Invalid,
                format!(
                    "the type of {name} in server {release} is one of {types}, not {text:?}{of_other}"
                ),
            )
        }
        Some(other) => (
            Reason::Invalid,
            format!("the type of {name} is one of {types}, not {}", kind(other)),
        ),
    };
    problem(trail.path(), reason, &sentence)
}

/// A value that its parameter does not take.
pub(super) fn wrong(at: Place<'_>, value: &Value, wrong: Wrong) -> Problem {
    let name = at.node.name;
    let takes = takes(at.parameter);
    let path = at.trail.path();
    let (path, given, ako) = match wrong {
        Wrong::Type => (path, kind(value).to_owned(), mistyped(at, value)),
        Wrong::Below(min) => (
            path,
            value.to_string(),
            compared(
                at,
                value,
                "number_gte",
                &format!("greater than or equal to {min}"),
            ),
        ),
        Wrong::Above(max) => (
            path,
            value.to_string(),
            compared(
                at,
                value,
                "number_lte",
                &format!("less than or equal to {max}"),
            ),
        ),
        Wrong::NoWord => (path, quoted(at, value), None),
        Wrong::Item(index) => {
            let item = value.get(index).unwrap_or(&Value::Null);
            (
                path.index(index),
                kind(item).to_owned(),
                mistyped(at, value),
            )
        }
        Wrong::NoHost(index) => {
            let item = index.and_then(|index| value.get(index)).unwrap_or(value);
            let path = index.map_or(path.clone(), |index| path.index(index));
            (path, quoted(at, item), None)
        }
    };
    let ako = ako.map(|ako| format!(" [{ako}]")).unwrap_or_default();
    problem(
        path,
        Reason::Invalid,
        &format!("{name} takes {takes}, not {given}{ako}"),
    )
}

/// What a parameter takes, in words.
fn takes(parameter: &Parameter) -> String {
    match parameter.kind {
        Kind::Section | Kind::Variant => "a section".to_owned(),
        Kind::Sections => "a list of sections with a name each".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Integer => numbers(parameter),
        Kind::Flag => "true or false".to_owned(),
        Kind::Word => format!("one of {}", words(parameter)),
        Kind::Texts => "a list of texts".to_owned(),
        Kind::WordOrHosts => format!("one of {}, or a list of host names", words(parameter)),
    }
}

fn numbers(parameter: &Parameter) -> String {
    match (parameter.min, parameter.max) {
        (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
        (Some(min), None) => format!("a whole number from {min}"),
        (None, Some(max)) => format!("a whole number up to {max}"),
        (None, None) => "a whole number".to_owned(),
    }
}

fn words(parameter: &Parameter) -> String {
    parameter.words().collect::<Vec<_>>().join(", ")
}

/// AKO's line about a value of another type; none where its schema says something that helps nobody.
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

fn compared(at: Place<'_>, value: &Value, error: &str, bound: &str) -> Option<String> {
    Some(violation(at, value, error, &format!("Must be {bound}")))
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
    let members = members.map(|(key, value)| (key.clone(), value.clone()));
    shortened(
        &go_text::value(&Value::Object(members.collect())),
        LONGEST_SECTION,
    )
}

/// Whether values of a parameter may be secrets.
fn is_secret(name: &str) -> bool {
    ["password", "secret", "token", "key"]
        .iter()
        .any(|word| name.contains(word))
}

/// A value as AKO prints it, unless it is secret or long.
fn printed(name: &str, value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => go_text::value(value),
        _ if is_secret(name) => "***".to_owned(),
        Value::Object(_) => "map[…]".to_owned(),
        Value::Array(_) => "[…]".to_owned(),
        scalar => shortened(&go_text::value(scalar), LONGEST),
    }
}

fn quoted(at: Place<'_>, value: &Value) -> String {
    format!("{:?}", printed(at.node.name, value))
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

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}
