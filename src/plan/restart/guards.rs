//! Changes of a rack's configuration that must not come about by restarting one pod after the other.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    api::Tree,
    plan::{Observed, Wait, WaitReason, namespaces::copies},
    resolve::{Desired, RackIdentifier},
};

/// What stands in the way, from the namespaces by name as they were rolled out and as they are wanted.
type Guard = fn(&Namespaces<'_>, &Namespaces<'_>) -> Option<String>;

type Namespaces<'a> = BTreeMap<&'a str, &'a Value>;

const GUARDS: &[Guard] = &[factors_stay, disks_stay];

/// Why no pods are added to a rack, if none are: servers that run have other replication factors.
#[must_use]
pub fn newcomers_hindrance(
    desired: &Desired,
    observed: &Observed,
    rack: &RackIdentifier,
) -> Option<Wait> {
    let new = namespaces(&desired.rack(rack)?.config);
    let config = observed.status.mirror.rack_config.as_ref()?;
    let rolled_out = config.racks.iter();
    let mut rolled_out = rolled_out.filter_map(|it| it.effective_aerospike_config.as_ref());
    rolled_out.find_map(|old| hindered(&[factors_stay], &namespaces(old), &new))
}

/// Why the pods of a rack are not restarted, if they are not.
#[must_use]
pub fn hindrance(desired: &Desired, observed: &Observed, rack: &RackIdentifier) -> Option<Wait> {
    let wanted = desired.rack(rack)?;
    let rolled_out = rack.find(observed.status.mirror.rack_config.as_ref())?;
    let old = namespaces(rolled_out.effective_aerospike_config.as_ref()?);
    hindered(GUARDS, &old, &namespaces(&wanted.config))
}

fn hindered(guards: &[Guard], old: &Namespaces<'_>, new: &Namespaces<'_>) -> Option<Wait> {
    let message = guards.iter().find_map(|guard| guard(old, new))?;
    Some(Wait::new(
        WaitReason::NotSupported,
        format!("{message}: undo the change"),
    ))
}

fn namespaces(config: &Tree) -> Namespaces<'_> {
    let list = config.get("namespaces").and_then(Value::as_array);
    let named = list
        .into_iter()
        .flatten()
        .filter_map(|it| Some((it["name"].as_str()?, it)));
    named.collect()
}

/// Servers with different factors form no cluster.
fn factors_stay(old: &Namespaces<'_>, new: &Namespaces<'_>) -> Option<String> {
    let changed = new.iter().find(|(name, new)| {
        let before = old.get(*name);
        before.is_some_and(|before| copies(before) != copies(new))
    });
    changed.map(|(name, _)| {
        format!(
            "the replication factor of namespace {name} changes on all servers at the same time, which this version does \
             not do yet"
        )
    })
}

/// What is on a disk that is given up would be read again when it is taken back, unless it is erased in between.
fn disks_stay(old: &Namespaces<'_>, new: &Namespaces<'_>) -> Option<String> {
    old.iter().find_map(|(name, before)| {
        let kept = new.get(name).map_or_else(Vec::new, |after| disks(after));
        let given_up = disks(before)
            .into_iter()
            .find(|disk| !kept.contains(disk))?;
        Some(format!(
            "namespace {name} gives up {given_up}, which this version does not erase yet"
        ))
    })
}

/// Devices with their shadows, files, and the places of indexes.
fn disks(namespace: &Value) -> Vec<&str> {
    let of = |section: &str, list: &str| namespace[section][list].as_array();
    let lists = [
        of("storage-engine", "devices"),
        of("storage-engine", "files"),
        of("index-type", "mounts"),
        of("sindex-type", "mounts"),
    ];
    let texts = lists
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(Value::as_str);
    texts.flat_map(str::split_whitespace).collect()
}
