//! Users that prove who they are by a certificate alone: what the servers must be able to do, and in which order it comes.

use std::collections::BTreeMap;

use super::users::{PlacedUser, placed};
use crate::{
    admission::{
        cluster::client_cert::{ClientAuthentication, tls_name},
        rules::{Change, Told},
        subject::Subject,
    },
    aerospike::access::ADMIN,
    api::access_control::User,
    finding::{FieldPath, Finding, shortened},
    resolve::{Edition, image::version_of},
};

/// The first Enterprise release in which a certificate can stand for a password.
const SINCE: [u64; 4] = [8, 1, 0, 0];

fn users<'a>(subject: &Subject<'a>) -> &'a [User] {
    let declared = subject.spec.aerospike_access_control.as_ref();
    declared.map_or(&[][..], |declared| &declared.users)
}

/// Users with a certificate only, be security on or not.
fn certified<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedUser<'a>> + use<'a> {
    placed(users(subject)).filter(|user| user.has_certificate())
}

fn has_certified(subject: &Subject<'_>) -> bool {
    certified(subject).next().is_some()
}

/// The same finding at the `authMode` of each user with a certificate only.
fn at_each(subject: &Subject<'_>, code: &'static str, message: &str) -> Vec<Finding> {
    certified(subject)
        .map(|user| Finding::invalid(code, user.path().child("authMode"), message))
        .told()
}

pub(super) fn enterprise_is_new_enough(subject: &Subject<'_>) -> Vec<Finding> {
    let image = &subject.spec.image;
    match version_of(image) {
        Ok(version) if Edition::of(image) == Edition::Enterprise && !version.at_least(&SINCE) => {
            let message = format!(
                "PKIOnly authMode requires Enterprise Edition version 8.1.0.0 or later, and the image has {version}: use a \
                 newer image, or Internal with a secretName"
            );
            at_each(subject, "PKI-01", &message)
        }
        _ => Vec::new(),
    }
}

pub(super) fn servers_have_tls(subject: &Subject<'_>) -> Vec<Finding> {
    if tls_name(&subject.spec.aerospike_config).is_some() {
        return Vec::new();
    }
    at_each(
        subject,
        "PKI-02",
        "PKIOnly authMode requires Aerospike cluster to be mTLS enabled: set tls-name and tls-port in \
         spec.aerospikeConfig.network.service",
    )
}

pub(super) fn servers_ask_for_certificates(subject: &Subject<'_>) -> Vec<Finding> {
    let asked = ClientAuthentication::of(&subject.spec.aerospike_config);
    if asked != Some(ClientAuthentication::Off) || !has_certified(subject) {
        return Vec::new();
    }
    vec![Finding::invalid(
        "PKI-03",
        FieldPath::spec().children(&[
            "aerospikeConfig",
            "network",
            "service",
            "tls-authenticate-client",
        ]),
        "tls-authenticate-client must be any or a list of client names, since users have PKIOnly authMode: servers that do not \
         ask for certificates let none of them in",
    )]
}

pub(super) fn the_operator_is_the_administrator(subject: &Subject<'_>) -> Vec<Finding> {
    let asked = ClientAuthentication::of(&subject.spec.aerospike_config);
    let Some(cert) = &subject.spec.operator_client_cert else {
        return Vec::new();
    };
    let is_admin = cert.tls_client_name.as_deref() == Some(ADMIN);
    if is_admin || asked != Some(ClientAuthentication::Names) || !has_certified(subject) {
        return Vec::new();
    }
    vec![Finding::invalid(
        "PKI-04",
        FieldPath::spec().children(&["operatorClientCert", "tlsClientName"]),
        "tlsClientName must be admin, since users have PKIOnly authMode: the name in the operator's certificate is the user as \
         which it logs in",
    )]
}

pub(super) fn certificate_users_stay(change: &Change<'_>) -> Vec<Finding> {
    let old: BTreeMap<_, _> = certified(change.old)
        .map(|placed| (placed.user.name.as_str(), placed))
        .collect();
    placed(users(change.new))
        .filter(|placed| !placed.has_certificate() && old.contains_key(placed.user.name.as_str()))
        .map(|placed| {
            Finding::forbidden(
                "UPD-18",
                placed.path().child("authMode"),
                format!(
                    "user {} is not allowed to update authMode from PKI to Internal: keep PKIOnly, or add another user",
                    shortened(&placed.user.name, 63)
                ),
            )
        })
        .told()
}

pub(super) fn tls_comes_first(change: &Change<'_>) -> Vec<Finding> {
    let named = |subject: &Subject<'_>| tls_name(&subject.spec.aerospike_config).is_some();
    if named(change.old) || !named(change.new) {
        return Vec::new();
    }
    at_each(
        change.new,
        "UPD-19",
        "cannot enable TLS and PKIOnly authMode in a single update: enable TLS, wait until it is rolled out, then set PKIOnly",
    )
}

pub(super) fn tls_is_rolled_out(change: &Change<'_>) -> Vec<Finding> {
    let mirror = change.new.status.map(|status| &status.mirror);
    let Some(running) = mirror.and_then(|mirror| mirror.aerospike_config.as_ref()) else {
        return Vec::new();
    };
    let wanted = tls_name(&change.new.spec.aerospike_config);
    if wanted.is_none() || tls_name(running).is_some() {
        return Vec::new();
    }
    at_each(
        change.new,
        "UPD-20",
        "cannot enable PKIOnly authMode while TLS rollout is in progress: wait until status.phase is Completed",
    )
}
