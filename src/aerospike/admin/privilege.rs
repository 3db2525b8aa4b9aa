//! Privileges: on the wire a number with a scope, in resources `code[.namespace[.set]]`.

use std::fmt;
use std::str::FromStr;

/// What a privilege allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrivilegeCode {
    /// Manages users and roles.
    UserAdmin,
    /// Configures and operates servers.
    SysAdmin,
    /// Truncates, and what `sindex-admin` and `udf-admin` do.
    DataAdmin,
    /// Registers user-defined functions.
    UdfAdmin,
    /// Manages secondary indexes.
    SindexAdmin,
    /// Reads records.
    Read,
    /// Reads and writes records.
    ReadWrite,
    /// Reads, writes and calls user-defined functions.
    ReadWriteUdf,
    /// Writes records.
    Write,
    /// Truncates sets.
    Truncate,
    /// Manages masking rules (8.1.1).
    MaskingAdmin,
    /// Reads masked data in clear (8.1.1).
    ReadMasked,
    /// Writes masked data (8.1.1).
    WriteMasked,
    /// What a newer server knows and we do not.
    Unknown(u8),
}

/// From this number on a privilege has a scope.
const FIRST_SCOPED: u8 = 10;

const CODES: &[(PrivilegeCode, u8, &str)] = &[
    (PrivilegeCode::UserAdmin, 0, "user-admin"),
    (PrivilegeCode::SysAdmin, 1, "sys-admin"),
    (PrivilegeCode::DataAdmin, 2, "data-admin"),
    (PrivilegeCode::UdfAdmin, 3, "udf-admin"),
    (PrivilegeCode::SindexAdmin, 4, "sindex-admin"),
    (PrivilegeCode::Read, 10, "read"),
    (PrivilegeCode::ReadWrite, 11, "read-write"),
    (PrivilegeCode::ReadWriteUdf, 12, "read-write-udf"),
    (PrivilegeCode::Write, 13, "write"),
    (PrivilegeCode::Truncate, 14, "truncate"),
    (PrivilegeCode::MaskingAdmin, 15, "masking-admin"),
    (PrivilegeCode::ReadMasked, 16, "read-masked"),
    (PrivilegeCode::WriteMasked, 17, "write-masked"),
];

impl PrivilegeCode {
    /// Every privilege that has a name; each is also the name of a predefined role.
    pub fn named() -> impl Iterator<Item = (Self, &'static str)> {
        CODES.iter().map(|(code, _, name)| (*code, *name))
    }

    /// The privilege of this number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        let found = CODES.iter().find(|(_, known, _)| *known == number);
        found.map_or(Self::Unknown(number), |(code, ..)| *code)
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Unknown(number) => number,
            known => known.row().1,
        }
    }

    /// Whether it may be limited to a namespace or a set.
    #[must_use]
    pub fn is_scoped(self) -> bool {
        self.number() >= FIRST_SCOPED
    }

    fn row(self) -> &'static (Self, u8, &'static str) {
        let found = CODES.iter().find(|(code, ..)| *code == self);
        found.expect("every privilege but an unknown one has a row")
    }
}

impl fmt::Display for PrivilegeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(number) => write!(f, "unknown-{number}"),
            known => f.write_str(known.row().2),
        }
    }
}

/// A privilege and where it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privilege {
    /// What it allows.
    pub code: PrivilegeCode,
    /// The namespace; everywhere if absent.
    pub namespace: Option<String>,
    /// The set; every set of the namespace if absent.
    pub set: Option<String>,
}

/// A text that is no privilege.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivilegeError {
    /// No such privilege.
    #[error(
        "unknown privilege {code:?}, expected code[.namespace[.set]] with one of {}",
        names()
    )]
    Unknown {
        /// What stands before the first dot.
        code: String,
    },
    /// A global one with a scope.
    #[error("privilege {code} holds everywhere and takes no namespace")]
    NotScoped {
        /// The privilege.
        code: PrivilegeCode,
    },
    /// A dot with nothing behind it.
    #[error("privilege {text:?} has an empty namespace or set")]
    EmptyScope {
        /// The text.
        text: String,
    },
}

fn names() -> String {
    let names: Vec<_> = PrivilegeCode::named().map(|(_, name)| name).collect();
    names.join(", ")
}

impl FromStr for Privilege {
    type Err = PrivilegeError;

    fn from_str(text: &str) -> Result<Self, PrivilegeError> {
        let mut parts = text.splitn(3, '.');
        let name = parts.next().unwrap_or_default();
        let found = PrivilegeCode::named().find(|(_, known)| *known == name);
        let (code, _) = found.ok_or_else(|| PrivilegeError::Unknown {
            code: name.to_owned(),
        })?;
        let [namespace, set] = [(); 2].map(|()| parts.next().map(str::to_owned));
        if namespace.is_some() && !code.is_scoped() {
            return Err(PrivilegeError::NotScoped { code });
        }
        if [&namespace, &set]
            .into_iter()
            .flatten()
            .any(String::is_empty)
        {
            let text = text.to_owned();
            return Err(PrivilegeError::EmptyScope { text });
        }
        Ok(Self {
            code,
            namespace,
            set,
        })
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for scope in [&self.namespace, &self.set].into_iter().flatten() {
            write!(f, ".{scope}")?;
        }
        Ok(())
    }
}
