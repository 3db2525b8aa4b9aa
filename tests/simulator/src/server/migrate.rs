//! Moving partitions to the nodes that hold them after a change of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::Shared;
use super::fabric::{Announcement, Ask, Batch, Reply, host_port};
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
    announcements: Vec<(NodeId, Ask)>,
    moves: Vec<Moves>,
}

/// A few partitions of one namespace for one node.
struct Moves {
    namespace: String,
    to: NodeId,
    partitions: Vec<usize>,
}

type ByNode = BTreeMap<NodeId, BTreeMap<String, BTreeSet<usize>>>;

/// Follows changes of the cluster; what is to be sent after one.
pub fn follow(node: &mut Node) -> Option<Plan> {
    if !std::mem::take(&mut node.due.moving) {
        return None;
    }
    let (key, me) = (node.engine.key(), node.engine.me().id);
    let members = node.engine.members().keys().filter(|id| **id != me);
    let mut by_node: ByNode = members.map(|id| (*id, BTreeMap::new())).collect();
    for (namespace, sends) in node.unsent() {
        for (partition, to) in sends {
            let of_node = by_node.entry(*to).or_default();
            let of_namespace = of_node.entry(namespace.clone()).or_default();
            of_namespace.insert(*partition);
        }
    }
    let moves = by_node.iter().flat_map(|(to, sends)| moves(*to, sends));
    Some(Plan {
        key,
        moves: moves.collect(),
        announcements: by_node
            .into_iter()
            .map(|(to, partitions)| {
                let announcement = Announcement {
                    from: me,
                    key,
                    partitions,
                };
                (to, Ask::Announce(announcement))
            })
            .collect(),
    })
}

fn moves(to: NodeId, sends: &BTreeMap<String, BTreeSet<usize>>) -> Vec<Moves> {
    let of_namespace = |(namespace, partitions): (&String, &BTreeSet<usize>)| {
        let partitions: Vec<_> = partitions.iter().copied().collect();
        let parts = partitions.chunks(AT_ONCE).map(|partitions| Moves {
            namespace: namespace.clone(),
            to,
            partitions: partitions.to_vec(),
        });
        parts.collect::<Vec<_>>()
    };
    sends.iter().flat_map(of_namespace).collect()
}

/// Sends everything, unless the cluster changes meanwhile.
pub async fn run(shared: Arc<Shared>, plan: Plan) {
    if !announce(&shared, &plan).await {
        return;
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
        let mut node = shared.node();
        if node.engine.key() != plan.key {
            return;
        }
        node.count_sent(&moves.namespace, moves.to, &moves.partitions);
    }
}

/// Tells every other member what it is going to get, be it nothing; false if the cluster is another one by now.
async fn announce(shared: &Shared, plan: &Plan) -> bool {
    let mut waiting: Vec<_> = plan.announcements.iter().collect();
    loop {
        let mut later = Vec::new();
        for announcement @ (to, ask) in waiting {
            match attempt(shared, plan.key, *to, ask).await {
                Some(true) => {}
                Some(false) => later.push(announcement),
                None => return false,
            }
        }
        if later.is_empty() {
            return true;
        }
        waiting = later;
        sleep(PAUSE).await;
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
        from: node.engine.me().id,
        namespace: moves.namespace.clone(),
        key,
        partitions: moves.partitions.clone(),
        records,
    }
}

/// Asks until it is done; false if the cluster is another one by now.
async fn deliver(shared: &Shared, key: u64, to: NodeId, ask: &Ask) -> bool {
    loop {
        match attempt(shared, key, to, ask).await {
            Some(true) => return true,
            Some(false) => sleep(PAUSE).await,
            None => return false,
        }
    }
}

/// Asks once, and says whether it is done; nothing if the cluster is another one by now.
async fn attempt(shared: &Shared, key: u64, to: NodeId, ask: &Ask) -> Option<bool> {
    let address = {
        let node = shared.node();
        if node.engine.key() != key {
            return None;
        }
        let offer = node.engine.members().get(&to)?;
        host_port(&offer.contact.fabric)
    };
    let reply = shared.fabric.ask(to, &address, ask).await;
    Some(matches!(reply, Ok(Reply::Done)))
}
