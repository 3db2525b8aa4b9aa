//! Which server is simulated: its version and its edition.

use std::fmt;
use std::str::FromStr;

/// A server version of up to four numbers; missing ones are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u16; 4]);

/// A text that is no server version.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not a server version like 8.1.2.0")]
pub struct BadVersion(String);

impl Version {
    /// The version of these first two numbers.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self([major, minor, 0, 0])
    }

    /// The version of these first three numbers.
    #[must_use]
    pub const fn patch(major: u16, minor: u16, patch: u16) -> Self {
        Self([major, minor, patch, 0])
    }

    /// Whether it is `major.minor` or later.
    #[must_use]
    pub fn at_least(self, major: u16, minor: u16) -> bool {
        self >= Self::new(major, minor)
    }

    /// The version as the parameter table knows it: three numbers, of which 8.1 alone has a third that counts.
    #[must_use]
    pub fn for_table(self) -> Self {
        let [major, minor, patch, _] = self.0;
        Self([major, minor, patch, 0])
    }

    /// The number that nodes compare before they form a cluster.
    #[must_use]
    pub fn compatibility_id(self) -> u32 {
        match self {
            old if old < Self::new(6, 1) => 11,
            middle if middle < Self::new(7, 2) => 14,
            _ => 15,
        }
    }
}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let numbers = &text[..end.unwrap_or(text.len())];
        let mut parts = [0; 4];
        let mut count = 0;
        for (part, number) in parts.iter_mut().zip(numbers.split('.')) {
            *part = number.parse().map_err(|_| BadVersion(text.to_owned()))?;
            count += 1;
        }
        if count < 3 {
            return Err(BadVersion(text.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.0;
        write!(f, "{major}.{minor}.{patch}.{build}")
    }
}

/// What was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Edition {
    /// Everything.
    Enterprise,
    /// No security, racks, quiesce, strong consistency, TLS.
    Community,
}

/// A text that is no edition.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not an edition: enterprise or community")]
pub struct BadEdition(String);

impl FromStr for Edition {
    type Err = BadEdition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "enterprise" | "ee" | "federal" => Ok(Self::Enterprise),
            "community" | "ce" => Ok(Self::Community),
            _ => Err(BadEdition(text.to_owned())),
        }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enterprise => "Aerospike Enterprise Edition",
            Self::Community => "Aerospike Community Edition",
        })
    }
}

/// A build of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// Its edition.
    pub edition: Edition,
}

impl Release {
    /// Whether it is the Community Edition.
    #[must_use]
    pub fn is_community(self) -> bool {
        self.edition == Edition::Community
    }

    /// How many nodes a cluster of it may have.
    #[must_use]
    pub fn largest_cluster(self) -> usize {
        if self.is_community() { 8 } else { 256 }
    }

    /// How many namespaces it may have.
    #[must_use]
    pub fn most_namespaces(self) -> usize {
        if self.is_community() { 2 } else { 32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_up_to_its_first_odd_character() {
        let version: Version = "7.1.0.4-rc1".parse().unwrap();
        assert_eq!(version.to_string(), "7.1.0.4");
        assert_eq!("8.1.2".parse::<Version>().unwrap(), Version::patch(8, 1, 2));
        assert!("latest".parse::<Version>().is_err());
        assert!("8".parse::<Version>().is_err());
    }

    #[test]
    fn versions_compare_number_by_number() {
        let version: Version = "6.10.0.0".parse().unwrap();
        assert!(version.at_least(6, 4));
        assert!(!version.at_least(7, 0));
    }
}
