//! What an operation leaves behind on the servers when it ends or is given up: quiesced nodes return to the data path,
//! and the delay of fills returns to what is configured.

use serde_json::Value;

use super::{Effect, Observed, Order, Share, Wait, WaitReason, members, stopping};
use crate::{
    aerospike::{command, node_view::NodeView},
    resolve::{Desired, Rack},
};

/// Takes quiesce back from every node that nothing is about to stop. One whose set does not ask for it any more is stopped
/// sooner or later, however long the controller of stateful sets takes.
#[must_use]
pub fn undo(desired: &Desired, observed: &Observed) -> Share {
    let stopping = stopping::pods(desired, observed);
    let asked_for = members::asked_for(desired, observed);
    let stays = |pod: &str| asked_for.contains(pod) && !stopping.contains(pod);
    let left_behind: Vec<_> = observed
        .views_by_pod()
        .filter(|(pod, view)| view.is_quiescing() && stays(pod))
        .filter(|(pod, _)| !stays_quiesced(desired, pod))
        .collect();
    if left_behind.is_empty() {
        return Share::default();
    }
    let pods = |wanted: fn(&NodeView) -> bool| {
        let pods = left_behind.iter().filter(|(_, view)| wanted(view));
        pods.map(|(pod, _)| (*pod).to_owned()).collect()
    };
    let pending = Order {
        pods: pods(|view| view.namespaces.values().any(|ns| ns.pending_quiesce)),
        command: command::QUIESCE_UNDO.to_owned(),
    };
    let mut orders = vec![pending];
    if observed.may_recluster() {
        orders.push(recluster(observed));
    }
    orders.retain(|order| !order.pods.is_empty());
    let names: Vec<_> = left_behind.iter().map(|(pod, _)| *pod).collect();
    Share {
        upkeep: orders.into_iter().map(Effect::Command).collect(),
        waits: vec![Wait::new(
            WaitReason::Clustering,
            format!("{} return to the data path", names.join(", ")),
        )],
        ..Share::default()
    }
}

/// Asks every server, since only the principal starts a rebalance and nobody knows for sure which one that is.
#[must_use]
pub fn recluster(observed: &Observed) -> Order {
    Order {
        pods: observed
            .views_by_pod()
            .map(|(pod, _)| pod.to_owned())
            .collect(),
        command: command::RECLUSTER.to_owned(),
    }
}

/// Gives back the delay of fills that was borrowed so that pods could be stopped, when those that are back have what they
/// lost.
#[must_use]
pub fn give_back_fill_delay(desired: &Desired, observed: &Observed) -> Share {
    let configured = fill_delay(desired);
    let moves = observed
        .views()
        .any(|view| view.cluster.migrate_partitions_remaining > 0);
    if configured == 0 || moves || stopping::is_under_way(desired, observed) {
        return Share::default();
    }
    let borrowed = observed
        .views_by_pod()
        .filter(|(_, view)| view.fill_delay == Some(0));
    let order = Order {
        pods: borrowed.map(|(pod, _)| pod.to_owned()).collect(),
        command: command::set_migrate_fill_delay(configured),
    };
    Share {
        upkeep: Some(order)
            .filter(|order| !order.pods.is_empty())
            .map(Effect::Command)
            .into_iter()
            .collect(),
        ..Share::default()
    }
}

/// The configured delay of fills in seconds, the same in all racks.
#[must_use]
pub fn fill_delay(desired: &Desired) -> u64 {
    let in_rack = |rack: &Rack| service(rack)?.get(command::MIGRATE_FILL_DELAY)?.as_u64();
    desired.racks.iter().find_map(in_rack).unwrap_or(0)
}

/// Whether the user's own configuration keeps the node of `pod` out of the data path.
fn stays_quiesced(desired: &Desired, pod: &str) -> bool {
    let of_pod = |rack: &&Rack| {
        let name = &desired.identity.name;
        crate::resources::names::parse_pod(name, pod)
            .is_some_and(|(identifier, _)| identifier == rack.identifier())
    };
    let rack = desired.racks.iter().find(of_pod);
    let setting = rack
        .and_then(service)
        .and_then(|service| service.get("stay-quiesced"));
    setting.and_then(Value::as_bool) == Some(true)
}

fn service(rack: &Rack) -> Option<&Value> {
    rack.config.get("service")
}

#[cfg(test)]
mod tests;
