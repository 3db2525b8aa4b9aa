//! Certificate and key from a mounted Secret, read again for as long as the process lives.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use k8s_openapi::jiff::Timestamp;
use rustls::{
    ConfigBuilder, ServerConfig, WantsVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{fs, time};

use super::validity;

/// How often the files are read again.
pub const RELOAD_EVERY: Duration = Duration::from_secs(5);

/// The certificate chain's file in a Secret of type `kubernetes.io/tls`.
const CHAIN_FILE: &str = "tls.crt";
/// The key's file.
const KEY_FILE: &str = "tls.key";
/// The link that the kubelet swaps when the Secret changed.
const SNAPSHOT: &str = "..data";

/// Why a certificate could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no usable PEM section.
    #[error("failed to parse {}: expected PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// Certificate and key do not make a pair.
    #[error("tls.crt and tls.key in {} do not fit each other", folder.display())]
    Pair {
        /// Where they are.
        folder: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Hands out the newest certificate that loaded.
#[derive(Debug)]
pub struct CertReloader {
    folder: PathBuf,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
}

impl CertReloader {
    /// Loads `tls.crt` and `tls.key` from `folder` for the first time, so that a bad pair stops the process at start.
    ///
    /// # Errors
    ///
    /// If a file is missing or unusable.
    pub async fn load(folder: impl Into<PathBuf>) -> Result<Arc<Self>, Error> {
        let folder = folder.into();
        let provider = Arc::new(ring::default_provider());
        let pair = read_pair(&folder, &provider).await?;
        Ok(Arc::new(Self {
            folder,
            provider,
            current: ArcSwap::from_pointee(pair),
        }))
    }

    /// Reloads every `period`, for as long as it is polled.
    pub async fn run(self: Arc<Self>, period: Duration) {
        let mut ticks = time::interval(period);
        ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.reload().await;
        }
    }

    /// Takes the pair on disk if it is a good one; a bad one leaves the old in use.
    pub async fn reload(&self) {
        match read_pair(&self.folder, &self.provider).await {
            Ok(new) if new.cert == self.current.load().cert => {}
            Ok(new) => {
                self.current.store(Arc::new(new));
                tracing::info!(folder = %self.folder.display(), "Reloaded certificate");
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "Keeping the old certificate");
            }
        }
    }

    /// Whether clients accept the certificate in use at `now`. One whose dates cannot be read is not doubted.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        let current = self.current.load();
        let validity = current.cert.first().and_then(|leaf| validity::of(leaf));
        validity.is_none_or(|validity| validity.contains(&now))
    }

    /// A server configuration that asks this reloader at each handshake.
    #[must_use]
    pub fn server_config(self: &Arc<Self>) -> ServerConfig {
        let mut config = builder(self.provider.clone())
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

fn builder(provider: Arc<CryptoProvider>) -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
}

impl ResolvesServerCert for CertReloader {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

async fn read_pair(folder: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, Error> {
    let folder = snapshot(folder).await;
    let (chain_file, key_file) = (folder.join(CHAIN_FILE), folder.join(KEY_FILE));
    let (chain, key) = (read(&chain_file).await?, read(&key_file).await?);
    let in_file = |path: PathBuf| move |source| Error::Pem { path, source };
    let chain = chain_of(&chain).map_err(in_file(chain_file))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(in_file(key_file))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|source| Error::Pair { folder, source })
}

/// The folder behind the kubelet's link: two reads from it are of one version, whenever the link is swapped.
async fn snapshot(folder: &Path) -> PathBuf {
    let linked = fs::canonicalize(folder.join(SNAPSHOT)).await;
    linked.unwrap_or_else(|_| folder.to_owned())
}

fn chain_of(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        return Err(pem::Error::NoItemsFound);
    }
    Ok(chain)
}

async fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).await.map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
}
