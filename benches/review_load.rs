//! Load on a running webhook: how many reviews a second it answers, and how long the answers take.
//!
//! `review_load ADDRESS --ca tls.crt` asks; `review_load --serve ADDRESS --certs DIR` is a server with nothing around it,
//! to pin on a core of its own.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use aerospike_operator::{
    resolve::Settings,
    tls::{self, Files, Limits, Served},
    webhook::{self, Context, MUTATE_CLUSTER, VALIDATE_CLUSTER},
};
use anyhow::{Context as _, ensure};
use axum::body::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

#[derive(Clone, Parser)]
struct Arguments {
    /// Where the webhook listens, or shall listen.
    #[arg(default_value = "127.0.0.1:9443")]
    address: SocketAddr,
    /// Certificate that signed the server's.
    #[arg(long, default_value = "tls.crt")]
    ca: PathBuf,
    /// Name in the server's certificate.
    #[arg(long, default_value = "localhost")]
    name: String,
    /// How long to ask.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Clients at a time, each with a connection of its own.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// A manifest of an `AerospikeCluster` in YAML.
    #[arg(long, default_value = "tests/data/samples/tls_cluster_cr.yaml")]
    manifest: PathBuf,
    /// Serves instead of asking, with a new self-signed certificate.
    #[arg(long)]
    serve: bool,
    /// Where the server puts its certificate.
    #[arg(long, default_value = ".")]
    certs: PathBuf,
    /// Passed by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.serve {
        return serve(&arguments).await;
    }
    let manifest = std::fs::read_to_string(&arguments.manifest)
        .with_context(|| format!("failed to read {}", arguments.manifest.display()))?;
    let object: Value = serde_saphyr::from_str(&manifest)?;
    let mut other = object.clone();
    other["spec"]["size"] = json!(3);
    for (label, path, operation, old) in [
        ("mutate", MUTATE_CLUSTER, "CREATE", None),
        ("validate create", VALIDATE_CLUSTER, "CREATE", None),
        ("validate update", VALIDATE_CLUSTER, "UPDATE", Some(&other)),
    ] {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "operation": operation, "name": "db", "namespace": "ns", "object": object, "oldObject": old}});
        let took = load(&arguments, path, Bytes::from(review.to_string())).await?;
        report(label, took, arguments.seconds);
    }
    Ok(())
}

async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let pair = rcgen::generate_simple_self_signed(vec![arguments.name.clone()])?;
    std::fs::write(arguments.certs.join("tls.crt"), pair.cert.pem())?;
    std::fs::write(
        arguments.certs.join("tls.key"),
        pair.signing_key.serialize_pem(),
    )?;
    let certificate = Arc::new(Served::default());
    Files::load(&arguments.certs, certificate.clone()).await?;
    let tcp = TcpListener::bind(arguments.address).await?;
    let router = webhook::router(Context::new(Settings::default(), Arc::new(())));
    let stop = CancellationToken::new();
    tls::serve(tcp, certificate, router, Limits::default(), stop).await;
    Ok(())
}

/// How long each review took, all clients together.
async fn load(
    arguments: &Arguments,
    path: &'static str,
    review: Bytes,
) -> anyhow::Result<Vec<Duration>> {
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let clients: Vec<_> = (0..arguments.clients)
        .map(|_| tokio::spawn(client(arguments.clone(), path, review.clone(), until)))
        .collect();
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await??);
    }
    Ok(took)
}

async fn client(
    arguments: Arguments,
    path: &'static str,
    review: Bytes,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let tcp = TcpStream::connect(arguments.address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(arguments.name.clone())?;
    let tls = connector(&arguments)?.connect(name, tcp).await?;
    let (mut send, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(tls)).await?;
    tokio::spawn(connection);
    let mut took = Vec::new();
    while Instant::now() < until {
        let request = Request::post(path)
            .header(header::HOST, &arguments.name)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(review.clone()))?;
        let asked = Instant::now();
        let response = send.send_request(request).await?;
        ensure!(
            response.status().is_success(),
            "answered {}",
            response.status()
        );
        response.into_body().collect().await?;
        took.push(asked.elapsed());
    }
    Ok(took)
}

fn connector(arguments: &Arguments) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&arguments.ca)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn report(label: &str, mut took: Vec<Duration>, seconds: u64) {
    took.sort();
    let at = |percent: usize| {
        took.get(took.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{label}: {} reviews/s, p50 {:.2} ms, p99 {:.2} ms",
        took.len() as u64 / seconds.max(1),
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3
    );
}
