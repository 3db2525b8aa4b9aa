//! All that shall be there are, agree, and have nothing left to move.

use super::{Batch, Verdict};
use crate::{
    aerospike::{node_view::NodeView, stability::Stability},
    plan::{Observed, Pod, Wait, WaitReason, members, servers},
    resolve::Desired,
};

/// A pod that may hold data has to be back before it is drained, unless the user lets us do without it.
pub fn all_are_ready(desired: &Desired, observed: &Observed, _: &Batch) -> Verdict {
    let absent = members::absent(desired, observed);
    let serves = |pod: &String| observed.pods.get(pod).is_some_and(Pod::serves);
    let asked = members::asked_for(desired, observed);
    let missing = asked
        .into_iter()
        .find(|pod| !absent.contains(pod) && !serves(pod));
    missing.map_or(Verdict::Fine, |pod| {
        Verdict::Wait(Wait::new(
            WaitReason::Pods,
            format!(
                "pod {pod} is not ready and may hold data: it has to recover first, or be covered by \
                 rackConfig.maxIgnorablePods"
            ),
        ))
    })
}

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
        if let Some(wait) = servers::unserved(&pod, view) {
            return Some(wait);
        }
        if let Some((namespace, count)) = unreplicated(view) {
            let message = format!(
                "the server of pod {pod} has yet to copy {count} records of namespace {namespace}"
            );
            return Some(Wait::new(WaitReason::Migrations, message));
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

/// The first namespace with records that have not all of their copies, and how many.
fn unreplicated(view: &NodeView) -> Option<(&str, u64)> {
    let counts = view
        .namespaces
        .iter()
        .map(|(name, namespace)| (name.as_str(), namespace.unreplicated_records.unwrap_or(0)));
    counts.into_iter().find(|(_, count)| *count > 0)
}
