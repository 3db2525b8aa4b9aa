//! What is wrong with a value by its schema.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    Format, Kind, ListKind, Pattern, Schema,
    code::{self, Constraint},
};
use crate::{
    finding::{FieldPath, Finding, Reason, shortened},
    resolve::quantity::is_quantity,
};

/// So many characters of a value are repeated in a message.
const VALUE_LENGTH: usize = 60;

/// Adds everything that is wrong with `value`, which stands at `path`.
pub(super) fn check(schema: &Schema, value: &Value, path: &FieldPath, found: &mut Vec<Finding>) {
    if value.is_null() && schema.nullable {
        return;
    }
    if let Some(expected) = schema.other_type(value) {
        let only_quotes = value.is_string() && schema.meant(value).is_some();
        let quotes = if only_quotes {
            ": leave out the quotes"
        } else {
            ""
        };
        let message = format!("must be {expected}, not {}{quotes}", kind(value));
        found.push(finding(Constraint::Type, path, message));
        return;
    }
    let scalar = [in_range, of_length, one_of, of_form];
    found.extend(scalar.iter().filter_map(|rule| rule(schema, value, path)));
    match value {
        Value::Object(members) => check_members(schema, members, path, found),
        Value::Array(items) => check_items(schema, items, path, found),
        _ => {}
    }
}

fn check_members(
    schema: &Schema,
    members: &Map<String, Value>,
    path: &FieldPath,
    found: &mut Vec<Finding>,
) {
    let missing = schema.required.iter();
    let missing = missing.filter(|name| !members.contains_key(*name));
    found.extend(missing.map(|name| required(&path.child(name))));
    for (name, value) in members {
        if let Some(inner) = schema.member(name) {
            check(inner, value, &path.child(name), found);
        }
    }
}

fn required(path: &FieldPath) -> Finding {
    let code = code::of(Constraint::Required, path);
    Finding::required(code, path.clone(), "is required")
}

fn check_items(schema: &Schema, items: &[Value], path: &FieldPath, found: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let (key, place) = schema.item(path, index, item);
        if let Some(key) = key
            && !seen.insert(key.clone())
        {
            let code = code::of(Constraint::Unique, &place);
            let message = format!("{} is there twice", shortened(&key, VALUE_LENGTH));
            found.push(Finding::duplicate(code, place.clone(), message));
        }
        if let Some(inner) = &schema.items {
            check(inner, item, &place, found);
        }
    }
}

impl Schema {
    /// What a value of another type should be.
    fn other_type(&self, value: &Value) -> Option<&'static str> {
        if self.int_or_string {
            let fits = value.is_string() || is_integer(value);
            return (!fits).then_some("an integer or a string");
        }
        let kind = self.r#type?;
        (!kind.holds(value)).then_some(kind.described())
    }

    /// What tells an item apart in a list without repetition, and where it stands.
    fn item(&self, path: &FieldPath, index: usize, item: &Value) -> (Option<String>, FieldPath) {
        match self.list {
            ListKind::Atomic => (None, path.index(index)),
            ListKind::Set => {
                let key = item.to_string();
                let place = path.item(index, &key);
                (Some(key), place)
            }
            ListKind::Map => {
                let keys = self.keys.iter();
                let keys =
                    keys.map(|key| format!("{key}={}", item.get(key).unwrap_or(&Value::Null)));
                let key = keys.collect::<Vec<_>>().join(", ");
                let place = path.item(index, &key);
                (Some(key), place)
            }
        }
    }
}

impl Kind {
    pub(super) fn holds(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Integer => is_integer(value),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }

    const fn described(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn in_range(schema: &Schema, value: &Value, path: &FieldPath) -> Option<Finding> {
    let number = as_integer(value)?;
    let (least, most) = match schema.format {
        Some(Format::Int32) => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let least = i128::from(schema.minimum.unwrap_or(least));
    let most = i128::from(schema.maximum.unwrap_or(most));
    if (least..=most).contains(&number) {
        return None;
    }
    let is_counted = schema.int_or_string || schema.r#type == Some(Kind::Integer);
    is_counted.then(|| {
        let message = format!(
            "{number} is out of range: must be {}",
            range(schema, least, most)
        );
        finding(Constraint::Range, path, message)
    })
}

fn range(schema: &Schema, least: i128, most: i128) -> String {
    match (schema.minimum, schema.maximum) {
        (Some(_), None) if schema.format != Some(Format::Int32) => format!("at least {least}"),
        _ => format!("{least} to {most}"),
    }
}

fn as_integer(value: &Value) -> Option<i128> {
    let signed = value.as_i64().map(i128::from);
    let whole = signed.or_else(|| value.as_u64().map(i128::from));
    whole.or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, which is out of every range"
        )]
        let number = number as i128;
        Some(number)
    })
}

fn of_length(schema: &Schema, value: &Value, path: &FieldPath) -> Option<Finding> {
    let (length, least, most, unit) = match value {
        Value::String(text) => {
            let length = text.chars().count();
            (length, schema.min_length, schema.max_length, "characters")
        }
        Value::Array(items) => (items.len(), schema.min_items, schema.max_items, "items"),
        _ => return None,
    };
    let message = match (least, most) {
        (Some(_), _) if length == 0 => "must not be empty".to_owned(),
        (Some(least), _) if length < least => {
            format!("must have at least {least} {unit}, not {length}")
        }
        (_, Some(most)) if length > most => {
            format!("must have at most {most} {unit}, not {length}")
        }
        _ => return None,
    };
    Some(finding(Constraint::Length, path, message))
}

fn one_of(schema: &Schema, value: &Value, path: &FieldPath) -> Option<Finding> {
    if schema.r#enum.is_empty() || schema.r#enum.contains(value) {
        return None;
    }
    let choices: Vec<_> = schema.r#enum.iter().map(plain).collect();
    let message = format!(
        "{} is none of {}",
        shortened(&value.to_string(), VALUE_LENGTH),
        choices.join(", ")
    );
    Some(finding(Constraint::Enum, path, message))
}

fn of_form(schema: &Schema, value: &Value, path: &FieldPath) -> Option<Finding> {
    let text = value.as_str()?;
    let is_fine = match schema.pattern? {
        Pattern::Quantity => is_quantity(text),
    };
    (!is_fine).then(|| {
        let value = shortened(&value.to_string(), VALUE_LENGTH);
        let message = format!("{value} is not a quantity such as 500m, 2 or 10Gi");
        finding(Constraint::Form, path, message)
    })
}

fn finding(constraint: Constraint, path: &FieldPath, message: String) -> Finding {
    Finding {
        code: code::of(constraint, path),
        path: path.clone(),
        reason: Reason::Invalid,
        message,
    }
}

/// What a value of the wrong type is. Not its text: it may be a password that lacks its quotes.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false without quotes",
        Value::Number(_) => "a number without quotes",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}
