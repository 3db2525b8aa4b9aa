//! Rosters: a strongly consistent namespace is held by the nodes on its roster and by no other. Nodes that joined come on
//! it, those that the user blocks leave it one at a time, and each change waits until the one before has moved all data.
//! A node that is only away stays on it: who knows what it holds.

mod seen;
mod wanted;

use super::{
    Observed, Order, Share, Step, Wait, WaitReason, members, namespaces,
    safe_stop::{agreement, rosters},
};
use crate::{
    aerospike::{
        command,
        node_view::NodeView,
        roster::{Roster, RosterNode, RosterView},
    },
    resolve::Desired,
    resources::names,
};
pub use seen::{agreed, copies};
use seen::{unanimous, views};
use wanted::{Blocked, next, wanted, without_lost_racks};

/// Another roster for a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRoster {
    /// The namespace.
    pub namespace: String,
    /// Nodes that come on it, or change their rack.
    pub joining: Vec<String>,
    /// Nodes that leave it.
    pub leaving: Vec<String>,
    /// What servers are told: one takes the roster if it does not have it yet, then all are asked for a rebalance.
    pub orders: Vec<Order>,
}

impl SetRoster {
    /// What becomes of which nodes.
    #[must_use]
    pub fn describe(&self) -> String {
        let parts = [(&self.joining, "takes in"), (&self.leaving, "does without")];
        let parts = parts.iter().filter(|(nodes, _)| !nodes.is_empty());
        let parts: Vec<_> = parts
            .map(|(nodes, verb)| format!("{verb} {}", nodes.join(", ")))
            .collect();
        let change = if parts.is_empty() {
            "comes into force".to_owned()
        } else {
            parts.join(" and ")
        };
        format!("the roster of namespace {} {change}", self.namespace)
    }
}

/// The next change of a roster that is due.
#[must_use]
pub fn keep(desired: &Desired, observed: &Observed) -> Share {
    let mut share = Share::default();
    for namespace in namespaces::strong(desired, &observed.status) {
        match change(desired, observed, &namespace) {
            Ok(None) => {}
            Ok(Some(to)) => {
                share
                    .waits
                    .push(Wait::new(WaitReason::Roster, to.describe()));
                share.step = share.step.or(Some(Step::SetRoster(to)));
            }
            Err(wait) => share.waits.push(wait),
        }
    }
    let mut waits = share.waits.iter();
    if waits.any(|wait| wait.reason != WaitReason::Roster && wait.reason.holds_up_steps()) {
        share.step = None;
    }
    share
}

/// What is wrong with another roster for a namespace: it holds fewer nodes than there shall be copies, or not all would be
/// served while those are away who are.
#[must_use]
pub fn hindrance(
    observed: &Observed,
    namespace: &str,
    view: &RosterView,
    wanted: &Roster,
) -> Option<String> {
    let (copies, count) = (copies(observed, namespace), wanted.nodes.len());
    if count < copies {
        return Some(format!(
            "namespace {namespace} keeps {copies} copies of each record, and its roster would have {count} nodes left"
        ));
    }
    let is_away = |node: &RosterNode| !view.observed.has(&node.id);
    (!rosters::serves(wanted, copies, is_away)).then(|| {
        format!("partitions of namespace {namespace} would not be served while nodes of its roster are away")
    })
}

/// The change to `wanted`.
#[must_use]
pub fn to(observed: &Observed, namespace: &str, roster: &RosterView, wanted: &Roster) -> SetRoster {
    let ids = |nodes: &[RosterNode], other: &Roster| {
        let nodes = nodes.iter().filter(|node| !other.nodes.contains(node));
        nodes.map(|node| node.id.clone()).collect::<Vec<_>>()
    };
    let mut leaving = ids(&roster.current.nodes, wanted);
    leaving.retain(|id| !wanted.has(id));
    let told = observed.pods_where(|view| has(view, namespace));
    let tell = Order {
        pods: told.into_iter().take(1).collect(),
        command: command::set_roster(namespace, wanted),
    };
    let recluster = super::quiesce::recluster(observed);
    let is_told = roster.pending == *wanted;
    SetRoster {
        namespace: namespace.to_owned(),
        joining: ids(&wanted.nodes, &roster.current),
        leaving,
        orders: Some(tell)
            .filter(|_| !is_told)
            .into_iter()
            .chain([recluster])
            .collect(),
    }
}

fn has(view: &NodeView, namespace: &str) -> bool {
    let found = view.namespaces.get(namespace);
    found.is_some_and(|it| it.strong_consistency)
}

fn change(
    desired: &Desired,
    observed: &Observed,
    namespace: &str,
) -> Result<Option<SetRoster>, Wait> {
    let views = views(desired, observed, namespace)?.unwrap_or_default();
    if let Some(due) = comes_into_force(observed, namespace, &views) {
        return may_recluster(observed).map(|()| Some(due));
    }
    let Some(roster) = unanimous(&views, namespace)? else {
        return Ok(None);
    };
    let blocked = Blocked::of(desired, observed);
    let wanted = wanted(desired, observed, roster, &blocked);
    if roster.current == wanted && roster.pending == wanted {
        return Ok(None);
    }
    if let Some(rest) = without_lost_racks(roster, &blocked) {
        return may_recluster(observed).map(|()| Some(to(observed, namespace, roster, &rest)));
    }
    if let Some(wait) = agreement::settled(desired, observed) {
        return Err(wait);
    }
    let next = next(roster, &wanted);
    let why = [&wanted, &next]
        .into_iter()
        .find_map(|it| hindrance(observed, namespace, roster, it));
    match why {
        // Those that are to come may be enough.
        Some(_) if grows(desired, observed) => Ok(None),
        Some(why) => Err(Wait::new(
            WaitReason::RosterTooSmall,
            format!(
                "{why}: add pods, wait for those that are away, or block fewer nodes and racks"
            ),
        )),
        None => Ok(Some(to(observed, namespace, roster, &next))),
    }
}

/// Whether pods are yet to be asked for.
fn grows(desired: &Desired, observed: &Observed) -> bool {
    let asked_for = members::asked_for(desired, observed);
    let mut wanted = names::pods(desired);
    wanted.any(|pod| !asked_for.contains(&pod))
}

/// What brings a roster into force that all know of and some have not in force: those may have been away.
fn comes_into_force(
    observed: &Observed,
    namespace: &str,
    views: &[&RosterView],
) -> Option<SetRoster> {
    let first = views.first()?;
    let is_known =
        |view: &&RosterView| view.pending == first.pending && view.observed == first.observed;
    let differs = views.iter().any(|view| view.current != first.current);
    let due = differs && views.iter().all(is_known);
    due.then(|| to(observed, namespace, first, &first.pending))
}

fn may_recluster(observed: &Observed) -> Result<(), Wait> {
    let wait = || Wait::new(WaitReason::Clustering, "a rebalance is under way");
    observed.may_recluster().then_some(()).ok_or_else(wait)
}

#[cfg(test)]
mod tests;
