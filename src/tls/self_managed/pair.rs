//! A certificate with its authority and key, read and checked. Parsed once: behind it, the pair is a good one.

use std::{collections::BTreeSet, fmt};

use k8s_openapi::jiff::Timestamp;
use rustls::{
    RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use zeroize::Zeroizing;

use crate::tls::{certificate, validity};

const END: &str = "-----END CERTIFICATE-----";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Why a pair cannot be used. No text of a key is ever in it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Certificate or key.
    #[error(transparent)]
    Certificate(#[from] certificate::Fault),
    /// There is not one certificate and then its authority's.
    #[error("expected a certificate and then its authority's, found {found} certificates")]
    Chain {
        /// How many there are.
        found: usize,
    },
    /// The authority did not sign it for servers, or one of them cannot be read.
    #[error("the certificate is not of the authority beside it")]
    Authority(#[source] rustls::Error),
    /// It is for other names.
    #[error("the certificate does not hold for {name}")]
    Name {
        /// The first name that it lacks.
        name: String,
    },
    /// Its dates cannot be read.
    #[error("the certificate has no dates that can be read")]
    Dates,
}

/// The certificate of an authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Authority {
    /// Until when it holds.
    pub until: Timestamp,
    /// One section of PEM, without a line's end after it.
    pub pem: String,
}

/// A certificate, its authority and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// PEM: the certificate, then its authority's.
    pub chain: String,
    /// PEM.
    pub key: Zeroizing<String>,
    /// Who signed it.
    pub authority: Authority,
    /// Until when clients accept it.
    pub until: Timestamp,
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pair(until {})", self.until)
    }
}

impl Pair {
    /// Reads a pair that must hold for all `names`.
    ///
    /// # Errors
    ///
    /// If it is not a good one.
    pub fn parse(chain: &str, key: &str, names: &[String]) -> Result<Self, Fault> {
        let certified = certificate::parse(chain.as_bytes(), key.as_bytes())?;
        let [leaf, anchor] = certified.cert.as_slice() else {
            let found = certified.cert.len();
            return Err(Fault::Chain { found });
        };
        let until = *validity::of(leaf).ok_or(Fault::Dates)?.end();
        let authority = authorities(chain).pop().ok_or(Fault::Dates)?;
        verify(leaf, anchor, until, names)?;
        Ok(Self {
            chain: chain.to_owned(),
            key: Zeroizing::new(key.to_owned()),
            until: until.min(authority.until),
            authority,
        })
    }

    /// What the TLS library serves.
    ///
    /// # Errors
    ///
    /// None, for a pair that was parsed.
    pub fn certified(&self) -> Result<CertifiedKey, certificate::Fault> {
        certificate::parse(self.chain.as_bytes(), self.key.as_bytes())
    }
}

/// As a client would, at a moment when the certificate holds.
fn verify(
    leaf: &CertificateDer<'_>,
    anchor: &CertificateDer<'_>,
    until: Timestamp,
    names: &[String],
) -> Result<(), Fault> {
    let algorithms = ring::default_provider().signature_verification_algorithms;
    let mut roots = RootCertStore::empty();
    roots
        .add(anchor.clone().into_owned())
        .map_err(Fault::Authority)?;
    let parsed = ParsedCertificate::try_from(leaf).map_err(Fault::Authority)?;
    let seconds = u64::try_from(until.as_second()).unwrap_or_default();
    let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], moment, algorithms.all)
        .map_err(Fault::Authority)?;
    let lacks = |name: &&String| {
        let server = ServerName::try_from(name.as_str());
        server.map_or(true, |server| verify_server_name(&parsed, &server).is_err())
    };
    match names.iter().find(lacks) {
        Some(name) => Err(Fault::Name { name: name.clone() }),
        None => Ok(()),
    }
}

/// The certificates in a bundle that can be read; what cannot is left out.
#[must_use]
pub fn authorities(bundle: &str) -> Vec<Authority> {
    let sections = bundle.split_inclusive(END).filter_map(|piece| {
        let begin = piece.rfind(BEGIN)?;
        let pem = piece[begin..].to_owned();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let until = *validity::of(&der)?.end();
        Some(Authority { until, pem })
    });
    sections.collect()
}

/// The bundle of `authorities`, in PEM.
#[must_use]
pub fn bundle(authorities: &BTreeSet<Authority>) -> String {
    let sections = authorities
        .iter()
        .map(|authority| format!("{}\n", authority.pem));
    sections.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::tls::self_managed::issue::issue;

    const NAMES: [&str; 2] = ["op.ns.svc", "op.ns.svc.cluster.local"];

    fn names() -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    fn issued() -> Pair {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        issue(&names(), now, Duration::from_hours(1)).unwrap()
    }

    #[test]
    fn what_was_issued_is_read_back() {
        let pair = issued();
        assert_eq!(pair.until.to_string(), "2026-01-01T01:00:00Z");
        assert_eq!(pair.authority.until, pair.until);
        assert_eq!(Pair::parse(&pair.chain, &pair.key, &names()).unwrap(), pair);
        let leaf = pair.certified().unwrap().cert[0].clone();
        let from = *validity::of(&leaf).unwrap().start();
        assert_eq!(from.to_string(), "2025-12-31T23:55:00Z");
    }

    #[test]
    fn each_way_to_break_a_pair_is_told_by_its_name() {
        let (pair, other) = (issued(), issued());
        let fault =
            |chain: &str, key: &str| Pair::parse(chain, key, &names()).unwrap_err().to_string();
        let (leaf, authority) = pair.chain.split_once(END).unwrap();
        let leaf = format!("{leaf}{END}\n");
        let cases = [
            (fault("no PEM", &pair.key), "the certificate is not PEM"),
            (fault(&pair.chain, ""), "the key is not PEM"),
            (
                fault(&pair.chain, &other.key),
                "certificate and key do not fit each other",
            ),
            (
                fault(&leaf, &pair.key),
                "expected a certificate and then its authority's, found 1 certificates",
            ),
            (
                fault(&format!("{leaf}{}\n", other.authority.pem), &pair.key),
                "the certificate is not of the authority beside it",
            ),
        ];
        for (told, expected) in cases {
            assert_eq!(told, expected);
        }
        assert!(authority.contains(&pair.authority.pem));
        let elsewhere = Pair::parse(&pair.chain, &pair.key, &["op.other.svc".to_owned()]);
        let told = elsewhere.unwrap_err().to_string();
        assert_eq!(told, "the certificate does not hold for op.other.svc");
    }

    #[test]
    fn a_bundle_is_read_whatever_stands_between_its_certificates() {
        let (one, two) = (issued().authority, issued().authority);
        let text = format!("\n# one\r\n{}\n{BEGIN}\ntorn{}\nrest", one.pem, two.pem);
        assert_eq!(authorities(&text), [one.clone(), two.clone()]);
        let set = BTreeSet::from([one, two]);
        assert_eq!(BTreeSet::from_iter(authorities(&bundle(&set))), set);
    }

    #[test]
    fn a_key_is_never_shown() {
        let pair = issued();
        assert_eq!(format!("{pair:?}"), "Pair(until 2026-01-01T01:00:00Z)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".{0,200}", begin in any::<bool>()) {
            let text = if begin { format!("{BEGIN}{text}{END}") } else { text };
            prop_assert_eq!(authorities(&text), []);
            prop_assert!(Pair::parse(&text, &text, &names()).is_err());
        }
    }
}
