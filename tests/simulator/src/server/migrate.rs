//! Moving partitions to the nodes that hold them after a change of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Shared;
use super::fabric::{Ask, Batch, Reply, host_port};
use crate::cluster::NodeId;
use crate::faults::{Fault, Point};
use crate::node::Node;
use crate::partitions::partition_of;

/// Partitions in one message.
const AT_ONCE: usize = 100;

/// How long a partition takes: three nodes of 8.1.2 with little in them take a few seconds to settle.
const PARTITION: Duration = Duration::from_millis(1);

/// Before a node is asked again that is not yet in the cluster.
const PAUSE: Duration = Duration::from_millis(50);

/// What this node sends, in the cluster of one key.
pub struct Plan {
    key: u64,
    moves: Vec<Moves>,
}

/// A few partitions of one namespace for one node.
struct Moves {
    namespace: String,
    to: NodeId,
    partitions: Vec<usize>,
}

/// Follows changes of the cluster; what is to be sent after one.
pub fn follow(node: &mut Node) -> Option<Plan> {
    if !std::mem::take(&mut node.due.moving) {
        return None;
    }
    let (key, mut moves) = (node.engine.key(), Vec::new());
    for (namespace, sends) in node.take_outgoing() {
        let mut by_node: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (partition, to) in sends {
            by_node.entry(to).or_default().push(partition);
        }
        for (to, partitions) in by_node {
            let parts = partitions.chunks(AT_ONCE).map(|partitions| Moves {
                namespace: namespace.clone(),
                to,
                partitions: partitions.to_vec(),
            });
            moves.extend(parts);
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
    if plan.moves.is_empty() {
        finish(&shared, &plan);
    }
    for (number, moves) in plan.moves.iter().enumerate() {
        while shared.node().faults.is_on(&Fault::FreezeMigrations) {
            sleep(PAUSE).await;
        }
        if shared.node().faults.crashes(Point::DuringMigration) {
            std::process::abort();
        }
        sleep(PARTITION * u32::try_from(moves.partitions.len()).unwrap_or(u32::MAX)).await;
        let ask = Ask::Migrate(batch(&shared, plan.key, moves));
        if !deliver(&shared, plan.key, moves.to, &ask).await {
            return;
        }
        // whoever sees that nothing is left to send must find nothing left over
        if number + 1 == plan.moves.len() {
            finish(&shared, &plan);
        }
        shared
            .node()
            .count_sent(&moves.namespace, moves.partitions.len());
    }
}

fn finish(shared: &Shared, plan: &Plan) {
    let mut node = shared.node();
    if node.engine.key() == plan.key {
        node.drop_surplus();
    }
}

fn batch(shared: &Shared, key: u64, moves: &Moves) -> Batch {
    let node = shared.node();
    let wanted: BTreeSet<_> = moves.partitions.iter().copied().collect();
    let records = node
        .records
        .all(&moves.namespace)
        .filter(|(digest, _)| wanted.contains(&partition_of(digest)));
    let records = records
        .map(|(digest, record)| (*digest, record.clone()))
        .collect();
    Batch {
        namespace: moves.namespace.clone(),
        key,
        partitions: moves.partitions.len(),
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
