//! The tree as `aerospike.conf`, byte for byte as AKO 4.5.0 writes it: pods of a cluster restart when this text changes.

mod check;
mod logging;
mod names;
#[cfg(test)]
mod tests;
mod value;

use serde_json::Value;

pub(in crate::config) use self::logging::only_level;
pub(crate) use self::names::BENCHMARKS;

pub(in crate::config) use self::names::is_typed;
use self::names::{is_list_section, separator, singular};
use crate::{
    api::Tree,
    config::{Problem, dotted, name_of},
    finding::{FieldPath, Reason},
};

const INDENT: &str = "    ";

/// Bytes beyond which nothing more is written: no `ConfigMap` holds so many.
const LONGEST: usize = 1 << 20;

/// The text of `aerospike.template.conf`.
///
/// # Errors
///
/// Items of one list with the same name, lists that mix texts with something else; a text that no `ConfigMap` holds.
pub fn template(tree: &Tree) -> Result<String, Vec<Problem>> {
    let tree = dotted::expanded(tree);
    let problems = check::lists(&tree);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut text = String::new();
    body(&mut text, &tree, "name", 0);
    if text.len() > LONGEST {
        return Err(vec![too_long()]);
    }
    Ok(text)
}

fn too_long() -> Problem {
    Problem {
        code: "SIZE-03",
        path: FieldPath::default(),
        reason: Reason::Invalid,
        message: format!(
            "as a file the configuration takes more than {} KiB, and no ConfigMap has room for that: use less of it",
            LONGEST >> 10
        ),
    }
}

/// What a member of a section becomes.
enum Entry<'a> {
    /// Lines with one value each.
    Statements(Vec<String>),
    /// Sections, one an item if it is a list.
    Sections(Vec<Section<'a>>),
    /// The section of log sinks.
    Logging(&'a [Value]),
    /// Not a line.
    Nothing,
}

/// A section of the file.
struct Section<'a> {
    title: String,
    tree: &'a Tree,
    /// The member that is part of the title.
    hidden: &'static str,
}

impl<'a> Section<'a> {
    fn plain(title: &str, tree: &'a Tree) -> Self {
        Self {
            title: title.to_owned(),
            tree,
            hidden: "name",
        }
    }
}

/// The members of a section: statements first, then sections, each in the order of the tree's keys.
fn body(text: &mut String, tree: &Tree, hidden: &str, depth: usize) {
    let entries: Vec<_> = tree
        .iter()
        .filter(|(key, _)| *key != hidden)
        .map(|(key, value)| (key.as_str(), entry(key, value, depth)))
        .collect();
    for (key, entry) in &entries {
        if let Entry::Statements(values) = entry {
            statements(text, key, values, depth);
        }
    }
    for (_, entry) in entries {
        if text.len() > LONGEST {
            return;
        }
        match entry {
            Entry::Sections(all) => sections(text, &all, depth),
            Entry::Logging(sinks) => logging::section(text, sinks),
            Entry::Statements(_) | Entry::Nothing => {}
        }
    }
}

fn statements(text: &mut String, key: &str, values: &[String], depth: usize) {
    let name = singular(key).unwrap_or(key);
    for value in values.iter().filter(|value| names::is_written(key, value)) {
        if text.len() > LONGEST {
            return;
        }
        statement(text, name, value, depth);
    }
}

fn statement(text: &mut String, name: &str, value: &str, depth: usize) {
    text.push_str(&INDENT.repeat(depth));
    text.extend([name, INDENT, value, "\n"]);
}

fn sections(text: &mut String, sections: &[Section<'_>], depth: usize) {
    for section in sections {
        if text.len() > LONGEST {
            return;
        }
        braces(text, &section.title, depth, |text| {
            body(text, section.tree, section.hidden, depth + 1);
        });
    }
}

fn braces(text: &mut String, title: &str, depth: usize, body: impl FnOnce(&mut String)) {
    let indent = INDENT.repeat(depth);
    text.extend(["\n", &indent, title, " {\n"]);
    body(text);
    text.extend([&indent, "}\n"]);
}

fn entry<'a>(key: &str, value: &'a Value, depth: usize) -> Entry<'a> {
    match value {
        Value::Object(tree) if is_typed(key) => typed(key, tree),
        Value::Object(tree) if tree.is_empty() && depth == 0 && key == "security" => {
            Entry::Sections(vec![Section::plain(key, tree)])
        }
        Value::Object(tree) if vanishes(tree) => Entry::Nothing,
        Value::Object(tree) => Entry::Sections(vec![Section::plain(key, tree)]),
        Value::Array(sinks) if depth == 0 && key == "logging" => sinks_entry(sinks),
        Value::Array(items) => list(key, items),
        scalar if key == "storage-engine" && scalar != "memory" => Entry::Nothing,
        scalar => scalar_entry(key, scalar),
    }
}

fn scalar_entry(key: &str, scalar: &Value) -> Entry<'static> {
    let text = value::text(scalar);
    let is_item = scalar.is_string() && singular(key).is_some() && !names::is_word(key, &text);
    Entry::Statements(vec![if is_item {
        item(key, &text)
    } else {
        names::scalar(key, text)
    }])
}

fn list<'a>(key: &str, items: &'a [Value]) -> Entry<'a> {
    let Some(name) = singular(key) else {
        return Entry::Nothing;
    };
    match items.first() {
        Some(Value::String(_)) => {
            let texts = items.iter().filter_map(Value::as_str);
            Entry::Statements(texts.map(|text| item(key, text)).collect())
        }
        Some(Value::Object(_)) => Entry::Sections(
            named(items)
                .map(|(title, tree)| Section::plain(&format!("{name} {title}"), tree))
                .collect(),
        ),
        _ => Entry::Nothing,
    }
}

fn item(key: &str, text: &str) -> String {
    separator(key).map_or_else(|| text.to_owned(), |separator| text.replace(separator, " "))
}

fn named(items: &[Value]) -> impl Iterator<Item = (&str, &Tree)> {
    items
        .iter()
        .filter_map(|item| Some((name_of(item)?, item.as_object()?)))
}

fn sinks_entry(sinks: &[Value]) -> Entry<'_> {
    if named(sinks).next().is_some() {
        Entry::Logging(sinks)
    } else {
        Entry::Nothing
    }
}

/// `storage-engine <type> { … }`, or a statement where there is nothing but the type.
fn typed<'a>(key: &str, tree: &'a Tree) -> Entry<'a> {
    let Some(kind) = tree
        .get("type")
        .filter(|kind| !kind.is_array() && !kind.is_object())
    else {
        return if vanishes(tree) {
            Entry::Nothing
        } else {
            Entry::Sections(vec![Section::plain(key, tree)])
        };
    };
    let kind = value::text(kind);
    if tree
        .iter()
        .all(|(key, value)| key == "type" || leaves_nothing(key, value))
    {
        Entry::Statements(vec![kind])
    } else {
        Entry::Sections(vec![Section {
            title: format!("{key} {kind}"),
            tree,
            hidden: "type",
        }])
    }
}

/// Whether an object holds nothing but empty objects and empty lists of sections.
fn vanishes(tree: &Tree) -> bool {
    tree.iter().all(|(key, value)| leaves_nothing(key, value))
}

fn leaves_nothing(key: &str, value: &Value) -> bool {
    match value {
        Value::Object(tree) => vanishes(tree),
        Value::Array(items) if items.is_empty() => is_list_section(key),
        Value::Array(items) => items[0].is_object() && named(items).next().is_none(),
        _ => false,
    }
}
