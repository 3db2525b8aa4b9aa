//! Clusters as they come and go, and the records in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Fleet;
use super::consistency::Roster;
use super::epochs::Stores;
use super::layout::{Layout, Origin, Outcome, Terms, Traffic};
use super::placement::bit;
use super::record::{Cause, Harm};
use super::server::{Server, Stop};
use super::space::{NOBODY, Space};
use crate::cluster::{NodeId, Offer, newest_roster};
use crate::faults::{Fault, Point};
use crate::node::{Holding, Migrations, roster_ids};

/// What the members of one cluster key hold.
#[derive(Clone)]
pub struct Cluster {
    pub layouts: BTreeMap<String, Layout>,
    /// Whether something was written to all of it.
    pub written: bool,
    began: u64,
}

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
            let server = &mut self.servers[index];
            let key = server.node.engine.key();
            if key == server.committed || !server.beats() {
                continue;
            }
            server.committed = key;
            if self.clusters.contains_key(&key) {
                server.cluster = Some(key);
            } else {
                self.form(index, key);
            }
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
            let layout = self.lay_out(&name, &offers, &members);
            layouts.insert(name, layout);
        }
        let cluster = Cluster {
            began: self.now,
            layouts,
            written: false,
        };
        self.clusters.insert(key, cluster);
        // the others follow within milliseconds
        for member in members {
            self.servers[member].cluster = Some(key);
        }
    }

    fn lay_out(
        &mut self,
        namespace: &str,
        offers: &BTreeMap<NodeId, Arc<Offer>>,
        members: &[usize],
    ) -> Layout {
        let strong = offers
            .values()
            .any(|offer| offer.namespace(namespace).is_some_and(|it| it.strong));
        let list = strong.then(|| newest_roster(offers.values(), namespace).to_vec());
        let ids = list.as_ref().map(|list| roster_ids(list));
        let (balances, partitions) = (&self.balances, self.partitions);
        let ownership = balances.balance(offers, namespace, ids.as_deref(), partitions);
        let listed = list.filter(|list| !list.is_empty());
        let roster = listed.map(|list| Roster::of(&list, offers, namespace, balances, partitions));
        let elsewhere = roster
            .as_ref()
            .map(|roster| roster.seen_by(&self.others(members)));
        let place = |id: &NodeId| {
            let member = members.iter().find(|it| self.servers[**it].me.id == *id);
            let place = member.and_then(|it| self.servers[*it].place(namespace));
            place.unwrap_or(NOBODY)
        };
        let others = offers.keys().filter(|id| !ownership.nodes.contains(id));
        let others = others.map(place).filter(|place| *place != NOBODY);
        let quiesced = offers.iter().filter(|(_, offer)| offer.quiesced);
        let reviver = members
            .iter()
            .map(|it| &self.servers[*it])
            .find(|it| it.node.revived.contains(namespace));
        let reviver = reviver.map(|it| it.name.clone());
        let terms = Terms {
            places: ownership.nodes.iter().map(place).collect(),
            others: others.collect(),
            ownership,
            quiesced: quiesced.fold(0, |all, (id, _)| all | bit(place(id))),
            origins: &origins(&self.servers, &self.clusters, members, namespace),
            roster: roster.as_ref(),
            elsewhere: elsewhere.as_ref(),
            revives: reviver.is_some(),
        };
        let space = self
            .spaces
            .entry(namespace.to_owned())
            .or_insert_with(|| Space::new(partitions));
        let (layout, outcome) = Layout::begin(terms, space);
        for member in members {
            self.servers[*member].node.revived.remove(namespace);
        }
        self.note_outcome(namespace, outcome, reviver);
        layout
    }

    /// The nodes that live on elsewhere.
    fn others(&self, members: &[usize]) -> BTreeSet<NodeId> {
        let others = (0..self.servers.len()).filter(|it| !members.contains(it));
        let others = others.map(|it| &self.servers[it]);
        let alive = others.filter(|it| Self::lives(it));
        alive.map(|it| it.me.id).collect()
    }

    fn note_outcome(&mut self, namespace: &str, outcome: Outcome, reviver: Option<String>) {
        self.note(Harm::DataLoss, namespace, outcome.lost, Cause::Dropped);
        let silent = outcome.withdrawn + outcome.passed_over;
        self.note(Harm::Unavailable, namespace, silent, Cause::Rebalanced);
        if let Some(name) = reviver {
            let cause = Cause::Revived(name);
            self.note(Harm::DataLoss, namespace, outcome.revived, cause);
        }
    }

    /// Clusters without members are history.
    pub(super) fn forget_clusters(&mut self) {
        let servers = &self.servers;
        self.clusters
            .retain(|key, _| servers.iter().any(|it| it.cluster == Some(*key)));
    }

    /// The stores of those that serve in a cluster.
    pub(super) fn serving(servers: &[Server], key: u64, namespace: &str) -> Stores {
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
                let members = self.servers.iter().filter(|it| it.cluster == Some(*key));
                let (threads, filling) = senders(members, namespace, now.saturating_sub(began));
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
        self.crash_while_moving();
    }

    fn crash_while_moving(&mut self) {
        let point = Point::DuringMigration;
        let doomed = self
            .servers
            .iter()
            .filter(|it| it.node.faults.crashes(point));
        let moves = |it: &&Server| {
            let cluster = it.cluster.and_then(|key| self.clusters.get(&key));
            let mut places = it.places.iter();
            cluster.is_some_and(|cluster| {
                places.any(|(namespace, place)| {
                    let layout = cluster.layouts.get(namespace);
                    layout.is_some_and(|it| it.migrations(*place).remaining() > 0)
                })
            })
        };
        let doomed: Vec<_> = doomed.filter(moves).map(|it| it.name.clone()).collect();
        for name in doomed {
            self.stop(&name, Stop::Crashed);
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
        let own = self.clusters.get(&server.node.engine.key());
        let cluster = own.or_else(|| self.clusters.get(&server.cluster?));
        let layout = cluster.and_then(|it| it.layouts.get(namespace));
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
        let holding = Holding {
            unavailable: layout.unavailable,
            dead: layout.dead,
            ..Holding::of(counts, self.partitions, bytes, size)
        };
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

/// Threads by store, and the stores that may fill others after so many milliseconds.
fn senders<'a>(
    members: impl Iterator<Item = &'a Server>,
    namespace: &str,
    since: u64,
) -> ([u64; 64], Stores) {
    let (mut threads, mut filling) = ([0; 64], 0);
    for server in members {
        let Some(place) = server.place(namespace) else {
            continue;
        };
        let number = |name: &str, otherwise| server.node.settings.number(name, otherwise);
        if !server.node.faults.is_on(&Fault::FreezeMigrations) {
            threads[usize::from(place)] = number("service.migrate-threads", 1);
        }
        if since >= number("service.migrate-fill-delay", 0) * 1000 {
            filling |= bit(place);
        }
    }
    (threads, filling)
}
