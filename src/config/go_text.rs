//! Values as Go prints them with `%v` and `%T`: AKO's messages quote values this way, and users search for them.

use serde_json::Value;

use crate::api::Tree;

/// The value in the form of `%v`. Every number is a double, as AKO reads JSON.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, double),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(self::value))),
        Value::Object(members) => tree(members),
    }
}

/// The members in the form of `%v`, sorted by key.
#[must_use]
pub fn tree(members: &Tree) -> String {
    let pairs = members
        .iter()
        .map(|(key, member)| format!("{key}:{}", value(member)));
    format!("map[{}]", joined(pairs))
}

/// The name of the value's type in the form of `%T`.
#[must_use]
pub const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

/// The shortest text that reads back, with an exponent where the decimal one is below -4 or above 5.
fn double(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_as_go_prints_them() {
        let cases = [
            (json!(3000), "3000"),
            (json!(999_999), "999999"),
            (json!(1_000_000), "1e+06"),
            (json!(1_073_741_824), "1.073741824e+09"),
            (json!(0.00001), "1e-05"),
            (json!(-1.5), "-1.5"),
            (json!(null), "<nil>"),
            (
                json!({"tag": "asd", "facility": "local0"}),
                "map[facility:local0 tag:asd]",
            ),
            (json!(["a", true, {}]), "[a true map[]]"),
        ];
        for (input, text) in cases {
            assert_eq!(value(&input), text);
        }
    }
}
