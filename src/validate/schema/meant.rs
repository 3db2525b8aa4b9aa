//! What was meant by a scalar of the wrong type: a number in quotes, a text that lacks them.

use serde_json::Value;

use super::{Kind, Schema};

/// Replaces what stands in quotes, or lacks them, by what was meant.
pub(super) fn mend(schema: &Schema, value: &mut Value) {
    if let Some(meant) = schema.meant(value) {
        *value = meant;
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                if let Some(schema) = schema.member(name) {
                    mend(schema, inner);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = &schema.items {
                for item in items {
                    mend(inner, item);
                }
            }
        }
        _ => {}
    }
}

impl Schema {
    /// The value of the right type that reads the same but for its quotes.
    pub(super) fn meant(&self, value: &Value) -> Option<Value> {
        if self.int_or_string {
            return None;
        }
        match (self.r#type?, value) {
            (kind @ (Kind::Integer | Kind::Number | Kind::Boolean), Value::String(text)) => {
                let meant = serde_json::from_str(text).ok();
                meant.filter(|meant| kind.holds(meant))
            }
            (Kind::String, Value::Number(_) | Value::Bool(_)) => Some(value.to_string().into()),
            _ => None,
        }
    }
}
