//! Changing a replication factor: while servers run, of one database namespace, and alone.

mod differences;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Change, Told},
        subject::{ConfiguredRack, Namespace, Subject},
    },
    finding::{FieldPath, Finding, shortened},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[a_factor_changes_alone],
    advice: &[],
};

const KEY: &str = "replication-factor";
/// The server's replication factor where none is configured, or none that can be read.
const DEFAULT: f64 = 2.0;

/// Characters of a user's text that a message shows.
const QUOTED: usize = 80;

fn quoted(text: &str) -> String {
    shortened(text, QUOTED)
}

/// However it is written.
fn factor(namespace: &Namespace<'_>) -> Option<f64> {
    let given = namespace.config.get(KEY);
    given.and_then(Value::as_f64).or(Some(DEFAULT))
}

/// A namespace in a rack: its name and the rack's id.
fn key<'a>(namespace: &Namespace<'a>) -> (&'a str, i64) {
    (namespace.name, namespace.rack.placed.rack.id)
}

/// Those of every rack: one may come to a rack later than to another.
fn namespaces<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Namespace<'a>> + use<'a> {
    let racks = subject.configured_racks();
    racks.flat_map(ConfiguredRack::namespaces)
}

fn factors<'a>(subject: &Subject<'a>) -> BTreeMap<(&'a str, i64), Option<f64>> {
    namespaces(subject)
        .map(|namespace| (key(&namespace), factor(&namespace)))
        .collect()
}

fn a_factor_changes_alone(change: &Change<'_>) -> Vec<Finding> {
    let old = factors(change.old);
    let changed: Vec<_> = namespaces(change.new)
        .filter(|namespace| {
            old.get(&key(namespace))
                .is_some_and(|before| *before != factor(namespace))
        })
        .collect();
    let Some(first) = changed.first() else {
        return Vec::new();
    };
    let mut findings = one_namespace_at_a_time(&changed);
    findings.extend(its_addition_is_rolled_out(change, &changed));
    findings.extend(nothing_else_changes(change, first));
    findings.extend(it_changes_at_run_time(change, first));
    findings
}

/// At the first place of each namespace.
fn one_namespace_at_a_time(changed: &[Namespace<'_>]) -> Vec<Finding> {
    let mut by_name: BTreeMap<&str, FieldPath> = BTreeMap::new();
    for namespace in changed {
        by_name
            .entry(namespace.name)
            .or_insert_with(|| namespace.place_of(&[KEY]));
    }
    if by_name.len() < 2 {
        return Vec::new();
    }
    let names: Vec<_> = by_name.keys().map(|name| quoted(name)).collect();
    let names = shortened(&names.join(", "), QUOTED);
    by_name
        .into_values()
        .map(|place| {
            Finding::forbidden(
                "UPD-38",
                place,
                format!(
                    "cannot update replication-factor for multiple namespaces at the same time, and it changes for {names}: \
                     change one, wait until status.phase is Completed, then change the next"
                ),
            )
        })
        .told()
}

fn its_addition_is_rolled_out(change: &Change<'_>, changed: &[Namespace<'_>]) -> Option<Finding> {
    let running = factors(change.rolled_out?);
    let new = changed
        .iter()
        .find(|namespace| !running.contains_key(&key(namespace)))?;
    Some(Finding::forbidden(
        "UPD-39",
        new.place_of(&[KEY]),
        format!(
            "cannot update replication-factor of namespace {}: namespace addition rollout is still in progress; wait until \
             status.phase is Completed, then change it",
            quoted(new.name)
        ),
    ))
}

fn nothing_else_changes(change: &Change<'_>, first: &Namespace<'_>) -> Option<Finding> {
    let other = differences::first_besides_factors(change.old.spec, change.new.spec)?;
    Some(Finding::forbidden(
        "UPD-40",
        first.place_of(&[KEY]),
        format!(
            "cannot update replication-factor for namespace {} alongside any other spec change or in-progress namespace \
             rollout, and {other} differs too: change the replication factor alone, wait until status.phase is Completed, \
             then change the rest",
            quoted(first.name)
        ),
    ))
}

fn it_changes_at_run_time(change: &Change<'_>, first: &Namespace<'_>) -> Option<Finding> {
    (change.new.spec.enable_dynamic_config_update != Some(true)).then(|| {
        Finding::invalid(
            "UPD-41",
            FieldPath::spec().child("enableDynamicConfigUpdate"),
            format!(
                "updating replication-factor of namespace {} requires enableDynamicConfigUpdate to be set to true: all \
                 servers must take it at the same time, while they run",
                quoted(first.name)
            ),
        )
    })
}

#[cfg(test)]
mod tests;
