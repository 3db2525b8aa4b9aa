//! The binary: what it prints, how it starts, answers and stops.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertifiedKey, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_rustls::TlsConnector;

const NAME: &str = "op.ns.svc";
/// How long a stop may take.
const SOON: Duration = Duration::from_secs(2);

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aerospike-operator"));
    command.env_remove("RUST_LOG");
    command
}

fn free_address() -> SocketAddr {
    StdListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn write_pair(folder: &Path) -> CertifiedKey<KeyPair> {
    let pair = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    std::fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    pair
}

/// The process while it runs.
struct Running {
    child: Child,
    pair: CertifiedKey<KeyPair>,
    reviews: SocketAddr,
    probes: SocketAddr,
    _folder: TempDir,
}

/// Starts it and waits until it is ready.
async fn start(arguments: &[&str], kubeconfig: Option<&str>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let pair = write_pair(folder.path());
    let (reviews, probes) = (free_address(), free_address());
    let mut command = binary();
    if let Some(text) = kubeconfig {
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        command.env("KUBECONFIG", path);
    }
    let child = command
        .args(["run", "--cert-mode=files", "--cert-dir"])
        .arg(folder.path())
        .args(["--webhook-bind-address", &reviews.to_string()])
        .args(["--health-probe-bind-address", &probes.to_string()])
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running {
        child,
        pair,
        reviews,
        probes,
        _folder: folder,
    };
    running.until_ready().await;
    running
}

impl Running {
    async fn until_ready(&self) {
        let began = Instant::now();
        while TcpStream::connect(self.probes).await.is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "it does not start"
            );
            sleep(Duration::from_millis(20)).await;
        }
        assert!(self.probe("/readyz").await.starts_with("HTTP/1.1 200"));
    }

    async fn probe(&self, path: &str) -> String {
        let stream = TcpStream::connect(self.probes).await.unwrap();
        exchange(stream, &format!("GET {path} HTTP/1.1"), "").await
    }

    async fn review(&self, body: &str) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(self.pair.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.reviews).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let path = aerospike_operator::webhook::VALIDATE_CLUSTER;
        exchange(stream, &format!("POST {path} HTTP/1.1"), body).await
    }

    /// Asks for the end; how it ended, if it did so soon.
    async fn stop(mut self) -> ExitStatus {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(asked.elapsed() < SOON, "it does not stop in time");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    line: &str,
    body: &str,
) -> String {
    let length = body.len();
    let request = format!(
        "{line}\r\nhost: {NAME}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The end of a TLS stream may come without a farewell.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Points at an API server that takes connections and never answers.
async fn mute_api_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{}}}}]\n"
    );
    (listener, text)
}

fn failed_run(folder: &Path) -> Output {
    let mut command = binary();
    command
        .args(["run", "--webhook-only", "--cert-mode=files", "--cert-dir"])
        .arg(folder);
    command.output().unwrap()
}

#[test]
fn it_prints_the_definition_that_is_on_file() {
    let output = binary().arg("crds").output().unwrap();
    let file = include_str!("../crds/aerospikeclusters.asdb.aerospike.com.yaml");
    assert!(output.status.success());
    assert!(output.stdout == file.as_bytes(), "crds/ is stale");
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    std::fs::write(folder.path().join("tls.key"), "no key").unwrap();
    let output = failed_run(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    let begin = "aerospike-operator: failed to load the webhook certificate: ";
    assert!(said.starts_with(begin), "{said}");
    assert!(!said.contains("no key"), "{said}");
}

#[tokio::test]
async fn it_answers_probes_and_reviews_and_stops_when_asked() {
    let running = start(&["--webhook-only"], None).await;
    assert!(running.probe("/healthz").await.starts_with("HTTP/1.1 200"));
    let review = include_str!("data/reviews/create-refused.request.json");
    let answer = running.review(review).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(r#""allowed":false"#), "{answer}");
    let metrics = running.probe("/metrics").await;
    assert!(metrics.contains("# EOF"), "{metrics}");
    assert!(running.stop().await.success());
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_hold_up_the_stop() {
    let running = start(&["--webhook-only"], None).await;
    let mute = [
        TcpStream::connect(running.reviews).await.unwrap(),
        TcpStream::connect(running.probes).await.unwrap(),
    ];
    sleep(Duration::from_millis(100)).await;
    assert!(running.stop().await.success());
    drop(mute);
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_holds_up_neither_reviews_nor_the_stop() {
    let (_listener, kubeconfig) = mute_api_server().await;
    let running = start(&[], Some(&kubeconfig)).await;
    let review = include_str!("data/reviews/create-warned.request.json");
    let answer = running.review(review).await;
    assert!(answer.contains(r#""allowed":true"#), "{answer}");
    assert!(running.stop().await.success());
}
