//! TLS in the server's configuration: certificates, which connections use them, and which clients may connect. The
//! network is common to all racks, so the cluster's configuration is looked at.

use std::{collections::BTreeSet, net::IpAddr};

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    api::Tree,
    config::schema::is_host_name,
    finding::{FieldPath, Finding, shortened},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        authorities_come_from_one_place,
        certificate_and_key_come_together,
        client_check_is_a_known_one,
        clients_are_dns_names,
        tls_name_has_a_port,
        tls_name_is_configured,
        tls_parameters_have_a_tls_name,
    ],
    changes: &[],
    advice: &[],
};

/// Sections of `network` that may use TLS.
const CONNECTIONS: &[&str] = &["service", "heartbeat", "fabric", "admin"];
/// So many keys of one connection are told; no release has more.
const MOST_KEYS: usize = 16;
/// So many characters of names are told.
const TOLD: usize = 100;
const CLIENT_CHECK: &str = "tls-authenticate-client";

fn network<'a>(subject: &Subject<'a>) -> Option<&'a Tree> {
    subject.spec.aerospike_config.get("network")?.as_object()
}

fn path() -> FieldPath {
    FieldPath::spec().children(&["aerospikeConfig", "network"])
}

/// An entry of `network.tls` with its place.
struct Certificate<'a> {
    path: FieldPath,
    tree: &'a Tree,
}

impl Certificate<'_> {
    fn has(&self, key: &str) -> bool {
        self.tree.contains_key(key)
    }
}

fn certificates<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Certificate<'a>> + use<'a> {
    let list = network(subject).and_then(|network| network.get("tls")?.as_array());
    let entries = list.into_iter().flatten().enumerate();
    let list = path().child("tls");
    entries.filter_map(move |(index, entry)| {
        let tree = entry.as_object()?;
        let path = match tree.get("name").and_then(Value::as_str) {
            Some(name) => list.item(index, name),
            None => list.index(index),
        };
        Some(Certificate { path, tree })
    })
}

/// A connection with its name.
struct Connection<'a> {
    name: &'static str,
    tree: &'a Tree,
}

impl<'a> Connection<'a> {
    fn path(&self, member: &str) -> FieldPath {
        path().children(&[self.name, member])
    }

    fn tls_name(&self) -> Option<&'a Value> {
        self.tree.get("tls-name")
    }

    /// Whether it can be reached without TLS; what can be reached in no way has a finding already.
    fn is_plain_too(&self) -> bool {
        self.tree.contains_key("port")
    }
}

fn connections<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Connection<'a>> + use<'a> {
    let network = network(subject);
    CONNECTIONS.iter().filter_map(move |name| {
        let tree = network?.get(*name)?.as_object()?;
        Some(Connection { name, tree })
    })
}

fn authorities_come_from_one_place(subject: &Subject<'_>) -> Vec<Finding> {
    certificates(subject)
        .filter(|entry| entry.has("ca-file") && entry.has("ca-path"))
        .map(|entry| {
            Finding::forbidden(
                "TLS-01",
                entry.path,
                "both `ca-path` and `ca-file` cannot be set in `tls`: leave one out",
            )
        })
        .told()
}

fn certificate_and_key_come_together(subject: &Subject<'_>) -> Vec<Finding> {
    certificates(subject)
        .filter(|entry| entry.has("cert-file") != entry.has("key-file"))
        .map(|entry| {
            let missing = if entry.has("cert-file") {
                "key-file"
            } else {
                "cert-file"
            };
            Finding::required(
                "TLS-02",
                entry.path,
                format!(
                    "both `cert-file` and `key-file` must be set together in tlsConf map: `{missing}` is missing"
                ),
            )
        })
        .told()
}

/// The check of clients, of a shape that the server takes; another one has a finding already.
fn client_check<'a>(subject: &Subject<'a>) -> Option<&'a Value> {
    network(subject)?.get("service")?.get(CLIENT_CHECK)
}

fn client_check_path() -> FieldPath {
    path().children(&["service", CLIENT_CHECK])
}

fn client_check_is_a_known_one(subject: &Subject<'_>) -> Vec<Finding> {
    let is_known = match client_check(subject) {
        Some(Value::String(text)) => {
            matches!(text.as_str(), "any" | "false") || !is_host_name(text)
        }
        Some(Value::Bool(flag)) => !flag,
        _ => true,
    };
    if is_known {
        return Vec::new();
    }
    vec![Finding::invalid(
        "TLS-03",
        client_check_path(),
        format!(
            "{CLIENT_CHECK} has an invalid value: it is `any`, `false`, or a list of the names in the clients' certificates"
        ),
    )]
}

fn clients_are_dns_names(subject: &Subject<'_>) -> Vec<Finding> {
    let names = client_check(subject).and_then(Value::as_array);
    let names = names.into_iter().flatten().enumerate();
    names
        .filter(|(_, name)| name.as_str().is_some_and(|it| it.parse::<IpAddr>().is_ok_and(|it| it.is_ipv4())))
        .map(|(index, _)| {
            Finding::invalid(
                "TLS-04",
                client_check_path().index(index),
                format!(
                    "{CLIENT_CHECK} has an invalid dns-name: this is an address; give the name in the client's certificate"
                ),
            )
        })
        .told()
}

fn tls_name_has_a_port(subject: &Subject<'_>) -> Vec<Finding> {
    let portless = connections(subject).filter(|connection| {
        connection.tls_name().is_some()
            && !connection.tree.contains_key("tls-port")
            && connection.is_plain_too()
    });
    portless
        .map(|connection| {
            Finding::required(
                "TLS-05",
                connection.path("tls-port"),
                format!(
                    "network.{} has a tls-name and needs tls-port too: the port for TLS connections",
                    connection.name
                ),
            )
        })
        .told()
}

fn tls_name_is_configured(subject: &Subject<'_>) -> Vec<Finding> {
    let configured: BTreeSet<_> = certificates(subject)
        .filter_map(|entry| entry.tree.get("name")?.as_str())
        .collect();
    let names: Vec<_> = configured.iter().copied().collect();
    let has = match names.as_slice() {
        [] => "network.tls has no entry with a name".to_owned(),
        names => format!(
            "the entries of network.tls are {}",
            shortened(&names.join(", "), TOLD)
        ),
    };
    let unknown = connections(subject).filter_map(|connection| {
        let name = connection.tls_name()?.as_str()?;
        (!configured.contains(name)).then_some((connection, name))
    });
    unknown
        .map(|(connection, name)| {
            let name = shortened(name, TOLD);
            Finding::invalid(
                "TLS-06",
                connection.path("tls-name"),
                format!("tls-name {name:?} is not configured: {has}"),
            )
        })
        .told()
}

fn tls_parameters_have_a_tls_name(subject: &Subject<'_>) -> Vec<Finding> {
    let nameless = connections(subject)
        .filter(|connection| connection.tls_name().is_none() && connection.is_plain_too());
    nameless
        .flat_map(|connection| {
            let keys = connection.tree.keys().filter(|key| key.starts_with("tls-"));
            let keys = keys.take(MOST_KEYS);
            let findings = keys.map(|key| {
                Finding::forbidden(
                    "TLS-07",
                    connection.path(key),
                    format!(
                        "{key} needs tls-name in network.{}: name an entry of network.tls, or leave {key} out",
                        connection.name
                    ),
                )
            });
            findings.told()
        })
        .told()
}

#[cfg(test)]
mod tests;
