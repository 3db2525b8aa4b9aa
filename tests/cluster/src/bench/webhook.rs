//! The operator's process with nothing but its webhooks, on this machine.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::certificate::Certificate;
use super::counters;
use super::surroundings::kib;
use crate::install::WEBHOOK;
use crate::review_client::Client;
use crate::run;

/// What it counts of the reviews that it answered.
const REVIEWS: &str = "aerospike_operator_reviews_total";

/// What a process needs, before it is started.
pub struct Setup {
    folder: TempDir,
    /// Where it will answer reviews.
    pub address: SocketAddr,
    probes: SocketAddr,
    /// Somebody who asks it.
    pub client: Client,
}

impl Setup {
    /// Makes a certificate and finds free ports.
    ///
    /// # Errors
    /// If the machine has no place for files or no free ports.
    pub fn new() -> Result<Self> {
        let certificate = Certificate::generate()?;
        let folder = tempfile::tempdir()?;
        for (file, content) in [
            ("ca.crt", &certificate.authority),
            ("tls.crt", &certificate.chain),
            ("tls.key", &certificate.key),
        ] {
            fs::write(folder.path().join(file), content)?;
        }
        let [address, probes] = free_addresses()?;
        Ok(Self {
            client: Client::new(WEBHOOK, &certificate.authority)?,
            folder,
            address,
            probes,
        })
    }

    /// The authority of the certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Starts a process, on one core alone if one is named.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&self, program: &Path, core: Option<usize>) -> Result<Webhook> {
        let mut command = on_core(program, core);
        command
            .args(["run", "--webhook-only", "--cert-mode=files"])
            .arg(format!("--cert-dir={}", self.folder.path().display()))
            .arg(format!("--webhook-bind-address={}", self.address))
            .arg(format!("--health-probe-bind-address={}", self.probes))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        Ok(Webhook {
            child,
            probes: self.probes,
        })
    }
}

/// A command that runs a program on one core, or on any.
#[must_use]
pub fn on_core(program: &Path, core: Option<usize>) -> Command {
    match core {
        None => Command::new(program),
        Some(core) => {
            let mut command = run::command("taskset");
            command.args(["--cpu-list", &core.to_string()]).arg(program);
            command
        }
    }
}

fn free_addresses() -> Result<[SocketAddr; 2]> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (listen()?, listen()?);
    Ok([one.local_addr()?, other.local_addr()?])
}

/// A running process, which ends with this value.
pub struct Webhook {
    child: Child,
    probes: SocketAddr,
}

impl Webhook {
    /// Its resident memory, in MB as the kernel counts it.
    ///
    /// # Errors
    /// If it is gone.
    pub fn resident(&self) -> Result<f64> {
        resident(self.child.id())
    }

    /// How many reviews it answered.
    ///
    /// # Errors
    /// If it does not say.
    pub fn reviews(&self) -> Result<f64> {
        let mut stream = TcpStream::connect(self.probes)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "no metrics: {answer}");
        Ok(counters::sum(&answer, REVIEWS, &[]))
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The resident memory of a process in MB.
///
/// # Errors
/// If there is no such process.
pub fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} is gone"))?;
    let kib = kib(&status, "VmRSS:").context("the kernel does not tell resident memory")?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(kib as f64 * 1024.0 / 1e6)
}
