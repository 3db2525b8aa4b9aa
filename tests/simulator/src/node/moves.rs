//! What a change of the cluster makes a node send to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Node;
use crate::cluster::{Incarnation, NodeId};
use crate::partitions::{Ownership, partition_of};

/// Partitions that a node has still to send or receive, of a namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Migrations {
    /// To send, at first.
    pub send_initial: usize,
    /// To send, still.
    pub send: usize,
    /// Of those, what the master lacks: it is not delayed.
    pub lead: usize,
    /// To receive, at first.
    pub receive_initial: usize,
    /// To receive, still.
    pub receive: usize,
}

impl Migrations {
    /// Both ways.
    #[must_use]
    pub fn remaining(self) -> usize {
        self.send + self.receive
    }
}

/// What others send to a node since the last balance.
#[derive(Debug, Clone, Default)]
pub(super) struct Incoming {
    /// Members that have not said yet what they send.
    awaited: BTreeSet<NodeId>,
    /// What is on its way, by namespace and sender.
    partitions: BTreeMap<String, BTreeMap<NodeId, BTreeSet<usize>>>,
}

/// The balance before the last one.
#[derive(Clone, Default)]
pub(super) struct Before {
    pub(super) members: BTreeSet<Incarnation>,
    pub(super) ownership: BTreeMap<String, Arc<Ownership>>,
}

impl Node {
    pub(super) fn plan_migrations(&mut self) {
        let namespaces = self.settings.namespaces().to_vec();
        self.unsent = namespaces
            .into_iter()
            .map(|name| (name.clone(), self.partitions_to_send(&name)))
            .collect();
        let counts = self.unsent.iter().map(|(name, sends)| {
            let send = sends.len();
            (
                name.clone(),
                Migrations {
                    send,
                    lead: send,
                    send_initial: send,
                    ..Migrations::default()
                },
            )
        });
        self.migrations = counts.collect();
        let me = self.engine.me().id;
        let others = self.engine.members().keys().filter(|id| **id != me);
        self.incoming = Incoming {
            awaited: others.copied().collect(),
            ..Incoming::default()
        };
    }

    /// What this node has to send, by namespace: partitions, and to whom.
    #[must_use]
    pub fn unsent(&self) -> &BTreeMap<String, BTreeSet<(usize, NodeId)>> {
        &self.unsent
    }

    /// Whether nothing is on its way, and every other member has said so.
    #[must_use]
    pub fn has_all(&self) -> bool {
        let moves = self.migrations.values().any(|it| it.remaining() > 0);
        !moves && self.incoming.awaited.is_empty()
    }

    /// A member says what it is going to send, by namespace.
    pub fn expect(&mut self, from: NodeId, partitions: BTreeMap<String, BTreeSet<usize>>) {
        if !self.incoming.awaited.remove(&from) {
            return;
        }
        for (namespace, partitions) in partitions {
            let migrations = self.migrations.entry(namespace.clone()).or_default();
            migrations.receive += partitions.len();
            migrations.receive_initial += partitions.len();
            let coming = self.incoming.partitions.entry(namespace).or_default();
            coming.insert(from, partitions);
        }
    }

    /// Partitions arrived.
    pub fn count_received(&mut self, from: NodeId, namespace: &str, partitions: &[usize]) {
        let coming = self.incoming.partitions.get_mut(namespace);
        let Some(coming) = coming.and_then(|coming| coming.get_mut(&from)) else {
            return;
        };
        let arrived = partitions.iter().filter(|it| coming.remove(it)).count();
        if let Some(migrations) = self.migrations.get_mut(namespace) {
            migrations.receive = migrations.receive.saturating_sub(arrived);
        }
    }

    /// Partitions of a namespace that this node must send, and to whom: those that it held as the first of the
    /// nodes that are still here, those that it had not yet sent when the cluster changed again, and those that it holds
    /// though it should not.
    fn partitions_to_send(&self, namespace: &str) -> BTreeSet<(usize, NodeId)> {
        let Some(now) = self.ownership.get(namespace) else {
            return BTreeSet::new();
        };
        let unsent = self.unsent.get(namespace).into_iter().flatten();
        let owed: BTreeSet<_> = unsent.map(|(partition, _)| *partition).collect();
        let (me, stayed) = (self.engine.me().id, self.stayed());
        let held: BTreeSet<_> = self
            .records
            .all(namespace)
            .map(|(digest, _)| partition_of(digest))
            .collect();
        let before = self.before.ownership.get(namespace);
        // nobody else knows what a node still has that comes back with its devices
        let returned = self.before.members.is_empty();
        let sends = (0..self.partitions).flat_map(|partition| {
            let old = before.into_iter().flat_map(|it| it.replicas(partition));
            let old: Vec<_> = old.filter(|id| stayed.contains(id)).collect();
            let leads = old.first() == Some(&me);
            let surplus = held.contains(&partition) && now.place_of(me, partition).is_none();
            let back = returned && held.contains(&partition);
            let all = surplus || back || owed.contains(&partition);
            let lacks = |id: &NodeId| *id != me && (all || (leads && !old.contains(id)));
            let new = now.replicas(partition).filter(lacks);
            new.map(|id| (partition, id)).collect::<Vec<_>>()
        });
        sends.collect()
    }

    /// Nodes that were in the cluster before the last balance and did not restart since.
    fn stayed(&self) -> BTreeSet<NodeId> {
        let now = self.engine.incarnations();
        self.before
            .members
            .intersection(&now)
            .map(|it| it.id)
            .collect()
    }

    /// Counts partitions that were sent.
    pub fn count_sent(&mut self, namespace: &str, to: NodeId, partitions: &[usize]) {
        let Some(unsent) = self.unsent.get_mut(namespace) else {
            return;
        };
        for partition in partitions {
            unsent.remove(&(*partition, to));
        }
        if let Some(migrations) = self.migrations.get_mut(namespace) {
            migrations.send = unsent.len();
            migrations.lead = migrations.send;
        }
    }

    /// Drops copies that this node should not hold; a quiesced node never does.
    pub fn drop_surplus(&mut self) {
        if self.is_quiesced() {
            return;
        }
        let me = self.engine.me().id;
        for (namespace, ownership) in &self.ownership {
            self.records.retain(namespace, |digest, _| {
                ownership.place_of(me, partition_of(digest)).is_some()
            });
        }
    }
}
