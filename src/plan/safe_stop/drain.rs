//! The way out of the data path: the servers are quiesced, which takes effect with a rebalance, and clients leave them.

use super::{Batch, Verdict};
use crate::{
    aerospike::{
        command,
        node_view::{NamespaceView, NodeView},
    },
    plan::{Drain, DrainStage, Observed, Order, Step, Wait, WaitReason, quiesce},
    resolve::Desired,
};

/// Data that leaves a node is not held back.
pub fn fills_are_not_delayed(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if !batch.has_others(desired, observed) {
        return Verdict::Fine;
    }
    let delayed = |view: &NodeView| view.fill_delay.is_some_and(|delay| delay > 0);
    let order = Order {
        pods: observed.pods_where(delayed),
        command: command::set_migrate_fill_delay(0),
    };
    first(batch, DrainStage::BorrowFillDelay, order)
}

/// Each node that goes is told to leave the data path, if it can.
pub fn victims_are_quiesced(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if !batch.can_be_drained(desired, observed) {
        return Verdict::Fine;
    }
    let told = |view: &NodeView| owned(view, |ns| ns.pending_quiesce || ns.is_quiesced);
    let victims = batch.running.iter();
    let order = Order {
        pods: victims
            .filter(|pod| !observed.view(pod).is_some_and(told))
            .cloned()
            .collect(),
        command: command::QUIESCE.to_owned(),
    };
    first(batch, DrainStage::Quiesce, order)
}

/// It takes effect with a rebalance, and everybody knows of it.
pub fn quiesce_is_in_effect(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if !batch.can_be_drained(desired, observed) || batch.running.is_empty() {
        return Verdict::Fine;
    }
    let victims = batch.running.iter().filter_map(|pod| observed.view(pod));
    let victims: Vec<_> = victims.collect();
    let in_effect = |view: &&&NodeView| owned(view, |ns| ns.is_quiesced);
    let known = |view: &NodeView| {
        let mut namespaces = view.namespaces.iter();
        namespaces.all(|(name, ns)| {
            // A node that is not on the roster counts nobody.
            let count = owners(&victims, name);
            !view.owns(ns) || ns.nodes_quiesced.is_none_or(|quiesced| quiesced >= count)
        })
    };
    if victims.iter().filter(in_effect).count() == batch.running.len()
        && observed.views().all(known)
    {
        return Verdict::Fine;
    }
    first(batch, DrainStage::Recluster, quiesce::recluster(observed))
}

/// Clients follow the partition map within a second or so; those that do not would see the stop.
pub fn clients_have_moved(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if !batch.can_be_drained(desired, observed) {
        return Verdict::Fine;
    }
    let busy = batch.running.iter().find_map(|pod| {
        let view = observed.view(pod)?;
        used_by(view).map(|how| (pod, how))
    });
    busy.map_or(Verdict::Fine, |(pod, how)| {
        Verdict::Wait(Wait::new(
            WaitReason::Traffic,
            format!("clients still use the server of pod {pod}: {how}"),
        ))
    })
}

/// How clients use a server, if they do. One that does not tell is not taken for idle.
fn used_by(view: &NodeView) -> Option<&str> {
    match &view.traffic {
        Some(histograms) => histograms.first().map(String::as_str),
        None => Some("it does not say that they do not"),
    }
}

/// Whether something holds for all namespaces of which a server owns anything.
fn owned(view: &NodeView, holds: impl Fn(&NamespaceView) -> bool) -> bool {
    let mut namespaces = view.namespaces.values();
    namespaces.all(|namespace| !view.owns(namespace) || holds(namespace))
}

/// How many own something of a namespace.
fn owners(views: &[&NodeView], namespace: &str) -> u32 {
    let owns = |view: &&&NodeView| {
        let found = view.namespaces.get(namespace);
        found.is_some_and(|namespace| view.owns(namespace))
    };
    u32::try_from(views.iter().filter(owns).count()).unwrap_or(u32::MAX)
}

fn first(batch: &Batch, stage: DrainStage, order: Order) -> Verdict {
    if order.pods.is_empty() || batch.running.is_empty() {
        return Verdict::Fine;
    }
    Verdict::First(Step::Drain(Drain {
        rack: batch.rack.clone(),
        stopped_for: batch.stopped_for(),
        stage,
        pods: batch.running.iter().cloned().collect(),
        order,
    }))
}
