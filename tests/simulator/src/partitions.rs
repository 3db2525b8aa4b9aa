//! Which node holds which partition.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cluster::{NodeId, Offer};

/// Partitions of a namespace.
pub const PARTITIONS: usize = 4096;

/// The partition of a record.
#[must_use]
pub fn partition_of(digest: &[u8; 20]) -> usize {
    usize::from(u16::from_le_bytes([digest[0], digest[1]])) & (PARTITIONS - 1)
}

/// Who holds a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Nodes that have the namespace (and are on its roster, where it has one).
    pub nodes: Vec<NodeId>,
    /// Those of them that are not quiesced.
    pub active: usize,
    /// Copies of each partition.
    pub copies: usize,
    /// For each partition the places in `nodes` of all of them, the master first; `copies` of them hold it.
    order: Vec<u8>,
}

impl Ownership {
    /// The places in `nodes` of the nodes of a partition, the master first, also of those that hold no copy.
    #[must_use]
    pub fn succession(&self, partition: usize) -> &[u8] {
        let width = self.nodes.len();
        self.order
            .get(partition * width..(partition + 1) * width)
            .unwrap_or_default()
    }

    /// The nodes that hold a partition, the master first.
    pub fn replicas(&self, partition: usize) -> impl Iterator<Item = NodeId> {
        let places = self.succession(partition).iter().take(self.copies);
        places.map(|place| self.nodes[usize::from(*place)])
    }

    /// Which of the replicas of a partition a node is, 0 for the master.
    #[must_use]
    pub fn place_of(&self, node: NodeId, partition: usize) -> Option<usize> {
        self.replicas(partition).position(|it| it == node)
    }

    /// The master of a partition.
    #[must_use]
    pub fn master(&self, partition: usize) -> Option<NodeId> {
        self.replicas(partition).next()
    }
}

/// What decides about the partitions of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    id: NodeId,
    quiesced: bool,
    factor: usize,
    rack: u32,
    active_rack: u32,
}

/// Balances that were worked out lately. All that share them work out none twice.
#[derive(Debug, Clone, Default)]
pub struct Balances(Arc<Mutex<Vec<Balance>>>);

#[derive(Debug)]
struct Balance {
    candidates: Vec<Candidate>,
    partitions: usize,
    ownership: Arc<Ownership>,
}

impl Balances {
    const KEPT: usize = 8;

    /// Who holds `namespace` in a cluster of `members`; `roster` limits it, where the namespace has one.
    #[must_use]
    pub fn balance(
        &self,
        members: &BTreeMap<NodeId, Arc<Offer>>,
        namespace: &str,
        roster: Option<&[NodeId]>,
        partitions: usize,
    ) -> Arc<Ownership> {
        let candidates = candidates(members, namespace, roster);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |it: &Balance| it.partitions == partitions && it.candidates == candidates;
        if let Some(found) = known.iter().find(|it| same(it)) {
            return Arc::clone(&found.ownership);
        }
        let ownership = Arc::new(balance(&candidates, partitions));
        known.truncate(Self::KEPT - 1);
        let fresh = Balance {
            candidates,
            partitions,
            ownership: Arc::clone(&ownership),
        };
        known.insert(0, fresh);
        ownership
    }
}

fn candidates(
    members: &BTreeMap<NodeId, Arc<Offer>>,
    namespace: &str,
    roster: Option<&[NodeId]>,
) -> Vec<Candidate> {
    let listed = |id: &NodeId| roster.is_none_or(|roster| roster.contains(id));
    let members = members.iter().filter(|(id, _)| listed(id));
    let candidates = members.filter_map(|(&id, member)| {
        let offer = member.namespace(namespace)?;
        Some(Candidate {
            id,
            quiesced: member.quiesced,
            factor: offer.replication_factor,
            rack: offer.rack,
            active_rack: offer.active_rack,
        })
    });
    candidates.collect()
}

fn balance(candidates: &[Candidate], partitions: usize) -> Ownership {
    let active = candidates.iter().filter(|it| !it.quiesced).count();
    let wanted = candidates.iter().map(|it| it.factor).min().unwrap_or(0);
    // all quiesced counts as none quiesced
    let copies = wanted.min(if active == 0 {
        candidates.len()
    } else {
        active
    });
    let mut order = Vec::with_capacity(partitions * candidates.len());
    let mut ranked = Vec::with_capacity(candidates.len());
    for partition in 0..partitions {
        rank(candidates, partition, &mut ranked);
        spread_over_racks(candidates, &mut ranked, copies);
        order.extend(ranked.iter().map(|it| it.place));
    }
    Ownership {
        nodes: candidates.iter().map(|it| it.id).collect(),
        active,
        copies,
        order,
    }
}

/// A candidate on its place in the order of a partition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ranked {
    last: bool,
    away: bool,
    hash: u64,
    place: u8,
}

fn rank(candidates: &[Candidate], partition: usize, ranked: &mut Vec<Ranked>) {
    ranked.clear();
    ranked.extend((0..).zip(candidates).map(|(place, it)| Ranked {
        last: it.quiesced,
        away: it.active_rack != 0 && it.rack != it.active_rack,
        hash: hash(it.id, partition),
        place,
    }));
    ranked.sort_unstable();
}

/// Moves nodes of racks that have a copy already behind nodes of racks that have none.
fn spread_over_racks(candidates: &[Candidate], order: &mut [Ranked], copies: usize) {
    let rack = |it: &Ranked| candidates[usize::from(it.place)].rack;
    for slot in 1..copies.min(order.len()) {
        let (chosen, rest) = order.split_at(slot);
        let fresh = |it: &Ranked| !it.last && chosen.iter().all(|other| rack(other) != rack(it));
        if let Some(offset) = rest.iter().position(fresh) {
            order[slot..=slot + offset].rotate_right(1);
        }
    }
}

/// A number that scatters nodes differently for each partition.
fn hash(id: NodeId, partition: usize) -> u64 {
    let mut mixed = id ^ (partition as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{KnownRoster, NamespaceOffer};
    use proptest::prelude::*;

    type Members = BTreeMap<NodeId, Arc<Offer>>;

    fn balance(members: &Members, roster: Option<&[NodeId]>) -> Arc<Ownership> {
        Balances::default().balance(members, "test", roster, PARTITIONS)
    }

    fn members(racks: &[u32], copies: usize) -> Members {
        let offer = |rack: u32| {
            let namespace = NamespaceOffer {
                name: "test".to_owned(),
                replication_factor: copies,
                rack,
                active_rack: 0,
                strong: false,
                roster: KnownRoster::default(),
            };
            Arc::new(Offer {
                namespaces: vec![namespace],
                ..Offer::default()
            })
        };
        (0xa1..)
            .zip(racks.iter().map(|&rack| offer(rack)))
            .collect()
    }

    #[test]
    fn each_of_three_nodes_is_master_of_about_a_third() {
        let ownership = balance(&members(&[0, 0, 0], 2), None);
        for node in [0xa1, 0xa2, 0xa3] {
            let masters = (0..PARTITIONS)
                .filter(|&it| ownership.master(it) == Some(node))
                .count();
            assert!((1200..1540).contains(&masters), "{masters}");
        }
    }

    #[test]
    fn a_quiesced_node_is_master_of_nothing_and_lowers_the_copies_only_when_few_are_left() {
        let mut members = members(&[0, 0, 0], 2);
        Arc::make_mut(members.get_mut(&0xa2).unwrap()).quiesced = true;
        let ownership = balance(&members, None);
        assert_eq!((ownership.copies, ownership.active), (2, 2));
        assert!((0..PARTITIONS).all(|it| ownership.place_of(0xa2, it).is_none()));
        Arc::make_mut(members.get_mut(&0xa1).unwrap()).quiesced = true;
        assert_eq!(balance(&members, None).copies, 1);
    }

    #[test]
    fn copies_are_in_different_racks() {
        let ownership = balance(&members(&[1, 1, 2, 2], 2), None);
        let rack = |node: NodeId| if node < 0xa3 { 1 } else { 2 };
        assert!((0..PARTITIONS).all(|it| {
            let replicas: Vec<_> = ownership.replicas(it).collect();
            rack(replicas[0]) != rack(replicas[1])
        }));
    }

    #[test]
    fn a_namespace_without_a_roster_is_held_by_nobody() {
        let ownership = balance(&members(&[0, 0], 2), Some(&[]));
        assert_eq!((ownership.copies, ownership.master(7)), (0, None));
    }

    proptest! {
        #[test]
        fn losing_one_node_moves_only_its_own_partitions(size in 2_usize..7, lost in 0_usize..7) {
            let all = members(&vec![0; size], 2);
            let mut rest = all.clone();
            let lost = 0xa1 + (lost % size) as u64;
            rest.remove(&lost);
            let (before, after) = (balance(&all, None), balance(&rest, None));
            for partition in 0..PARTITIONS {
                if before.master(partition) != Some(lost) {
                    prop_assert_eq!(before.master(partition), after.master(partition));
                }
            }
        }
    }
}
