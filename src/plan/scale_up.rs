//! More pods: a rack grows when no restart comes before, all that may before any shrinks, and new pods are waited for.

use super::{
    Observed, PodHealth, Share, Step, Wait, WaitReason,
    members::{self, RackState},
    outdated,
    restart::guards::newcomers_hindrance,
};
use crate::{resolve::Desired, resources::names};

/// Raises the replicas of the first rack that has too few.
#[must_use]
pub fn grow(desired: &Desired, observed: &Observed) -> Share {
    if observed.status.phase.is_none() {
        return Share::wait(
            WaitReason::Pods,
            "pods report themselves in the status, which is written first",
        );
    }
    let mut share = Share::default();
    let later = members::growing_later(desired, observed);
    for rack in members::racks(desired, observed) {
        if rack.replicas >= rack.due || later.contains(&rack.rack) || share.step.is_some() {
            continue;
        }
        let to = i32::try_from(rack.due).unwrap_or(i32::MAX);
        let hindrance = newcomers_hindrance(desired, observed, &rack.rack);
        match hindrance.or_else(|| leftover(observed, &rack)) {
            Some(wait) => share.waits.push(wait),
            None => share.step = Some(Step::Grow(rack.resize(to))),
        }
    }
    share
}

/// A pod of an earlier life that still has the name of one to come, or a claim on its way out that it would get.
fn leftover(observed: &Observed, rack: &RackState<'_>) -> Option<Wait> {
    let message = rack.pods(rack.replicas..rack.due).find_map(|pod| {
        if observed.pods.contains_key(&pod) {
            return Some(format!("pod {pod} of before is still there"));
        }
        let suffix = format!("-{pod}");
        let mut claims = observed.claims.iter();
        let leaving = claims.find(|claim| claim.deleting && claim.name.ends_with(&suffix))?;
        Some(format!("claim {} of before is being deleted", leaving.name))
    })?;
    Some(Wait::new(WaitReason::Pods, message))
}

/// Waits until every pod that shall be there now is ready. Those that operations may do without are named, and hold nothing up.
#[must_use]
pub fn await_pods(desired: &Desired, observed: &Observed) -> Share {
    let ignorable = members::ignorable(desired, observed);
    let wait = |name: String| {
        if restarts_for_its_sidecar(desired, observed, &name) {
            return None;
        }
        let wait = await_pod(&name, observed)?;
        Some(if ignorable.contains(&name) {
            Wait::new(WaitReason::PodIgnored, wait.message)
        } else {
            wait
        })
    };
    Share {
        waits: members::due(desired, observed)
            .into_iter()
            .filter_map(wait)
            .collect(),
        ..Share::default()
    }
}

/// Whether a restart is what the pod's sidecar waits for.
fn restarts_for_its_sidecar(desired: &Desired, observed: &Observed, name: &str) -> bool {
    let pod = observed.pods.get(name);
    let health = pod.map(|pod| &pod.health);
    matches!(health, Some(PodHealth::SidecarNotReady { .. }))
        && names::parse_pod(&desired.identity.name, name).is_some_and(|(rack, _)| {
            !outdated::as_last_known(desired, &rack, observed, name).is_empty()
        })
}

fn await_pod(name: &str, observed: &Observed) -> Option<Wait> {
    let Some(pod) = observed.pods.get(name) else {
        return Some(Wait::new(
            WaitReason::Pods,
            format!("pod {name} does not exist yet"),
        ));
    };
    match &pod.health {
        PodHealth::Ready => None,
        PodHealth::Terminating => Some(Wait::new(
            WaitReason::Pods,
            format!("pod {name} is being deleted"),
        )),
        PodHealth::NotReady => Some(Wait::new(
            WaitReason::Pods,
            format!("pod {name} is not ready"),
        )),
        PodHealth::SidecarNotReady {
            failure: Some(failure),
            since,
            ..
        } if observed.is_past_grace(*since) => Some(Wait::new(
            WaitReason::PodFailed,
            format!("pod {name} fails: {failure}"),
        )),
        PodHealth::SidecarNotReady { container, .. } => Some(Wait::new(
            WaitReason::Pods,
            format!("container {container} of pod {name} is not ready"),
        )),
        PodHealth::Failed { reason, since } if observed.is_past_grace(*since) => Some(Wait::new(
            WaitReason::PodFailed,
            format!("pod {name} fails: {reason}"),
        )),
        PodHealth::Unschedulable { reason, since } if observed.is_past_grace(*since) => {
            Some(Wait::new(
                WaitReason::Unschedulable,
                format!("no node takes pod {name}: {reason}"),
            ))
        }
        PodHealth::Failed { reason, .. } | PodHealth::Unschedulable { reason, .. } => {
            Some(Wait::new(WaitReason::Pods, format!("pod {name}: {reason}")))
        }
    }
}

#[cfg(test)]
mod tests;
