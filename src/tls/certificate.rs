//! The certificate in use: handed out at each handshake, replaced while the process runs.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use k8s_openapi::jiff::Timestamp;
use rustls::{
    ConfigBuilder, ServerConfig, WantsVerifier,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::validity;

/// The certificate's file, or its item in a Secret.
pub const CHAIN: &str = "tls.crt";
/// The key's.
pub const KEY: &str = "tls.key";

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// One holds no usable PEM section.
    #[error("the {item} is not PEM")]
    Pem {
        /// Which.
        item: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// They do not make a pair.
    #[error("certificate and key do not fit each other")]
    Pair(#[source] rustls::Error),
}

/// Reads a chain and its key, both PEM, and checks that they fit each other.
///
/// # Errors
///
/// If they cannot be used.
pub fn parse(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, Fault> {
    let in_item = |item| move |source| Fault::Pem { item, source };
    let chain = chain_of(chain).map_err(in_item("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(in_item("key"))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(Fault::Pair)
}

fn chain_of(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let chain = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        return Err(pem::Error::NoItemsFound);
    }
    Ok(chain)
}

/// Hands out the certificate in use; at first there is none, and handshakes fail.
#[derive(Debug, Default)]
pub struct Served(ArcSwapOption<CertifiedKey>);

impl Served {
    /// Puts a certificate in use, and says whether it is another one than before.
    pub fn put(&self, new: CertifiedKey) -> bool {
        let same = |old: &Arc<CertifiedKey>| old.cert == new.cert;
        if self.0.load().as_ref().is_some_and(same) {
            return false;
        }
        self.0.store(Some(Arc::new(new)));
        true
    }

    /// Whether clients accept the certificate in use at `now`. One whose dates cannot be read is not doubted.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        self.0.load().as_ref().is_some_and(|current| {
            let validity = current.cert.first().and_then(|leaf| validity::of(leaf));
            validity.is_none_or(|validity| validity.contains(&now))
        })
    }

    /// A server configuration that asks for the certificate at each handshake.
    #[must_use]
    pub fn server_config(self: &Arc<Self>) -> ServerConfig {
        let mut config = builder()
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

fn builder() -> ConfigBuilder<ServerConfig, WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}
