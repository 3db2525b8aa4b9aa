//! Objects as Go's encoder writes them: members in the order of Go's structs, empty ones left out as these say.
//!
//! The orders are data, a row a type: `name`, a mark, the kind, and after `=` what the schema fills in where it is absent.
//! Marks: `!` always written, `?` left out when empty, `*` left out when absent. Kinds: `[]` lists, `{}` maps, the name of
//! another row, or a scalar.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use crate::resolve::quantity;

static ORDERS: LazyLock<BTreeMap<&str, Vec<Field>>> =
    LazyLock::new(|| parse(include_str!("key_orders.tsv")));

struct Field {
    name: &'static str,
    mark: Mark,
    kind: Kind,
    default: Option<Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Always,
    UnlessEmpty,
    UnlessAbsent,
}

enum Kind {
    Text,
    Flag,
    Number,
    Quantity,
    List(Box<Kind>),
    Map(Box<Kind>),
    Object(&'static str),
}

/// The compact JSON of an object of type `kind`.
pub(super) fn object(kind: &'static str, value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, &Kind::Object(kind), Some(value));
    escape(&text)
}

/// JSON text with the characters escaped that Go's encoder keeps out of HTML and JavaScript.
pub(super) fn escape(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

fn write(text: &mut String, kind: &Kind, value: Option<&Value>) {
    match (kind, value) {
        (Kind::Object(name), value) => members(text, name, value),
        (Kind::List(item), Some(Value::Array(items))) => list(text, item, items),
        (Kind::Map(item), Some(Value::Object(entries))) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (key.as_str(), item.as_ref(), Some(value)));
            braces(text, entries);
        }
        (Kind::Quantity, Some(Value::String(given))) => {
            scalar(text, &quantity::canonical(given).into());
        }
        (_, Some(value)) => scalar(text, value),
        (Kind::List(_) | Kind::Map(_), None) => text.push_str("null"),
        (Kind::Text, None) => text.push_str("\"\""),
        (Kind::Flag, None) => text.push_str("false"),
        (Kind::Number, None) => text.push('0'),
        (Kind::Quantity, None) => text.push_str("\"0\""),
    }
}

fn scalar(text: &mut String, value: &Value) {
    text.push_str(&value.to_string());
}

fn list(text: &mut String, item: &Kind, items: &[Value]) {
    text.push('[');
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item, Some(value));
    }
    text.push(']');
}

fn members(text: &mut String, kind: &str, value: Option<&Value>) {
    let fields = ORDERS.get(kind).map_or(&[][..], Vec::as_slice);
    let written = fields.iter().filter_map(|field| {
        let given = value
            .and_then(|value| value.get(field.name))
            .filter(|given| !given.is_null())
            .or(field.default.as_ref());
        is_written(field.mark, given).then_some((field.name, &field.kind, given))
    });
    braces(text, written);
}

fn braces<'a>(
    text: &mut String,
    entries: impl Iterator<Item = (&'a str, &'a Kind, Option<&'a Value>)>,
) {
    text.push('{');
    for (index, (key, kind, value)) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        scalar(text, &key.into());
        text.push(':');
        write(text, kind, value);
    }
    text.push('}');
}

fn is_written(mark: Mark, value: Option<&Value>) -> bool {
    match mark {
        Mark::Always => true,
        Mark::UnlessAbsent => value.is_some(),
        Mark::UnlessEmpty => value.is_some_and(|value| !is_empty(value)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn parse(table: &'static str) -> BTreeMap<&'static str, Vec<Field>> {
    table
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, fields)| (name, fields.split(' ').filter_map(field).collect()))
        .collect()
}

fn field(text: &'static str) -> Option<Field> {
    let at = text.find(['!', '?', '*'])?;
    let (name, rest) = text.split_at(at);
    let mark = match rest.as_bytes()[0] {
        b'!' => Mark::Always,
        b'?' => Mark::UnlessEmpty,
        _ => Mark::UnlessAbsent,
    };
    let (kind, default) = match rest[1..].split_once('=') {
        Some((kind, default)) => (kind, Some(default)),
        None => (&rest[1..], None),
    };
    let default = default.map(|text| {
        text.parse::<bool>()
            .map_or_else(|_| text.into(), Value::Bool)
    });
    Some(Field {
        name,
        mark,
        kind: kind_of(kind),
        default,
    })
}

fn kind_of(text: &'static str) -> Kind {
    if let Some(item) = text.strip_prefix("[]") {
        return Kind::List(Box::new(kind_of(item)));
    }
    if let Some(item) = text.strip_prefix("{}") {
        return Kind::Map(Box::new(kind_of(item)));
    }
    match text {
        "string" => Kind::Text,
        "bool" => Kind::Flag,
        "int" => Kind::Number,
        "quantity" => Kind::Quantity,
        name => Kind::Object(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: &Kind) -> Option<&'static str> {
        match kind {
            Kind::List(item) | Kind::Map(item) => named(item),
            Kind::Object(name) => Some(name),
            Kind::Text | Kind::Flag | Kind::Number | Kind::Quantity => None,
        }
    }

    #[test]
    fn every_type_that_a_row_names_has_a_row() {
        let fields = ORDERS.values().flatten();
        let missing: Vec<_> = fields
            .filter_map(|field| named(&field.kind))
            .filter(|name| !ORDERS.contains_key(name))
            .collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn every_word_of_the_table_is_understood() {
        let words = include_str!("key_orders.tsv").split_whitespace().count();
        let fields: usize = ORDERS.values().map(Vec::len).sum();
        assert_eq!(fields + ORDERS.len(), words);
    }

    #[test]
    fn what_a_browser_would_read_is_escaped() {
        assert_eq!(
            escape("\"a<b>&\u{2028}ü\""),
            "\"a\\u003cb\\u003e\\u0026\\u2028ü\""
        );
    }
}
