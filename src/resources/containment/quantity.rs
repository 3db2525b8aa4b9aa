//! Quantities by what they amount to.

use serde_json::Value;

use crate::resolve::quantity::Amount;

/// Whether two quantities amount to the same. What is no quantity is the same as nothing.
pub fn same(one: &Value, other: &Value) -> bool {
    let amounts = (amount(one), amount(other));
    matches!(amounts, (Some(one), Some(other)) if one.cmp(&other).is_eq())
}

fn amount(value: &Value) -> Option<Amount> {
    match value {
        Value::String(text) => Amount::parse(text),
        Value::Number(number) => Amount::parse(&number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_one_amount_are_the_same() {
        let spellings = [
            ["1", "1000m", "1.0", "1e0"],
            ["1Gi", "1024Mi", "1073741824", "1048576Ki"],
            ["0.5", "500m", ".5", "5e-1"],
            ["2k", "2000", "2e3", "0.002M"],
        ];
        for group in spellings {
            for text in group {
                assert!(same(&json!(group[0]), &json!(text)), "{text}");
            }
        }
        assert!(same(&json!(2), &json!("2")));
    }

    #[test]
    fn other_amounts_and_no_amounts_differ() {
        for (one, other) in [("1", "1m"), ("1G", "1Gi"), ("", ""), ("x", "x")] {
            assert!(!same(&json!(one), &json!(other)), "{one} {other}");
        }
    }
}
