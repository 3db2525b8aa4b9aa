//! Scalars as text.

use serde_json::{Number, Value};

/// A scalar's text; empty for what is no scalar.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => integer(number),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// AKO reads every number as a double and cuts the fraction off, so integers above 2^53 are rounded here too.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cutting off is what is wanted; values out of range end at the bound"
)]
fn integer(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if value < 0.0 => (value as i64).to_string(),
        Some(value) => (value as u64).to_string(),
        None => number.to_string(),
    }
}
