//! The servers: every ready pod's must answer, see the whole cluster and have nothing left to move.

use super::{Observed, Server, Share, Wait, WaitReason, members};
use crate::{aerospike::node_view::NodeView, resolve::Desired};

/// Waits until the servers have formed one settled cluster.
#[must_use]
pub fn await_cluster(desired: &Desired, observed: &Observed) -> Share {
    let mut share = Share::default();
    for (pod, server) in &observed.servers {
        if let Server::Silent(why) = server {
            share.waits.push(Wait::new(
                WaitReason::Servers,
                format!("the server of pod {pod} does not answer: {why}"),
            ));
        }
    }
    let asked = |name: &String| observed.servers.contains_key(name);
    let serving = observed.pods.iter().filter(|(_, pod)| pod.serves());
    for (pod, _) in serving.filter(|(name, _)| !asked(name)) {
        share.waits.push(Wait::new(
            WaitReason::Servers,
            format!("the server of pod {pod} was not asked"),
        ));
    }
    if share.waits.is_empty() {
        share.waits.extend(disagreement(desired, observed));
    }
    share
}

/// The first thing in which the answers fall short of one settled cluster of all pods.
fn disagreement(desired: &Desired, observed: &Observed) -> Option<Wait> {
    let size = u32::try_from(members::expected(desired, observed).len()).unwrap_or(u32::MAX);
    let keys = observed.cluster_keys().len();
    for view in observed.views() {
        let cluster = &view.cluster;
        if !cluster.duplicate_nodes.is_empty() {
            let ids = cluster.duplicate_nodes.join(", ");
            return Some(clustering(format!("two servers claim the node id {ids}")));
        }
        if cluster.size != size {
            let node = &view.node;
            return Some(clustering(format!(
                "node {node} sees {} of {size} nodes",
                cluster.size
            )));
        }
        if !cluster.integrity {
            let node = &view.node;
            return Some(clustering(format!(
                "node {node} finds its cluster incomplete"
            )));
        }
    }
    if keys > 1 {
        return Some(clustering(format!(
            "the servers name {keys} different cluster keys"
        )));
    }
    let moving: u64 = observed
        .views()
        .map(|view| view.cluster.migrate_partitions_remaining)
        .sum();
    let held = observed.views().any(|view| !view.cluster.migrate_allowed);
    (moving > 0 || held).then(|| {
        Wait::new(
            WaitReason::Migrations,
            format!("{moving} partitions are left to move"),
        )
    })
}

/// Waits until strongly consistent namespaces are served again.
#[must_use]
pub fn await_partitions(_: &Desired, observed: &Observed) -> Share {
    let mut views = observed.views_by_pod();
    let wait = views.find_map(|(pod, view)| unserved(pod, view));
    Share {
        waits: wait.into_iter().collect(),
        ..Share::default()
    }
}

/// What is wrong with a server that knows of partitions that nobody serves, or nobody can serve.
#[must_use]
pub fn unserved(pod: &str, view: &NodeView) -> Option<Wait> {
    let mut namespaces = view.namespaces.iter();
    namespaces.find_map(|(name, namespace)| {
        let (unavailable, dead) = (namespace.unavailable_partitions, namespace.dead_partitions);
        if dead > 0 {
            return Some(Wait::new(
                WaitReason::PartitionsDead,
                format!(
                    "{dead} partitions of namespace {name} are dead, says the server of pod {pod}: all nodes are there and \
                     none is known to have all writes. The operator never revives them: send revive:namespace={name} to \
                     every server and then recluster: to accept the loss"
                ),
            ));
        }
        (unavailable > 0).then(|| {
            let message = format!(
                "{unavailable} partitions of namespace {name} are unavailable, says the server of pod {pod}"
            );
            Wait::new(WaitReason::PartitionsNotServed, message)
        })
    })
}

fn clustering(message: String) -> Wait {
    Wait::new(WaitReason::Clustering, message)
}

#[cfg(test)]
mod tests;
