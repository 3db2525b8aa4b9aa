//! Clusters as they come and go, and the records in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fleet;
use super::epochs::Stores;
use super::layout::{Layout, Origin, Traffic};
use super::placement::bit;
use super::record::{Cause, Harm};
use super::server::{Server, Stage};
use super::space::{NOBODY, Space};
use crate::cluster::{NodeId, Offer};
use crate::node::{Holding, Migrations, roster_ids};

/// What the members of one cluster key hold.
#[derive(Clone)]
pub struct Cluster {
    began: u64,
    layouts: BTreeMap<String, Layout>,
    /// Whether something was written to all of it.
    written: bool,
}

/// Until a server writes its buffers to its disks: `flush-max-ms`.
const FLUSH: u64 = 1000;

impl Fleet {
    pub(super) fn space(&mut self, namespace: &str) -> &mut Space {
        let partitions = self.partitions;
        self.spaces
            .entry(namespace.to_owned())
            .or_insert_with(|| Space::new(partitions))
    }

    /// Follows the servers into the clusters that they formed.
    pub(super) fn form_clusters(&mut self) {
        let mut formed = false;
        for index in 0..self.servers.len() {
            let (key, known) = {
                let server = &self.servers[index];
                (server.node.engine.key(), server.cluster)
            };
            if key == 0 || known == Some(key) || !self.servers[index].beats() {
                continue;
            }
            if !self.clusters.contains_key(&key) {
                self.form(index, key);
            }
            self.servers[index].cluster = Some(key);
            formed = true;
        }
        if formed {
            self.forget_clusters();
            self.share();
            self.client.outdate(self.now);
        }
    }

    fn form(&mut self, index: usize, key: u64) {
        let engine = &self.servers[index].node.engine;
        let runs = engine.incarnations();
        let offers = engine.members().clone();
        let members: Vec<_> = (0..self.servers.len())
            .filter(|it| runs.contains(&self.servers[*it].me))
            .collect();
        let names: BTreeSet<String> = offers
            .values()
            .flat_map(|offer| offer.namespaces.iter().map(|it| it.name.clone()))
            .collect();
        let mut layouts = BTreeMap::new();
        for name in names {
            let layout = self.lay_out(index, &name, &offers, &members);
            layouts.insert(name, layout);
        }
        let cluster = Cluster {
            began: self.now,
            layouts,
            written: false,
        };
        self.clusters.insert(key, cluster);
    }

    fn lay_out(
        &mut self,
        index: usize,
        namespace: &str,
        offers: &BTreeMap<NodeId, Arc<Offer>>,
        members: &[usize],
    ) -> Layout {
        let node = &self.servers[index].node;
        let strong = offers
            .values()
            .any(|offer| offer.namespace(namespace).is_some_and(|it| it.strong));
        let roster = strong.then(|| roster_ids(&node.pending_roster(namespace)));
        let ownership =
            self.balances
                .balance(offers, namespace, roster.as_deref(), self.partitions);
        let place = |id: &NodeId| {
            let member = members.iter().find(|it| self.servers[**it].me.id == *id);
            let place = member.and_then(|it| self.servers[*it].place(namespace));
            place.unwrap_or(NOBODY)
        };
        let places: Vec<_> = ownership.nodes.iter().map(place).collect();
        let quiesced = offers.iter().filter(|(_, offer)| offer.quiesced);
        let quiesced = quiesced.fold(0, |all, (id, _)| all | bit(place(id)));
        let origins = origins(&self.servers, &self.clusters, members, namespace);
        let partitions = self.partitions;
        let space = self
            .spaces
            .entry(namespace.to_owned())
            .or_insert_with(|| Space::new(partitions));
        let (layout, lost) = Layout::begin(ownership, places, quiesced, &origins, space);
        self.note(Harm::DataLoss, namespace, lost, Cause::Dropped);
        layout
    }

    /// Clusters without members are history.
    pub(super) fn forget_clusters(&mut self) {
        let servers = &self.servers;
        self.clusters
            .retain(|key, _| servers.iter().any(|it| it.cluster == Some(*key)));
    }

    /// The stores of those that serve in a cluster.
    fn serving(servers: &[Server], key: u64, namespace: &str) -> Stores {
        let members = servers.iter().filter(|it| it.cluster == Some(key));
        let members = members.filter(|it| Self::lives(it));
        let places = members.filter_map(|it| it.place(namespace));
        places.fold(0, |all, place| all | bit(place))
    }

    /// Partitions of which something is nowhere to be had once a server is gone.
    pub(super) fn silenced_by(&self, index: usize, namespace: &str) -> usize {
        let Some(space) = self.spaces.get(namespace) else {
            return 0;
        };
        let mut serving = 0;
        for key in self.clusters.keys() {
            serving |= Self::serving(&self.servers, *key, namespace);
        }
        let leaving = self.servers[index].place(namespace).map_or(0, bit) & serving;
        space.silenced(serving & !leaving, leaving)
    }

    /// Some time of migrations and of a client's work.
    pub(super) fn work(&mut self, elapsed: u64) {
        self.migrate(elapsed);
        self.count_operations(elapsed);
    }

    /// Microseconds that one partition takes: a real server moves its share of 4096 in about three seconds when there
    /// is little in them.
    fn cost(&self) -> u64 {
        1000 * self.pace * 4096 / self.partitions.max(1) as u64
    }

    pub(super) fn is_moving(&self) -> bool {
        let mut layouts = self.clusters.values().flat_map(|it| it.layouts.values());
        layouts.any(Layout::is_moving)
    }

    fn migrate(&mut self, elapsed: u64) {
        let (cost, now) = (self.cost(), self.now);
        let mut lost = Vec::new();
        for (key, cluster) in &mut self.clusters {
            let began = cluster.began;
            for (namespace, layout) in &mut cluster.layouts {
                if !layout.is_moving() {
                    continue;
                }
                let (mut threads, mut filling) = ([0; 64], 0);
                for server in self.servers.iter().filter(|it| it.cluster == Some(*key)) {
                    let Some(place) = server.place(namespace) else {
                        continue;
                    };
                    let number =
                        |name: &str, otherwise| server.node.settings.number(name, otherwise);
                    threads[usize::from(place)] = number("service.migrate-threads", 1);
                    let delay = number("service.migrate-fill-delay", 0) * 1000;
                    filling |= if now >= began + delay { bit(place) } else { 0 };
                }
                let (servers, network) = (&self.servers, &self.network);
                let name = |place| {
                    let server = servers.iter().find(|it| it.place(namespace) == Some(place));
                    server.map_or("", |it| it.name.as_str())
                };
                let traffic = Traffic {
                    elapsed,
                    cost,
                    alive: Self::serving(servers, *key, namespace),
                    threads: &threads,
                    filling,
                    cut: &|from, to| network.is_cut() && network.parts(name(from), name(to)),
                };
                let space = self.spaces.get_mut(namespace);
                let dropped = space.map_or(0, |space| layout.migrate(&traffic, space));
                lost.push((namespace.clone(), dropped));
                if layout.take_changed() {
                    self.client.outdate(now);
                }
            }
        }
        for (namespace, lost) in lost {
            self.note(Harm::DataLoss, &namespace, lost, Cause::Dropped);
        }
    }

    /// The client writes to all that it reaches.
    pub(super) fn write(&mut self) {
        if self.client.rate.is_none() {
            return;
        }
        for (key, cluster) in self.clusters.iter_mut().filter(|(_, it)| !it.written) {
            cluster.written = true;
            for (namespace, layout) in &cluster.layouts {
                let alive = Self::serving(&self.servers, *key, namespace);
                let Some(space) = self.spaces.get_mut(namespace) else {
                    continue;
                };
                for (partition, epochs) in space.epochs.iter_mut().enumerate() {
                    let stores = layout.written(partition);
                    let whole = self.network.is_cut()
                        && is_parted(&self.servers, &self.network, namespace, stores);
                    if stores & !alive == 0 && !whole {
                        epochs.add(stores);
                    }
                }
            }
        }
    }

    /// What a killed server had in its buffers only: all that was written to it in the last second.
    pub(super) fn lose_buffers(&mut self, server: &Server, namespace: &str, cause: &Cause) {
        let (Some(key), Some(place)) = (server.cluster, server.place(namespace)) else {
            return;
        };
        let killed = (bit(place), self.now);
        let Some(cluster) = self.clusters.get_mut(&key) else {
            return;
        };
        let written = cluster.written && self.client.rate.is_some();
        let (Some(layout), Some(space), true) = (
            cluster.layouts.get_mut(namespace),
            self.spaces.get_mut(namespace),
            written,
        ) else {
            return;
        };
        let gone = layout.killed(killed, FLUSH);
        let mut lost = 0;
        for (partition, epochs) in space.epochs.iter_mut().enumerate() {
            let stores = layout.written(partition);
            if stores & bit(place) != 0 {
                epochs.add(stores & !gone);
                lost += usize::from(stores & !gone == 0);
            }
        }
        self.note(Harm::DataLoss, namespace, lost, cause.clone());
    }

    fn count_operations(&mut self, elapsed: u64) {
        let now = self.now;
        for server in self
            .servers
            .iter_mut()
            .filter(|it| it.stage == Stage::Serving)
        {
            for (namespace, place) in &server.places {
                let count = self.client.operations(namespace, *place, elapsed);
                if count > 0 {
                    let counts = &mut server.node.counts;
                    let reads = counts.reads.entry(namespace.clone()).or_default();
                    reads.count_many(now, count);
                    let writes = counts.writes.entry(namespace.clone()).or_default();
                    writes.count_many(now, count);
                }
            }
        }
    }

    /// The client looks who is the master of what.
    pub(super) fn tend(&mut self) {
        if !self.client.stale || self.now < self.client.next_tend {
            return;
        }
        self.client.stale = false;
        let sizes = self.clusters.iter().map(|(key, cluster)| {
            let members = self.servers.iter().filter(|it| it.cluster == Some(*key));
            (members.filter(|it| it.beats()).count(), cluster)
        });
        let largest = sizes.max_by_key(|(size, _)| *size);
        for (namespace, layout) in largest.iter().flat_map(|(_, it)| &it.layouts) {
            let masters = (0..self.partitions).map(|it| layout.acting(it));
            self.client.see(namespace, masters);
        }
    }

    /// What a server has of a namespace, and has to move.
    pub(super) fn holding(
        &self,
        index: usize,
        namespace: &str,
        place: u8,
        size: u64,
    ) -> (Holding, Migrations) {
        let server = &self.servers[index];
        let key = server.node.engine.key();
        let layout = self
            .clusters
            .get(&key)
            .and_then(|it| it.layouts.get(namespace));
        let (Some(layout), Some(space)) = (layout, self.spaces.get(namespace)) else {
            return (Holding::default(), Migrations::default());
        };
        let mut counts = [0; 3];
        for (partition, held) in space.held.iter().enumerate() {
            if held & bit(place) != 0 {
                let wanted = layout.wanted(partition) & bit(place) != 0;
                let master = layout.acting(partition) == place;
                counts[if master { 0 } else { 2 - usize::from(wanted) }] += 1;
            }
        }
        let bytes = self.bytes_of(namespace);
        let holding = Holding::of(counts, self.partitions, bytes, size);
        (holding, layout.migrations(place))
    }

    /// Servers of a cluster tell each other users, roles and rosters.
    pub(super) fn share(&mut self) {
        for from in 0..self.servers.len() {
            let (cluster, smd) = (
                self.servers[from].cluster,
                self.servers[from].node.smd.clone(),
            );
            if cluster.is_none() || smd.is_empty() {
                continue;
            }
            for to in 0..self.servers.len() {
                if to != from
                    && self.servers[to].cluster == cluster
                    && Self::lives(&self.servers[to])
                {
                    self.servers[to].node.learn(smd.clone());
                }
            }
        }
        for server in &mut self.servers {
            server.node.due = crate::node::Due::default();
        }
    }

    /// What a question changed.
    pub(super) fn follow(&mut self, index: usize) {
        let node = &mut self.servers[index].node;
        if std::mem::take(&mut node.due.sharing) {
            self.share();
        }
    }
}

fn origins<'a>(
    servers: &[Server],
    clusters: &'a BTreeMap<u64, Cluster>,
    members: &[usize],
    namespace: &str,
) -> Vec<Origin<'a>> {
    let mut stores: BTreeMap<u64, Stores> = BTreeMap::new();
    for index in members {
        let server = &servers[*index];
        if let (Some(key), Some(place)) = (server.cluster, server.place(namespace)) {
            *stores.entry(key).or_default() |= bit(place);
        }
    }
    let origins = stores.into_iter().map(|(key, stores)| Origin {
        stores,
        layout: clusters.get(&key).and_then(|it| it.layouts.get(namespace)),
    });
    origins.collect()
}

fn is_parted(
    servers: &[Server],
    network: &super::Network,
    namespace: &str,
    stores: Stores,
) -> bool {
    let held = |it: &&Server| {
        it.place(namespace)
            .is_some_and(|place| stores & bit(place) != 0)
    };
    let holders: Vec<_> = servers.iter().filter(held).collect();
    let parted = |one: &&Server| holders.iter().any(|it| network.parts(&one.name, &it.name));
    holders.iter().any(parted)
}
