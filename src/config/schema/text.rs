//! What is said about a value: a sentence for the person who mends it, and AKO's own words behind it.

use std::fmt::Write;

use serde_json::Value;

use super::{
    LONGEST, NAME, Place, Server, TYPE, ako,
    leaf::Wrong,
    nearest,
    requirements::{Lack, alternatives, members},
};
use crate::{
    api::Tree,
    config::{
        Problem,
        inject::kind,
        parameters::{Kind, Node, Parameter, Release},
        trail::Trail,
    },
    finding::{FieldPath, Reason},
};

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
    let index = match wrong {
        Wrong::Item(index) => Some(index),
        Wrong::NoHost(index) => index,
        Wrong::Type | Wrong::Below(_) | Wrong::Above(_) | Wrong::NoWord => None,
    };
    let item = index.and_then(|index| value.get(index)).unwrap_or(value);
    let path = at.trail.path();
    let path = index.map_or_else(|| path.clone(), |index| path.index(index));
    let name = at.node.name;
    let given = match wrong {
        Wrong::Type | Wrong::Item(_) => kind(item).to_owned(),
        Wrong::Below(_) | Wrong::Above(_) => value.to_string(),
        Wrong::NoWord | Wrong::NoHost(_) => format!("{:?}", ako::printed(name, item)),
    };
    let takes = takes(at.parameter);
    let ako = ako::line(at, value, wrong).map(|line| format!(" [{line}]"));
    let ako = ako.unwrap_or_default();
    let meant = meant(at.parameter.kind, item).map(|meant| format!(": write {meant}"));
    let meant = meant.unwrap_or_default();
    problem(
        path,
        Reason::Invalid,
        &format!("{name} takes {takes}, not {given}{meant}{ako}"),
    )
}

/// Units of sizes, by the power of two that they stand for.
const UNITS: [(char, u32); 5] = [('K', 10), ('M', 20), ('G', 30), ('T', 40), ('P', 50)];

/// What stands for a number or a switch in a text: what is in the quotes, a size in bytes.
fn meant(kind: Kind, value: &Value) -> Option<String> {
    let text = value.as_str()?;
    match kind {
        Kind::Integer => Some(whole_number(text)?.to_string()),
        Kind::Flag => matches!(text, "true" | "false").then(|| text.to_owned()),
        _ => None,
    }
}

/// `1024` of `1024`, `1K`, `1Ki`, `1KB` and `1KiB`.
fn whole_number(text: &str) -> Option<i64> {
    let size = text.strip_suffix('B').unwrap_or(text);
    let size = size.strip_suffix('i').unwrap_or(size);
    let unit = UNITS.iter().find(|(letter, _)| size.ends_with(*letter));
    match unit {
        Some((letter, power)) => {
            let count: i64 = size.strip_suffix(*letter)?.trim_end().parse().ok()?;
            count.checked_mul(1 << power)
        }
        None => text.parse().ok(),
    }
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

pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_text_stands_for_is_told() {
        let number = |text: &str| meant(Kind::Integer, &json!(text));
        for text in ["1073741824", "1G", "1Gi", "1GB", "1GiB", "1 GiB"] {
            assert_eq!(number(text).as_deref(), Some("1073741824"), "{text}");
        }
        for text in ["", "many", "G", "1m", "1.5G", "9999999999P", "1i", "1B"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(meant(Kind::Flag, &json!("true")).as_deref(), Some("true"));
        assert_eq!(meant(Kind::Flag, &json!("on")), None);
        assert_eq!(meant(Kind::Text, &json!("1G")), None);
    }
}
