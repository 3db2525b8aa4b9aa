//! Requests about records: to the master of the partition, and from there to the other replicas.

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

/// The answer to a client.
pub async fn answer(shared: &Shared, caller: &Caller, body: &[u8]) -> Vec<u8> {
    let request = match understand(&shared.node(), caller, body) {
        Ok(request) => request,
        Err(result) => return Message::result(result).write(),
    };
    let route = match route(&shared.node(), &request) {
        Ok(route) => route,
        Err(result) => return Message::result(result).write(),
    };
    match route {
        Route::Here => execute(shared, request).await,
        Route::To(node, address) => pass_on(shared, node, &address, body).await,
    }
}

/// The answer to another node that takes this one for the master.
pub async fn as_master(shared: &Shared, body: &[u8]) -> Vec<u8> {
    let request = Message::read(body)
        .ok()
        .and_then(|message| parts(message).ok());
    match request {
        Some(request) => execute(shared, request).await,
        None => Message::result(result::PARAMETER).write(),
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

async fn pass_on(shared: &Shared, node: NodeId, address: &str, body: &[u8]) -> Vec<u8> {
    /// The server's own time-out.
    const TIMEOUT: u8 = 9;
    match shared
        .fabric
        .ask(node, address, &Ask::Serve(body.to_vec()))
        .await
    {
        Ok(Reply::Answer(answer)) => answer,
        _ => Message::result(TIMEOUT).write(),
    }
}

async fn execute(shared: &Shared, request: Request) -> Vec<u8> {
    let has_all = shared.node().has_all();
    if !has_all {
        gather(shared, &request).await;
    }
    let (answer, changed) = apply(shared, &request);
    if let Some(record) = changed {
        replicate(shared, &request, &record).await;
    }
    answer.write()
}

/// While partitions move, the newest copy may be elsewhere.
async fn gather(shared: &Shared, request: &Request) {
    let ask = Ask::Fetch(request.namespace.clone(), request.digest);
    for (node, address) in others(shared) {
        if let Ok(Reply::Record(Some(record))) = shared.fabric.ask(node, &address, &ask).await {
            shared
                .node()
                .records
                .keep(&request.namespace, request.digest, record);
        }
    }
}

fn apply(shared: &Shared, request: &Request) -> (Message, Option<Record>) {
    let now = shared.clock.now();
    let mut node = shared.node();
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
    (effect.answer, effect.record)
}

async fn replicate(shared: &Shared, request: &Request, record: &Record) {
    let replicas: Vec<_> = {
        let node = shared.node();
        let ownership = node.ownership(&request.namespace);
        ownership
            .map(|it| it.replicas(partition_of(&request.digest)).collect())
            .unwrap_or_default()
    };
    let ask = Ask::Keep(request.namespace.clone(), request.digest, record.clone());
    for (node, address) in others(shared)
        .into_iter()
        .filter(|(id, _)| replicas.contains(id))
    {
        // a replica that is gone gets its copy when the cluster has noticed
        let _ = shared.fabric.ask(node, &address, &ask).await;
    }
}
