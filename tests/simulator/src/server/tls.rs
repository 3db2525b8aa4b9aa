//! TLS on the ports for clients.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::conf::Settings;

/// A listener's side of TLS.
#[derive(Clone)]
pub struct Tls {
    current: Arc<Mutex<Current>>,
    source: Arc<Source>,
    /// Names of which a client's certificate must have one; none if any certificate will do.
    names: Vec<String>,
}

/// The files as they were read last.
struct Current {
    acceptor: TlsAcceptor,
    read: Instant,
}

/// Where the files are, and how long what was read counts.
struct Source {
    settings: Settings,
    entry: String,
    clients: bool,
    refresh: Duration,
}

impl Tls {
    /// What the section `name` of the network asks for, if it has a port for TLS.
    ///
    /// # Errors
    ///
    /// The server's complaint about names or files.
    pub fn of(settings: &Settings, name: &str) -> Result<Option<Self>, String> {
        if settings.port(&format!("network.{name}.tls-port")) == 0 {
            return Ok(None);
        }
        let entry = settings.get(&format!("network.{name}.tls-name"));
        let entry = entry.ok_or_else(|| format!("network.{name}: 'tls-port' needs 'tls-name'"))?;
        let asked = settings.all(&format!("network.{name}.tls-authenticate-client"));
        let words = |word: &String| ["any", "false"].contains(&word.as_str());
        let names: Vec<_> = asked.iter().filter(|word| !words(word)).cloned().collect();
        if names.len() != asked.len() && asked.len() > 1 {
            return Err(
                "'tls-authenticate-client' can't mix 'any' or 'false' with names".to_owned(),
            );
        }
        let clients = !asked.iter().any(|word| word == "false");
        let refresh = Duration::from_secs(settings.number("service.tls-refresh-period", 60));
        let source = Source {
            settings: settings.clone(),
            entry: entry.to_owned(),
            clients,
            refresh,
        };
        let current = Current {
            acceptor: source.read()?,
            read: Instant::now(),
        };
        Ok(Some(Self {
            current: Arc::new(Mutex::new(current)),
            source: Arc::new(source),
            names,
        }))
    }

    /// The stream after the handshake; an error if the client is not who it should be.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.acceptor().accept(stream).await?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let known =
            self.names.is_empty() || certificates.first().is_some_and(|it| self.is_known(it));
        if known {
            Ok(stream)
        } else {
            Err(std::io::Error::other(
                "client certificate has none of the names",
            ))
        }
    }

    /// Files are read again once they are old; bad ones change nothing.
    fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let refresh = self.source.refresh;
        if !refresh.is_zero() && current.read.elapsed() >= refresh {
            current.read = Instant::now();
            if let Ok(acceptor) = self.source.read() {
                current.acceptor = acceptor;
            }
        }
        current.acceptor.clone()
    }

    fn is_known(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else {
            return false;
        };
        let mut names = self
            .names
            .iter()
            .filter_map(|name| ServerName::try_from(name.as_str()).ok());
        names.any(|name| verify_server_name(&certificate, &name).is_ok())
    }
}

impl Source {
    fn read(&self) -> Result<TlsAcceptor, String> {
        acceptor(&self.settings, &self.entry, self.clients)
    }
}

fn acceptor(settings: &Settings, entry: &str, clients: bool) -> Result<TlsAcceptor, String> {
    let file = |name: &str| {
        let key = format!("network.tls.{{{entry}}}.{name}");
        settings
            .get(&key)
            .ok_or_else(|| format!("tls '{entry}' has no '{name}'"))
    };
    let (chain, key) = (certificates(file("cert-file")?)?, file("key-file")?);
    let key = PrivateKeyDer::from_pem_file(path(key))
        .map_err(|error| format!("can't use {key}: {error}"))?;
    let builder =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if clients {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(file("ca-file")?)?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder
            .with_client_cert_verifier(verifier.map_err(|error| format!("tls '{entry}': {error}"))?)
    } else {
        builder.with_no_client_auth()
    };
    let config = builder
        .with_single_cert(chain, key)
        .map_err(|error| format!("tls '{entry}': {error}"))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn path(value: &str) -> &str {
    value.strip_prefix("file:").unwrap_or(value)
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: rustls::pki_types::pem::Error| format!("can't use {file}: {error}");
    let all = CertificateDer::pem_file_iter(path(file)).map_err(wrong)?;
    all.collect::<Result<_, _>>().map_err(wrong)
}
