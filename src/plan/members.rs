//! Who belongs to the cluster now: the racks as they are beside what is wanted of them, and the pods that operations do
//! without.

use std::{collections::BTreeSet, ops::Range};

use super::{Kind, Live, Observed, Pod, PodHealth, Resize, outdated, revisions};
use crate::{
    resolve::{Desired, Rack, RackIdentifier, int_or_percent::IntOrPercent},
    resources::names,
};

/// A rack as it is, beside how many pods it shall have.
#[derive(Clone, Debug, PartialEq)]
pub struct RackState<'a> {
    /// The rack.
    pub rack: RackIdentifier,
    /// Name of its `StatefulSet`.
    pub set: String,
    /// The set.
    pub live: &'a Live,
    /// Pods that the set was asked for.
    pub replicas: u32,
    /// Pods that it shall have; none if the spec no longer has the rack.
    pub wanted: u32,
    /// Pods that it shall have now: fewer while another revision of it has some.
    pub due: u32,
}

impl RackState<'_> {
    /// The pods with these ordinals.
    pub fn pods(&self, ordinals: Range<u32>) -> impl Iterator<Item = String> + use<> {
        let set = self.set.clone();
        ordinals.map(move |ordinal| format!("{set}-{ordinal}"))
    }

    /// Another number of pods, decided on the set as it was seen.
    #[must_use]
    pub fn resize(&self, to: i32) -> Resize {
        Resize {
            rack: self.rack.clone(),
            set: self.set.clone(),
            uid: self.live.uid.clone(),
            resource_version: self.live.resource_version.clone(),
            from: self.live.replicas(),
            to,
        }
    }

    /// The ordinals that are too many.
    #[must_use]
    pub fn leaving(&self) -> Range<u32> {
        self.wanted.min(self.replicas)..self.replicas
    }
}

/// The racks that have a set of ours: those of the spec in its order, then those that it no longer has.
#[must_use]
pub fn racks<'a>(desired: &Desired, observed: &'a Observed) -> Vec<RackState<'a>> {
    let cluster = &desired.identity.name;
    let ours = Some(desired.identity.uid.as_str());
    let mut found: Vec<_> = observed
        .objects
        .iter()
        .filter(|((kind, _), live)| *kind == Kind::StatefulSet && live.owner.as_deref() == ours)
        .filter(|(_, live)| !live.deleting)
        .filter_map(|((_, set), live)| {
            let rack = names::parse_stateful_set(cluster, set)?;
            let wanted = wanted(desired, &rack);
            Some(RackState {
                wanted,
                due: wanted,
                replicas: u32::try_from(live.replicas()).unwrap_or(0),
                set: set.clone(),
                rack,
                live,
            })
        })
        .collect();
    let place = |state: &RackState<'_>| {
        let mut racks = desired.racks.iter();
        racks.position(|rack| rack.identifier() == state.rack)
    };
    found.sort_by_key(|state| (place(state).unwrap_or(usize::MAX), state.rack.clone()));
    let older: Vec<_> = found
        .iter()
        .map(|state| revisions::older(&found, &state.rack))
        .collect();
    for (state, older) in found.iter_mut().zip(older) {
        state.due = revisions::due(desired, state.wanted, older);
    }
    found
}

/// How many pods a rack shall have.
#[must_use]
pub fn wanted(desired: &Desired, rack: &RackIdentifier) -> u32 {
    desired.rack(rack).map_or(0, |rack| rack.size)
}

/// The pods that the sets were asked for, whether they are there or not.
#[must_use]
pub fn asked_for(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let racks = racks(desired, observed);
    let pods = racks.iter().flat_map(|rack| rack.pods(0..rack.replicas));
    pods.collect()
}

/// The wanted pods that shall be there now, in the order of the racks: all but those by which a rack grows later, or for
/// which pods of its other revision make room first.
#[must_use]
pub fn due(desired: &Desired, observed: &Observed) -> Vec<String> {
    let growing_later = growing_later(desired, observed);
    let asked = asked_for(desired, observed);
    let racks = racks(desired, observed);
    let grows_to = |rack: &Rack| {
        let (rack, wanted) = (rack.identifier(), rack.size);
        let older = revisions::older(&racks, &rack);
        let due = revisions::due(desired, wanted, older);
        if growing_later.contains(&rack) {
            0
        } else {
            due
        }
    };
    let of_rack = |rack: &Rack| {
        let grown = grows_to(rack);
        let pods = names::pods_of(desired, rack).zip(0..);
        let due = pods.filter(|(pod, ordinal)| *ordinal < grown || asked.contains(pod));
        due.map(|(pod, _)| pod).collect::<Vec<_>>()
    };
    desired.racks.iter().flat_map(of_rack).collect()
}

/// The racks that do not grow yet. Restarts for a change in a rack, and in those before it, come first: what new pods would
/// be made of is tried on those that there are, and no pod is added to a rack whose last change broke one.
#[must_use]
pub fn growing_later(desired: &Desired, observed: &Observed) -> BTreeSet<RackIdentifier> {
    let racks = racks(desired, observed);
    if racks.iter().all(|state| state.replicas >= state.due) {
        return BTreeSet::new();
    }
    // A pod that is alone has nobody to hand its data to before it restarts.
    let is_alone = racks.iter().map(|state| state.replicas).sum::<u32>() == 1;
    let ignorable = ignorable(desired, observed);
    let changing = outdated::is_being_rolled_out(desired, &observed.status);
    let holds_up = |state: &RackState<'_>| {
        let mut pods = state.pods(0..state.replicas);
        state.leaving().is_empty()
            && pods.any(|pod| {
                let known = outdated::as_last_known(desired, &state.rack, observed, &pod);
                let restarts = known.iter().any(|change| !change.is_asked_for());
                !ignorable.contains(&pod)
                    && (restarts && !is_alone || changing && fails(observed, &pod))
            })
    };
    let first = racks.iter().position(holds_up).unwrap_or(racks.len());
    racks[first..]
        .iter()
        .map(|state| state.rack.clone())
        .collect()
}

fn fails(observed: &Observed, pod: &str) -> bool {
    let pod = observed.pods.get(pod);
    pod.is_some_and(|pod| {
        matches!(
            pod.health,
            PodHealth::Failed { .. }
                | PodHealth::Unschedulable { .. }
                | PodHealth::SidecarNotReady {
                    failure: Some(_),
                    ..
                }
        )
    })
}

/// The pods whose servers must form one cluster: those that there are and those that are to come now.
#[must_use]
pub fn expected(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let absent = absent(desired, observed);
    let mut pods = asked_for(desired, observed);
    pods.extend(due(desired, observed));
    pods.retain(|pod| !absent.contains(pod));
    pods
}

/// The pods that operations do without: those that the user lets us ignore, and those that are too many and never were
/// in the cluster.
#[must_use]
pub fn absent(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let racks = racks(desired, observed);
    let leaving = racks.iter().flat_map(|rack| rack.pods(rack.leaving()));
    let mut absent = ignorable(desired, observed);
    absent.extend(leaving.filter(|pod| never_joined(observed, pod)));
    absent
}

/// Whether the pod's server never started: `init` writes the pod's entry before.
fn never_joined(observed: &Observed, pod: &str) -> bool {
    let serves = observed.pods.get(pod).is_some_and(Pod::serves);
    !serves && !observed.status.pods.contains_key(pod)
}

/// The broken pods that `maxIgnorablePods` lets us leave out, in each rack those first that no node takes; and all of racks
/// that the user gave up.
///
/// A rack that the spec no longer has gets no more than the others: what its broken pods hold may be the only copy.
#[must_use]
pub fn ignorable(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let config = desired.spec.rack_config.as_ref();
    let most = config.and_then(|config| config.max_ignorable_pods.as_ref());
    let of_rack = |rack: &RackState<'_>| {
        let whole = if rack.wanted > 0 {
            rack.wanted
        } else {
            rack.replicas
        };
        let share = most.map_or(0, |most| IntOrPercent::share(most, whole));
        let budget = if is_given_up(desired, &rack.rack) {
            rack.replicas
        } else {
            share
        };
        let budget = usize::try_from(budget).unwrap_or(0);
        let mut broken: Vec<_> = rack
            .pods(0..rack.replicas)
            .filter_map(|name| Some((observed.pods.get(&name)?, name)))
            .filter(|(pod, _)| is_broken(pod))
            .map(|(pod, name)| (!is_unschedulable(pod), name))
            .collect();
        broken.sort();
        broken.into_iter().take(budget).map(|(_, name)| name)
    };
    racks(desired, observed).iter().flat_map(of_rack).collect()
}

/// Whether the user forces the rack's nodes from the rosters, since it is lost.
#[must_use]
pub fn is_given_up(desired: &Desired, rack: &RackIdentifier) -> bool {
    let racks = desired.spec.rack_config.iter();
    let mut racks = racks.flat_map(|config| &config.racks);
    racks.any(|it| it.id == rack.id.0 && it.force_block_from_roster == Some(true))
}

/// Whether waiting for the pod does not help. One that stops or starts, however long that takes, is on its way: it may be
/// we who restarted it, and no other goes before it is back.
#[must_use]
pub fn is_broken(pod: &Pod) -> bool {
    let fails = matches!(
        pod.health,
        PodHealth::Failed { .. } | PodHealth::Unschedulable { .. }
    );
    !pod.serves() && (fails || pod.lost)
}

fn is_unschedulable(pod: &Pod) -> bool {
    matches!(pod.health, PodHealth::Unschedulable { .. })
}

#[cfg(test)]
mod tests;
