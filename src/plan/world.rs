//! A world in which plans are tried: an API server that merges what is applied, stateful sets that make and remove pods,
//! pods that start slowly or not at all, nodes that are lost, and the simulator's servers, which know whose writes are
//! where. What happens is decided by dice that are thrown before; when they are used up, all goes well.

mod api_server;
pub mod clusters;
mod histories;
mod mishaps;
mod nodes;
mod orders;
mod pass;
mod planted;
mod pods;
mod properties;
mod rosters;
mod servers;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::{Kind, Observed, Share, observed::Claim};
use crate::{
    api::{AerospikeClusterStatus, status::Mirror},
    resolve::Desired,
};
use api_server::Stored;
use orders::Restarts;
use pass::Basis;
use pods::SimPod;
use servers::Servers;

/// Chance, thrown before the run; all sixes are zeros at the end.
#[derive(Clone, Debug, Default)]
struct Dice {
    thrown: Vec<u8>,
    used: usize,
}

impl Dice {
    /// A number below `sides`; 0 is what one would hope for.
    fn roll(&mut self, sides: u8) -> u8 {
        let thrown = self.thrown.get(self.used).copied().unwrap_or(0);
        self.used += 1;
        thrown % sides
    }

    fn is_used_up(&self) -> bool {
        self.used >= self.thrown.len()
    }
}

/// What is wrong until somebody mends it.
#[expect(clippy::struct_excessive_bools, reason = "each goes wrong for itself")]
#[derive(Clone, Debug, Default)]
struct Faults {
    secret_missing: bool,
    image_missing: bool,
    no_node: bool,
    /// The controller of stateful sets removes no pod.
    sets_stand_still: bool,
}

/// All that there is.
#[derive(Clone, Debug)]
pub struct World {
    pub desired: Desired,
    /// What the status says when all is rolled out.
    mirror: Mirror,
    generation: i64,
    status: Option<AerospikeClusterStatus>,
    objects: BTreeMap<(Kind, String), Stored>,
    /// The sets by which pods are made.
    templates: BTreeMap<String, Value>,
    pods: BTreeMap<String, SimPod>,
    claims: BTreeMap<String, Claim>,
    /// The nodes of claims that are bound to one, by uid.
    pins: BTreeMap<String, String>,
    /// Nodes that take no more pods.
    cordoned: BTreeSet<&'static str>,
    servers: Servers,
    may_read_nodes: bool,
    faults: Faults,
    dice: Dice,
    /// Milliseconds.
    now: i64,
    counter: u64,
    /// The controller died in the middle of a step.
    died: bool,
    /// The pods that the step stops that is being taken: whoever decided it cannot know what happens to others now.
    in_hand: Vec<String>,
    /// The pods that the status knew when the world was looked at last.
    known: BTreeSet<String>,
    restarts: Restarts,
    /// The servers that ran then and heard each other.
    ran: BTreeSet<String>,
    /// Those that did when the last step was decided.
    relied_on: BTreeSet<String>,
    /// Pods that were stopped just when another crashed or was cut off, which nobody could know.
    excused: BTreeSet<String>,
    /// So much of the servers' record was judged.
    judged: usize,
    /// What was due to the objects last.
    kept: Option<(Basis, Share)>,
}

/// Milliseconds that go by between two passes, as one would hope for and otherwise.
const SPANS: [u16; 4] = [10_000, 300, 1_000, 3_000];

impl World {
    pub fn new(desired: Desired, thrown: Vec<u8>) -> Self {
        let seed = thrown
            .iter()
            .fold(1, |seed, byte| seed * 31 % 65_521 + u64::from(*byte));
        Self {
            servers: Servers::new(&desired, seed),
            mirror: Mirror::of(&desired.spec),
            desired,
            generation: 1,
            status: None,
            objects: BTreeMap::new(),
            templates: BTreeMap::new(),
            pods: BTreeMap::new(),
            claims: BTreeMap::new(),
            pins: BTreeMap::new(),
            cordoned: BTreeSet::new(),
            may_read_nodes: false,
            faults: Faults::default(),
            dice: Dice { thrown, used: 0 },
            now: 1_000_000_000,
            counter: 0,
            died: false,
            in_hand: Vec::new(),
            known: BTreeSet::new(),
            restarts: Restarts::default(),
            ran: BTreeSet::new(),
            relied_on: BTreeSet::new(),
            excused: BTreeSet::new(),
            judged: 0,
            kept: None,
        }
    }

    /// The user changes the spec.
    pub fn wish(&mut self, desired: Desired) {
        self.mirror = Mirror::of(&desired.spec);
        self.desired = desired;
        self.generation += 1;
        self.ask();
    }

    fn fresh(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Some time goes by.
    pub fn settle(&mut self) {
        let span = SPANS[usize::from(self.dice.roll(4))];
        self.now += i64::from(span);
        self.run_stateful_sets();
        self.advance_pods();
        self.welcome_back();
        self.remove_claims();
        self.servers.advance(span.into());
        self.bend_answers();
        self.drain_nodes();
        self.assert_no_harm();
    }

    /// Of `wish`, as it is when all is done.
    pub fn settled(wish: &clusters::Wish) -> Self {
        let mut world = Self::new(wish.resolve(), Vec::new());
        world.converge();
        world
    }

    /// Applies what the plan would, and lets the sets' controller take note of it.
    pub fn apply_objects(&mut self) {
        let observed = self.observe();
        for effect in super::next(&self.desired, &observed).upkeep {
            self.carry_out(&effect).unwrap();
        }
        self.run_stateful_sets();
    }

    /// What the controller reads.
    pub fn observe(&mut self) -> Observed {
        let mut observed = Observed {
            now: at(self.now),
            status: self.status.clone().unwrap_or_default(),
            objects: self.live_objects(),
            pods: self.observed_pods(),
            claims: self.claims.values().cloned().collect(),
            may_read_nodes: self.may_read_nodes || !self.desired.network.uses_node_addresses(),
            ..Observed::default()
        };
        self.ask_servers(&mut observed);
        let observed = observed.with_restarting_servers();
        self.known = observed.status.pods.keys().cloned().collect();
        let heard = |pod: &&str| !self.servers.is_cut_off(pod);
        self.ran = self
            .servers
            .all()
            .filter(heard)
            .map(str::to_owned)
            .collect();
        for (name, pod) in &mut self.pods {
            pod.served = pod.serves() && self.servers.runs(name);
        }
        observed
    }
}

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_second(millisecond / 1000).unwrap()
}
