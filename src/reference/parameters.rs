//! The parameters of the server, from their table.

use super::cell;
use crate::config::parameters::{Kind, Node, Parameter, Release, releases};

/// The page of every parameter in every release of the table.
#[must_use]
pub fn page() -> String {
    let all = releases();
    let range = match (all.first(), all.last()) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => String::new(),
    };
    let mut page = format!(
        "# Parameters of the server\n\nWhat `aerospikeConfig` takes, in the releases from {range}. `[]` stands for an item of a \
         list, `<>` for a type of what is before it. A parameter that says nothing of releases is in all of them; one that \
         changed has a line for each form.\n\n\
         | parameter | type | default | takes | at run time | edition | releases |\n|---|---|---|---|---|---|---|\n"
    );
    below("", Node::root(), Kind::Section, &mut page);
    page
}

fn below(path: &str, node: &Node, kind: Kind, page: &mut String) {
    for member in &node.members {
        let path = match kind {
            Kind::Variant => format!("{path}<{}>", member.name),
            _ if path.is_empty() => member.name.to_owned(),
            _ => format!("{path}.{}", member.name),
        };
        let is_list = member.rows.iter().any(|row| row.kind == Kind::Sections);
        let path = if is_list { format!("{path}[]") } else { path };
        for row in &member.rows {
            line(&path, row, page);
        }
        let kind = member.rows.first().map_or(Kind::Section, |row| row.kind);
        below(&path, member, kind, page);
    }
}

fn line(path: &str, row: &Parameter, page: &mut String) {
    let default = row.default.map(str::trim).filter(|text| !text.is_empty());
    let cells = [
        format!("`{path}`"),
        name(row.kind).to_owned(),
        default.map_or_else(String::new, |text| format!("`{}`", cell(text))),
        taken(row),
        if row.dynamic { "yes" } else { "" }.to_owned(),
        edition(row).to_owned(),
        span(row.since, row.until),
    ];
    page.extend(["| ", &cells.join(" | "), " |\n"]);
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Section => "section",
        Kind::Sections => "list of sections",
        Kind::Variant => "section by `type`",
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Flag => "true or false",
        Kind::Word => "word",
        Kind::Texts => "list of texts",
        Kind::WordOrHosts => "word, or list of host names",
    }
}

fn taken(row: &Parameter) -> String {
    let words: Vec<_> = row.words().map(|word| format!("`{word}`")).collect();
    match (row.kind, row.min, row.max) {
        (Kind::Word | Kind::WordOrHosts, ..) => words.join(", "),
        (Kind::Variant, ..) => cell(&row.values.replace(',', ", ")),
        (Kind::Section | Kind::Sections, ..) => needed(row.values),
        (_, Some(min), Some(max)) => format!("{min} to {max}"),
        (_, Some(min), None) => format!("at least {min}"),
        (_, None, Some(max)) => format!("at most {max}"),
        (_, None, None) => String::new(),
    }
}

/// What a section needs, of the table's notation.
fn needed(groups: &str) -> String {
    let told = groups.split(' ').filter_map(|group| {
        let (rule, names) = group.split_once(':')?;
        let names = names.replace(',', " and ").replace('/', ", or ");
        Some(match rule {
            "all" => format!("needs {names}"),
            "one" => format!("needs one of {names}"),
            _ => format!("needs at least {names}"),
        })
    });
    told.collect::<Vec<_>>().join("; ")
}

const fn edition(row: &Parameter) -> &'static str {
    match row.enterprise {
        Some(true) => "Enterprise",
        Some(false) | None => "",
    }
}

fn span(since: Option<Release>, until: Option<Release>) -> String {
    match (since, until) {
        (None, None) => String::new(),
        (Some(since), None) => format!("from {since}"),
        (None, Some(until)) => format!("to {until}"),
        (Some(since), Some(until)) => format!("{since} to {until}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_has_a_line() {
        let rows = include_str!("../config/parameters.tsv").lines().count() - 3;
        // The root's rows are no parameters.
        let root = Node::root().rows.len();
        let lines = page()
            .lines()
            .filter(|line| line.starts_with("| `"))
            .count();
        assert_eq!(lines, rows - root);
    }

    #[test]
    fn a_line_says_all_that_the_table_does() {
        let page = page();
        assert!(page.contains("| `namespaces[].active-rack` | integer | `0` | 0 to 1000000 | yes | Enterprise | from 7.2.0 |"), "{page}");
        assert!(
            page.contains("| `namespaces[].storage-engine<device>.commit-min-size` | integer |"),
            "{page}"
        );
    }
}
