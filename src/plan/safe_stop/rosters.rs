//! Whether the rosters of strongly consistent namespaces bear the stop of a batch.

use std::collections::BTreeSet;

use super::{Batch, Verdict, Why};
use crate::{
    aerospike::roster::{Roster, RosterNode, RosterView},
    plan::{Observed, Renewal, Restart, Step, Wait, WaitReason, namespaces, roster},
    resolve::Desired,
};

/// What comes back stays on the rosters, and the others serve all meanwhile; without what goes for good as many nodes are
/// left as there shall be copies.
pub fn they_bear_it(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    let strong = namespaces::strong(desired, &observed.status);
    let seen = strong
        .iter()
        .map(|namespace| roster::agreed(desired, observed, namespace));
    match seen.into_iter().find_map(Result::err) {
        Some(wait) => Verdict::Wait(wait),
        None => refusal(desired, observed, batch).map_or(Verdict::Fine, Verdict::Wait),
    }
}

/// Nodes that do not come back leave the rosters first, one at a time, while they still have what others take over.
pub fn victims_leave_them(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    let Why::Shrink { .. } = batch.why else {
        return Verdict::Fine;
    };
    let nodes = nodes(observed, batch);
    let change = known(desired, observed)
        .into_iter()
        .find_map(|(namespace, view, _)| {
            let node = nodes.iter().find(|node| view.current.has(node))?;
            let rest = view.current.without(|it| it.id == *node);
            Some(roster::to(observed, &namespace, view, &rest))
        });
    change.map_or(Verdict::Fine, |to| Verdict::First(Step::SetRoster(to)))
}

/// Why they do not bear it, as far as servers are of one mind about them.
#[must_use]
pub fn refusal(desired: &Desired, observed: &Observed, batch: &Batch) -> Option<Wait> {
    if !batch.has_others(desired, observed) {
        return None;
    }
    let nodes = nodes(observed, batch);
    let mut known = known(desired, observed).into_iter();
    known.find_map(|(namespace, view, copies)| match &batch.why {
        Why::Shrink { .. } => {
            let goes = |node: &RosterNode| nodes.contains(node.id.as_str());
            let rest = view.current.without(goes);
            let leaves = rest != view.current;
            let why = roster::hindrance(observed, &namespace, view, &rest);
            let wait = |why| {
                Wait::new(
                    WaitReason::RosterTooSmall,
                    format!("{why}: {}", batch.way_out()),
                )
            };
            why.filter(|_| leaves).map(wait)
        }
        Why::Restart { restart, .. } => {
            let borne = bears(view, copies, &nodes);
            (!borne).then(|| unserved(restart, &namespace, copies, &nodes))
        }
    })
}

fn unserved(restart: &Restart, namespace: &str, copies: usize, nodes: &BTreeSet<&str>) -> Wait {
    let nodes = nodes.iter().copied().collect::<Vec<_>>().join(", ");
    let help = if copies < 2 {
        "each record has one copy; delete the pod yourself to accept that"
    } else {
        "nodes of its roster that are away have to come back or be put on spec.rosterNodeBlockList first"
    };
    let way_out = restart.way_out();
    let message = format!(
        "partitions of namespace {namespace} would not be served while {nodes} restarts: {help}, or {way_out}"
    );
    Wait::new(WaitReason::WouldNotServe, message)
}

/// The rosters about which the servers are of one mind, by namespace, and how many copies there are.
fn known<'a>(desired: &Desired, observed: &'a Observed) -> Vec<(String, &'a RosterView, usize)> {
    let strong = namespaces::strong(desired, &observed.status).into_iter();
    let known = strong.filter_map(|namespace| {
        let view = roster::agreed(desired, observed, &namespace).ok()??;
        let copies = roster::copies(observed, &namespace);
        Some((namespace, view, copies))
    });
    known.collect()
}

/// How many of the pods, from the first on, rosters bear to stop together; at least one.
#[must_use]
pub fn most_together(desired: &Desired, observed: &Observed, pods: &[Renewal]) -> usize {
    let known = known(desired, observed);
    let node = |it: &Renewal| Some(observed.view(&it.pod)?.node.as_str());
    let borne = |count: &usize| {
        let nodes = pods[..*count].iter().filter_map(node).collect();
        let mut known = known.iter();
        known.all(|(_, roster, copies)| bears(roster, *copies, &nodes))
    };
    (1..=pods.len()).rev().find(borne).unwrap_or(1)
}

/// Whether all is served without `nodes`.
fn bears(view: &RosterView, copies: usize, nodes: &BTreeSet<&str>) -> bool {
    let current = &view.current;
    let goes = |node: &RosterNode| nodes.contains(node.id.as_str());
    if !current.nodes.iter().any(goes) {
        return true;
    }
    serves(current, copies, |node| {
        goes(node) || !view.observed.has(&node.id)
    })
}

/// Whether a roster serves all while some of it are missing: fewer than there are copies and at most half, or all that are
/// missing are in one of several racks, none of which has two replicas of anything, and the others are more than half. A
/// minority serves hardly anything: it cannot know that the others do not.
#[must_use]
pub fn serves(roster: &Roster, copies: usize, is_missing: impl Fn(&RosterNode) -> bool) -> bool {
    let missing = roster.nodes.iter().filter(|node| is_missing(node));
    let missing: Vec<_> = missing.collect();
    let copies = copies.min(roster.nodes.len());
    let is_few = missing.len() < copies && missing.len() * 2 <= roster.nodes.len();
    is_few || is_within_one_rack(roster, copies, &missing)
}

fn is_within_one_rack(roster: &Roster, copies: usize, missing: &[&RosterNode]) -> bool {
    let racks: BTreeSet<_> = roster.nodes.iter().map(|node| node.rack).collect();
    let of_missing: BTreeSet<_> = missing.iter().map(|node| node.rack).collect();
    of_missing.len() == 1
        && (2..=racks.len()).contains(&copies)
        && missing.len() * 2 < roster.nodes.len()
}

fn nodes<'a>(observed: &'a Observed, batch: &Batch) -> BTreeSet<&'a str> {
    let views = batch.running.iter().filter_map(|pod| observed.view(pod));
    views.map(|view| view.node.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes named by rack and number, `copies` of everything, of which `away` are not there.
    fn borne(racks: &[usize], copies: usize, away: &[&str], goes: &[&str]) -> bool {
        let of_rack = |(rack, count): (usize, &usize)| {
            let node = move |number| format!("{rack}A{number}@{rack}");
            (0..*count).map(node).collect::<Vec<_>>()
        };
        let all: Vec<_> = (1..).zip(racks).flat_map(of_rack).collect();
        let there = all.iter().filter(|it| !away.contains(&&it[..3]));
        let there: Vec<_> = there.cloned().collect();
        let (all, there) = (all.join(","), there.join(","));
        let answer = format!("roster={all}:pending_roster={all}:observed_nodes={there}");
        let roster = RosterView::parse(&answer).unwrap();
        bears(&roster, copies, &goes.iter().copied().collect())
    }

    #[test]
    fn fewer_than_there_are_copies_may_go() {
        assert!(borne(&[5], 2, &[], &["1A0"]));
        assert!(!borne(&[5], 2, &[], &["1A0", "1A1"]));
        assert!(borne(&[5], 3, &[], &["1A0", "1A1"]));
        assert!(!borne(&[5], 1, &[], &["1A0"]));
    }

    #[test]
    fn a_minority_does_not_stay_however_many_copies_there_are() {
        assert!(borne(&[3], 3, &[], &["1A0"]));
        assert!(!borne(&[3], 3, &[], &["1A0", "1A1"]));
        assert!(!borne(&[1, 1, 1], 3, &[], &["1A0", "2A0"]));
        assert!(borne(&[2], 2, &[], &["1A0"]));
    }

    #[test]
    fn the_only_one_of_a_roster_does_not_go() {
        assert!(!borne(&[1], 2, &[], &["1A0"]));
        assert!(!borne(&[2], 3, &[], &["1A0", "1A1"]));
    }

    #[test]
    fn who_is_away_counts_too() {
        assert!(!borne(&[5], 2, &["1A4"], &["1A0"]));
        assert!(borne(&[5], 3, &["1A4"], &["1A0"]));
    }

    #[test]
    fn who_is_not_on_the_roster_does_not_count() {
        assert!(borne(&[3], 1, &[], &["9A9"]));
        assert!(borne(&[3], 2, &["1A2"], &["9A9"]));
    }

    #[test]
    fn of_one_of_several_racks_more_may_go_but_not_half_of_all() {
        assert!(borne(&[3, 3], 2, &[], &["1A0", "1A1"]));
        assert!(!borne(&[3, 3], 2, &[], &["1A0", "1A1", "1A2"]));
        assert!(!borne(&[3, 3], 2, &[], &["1A0", "2A1"]));
        assert!(!borne(&[3, 3], 2, &["2A1"], &["1A0"]));
        assert!(borne(&[2, 2, 2], 3, &[], &["1A0", "1A1"]));
        assert!(
            !borne(&[6], 2, &[], &["1A0", "1A1"]),
            "copies may be in one rack"
        );
    }
}
