//! Database namespaces: what stays as it was when they were made, and the disks that hold them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Trees, quoted, refused};
use crate::{
    admission::rules::Told,
    api::Tree,
    config::{Problem, inject::is_equal},
    finding::FieldPath,
};

/// The database namespaces that have a name, with their index. Of several with one name the first counts.
fn named(tree: &Tree) -> BTreeMap<&str, (usize, &Tree)> {
    let list = tree.get("namespaces").and_then(Value::as_array);
    let mut found = BTreeMap::new();
    for (index, element) in list.into_iter().flatten().enumerate() {
        let Some(element) = element.as_object() else {
            continue;
        };
        if let Some(name) = element.get("name").and_then(Value::as_str) {
            found.entry(name).or_insert((index, element));
        }
    }
    found
}

fn path(index: usize, name: &str) -> FieldPath {
    FieldPath::default().child("namespaces").item(index, name)
}

/// UPD-26.
pub(super) fn consistency_stays(trees: &Trees<'_>) -> Vec<Problem> {
    let old = named(trees.old);
    let new = named(trees.new).into_iter();
    let kept = new.filter_map(|(name, (index, new))| Some((name, index, old.get(name)?.1, new)));
    kept.flat_map(|(name, index, old, new)| {
        let place = path(index, name);
        [
            factor_stays(name, &place, old, new),
            mode_stays(name, &place, old, new),
        ]
    })
    .flatten()
    .told()
}

fn differs(key: &str, old: &Tree, new: &Tree) -> bool {
    match (old.get(key), new.get(key)) {
        (Some(old), Some(new)) => !is_equal(old, new),
        (old, new) => old.is_some() != new.is_some(),
    }
}

fn factor_stays(name: &str, place: &FieldPath, old: &Tree, new: &Tree) -> Option<Problem> {
    let key = "replication-factor";
    let strong = new.get("strong-consistency") == Some(&Value::Bool(true));
    (strong && differs(key, old, new)).then(|| {
        refused(
            "UPD-26a",
            place.child(key),
            format!(
                "replication-factor cannot be updated for SC namespaces: namespace {} keeps the one that it was made \
                 with; another one needs a new namespace",
                quoted(name)
            ),
        )
    })
}

fn mode_stays(name: &str, place: &FieldPath, old: &Tree, new: &Tree) -> Option<Problem> {
    let key = "strong-consistency";
    differs(key, old, new).then(|| {
        refused(
            "UPD-26b",
            place.child(key),
            format!(
                "strong-consistency cannot be updated: namespace {} keeps the mode that it was made with, and the value \
                 stays as it is written; the other mode needs a new namespace",
                quoted(name)
            ),
        )
    })
}

/// The lists of disks in a namespace's storage engine.
const LISTS: [&str; 2] = ["devices", "files"];

/// The disks of a namespace, with the list and the index in it; a disk and its shadow each for itself.
fn disks(namespace: &Tree) -> impl Iterator<Item = (&'static str, usize, &str)> {
    let engine = namespace.get("storage-engine");
    LISTS.into_iter().flat_map(move |list| {
        let entries = engine.and_then(|engine| engine.get(list)?.as_array());
        let entries = entries.into_iter().flatten().enumerate();
        entries
            .filter_map(|(index, entry)| Some((index, entry.as_str()?)))
            .flat_map(move |(index, entry)| {
                let parts = entry.split_whitespace();
                parts.map(move |part| (list, index, part))
            })
    })
}

/// UPD-27. A server does not start with a disk that holds another namespace.
pub(super) fn disks_stay_with_their_namespace(trees: &Trees<'_>) -> Vec<Problem> {
    let Some(rolled_out) = trees.rolled_out else {
        return Vec::new();
    };
    let mut owners = BTreeMap::new();
    for (name, (_, namespace)) in named(rolled_out) {
        owners.extend(disks(namespace).map(|(_, _, disk)| (disk, name)));
    }
    let kept = named(trees.new).into_iter();
    let disks = kept.flat_map(|(name, (index, namespace))| {
        disks(namespace).map(move |disk| (name, index, disk))
    });
    disks
        .filter_map(|(name, index, (list, entry, disk))| {
            let owner = owners.get(disk).filter(|owner| **owner != name)?;
            let place = path(index, name).children(&["storage-engine", list]);
            Some(refused(
                "UPD-27",
                place.item(entry, disk),
                moved(disk, owner, name),
            ))
        })
        .told()
}

fn moved(disk: &str, from: &str, to: &str) -> String {
    let [disk, from, to] = [disk, from, to].map(quoted);
    format!(
        "{disk} holds namespace {from}, and cannot move to namespace {to} in one step: remove it from {from} first, wait \
         until status.phase is Completed, then give it to {to}"
    )
}
