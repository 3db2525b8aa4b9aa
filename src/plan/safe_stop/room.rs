//! Whether those that stay can hold what there is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Batch, Verdict, Why};
use crate::{
    aerospike::{
        node_view::{NamespaceView, NodeView},
        room::Room,
    },
    plan::{Observed, Wait, WaitReason, members, revisions},
    resolve::Desired,
};

/// What all that leave hold has to fit into those that stay, before the first of them is touched.
pub fn the_rest_has_room(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    let began = observed.views().any(NodeView::is_quiescing);
    if began || batch.running.is_empty() || !batch.has_others(desired, observed) {
        return Verdict::Fine;
    }
    let leaving = leaving(desired, observed, batch);
    let namespaces = by_namespace(observed, &leaving);
    let problem = namespaces
        .iter()
        .find_map(|(name, space)| space.problem(name));
    problem.map_or(Verdict::Fine, |message| {
        Verdict::Wait(Wait::new(
            WaitReason::NotEnoughRoom,
            format!("{message}: {}, or make room first", batch.way_out()),
        ))
    })
}

/// All that hand over what they hold before they are back, if they ever are, or another comes for them: restarts and other
/// revisions come one batch after the other.
fn leaving(desired: &Desired, observed: &Observed, batch: &Batch) -> BTreeSet<String> {
    match batch.why {
        Why::Restart { .. } => batch.running.clone(),
        Why::Shrink { .. } => {
            let racks = members::racks(desired, observed);
            let leaving = racks
                .iter()
                .flat_map(|rack| rack.pods(revisions::leaving(desired, &racks, rack)));
            leaving.collect()
        }
    }
}

/// A namespace on those that stay and on those that leave.
#[derive(Default)]
struct Space<'a> {
    stay: Vec<&'a NamespaceView>,
    leave: Vec<&'a NamespaceView>,
}

fn by_namespace<'a>(
    observed: &'a Observed,
    leaving: &BTreeSet<String>,
) -> BTreeMap<&'a str, Space<'a>> {
    let mut namespaces: BTreeMap<_, Space<'_>> = BTreeMap::new();
    for (pod, view) in observed.views_by_pod() {
        for (name, namespace) in &view.namespaces {
            let space = namespaces.entry(name.as_str()).or_default();
            if leaving.contains(pod) {
                space.leave.push(namespace);
            } else if view.owns(namespace) {
                space.stay.push(namespace);
            }
        }
    }
    namespaces
}

impl Space<'_> {
    /// Why the namespace does not fit into those that stay, as far as they tell.
    fn problem(&self, name: &str) -> Option<String> {
        if self.stay.is_empty() && self.leave.iter().any(|ns| ns.objects != Some(0)) {
            return Some(format!("no node that stays has namespace {name}"));
        }
        if self.stay.iter().any(|ns| ns.stop_writes) {
            return Some(format!(
                "namespace {name} refuses writes on a node that stays"
            ));
        }
        let stay = total(&self.stay)?;
        let leave = total(&self.leave)?;
        let needed = self.copies_kept(stay.used.saturating_add(leave.used));
        (needed > stay.limit).then(|| {
            format!(
                "namespace {name} needs {} MiB, and the nodes that stay take {} MiB before they refuse writes",
                needed >> 20,
                stay.limit >> 20
            )
        })
    }

    /// What is left of `bytes` where fewer nodes stay than there are copies.
    fn copies_kept(&self, bytes: u64) -> u64 {
        let copies = self
            .stay
            .iter()
            .filter_map(|ns| ns.effective_replication_factor);
        let copies = copies.max().unwrap_or(1).max(1);
        let stay = u32::try_from(self.stay.len()).unwrap_or(u32::MAX);
        bytes / u64::from(copies) * u64::from(copies.min(stay))
    }
}

/// None if one of them does not tell.
fn total(namespaces: &[&NamespaceView]) -> Option<Room> {
    let mut rooms = namespaces.iter().map(|namespace| namespace.room);
    rooms.try_fold(Room::default(), |sum, room| {
        let room = room?;
        Some(Room {
            used: sum.used.saturating_add(room.used),
            limit: sum.limit.saturating_add(room.limit),
        })
    })
}
