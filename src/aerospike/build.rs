//! The version and edition of a running server.

use std::fmt;
use std::str::FromStr;

pub use crate::resolve::Edition;

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no server version, expected numbers such as 8.1.2.0")]
pub struct Error {
    text: String,
}

/// A server's `build`, such as `8.1.2.0` or `7.1.0.4-rc1`, compared number by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Build {
    numbers: [u32; 4],
    text: String,
}

impl Build {
    /// Whether this is at least `version`; a release candidate counts as its release.
    #[must_use]
    pub fn is_at_least(&self, version: [u32; 4]) -> bool {
        self.numbers >= version
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Build {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let error = || Error {
            text: text.chars().take(40).collect(),
        };
        let release = text.split(['-', '_', '+']).next().unwrap_or(text);
        let mut numbers = [0; 4];
        for (index, part) in release.split('.').enumerate() {
            let slot = numbers.get_mut(index).ok_or_else(error)?;
            *slot = part.parse().map_err(|_| error())?;
        }
        let text = text.to_owned();
        Ok(Self { numbers, text })
    }
}

impl Edition {
    /// The edition that a text such as `Aerospike Community Edition` names.
    #[must_use]
    pub fn named_in(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let words = [
            ("community", Self::Community),
            ("federal", Self::Federal),
            ("enterprise", Self::Enterprise),
        ];
        let found = words.into_iter().find(|(word, _)| text.contains(word));
        found.map(|(_, edition)| edition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Build {
        text.parse().unwrap()
    }

    #[test]
    fn builds_compare_by_number() {
        assert!(build("7.10.0.1") > build("7.9.0.12"));
        assert!(build("8.1").is_at_least([8, 1, 0, 0]));
        assert!(!build("7.1.0.4-rc1").is_at_least([7, 2, 0, 0]));
        assert_eq!(build("7.1.0.4-rc1").to_string(), "7.1.0.4-rc1");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "8.x", "8.1.2.0.5", "-1", "99999999999.0"] {
            assert!(text.parse::<Build>().is_err(), "{text}");
        }
    }

    #[test]
    fn editions_are_recognised() {
        let names = [
            ("Aerospike Community Edition", Some(Edition::Community)),
            ("Aerospike Enterprise Edition", Some(Edition::Enterprise)),
            ("Aerospike Federal Edition", Some(Edition::Federal)),
            ("Something", None),
        ];
        for (name, edition) in names {
            assert_eq!(Edition::named_in(name), edition);
        }
    }
}
