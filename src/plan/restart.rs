//! Pods that run something else than is wanted, or that somebody wants restarted, are made anew, or their servers where that
//! is enough: those that do not run first, then those that shall leave their nodes, then one rack after the other, batch by
//! batch, each batch stopped safely and back in the cluster before the next is touched.

pub mod guards;

use std::collections::BTreeSet;

use super::{
    Observed, Pod, PodHealth, Renewal, Restart, Share, Step, StopFor, Wait, WaitReason, claims,
    members::{self, RackState},
    outdated::{self, Change, Remedy},
    safe_stop::{self, Batch, Why, batch as batches, rosters},
    warm_restart,
};
use crate::resolve::{Desired, Rack, RackIdentifier};

/// Makes the outdated pods of a rack anew whose servers do not run: they hold nothing that a stop could take away, and
/// whatever they fail of is waited for in vain.
#[must_use]
pub fn replace_dead(desired: &Desired, observed: &Observed) -> Share {
    let racks = members::racks(desired, observed);
    let dead = racks.iter().find_map(|state| {
        let rack = desired.rack(&state.rack)?;
        let dead = dead(desired, observed, rack, state);
        (!dead.is_empty()).then_some((state, dead))
    });
    let Some((state, dead)) = dead else {
        return Share::default();
    };
    let restart = Restart::of(state.rack.clone(), dead);
    let told = format!("to be made anew: {}", restart.describe());
    let mut share = Share::wait(restart.stopped_for.wait_reason(), told);
    match hindrance(desired, observed, state) {
        Some(wait) => share.waits.push(wait),
        None => share.step = Some(Step::Restart(restart)),
    }
    share
}

/// Restarts the next batch when all that comes before is done.
#[must_use]
pub fn roll(desired: &Desired, observed: &Observed) -> Share {
    let racks = members::racks(desired, observed);
    let Some(batch) = batch(desired, observed) else {
        return await_reports(desired, observed, &racks);
    };
    let state = racks.iter().find(|state| state.rack == batch.rack);
    match state.and_then(|state| hindrance(desired, observed, state)) {
        Some(wait) => Share {
            waits: vec![
                wait,
                Wait::new(batch.stopped_for().wait_reason(), batch.describe()),
            ],
            ..Share::default()
        },
        None => safe_stop::stop(desired, observed, batch),
    }
}

/// Waits for pods that were last known to run something else than is wanted, and have not told what they run now.
fn await_reports(desired: &Desired, observed: &Observed, racks: &[RackState<'_>]) -> Share {
    let ignorable = members::ignorable(desired, observed);
    let staying = racks.iter().filter(|state| state.leaving().is_empty());
    let pods = staying.flat_map(|state| {
        let pods = state.pods(0..state.replicas);
        let changes = |pod: &str| outdated::as_last_known(desired, &state.rack, observed, pod);
        let restarts = |change: &Change| change.remedy() > Remedy::AtRunTime;
        pods.filter(move |pod| changes(pod).iter().any(restarts))
    });
    let unknown = pods.filter(|pod| !ignorable.contains(pod));
    let wait = |pod| {
        let message = format!("pod {pod} is being restarted");
        Wait::new(WaitReason::RollingRestart, message)
    };
    Share {
        waits: unknown.map(wait).collect(),
        ..Share::default()
    }
}

/// The next batch: of the first rack that does not shrink and has pods to restart, one with a pod that somebody wants to
/// evict before all others, then one where a sidecar fails, the highest ordinals.
///
/// Pods that are too many are not restarted but removed.
#[must_use]
pub fn batch(desired: &Desired, observed: &Observed) -> Option<Batch> {
    let racks = members::racks(desired, observed);
    let mut staying: Vec<_> = racks
        .iter()
        .filter(|state| state.leaving().is_empty())
        .collect();
    staying.sort_by_key(|state| (!is_evicted(observed, state), !fails(observed, state)));
    staying.into_iter().find_map(|state| {
        let rack = desired.rack(&state.rack)?;
        let outdated = serving(desired, observed, rack, state);
        let left = outdated.len();
        // What is not in another rack is in this one only.
        let count = if others_serve(observed, &racks, state) {
            batches::restarted(desired, state.replicas)
        } else {
            1
        };
        let mut next = outdated;
        next.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        next.truncate(rosters::most_together(desired, observed, &next));
        let pods: BTreeSet<_> = next.iter().map(|renewal| renewal.pod.clone()).collect();
        let restart = Restart::of(state.rack.clone(), next);
        let why = Why::Restart { restart, left };
        (left > 0).then(|| Batch::of(state.rack.clone(), why, pods, observed))
    })
}

/// Whether a pod of another rack serves.
fn others_serve(observed: &Observed, racks: &[RackState<'_>], state: &RackState<'_>) -> bool {
    let others = racks.iter().filter(|other| other.rack != state.rack);
    let mut pods = others.flat_map(|other| other.pods(0..other.replicas));
    pods.any(|pod| observed.pods.get(&pod).is_some_and(Pod::serves))
}

/// Whether somebody wants to evict a pod of the rack that serves.
fn is_evicted(observed: &Observed, state: &RackState<'_>) -> bool {
    state.pods(0..state.replicas).any(|name| {
        let pod = observed.pods.get(&name);
        pod.is_some_and(|pod| pod.serves() && pod.eviction_asked.is_some())
    })
}

/// Whether a sidecar of the rack fails, be its server well.
fn fails(observed: &Observed, state: &RackState<'_>) -> bool {
    state.pods(0..state.replicas).any(|name| {
        let pod = observed.pods.get(&name);
        pod.is_some_and(|pod| matches!(pod.health, PodHealth::SidecarNotReady { .. }))
    })
}

/// The outdated pods of a rack that serve and need a restart: those that somebody wants to evict, those with a sidecar that
/// does not serve, then the others, the highest ordinal first.
fn serving(
    desired: &Desired,
    observed: &Observed,
    rack: &Rack,
    state: &RackState<'_>,
) -> Vec<Renewal> {
    let changes = |name: &str, pod: &Pod| {
        pod.serves()
            .then(|| outdated::changes(desired, observed, rack, name))
    };
    let mut renewals = renewals(observed, state, changes);
    for renewal in &mut renewals {
        let remedies = renewal.changes.iter().map(Change::remedy);
        let remedy = remedies.max().unwrap_or(Remedy::PodRestart);
        renewal.remedy = warm_restart::possible(remedy, observed.view(&renewal.pod));
    }
    renewals.retain(|renewal| renewal.remedy > Remedy::AtRunTime);
    for renewal in renewals.iter_mut().filter(|renewal| !renewal.keeps_pod()) {
        let moves = renewal.changes.iter().any(Change::moves);
        if moves || rack.storage.delete_local_on_restart {
            renewal.claims = claims::bound_to_node(rack, observed, &renewal.pod);
        }
    }
    renewals.sort_by_key(|renewal| {
        let stays = !renewal.changes.contains(&Change::Eviction);
        (
            stays,
            observed.pods[&renewal.pod].health == PodHealth::Ready,
        )
    });
    renewals
}

/// The outdated pods of a rack whose servers do not run.
fn dead(
    desired: &Desired,
    observed: &Observed,
    rack: &Rack,
    state: &RackState<'_>,
) -> Vec<Renewal> {
    let changes = |name: &str, pod: &Pod| {
        if pod.server_runs || pod.serves() || pod.health == PodHealth::Terminating {
            return None;
        }
        let reported = outdated::reported(observed, name, pod);
        let mut changes = outdated::changes(desired, observed, rack, name);
        let is_older = || outdated::is_of_older_template(state.live, pod) == Some(true);
        // Where a pod may run counts as long as it has no node; all else it says itself.
        let may_matter =
            pod.node.is_none() || pod.pod_spec_hash.is_none() || members::is_broken(pod);
        if changes.is_empty() && reported.is_none() && may_matter && is_older() {
            changes.push(Change::Template);
        }
        // A server that is on its way is told when it runs, and may be restarted then.
        let can_wait =
            |change: &Change| change.remedy() == Remedy::AtRunTime || change.is_asked_for();
        if changes.iter().all(can_wait) && !members::is_broken(pod) {
            return None;
        }
        Some(changes)
    };
    renewals(observed, state, changes)
}

/// The pods of a rack for which `changes` names any, the highest ordinal first; each is made anew, and keeps its claims.
pub(super) fn renewals(
    observed: &Observed,
    state: &RackState<'_>,
    changes: impl Fn(&str, &Pod) -> Option<Vec<Change>>,
) -> Vec<Renewal> {
    let mut names: Vec<_> = state.pods(0..state.replicas).collect();
    names.reverse();
    let renewal = |name: String| {
        let pod = observed.pods.get(&name)?;
        let changes = changes(&name, pod).filter(|changes| !changes.is_empty())?;
        Some(Renewal {
            uid: pod.uid.clone(),
            resource_version: pod.resource_version.clone(),
            pod: name,
            changes,
            remedy: Remedy::PodRestart,
            claims: Vec::new(),
        })
    };
    names.into_iter().filter_map(renewal).collect()
}

/// What keeps the pods of a rack from being made anew, whatever state they are in.
fn hindrance(desired: &Desired, observed: &Observed, state: &RackState<'_>) -> Option<Wait> {
    guards::hindrance(desired, observed, &state.rack).or_else(|| template_unknown(state))
}

/// A pod that goes before its set's controller knows of the new template may come back by the old one.
fn template_unknown(state: &RackState<'_>) -> Option<Wait> {
    state.live.template_revision().is_none().then(|| {
        Wait::new(
            WaitReason::Pods,
            format!(
                "the controller of StatefulSets has not taken note of {} yet",
                state.set
            ),
        )
    })
}

impl Restart {
    pub(super) fn of(rack: RackIdentifier, pods: Vec<Renewal>) -> Self {
        let of_image = |renewal: &Renewal| renewal.changes.contains(&Change::Image);
        let stopped_for = if pods.iter().any(of_image) {
            StopFor::Upgrade
        } else {
            StopFor::Restart
        };
        Self {
            rack,
            stopped_for,
            pods,
        }
    }
}

#[cfg(test)]
mod tests;
