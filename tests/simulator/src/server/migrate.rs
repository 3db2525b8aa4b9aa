//! Moving partitions to the nodes that hold them after a change of the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Shared;
use super::fabric::{Ask, Batch, Reply, host_port};
use crate::cluster::NodeId;
use crate::node::Node;

/// Partitions in one message, and the pause after it: a namespace moves within about two seconds.
const AT_ONCE: usize = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// What this node sends, in the cluster of one key.
pub struct Plan {
    key: u64,
    moves: Vec<Moves>,
}

/// Partitions of one namespace for one node.
struct Moves {
    namespace: String,
    to: NodeId,
    partitions: Vec<usize>,
}

/// Follows changes of the cluster; what is to be sent after one.
pub fn follow(node: &mut Node) -> Option<Plan> {
    if !node.follow_cluster() {
        return None;
    }
    let (key, mut moves) = (node.engine.key(), Vec::new());
    for (namespace, sends) in node.take_outgoing() {
        let mut by_node: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (partition, to) in sends {
            by_node.entry(to).or_default().push(partition);
        }
        for (to, partitions) in by_node {
            moves.push(Moves {
                namespace: namespace.clone(),
                to,
                partitions,
            });
        }
    }
    Some(Plan { key, moves })
}

/// Sends everything, unless the cluster changes meanwhile.
pub async fn run(shared: Arc<Shared>, plan: Plan) {
    for moves in &plan.moves {
        let ask = Ask::Announce(moves.namespace.clone(), plan.key, moves.partitions.len());
        if !deliver(&shared, plan.key, moves.to, &ask).await {
            return;
        }
    }
    for moves in &plan.moves {
        for partitions in moves.partitions.chunks(AT_ONCE) {
            let ask = Ask::Migrate(batch(&shared, plan.key, moves, partitions));
            if !deliver(&shared, plan.key, moves.to, &ask).await {
                return;
            }
            shared.node().count_sent(&moves.namespace, partitions.len());
            sleep(PAUSE).await;
        }
    }
    let mut node = shared.node();
    if node.engine.key() == plan.key {
        node.drop_surplus();
    }
}

fn batch(shared: &Shared, key: u64, moves: &Moves, partitions: &[usize]) -> Batch {
    let node = shared.node();
    let records = partitions
        .iter()
        .flat_map(|partition| node.records.in_partition(&moves.namespace, *partition));
    let records = records
        .map(|(digest, record)| (*digest, record.clone()))
        .collect();
    Batch {
        namespace: moves.namespace.clone(),
        key,
        partitions: partitions.len(),
        records,
    }
}

/// Asks until it is done; false if the cluster is another one by now.
async fn deliver(shared: &Shared, key: u64, to: NodeId, ask: &Ask) -> bool {
    loop {
        let address = {
            let node = shared.node();
            if node.engine.key() != key {
                return false;
            }
            node.engine
                .members()
                .get(&to)
                .map(|offer| host_port(&offer.contact.fabric))
        };
        let Some(address) = address else { return false };
        if let Ok(Reply::Done) = shared.fabric.ask(to, &address, ask).await {
            return true;
        }
        sleep(PAUSE).await;
    }
}
