//! Quantities by what they amount to.

use serde_json::Value;

/// Suffixes as powers: of 10, then of 2.
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

/// Whether two quantities amount to the same. What is no quantity is the same as nothing.
pub fn same(one: &Value, other: &Value) -> bool {
    let amounts = (amount(one), amount(other));
    matches!(amounts, (Some(one), Some(other)) if one == other)
}

fn amount(value: &Value) -> Option<i128> {
    match value {
        Value::String(text) => nanos(text),
        Value::Number(number) => nanos(&number.to_string()),
        _ => None,
    }
}

/// In billionths, rounded up as the API server does. None if it is no quantity, or beyond all that there is.
fn nanos(text: &str) -> Option<i128> {
    let end = text
        .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (digits, fraction) = decimal(number)?;
    let (power, factor) = scale(suffix)?;
    let shifted = digits.checked_mul(factor)?;
    let exponent = power + 9 - fraction;
    let ten = 10i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        shifted.checked_mul(ten)
    } else {
        let up = i128::from(shifted.rem_euclid(ten) != 0);
        Some(shifted.div_euclid(ten) + up)
    }
}

/// All digits as one number, and how many of them stand behind the point.
fn decimal(number: &str) -> Option<(i128, i32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, i32::try_from(fraction.len()).ok()?))
}

/// A power of ten and a factor.
fn scale(suffix: &str) -> Option<(i32, i128)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((*power, 1));
    }
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((0, 1 << power));
    }
    let power = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (-30..=30).contains(&power).then_some((power, 1))
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
        for (one, other) in [
            ("1", "1m"),
            ("1G", "1Gi"),
            ("", ""),
            ("x", "x"),
            ("1e999", "1e999"),
        ] {
            assert!(!same(&json!(one), &json!(other)), "{one} {other}");
        }
    }
}
