//! The texts of errors, which changed with 7.1 and 7.2.

use crate::version::Version;

/// Texts of up to 7.1 that are not the later text with dashes.
const OLD: &[(&str, &str)] = &[
    ("namespace not found on node", "unknown-namespace"),
    ("missing 'namespace'", "namespace-name"),
    ("'namespace' value too long", "bad-namespace"),
    ("missing 'host'", "bad-host"),
    ("missing 'port'", "bad-port"),
    ("'port' must be an integer", "bad-port"),
];

/// An error of code `code`.
#[must_use]
pub fn error(version: Version, code: u16, text: &str) -> String {
    if version.at_least(7, 2) {
        return format!("ERROR:{code}:{text}");
    }
    let known = OLD
        .iter()
        .find(|(new, _)| *new == text)
        .map(|(_, old)| (*old).to_owned());
    format!(
        "ERROR::{}",
        known.unwrap_or_else(|| text.replace(' ', "-").replace('\'', ""))
    )
}

/// A `set-config` that is not carried out.
#[must_use]
pub fn refused_setting(version: Version, text: &str) -> String {
    if version.at_least(7, 2) {
        format!("ERROR:4:{text}")
    } else {
        "error".to_owned()
    }
}

/// What the Community Edition says to an Enterprise command.
#[must_use]
pub fn enterprise_only(version: Version) -> String {
    error(version, 25, "enterprise only")
}

/// A right that is missing.
#[must_use]
pub fn role_violation(version: Version, permission: &str) -> String {
    if version.at_least(8, 1) {
        format!("ERROR:81:role violation - requires permission '{permission}'")
    } else {
        "ERROR:81:role violation".to_owned()
    }
}
