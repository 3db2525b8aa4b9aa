//! Whether others have what the pods of a batch hold, or can get it before they stop.

use super::{Batch, Verdict, Why};
use crate::{
    aerospike::node_view::NamespaceView,
    plan::{Observed, Wait, WaitReason, claims, durability},
    resolve::Desired,
};

/// A server that cannot be drained takes with it what it alone holds.
pub fn none_is_the_only_one(desired: &Desired, observed: &Observed, batch: &Batch) -> Verdict {
    if batch.running.is_empty() || batch.can_be_drained(desired, observed) {
        return Verdict::Fine;
    }
    let problem = if batch.has_others(desired, observed) {
        single_copy(observed)
    } else {
        lost_with_its_pod(desired, observed, batch)
    };
    problem.map_or(Verdict::Fine, |message| {
        let message = format!("{message}: {}, {}", batch.way_out(), instead(batch));
        Verdict::Wait(Wait::new(WaitReason::WouldLoseData, message))
    })
}

const fn instead(batch: &Batch) -> &'static str {
    match batch.why {
        Why::Shrink { .. } => "or move the data first",
        Why::Restart { .. } => "add pods first, or delete the pod yourself to accept the loss",
    }
}

/// What a Community server alone holds, whatever becomes of it after: others would answer for it while it is away.
fn single_copy(observed: &Observed) -> Option<String> {
    let single = |ns: &NamespaceView| {
        ns.effective_replication_factor
            .is_some_and(|copies| copies < 2)
    };
    let mut namespaces = observed.views().flat_map(|view| &view.namespaces);
    let (namespace, _) = namespaces.find(|(_, ns)| single(ns))?;
    Some(format!(
        "namespace {namespace} keeps one copy of each record, and Community servers cannot hand theirs over"
    ))
}

/// What the only server has, and has not on a volume that outlives its pod. A claim that is deleted does not.
fn lost_with_its_pod(desired: &Desired, observed: &Observed, batch: &Batch) -> Option<String> {
    let views = batch.running.iter().filter_map(|pod| observed.view(pod));
    let mut namespaces = views.flat_map(|view| &view.namespaces);
    let goes = |pod: &String| claims::of_pod(observed, pod).any(|claim| claim.deleting);
    let claims_stay = batch.takes_no_claims() && !batch.running.iter().any(goes);
    let (namespace, _) = namespaces.find(|(name, ns)| {
        let safe =
            claims_stay && durability::outlives_pod(desired, &observed.status, &batch.rack, name);
        ns.objects != Some(0) && !safe
    })?;
    Some(format!(
        "the only server has namespace {namespace}, and not on a volume that outlives its pod"
    ))
}
