//! What a check found, and how it is printed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What a client found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The nodes, by id.
    pub nodes: Vec<SeenNode>,
    /// The namespace that all of them have, if one was asked for.
    pub namespace: Option<String>,
    /// Whether a record was written, read back and deleted.
    pub wrote: bool,
}

/// A node as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenNode {
    /// Its id.
    pub name: String,
    /// Where the client talks to it.
    pub address: String,
    /// Its version.
    pub build: String,
    /// The namespaces that it has.
    pub namespaces: BTreeSet<String>,
}

/// The table of the nodes, and a line with the result.
#[must_use]
pub fn render(report: &Report) -> String {
    let header = ["NODE", "ADDRESS", "BUILD"];
    let rows = report
        .nodes
        .iter()
        .map(|node| [&*node.name, &*node.address, &*node.build]);
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let mut text = String::new();
    for [name, address, build] in &rows {
        let _ = writeln!(text, "{name:first$}  {address:second$}  {build}");
    }
    let _ = writeln!(text, "ok: {}", result(report));
    text
}

fn result(report: &Report) -> String {
    let count = report.nodes.len();
    let nodes = if count == 1 { "node" } else { "nodes" };
    let namespace = report.namespace.as_deref();
    let namespace = namespace
        .map(|name| format!(", namespace {name} on each"))
        .unwrap_or_default();
    let wrote = if report.wrote {
        ", wrote, read and deleted a record"
    } else {
        ""
    };
    format!("a client sees {count} {nodes}{namespace}{wrote}")
}
