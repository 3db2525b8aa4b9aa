//! Rosters as they shall be, and the way there.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    aerospike::roster::{Roster, RosterNode, RosterView, node_id},
    plan::{
        Observed,
        members::{self, RackState},
        revisions,
        scale_down::victims,
    },
    resolve::Desired,
};

/// The roster as it shall be: who is there, and who is only away. Blocked nodes are not on it. Whether pods that are too
/// many are still on it is not decided here but by what removes them.
pub(super) fn wanted(
    desired: &Desired,
    observed: &Observed,
    roster: &RosterView,
    blocked: &Blocked<'_>,
) -> Roster {
    let racks = members::racks(desired, observed);
    let leaving = racks
        .iter()
        .flat_map(|rack| rack.pods(leaving(desired, rack)));
    let leaving: BTreeSet<_> = leaving.filter_map(|pod| id(observed, &pod)).collect();
    let may_be_on_it = |node: &RosterNode| {
        !blocked.has(node) && (!leaving.contains(&node.id) || roster.pending.has(&node.id))
    };
    let asked_for = members::asked_for(desired, observed);
    let asked_for: Option<BTreeSet<_>> = asked_for.iter().map(|pod| id(observed, pod)).collect();
    // A node of which nobody knows whose it is may be that of a pod that comes back.
    let comes_back = |id: &String| asked_for.as_ref().is_none_or(|known| known.contains(id));
    let there = roster.observed.without(|node| !may_be_on_it(node));
    let away = roster.current.nodes.iter().filter(|node| {
        !roster.observed.has(&node.id) && comes_back(&node.id) && may_be_on_it(node)
    });
    let nodes = there.nodes.iter().chain(away).cloned().collect();
    Roster { nodes, ..there }
}

/// The ordinals that do not come on a roster any more. Of a rack that moves to another revision only those that go next:
/// the others may be needed until theirs are there.
fn leaving(desired: &Desired, rack: &RackState<'_>) -> Range<u32> {
    match revisions::successor(desired, &rack.rack) {
        Some(_) => victims::next(desired, rack),
        None => rack.leaving(),
    }
}

/// The node id of a pod, by what its server says, else by what it reported before.
fn id(observed: &Observed, pod: &str) -> Option<String> {
    let said = observed.view(pod).map(|view| view.node.clone());
    said.or_else(|| {
        let entry = observed.status.pods.get(pod)?;
        Some(node_id(&entry.aerospike.as_ref()?.node_id))
    })
}

/// The nodes that the user keeps off rosters.
pub(super) struct Blocked<'a> {
    listed: &'a [String],
    /// Numbers of racks that are given up, and the ids of their pods' nodes: where the namespace has no racks, rosters do
    /// not tell them.
    racks: BTreeSet<i64>,
    of_racks: BTreeSet<String>,
}

impl<'a> Blocked<'a> {
    pub(super) fn of(desired: &'a Desired, observed: &Observed) -> Self {
        let racks = members::racks(desired, observed);
        let given_up = racks
            .iter()
            .filter(|state| members::is_given_up(desired, &state.rack));
        let given_up: Vec<_> = given_up.collect();
        let pods = given_up
            .iter()
            .flat_map(|state| state.pods(0..state.replicas));
        Self {
            listed: &desired.spec.roster_node_block_list,
            racks: given_up.iter().map(|state| state.rack.id.0).collect(),
            of_racks: pods.filter_map(|pod| id(observed, &pod)).collect(),
        }
    }

    fn has(&self, node: &RosterNode) -> bool {
        self.listed.contains(&node.id) || self.is_given_up(node)
    }

    fn is_given_up(&self, node: &RosterNode) -> bool {
        self.of_racks.contains(&node.id) || self.racks.contains(&node.rack.into())
    }
}

/// What is left of a roster when all nodes are taken off that are gone and whose racks the user gave up; none if there are
/// none. Only they are, and whatever is not served meanwhile.
pub(super) fn without_lost_racks(roster: &RosterView, blocked: &Blocked<'_>) -> Option<Roster> {
    let is_lost = |node: &RosterNode| blocked.is_given_up(node) && !roster.observed.has(&node.id);
    let lost = roster.current.nodes.iter().any(is_lost);
    let rest = roster.current.without(is_lost);
    (lost && !rest.nodes.is_empty()).then_some(rest)
}

/// The next roster on the way: first all that join, then without one after the other of those that leave.
pub(super) fn next(roster: &RosterView, wanted: &Roster) -> Roster {
    let current = &roster.current;
    let leaving = current.nodes.iter().filter(|it| !wanted.has(&it.id));
    let joins = |node: &RosterNode| !current.nodes.contains(node);
    let first = usize::from(!wanted.nodes.iter().any(joins));
    let nodes = wanted.nodes.iter().chain(leaving.skip(first));
    Roster {
        active_rack: wanted.active_rack,
        nodes: nodes.cloned().collect(),
    }
}
