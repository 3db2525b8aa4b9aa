//! What a role lets its users do, and where.

use serde::{Deserialize, Serialize};

use crate::version::Version;
use crate::wire::admin::push_short;
use crate::wire::cursor::{Cursor, TooShort};

/// The number of a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Code(pub u8);

/// Codes with the names of the roles that exist from the start.
const NAMES: &[(u8, &str)] = &[
    (0, "user-admin"),
    (1, "sys-admin"),
    (2, "data-admin"),
    (3, "udf-admin"),
    (4, "sindex-admin"),
    (10, "read"),
    (11, "read-write"),
    (12, "read-write-udf"),
    (13, "write"),
    (14, "truncate"),
    (15, "masking-admin"),
    (16, "read-masked"),
    (17, "write-masked"),
];

const FIRST_SCOPED: u8 = 10;
const FIRST_MASKING: u8 = 15;

impl Code {
    /// The privilege that the role of this name has from the start.
    #[must_use]
    pub fn of_role(name: &str, version: Version) -> Option<Self> {
        let known = NAMES.iter().find(|(_, known)| *known == name)?;
        Some(Self(known.0)).filter(|code| code.exists(version))
    }

    /// All roles that exist from the start.
    pub fn roles(version: Version) -> impl Iterator<Item = (Self, &'static str)> {
        let roles = NAMES.iter().map(|(code, name)| (Self(*code), *name));
        roles.filter(move |(code, _)| code.exists(version))
    }

    /// Whether the version knows it.
    #[must_use]
    pub fn exists(self, version: Version) -> bool {
        let known = NAMES.iter().any(|(code, _)| *code == self.0);
        known && (self.0 < FIRST_MASKING || version >= Version::patch(8, 1, 1))
    }

    fn is_scoped(self) -> bool {
        self.0 >= FIRST_SCOPED
    }
}

/// A privilege, for everything, a namespace, or a set. An empty name means any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Privilege {
    /// What.
    pub code: Code,
    /// Where.
    pub namespace: String,
    /// Where in there.
    pub set: String,
}

impl Privilege {
    /// Everywhere.
    #[must_use]
    pub fn global(code: Code) -> Self {
        Self {
            code,
            namespace: String::new(),
            set: String::new(),
        }
    }

    /// The privileges in a field.
    ///
    /// # Errors
    ///
    /// If it ends too early.
    pub fn read_list(content: &[u8]) -> Result<Vec<Self>, TooShort> {
        let mut cursor = Cursor::over(content);
        let count = cursor.byte()?;
        (0..count).map(|_| Self::read(&mut cursor)).collect()
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TooShort> {
        let code = Code(cursor.byte()?);
        if !code.is_scoped() {
            return Ok(Self::global(code));
        }
        Ok(Self {
            code,
            namespace: cursor.short_text()?,
            set: cursor.short_text()?,
        })
    }

    /// Privileges as a field has them.
    #[must_use]
    pub fn write_list<'a>(privileges: impl ExactSizeIterator<Item = &'a Self>) -> Vec<u8> {
        let mut content = vec![u8::try_from(privileges.len()).unwrap_or(u8::MAX)];
        for privilege in privileges {
            content.push(privilege.code.0);
            if privilege.code.is_scoped() {
                push_short(&mut content, &privilege.namespace);
                push_short(&mut content, &privilege.set);
            }
        }
        content
    }

    fn covers(&self, namespace: &str, set: &str) -> bool {
        let fits = |mine: &str, theirs: &str| mine.is_empty() || mine == theirs;
        fits(&self.namespace, namespace) && fits(&self.set, set)
    }
}

/// Something that needs a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// Administration of users.
    Users,
    /// Changing the configuration.
    SetConfig,
    /// Quiesce, recluster, rosters, seeds.
    ServiceControl,
    /// Log levels.
    LoggingControl,
    /// Truncating.
    Truncate(&'a str, &'a str),
    /// Secondary indexes.
    Indexes,
    /// User-defined functions.
    Functions,
    /// Stopping queries.
    Jobs,
    /// Reading a record.
    Read(&'a str, &'a str),
    /// Writing a record.
    Write(&'a str, &'a str),
}

impl Access<'_> {
    /// The permission's name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "user-admin",
            Self::SetConfig => "set-config",
            Self::ServiceControl => "service-ctrl",
            Self::LoggingControl => "logging-ctrl",
            Self::Truncate(..) => "truncate",
            Self::Indexes => "sindex-admin",
            Self::Functions => "udf-admin",
            Self::Jobs => "query-admin",
            Self::Read(..) => "read",
            Self::Write(..) => "write",
        }
    }

    fn codes(self) -> &'static [u8] {
        match self {
            Self::Users => &[0],
            Self::SetConfig | Self::ServiceControl | Self::LoggingControl => &[1],
            Self::Truncate(..) => &[2, 14],
            Self::Indexes => &[2, 4],
            Self::Functions => &[2, 3],
            Self::Jobs => &[1, 2],
            Self::Read(..) => &[10, 11, 12, 16],
            Self::Write(..) => &[11, 12, 13, 17],
        }
    }

    /// Whether one of `privileges` allows it.
    #[must_use]
    pub fn is_granted_by(self, privileges: &[Privilege]) -> bool {
        let (namespace, set) = match self {
            Self::Truncate(namespace, set)
            | Self::Read(namespace, set)
            | Self::Write(namespace, set) => (namespace, set),
            _ => ("", ""),
        };
        let grants = |privilege: &Privilege| {
            self.codes().contains(&privilege.code.0) && privilege.covers(namespace, set)
        };
        privileges.iter().any(grants)
    }
}
