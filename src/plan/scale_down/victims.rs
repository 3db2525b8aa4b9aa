//! Which pods go next: by their numbers, since the stateful set controller removes the highest ones whatever there is.

use std::collections::BTreeSet;

use super::Verdict;
use crate::{
    plan::{Observed, Pod, Resize, Wait, WaitReason, members},
    resolve::{Desired, Edition, int_or_percent::IntOrPercent},
};

/// The pods that are stopped together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What stops them.
    pub resize: Resize,
    /// How many pods the rack has when all batches are done.
    pub wanted: u32,
    /// The pods.
    pub pods: BTreeSet<String>,
    /// Those of them that are in the cluster.
    pub running: BTreeSet<String>,
}

/// The next batch: of the first rack that has too many pods, the highest ordinals.
#[must_use]
pub fn batch(desired: &Desired, observed: &Observed) -> Option<Batch> {
    let racks = members::racks(desired, observed);
    let rack = racks.iter().find(|rack| !rack.leaving().is_empty())?;
    let count = batch_size(desired, rack.replicas).min(rack.replicas - rack.wanted);
    let to = rack.replicas - count;
    let pods: BTreeSet<_> = rack.pods(to..rack.replicas).collect();
    let serves = |pod: &&String| observed.pods.get(*pod).is_some_and(Pod::serves);
    Some(Batch {
        resize: Resize {
            rack: rack.rack.clone(),
            set: rack.set.clone(),
            uid: rack.live.uid.clone(),
            resource_version: rack.live.resource_version.clone(),
            from: rack.live.replicas(),
            to: i32::try_from(to).unwrap_or(0),
        },
        wanted: rack.wanted,
        running: pods.iter().filter(serves).cloned().collect(),
        pods,
    })
}

/// How many pods of a rack that has `replicas` go together. Where nothing can be quiesced it is one.
fn batch_size(desired: &Desired, replicas: u32) -> u32 {
    let config = desired.spec.rack_config.as_ref();
    let given = config.and_then(|config| config.scale_down_batch_size.as_ref());
    match given {
        Some(size) if desired.image.edition != Edition::Community => {
            IntOrPercent::share(size, replicas).max(1)
        }
        _ => 1,
    }
}

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
