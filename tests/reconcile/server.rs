//! A database server of a cluster of one, as far as a pass asks.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ANSWERS: [(&str, &str); 5] = [
    ("build", "8.1.2.0"),
    ("node", "BB9000000000A1"),
    ("namespaces", "test"),
    (
        "statistics",
        "cluster_size=1;cluster_key=ABC;cluster_integrity=true;migrate_allowed=true;\
         migrate_partitions_remaining=0;uptime=100",
    ),
    (
        "release",
        "arch=x86_64;edition=Aerospike Enterprise Edition;os=el9;version=8.1.2.0",
    ),
];

const NAMESPACE: &str = "migrate_tx_partitions_remaining=0;migrate_rx_partitions_remaining=0;unavailable_partitions=0;\
                         dead_partitions=0;pending_quiesce=false;effective_is_quiesced=false;stop_writes=false";

/// Serves on a port of the loopback; the port.
pub async fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

async fn serve(mut stream: TcpStream) {
    let mut header = [0; 8];
    while stream.read_exact(&mut header).await.is_ok() {
        let length = usize::try_from(u64::from_be_bytes(header) & 0xffff_ffff_ffff).unwrap();
        let mut request = vec![0; length];
        stream.read_exact(&mut request).await.unwrap();
        let answer: String = String::from_utf8(request)
            .unwrap()
            .lines()
            .map(line)
            .collect();
        let head = (2_u64 << 56 | 1 << 48) + answer.len() as u64;
        stream.write_all(&head.to_be_bytes()).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn line(command: &str) -> String {
    let known = ANSWERS.iter().find(|(name, _)| *name == command);
    let value = known.map_or(NAMESPACE, |(_, value)| value);
    format!("{command}\t{value}\n")
}
