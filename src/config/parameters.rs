//! Which parameters exist in which server release, with type, range, default, and whether they change at run time. A new
//! release is new rows in the table, no code.

use std::{fmt, sync::LazyLock};

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

    /// The release of the table that comes nearest: the newest that is not newer than this one, else the first.
    #[must_use]
    pub fn in_table(self) -> Self {
        let known = releases();
        let older = known.iter().rev().find(|known| **known <= self);
        older.or(known.first()).copied().unwrap_or(self)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
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
    pub min: Option<i128>,
    /// The greatest number.
    pub max: Option<i128>,
    /// Words, types of a variant, or what a section needs, in the table's notation.
    pub values: &'static str,
    /// It can be changed while the server runs.
    pub dynamic: bool,
    /// It needs the Enterprise edition; none where that is not known.
    pub enterprise: Option<bool>,
    /// The first release that has it; none for the first of the table.
    pub since: Option<Release>,
    /// The last release that has it; none for the last of the table.
    pub until: Option<Release>,
}

impl Parameter {
    /// Whether it exists in `release`.
    #[must_use]
    pub fn is_in(&self, release: Release) -> bool {
        self.since.is_none_or(|since| since <= release)
            && self.until.is_none_or(|until| release <= until)
    }

    /// The words that it takes.
    pub fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.values.split('|').filter(|word| !word.is_empty())
    }
}

/// A name of the table: what it takes in each release, and what is below it.
#[derive(Debug, Default)]
pub struct Node {
    /// The name; empty at the root.
    pub name: &'static str,
    /// What it takes; no release has two.
    pub rows: Vec<Parameter>,
    /// Members, those of the items for a list of sections, or the types of a variant; sorted by name.
    pub members: Vec<Self>,
}

impl Node {
    /// The root of the configuration.
    #[must_use]
    pub fn root() -> &'static Self {
        &TABLE.root
    }

    /// The member, or the type of a variant, that has this name in any release.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        let found = self
            .members
            .binary_search_by(|member| member.name.cmp(name));
        found.ok().map(|index| &self.members[index])
    }

    /// What it takes in `release`.
    #[must_use]
    pub fn parameter(&self, release: Release) -> Option<&Parameter> {
        self.rows.iter().find(|row| row.is_in(release))
    }

    /// The members that `release` has.
    pub fn members_in(&self, release: Release) -> impl Iterator<Item = &Self> {
        self.members
            .iter()
            .filter(move |member| member.parameter(release).is_some())
    }

    /// The node at `path`, made where it is missing.
    fn make(&mut self, path: &'static str) -> &mut Self {
        steps(path).fold(self, |node, name| {
            // Rows of one section stand together, so that the place is mostly the last one.
            let index = node.members.iter().rposition(|member| member.name == name);
            let index = index.unwrap_or_else(|| {
                node.members.push(Self {
                    name,
                    ..Self::default()
                });
                node.members.len() - 1
            });
            &mut node.members[index]
        })
    }

    fn sort(&mut self) {
        self.members.sort_by_key(|member| member.name);
        self.members.iter_mut().for_each(Self::sort);
    }
}

/// The names in a path of the table's notation.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']', '<', '>'])
        .filter(|name| !name.is_empty())
}

/// The parameter at `path` in `release`. List items are `[]`, types of a variant `<type>`: `namespaces[].storage-engine<device>.filesize`.
#[must_use]
pub fn lookup(path: &str, release: Release) -> Option<&'static Parameter> {
    let node = steps(path).try_fold(Node::root(), |node, name| node.member(name))?;
    node.parameter(release)
}

/// The releases that the table knows, oldest first.
#[must_use]
pub fn releases() -> &'static [Release] {
    &TABLE.releases
}

#[derive(Default)]
struct Table {
    releases: Vec<Release>,
    root: Node,
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
        let releases = alias("@versions").split(',').filter_map(Release::parse);
        let mut table = Self {
            releases: releases.collect(),
            ..Self::default()
        };
        for row in &cells {
            let values = if row[5].starts_with('@') {
                alias(row[5])
            } else {
                row[5]
            };
            if let Some(parameter) = parameter(row, values) {
                table.root.make(row[0]).rows.push(parameter);
            }
        }
        table.root.sort();
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

    fn each(node: &Node, visit: &mut impl FnMut(&Node)) {
        visit(node);
        for member in &node.members {
            each(member, visit);
        }
    }

    #[test]
    fn every_row_is_read() {
        let mut rows = 0;
        each(Node::root(), &mut |node| rows += node.rows.len());
        let lines = include_str!("parameters.tsv").lines().count();
        assert_eq!(rows, lines - 3);
        assert_eq!(releases().len(), 12);
        assert!(releases().is_sorted());
    }

    #[test]
    fn no_release_has_two_rows_for_one_path() {
        each(Node::root(), &mut |node| {
            for release in releases() {
                let live = node.rows.iter().filter(|row| row.is_in(*release));
                assert!(live.count() < 2, "{} in {release}", node.name);
            }
        });
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

    #[test]
    fn the_types_of_a_variant_are_those_that_the_release_has() {
        each(Node::root(), &mut |node| {
            for release in releases() {
                let variant = node
                    .parameter(*release)
                    .filter(|it| it.kind == Kind::Variant);
                if let Some(variant) = variant {
                    let mut named: Vec<_> = variant.values.split(',').collect();
                    named.sort_unstable();
                    let live: Vec<_> = node.members_in(*release).map(|it| it.name).collect();
                    assert_eq!(live, named, "{} in {release}", node.name);
                }
            }
        });
    }

    #[test]
    fn the_greatest_number_of_all_is_kept() {
        let found = lookup("namespaces[].sets[].stop-writes-size", release("8.1.2")).unwrap();
        assert_eq!(found.max, Some(u64::MAX.into()));
    }

    #[test]
    fn a_release_that_is_not_listed_is_taken_for_the_one_before_it() {
        let cases = [
            ("8.1.2", "8.1.2"),
            ("8.1.3", "8.1.2"),
            ("9.0.0", "8.1.2"),
            ("7.0.5", "7.0.0"),
            ("5.7.0", "6.0.0"),
        ];
        for (given, taken) in cases {
            assert_eq!(release(given).in_table(), release(taken));
        }
    }
}
