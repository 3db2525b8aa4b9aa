//! Database servers, as far as a pass asks.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

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

/// What was done to the servers, and what they therefore say.
#[derive(Default)]
pub struct Told {
    /// How many there are.
    size: usize,
    /// The address of a quiesced one.
    quiesced: Option<IpAddr>,
    /// Commands that changed something, with the server's address.
    pub commands: Vec<(IpAddr, String)>,
}

/// Serves alone on a port of the loopback; the port.
pub async fn start() -> u16 {
    start_several(1).await.0
}

/// Serves on the same port of as many addresses of the loopback.
pub async fn start_several(size: u8) -> (u16, Arc<Mutex<Told>>) {
    let told = Arc::new(Mutex::new(Told {
        size: size.into(),
        ..Told::default()
    }));
    let mut port = 0;
    for last in 1..=size {
        let ip = Ipv4Addr::new(127, 0, 0, last);
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        port = listener.local_addr().unwrap().port();
        let told = told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, ip.into(), told.clone()));
            }
        });
    }
    (port, told)
}

impl Told {
    /// A server is gone.
    pub fn leave(&mut self) {
        self.size -= 1;
        self.come_back();
    }

    /// A server that was quiesced is another one.
    pub fn come_back(&mut self) {
        self.quiesced = None;
    }

    fn answer(&mut self, ip: IpAddr, command: &str) -> String {
        if let Some((_, value)) = ANSWERS.iter().find(|(name, _)| *name == command) {
            return value.replace("cluster_size=1", &format!("cluster_size={}", self.size));
        }
        if command.starts_with("namespace/") {
            let flag = format!(
                "quiesce={0};effective_is_quiesced={0}",
                self.quiesced == Some(ip)
            );
            return NAMESPACE.replace("quiesce=false;effective_is_quiesced=false", &flag);
        }
        if command.starts_with("cluster-stable:") {
            return "ABC".to_owned();
        }
        if command == "latencies:" {
            return "{test}-read:".to_owned();
        }
        self.commands.push((ip, command.to_owned()));
        if command == "quiesce:" {
            self.quiesced = Some(ip);
        }
        "ok".to_owned()
    }
}

async fn serve(mut stream: TcpStream, ip: IpAddr, told: Arc<Mutex<Told>>) {
    let mut header = [0; 8];
    while stream.read_exact(&mut header).await.is_ok() {
        let length = usize::try_from(u64::from_be_bytes(header) & 0xffff_ffff_ffff).unwrap();
        let mut request = vec![0; length];
        stream.read_exact(&mut request).await.unwrap();
        let request = String::from_utf8(request).unwrap();
        let mut answer = String::new();
        for command in request.lines() {
            let value = told.lock().unwrap().answer(ip, command);
            answer.extend([command, "\t", &value, "\n"]);
        }
        let head = (2_u64 << 56 | 1 << 48) + answer.len() as u64;
        stream.write_all(&head.to_be_bytes()).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
