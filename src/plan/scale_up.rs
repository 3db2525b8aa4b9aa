//! More pods: all racks grow before anything else happens to them, and new pods are waited for.

use k8s_openapi::jiff::Timestamp;

use super::{Kind, Observed, PodHealth, Share, Step, Wait, WaitReason};
use crate::{
    resolve::{Desired, Rack},
    resources::names,
};

/// How long a pod may be without a node, or fail, before a person is asked to act: seconds.
const GRACE: i64 = 60;

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
    for rack in &desired.racks {
        let name = names::stateful_set(&desired.identity.name, &rack.identifier());
        let Some(set) = observed.live(Kind::StatefulSet, &name) else {
            continue;
        };
        if set.owner.as_deref() != Some(desired.identity.uid.as_str()) {
            continue;
        }
        let (from, to) = (set.replicas(), wanted(rack));
        if from > to {
            share.waits.push(Wait::new(
                WaitReason::NotSupported,
                format!(
                    "rack {} has {from} pods and {to} are wanted: this version does not scale down yet; \
                     set spec.size back",
                    rack.identifier()
                ),
            ));
        } else if from < to && share.step.is_none() {
            if let Some(leftover) = leftover_pod(desired, observed, rack, from) {
                share.waits.push(leftover);
                continue;
            }
            share.step = Some(Step::Grow {
                rack: rack.identifier(),
                set: name,
                uid: set.uid.clone(),
                resource_version: set.resource_version.clone(),
                from,
                to,
            });
        }
    }
    share
}

fn wanted(rack: &Rack) -> i32 {
    i32::try_from(rack.size).unwrap_or(i32::MAX)
}

/// A pod of an earlier life that still has the name of one to come.
fn leftover_pod(desired: &Desired, observed: &Observed, rack: &Rack, from: i32) -> Option<Wait> {
    let first = u32::try_from(from).unwrap_or(0);
    let leftover = (first..rack.size)
        .map(|ordinal| names::pod(&desired.identity.name, &rack.identifier(), ordinal))
        .find(|name| observed.pods.contains_key(name))?;
    Some(Wait::new(
        WaitReason::Pods,
        format!("pod {leftover} of before is still there"),
    ))
}

/// Waits until every pod is ready.
#[must_use]
pub fn await_pods(desired: &Desired, observed: &Observed) -> Share {
    let waits = names::pods(desired)
        .filter_map(|name| await_pod(&name, observed))
        .collect();
    Share {
        waits,
        ..Share::default()
    }
}

fn await_pod(name: &str, observed: &Observed) -> Option<Wait> {
    let Some(pod) = observed.pods.get(name) else {
        return Some(Wait::new(
            WaitReason::Pods,
            format!("pod {name} does not exist yet"),
        ));
    };
    let late = |since: Timestamp| observed.now.as_second() - since.as_second() >= GRACE;
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
        PodHealth::SidecarNotReady { container } => Some(Wait::new(
            WaitReason::Pods,
            format!("container {container} of pod {name} is not ready"),
        )),
        PodHealth::Failed { reason, since } if late(*since) => Some(Wait::new(
            WaitReason::PodFailed,
            format!("pod {name} fails: {reason}"),
        )),
        PodHealth::Unschedulable { reason, since } if late(*since) => Some(Wait::new(
            WaitReason::Unschedulable,
            format!("no node takes pod {name}: {reason}"),
        )),
        PodHealth::Failed { reason, .. } | PodHealth::Unschedulable { reason, .. } => {
            Some(Wait::new(WaitReason::Pods, format!("pod {name}: {reason}")))
        }
    }
}

#[cfg(test)]
mod tests;
