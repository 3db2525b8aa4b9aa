//! Which partitions of a strongly consistent namespace may be served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cluster::{KnownRoster, NamespaceOffer, NodeId, Offer};
use crate::partitions::{Balances, Ownership};

/// The nodes of a roster, and which of them are there.
#[derive(Debug, Clone)]
pub struct Roster {
    all: Vec<NodeId>,
    present: Vec<NodeId>,
    /// Who would hold what if all were there.
    whole: Arc<Ownership>,
}

impl Roster {
    /// Of a list as the server keeps it, in a cluster of `members`.
    #[must_use]
    pub fn of(
        list: &[String],
        members: &BTreeMap<NodeId, Arc<Offer>>,
        namespace: &str,
        balances: &Balances,
        partitions: usize,
    ) -> Self {
        let factors = members.values().filter_map(|it| it.namespace(namespace));
        let factor = factors.map(|it| it.replication_factor).min().unwrap_or(0);
        let entries: BTreeMap<_, _> = list.iter().filter_map(|entry| read(entry)).collect();
        let offers = entries.iter().map(|(id, rack)| {
            let offer = Offer {
                namespaces: vec![NamespaceOffer {
                    name: namespace.to_owned(),
                    replication_factor: factor,
                    rack: *rack,
                    active_rack: 0,
                    strong: true,
                    roster: KnownRoster::default(),
                }],
                ..Offer::default()
            };
            (*id, Arc::new(offer))
        });
        let offers: BTreeMap<_, _> = offers.collect();
        let present = entries.keys().filter(|id| members.contains_key(id));
        Self {
            all: entries.keys().copied().collect(),
            present: present.copied().collect(),
            whole: balances.balance(&offers, namespace, None, partitions),
        }
    }

    /// The same roster where these nodes are.
    #[must_use]
    pub fn seen_by(&self, nodes: &BTreeSet<NodeId>) -> Self {
        let present = self.all.iter().filter(|id| nodes.contains(id));
        Self {
            present: present.copied().collect(),
            ..self.clone()
        }
    }

    /// Whether all of it are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.present.len() == self.all.len()
    }

    /// Whether those that are there may serve a partition: fewer are missing than there are copies, and not more than are
    /// there; or they are more than half and have one of its replicas; or half with its master; or all of its replicas
    /// are there.
    #[must_use]
    pub fn admits(&self, partition: usize) -> bool {
        let present = self.present.len();
        let has = |id: &NodeId| self.present.contains(id);
        let mut replicas = self.whole.replicas(partition);
        let size = self.all.len();
        let missing = size - present;
        if missing < self.whole.copies && missing <= present {
            return true;
        }
        match (present * 2).cmp(&size) {
            std::cmp::Ordering::Greater => replicas.any(|id| has(&id)),
            std::cmp::Ordering::Equal => {
                let all = self.whole.replicas(partition).all(|id| has(&id));
                all || replicas.next().is_some_and(|id| has(&id))
            }
            std::cmp::Ordering::Less => replicas.all(|id| has(&id)),
        }
    }
}

/// A node and its rack; the mark of the active rack is left out.
fn read(entry: &str) -> Option<(NodeId, u32)> {
    let entry = entry.rsplit('|').next().unwrap_or(entry);
    let (id, rack) = entry.split_once('@').unwrap_or((entry, "0"));
    Some((NodeId::from_str_radix(id, 16).ok()?, rack.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITIONS: usize = 256;

    fn admitted(present: &[NodeId]) -> usize {
        of(&["A5", "A4", "A3", "A2", "A1"], 2, present)
    }

    fn of(list: &[&str], replication_factor: usize, present: &[NodeId]) -> usize {
        let list: Vec<_> = list.iter().map(|it| (*it).to_owned()).collect();
        let namespace = NamespaceOffer {
            name: "test".to_owned(),
            replication_factor,
            rack: 0,
            active_rack: 0,
            strong: true,
            roster: KnownRoster::default(),
        };
        let offer = Arc::new(Offer {
            namespaces: vec![namespace],
            ..Offer::default()
        });
        let members = present.iter().map(|id| (*id, Arc::clone(&offer))).collect();
        let balances = Balances::default();
        let roster = Roster::of(&list, &members, "test", &balances, PARTITIONS);
        (0..PARTITIONS).filter(|it| roster.admits(*it)).count()
    }

    #[test]
    fn fewer_missing_than_copies_harm_nothing() {
        assert_eq!(admitted(&[0xa1, 0xa2, 0xa3, 0xa4, 0xa5]), PARTITIONS);
        assert_eq!(admitted(&[0xa1, 0xa2, 0xa3, 0xa4]), PARTITIONS);
    }

    #[test]
    fn a_majority_serves_what_it_has_a_replica_of() {
        // both replicas are among the two missing in one of ten
        let count = admitted(&[0xa1, 0xa2, 0xa3]);
        assert!((205..250).contains(&count), "{count}");
    }

    #[test]
    fn a_minority_serves_only_what_it_has_all_replicas_of() {
        let count = admitted(&[0xa1, 0xa2]);
        assert!((8..50).contains(&count), "{count}");
        assert_eq!(admitted(&[0xa1]), 0);
    }

    #[test]
    fn one_of_three_serves_nothing_though_it_has_a_copy_of_everything() {
        let roster = ["A3", "A2", "A1"];
        assert_eq!(of(&roster, 3, &[0xa1]), 0);
        assert_eq!(of(&roster, 3, &[0xa1, 0xa2]), PARTITIONS);
    }
}
