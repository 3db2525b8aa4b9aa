//! Requests about records: to the master of the partition, and from there to the other replicas.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Shared;
use super::fabric::{Ask, Reply, host_port, others};
use crate::cluster::NodeId;
use crate::faults::Fault;
use crate::node::Node;
use crate::partitions::partition_of;
use crate::records::{self, Digest, Record, result};
use crate::security::{self, Access, Caller};
use crate::wire::record::{Message, field, read, write};

/// A request that makes sense.
struct Request {
    message: Message,
    namespace: String,
    set: String,
    digest: Digest,
}

enum Route {
    Here,
    To(NodeId, String),
}

/// How long a server works at a request: `transaction-max-ms`.
const TRANSACTION: Duration = Duration::from_secs(1);
/// Before it tries again what did not work.
const PAUSE: Duration = Duration::from_millis(20);

/// The answer to a client.
pub async fn answer(shared: &Shared, caller: &Caller, body: &[u8]) -> Vec<u8> {
    let request = match understand(&shared.node(), caller, body) {
        Ok(request) => request,
        Err(result) => return Message::result(result).write(),
    };
    timeout(TRANSACTION, serve(shared, &request, body))
        .await
        .unwrap_or_else(|_| Message::result(result::TIMEOUT).write())
}

/// The answer to another node that takes this one for the master; none if it is not, or not any more.
pub async fn as_master(shared: &Shared, body: &[u8]) -> Option<Vec<u8>> {
    let request = Message::read(body)
        .ok()
        .and_then(|message| parts(message).ok());
    let Some(request) = request else {
        return Some(Message::result(result::PARAMETER).write());
    };
    let answer = timeout(TRANSACTION, execute(shared, &request)).await;
    answer.unwrap_or_else(|_| Some(Message::result(result::TIMEOUT).write()))
}

/// Does it here or elsewhere, wherever the master is by then.
async fn serve(shared: &Shared, request: &Request, body: &[u8]) -> Vec<u8> {
    loop {
        let route = route(&shared.node(), request);
        let answer = match route {
            Ok(Route::Here) => execute(shared, request).await,
            Ok(Route::To(node, address)) => pass_on(shared, node, &address, body).await,
            Err(result) => Some(Message::result(result).write()),
        };
        if let Some(answer) = answer {
            return answer;
        }
        sleep(PAUSE).await;
    }
}

fn understand(node: &Node, caller: &Caller, body: &[u8]) -> Result<Request, u8> {
    let message = Message::read(body).map_err(|_| result::PARAMETER)?;
    if node.is_secured() && caller.user.is_none() {
        return Err(security::result::NOT_AUTHENTICATED);
    }
    let namespace = message.text(field::NAMESPACE).ok_or(result::NAMESPACE)?;
    if !node.has_namespace(&namespace) {
        return Err(result::NAMESPACE);
    }
    let request = parts(message)?;
    permitted(node, caller, &request)?;
    let durable = request.message.flags[1] & write::DURABLE_DELETE != 0;
    if records::is_write(&request.message) && node.faults.is_on(&Fault::FullDisk) {
        return Err(result::FULL);
    }
    if durable && node.release().is_community() {
        return Err(result::ENTERPRISE_ONLY);
    }
    Ok(request)
}

fn parts(message: Message) -> Result<Request, u8> {
    let many = message.flags[0] & read::BATCH != 0 || message.field(field::QUERY).is_some();
    let digest = message
        .field(field::DIGEST)
        .and_then(|digest| digest.try_into().ok());
    let digest = digest.filter(|_| !many).ok_or(result::PARAMETER)?;
    let namespace = message.text(field::NAMESPACE).ok_or(result::NAMESPACE)?;
    let set = message.text(field::SET).unwrap_or_default();
    Ok(Request {
        message,
        namespace,
        set,
        digest,
    })
}

fn permitted(node: &Node, caller: &Caller, request: &Request) -> Result<(), u8> {
    let (namespace, set) = (request.namespace.as_str(), request.set.as_str());
    let access = if records::is_write(&request.message) {
        Access::Write(namespace, set)
    } else {
        Access::Read(namespace, set)
    };
    if node.allows(caller, access) {
        Ok(())
    } else {
        Err(security::result::ROLE_VIOLATION)
    }
}

fn route(node: &Node, request: &Request) -> Result<Route, u8> {
    let me = node.engine.me().id;
    let ownership = node
        .ownership(&request.namespace)
        .ok_or(result::UNAVAILABLE)?;
    let partition = partition_of(&request.digest);
    let master = ownership.master(partition).ok_or(result::UNAVAILABLE)?;
    let enough = !records::is_write(&request.message)
        && node.has_all()
        && ownership.place_of(me, partition).is_some();
    if master == me || enough {
        return Ok(Route::Here);
    }
    let offer = node
        .engine
        .members()
        .get(&master)
        .ok_or(result::UNAVAILABLE)?;
    Ok(Route::To(master, host_port(&offer.contact.fabric)))
}

/// The answer of the master; none if that node is none. Without a reply nobody knows whether it was done.
async fn pass_on(shared: &Shared, node: NodeId, address: &str, body: &[u8]) -> Option<Vec<u8>> {
    let ask = Ask::Serve(body.to_vec());
    match shared.fabric.ask(node, address, &ask).await {
        Ok(Reply::Answer(answer)) => Some(answer),
        Ok(Reply::NotNow) => None,
        _ => Some(Message::result(result::TIMEOUT).write()),
    }
}

/// Does it here; none if the cluster changed before anything was done.
async fn execute(shared: &Shared, request: &Request) -> Option<Vec<u8>> {
    let (key, has_all) = {
        let node = shared.node();
        (node.engine.key(), node.has_all())
    };
    if !has_all {
        gather(shared, request).await;
    }
    let (answer, changed) = apply(shared, request, key)?;
    if let Some(record) = changed {
        replicate(shared, request, &record).await;
    }
    Some(answer.write())
}

/// While partitions move, the newest copy may be at any of the other members: each has to show its own.
async fn gather(shared: &Shared, request: &Request) {
    let ask = Ask::Fetch(request.namespace.clone(), request.digest);
    let mut seen = BTreeSet::new();
    while let Some((node, address)) = others(shared).into_iter().find(|it| !seen.contains(&it.0)) {
        let Ok(Reply::Record(copy)) = shared.fabric.ask(node, &address, &ask).await else {
            sleep(PAUSE).await;
            continue;
        };
        seen.insert(node);
        if let Some(record) = copy {
            let records = &mut shared.node().records;
            records.keep(&request.namespace, request.digest, record);
        }
    }
}

/// The answer, and the record if it changed; none if the cluster is not that of `key`, or another node has to answer.
fn apply(shared: &Shared, request: &Request, key: u64) -> Option<(Message, Option<Record>)> {
    let now = shared.clock.now();
    let mut node = shared.node();
    if node.engine.key() != key || !matches!(route(&node, request), Ok(Route::Here)) {
        return None;
    }
    let old = node.records.get(&request.namespace, &request.digest);
    let effect = records::apply(&request.message, old, &request.set, now);
    let counts = &mut node.counts;
    let counts = if effect.record.is_some() {
        &mut counts.writes
    } else {
        &mut counts.reads
    };
    counts
        .entry(request.namespace.clone())
        .or_default()
        .count(now);
    if let Some(record) = &effect.record {
        node.records
            .keep(&request.namespace, request.digest, record.clone());
    }
    Some((effect.answer, effect.record))
}

/// Gives every replica its copy. One that is gone is one until the cluster has noticed.
async fn replicate(shared: &Shared, request: &Request, record: &Record) {
    let ask = Ask::Keep(request.namespace.clone(), request.digest, record.clone());
    let mut kept = BTreeSet::new();
    while let Some((node, address)) = replicas(shared, request)
        .into_iter()
        .find(|it| !kept.contains(&it.0))
    {
        if let Ok(Reply::Done) = shared.fabric.ask(node, &address, &ask).await {
            kept.insert(node);
        } else {
            sleep(PAUSE).await;
        }
    }
}

/// The other nodes that hold the record, with their fabric addresses.
fn replicas(shared: &Shared, request: &Request) -> Vec<(NodeId, String)> {
    let replicas: Vec<_> = {
        let node = shared.node();
        let ownership = node.ownership(&request.namespace).into_iter();
        let partition = partition_of(&request.digest);
        ownership.flat_map(|it| it.replicas(partition)).collect()
    };
    let mut others = others(shared);
    others.retain(|(id, _)| replicas.contains(id));
    others
}
