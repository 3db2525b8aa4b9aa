//! Talk between the nodes of a cluster: copies of records, shared metadata, requests passed on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Shared, frames, routing};
use crate::cluster::NodeId;
use crate::faults::Fault;
use crate::records::{Digest, Record};
use crate::smd::Smd;

const PATIENCE: Duration = Duration::from_secs(1);

/// A request of one node to another.
#[derive(Serialize, Deserialize)]
pub enum Ask {
    /// Take over what is newer, and tell what is newer there.
    Share(Smd),
    /// Keep a copy.
    Keep(String, Digest, Record),
    /// Show a copy.
    Fetch(String, Digest),
    /// Do what a client asked for: you are the master.
    Serve(Vec<u8>),
    /// What is coming.
    Announce(Announcement),
    /// Some partitions and what is in them.
    Migrate(Batch),
}

/// Everything that a node is going to send to another one after a change of the cluster.
#[derive(Serialize, Deserialize)]
pub struct Announcement {
    /// Who sends it.
    pub from: NodeId,
    /// The cluster it moves in.
    pub key: u64,
    /// Partitions by namespace.
    pub partitions: BTreeMap<String, BTreeSet<usize>>,
}

/// Partitions on their way.
#[derive(Serialize, Deserialize)]
pub struct Batch {
    /// Who sends them.
    pub from: NodeId,
    /// The namespace.
    pub namespace: String,
    /// The cluster they move in.
    pub key: u64,
    /// The partitions that are complete with it.
    pub partitions: Vec<usize>,
    /// What is in them.
    pub records: Vec<(Digest, Record)>,
}

/// What the other node says.
#[derive(Serialize, Deserialize)]
pub enum Reply {
    /// Done.
    Done,
    /// Not in this cluster, or not yet.
    NotNow,
    /// Its shared metadata.
    Share(Smd),
    /// Its copy.
    Record(Option<Record>),
    /// The answer for the client.
    Answer(Vec<u8>),
}

type Line = Arc<AsyncMutex<Option<TcpStream>>>;

/// What a connection is for. A node that serves for another asks third ones for copies meanwhile: on one connection two
/// nodes that serve for each other would wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Purpose {
    Serving,
    Copying,
}

impl Ask {
    fn purpose(&self) -> Purpose {
        match self {
            Self::Serve(_) => Purpose::Serving,
            _ => Purpose::Copying,
        }
    }
}

/// Connections to the other nodes, opened when needed.
#[derive(Default)]
pub struct Fabric {
    lines: Mutex<HashMap<(NodeId, String, Purpose), Line>>,
}

impl Fabric {
    /// Asks a node at `address`.
    pub async fn ask(&self, node: NodeId, address: &str, ask: &Ask) -> io::Result<Reply> {
        let line = self.line(node, address, ask.purpose());
        let mut slot = line.lock().await;
        let mut stream = match slot.take().filter(is_open) {
            Some(stream) => stream,
            None => timeout(PATIENCE, TcpStream::connect(address)).await??,
        };
        let exchange = async {
            frames::write(&mut stream, ask).await?;
            frames::read(&mut stream).await
        };
        let reply = timeout(PATIENCE, exchange).await??;
        *slot = Some(stream);
        Ok(reply)
    }

    fn line(&self, node: NodeId, address: &str, purpose: Purpose) -> Line {
        let mut lines = self.lines.lock().expect("no holder panics");
        let line = lines.entry((node, address.to_owned(), purpose));
        Arc::clone(line.or_default())
    }
}

/// Whether the other end, which says nothing unasked, has not closed the connection.
fn is_open(stream: &TcpStream) -> bool {
    let read = stream.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Answers other nodes, for ever.
pub async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(Arc::clone(&shared), stream));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    while let Ok(ask) = frames::read(&mut stream).await {
        if shared.node().faults.strike(&Fault::DeafFabric) {
            return;
        }
        let reply = answer(&shared, ask).await;
        if frames::write(&mut stream, &reply).await.is_err() {
            return;
        }
    }
}

async fn answer(shared: &Shared, ask: Ask) -> Reply {
    match ask {
        Ask::Share(smd) => {
            let mut node = shared.node();
            node.learn(smd);
            Reply::Share(node.smd.clone())
        }
        Ask::Keep(namespace, digest, record) => {
            shared.node().records.keep(&namespace, digest, record);
            Reply::Done
        }
        Ask::Fetch(namespace, digest) => {
            Reply::Record(shared.node().records.get(&namespace, &digest).cloned())
        }
        Ask::Serve(body) => {
            let answer = routing::as_master(shared, &body).await;
            answer.map_or(Reply::NotNow, Reply::Answer)
        }
        Ask::Announce(announcement) => expect(shared, announcement),
        Ask::Migrate(batch) => take(shared, batch),
    }
}

fn expect(shared: &Shared, announcement: Announcement) -> Reply {
    let mut node = shared.node();
    if node.engine.key() != announcement.key {
        return Reply::NotNow;
    }
    node.expect(announcement.from, announcement.partitions);
    Reply::Done
}

fn take(shared: &Shared, batch: Batch) -> Reply {
    let mut node = shared.node();
    if node.engine.key() != batch.key {
        return Reply::NotNow;
    }
    for (digest, record) in batch.records {
        node.records.keep(&batch.namespace, digest, record);
    }
    node.count_received(batch.from, &batch.namespace, &batch.partitions);
    Reply::Done
}

/// The members of the cluster besides this node, with their fabric addresses.
pub fn others(shared: &Shared) -> Vec<(NodeId, String)> {
    let node = shared.node();
    let me = node.engine.me().id;
    let others = node.engine.members().iter().filter(|(id, _)| **id != me);
    others
        .map(|(id, offer)| (*id, host_port(&offer.contact.fabric)))
        .collect()
}

/// `host:port`, with brackets where they are needed.
pub fn host_port((host, port): &(String, u16)) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Exchanges shared metadata with all other nodes.
pub async fn share(shared: Arc<Shared>) {
    for (node, address) in others(&shared) {
        let smd = shared.node().smd.clone();
        let reply = shared.fabric.ask(node, &address, &Ask::Share(smd)).await;
        if let Ok(Reply::Share(smd)) = reply {
            shared.node().learn(smd);
        }
    }
}
