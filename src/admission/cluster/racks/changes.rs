//! What of a rack may change, and when. Racks are told apart by their id; one that comes or goes is no change.

use std::collections::{BTreeMap, BTreeSet};

use super::{NO_RACK, ONE_RACK, batches_with_one_rack};
use crate::{
    admission::{
        rules::{Change, Told},
        subject::{PlacedRack, Subject},
    },
    api::racks::Rack,
    finding::Finding,
};

fn by_id<'a>(subject: &Subject<'a>) -> BTreeMap<i64, &'a Rack> {
    subject.racks().iter().map(|rack| (rack.id, rack)).collect()
}

/// The racks that there were before, as they shall be and as they were.
fn matched<'a>(change: &Change<'a>) -> Vec<(PlacedRack<'a>, &'a Rack)> {
    let old = by_id(change.old);
    let racks = change.new.placed_racks();
    racks
        .filter_map(|placed| Some((placed, *old.get(&placed.rack.id)?)))
        .collect()
}

pub(super) fn placement_stays(change: &Change<'_>) -> Vec<Finding> {
    let matched = matched(change).into_iter();
    matched
        .flat_map(|(placed, old)| {
            let pairs = placement(old).into_iter().zip(placement(placed.rack));
            let changed = pairs.filter(|((_, before), (_, after))| before != after);
            changed.map(move |(_, (member, _))| moved(&placed, member))
        })
        .told()
}

fn placement(rack: &Rack) -> [(&'static str, &str); 4] {
    [
        ("nodeName", &rack.node_name),
        ("rackLabel", &rack.rack_label),
        ("region", &rack.region),
        ("zone", &rack.zone),
    ]
    .map(|(member, value)| (member, value.as_deref().unwrap_or("")))
}

fn moved(placed: &PlacedRack<'_>, member: &str) -> Finding {
    Finding::forbidden(
        "UPD-28",
        placed.path().child(member),
        format!(
            "{member} of rack {} cannot change: add a rack with another id there, then remove this one",
            placed.rack.id
        ),
    )
}

fn is_blocked(rack: &Rack) -> bool {
    rack.force_block_from_roster == Some(true)
}

/// UPD-34, 35.
pub(super) fn racks_leave_the_roster_one_by_one(change: &Change<'_>) -> Vec<Finding> {
    let matched = matched(change).into_iter();
    let changed = matched.filter(|(placed, old)| is_blocked(placed.rack) != is_blocked(old));
    let changed: Vec<_> = changed.map(|(placed, _)| placed).collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let Some(running) = change.rolled_out else {
        return not_rolled_out_yet(change, &changed);
    };
    let problems = roster_problems(change.new, running).join("; ");
    if problems.is_empty() {
        return Vec::new();
    }
    let places = changed
        .iter()
        .map(|placed| placed.path().child("forceBlockFromRoster"));
    places
        .map(|place| Finding::forbidden("UPD-35", place, &problems))
        .told()
}

/// A status that holds a configuration, and too little else to compare with, says nothing.
fn not_rolled_out_yet(change: &Change<'_>, changed: &[PlacedRack<'_>]) -> Vec<Finding> {
    let status = change.new.status;
    if status.is_some_and(|status| status.mirror.aerospike_config.is_some()) {
        return Vec::new();
    }
    let findings = changed.iter().map(|placed| {
        Finding::forbidden(
            "UPD-34",
            placed.path().child("forceBlockFromRoster"),
            format!(
                "status is not updated yet, cannot change forceBlockFromRoster in rack {}: wait until status.phase is \
                 Completed",
                placed.rack.id
            ),
        )
    });
    findings.told()
}

/// What keeps racks of `new` from leaving the roster of `running`.
fn roster_problems(new: &Subject<'_>, running: &Subject<'_>) -> Vec<String> {
    let [blocked, before] = [new, running].map(blocked);
    let leaving = blocked.difference(&before).count();
    if leaving == 0 {
        return Vec::new();
    }
    let mut config = new.rack_config().into_iter();
    let with_batches = config.any(|config| batches_with_one_rack(config).next().is_some());
    let mut problems = Vec::new();
    match running.racks().len().saturating_sub(blocked.len()) {
        0 => problems.push(format!("{NO_RACK}, and the racks that run now count")),
        1 if with_batches => problems.push(format!("{ONE_RACK}; the racks that run now count")),
        _ => {}
    }
    if leaving > 1 {
        problems.push(
            "the forceBlockFromRoster flag can be applied to only one rack at a time: set it in one rack, wait until \
             status.phase is Completed, then set it in the next"
                .to_owned(),
        );
    }
    problems
}

fn blocked(subject: &Subject<'_>) -> BTreeSet<i64> {
    let racks = subject.racks().iter();
    racks
        .filter(|rack| is_blocked(rack))
        .map(|rack| rack.id)
        .collect()
}

/// UPD-36.
pub(super) fn revisions_change_one_by_one(change: &Change<'_>) -> Vec<Finding> {
    let running = change.rolled_out.map(by_id).unwrap_or_default();
    let matched = matched(change).into_iter();
    let third = matched.filter(|(placed, old)| {
        let id = placed.rack.id;
        let racks = [Some(*old), running.get(&id).copied(), Some(placed.rack)];
        let revisions: BTreeSet<_> = racks.into_iter().flatten().map(revision).collect();
        revisions.len() > 2
    });
    third
        .map(|(placed, old)| {
            Finding::forbidden(
                "UPD-36",
                placed.path().child("revision"),
                format!(
                    "rack {} moves from one revision to another already: wait for the current migration until status.phase \
                     is Completed, or go back to {:?}, then change to {:?}",
                    placed.rack.id,
                    running.get(&placed.rack.id).copied().map_or(revision(old), revision),
                    revision(placed.rack)
                ),
            )
        })
        .told()
}

fn revision(rack: &Rack) -> &str {
    rack.revision.as_deref().unwrap_or("")
}
