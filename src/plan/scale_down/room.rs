//! Whether those that stay can hold what there is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Batch, Verdict};
use crate::{
    aerospike::{
        build::Edition,
        node_view::{NamespaceView, NodeView},
        room::Room,
    },
    plan::{Observed, Wait, WaitReason, members},
    resolve::Desired,
};

/// Nodes that hold strongly consistent data leave the roster before they stop, which is not built yet.
pub fn no_strong_consistency(desired: &Desired, observed: &Observed, _: &Batch) -> Verdict {
    let of_spec = desired
        .racks
        .iter()
        .flat_map(|rack| configured(&rack.config));
    let of_servers = observed.views().flat_map(|view| {
        let strong = view
            .namespaces
            .iter()
            .filter(|(_, ns)| ns.strong_consistency);
        strong.map(|(name, _)| name.as_str())
    });
    let first = of_spec.chain(of_servers).next();
    first.map_or(Verdict::Fine, |namespace| {
        Verdict::Wait(Wait::new(
            WaitReason::NotSupported,
            format!(
                "namespace {namespace} is strongly consistent, and this version does not take nodes off the roster \
                 yet: set spec.size and spec.rackConfig.racks back"
            ),
        ))
    })
}

/// The strongly consistent namespaces of a configuration.
fn configured(config: &crate::api::Tree) -> impl Iterator<Item = &str> {
    let namespaces = config.get("namespaces").and_then(|list| list.as_array());
    let strong = namespaces.into_iter().flatten().filter(|namespace| {
        namespace
            .get("strong-consistency")
            .and_then(serde_json::Value::as_bool)
            == Some(true)
    });
    strong.filter_map(|namespace| namespace.get("name")?.as_str())
}

/// A Community server cannot be drained: what it alone holds would go with it.
pub fn copies_can_be_moved(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    let drained = desired.image.edition != Edition::Community;
    if drained || batch.running.is_empty() {
        return Verdict::Fine;
    }
    let single = observed.views().find_map(|view| {
        let mut namespaces = view.namespaces.iter();
        namespaces.find(|(_, ns)| {
            ns.effective_replication_factor
                .is_some_and(|copies| copies < 2)
        })
    });
    single.map_or(Verdict::Fine, |(namespace, _)| {
        Verdict::Wait(Wait::new(
            WaitReason::WouldLoseData,
            format!(
                "namespace {namespace} keeps one copy of each record, and Community servers cannot hand theirs over: \
                 set spec.size back, or move the data first"
            ),
        ))
    })
}

/// What all that leave hold has to fit into those that stay, before the first of them is touched.
pub fn the_rest_has_room(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if observed.views().any(NodeView::is_quiescing) || batch.running.is_empty() {
        return Verdict::Fine;
    }
    let leaving: BTreeSet<_> = members::racks(desired, observed)
        .iter()
        .flat_map(|rack| rack.pods(rack.leaving()))
        .collect();
    let namespaces = by_namespace(observed, &leaving);
    let problem = namespaces
        .iter()
        .find_map(|(name, space)| space.problem(name));
    problem.map_or(Verdict::Fine, |message| {
        Verdict::Wait(Wait::new(
            WaitReason::NotEnoughRoom,
            format!("{message}: set spec.size back, or make room first"),
        ))
    })
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
            } else {
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
