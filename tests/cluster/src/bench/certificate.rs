//! A certificate for a process without Kubernetes.

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::install::WEBHOOK;

/// A certificate of the webhooks.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The authority, in PEM.
    pub authority: String,
    /// The certificate, in PEM.
    pub chain: String,
    /// Its key, in PEM.
    pub key: String,
}

impl Certificate {
    /// Makes an authority and a certificate of it.
    ///
    /// # Errors
    /// If the machine has no randomness.
    pub fn generate() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "aerospike-operator test authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Self::signed_by(&authority)
    }

    fn signed_by(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<Self> {
        let key = KeyPair::generate()?;
        let names = vec![WEBHOOK.to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, authority)?;
        Ok(Self {
            authority: authority.pem(),
            chain: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}
