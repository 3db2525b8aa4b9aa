//! The state machine of one node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::message::{Incarnation, NodeId, Offer, Pulse, View};

/// Milliseconds of the heartbeat, and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two pulses.
    pub interval: u64,
    /// Silence after which a node is lost.
    pub timeout: u64,
}

/// The parts of the heartbeat timeout (real default 1500 ms) were fitted to the timelines of server 8.1.2.
impl Timing {
    /// Of `heartbeat.interval` and `heartbeat.timeout`.
    #[must_use]
    pub fn new(interval: u64, misses: u64) -> Self {
        let timeout = interval.saturating_mul(misses);
        Self { interval, timeout }
    }

    fn after_loss(self) -> u64 {
        self.timeout / 3
    }

    fn after_join(self) -> u64 {
        self.timeout * 14 / 15
    }

    fn after_restart(self) -> u64 {
        self.timeout + self.after_loss()
    }

    fn alone(self) -> u64 {
        self.timeout * 4 / 3
    }

    fn exchange(self) -> u64 {
        self.timeout / 10
    }
}

/// What happened to a node that its surroundings must act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The membership in force changed: partitions are to be balanced anew.
    Rebalanced,
    /// A line for the log, with its context.
    Warning(&'static str, String),
}

/// The answer to a demand to balance anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recluster {
    /// It is done.
    Begun,
    /// Only the principal does that.
    NotPrincipal,
    /// A change is under way already.
    Busy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In no cluster, or its principal is lost.
    Orphan,
    /// Members tell each other what they bring; not before this time is it over.
    Exchanging { until: u64 },
    /// In a cluster.
    Settled,
}

#[derive(Debug, Clone)]
struct Peer {
    heard: u64,
    pulse: Arc<Pulse>,
}

/// The membership as one node sees it.
#[derive(Debug, Clone)]
pub struct Engine {
    me: Incarnation,
    cluster_name: String,
    timing: Timing,
    largest: usize,
    least: usize,
    offer: Arc<Offer>,
    offered: Arc<Offer>,
    said: Option<Arc<Pulse>>,
    peers: BTreeMap<NodeId, Peer>,
    rivals: BTreeMap<NodeId, u64>,
    view: Option<View>,
    phase: Phase,
    committed: BTreeMap<NodeId, Arc<Offer>>,
    committed_key: u64,
    generation: u64,
    pending_since: Option<u64>,
    started: u64,
    ticked: u64,
    rebalanced: u64,
    random: u64,
    wedged: bool,
    urgent: bool,
    events: Vec<Event>,
}

impl Engine {
    /// A node that has just started at `now`.
    #[must_use]
    pub fn new(
        me: Incarnation,
        cluster_name: &str,
        timing: Timing,
        offer: Offer,
        now: u64,
    ) -> Self {
        let offer = Arc::new(offer);
        Self {
            me,
            cluster_name: cluster_name.to_owned(),
            timing,
            largest: 256,
            least: 1,
            offered: Arc::clone(&offer),
            offer,
            said: None,
            peers: BTreeMap::new(),
            rivals: BTreeMap::new(),
            view: None,
            phase: Phase::Orphan,
            committed: BTreeMap::new(),
            committed_key: 0,
            generation: 0,
            pending_since: None,
            started: now,
            ticked: now,
            rebalanced: now,
            random: me.nonce ^ me.id,
            wedged: false,
            urgent: true,
            events: Vec::new(),
        }
    }

    /// With at most `largest` nodes in its cluster.
    #[must_use]
    pub fn with_largest_cluster(mut self, largest: usize) -> Self {
        self.largest = largest;
        self
    }

    /// This node.
    #[must_use]
    pub fn me(&self) -> Incarnation {
        self.me
    }

    /// What it says to everybody; the same allocation until it says something else.
    pub fn pulse(&mut self) -> Arc<Pulse> {
        let view = self.view.as_ref().filter(|_| self.phase != Phase::Orphan);
        let said = self.said.get_or_insert_with(|| {
            Arc::new(Pulse {
                cluster_name: self.cluster_name.clone(),
                from: self.me,
                view: view.cloned(),
                offer: Arc::clone(&self.offered),
            })
        });
        Arc::clone(said)
    }

    /// Whether the pulse says something new, that should not wait for the next interval.
    pub fn take_urgent(&mut self) -> bool {
        std::mem::take(&mut self.urgent)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Milliseconds between two pulses.
    #[must_use]
    pub fn interval(&self) -> u64 {
        self.timing.interval
    }

    /// Changes the heartbeat's timing.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Changes the name of the cluster.
    pub fn set_cluster_name(&mut self, name: &str) {
        name.clone_into(&mut self.cluster_name);
        self.said = None;
    }

    /// Changes the least number of nodes that may form a cluster.
    pub fn set_least_cluster(&mut self, least: usize) {
        self.least = least;
    }

    /// Changes what the node brings; it counts from the next change of the cluster on.
    pub fn set_offer(&mut self, offer: Offer) {
        self.offer = Arc::new(offer);
        if self.phase == Phase::Orphan {
            self.offered = Arc::clone(&self.offer);
            self.said = None;
        }
    }

    /// A pulse arrived.
    pub fn hear(&mut self, pulse: Arc<Pulse>, now: u64) {
        if pulse.from == self.me || !self.is_welcome(&pulse) || self.is_rival(&pulse, now) {
            return;
        }
        let heard = Arc::clone(&pulse);
        self.peers.insert(pulse.from.id, Peer { heard: now, pulse });
        if let Some(view) = &heard.view {
            self.consider(heard.from, view, now);
        }
        self.settle(now);
    }

    fn is_welcome(&mut self, pulse: &Pulse) -> bool {
        if pulse.cluster_name != self.cluster_name {
            let text = format!(
                "ignoring message from {:X} with different cluster name '{}'",
                pulse.from.id, pulse.cluster_name
            );
            self.events.push(Event::Warning("hb", text));
            return false;
        }
        let new = pulse.from.id != self.me.id && !self.peers.contains_key(&pulse.from.id);
        if new && self.peers.len() + 1 >= self.largest {
            let text = format!("exceeding maximum supported cluster size {}", self.largest);
            self.events.push(Event::Warning("hb", text));
            return false;
        }
        true
    }

    /// A node id that two living processes claim: whoever was first keeps it.
    fn is_rival(&mut self, pulse: &Pulse, now: u64) -> bool {
        let id = pulse.from.id;
        let known = self.peers.get(&id);
        let lives = |peer: &Peer| {
            peer.pulse.from.nonce != pulse.from.nonce && now < peer.heard + self.timing.interval * 2
        };
        let contested = id == self.me.id || known.is_some_and(lives);
        if contested {
            self.rivals.insert(id, now);
        }
        contested
    }

    /// What somebody else takes for the membership.
    fn consider(&mut self, from: Incarnation, view: &View, now: u64) {
        if self.highest() != from {
            return;
        }
        let mine = self.view.as_ref().map(|view| view.key);
        if mine == Some(view.key) && self.phase != Phase::Orphan {
            return;
        }
        if view.members.contains(&self.me) {
            self.adopt(view.clone(), now);
        } else if self
            .view
            .as_ref()
            .and_then(View::principal)
            .is_some_and(|principal| principal.id == from.id)
        {
            self.orphan();
        }
    }

    fn highest(&self) -> Incarnation {
        let peers = self.peers.values().map(|peer| peer.pulse.from);
        peers.chain([self.me]).max().unwrap_or(self.me)
    }

    fn adopt(&mut self, view: View, now: u64) {
        let joins = view.members.len() > self.committed.len() || self.committed_key == 0;
        let hold = if joins { self.timing.exchange() } else { 0 };
        self.view = Some(view);
        self.phase = Phase::Exchanging { until: now + hold };
        self.offered = Arc::clone(&self.offer);
        self.said = None;
        self.pending_since = None;
        self.wedged = false;
        self.urgent = true;
    }

    fn orphan(&mut self) {
        self.phase = Phase::Orphan;
        self.offered = Arc::clone(&self.offer);
        self.said = None;
        self.urgent = true;
    }

    /// Time passed.
    pub fn tick(&mut self, now: u64) {
        let slept = now.saturating_sub(self.ticked) > self.timing.timeout;
        self.ticked = now;
        self.rivals
            .retain(|_, seen| now <= *seen + self.timing.timeout);
        self.forget_silent(now);
        if slept && self.committed_key != 0 {
            self.stand_alone(now);
        }
        self.lead(now);
        self.settle(now);
    }

    fn forget_silent(&mut self, now: u64) {
        let timeout = self.timing.timeout;
        self.peers.retain(|_, peer| now <= peer.heard + timeout);
        let principal = self.view.as_ref().and_then(View::principal);
        let lost =
            principal.is_some_and(|it| it.id != self.me.id && !self.peers.contains_key(&it.id));
        if lost && self.phase != Phase::Orphan {
            self.orphan();
        }
    }

    /// After a long sleep a node takes itself for the only one, until it hears of others.
    fn stand_alone(&mut self, now: u64) {
        let key = self.draw_key();
        self.view = Some(View {
            key,
            members: BTreeSet::from([self.me]),
        });
        self.said = None;
        self.commit(now);
        self.phase = Phase::Exchanging {
            until: now + self.timing.after_loss(),
        };
    }

    /// The node with the highest id brings the others in.
    fn lead(&mut self, now: u64) {
        if self.highest() != self.me {
            self.pending_since = None;
            return;
        }
        let members = self.candidates();
        if self.phase != Phase::Orphan
            && self
                .view
                .as_ref()
                .is_some_and(|view| view.members == members)
        {
            self.pending_since = None;
            return;
        }
        let first = if self.view.is_none() {
            self.started
        } else {
            now
        };
        let since = *self.pending_since.get_or_insert(first);
        if members.len() >= self.least && now >= since + self.patience(&members) {
            self.propose(members, now);
        }
    }

    fn candidates(&self) -> BTreeSet<Incarnation> {
        let peers = self.peers.values().map(|peer| peer.pulse.from);
        peers.chain([self.me]).collect()
    }

    /// How long a change of the membership is watched before it is acted on.
    fn patience(&self, members: &BTreeSet<Incarnation>) -> u64 {
        let Some(view) = &self.view else {
            return if members.len() == 1 {
                self.timing.alone()
            } else {
                self.timing.after_join()
            };
        };
        let same_id = |gone: &&Incarnation| members.iter().any(|it| it.id == gone.id);
        let mut gone = view.members.difference(members).peekable();
        if gone.peek().is_none() && self.phase != Phase::Orphan {
            return self.timing.after_join();
        }
        if gone.peek().is_some() && gone.all(|it| same_id(&it)) {
            return self.timing.after_restart();
        }
        self.timing.after_loss()
    }

    fn propose(&mut self, members: BTreeSet<Incarnation>, now: u64) {
        let key = self.draw_key();
        self.adopt(View { key, members }, now);
    }

    /// Brings in the same nodes again, which makes new offers count.
    pub fn recluster(&mut self, now: u64) -> Recluster {
        let principal = self.view.as_ref().and_then(View::principal);
        if self.phase == Phase::Orphan || principal != Some(self.me) {
            return Recluster::NotPrincipal;
        }
        let members = self.candidates();
        if self.phase != Phase::Settled || self.pending_since.is_some() {
            return Recluster::Busy;
        }
        self.propose(members, now);
        self.phase = Phase::Exchanging {
            until: now + self.timing.exchange(),
        };
        Recluster::Begun
    }

    /// Ends the exchange once everybody has told what they bring.
    fn settle(&mut self, now: u64) {
        let Phase::Exchanging { until } = self.phase else {
            return;
        };
        if now < until || !self.all_have_told() {
            return;
        }
        if let Some(text) = self.disagreement() {
            if !self.wedged {
                self.events.push(Event::Warning("exchange", text));
            }
            self.wedged = true;
            return;
        }
        self.commit(now);
    }

    fn all_have_told(&self) -> bool {
        let Some(view) = &self.view else { return false };
        let told = |member: &Incarnation| {
            let peer = self.peers.get(&member.id).map(|peer| &peer.pulse);
            peer.is_some_and(|pulse| {
                pulse.from == *member && pulse.view.as_ref().map(|view| view.key) == Some(view.key)
            })
        };
        view.members
            .iter()
            .all(|member| *member == self.me || told(member))
    }

    /// Namespaces whose members want different numbers of copies never get balanced.
    fn disagreement(&self) -> Option<String> {
        let mut factors: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        let offers = self.told_offers();
        for namespace in offers.values().flat_map(|offer| &offer.namespaces) {
            factors
                .entry(&namespace.name)
                .or_default()
                .insert(namespace.replication_factor);
        }
        let (name, factors) = factors.into_iter().find(|(_, factors)| factors.len() > 1)?;
        let (first, last) = (factors.first()?, factors.last()?);
        Some(format!(
            "{{{name}}} has unmatched replication factors from {first} to {last}"
        ))
    }

    fn told_offers(&self) -> BTreeMap<NodeId, &Arc<Offer>> {
        let members = self.view.iter().flat_map(|view| &view.members);
        let offers = members.filter_map(|member| {
            let offer = match self.peers.get(&member.id) {
                _ if *member == self.me => Some(&self.offered),
                peer => peer.map(|peer| &peer.pulse.offer),
            };
            offer.map(|offer| (member.id, offer))
        });
        offers.collect()
    }

    fn commit(&mut self, now: u64) {
        let offers = self
            .told_offers()
            .into_iter()
            .map(|(id, offer)| (id, Arc::clone(offer)));
        self.committed = offers.collect();
        self.committed_key = self.view.as_ref().map_or(0, |view| view.key);
        self.phase = Phase::Settled;
        self.generation += 1;
        self.rebalanced = now;
        self.urgent = true;
        self.events.push(Event::Rebalanced);
    }

    /// Splitmix: the engine must do the same again when its inputs are the same.
    fn draw_key(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) & 0xffff_ffff_ffff).max(1)
    }

    /// The members in force with what they brought; empty before the first cluster.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<NodeId, Arc<Offer>> {
        &self.committed
    }

    /// The members in force by their runs.
    #[must_use]
    pub fn incarnations(&self) -> BTreeSet<Incarnation> {
        let view = self
            .view
            .iter()
            .filter(|view| view.key == self.committed_key);
        view.flat_map(|view| view.members.iter().copied()).collect()
    }

    /// The key of the membership in force; 0 before the first.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.committed_key
    }

    /// How many memberships there were.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// When the last membership came into force.
    #[must_use]
    pub fn rebalanced_at(&self) -> u64 {
        self.rebalanced
    }

    /// Whether partitions may move: false from a change of the cluster to the balance after it.
    #[must_use]
    pub fn migrations_allowed(&self) -> bool {
        self.phase == Phase::Settled
    }

    /// Whether it has a principal.
    #[must_use]
    pub fn has_integrity(&self) -> bool {
        self.phase != Phase::Orphan
    }

    /// The principal it follows.
    #[must_use]
    pub fn principal(&self) -> Option<NodeId> {
        let view = self.view.as_ref().filter(|_| self.phase != Phase::Orphan);
        view.and_then(View::principal).map(|principal| principal.id)
    }

    /// Node ids that two processes claim.
    pub fn duplicates(&self) -> impl Iterator<Item = NodeId> {
        self.rivals.keys().copied()
    }

    /// Everybody that is heard, in the cluster or not.
    pub fn heard(&self) -> impl Iterator<Item = &Pulse> {
        self.peers.values().map(|peer| &*peer.pulse)
    }

    /// Whether nothing will change while exactly the nodes that say `said` go on saying it.
    #[must_use]
    pub fn is_calm(&self, said: &[&Arc<Pulse>]) -> bool {
        let heard = |pulse: &Arc<Pulse>| {
            let peer = self.peers.get(&pulse.from.id);
            pulse.from == self.me || peer.is_some_and(|peer| Arc::ptr_eq(&peer.pulse, pulse))
        };
        let members = self.view.as_ref().map_or(0, |view| view.members.len());
        self.phase == Phase::Settled
            && self.pending_since.is_none()
            && self.rivals.is_empty()
            && members == said.len()
            && self.peers.len() + 1 == said.len()
            && said.iter().all(|pulse| heard(pulse))
    }

    /// A calm while is over at `now`, in which everybody was heard.
    pub fn rest(&mut self, now: u64) {
        self.ticked = now;
        for peer in self.peers.values_mut() {
            peer.heard = now;
        }
    }
}
