//! The table of configuration parameters: which exist in which version, of what kind, in which range.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::version::{Release, Version};

const TEXT: &str = include_str!("../../data/parameters.tsv");

static ROWS: LazyLock<Vec<Row>> =
    LazyLock::new(|| TEXT.lines().skip(1).filter_map(Row::read).collect());

static BY_PATH: LazyLock<HashMap<&str, Vec<&Row>>> = LazyLock::new(|| {
    let mut rows: HashMap<_, Vec<_>> = HashMap::new();
    for row in ROWS.iter() {
        rows.entry(row.path).or_default().push(row);
    }
    rows
});

/// What a value of a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block of the file.
    Section,
    /// Any text.
    Text,
    /// A number in the row's range.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of the row's words.
    Word,
    /// A statement that may be repeated.
    List,
}

/// A parameter or section in a range of versions.
#[derive(Debug, Clone)]
pub struct Row {
    /// Dotted, `[]` after a repeatable section, `<type>` after a section with a type.
    pub path: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The value that holds if the file says nothing.
    pub default: &'static str,
    /// The smallest number allowed.
    pub least: i128,
    /// The largest number allowed.
    pub most: i128,
    /// The words allowed.
    pub words: Vec<&'static str>,
    /// Whether `set-config` may change it.
    pub dynamic: bool,
    /// Whether the Community Edition refuses it.
    pub enterprise: bool,
    since: Option<Version>,
    until: Option<Version>,
}

/// Levels of the log.
pub const LOG_LEVELS: [&str; 5] = ["CRITICAL", "WARNING", "INFO", "DEBUG", "DETAIL"];

impl Row {
    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t');
        let path = cells.next()?;
        let kind = kind(cells.next()?)?;
        let mut cell = || cells.next().unwrap_or_default();
        let default = cell();
        let (least, most) = (bound(cell(), 0), bound(cell(), i128::from(u64::MAX)));
        let words = words(cell());
        let dynamic = cell() == "y";
        let enterprise = cell().starts_with('y');
        let (since, until) = (cell().parse().ok(), cell().parse().ok());
        Some(Self {
            path,
            kind,
            default,
            least,
            most,
            words,
            dynamic,
            enterprise,
            since,
            until,
        })
    }

    fn lives_at(&self, version: Version) -> bool {
        let version = version.for_table();
        self.since.is_none_or(|since| since <= version)
            && self.until.is_none_or(|until| version <= until)
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('.').next().unwrap_or(self.path)
    }
}

fn kind(text: &str) -> Option<Kind> {
    Some(match text {
        "section" | "sections" | "variant" => Kind::Section,
        "string" => Kind::Text,
        "int" => Kind::Number,
        "bool" => Kind::Flag,
        "enum" => Kind::Word,
        "strings" | "word-or-hosts" => Kind::List,
        _ => return None,
    })
}

fn bound(cell: &str, otherwise: i128) -> i128 {
    cell.parse().unwrap_or(otherwise)
}

fn words(cell: &'static str) -> Vec<&'static str> {
    cell.split('|').filter(|word| !word.is_empty()).collect()
}

/// Bounds of the server that the published schema states wrongly.
const SERVER_BOUNDS: &[(&str, i128, i128)] = &[
    ("service.proto-fd-max", 1024, 2_147_483_647),
    ("service.info-threads", 1, 256),
];

/// The parameters of one release.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    release: Release,
}

impl Table {
    /// The table of `release`.
    #[must_use]
    pub fn of(release: Release) -> Self {
        Self { release }
    }

    /// The release.
    #[must_use]
    pub fn release(self) -> Release {
        self.release
    }

    /// All rows, in the order of the table.
    pub fn rows(self) -> impl Iterator<Item = &'static Row> {
        ROWS.iter()
            .filter(move |row| row.lives_at(self.release.version))
    }

    /// The row at `path`.
    #[must_use]
    pub fn at(self, path: &str) -> Option<&'static Row> {
        let rows = BY_PATH.get(path)?.iter().copied();
        rows.into_iter()
            .find(|row| row.lives_at(self.release.version))
    }

    /// Whether any version has a row at `path`.
    #[must_use]
    pub fn ever_had(path: &str) -> bool {
        BY_PATH.contains_key(path)
    }

    /// The row of the statement `name` in the section at `section`; a list has the plural name in the table.
    #[must_use]
    pub fn statement(self, section: &str, name: &str) -> Option<&'static Row> {
        let single = join(section, name);
        let listed = |path: &str| self.at(path).filter(|row| row.kind == Kind::List);
        self.at(&single)
            .filter(|row| {
                row.kind != Kind::Section && (row.kind != Kind::List || UNCHANGED.contains(&name))
            })
            .or_else(|| listed(&format!("{single}s")))
            .or_else(|| listed(&format!("{single}es")))
    }

    /// The numbers allowed for `row`.
    #[must_use]
    pub fn bounds(self, row: &Row) -> (i128, i128) {
        if row.path == "namespaces[].replication-factor" {
            return (
                1,
                i128::try_from(self.release.largest_cluster()).unwrap_or(256),
            );
        }
        let corrected = SERVER_BOUNDS.iter().find(|(path, ..)| *path == row.path);
        corrected.map_or((row.least, row.most), |&(_, least, most)| (least, most))
    }

    /// Whether the name of a log context is known.
    #[must_use]
    pub fn has_log_context(self, name: &str) -> bool {
        let row = self.at(&format!("logging[].{name}"));
        row.is_some_and(|row| row.kind == Kind::Word && row.words == ["@loglevel"])
    }
}

/// Lists whose statement is named as the list.
const UNCHANGED: [&str; 4] = [
    "report-data-op",
    "report-data-op-role",
    "report-data-op-user",
    "tls-authenticate-client",
];

/// `name` below `section`.
#[must_use]
pub fn join(section: &str, name: &str) -> String {
    if section.is_empty() {
        name.to_owned()
    } else {
        format!("{section}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Edition;

    fn table(version: &str) -> Table {
        let version = version.parse().unwrap();
        Table::of(Release {
            version,
            edition: Edition::Community,
        })
    }

    #[test]
    fn a_repeated_statement_is_found_by_its_singular_name() {
        let row = table("8.1.2.0").statement("network.heartbeat", "mesh-seed-address-port");
        assert_eq!(
            row.map(|row| row.path),
            Some("network.heartbeat.mesh-seed-address-ports")
        );
        let row = table("8.1.2.0").statement("network.service", "access-address");
        assert_eq!(
            row.map(|row| row.path),
            Some("network.service.access-addresses")
        );
        assert!(
            table("8.1.2.0")
                .statement("network.service", "addresses")
                .is_none()
        );
    }

    #[test]
    fn a_row_lives_only_in_its_versions() {
        assert!(table("6.4.0.1").at("namespaces[].memory-size").is_some());
        assert!(table("7.0.0.0").at("namespaces[].memory-size").is_none());
        assert!(table("8.1.0.3").at("network.admin").is_some());
        assert!(table("8.0.0.9").at("network.admin").is_none());
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(ROWS.len(), TEXT.lines().count() - 3);
    }
}
