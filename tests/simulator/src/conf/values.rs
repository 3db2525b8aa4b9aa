//! One value: from the words of a statement to what the server then reports.

use super::table::{Kind, Row, Table};
use crate::version::Version;

/// Numbers that are durations and take `s`, `m`, `h`, `d`.
const DURATIONS: [&str; 8] = [
    "default-ttl",
    "tomb-raider-eligible-age",
    "tomb-raider-period",
    "nsup-period",
    "migrate-fill-delay",
    "tls-refresh-period",
    "ship-versions-interval",
    "mrt-duration",
];

/// Lists whose elements are two names; all other elements join their words by a colon.
const SHADOWED: [&str; 2] = ["device", "file"];

/// The value that `words` (what follows `name`) mean for `row`, or what is wrong with them.
///
/// # Errors
///
/// The server's complaint.
pub fn read(table: Table, row: &Row, name: &str, words: &[&str]) -> Result<String, String> {
    match row.kind {
        Kind::Flag => flag(table.release().version, name, words.first().copied()),
        Kind::Number => number(table, row, name, words.first().copied()),
        Kind::Word => word(row, name, words.first().copied()),
        Kind::Text if name == "node-id" => node_id(words.first().copied()),
        Kind::Text => text(name, words),
        Kind::List => element(name, words),
        Kind::Section => Err(format!("unknown config parameter name '{name}'")),
    }
}

fn flag(version: Version, name: &str, word: Option<&str>) -> Result<String, String> {
    let Some(word) = word else {
        let bare = name.starts_with("enable-benchmarks-") || name == "run-as-daemon";
        return if bare {
            Ok("true".to_owned())
        } else {
            Err(format!("{name} must specify a boolean value"))
        };
    };
    boolean(version, word)
        .map(|value| value.to_string())
        .ok_or_else(|| format!("{name} must be true or false or yes or no, not {word}"))
}

/// Whether `word` is true, where it says so.
#[must_use]
pub fn boolean(version: Version, word: &str) -> Option<bool> {
    let old = !version.at_least(7, 2);
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        "yes" if old => Some(true),
        "no" if old => Some(false),
        _ => None,
    }
}

fn number(table: Table, row: &Row, name: &str, word: Option<&str>) -> Result<String, String> {
    let word = word.ok_or_else(|| format!("{name} must specify an unsigned integer value"))?;
    let value = quantity(name, word)
        .ok_or_else(|| format!("{name} must be an unsigned number, not {word}"))?;
    if name.ends_with("port") && value > 65_535 {
        return Err(format!("{name} {word} overflows unsigned short"));
    }
    let (least, most) = table.bounds(row);
    if value < least || value > most {
        return Err(format!(
            "{name} must be >= {least} and <= {most}, not {value}"
        ));
    }
    Ok(value.to_string())
}

/// The number in `word`, with its unit worked in.
#[must_use]
pub fn quantity(name: &str, word: &str) -> Option<i128> {
    if word == "-1" {
        return Some(-1);
    }
    let unit = word.chars().last()?;
    let factor = if DURATIONS.contains(&name) {
        seconds(unit)
    } else {
        bytes(unit)
    };
    let digits = if factor.is_some() {
        &word[..word.len() - unit.len_utf8()]
    } else {
        word
    };
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let value: i128 = plain.then(|| digits.parse().ok()).flatten()?;
    value
        .checked_mul(factor.unwrap_or(1))
        .filter(|value| *value <= i128::from(u64::MAX))
}

fn seconds(unit: char) -> Option<i128> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    }
}

fn bytes(unit: char) -> Option<i128> {
    let power = "kmgtp".find(unit.to_ascii_lowercase())?;
    Some(1 << (10 * (power + 1)))
}

fn word(row: &Row, name: &str, word: Option<&str>) -> Result<String, String> {
    let word = word.unwrap_or_default();
    let known = row.words.contains(&word);
    known
        .then(|| word.to_owned())
        .ok_or_else(|| format!("{name} has unknown value '{word}'"))
}

fn node_id(word: Option<&str>) -> Result<String, String> {
    let word = word.unwrap_or_default();
    let digits = word.strip_prefix("0x").unwrap_or(word);
    let fits =
        (1..=16).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u64::from_str_radix(digits, 16) {
        Ok(0) => Err(format!(
            "node-id must be >= 1 and <= ffffffffffffffff, not {word}"
        )),
        Ok(id) if fits => Ok(format!("{id:X}")),
        _ => Err(format!("node-id must be a 64-bit hex number, not {word}")),
    }
}

fn text(name: &str, words: &[&str]) -> Result<String, String> {
    match (name, words) {
        (_, []) => Err(format!("{name} must specify a value")),
        ("secrets-address-port", words) => Ok(words.join(":")),
        (_, [value, ..]) => Ok((*value).to_owned()),
    }
}

fn element(name: &str, words: &[&str]) -> Result<String, String> {
    let words = &words[..words.len().min(3)];
    if words.is_empty() {
        return Err(format!("{name} must specify a value"));
    }
    if name.ends_with("address-port") {
        let port = words
            .get(1)
            .ok_or_else(|| format!("{name} must specify an unsigned integer value"))?;
        port.parse::<u16>()
            .map_err(|_| format!("{name} must be an unsigned number, not {port}"))?;
    }
    let between = if SHADOWED.contains(&name) { " " } else { ":" };
    Ok(words.join(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_worked_into_numbers() {
        assert_eq!(quantity("data-size", "1G"), Some(1 << 30));
        assert_eq!(quantity("data-size", "2k"), Some(2048));
        assert_eq!(quantity("default-ttl", "30d"), Some(2_592_000));
        assert_eq!(quantity("default-ttl", "5M"), None);
        assert_eq!(quantity("data-size", "lots"), None);
        assert_eq!(quantity("data-size", "G"), None);
        assert_eq!(quantity("data-size", "99999999P"), None);
    }

    #[test]
    fn a_node_id_is_reported_in_upper_case_without_leading_zeros() {
        assert_eq!(node_id(Some("0a1")), Ok("A1".to_owned()));
        assert!(node_id(Some("ENV_NODE_ID")).is_err());
        assert!(node_id(Some("0")).unwrap_err().contains(">= 1"));
    }
}
