//! Real handshakes on loopback.

use std::{
    net::SocketAddr,
    os::unix::fs::symlink,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aerospike_operator::{
    resolve::Settings,
    tls::{self, Files, Limits, certificate::Fault, files::Error},
    webhook::{self, Context, VALIDATE_CLUSTER},
};
use axum::{Router, body::Bytes, routing::get};
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use k8s_openapi::jiff::Timestamp;
use rcgen::{CertifiedKey, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

type Pair = CertifiedKey<KeyPair>;

const NAME: &str = "op.ns.svc";

fn pair() -> Pair {
    rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap()
}

/// Lays a pair down as the kubelet does: a folder for each version, and a link that is swapped in one step.
fn mount(dir: &Path, version: u32, pair: &Pair) {
    let folder = dir.join(format!("..v{version}"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
    let link = dir.join("..data_tmp");
    symlink(&folder, &link).unwrap();
    std::fs::rename(&link, dir.join("..data")).unwrap();
    for name in ["tls.crt", "tls.key"] {
        let _ = symlink(format!("..data/{name}"), dir.join(name));
    }
    if version > 1 {
        std::fs::remove_dir_all(dir.join(format!("..v{}", version - 1))).unwrap();
    }
}

/// A server with short patience.
struct Served {
    dir: TempDir,
    address: SocketAddr,
    stop: CancellationToken,
    files: Arc<Files>,
    server: JoinHandle<()>,
}

async fn served(pair: &Pair, router: Router) -> Served {
    served_within(pair, router, limits()).await
}

fn limits() -> Limits {
    Limits {
        handshake: Duration::from_millis(400),
        head: Duration::from_millis(400),
        idle: Duration::from_secs(30),
        drain: Duration::from_secs(3),
        connections: 64,
    }
}

async fn served_within(pair: &Pair, router: Router, limits: Limits) -> Served {
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), 1, pair);
    let certificate = Arc::new(tls::Served::default());
    let files = Files::load(dir.path(), certificate.clone()).await.unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tls::serve(tcp, certificate, router, limits, stop.clone());
    Served {
        dir,
        address,
        stop,
        files: Arc::new(files),
        server: tokio::spawn(serving),
    }
}

impl Served {
    async fn connect(&self, protocol: &[u8], roots: &[&Pair]) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        connector(protocol, roots).connect(name, tcp).await.unwrap()
    }

    async fn certificate(&self, roots: &[&Pair]) -> CertificateDer<'static> {
        let tls = self.connect(b"http/1.1", roots).await;
        let chain = tls.get_ref().1.peer_certificates().unwrap();
        chain[0].clone().into_owned()
    }
}

fn connector(protocol: &[u8], roots: &[&Pair]) -> TlsConnector {
    let mut store = RootCertStore::empty();
    for pair in roots {
        store.add(pair.cert.der().clone()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

fn reviews() -> Router {
    webhook::router(Context::new(Settings::default(), Arc::new(())))
}

fn review() -> Request<Full<Bytes>> {
    let review = json!({"request": {"uid": "u-1", "operation": "CREATE", "name": "db", "namespace": "ns",
        "object": {"metadata": {"name": "db"}, "spec": {}}}});
    Request::post(format!("https://{NAME}{VALIDATE_CLUSTER}"))
        .header("host", NAME)
        .body(Full::from(review.to_string()))
        .unwrap()
}

async fn ask_http1(
    tls: TlsStream<TcpStream>,
    request: Request<Full<Bytes>>,
) -> (StatusCode, Bytes) {
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
        .await
        .unwrap();
    tokio::spawn(connection);
    let response = send.send_request(request).await.unwrap();
    let status = response.status();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

/// Whether the server ends a connection on which `sent` was all that the client said.
async fn is_dropped(mut tls: TlsStream<TcpStream>, sent: &[u8]) -> bool {
    tls.write_all(sent).await.unwrap();
    tls.flush().await.unwrap();
    let mut rest = Vec::new();
    timeout(Duration::from_secs(5), tls.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn reviews_are_answered_over_http_1_and_2() {
    let pair = pair();
    let served = served(&pair, reviews()).await;
    let tls = served.connect(b"http/1.1", &[&pair]).await;
    assert_eq!(ask_http1(tls, review()).await.0, StatusCode::OK);
    let tls = served.connect(b"h2", &[&pair]).await;
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls))
            .await
            .unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let response = send.send_request(review()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn no_review_is_lost_while_the_certificate_is_replaced() {
    let (first, second) = (pair(), pair());
    let served = served(&first, reviews()).await;
    let files = served.files.clone();
    tokio::spawn(async move { files.follow(Duration::from_millis(20)).await });
    let roots = [&first, &second];
    let mut seen = Vec::new();
    for index in 0..200 {
        if index == 60 {
            mount(served.dir.path(), 2, &second);
        }
        let tls = served.connect(b"http/1.1", &roots).await;
        let chain = tls.get_ref().1.peer_certificates().unwrap();
        seen.push(chain[0] == *second.cert.der());
        assert_eq!(ask_http1(tls, review()).await.0, StatusCode::OK);
    }
    assert!(!seen[0] && seen[199], "the certificate changed in between");
}

#[tokio::test]
async fn a_half_written_pair_is_refused_and_the_old_one_stays() {
    let (first, second) = (pair(), pair());
    let served = served(&first, reviews()).await;
    let chain = served.dir.path().join("..v1/tls.crt");
    for text in [second.cert.pem(), String::new(), "no PEM".to_owned()] {
        std::fs::write(&chain, text).unwrap();
        served.files.reload().await;
        assert_eq!(
            &served.certificate(&[&first, &second]).await,
            first.cert.der()
        );
    }
    mount(served.dir.path(), 2, &second);
    served.files.reload().await;
    assert_eq!(
        &served.certificate(&[&first, &second]).await,
        second.cert.der()
    );
}

#[tokio::test]
async fn a_bad_pair_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let load = || async { Files::load(dir.path(), Arc::default()).await.unwrap_err() };
    assert!(matches!(load().await, Error::Read { .. }));
    let (first, second) = (pair(), pair());
    std::fs::write(dir.path().join("tls.crt"), first.cert.pem()).unwrap();
    std::fs::write(dir.path().join("tls.key"), "").unwrap();
    let fault = |error| match error {
        Error::Unusable { source, .. } => source,
        Error::Read { .. } => panic!("the files are there"),
    };
    let torn = fault(load().await);
    assert!(matches!(torn, Fault::Pem { item: "key", .. }));
    let key = second.signing_key.serialize_pem();
    std::fs::write(dir.path().join("tls.key"), key).unwrap();
    assert!(matches!(fault(load().await), Fault::Pair(_)));
}

#[tokio::test]
async fn readiness_ends_with_the_certificate() {
    let mut params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let signing_key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    let dir = tempfile::tempdir().unwrap();
    mount(dir.path(), 1, &CertifiedKey { cert, signing_key });
    let served = Arc::new(tls::Served::default());
    assert!(!served.is_ready("2020-06-01T00:00:00Z".parse().unwrap()));
    Files::load(dir.path(), served.clone()).await.unwrap();
    let at = |text: &str| served.is_ready(text.parse::<Timestamp>().unwrap());
    assert!(at("2020-06-01T00:00:00Z") && at("2021-01-01T00:00:00Z"));
    assert!(!at("2021-01-01T00:00:01Z") && !at("2019-12-31T23:59:59Z"));
}

#[tokio::test]
async fn a_mute_client_holds_up_nobody_and_is_dropped() {
    let pair = pair();
    let served = served(&pair, reviews()).await;
    let mut mute = TcpStream::connect(served.address).await.unwrap();
    let asked = Instant::now();
    let tls = served.connect(b"http/1.1", &[&pair]).await;
    assert_eq!(ask_http1(tls, review()).await.0, StatusCode::OK);
    assert!(asked.elapsed() < Duration::from_millis(400));
    let mut rest = Vec::new();
    let dropped = timeout(Duration::from_secs(5), mute.read_to_end(&mut rest)).await;
    assert!(dropped.is_ok());
}

#[tokio::test]
async fn who_never_ends_a_request_is_dropped() {
    let pair = pair();
    let served = served(&pair, reviews()).await;
    let half = b"POST /validate HTTP/1.1\r\nhost: x\r\n";
    let cases: [(&[u8], &[u8]); 4] = [
        (b"http/1.1", b""),
        (b"http/1.1", half),
        (b"h2", b""),
        (b"h2", b"PRI * HTTP/2.0\r\n"),
    ];
    for (protocol, sent) in cases {
        let tls = served.connect(protocol, &[&pair]).await;
        assert!(
            is_dropped(tls, sent).await,
            "{} {sent:?}",
            String::from_utf8_lossy(protocol)
        );
    }
}

#[tokio::test]
async fn a_connection_without_requests_is_ended() {
    let pair = pair();
    let limits = Limits {
        idle: Duration::from_millis(300),
        ..limits()
    };
    let served = served_within(&pair, reviews(), limits).await;
    let tls = served.connect(b"h2", &[&pair]).await;
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(
        send.send_request(review()).await.unwrap().status(),
        StatusCode::OK
    );
    let ended = timeout(Duration::from_secs(5), connection).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn connections_above_the_cap_wait_for_a_place() {
    let pair = pair();
    let limits = Limits {
        connections: 1,
        ..limits()
    };
    let served = served_within(&pair, reviews(), limits).await;
    let _mute = TcpStream::connect(served.address).await.unwrap();
    let asked = Instant::now();
    let tls = served.connect(b"http/1.1", &[&pair]).await;
    assert_eq!(ask_http1(tls, review()).await.0, StatusCode::OK);
    assert!(asked.elapsed() > Duration::from_millis(200));
}

#[tokio::test]
async fn what_was_asked_before_the_stop_is_answered() {
    let pair = pair();
    let slow = Router::new().route(
        "/slow",
        get(|| async {
            sleep(Duration::from_millis(300)).await;
            "done"
        }),
    );
    let served = served(&pair, slow).await;
    let tls = served.connect(b"http/1.1", &[&pair]).await;
    let request = Request::get("/slow")
        .header("host", NAME)
        .body(Full::default())
        .unwrap();
    let pending = tokio::spawn(ask_http1(tls, request));
    let idle = served.connect(b"h2", &[&pair]).await;
    sleep(Duration::from_millis(100)).await;
    served.stop.cancel();
    assert_eq!(&pending.await.unwrap().1[..], b"done");
    timeout(Duration::from_secs(2), served.server)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
    drop(idle);
}
