//! Histories of small clusters in virtual time, against the timelines of server 8.1.2 (heartbeat 150 ms × 10).

use super::*;

const STEP: u64 = 10;

/// Nodes that hear each other at once.
struct Cluster {
    now: u64,
    nodes: Vec<Engine>,
    next_pulse: Vec<u64>,
    frozen: Vec<NodeId>,
}

fn offer(copies: usize) -> Offer {
    let namespace = NamespaceOffer {
        name: "test".to_owned(),
        replication_factor: copies,
        rack: 0,
        active_rack: 0,
        strong: false,
        roster: KnownRoster::default(),
    };
    Offer {
        namespaces: vec![namespace],
        ..Offer::default()
    }
}

impl Cluster {
    fn of(ids: &[NodeId]) -> Self {
        let mut cluster = Self {
            now: 1_000_000,
            nodes: Vec::new(),
            next_pulse: Vec::new(),
            frozen: Vec::new(),
        };
        for &id in ids {
            cluster.start(id, 1, "ako-live", 2);
        }
        cluster
    }

    fn settled(ids: &[NodeId]) -> Self {
        let mut cluster = Self::of(ids);
        cluster.run(4000);
        assert!(
            cluster
                .nodes
                .iter()
                .all(|node| node.members().len() == ids.len())
        );
        cluster
    }

    fn start(&mut self, id: NodeId, nonce: u64, name: &str, copies: usize) {
        let timing = Timing::new(150, 10);
        let me = Incarnation { id, nonce };
        self.nodes
            .push(Engine::new(me, name, timing, offer(copies), self.now).with_largest_cluster(8));
        self.next_pulse.push(self.now);
    }

    fn kill(&mut self, id: NodeId) {
        let at = self
            .nodes
            .iter()
            .position(|node| node.me().id == id)
            .unwrap();
        self.nodes.remove(at);
        self.next_pulse.remove(at);
    }

    fn node(&mut self, id: NodeId) -> &mut Engine {
        self.nodes
            .iter_mut()
            .find(|node| node.me().id == id)
            .unwrap()
    }

    fn run(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while self.now < end {
            self.now += STEP;
            self.step();
        }
    }

    fn step(&mut self) {
        for index in 0..self.nodes.len() {
            if self.frozen.contains(&self.nodes[index].me().id) {
                continue;
            }
            self.nodes[index].tick(self.now);
            if self.nodes[index].take_urgent() || self.now >= self.next_pulse[index] {
                self.next_pulse[index] = self.now + self.nodes[index].interval();
                self.deliver(index);
            }
        }
    }

    fn deliver(&mut self, from: usize) {
        let pulse = self.nodes[from].pulse();
        let (now, frozen) = (self.now, self.frozen.clone());
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if index != from && !frozen.contains(&node.me().id) {
                node.hear(std::sync::Arc::clone(&pulse), now);
            }
        }
    }

    /// Milliseconds until `holds`, at most ten seconds.
    fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) -> u64 {
        let start = self.now;
        while !holds(self) && self.now < start + 10_000 {
            self.run(STEP);
        }
        self.now - start
    }
}

/// What `cluster-stable:size=…;ignore-migrations=true` goes by.
fn stable(node: &Engine, size: usize) -> bool {
    node.migrations_allowed() && node.members().len() == size
}

#[test]
fn three_nodes_started_together_are_stable_after_about_two_seconds() {
    let mut cluster = Cluster::of(&[0xa1, 0xa2, 0xa3]);
    let took = cluster.until(|cluster| cluster.nodes.iter().all(|node| stable(node, 3)));
    assert!((1400..2100).contains(&took), "{took}");
    let keys: Vec<_> = cluster.nodes.iter().map(Engine::key).collect();
    assert!(keys.iter().all(|key| *key == keys[0] && *key != 0));
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| node.principal() == Some(0xa3))
    );
}

#[test]
fn one_node_alone_is_stable_after_two_seconds() {
    let mut cluster = Cluster::of(&[0xa1]);
    let took = cluster.until(|cluster| stable(cluster.node(0xa1), 1));
    assert!((1900..2300).contains(&took), "{took}");
}

#[test]
fn survivors_call_a_lost_node_present_and_the_cluster_stable_for_two_seconds() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    let key = cluster.node(0xa1).key();
    cluster.kill(0xa2);
    cluster.run(1800);
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| stable(node, 3) && node.has_integrity() && node.key() == key)
    );
    let took = cluster.until(|cluster| cluster.nodes.iter().all(|node| stable(node, 2)));
    assert!(1800 + took < 2300, "{took}");
    assert_ne!(cluster.node(0xa1).key(), key);
}

#[test]
fn a_node_that_restarts_at_once_is_the_only_one_that_tells() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    let key = cluster.node(0xa1).key();
    cluster.kill(0xa2);
    cluster.run(400);
    cluster.start(0xa2, 2, "ako-live", 2);
    cluster.run(1400);
    assert!(stable(cluster.node(0xa1), 3) && stable(cluster.node(0xa3), 3));
    assert_eq!(
        (cluster.node(0xa2).key(), cluster.node(0xa2).members().len()),
        (0, 0)
    );
    let took = cluster.until(|cluster| {
        cluster
            .nodes
            .iter()
            .all(|node| stable(node, 3) && node.key() != key)
    });
    assert!((300..1200).contains(&took), "{took}");
}

#[test]
fn without_their_principal_nodes_are_orphans_until_they_form_a_new_cluster() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    cluster.kill(0xa3);
    cluster.run(1300);
    let now = cluster.now;
    assert!(
        cluster
            .nodes
            .iter_mut()
            .all(|node| node.recluster(now) == Recluster::NotPrincipal)
    );
    assert!(cluster.nodes.iter().all(|node| stable(node, 3)));
    cluster.run(400);
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| !node.has_integrity() && !node.migrations_allowed())
    );
    let took = cluster.until(|cluster| cluster.nodes.iter().all(|node| stable(node, 2)));
    assert!(took < 700, "{took}");
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| node.principal() == Some(0xa2))
    );
}

#[test]
fn a_node_that_comes_in_changes_the_key_on_all() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa3]);
    let key = cluster.node(0xa1).key();
    cluster.start(0xa2, 1, "ako-live", 2);
    cluster.run(1300);
    assert!(stable(cluster.node(0xa1), 2) && cluster.node(0xa2).members().is_empty());
    let took = cluster.until(|cluster| cluster.nodes.iter().all(|node| stable(node, 3)));
    assert!(took < 600, "{took}");
    assert_ne!(cluster.node(0xa1).key(), key);
}

#[test]
fn a_frozen_node_wakes_up_alone_and_comes_back() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    cluster.frozen.push(0xa2);
    cluster.run(5000);
    assert!(stable(cluster.node(0xa1), 2));
    cluster.frozen.clear();
    cluster.run(100);
    assert_eq!(cluster.node(0xa2).members().len(), 1);
    let took = cluster.until(|cluster| cluster.nodes.iter().all(|node| stable(node, 3)));
    assert!((1000..2600).contains(&took), "{took}");
}

#[test]
fn another_cluster_name_is_another_cluster() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2]);
    cluster.start(0xa4, 1, "other", 2);
    cluster.run(4000);
    assert!(stable(cluster.node(0xa4), 1) && stable(cluster.node(0xa1), 2));
    let events = cluster.node(0xa1).take_events();
    let text = "ignoring message from A4 with different cluster name 'other'".to_owned();
    assert!(events.contains(&Event::Warning("hb", text)));
    cluster.node(0xa4).set_cluster_name("ako-live");
    cluster.run(4000);
    assert!(cluster.nodes.iter().all(|node| stable(node, 3)));
}

#[test]
fn unequal_replication_factors_wedge_the_cluster_until_a_node_restarts() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2]);
    cluster.start(0xa3, 1, "ako-live", 3);
    cluster.run(6000);
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| !node.migrations_allowed() && node.has_integrity())
    );
    assert!(cluster.node(0xa3).members().is_empty());
    let now = cluster.now;
    cluster.node(0xa3).set_offer(offer(2));
    assert_eq!(cluster.node(0xa3).recluster(now), Recluster::Busy);
    cluster.run(3000);
    assert!(cluster.nodes.iter().all(|node| !node.migrations_allowed()));
    cluster.kill(0xa1);
    cluster.run(500);
    cluster.start(0xa1, 2, "ako-live", 2);
    cluster.run(5000);
    assert!(cluster.nodes.iter().all(|node| stable(node, 3)));
}

#[test]
fn a_new_replication_factor_counts_after_one_recluster() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    for node in &mut cluster.nodes {
        node.set_offer(offer(3));
    }
    cluster.run(1000);
    let now = cluster.now;
    assert_eq!(*cluster.node(0xa1).members()[&0xa1], offer(2));
    assert_eq!(cluster.node(0xa3).recluster(now), Recluster::Begun);
    assert_eq!(cluster.node(0xa3).recluster(now), Recluster::Busy);
    cluster.run(300);
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| stable(node, 3) && *node.members()[&0xa2] == offer(3))
    );
}

#[test]
fn two_nodes_with_one_id_are_reported_and_the_first_one_stays() {
    let mut cluster = Cluster::settled(&[0xa1, 0xa2, 0xa3]);
    cluster.start(0xa2, 7, "ako-live", 2);
    cluster.run(3000);
    assert!(
        cluster
            .nodes
            .iter()
            .all(|node| node.duplicates().eq([0xa2]))
    );
    assert!(stable(cluster.node(0xa1), 3));
}

#[test]
fn a_ninth_community_node_is_ignored() {
    let mut cluster = Cluster::settled(&[1, 2, 3, 4, 5, 6, 7, 8]);
    cluster.start(9, 1, "ako-live", 2);
    cluster.run(5000);
    assert!(cluster.node(9).members().is_empty());
    assert!(stable(cluster.node(1), 8));
}
