//! Makes a certificate with an authority of its own.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use super::pair::{Fault, Pair};

/// For clocks that are behind ours.
const BACKDATED: Duration = Duration::from_mins(5);
/// Who the authority says it is.
const AUTHORITY: &str = "aerospike-operator webhooks";

/// Why no certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name is none, or there is no randomness.
    #[error("failed to make a certificate")]
    Make(#[from] rcgen::Error),
    /// What was made is not what was asked for.
    #[error("failed to read the certificate that was made")]
    Read(#[from] Fault),
}

/// Makes a certificate for `names` that holds from a little before `now` for `lifetime`, and its authority, which holds as
/// long and whose key is forgotten.
///
/// # Errors
///
/// If a name is none, or there is no randomness.
pub fn issue(names: &[String], now: Timestamp, lifetime: Duration) -> Result<Pair, Error> {
    let mut authority = lasting(CertificateParams::default(), now, lifetime);
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut leaf = lasting(CertificateParams::new(names)?, now, lifetime);
    let name = names.first().map_or(AUTHORITY, String::as_str);
    // A common name holds 64 characters, a service's may be longer.
    leaf.distinguished_name
        .push(DnType::CommonName, &name[..name.floor_char_boundary(64)]);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let leaf = leaf.signed_by(&key, &authority)?;
    let chain = format!("{}{}", leaf.pem(), authority.pem());
    Ok(Pair::parse(&chain, &key.serialize_pem(), names)?)
}

fn lasting(mut params: CertificateParams, now: Timestamp, lifetime: Duration) -> CertificateParams {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = now - BACKDATED;
    params.not_after = now + lifetime;
    params
}
