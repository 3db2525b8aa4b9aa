//! What a manager applied earlier and would not apply again. The API server takes it away with the next apply.

use serde_json::{Map, Value};

use super::member;

/// Whether `live` records that `manager` applied something that is not in `built`.
pub fn has_leftovers(built: &Value, live: &Value, manager: &str) -> bool {
    let entries = live.pointer("/metadata/managedFields");
    let entries = entries.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| is_apply_of(entry, manager))
        .filter_map(|entry| entry.get("fieldsV1")?.as_object())
        .any(|fields| is_missing(fields, built))
}

/// An entry of a subresource, such as the status, is another's business.
fn is_apply_of(entry: &Value, manager: &str) -> bool {
    let says = |member: &str, text: &str| entry.get(member).and_then(Value::as_str) == Some(text);
    says("manager", manager)
        && says("operation", "Apply")
        && entry.get("subresource").is_none_or(|name| name == "")
}

/// Whether one of `fields`, which is a tree of `f:<member>`, `k:<keys>` and `v:<item>`, is not in `built`.
fn is_missing(fields: &Map<String, Value>, built: &Value) -> bool {
    fields.iter().any(|(field, inner)| {
        let found = match field.split_once(':') {
            Some(("f", name)) => built.get(name).filter(|value| !value.is_null()),
            Some(("k", keys)) => item(built, keys),
            Some(("v", text)) => element(built, text),
            _ => return false,
        };
        let Some(found) = found else {
            return true;
        };
        let inner = inner.as_object();
        inner.is_some_and(|inner| is_missing(inner, found))
    })
}

fn item<'a>(list: &'a Value, keys: &str) -> Option<&'a Value> {
    let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
    let mut items = list.as_array()?.iter();
    items.find(|item| keys.iter().all(|(key, value)| member(item, key) == value))
}

fn element<'a>(list: &'a Value, text: &str) -> Option<&'a Value> {
    let wanted: Value = serde_json::from_str(text).ok()?;
    list.as_array()?.iter().find(|item| **item == wanted)
}
