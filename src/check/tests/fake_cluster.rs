//! As much of a cluster as the client needs in order to connect, and to keep one record.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of the header in front of the fields of a record message.
const RECORD_HEADER: usize = 22;

/// What the cluster does with records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Records {
    /// Keeps the last one.
    Kept,
    /// Keeps the last one, in part.
    Mangled,
    /// Refuses all, for want of a role.
    Refused,
}

/// A node: what it answers to info commands, and its record.
#[derive(Clone)]
struct Node {
    answers: Vec<(&'static str, String)>,
    record: Arc<Mutex<Vec<u8>>>,
    records: Records,
}

/// Starts two nodes with the namespace `test`, of which the first owns every partition; gives back its address.
pub(super) async fn start(records: Records) -> SocketAddr {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let second = TcpListener::bind(("127.0.0.2", 0)).await.unwrap();
    let [seed, other] = [&first, &second].map(|listener| listener.local_addr().unwrap());
    // 4096 set bits, in base64.
    let owners = format!("test:1,1,{}8=", "/".repeat(682));
    let others = format!("test:1,1,{}=", "A".repeat(683));
    for (listener, name, replicas, peer) in [
        (first, "A1", owners, format!("[A2,,[{other}]]")),
        (second, "A2", others, format!("[A1,,[{seed}]]")),
    ] {
        let node = Node {
            answers: answers(name, replicas, &peer),
            record: Arc::default(),
            records,
        };
        tokio::spawn(accept(listener, node));
    }
    seed
}

fn answers(name: &str, replicas: String, peer: &str) -> Vec<(&'static str, String)> {
    let peers = format!("1,3000,[{peer}]");
    vec![
        ("node", name.to_owned()),
        ("build", "8.1.2.0".to_owned()),
        ("cluster-name", "fake".to_owned()),
        ("namespaces", "bar;test".to_owned()),
        ("partition-generation", "1".to_owned()),
        ("peers-generation", "1".to_owned()),
        ("rebalance-generation", "1".to_owned()),
        ("peers-clear-std", peers.clone()),
        ("peers-clear-alt", peers),
        ("replicas", replicas),
    ]
}

async fn accept(listener: TcpListener, node: Node) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, node.clone()));
    }
}

async fn serve(mut stream: TcpStream, node: Node) {
    let mut header = [0; 8];
    while stream.read_exact(&mut header).await.is_ok() {
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[6], header[7]]))];
        stream.read_exact(&mut body).await.unwrap();
        let answer = match header[1] {
            1 => node.info(&String::from_utf8(body).unwrap()),
            _ => node.record(&body),
        };
        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
        let header = [2, header[1], 0, 0, 0, 0, length[0], length[1]];
        stream
            .write_all(&[&header[..], &answer].concat())
            .await
            .unwrap();
    }
}

impl Node {
    fn info(&self, commands: &str) -> Vec<u8> {
        let answered = commands.lines().filter_map(|command| {
            let known = self.answers.iter().find(|(name, _)| *name == command);
            known.map(|(name, value)| format!("{name}\t{value}\n"))
        });
        answered.collect::<Vec<_>>().concat().into_bytes()
    }

    /// Bins travel in the same form in both directions.
    fn record(&self, body: &[u8]) -> Vec<u8> {
        let (reads, writes) = (body[1] & 1 == 1, body[2] & 1 == 1);
        let deletes = body[2] & 2 == 2;
        let mut answer = vec![0; RECORD_HEADER];
        answer[0] = 22;
        if self.records == Records::Refused {
            answer[5] = 81;
            return answer;
        }
        let mut record = self.record.lock().unwrap();
        if reads {
            answer[21] = 1;
            answer.extend(record.iter());
        } else if deletes {
            record.clear();
        } else if writes {
            *record = bins(body);
        }
        if reads && self.records == Records::Mangled {
            *answer.last_mut().unwrap() ^= 1;
        }
        answer
    }
}

fn bins(body: &[u8]) -> Vec<u8> {
    let fields = u16::from_be_bytes([body[18], body[19]]);
    let mut rest = &body[RECORD_HEADER..];
    for _ in 0..fields {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap());
        rest = &rest[4 + usize::try_from(length).unwrap()..];
    }
    rest.to_vec()
}
