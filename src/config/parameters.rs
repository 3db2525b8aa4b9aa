//! Which parameters exist in which server release, with type, range, default, and whether they change at run time. A new
//! release is new rows in the table, no code.

use std::{collections::HashMap, sync::LazyLock};

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("parameters.tsv")));

/// A release of the server: the first three numbers of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release([u16; 3]);

impl Release {
    /// Reads `8.1.2.0` or `8.1.2`.
    #[must_use]
    pub fn parse(version: &str) -> Option<Self> {
        let mut numbers = version.split(['.', '-']).map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self([next()?, next()?, next()?]))
    }
}

/// What a parameter or section takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A section with fixed members.
    Section,
    /// A list of sections.
    Sections,
    /// A section whose members depend on its `type`.
    Variant,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// One of a set of words.
    Word,
    /// A list of texts.
    Texts,
    /// One of a set of words, or a list of host names.
    WordOrHosts,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "section" => Self::Section,
            "sections" => Self::Sections,
            "variant" => Self::Variant,
            "string" => Self::Text,
            "int" => Self::Integer,
            "bool" => Self::Flag,
            "enum" => Self::Word,
            "strings" => Self::Texts,
            "word-or-hosts" => Self::WordOrHosts,
            _ => return None,
        })
    }
}

/// A parameter or section, as it is in some releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it takes.
    pub kind: Kind,
    /// What holds when it is not given; lists as JSON.
    pub default: Option<&'static str>,
    /// The least number; of a list of sections, the least number of items.
    pub min: Option<i64>,
    /// The greatest number.
    pub max: Option<i64>,
    /// Words, types of a variant, or what a section needs, in the table's notation.
    pub values: &'static str,
    /// It can be changed while the server runs.
    pub dynamic: bool,
    /// It needs the Enterprise edition; none where that is not known.
    pub enterprise: Option<bool>,
    since: Option<Release>,
    until: Option<Release>,
}

impl Parameter {
    /// Whether it exists in `release`.
    #[must_use]
    pub fn is_in(&self, release: Release) -> bool {
        self.since.is_none_or(|since| since <= release)
            && self.until.is_none_or(|until| release <= until)
    }
}

/// The parameter at `path` in `release`. List items are `[]`, types of a variant `<type>`: `namespaces[].storage-engine<device>.filesize`.
#[must_use]
pub fn lookup(path: &str, release: Release) -> Option<&'static Parameter> {
    let rows = TABLE.rows.get(path)?;
    rows.iter().find(|row| row.is_in(release))
}

/// The releases that the table knows, oldest first.
#[must_use]
pub fn releases() -> &'static [Release] {
    &TABLE.releases
}

#[derive(Default)]
struct Table {
    releases: Vec<Release>,
    rows: HashMap<&'static str, Vec<Parameter>>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let lines = text.lines().skip(1);
        let cells: Vec<Vec<_>> = lines.map(|line| line.split('\t').collect()).collect();
        let alias = |name: &str| {
            cells
                .iter()
                .find(|row| row[0] == name)
                .map_or("", |row| row[5])
        };
        let mut table = Self {
            releases: alias("@versions")
                .split(',')
                .filter_map(Release::parse)
                .collect(),
            ..Self::default()
        };
        for row in &cells {
            let values = if row[5].starts_with('@') {
                alias(row[5])
            } else {
                row[5]
            };
            if let Some(parameter) = parameter(row, values) {
                table.rows.entry(row[0]).or_default().push(parameter);
            }
        }
        table
    }
}

fn parameter(row: &[&'static str], values: &'static str) -> Option<Parameter> {
    let kind = Kind::parse(row[1])?;
    let has_default = !row[2].is_empty() || matches!(kind, Kind::Text | Kind::Word);
    Some(Parameter {
        kind,
        default: has_default.then_some(row[2]),
        min: row[3].parse().ok(),
        max: row[4].parse().ok(),
        values,
        dynamic: row[6] == "y",
        enterprise: match row[7].trim_end_matches('?') {
            "y" => Some(true),
            "n" => Some(false),
            _ => None,
        },
        since: Release::parse(row[8]),
        until: Release::parse(row[9]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        Release::parse(text).unwrap()
    }

    #[test]
    fn every_row_is_read() {
        let rows: usize = TABLE.rows.values().map(Vec::len).sum();
        let lines = include_str!("parameters.tsv").lines().count();
        assert_eq!(rows, lines - 3);
        assert_eq!(releases().len(), 12);
        assert!(releases().is_sorted());
    }

    #[test]
    fn no_release_has_two_rows_for_one_path() {
        for (path, rows) in &TABLE.rows {
            for release in releases() {
                let live = rows.iter().filter(|row| row.is_in(*release));
                assert!(live.count() < 2, "{path} in {release:?}");
            }
        }
    }

    #[test]
    fn a_parameter_has_range_default_and_edition() {
        let found = lookup("namespaces[].replication-factor", release("8.1.2.0")).unwrap();
        assert_eq!(found.kind, Kind::Integer);
        assert_eq!((found.min, found.max), (Some(1), Some(256)));
        assert_eq!(found.default, Some("2"));
        assert!(!found.dynamic);
        assert_eq!(found.enterprise, Some(false));
    }

    #[test]
    fn a_parameter_is_there_from_its_first_to_its_last_release() {
        let path = "namespaces[].storage-engine<device>.commit-min-size";
        assert!(lookup(path, release("6.4.0.12")).is_some());
        assert!(lookup(path, release("7.0.0")).is_none());
        assert!(lookup("service.nothing", release("7.0.0")).is_none());
    }

    #[test]
    fn a_shared_list_of_words_stands_in_for_its_name() {
        let found = lookup("logging[].any", release("7.0.0")).unwrap();
        assert!(found.values.contains("|debug|"));
    }

    #[test]
    fn a_version_of_two_numbers_is_no_release() {
        assert_eq!(Release::parse("8.1"), None);
        assert_eq!(Release::parse("8.1.2.0-rc1"), Release::parse("8.1.2"));
    }
}
