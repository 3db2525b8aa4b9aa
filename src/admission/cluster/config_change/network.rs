//! Names, ports and authorities by which servers find and trust each other. While a change is rolled out, servers of both
//! kinds must form one cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Trees, quoted, refused, section};
use crate::{
    api::Tree,
    config::{Problem, inject::is_equal},
    finding::FieldPath,
};

const CONNECTIONS: [&str; 4] = ["service", "heartbeat", "fabric", "admin"];

fn path(members: &[&str]) -> FieldPath {
    FieldPath::default().child("network").children(members)
}

/// The connections that are configured before and after.
fn kept<'a>(
    trees: &Trees<'a>,
) -> impl Iterator<Item = (&'static str, &'a Tree, &'a Tree)> + use<'a> {
    let (old, new) = (trees.old, trees.new);
    let pair = move |name: &'static str| {
        let members = ["network", name];
        Some((name, section(old, &members)?, section(new, &members)?))
    };
    CONNECTIONS.into_iter().filter_map(pair)
}

/// The entries of `network.tls` that a connection uses, by name, with their index.
fn used_tls(tree: &Tree) -> BTreeMap<&str, (usize, &Tree)> {
    let network = section(tree, &["network"]);
    let used: Vec<_> = CONNECTIONS
        .iter()
        .filter_map(|name| network?.get(*name)?.get("tls-name")?.as_str())
        .collect();
    let list = network.and_then(|network| network.get("tls")?.as_array());
    let entries = list.into_iter().flatten().enumerate();
    let named = entries.filter_map(|(index, entry)| {
        let entry = entry.as_object()?;
        Some((entry.get("name")?.as_str()?, (index, entry)))
    });
    named.filter(|(name, _)| used.contains(name)).collect()
}

/// UPD-21, 22. Changing a path, or from a file to a path, is the user's way of rotating an authority.
pub(super) fn used_authorities_stay(trees: &Trees<'_>) -> Vec<Problem> {
    let old = used_tls(trees.old);
    let new = used_tls(trees.new);
    let pairs = new
        .into_iter()
        .filter_map(|(name, new)| Some((name, old.get(name)?.1, new)));
    pairs
        .filter_map(|(name, old, (index, new))| authority_stays(name, index, old, new))
        .collect()
}

fn authority_stays(name: &str, index: usize, old: &Tree, new: &Tree) -> Option<Problem> {
    let place = path(&["tls"]).item(index, name);
    let name = quoted(name);
    let has = |tree: &Tree| tree.contains_key("ca-file") || tree.contains_key("ca-path");
    if has(old) && !has(new) {
        return Some(refused(
            "UPD-21",
            place,
            format!(
                "cannot remove used `ca-file` or `ca-path` from tls {name:?}: servers would no longer trust each other; keep \
                 one of them, or first take the tls-name from every connection"
            ),
        ));
    }
    let changed =
        matches!((old.get("ca-file"), new.get("ca-file")), (Some(old), Some(new)) if old != new);
    changed.then(|| {
        refused(
            "UPD-22",
            place.child("ca-file"),
            format!(
                "cannot change ca-file of used tls {name:?}: servers with the old and the new one would not trust each other; \
                 put both authorities into the same file, or use ca-path"
            ),
        )
    })
}

/// UPD-23.
pub(super) fn tls_names_stay(trees: &Trees<'_>) -> Vec<Problem> {
    let key = "tls-name";
    let changed = kept(trees).filter(|(_, old, new)| {
        matches!((old.get(key), new.get(key)), (Some(old), Some(new)) if old != new)
    });
    changed
        .map(|(connection, ..)| {
            refused(
                "UPD-23",
                path(&[connection, key]),
                format!(
                    "cannot modify tls name of {connection}: servers with the old and the new one would not accept each other; \
                     in two steps, have this connection without TLS first, then with the new name"
                ),
            )
        })
        .collect()
}

/// The plain and the TLS port of a connection. The ports of the addresses for clients follow them.
const PORTS: [&str; 2] = ["port", "tls-port"];

/// UPD-24.
pub(super) fn ports_stay(trees: &Trees<'_>) -> Vec<Problem> {
    let ports = kept(trees).flat_map(|connection| PORTS.map(|port| (connection, port)));
    let changed = ports.filter(|((_, old, new), port)| {
        matches!((old.get(*port), new.get(*port)), (Some(old), Some(new)) if !is_equal(old, new))
    });
    changed
        .map(|((connection, old, _), port)| {
            let before = old.get(port).and_then(Value::as_i64);
            let before = before.map_or_else(String::new, |before| format!(", which is {before}"));
            refused(
                "UPD-24",
                path(&[connection, port]),
                format!(
                    "cannot modify port number: {connection}.{port}{before}, stays as long as the cluster lives, because \
                     servers and clients find it by that; another one needs a new cluster"
                ),
            )
        })
        .collect()
}

/// UPD-25.
pub(super) fn plain_and_tls_do_not_swap(trees: &Trees<'_>) -> Vec<Problem> {
    let both = |tree: &Tree| PORTS.iter().all(|port| tree.contains_key(*port));
    let single = kept(trees).filter(|(_, old, _)| !both(old));
    let removed = single.flat_map(|(connection, old, new)| {
        let gone = move |port: &&str| old.contains_key(*port) && !new.contains_key(*port);
        PORTS
            .into_iter()
            .filter(gone)
            .map(move |port| (connection, port))
    });
    removed
        .map(|(connection, port)| {
            refused(
                "UPD-25",
                path(&[connection, port]),
                format!(
                    "cannot remove tls or non-tls configurations unless both were set before: servers with only one of them \
                     would lose those with only the other; in two steps, have both port and tls-port in {connection} first, \
                     wait until status.phase is Completed, then remove {port}"
                ),
            )
        })
        .collect()
}
