//! Rosters of the one namespace, as the servers have them.

use std::collections::BTreeSet;

use super::World;
use crate::{
    aerospike::{command, roster::RosterView},
    resources::names,
};

impl World {
    /// The ids of the nodes on the roster, sorted.
    pub fn roster(&mut self) -> Vec<String> {
        let mut servers = self.servers.truthful();
        let pods = names::pods(&self.desired);
        let rosters = pods.map(|pod| {
            let said = servers.say(&pod, &command::roster("test")).unwrap();
            let current = RosterView::parse(&said).unwrap().current;
            let mut ids: Vec<_> = current.nodes.into_iter().map(|node| node.id).collect();
            ids.sort();
            ids
        });
        let rosters: BTreeSet<_> = rosters.collect();
        assert_eq!(rosters.len(), 1, "{rosters:?}");
        rosters.into_iter().next().unwrap()
    }

    /// All nodes are on the roster that shall be, and all is served.
    pub fn assert_held(&mut self) {
        if !self.servers.is_strong() {
            return;
        }
        let pods: Vec<_> = names::pods(&self.desired).collect();
        let mut servers = self.servers.truthful();
        let mut nodes = Vec::new();
        for pod in pods {
            let said = servers.say(&pod, &command::namespace("test")).unwrap();
            let served = ["unavailable_partitions=0;", "dead_partitions=0;"];
            assert!(served.iter().all(|it| said.contains(it)), "{pod}: {said}");
            nodes.push(servers.say(&pod, command::NODE).unwrap());
        }
        nodes.retain(|node| !self.desired.spec.roster_node_block_list.contains(node));
        nodes.sort();
        assert_eq!(self.roster(), nodes);
    }
}
