//! A client that sends one review over a new connection, as soon as somebody answers.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::paths;

/// The manifest that reviews are about.
const MANIFEST: &str = "tests/data/samples/tls_cluster_cr.yaml";
/// Where reviews of clusters are validated.
const PATH: &str = "/validate-asdb-aerospike-com-v1-aerospikecluster";
/// How long an answer may take, the start of the server included.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Between two attempts to connect: no more than a hundredth of what is measured.
const PAUSE: Duration = Duration::from_micros(100);

/// Everything that a request needs, made before the clock starts.
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    request: Vec<u8>,
}

impl Client {
    /// A client of a server with this name, whose certificate one of these authorities (PEM) signed.
    ///
    /// # Errors
    /// If one of them is malformed.
    pub fn new(name: &'static str, authorities: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(authority?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            name: ServerName::try_from(name)?,
            request: request(name, &review()?),
        })
    }

    /// Tries until a review is answered.
    ///
    /// # Errors
    /// If nobody answers in time, or something else than the answer to a review.
    pub fn ask_until_answered(&self, address: SocketAddr) -> Result<()> {
        let end = Instant::now() + ANSWER_WITHIN;
        loop {
            match self.exchange(address) {
                Ok(answer) => return expect_review(&answer),
                Err(error) if Instant::now() > end => {
                    return Err(error).context("no review was answered");
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// If the review is not answered.
    pub fn ask(&self, address: SocketAddr) -> Result<()> {
        expect_review(&self.exchange(address)?)
    }

    fn exchange(&self, address: SocketAddr) -> Result<Vec<u8>> {
        let tcp = TcpStream::connect(address)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(ANSWER_WITHIN))?;
        let tls = ClientConnection::new(self.config.clone(), self.name.clone())?;
        let mut stream = StreamOwned::new(tls, tcp);
        stream.write_all(&self.request)?;
        let mut answer = Vec::new();
        let mut part = [0; 16 << 10];
        while !is_whole(&answer) {
            match stream.read(&mut part)? {
                0 => return Err(anyhow!("the connection ended within an answer")),
                read => answer.extend_from_slice(&part[..read]),
            }
        }
        Ok(answer)
    }
}

fn review() -> Result<Value> {
    let path = paths::checkout().join(MANIFEST);
    let manifest = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let object: Value = serde_saphyr::from_str(&manifest)?;
    Ok(
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u", "operation": "CREATE", "name": "db", "namespace": "ns", "object": object}}),
    )
}

fn request(host: &str, review: &Value) -> Vec<u8> {
    let body = review.to_string();
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Whether an answer has all the bytes that it promises.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return false;
    };
    let fields = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = fields
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok());
    answer.len() >= head + 4 + length.unwrap_or(0)
}

fn expect_review(answer: &[u8]) -> Result<()> {
    let answer = String::from_utf8_lossy(answer);
    let is_review = answer.starts_with("HTTP/1.1 200") && answer.contains("\"response\"");
    ensure!(is_review, "this is no answer to a review: {answer}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert!(is_whole(answer));
        for length in 0..answer.len() {
            assert!(!is_whole(&answer[..length]), "{length}");
        }
    }

    #[test]
    fn a_request_says_how_long_it_is() {
        let request = String::from_utf8(request("name", &json!({"a": 1}))).unwrap();
        assert!(request.contains("host: name\r\n") && request.contains("content-length: 7\r\n"));
        assert!(request.ends_with("\r\n\r\n{\"a\":1}"));
    }

    #[test]
    fn only_an_answered_review_counts() {
        let answer = |text: &str| expect_review(text.as_bytes());
        assert!(answer("HTTP/1.1 200 OK\r\n\r\n{\"response\":{}}").is_ok());
        assert!(answer("HTTP/1.1 500 no\r\n\r\n{\"response\":{}}").is_err());
        assert!(answer("HTTP/1.1 200 OK\r\n\r\nhello").is_err());
    }
}
