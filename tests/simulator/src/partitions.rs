//! Which node holds which partition.
//!
//! Today this computes ownership only. What each copy holds, and whether a step loses the last one, belongs here.

use std::collections::BTreeMap;

use crate::cluster::{NamespaceOffer, NodeId, Offer};

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
    /// The nodes of each partition, the master first; `copies` of them hold it.
    pub succession: Vec<Vec<NodeId>>,
}

impl Ownership {
    /// The nodes that hold a partition, the master first.
    #[must_use]
    pub fn replicas(&self, partition: usize) -> &[NodeId] {
        self.succession
            .get(partition)
            .map_or(&[], |nodes| &nodes[..self.copies.min(nodes.len())])
    }

    /// The master of a partition.
    #[must_use]
    pub fn master(&self, partition: usize) -> Option<NodeId> {
        self.replicas(partition).first().copied()
    }
}

struct Candidate<'a> {
    id: NodeId,
    quiesced: bool,
    offer: &'a NamespaceOffer,
}

/// Who holds `namespace` in a cluster of `members`; `roster` limits it, where the namespace has one.
#[must_use]
pub fn balance(
    members: &BTreeMap<NodeId, Offer>,
    namespace: &str,
    roster: Option<&[NodeId]>,
) -> Ownership {
    let candidates: Vec<_> = members
        .iter()
        .filter(|(id, _)| roster.is_none_or(|roster| roster.contains(id)))
        .filter_map(|(&id, offer)| {
            let quiesced = offer.quiesced;
            offer.namespace(namespace).map(|offer| Candidate {
                id,
                quiesced,
                offer,
            })
        })
        .collect();
    let active = candidates.iter().filter(|it| !it.quiesced).count();
    let wanted = candidates
        .iter()
        .map(|it| it.offer.replication_factor)
        .min()
        .unwrap_or(0);
    // all quiesced counts as none quiesced
    let copies = wanted.min(if active == 0 {
        candidates.len()
    } else {
        active
    });
    let succession = (0..PARTITIONS)
        .map(|partition| succession(&candidates, partition, copies))
        .collect();
    let nodes = candidates.iter().map(|it| it.id).collect();
    Ownership {
        nodes,
        active,
        copies,
        succession,
    }
}

fn succession(candidates: &[Candidate<'_>], partition: usize, copies: usize) -> Vec<NodeId> {
    let mut order: Vec<_> = candidates.iter().collect();
    order.sort_by_key(|it| {
        let away = it.offer.active_rack != 0 && it.offer.rack != it.offer.active_rack;
        (it.quiesced, away, place(it.id, partition))
    });
    spread_over_racks(&mut order, copies);
    order.into_iter().map(|it| it.id).collect()
}

/// Moves nodes of racks that have a copy already behind nodes of racks that have none.
fn spread_over_racks(order: &mut [&Candidate<'_>], copies: usize) {
    for slot in 1..copies.min(order.len()) {
        let (chosen, rest) = order.split_at(slot);
        let fresh = |it: &&Candidate<'_>| {
            !it.quiesced && chosen.iter().all(|other| other.offer.rack != it.offer.rack)
        };
        if let Some(offset) = rest.iter().position(fresh) {
            order[slot..=slot + offset].rotate_right(1);
        }
    }
}

/// A number that scatters nodes differently for each partition.
fn place(id: NodeId, partition: usize) -> u64 {
    let mut mixed = id ^ (partition as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2 {
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(racks: &[u32], copies: usize) -> BTreeMap<NodeId, Offer> {
        let offer = |rack: u32| {
            let namespace = NamespaceOffer {
                name: "test".to_owned(),
                replication_factor: copies,
                rack,
                active_rack: 0,
                strong: false,
            };
            Offer {
                namespaces: vec![namespace],
                ..Offer::default()
            }
        };
        (0xa1..)
            .zip(racks.iter().map(|&rack| offer(rack)))
            .collect()
    }

    #[test]
    fn each_of_three_nodes_is_master_of_about_a_third() {
        let ownership = balance(&members(&[0, 0, 0], 2), "test", None);
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
        members.get_mut(&0xa2).unwrap().quiesced = true;
        let ownership = balance(&members, "test", None);
        assert_eq!((ownership.copies, ownership.active), (2, 2));
        assert!((0..PARTITIONS).all(|it| !ownership.replicas(it).contains(&0xa2)));
        members.get_mut(&0xa1).unwrap().quiesced = true;
        assert_eq!(balance(&members, "test", None).copies, 1);
    }

    #[test]
    fn copies_are_in_different_racks() {
        let ownership = balance(&members(&[1, 1, 2, 2], 2), "test", None);
        let rack = |node: NodeId| if node < 0xa3 { 1 } else { 2 };
        assert!((0..PARTITIONS).all(|it| {
            let replicas = ownership.replicas(it);
            rack(replicas[0]) != rack(replicas[1])
        }));
    }

    #[test]
    fn a_namespace_without_a_roster_is_held_by_nobody() {
        let ownership = balance(&members(&[0, 0], 2), "test", Some(&[]));
        assert_eq!((ownership.copies, ownership.master(7)), (0, None));
    }

    proptest! {
        #[test]
        fn losing_one_node_moves_only_its_own_partitions(size in 2_usize..7, lost in 0_usize..7) {
            let all = members(&vec![0; size], 2);
            let mut rest = all.clone();
            let lost = 0xa1 + (lost % size) as u64;
            rest.remove(&lost);
            let (before, after) = (balance(&all, "test", None), balance(&rest, "test", None));
            for partition in 0..PARTITIONS {
                if before.master(partition) != Some(lost) {
                    prop_assert_eq!(before.master(partition), after.master(partition));
                }
            }
        }
    }
}
