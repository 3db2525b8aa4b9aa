//! What the API server does with an object before it looks for mistakes.

use serde_json::{Map, Value};

use super::{Kind, Schema, code::UNKNOWN};
use crate::{
    finding::{FieldPath, Warning},
    nearest_name::nearest_name,
};

const SPEC: &str = "spec";

/// Drops what `schema` does not know and nulls where none may be, and fills in defaults. Null is no value of most
/// members: it is taken for absent, so that a default takes its place.
pub(super) fn complete(
    schema: &Schema,
    value: &mut Value,
    path: &FieldPath,
    unknown: &mut Vec<Warning>,
) {
    match value {
        Value::Object(members) => {
            prune(schema, members, path, unknown);
            members.retain(|name, value| !value.is_null() || schema.keeps_null(name));
            fill(schema, members);
            for (name, value) in members {
                if let Some(inner) = schema.member(name) {
                    complete(inner, value, &path.child(name), unknown);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = &schema.items else {
                return;
            };
            for (index, item) in items.iter_mut().enumerate() {
                complete(schema, item, &path.index(index), unknown);
            }
        }
        _ => {}
    }
}

fn prune(
    schema: &Schema,
    members: &mut Map<String, Value>,
    path: &FieldPath,
    unknown: &mut Vec<Warning>,
) {
    if schema.is_open() {
        return;
    }
    members.retain(|name, _| {
        let known = schema.properties.contains_key(name);
        if !known {
            unknown.push(warning(schema, name, path));
        }
        known
    });
}

fn warning(schema: &Schema, name: &str, path: &FieldPath) -> Warning {
    let hint =
        meant(schema, name).map_or_else(String::new, |meant| format!(", did you mean {meant:?}?"));
    Warning {
        code: UNKNOWN,
        path: path.child(name),
        message: format!(
            "unknown field{hint}: the API server drops it, and kubectl refuses the object unless told --validate=warn"
        ),
    }
}

/// A field of this name in the spec, beside which it stands for want of indentation, or the nearest name.
fn meant(schema: &Schema, name: &str) -> Option<String> {
    let spec = schema.properties.get(SPEC);
    if spec.is_some_and(|spec| spec.properties.contains_key(name)) {
        return Some(format!("{SPEC}.{name}"));
    }
    let names = schema.properties.keys().map(String::as_str);
    nearest_name(name, names).map(ToOwned::to_owned)
}

fn fill(schema: &Schema, members: &mut Map<String, Value>) {
    for (name, property) in &schema.properties {
        if let Some(default) = &property.default {
            let is_there = members
                .get(name)
                .is_some_and(|value| property.nullable || !value.is_null());
            if !is_there {
                members.insert(name.clone(), default.clone());
            }
        }
    }
}

impl Schema {
    /// Whether members that it does not name are kept.
    fn is_open(&self) -> bool {
        let names_none = self.properties.is_empty() && self.r#type == Some(Kind::Object);
        self.preserve_unknown || self.additional_properties.is_some() || names_none
    }

    /// The schema of a member.
    pub(super) fn member(&self, name: &str) -> Option<&Self> {
        let named = self.properties.get(name);
        named.or(self.additional_properties.as_deref())
    }

    fn keeps_null(&self, name: &str) -> bool {
        self.member(name)
            .is_none_or(|member| member.nullable || member.default.is_some())
    }
}
