//! A pod that its local volumes keep off every node that takes pods is made anew without them, if the user says so
//! (`deleteLocalStorageOnPodRecovery`) and the others can do without what is on them.

use super::{
    Observed, Pod, PodHealth, Renewal, Restart, Share, Step, WaitReason, claims,
    members::{self, RackState},
    outdated::Change,
    restart,
};
use crate::{
    aerospike::node_view::{NamespaceView, NodeView},
    resolve::Desired,
};

/// What the scheduler says where volumes are on other nodes than those that would take the pod, up to Kubernetes 1.33 and
/// later.
const VOLUMES: [&str; 2] = [
    "volume node affinity conflict",
    "PersistentVolume's node affinity",
];

/// Gives up the local volumes of the one pod that no node takes.
#[must_use]
pub fn leave_lost_nodes(desired: &Desired, observed: &Observed) -> Share {
    let racks = members::racks(desired, observed);
    let stuck = racks
        .iter()
        .find_map(|state| Some((state, stuck(desired, observed, state)?)));
    let Some((state, renewal)) = stuck else {
        return Share::default();
    };
    if let Some(why) = hindrance(desired, observed, &renewal.pod) {
        let pod = &renewal.pod;
        let message = format!("pod {pod} keeps its local volumes, of which no node has any: {why}");
        let reason = if members::ignorable(desired, observed).contains(pod) {
            WaitReason::PodIgnored
        } else {
            WaitReason::Unschedulable
        };
        return Share::wait(reason, message);
    }
    let restart = Restart::of(state.rack.clone(), vec![renewal]);
    let told = format!(
        "made anew without its local volumes: {}",
        restart.describe()
    );
    let mut share = Share::wait(restart.stopped_for.wait_reason(), told);
    share.step = Some(Step::Restart(restart));
    share
}

fn stuck(desired: &Desired, observed: &Observed, state: &RackState<'_>) -> Option<Renewal> {
    let rack = desired.rack(&state.rack)?;
    if !rack.storage.delete_local_on_recovery {
        return None;
    }
    let lost = |_: &str, pod: &Pod| is_stuck(observed, pod).then(|| vec![Change::LostNode]);
    let renewals = restart::renewals(observed, state, lost).into_iter();
    let mut renewals = renewals.map(|renewal| Renewal {
        claims: claims::bound_to_node(rack, observed, &renewal.pod),
        ..renewal
    });
    renewals.find(|renewal| !renewal.claims.is_empty())
}

fn is_stuck(observed: &Observed, pod: &Pod) -> bool {
    match &pod.health {
        PodHealth::Unschedulable { since, reason } => {
            observed.is_past_grace(*since) && VOLUMES.iter().any(|text| reason.contains(text))
        }
        _ => false,
    }
}

/// Why its volumes are not given up, if they are not: all other servers are there, agree, keep several copies, and have
/// nothing left to move.
fn hindrance(desired: &Desired, observed: &Observed, stuck: &str) -> Option<String> {
    let mut others = members::asked_for(desired, observed);
    others.remove(stuck);
    let Some(views) = others
        .iter()
        .map(|pod| observed.view(pod))
        .collect::<Option<Vec<_>>>()
    else {
        return Some("another server does not answer".to_owned());
    };
    let size = u32::try_from(views.len()).ok();
    let is_whole = |view: &&NodeView| {
        Some(view.cluster.size) == size && view.cluster.integrity && view.cluster.migrate_allowed
    };
    if size < Some(2) || observed.cluster_keys().len() != 1 || !views.iter().all(is_whole) {
        return Some("the others do not form one cluster of at least two".to_owned());
    }
    if views
        .iter()
        .any(|view| view.cluster.migrate_partitions_remaining > 0)
    {
        return Some("the others still move data".to_owned());
    }
    let mut namespaces = views.iter().flat_map(|view| &view.namespaces);
    let (name, _) = namespaces.find(|(_, namespace)| !has_copies(namespace))?;
    Some(format!(
        "the others may lack what they hold of namespace {name}, which keeps one copy of each record, is strongly \
         consistent, or has partitions that nobody serves"
    ))
}

fn has_copies(namespace: &NamespaceView) -> bool {
    let served = namespace.unavailable_partitions == 0 && namespace.dead_partitions == 0;
    let copies = namespace.effective_replication_factor;
    served && !namespace.strong_consistency && copies.is_some_and(|copies| copies >= 2)
}
