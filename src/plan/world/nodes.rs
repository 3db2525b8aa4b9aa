//! Nodes: which take pods, which are drained, and what keeps a pod on one.

use serde_json::Value;

use super::{
    World,
    pods::{SimPod, Stage},
};
use crate::plan::observed::Claim;

const NODES: [&str; 8] = [
    "node-0", "node-1", "node-2", "node-3", "node-4", "node-5", "node-6", "node-7",
];
/// So many are drained at the same time.
const DRAINED: usize = 2;
/// After so many milliseconds without a node for a pod somebody gives nodes back.
const LONG: i64 = 60_000;

impl World {
    /// The scheduler finds a node for a pod whose claims are there, if one takes it.
    pub fn place(&mut self, name: &str) -> bool {
        let set = &self.templates[&self.pods[name].set];
        let claims: Vec<_> = self.claims_of(name).cloned().collect();
        let templates = set["spec"]["volumeClaimTemplates"].as_array();
        let wanted = templates.map_or(0, Vec::len);
        let affinity = &self.pods[name].affinity;
        if claims.len() < wanted || claims.iter().any(|claim| claim.deleting) {
            return false;
        }
        let pinned = |node: &str| {
            let mut pins = claims.iter().filter_map(|claim| self.pins.get(&claim.uid));
            pins.all(|pin| pin == node)
        };
        let takes = |node: &&str| {
            !self.cordoned.contains(*node) && !keeps_off(affinity, node) && pinned(node)
        };
        let begin = usize::try_from(self.counter).unwrap() % NODES.len();
        let mut nodes = NODES[begin..].iter().chain(&NODES[..begin]).copied();
        let Some(node) = nodes.find(takes) else {
            return false;
        };
        let local = claims.iter().filter(|claim| self.is_local(claim));
        let pins: Vec<_> = local
            .map(|claim| (claim.uid.clone(), node.to_owned()))
            .collect();
        self.pins.extend(pins);
        self.pods.get_mut(name).unwrap().node = Some(node);
        true
    }

    pub fn claims_of(&self, pod: &str) -> impl Iterator<Item = &Claim> {
        let suffix = format!("-{pod}");
        let claims = self.claims.values();
        claims.filter(move |claim| claim.name.ends_with(&suffix))
    }

    /// Whether the user says that volumes of its class are bound to a node.
    pub fn is_local(&self, claim: &Claim) -> bool {
        let storage = self.desired.spec.storage.as_ref().unwrap();
        let class = claim.storage_class.as_ref();
        class.is_some_and(|class| storage.local_storage_classes.contains(class))
    }

    /// Somebody drains the node of a pod, and gives others back. The webhook notes that on the pods that run there.
    pub fn drain_nodes(&mut self) {
        if self.dice.is_used_up() && self.is_drained() {
            self.cordoned.clear();
        }
        if self.dice.is_used_up() {
            self.leave_the_only_one();
        }
        if self.dice.roll(32) != 31 {
            return;
        }
        let placed: Vec<_> = self.pods.values().filter_map(|pod| pod.node).collect();
        if placed.is_empty() {
            return;
        }
        let sides = u8::try_from(placed.len()).unwrap();
        let node = placed[usize::from(self.dice.roll(sides))];
        self.evict_from(node);
    }

    /// Whoever wants to evict a cluster's only pod is told that it stays, and gives it up.
    fn leave_the_only_one(&mut self) {
        if let [pod] = &mut *self.pods.values_mut().collect::<Vec<_>>() {
            pod.evicted = false;
        }
    }

    /// All that shall move have moved, or one finds no node for so long that somebody gives them back.
    fn is_drained(&self) -> bool {
        let is_stuck =
            |pod: &SimPod| pod.stage == Stage::Unschedulable && self.now - pod.since > LONG;
        let moved = |pod: &SimPod| !pod.evicted && pod.node.is_some();
        self.pods.values().all(moved) || self.pods.values().any(is_stuck)
    }

    pub fn evict_from(&mut self, node: &'static str) {
        self.cordoned.insert(node);
        while self.cordoned.len() > DRAINED {
            self.cordoned.pop_first();
        }
        let runs = |pod: &SimPod| {
            let started = matches!(pod.stage, Stage::Starting | Stage::Sidecar | Stage::Ready);
            started && !pod.node_lost
        };
        for pod in self.pods.values_mut() {
            pod.evicted |= pod.node == Some(node) && runs(pod);
        }
    }

    /// Whether the user wants no pods on the node.
    pub fn is_blocked(&self, node: Option<&str>) -> bool {
        let blocked = &self.desired.spec.k8s_node_block_list;
        node.is_some_and(|node| blocked.iter().any(|it| it == node))
    }

    /// Nobody waits for a pod to be moved.
    pub fn assert_moved(&self) {
        let mut pods = self.pods.iter();
        let evicted = pods.find(|(_, pod)| pod.evicted);
        assert!(evicted.is_none(), "{evicted:?} is to be evicted");
        let mut pods = self.pods.iter();
        let blocked = pods.find(|(_, pod)| self.is_blocked(pod.node));
        assert!(blocked.is_none(), "{blocked:?} is on a blocked node");
    }
}

/// Whether the affinity of a pod keeps it off a node.
fn keeps_off(affinity: &Value, node: &str) -> bool {
    let required = "/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let terms = affinity
        .pointer(required)
        .map(|it| &it["nodeSelectorTerms"]);
    let terms = terms.and_then(Value::as_array).into_iter().flatten();
    let mut expressions =
        terms.flat_map(|term| term["matchExpressions"].as_array().into_iter().flatten());
    expressions.any(|it| {
        let names = |it: &Value| {
            it.as_array()
                .is_some_and(|list| list.contains(&node.into()))
        };
        it["operator"] == "NotIn" && names(&it["values"])
    })
}
