//! What the client does to the records, and what a kill does to what it wrote.

use super::Fleet;
use super::epochs::Stores;
use super::network::Network;
use super::placement::bit;
use super::record::{Cause, Harm};
use super::server::{Server, Stage};
use crate::faults::Fault;

/// Until a server writes its buffers to its disks: `flush-max-ms`.
const FLUSH: u64 = 1000;

impl Fleet {
    /// The client writes to all that it reaches.
    pub(super) fn write(&mut self) {
        if self.client.rate.is_none() {
            return;
        }
        for (key, cluster) in self.clusters.iter_mut().filter(|(_, it)| !it.written) {
            cluster.written = true;
            for (namespace, layout) in &cluster.layouts {
                let alive = Self::serving(&self.servers, *key, namespace);
                let alive = alive & !full_disks(&self.servers, namespace);
                let Some(space) = self.spaces.get_mut(namespace) else {
                    continue;
                };
                for (partition, epochs) in space.epochs.iter_mut().enumerate() {
                    let stores = layout.written(partition);
                    let parted = self.network.is_cut()
                        && is_parted(&self.servers, &self.network, namespace, stores);
                    if stores & !alive == 0 && !parted {
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
        if server.node.is_strong(namespace)
            && let Some(space) = self.spaces.get_mut(namespace)
        {
            space.mistrust(place);
        }
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

    pub(super) fn count_operations(&mut self, elapsed: u64) {
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
}

fn full_disks(servers: &[Server], namespace: &str) -> Stores {
    let full = servers
        .iter()
        .filter(|it| it.node.faults.is_on(&Fault::FullDisk));
    let places = full.filter_map(|it| it.place(namespace));
    places.fold(0, |all, place| all | bit(place))
}

fn is_parted(servers: &[Server], network: &Network, namespace: &str, stores: Stores) -> bool {
    let held = |it: &&Server| {
        it.place(namespace)
            .is_some_and(|place| stores & bit(place) != 0)
    };
    let holders: Vec<_> = servers.iter().filter(held).collect();
    let parted = |one: &&Server| holders.iter().any(|it| network.parts(&one.name, &it.name));
    holders.iter().any(parted)
}
