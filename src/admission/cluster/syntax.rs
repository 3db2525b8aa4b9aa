//! Names as Kubernetes allows them, and values as messages show them.

use crate::finding::shortened;

/// Characters of a value that a message shows.
const SHOWN: usize = 60;
/// What a label's name or value holds at most.
const LABEL: usize = 63;
/// What a subdomain, or a key of a `ConfigMap`, holds at most.
const SUBDOMAIN: usize = 253;
/// What the name of a port holds at most.
const PORT_NAME: usize = 15;

/// `text` in quotes, cut where it is long.
#[must_use]
pub fn shown(text: &str) -> String {
    format!("{:?}", shortened(text, SHOWN))
}

/// Whether `text` is a subdomain of RFC 1123.
#[must_use]
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN && text.split('.').all(is_dns_part)
}

fn is_dns_part(text: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    is_enclosed(text, u8::is_ascii_alphanumeric) && text.bytes().all(is_inner)
}

/// Whether `text` is the name of a port: at most 15 lower case letters, digits and single hyphens, one letter at least.
#[must_use]
pub fn is_port_name(text: &str) -> bool {
    text.len() <= PORT_NAME
        && is_dns_part(text)
        && text.bytes().any(|c| c.is_ascii_lowercase())
        && !text.contains("--")
}

/// Whether `text` is the key of a label or an annotation: a name, with or without a subdomain and a slash before it.
#[must_use]
pub fn is_label_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_label_name(name),
        None => is_label_name(text),
    }
}

/// Whether `text` is the value of a label.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_label_name(text)
}

fn is_label_name(text: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    text.len() <= LABEL
        && is_enclosed(text, u8::is_ascii_alphanumeric)
        && text.bytes().all(is_inner)
}

fn is_enclosed(text: &str, fits: fn(&u8) -> bool) -> bool {
    let text = text.as_bytes();
    text.first().is_some_and(fits) && text.last().is_some_and(fits)
}

/// Whether `text` is the name of an environment variable: printable ASCII without `=`.
#[must_use]
pub fn is_variable_name(text: &str) -> bool {
    let is_inner = |c: u8| (b' '..=b'~').contains(&c) && c != b'=';
    !text.is_empty() && text.bytes().all(is_inner)
}

/// Whether `text` is a key of a `ConfigMap` or a Secret.
#[must_use]
pub fn is_data_key(text: &str) -> bool {
    let is_inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    (1..=SUBDOMAIN).contains(&text.len())
        && text.bytes().all(is_inner)
        && text != "."
        && !text.starts_with("..")
}

/// Whether `path` stays below where it starts: relative and without `..`.
#[must_use]
pub fn is_descending(path: &str) -> bool {
    !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fits: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(fits(text), "{text}");
        }
        for text in bad {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        let (long, longer) = ("a".repeat(63), "a".repeat(64));
        check(
            is_subdomain,
            &["a", "a.b-c.1"],
            &["", ".", "a..b", "A", "a/b", &"a.".repeat(130)],
        );
        check(
            is_port_name,
            &["http", "a-1"],
            &["", "1", "a--b", "Http", "a_b", "sixteen-letters-"],
        );
        check(
            is_label_key,
            &["a", "A.b_c", "a.b/c", &long],
            &["", "/a", "a/", "a/b/c", "A/b", "-a", &longer],
        );
        check(
            is_label_value,
            &["", "a", "A.b_c-1"],
            &["-", "a/b", "a b", &longer],
        );
        check(
            is_variable_name,
            &["A", "a.b-c", "1 x"],
            &["", "A=", "ä", "a\n"],
        );
        check(
            is_data_key,
            &["a", ".a", "A_b-c.d"],
            &["", ".", "..", "..a", "a/b", "a b"],
        );
        check(
            is_descending,
            &["a", "a/b", "..a", ""],
            &["/a", "..", "a/../b"],
        );
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown("a\"b"), r#""a\"b""#);
        assert_eq!(shown(&"ä".repeat(900)).chars().count(), 62);
    }
}
