//! What an edit does to a cluster that runs, told before it is made: what becomes of each pod, and in which order. It asks
//! the functions that the stages ask, so that it says what they will do as long as nothing else happens.

use std::collections::BTreeSet;

use super::{
    Observed, Pod,
    members::{self, RackState},
    on_demand,
    outdated::{self, Change, Remedy},
    revisions,
    safe_stop::batch,
    scale_down::victims,
};
use crate::{
    resolve::{Desired, Rack, RackIdentifier},
    resources::names,
};

/// What an edit does, rack by rack: those of the spec in its order, then those that it no longer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The racks.
    pub racks: Vec<RackForecast>,
}

/// What becomes of a rack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RackForecast {
    /// The rack.
    pub rack: RackIdentifier,
    /// Its pods by ordinal, those that are and those that will be.
    pub pods: Vec<PodForecast>,
    /// So many of its pods are restarted together, where another rack has pods; fewer if a roster bears no more then.
    pub restarted_together: u32,
    /// So many of its pods are removed together.
    pub removed_together: u32,
    /// So many of its pods start together: at first, and after each batch of those that leave its other revision.
    pub started_together: Vec<u32>,
    /// The rack with another revision that takes its place.
    pub successor: Option<RackIdentifier>,
}

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodForecast {
    /// Its name.
    pub pod: String,
    /// What becomes of it.
    pub fate: Fate,
    /// What it is not as wanted in.
    pub changes: Vec<Change>,
}

/// What becomes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Nothing.
    Stays,
    /// It stays, and its server is told what changes.
    IsTold,
    /// It stays, and its server starts anew.
    RestartsServer,
    /// It is made anew.
    Restarts,
    /// It comes.
    Starts,
    /// It goes.
    Leaves,
}

/// Pods of a rack to which the same happens at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What happens.
    pub fate: Fate,
    /// Their rack.
    pub rack: RackIdentifier,
    /// The pods.
    pub pods: Vec<String>,
}

/// What the edit to `desired` does to the cluster as it was observed; without its sets, to the pods that its status knows.
#[must_use]
pub fn forecast(desired: &Desired, observed: &Observed) -> Forecast {
    let observed = &with_operation(desired, observed);
    let running = running(desired, observed);
    let kept = desired.racks.iter().map(|rack| {
        let identifier = rack.identifier();
        of_rack(desired, observed, &identifier, Some(rack), &running)
    });
    let is_gone = |rack: &RackIdentifier| desired.rack(rack).is_none();
    let gone: BTreeSet<_> = running.iter().map(|(rack, _)| rack.clone()).collect();
    let gone = gone.into_iter().filter(is_gone);
    let gone = gone.map(|rack| of_rack(desired, observed, &rack, None, &running));
    Forecast {
        racks: kept.chain(gone).collect(),
    }
}

/// The cluster once the operation that the edit asks for is noted.
fn with_operation(desired: &Desired, observed: &Observed) -> Observed {
    let mut noted = observed.clone();
    let operation = on_demand::pending(desired, &observed.status);
    noted.status.operation_in_progress =
        operation.map(|operation| on_demand::in_progress(operation, observed));
    noted
}

/// The pods that there are, by rack and ordinal.
fn running(desired: &Desired, observed: &Observed) -> BTreeSet<(RackIdentifier, u32)> {
    let racks = members::racks(desired, observed);
    if racks.is_empty() {
        let names = observed.status.pods.keys();
        let parsed = names.filter_map(|pod| names::parse_pod(&desired.identity.name, pod));
        return parsed.collect();
    }
    let of_set = |state: &RackState<'_>| {
        let rack = state.rack.clone();
        (0..state.replicas).map(move |ordinal| (rack.clone(), ordinal))
    };
    racks.iter().flat_map(of_set).collect()
}

fn of_rack(
    desired: &Desired,
    observed: &Observed,
    identifier: &RackIdentifier,
    rack: Option<&Rack>,
    running: &BTreeSet<(RackIdentifier, u32)>,
) -> RackForecast {
    let ordinals = running.iter().filter(|(of, _)| of == identifier);
    let ordinals: BTreeSet<u32> = ordinals.map(|(_, ordinal)| *ordinal).collect();
    let whole = u32::try_from(ordinals.len()).unwrap_or(u32::MAX);
    let wanted = rack.map_or(0, |rack| rack.size);
    let all: BTreeSet<u32> = ordinals.iter().copied().chain(0..wanted).collect();
    let pods = all.into_iter().map(|ordinal| {
        let pod = names::pod(&desired.identity.name, identifier, ordinal);
        let stays = rack.filter(|_| ordinal < wanted);
        let (fate, changes) = match stays {
            None => (Fate::Leaves, Vec::new()),
            Some(_) if !ordinals.contains(&ordinal) => (Fate::Starts, Vec::new()),
            Some(rack) => fate(desired, observed, rack, &pod),
        };
        PodForecast { pod, fate, changes }
    });
    let older = running
        .iter()
        .filter(|(of, _)| of.id == identifier.id && of != identifier);
    let older = u32::try_from(older.count()).unwrap_or(u32::MAX);
    RackForecast {
        rack: identifier.clone(),
        pods: pods.collect(),
        restarted_together: batch::restarted(desired, whole),
        removed_together: victims::together(desired, identifier, whole),
        started_together: rack.map_or_else(Vec::new, |rack| {
            revisions::steps(desired, rack, whole.min(wanted), older)
        }),
        successor: revisions::successor(desired, identifier).map(Rack::identifier),
    }
}

/// What becomes of a pod that stays, and why.
fn fate(desired: &Desired, observed: &Observed, rack: &Rack, name: &str) -> (Fate, Vec<Change>) {
    let changes = changes(desired, observed, rack, name);
    let fate = match changes.iter().map(Change::remedy).max() {
        None => Fate::Stays,
        Some(Remedy::AtRunTime) => Fate::IsTold,
        Some(Remedy::WarmRestart) => Fate::RestartsServer,
        Some(Remedy::PodRestart) => Fate::Restarts,
    };
    (fate, changes)
}

/// All that the pod will be changed or made anew for, once the edit is there.
fn changes(desired: &Desired, observed: &Observed, rack: &Rack, name: &str) -> Vec<Change> {
    let Some(pod) = observed.pods.get(name) else {
        return outdated::as_last_known(desired, &rack.identifier(), observed, name);
    };
    let now = outdated::changes(desired, observed, rack, name);
    let blocked = is_newly_blocked(desired, observed, pod).then_some(Change::BlockedNode);
    let all = now.into_iter().chain(blocked);
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether the edit blocks the pod's node: its template, which does not say so yet, is no help.
fn is_newly_blocked(desired: &Desired, observed: &Observed, pod: &Pod) -> bool {
    let (old, new) = (
        &observed.status.mirror.k8s_node_block_list,
        &desired.spec.k8s_node_block_list,
    );
    let node = pod.node.as_ref();
    node.is_some_and(|node| new.contains(node) && !old.contains(node))
}

impl Fate {
    /// What happens to the pod, as people read it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stays => "stays as it is",
            Self::IsTold => "is told at run time",
            Self::RestartsServer => "restarts its server",
            Self::Restarts => "restarts",
            Self::Starts => "starts",
            Self::Leaves => "is removed",
        }
    }

    /// The same of so many pods.
    #[must_use]
    pub const fn of(self, pods: usize) -> &'static str {
        match self {
            _ if pods == 1 => self.as_str(),
            Self::Stays => "stay as they are",
            Self::IsTold => "are told at run time",
            Self::RestartsServer => "restart their servers",
            Self::Restarts => "restart",
            Self::Starts => "start",
            Self::Leaves => "are removed",
        }
    }

    /// The same as programs read it.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Stays => "none",
            Self::IsTold => "runTime",
            Self::RestartsServer => "warmRestart",
            Self::Restarts => "podRestart",
            Self::Starts => "start",
            Self::Leaves => "remove",
        }
    }
}

impl Forecast {
    /// How many pods have this fate, in words; none if none has.
    #[must_use]
    pub fn counted(&self, fate: Fate) -> Option<String> {
        let count = self.count(fate);
        let pods = if count == 1 { "pod" } else { "pods" };
        (count > 0).then(|| format!("{count} {pods} {}", fate.of(count)))
    }

    /// How many pods have this fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.pods().filter(|pod| pod.fate == fate).count()
    }

    /// All pods, rack by rack.
    pub fn pods(&self) -> impl Iterator<Item = &PodForecast> {
        self.racks.iter().flat_map(|rack| &rack.pods)
    }

    /// Whether partitions move to other servers for good.
    #[must_use]
    pub fn moves_data(&self) -> bool {
        self.count(Fate::Starts) + self.count(Fate::Leaves) > 0
    }

    /// All that happens, in order. What is set at run time comes first. Then each rack restarts and grows, before the next;
    /// those that shrink come last, and restart what is left of them. Where one makes room for its other revision, that one
    /// grows after each batch.
    #[must_use]
    pub fn order(&self) -> Vec<Act> {
        let (shrinking, staying): (Vec<_>, Vec<_>) =
            self.racks.iter().partition(|rack| rack.has(Fate::Leaves));
        let parts = [
            (&staying, &[Fate::IsTold][..]),
            (&staying, &[Fate::Restarts, Fate::Starts]),
            (&shrinking, &[Fate::Leaves, Fate::IsTold, Fate::Restarts]),
        ];
        let there = self.racks.iter().filter(|rack| rack.is_there());
        let mut there: BTreeSet<_> = there.map(|rack| &rack.rack).collect();
        let mut acts = Vec::new();
        for (racks, fates) in parts {
            let turns = racks
                .iter()
                .flat_map(|rack| fates.iter().map(move |fate| (rack, *fate)));
            for (rack, fate) in turns {
                // What is not in another rack is in this one only.
                let is_alone = there.iter().all(|other| **other == rack.rack);
                acts.extend(self.with_arrivals(rack, rack.acts(fate, is_alone)));
                match fate {
                    Fate::Starts if rack.has(Fate::Starts) => drop(there.insert(&rack.rack)),
                    Fate::Leaves if rack.is_given_up() => drop(there.remove(&rack.rack)),
                    _ => {}
                }
            }
        }
        acts
    }

    /// What happens to a rack's pods, with what starts for those that leave.
    fn with_arrivals(&self, rack: &RackForecast, acts: Vec<Act>) -> Vec<Act> {
        let mut racks = self.racks.iter();
        let successor = racks.find(|other| Some(&other.rack) == rack.successor.as_ref());
        let mut batches = 0;
        let with_arrival = |act: Act| {
            batches += usize::from(act.fate == Fate::Leaves);
            let arrival = successor.and_then(|rack| rack.starts(batches));
            [Some(act), arrival]
        };
        acts.into_iter().flat_map(with_arrival).flatten().collect()
    }
}

impl RackForecast {
    fn has(&self, fate: Fate) -> bool {
        self.pods.iter().any(|pod| pod.fate == fate)
    }

    /// Whether it has pods today.
    fn is_there(&self) -> bool {
        self.pods.iter().any(|pod| pod.fate != Fate::Starts)
    }

    /// Whether all its pods go.
    fn is_given_up(&self) -> bool {
        self.pods.iter().all(|pod| pod.fate == Fate::Leaves)
    }

    /// The pods with this fate, the highest ordinals first, as many together as go together. Servers restart as pods do.
    fn acts(&self, fate: Fate, is_alone: bool) -> Vec<Act> {
        if fate == Fate::Starts {
            return self.starts(0).into_iter().collect();
        }
        let is_it = |pod: &&PodForecast| {
            pod.fate == fate || (fate == Fate::Restarts && pod.fate == Fate::RestartsServer)
        };
        let mut pods: Vec<_> = self.pods.iter().filter(is_it).collect();
        let together = match fate {
            Fate::Stays | Fate::IsTold | Fate::Starts => 1,
            Fate::Restarts | Fate::RestartsServer if is_alone => 1,
            Fate::Restarts | Fate::RestartsServer => {
                usize::try_from(self.restarted_together).unwrap_or(1)
            }
            Fate::Leaves => usize::try_from(self.removed_together).unwrap_or(1),
        };
        pods.reverse();
        let batches = pods.chunks(together.max(1));
        let alike = batches.flat_map(|batch| batch.chunk_by(|one, other| one.fate == other.fate));
        alike.map(|pods| self.act(pods)).collect()
    }

    /// The pods that start after so many batches of another revision have left.
    fn starts(&self, batches: usize) -> Option<Act> {
        let counts: Vec<_> = self
            .started_together
            .iter()
            .map(|it| *it as usize)
            .collect();
        let count = *counts.get(batches)?;
        let starting = self.pods.iter().filter(|pod| pod.fate == Fate::Starts);
        let pods = starting.skip(counts[..batches].iter().sum()).take(count);
        let pods: Vec<_> = pods.collect();
        (!pods.is_empty()).then(|| self.act(&pods))
    }

    fn act(&self, pods: &[&PodForecast]) -> Act {
        Act {
            fate: pods[0].fate,
            rack: self.rack.clone(),
            pods: pods.iter().map(|pod| pod.pod.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
