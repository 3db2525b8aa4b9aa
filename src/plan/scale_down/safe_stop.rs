//! May these nodes be stopped? All agree and nothing moves; the nodes are quiesced, which takes effect with a rebalance;
//! clients leave them; and all agree again.

use super::{Batch, Verdict};
use crate::{
    aerospike::{
        build::Edition,
        command,
        node_view::{NamespaceView, NodeView},
        stability::Stability,
    },
    plan::{Drain, DrainStage, Observed, Order, Step, Wait, WaitReason, members, quiesce},
    resolve::Desired,
};

/// A lone survivor looks stable and has nothing to move.
pub fn enough_nodes_are_reachable(desired: &Desired, observed: &Observed, _: &Batch) -> Verdict {
    let ignored = members::ignorable(desired, observed).len();
    if ignored == 0 || observed.views().count() >= 2 {
        return Verdict::Fine;
    }
    Verdict::Wait(Wait::new(
        WaitReason::Servers,
        format!("{ignored} pods are ignored, and fewer than two servers are left to judge by"),
    ))
}

/// Every server finds the cluster whole and stable, under one key that is also the one of its other answers, and serves
/// every partition.
pub fn all_agree_and_nothing_moves(desired: &Desired, observed: &Observed, _: &Batch) -> Verdict {
    settled(desired, observed).map_or(Verdict::Fine, Verdict::Wait)
}

/// The first thing in which the cluster falls short of a settled one.
#[must_use]
pub fn settled(desired: &Desired, observed: &Observed) -> Option<Wait> {
    for pod in members::expected(desired, observed) {
        let Some(view) = observed.view(&pod) else {
            let message = format!("the server of pod {pod} has not answered");
            return Some(Wait::new(WaitReason::Servers, message));
        };
        if !view.serves_all() {
            let message = format!("the server of pod {pod} knows of partitions that nobody serves");
            return Some(Wait::new(WaitReason::PartitionsNotServed, message));
        }
        let key = view.cluster.key.to_ascii_uppercase();
        if view.stability != (Stability::Stable { key }) {
            let message = format!("the server of pod {pod} does not find the cluster stable");
            return Some(Wait::new(WaitReason::Clustering, message));
        }
    }
    (observed.cluster_keys().len() > 1).then(|| {
        Wait::new(
            WaitReason::Clustering,
            "the servers name different cluster keys",
        )
    })
}

/// Data that leaves a node is not held back.
pub fn fills_are_not_delayed(_: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    let delayed = |view: &NodeView| view.fill_delay.is_some_and(|delay| delay > 0);
    let order = Order {
        pods: observed.pods_where(delayed),
        command: command::set_migrate_fill_delay(0),
    };
    first(batch, DrainStage::BorrowFillDelay, order)
}

/// Each node that goes is told to leave the data path. Community servers cannot.
pub fn victims_are_quiesced(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if desired.image.edition == Edition::Community {
        return Verdict::Fine;
    }
    let told = |view: &NodeView| all(view, |ns| ns.pending_quiesce || ns.is_quiesced);
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
    if desired.image.edition == Edition::Community || batch.running.is_empty() {
        return Verdict::Fine;
    }
    let count = u32::try_from(batch.running.len()).unwrap_or(u32::MAX);
    let in_effect = |view: &NodeView| all(view, |ns| ns.is_quiesced);
    let known = |view: &NodeView| {
        all(view, |ns| {
            ns.nodes_quiesced.is_none_or(|quiesced| quiesced >= count)
        })
    };
    let victims = batch.running.iter().filter_map(|pod| observed.view(pod));
    if victims.filter(|view| in_effect(view)).count() == batch.running.len()
        && observed.views().all(known)
    {
        return Verdict::Fine;
    }
    first(batch, DrainStage::Recluster, quiesce::recluster(observed))
}

/// Clients follow the partition map within a second or so; those that do not would see the stop.
pub fn clients_have_moved(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if desired.image.edition == Edition::Community {
        return Verdict::Fine;
    }
    let busy = batch.running.iter().find_map(|pod| {
        let traffic = observed.view(pod)?.traffic.as_ref()?;
        traffic.first().map(|histogram| (pod, histogram))
    });
    busy.map_or(Verdict::Fine, |(pod, histogram)| {
        Verdict::Wait(Wait::new(
            WaitReason::Traffic,
            format!("clients still use the server of pod {pod}: {histogram}"),
        ))
    })
}

fn all(view: &NodeView, holds: impl Fn(&NamespaceView) -> bool) -> bool {
    view.namespaces.values().all(holds)
}

fn first(batch: &Batch, stage: DrainStage, order: Order) -> Verdict {
    if order.pods.is_empty() || batch.running.is_empty() {
        return Verdict::Fine;
    }
    Verdict::First(Step::Drain(Drain {
        rack: batch.resize.rack.clone(),
        stage,
        pods: batch.running.iter().cloned().collect(),
        order,
    }))
}
