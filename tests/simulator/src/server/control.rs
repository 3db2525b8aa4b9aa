//! A port for tests: what is to go wrong, and what is. One order a line, in JSON, and one answer a line.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Shared;
use crate::faults::Planned;
use crate::node::Node;

/// What a test wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Something is to go wrong: `{"inject": {"fault": "stall", "calls": 3}}`.
    Inject(Planned),
    /// Nothing goes wrong any more: `"heal"`.
    Heal,
    /// How it is: `"inspect"`.
    Inspect,
}

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Its id.
    pub node: String,
    /// Members of its cluster.
    pub size: usize,
    /// The key of its cluster, in hex.
    pub key: String,
    /// Whether it is quiesced.
    pub quiesced: bool,
    /// Partitions that it has to send or to receive.
    pub moving: usize,
    /// Requests that no server knows.
    pub unknown_info: u64,
    /// What goes wrong.
    pub faults: Vec<Planned>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Done,
    Refused(String),
    Inspection(Inspection),
}

/// Opens the port, which must be of the loopback.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let text = format!("{address} is not a loopback address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    TcpListener::bind(address).await
}

/// Takes orders, for ever.
pub async fn listen(shared: Arc<Shared>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(Arc::clone(&shared), stream));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str(&line) {
            Ok(order) => obey(&mut shared.node(), order),
            Err(error) => Reply::Refused(error.to_string()),
        };
        let Ok(mut bytes) = serde_json::to_vec(&reply) else {
            return;
        };
        bytes.push(b'\n');
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn obey(node: &mut Node, order: Order) -> Reply {
    match order {
        Order::Inject(planned) => node.inject(planned),
        Order::Heal => node.heal(),
        Order::Inspect => return Reply::Inspection(inspect(node)),
    }
    Reply::Done
}

fn inspect(node: &Node) -> Inspection {
    Inspection {
        node: node.id(),
        size: node.engine.members().len(),
        key: format!("{:X}", node.engine.key()),
        quiesced: node.is_quiesced(),
        moving: node.migrations.values().map(|it| it.remaining()).sum(),
        unknown_info: node.counts.unknown_info,
        faults: node.faults.all().to_vec(),
    }
}
