//! Servers in this process, each on its own loopback address, and a plain client for them.
#![allow(dead_code)]

use std::fs;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use simulator::server::{Options, Running, start};
use simulator::version::{Edition, Release};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Every test has addresses of its own, so that all use the same ports.
static NEXT_TEST: AtomicU8 = AtomicU8::new(1);

pub const SERVICE: u16 = 3000;
const CONTROL: u16 = 4000;

/// A few nodes of one cluster.
pub struct Fleet {
    pub release: Release,
    pub size: u8,
    pub heartbeat: &'static str,
    pub more: &'static str,
    /// Lines of the network's service section, and of the network.
    pub service: &'static str,
    pub network: &'static str,
    /// Lines of the namespace.
    pub namespace: &'static str,
    /// Its storage.
    pub storage: &'static str,
    test: u8,
    directory: TempDir,
    nodes: Vec<Option<Running>>,
}

impl Fleet {
    pub fn new(version: &str, edition: Edition, size: u8) -> Self {
        let version = version.parse().expect("a version");
        Self {
            release: Release { version, edition },
            size,
            heartbeat: "interval 50\n timeout 6\n connect-timeout-ms 100",
            more: "",
            service: "",
            network: "",
            namespace: "",
            storage: "memory {\n data-size 1G\n }",
            test: NEXT_TEST.fetch_add(1, Ordering::Relaxed),
            directory: TempDir::new().expect("a directory"),
            nodes: (0..size).map(|_| None).collect(),
        }
    }

    pub async fn started(mut self) -> Self {
        for node in 1..=self.size {
            self.start(node).await;
        }
        self
    }

    pub fn address(&self, node: u8) -> Ipv4Addr {
        let process = u8::try_from(std::process::id() % 250).unwrap_or(0) + 1;
        Ipv4Addr::new(127, process, self.test, node)
    }

    fn config(&self, node: u8) -> String {
        let (ip, work) = (self.address(node), self.work(node));
        let seeds: Vec<_> = (1..=self.size)
            .map(|seed| {
                format!(
                    "mesh-seed-address-port {} 3002
",
                    self.address(seed)
                )
            })
            .collect();
        let seeds = seeds.concat();
        let (heartbeat, more) = (self.heartbeat, self.more);
        let service = self.service.replace("IP", &ip.to_string());
        let network = self.network.replace("WORK", &work);
        let features = match self.release.edition {
            Edition::Enterprise => format!("feature-key-file {work}/features.conf"),
            Edition::Community => String::new(),
        };
        let admin = if self.release.version.at_least(8, 1) {
            format!("admin {{\n address {ip}\n port 3003\n }}\n")
        } else {
            String::new()
        };
        format!(
            "service {{\n cluster-name ako-live\n node-id a{node}\n work-directory {work}\n proto-fd-max 1024\n{features}\n}}\n\
             logging {{\n file {work}/asd.log {{\n context any info\n }}\n console {{\n context any warning\n }}\n}}\n\
             network {{\n service {{\n address {ip}\n port 3000\n {service}\n }}\n heartbeat {{\n mode mesh\n address {ip}\n port 3002\n\
             {seeds}{heartbeat}\n }}\n fabric {{\n address {ip}\n port 3001\n }}\n {admin}{network}}}\n\
             namespace test {{\n replication-factor 2\n {}\n storage-engine {}\n}}\n{more}",
            self.namespace,
            self.storage.replace("WORK", &work)
        )
    }

    pub fn work(&self, node: u8) -> String {
        self.directory
            .path()
            .join(node.to_string())
            .to_string_lossy()
            .into_owned()
    }

    pub async fn start(&mut self, node: u8) {
        let work = self.work(node);
        fs::create_dir_all(format!("{work}/smd")).expect("a directory");
        fs::write(format!("{work}/features.conf"), "feature-key-version 2\n").expect("a file");
        let config_file = format!("{work}/aerospike.conf").into();
        fs::write(&config_file, self.config(node)).expect("a file");
        let options = Options {
            release: self.release,
            config_file,
            strict: true,
            control: Some((self.address(node), CONTROL).into()),
        };
        let running = start(&options).await.expect("a server");
        self.nodes[usize::from(node) - 1] = Some(running);
    }

    pub async fn stop(&mut self, node: u8) {
        if let Some(running) = self.nodes[usize::from(node) - 1].take() {
            running.stop().await;
        }
    }

    pub async fn info(&self, node: u8, command: &str) -> String {
        let answer = self
            .raw(node, SERVICE, 1, format!("{command}\n").as_bytes())
            .await;
        let text = String::from_utf8(answer).expect("text");
        text.trim_end_matches('\n')
            .split_once('\t')
            .map_or(text.clone(), |(_, value)| value.to_owned())
    }

    /// Sends one order to the control port of a node; its answer.
    pub async fn order(&self, node: u8, order: &str) -> String {
        let mut stream = TcpStream::connect((self.address(node), CONTROL))
            .await
            .expect("a connection");
        stream
            .write_all(format!("{order}\n").as_bytes())
            .await
            .expect("a write");
        let mut answer = String::new();
        let mut reader = tokio::io::BufReader::new(stream);
        reader.read_line(&mut answer).await.expect("an answer");
        answer.trim_end().to_owned()
    }

    /// Sends one message and returns the body of the answer.
    pub async fn raw(&self, node: u8, port: u16, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect((self.address(node), port))
            .await
            .expect("a connection");
        let mut message = vec![2, kind];
        message.extend_from_slice(&(body.len() as u64).to_be_bytes()[2..]);
        message.extend_from_slice(body);
        stream.write_all(&message).await.expect("a write");
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.expect("a header");
        let length = u64::from_be_bytes(header) & 0xffff_ffff_ffff;
        let mut answer = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut answer).await.expect("a body");
        answer
    }

    /// Waits until these nodes agree that they are a cluster with nothing to move.
    pub async fn settled(&self, nodes: &[u8]) {
        let command = format!(
            "cluster-stable:size={};ignore-migrations=false",
            nodes.len()
        );
        let wait = async {
            loop {
                let mut keys = Vec::new();
                for node in nodes {
                    keys.push(self.info(*node, &command).await);
                }
                if keys
                    .iter()
                    .all(|key| *key == keys[0] && !key.starts_with("ERROR"))
                {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), wait)
            .await
            .expect("a stable cluster");
    }

    /// Asks until the answer is as wanted.
    pub async fn until(&self, node: u8, command: &str, wanted: impl Fn(&str) -> bool) {
        let wait = async {
            while !wanted(&self.info(node, command).await) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), wait)
            .await
            .expect("the answer");
    }

    /// Whether the server closes a connection on which it gets these bytes.
    pub async fn is_closed_by(&self, node: u8, port: u16, bytes: &[u8]) -> bool {
        let mut stream = TcpStream::connect((self.address(node), port))
            .await
            .expect("a connection");
        stream.write_all(bytes).await.expect("a write");
        let mut answer = [0; 1];
        let read = timeout(Duration::from_secs(5), stream.read(&mut answer)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}
