//! The template of the configuration → the text that one server reads.
//!
//! The text is edited line by line with the sections around a line known, so that a key is only touched where it
//! belongs. Inserted lines come out in the order in which AKO 4.5.0 leaves them: the last one on top.

use thiserror::Error;

use super::addresses::{Addresses, Advertised, Kind};
use crate::resources::init_document::NetworkDocument;

/// Stands for the node id.
const NODE_ID: &str = "ENV_NODE_ID";
/// Stands for a `$` that the server is to see: variables of LDAP patterns.
const ESCAPED: [(&str, &str); 2] = [("$${_DNE}{un}", "${un}"), ("$${_DNE}{dn}", "${dn}")];
/// Indentation of an inserted line.
const INDENT: &str = "        ";

/// A placeholder for which there is no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the configuration template has {placeholder} left in line {line}: init.json has no port for it"
)]
pub struct Unfilled {
    /// The placeholder.
    pub placeholder: String,
    /// Its line, from 1.
    pub line: usize,
}

/// What goes into the template.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// Id of the node.
    pub node_id: &'a str,
    /// Ports.
    pub network: &'a NetworkDocument,
    /// Addresses.
    pub addresses: &'a Addresses,
    /// IP of the pod.
    pub pod_ip: &'a str,
    /// The other pods.
    pub peers: &'a [&'a str],
    /// The rack id from the pod's annotation.
    pub rack_id: Option<i64>,
}

/// The text of `aerospike.conf`.
///
/// # Errors
///
/// The template asks for an address that has no port.
pub fn render(template: &str, values: &Values<'_>) -> Result<String, Unfilled> {
    let text = template.replace(NODE_ID, values.node_id);
    let text = rewrite(&text, |sections, line| edit(values, sections, line));
    let text = ESCAPED
        .iter()
        .fold(text, |text, (escaped, plain)| text.replace(escaped, plain));
    match unfilled(&text) {
        None => Ok(text),
        Some(unfilled) => Err(unfilled),
    }
}

/// Rewrites `text` line by line. `edit` gets the sections around the line, the one that it opens or closes included,
/// and returns what takes its place, or nothing to keep it.
fn rewrite(text: &str, edit: impl Fn(&[&str], &str) -> Option<Vec<String>>) -> String {
    let mut sections: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if let Some(section) = opened(line) {
            sections.push(section);
        }
        match edit(&sections, line) {
            Some(edited) => lines.extend(edited),
            None => lines.push(line.to_owned()),
        }
        if line.trim() == "}" {
            sections.pop();
        }
    }
    lines.join("\n")
}

fn opened(line: &str) -> Option<&str> {
    line.trim().strip_suffix('{')?.strip_suffix(' ')
}

fn edit(values: &Values<'_>, sections: &[&str], line: &str) -> Option<Vec<String>> {
    match sections {
        ["network", "service"] => advertise(values, line),
        ["network", "heartbeat"] if opened(line).is_some() => {
            Some(below(line, &heartbeat_lines(values)))
        }
        ["network", "fabric"] if opened(line).is_some() => Some(below(line, &fabric_lines(values))),
        _ => override_rack(values.rack_id?, line),
    }
}

/// `line` with `inserted` below it, the last one on top.
fn below(line: &str, inserted: &[String]) -> Vec<String> {
    let inserted = inserted.iter().rev().map(|text| format!("{INDENT}{text}"));
    std::iter::once(line.to_owned()).chain(inserted).collect()
}

fn advertise(values: &Values<'_>, line: &str) -> Option<Vec<String>> {
    values
        .addresses
        .advertised
        .iter()
        .find_map(|(kind, advertised)| {
            address_lines(*kind, advertised, line)
                .or_else(|| port_line(kind.port(values.network)?, *kind, advertised, line))
        })
}

fn address_lines(kind: Kind, advertised: &Advertised, line: &str) -> Option<Vec<String>> {
    let key = kind.key();
    let (indent, value) = line.split_at(line.len() - line.trim_start().len());
    let placeholder = format!("{key}-address    <{key}-address>");
    let line_of = |address: &String| format!("{indent}{key}-address    {address}");
    (value == placeholder).then(|| advertised.addresses.iter().map(line_of).collect())
}

fn port_line(port: u16, kind: Kind, advertised: &Advertised, line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace();
    let key = words.next()?.strip_suffix("-port")?;
    let value = words.next()?;
    let ours = key == kind.key() && value == port.to_string();
    let before = line.strip_suffix(value)?;
    ours.then(|| vec![format!("{before}{}", advertised.port)])
}

fn heartbeat_lines(values: &Values<'_>) -> Vec<String> {
    let network = values.network;
    let seeds = values.peers.iter().flat_map(|peer| {
        let plain = network.heartbeat_port.map(|port| (*peer, "", port));
        let tls = network.tls_heartbeat_port.map(|port| (*peer, "tls-", port));
        plain.into_iter().chain(tls)
    });
    seeds
        .map(|(peer, tls, port)| format!("{tls}mesh-seed-address-port {peer} {port}"))
        .chain(host_lines(
            values,
            network.heartbeat_port,
            network.tls_heartbeat_port,
        ))
        .collect()
}

fn fabric_lines(values: &Values<'_>) -> Vec<String> {
    let Addresses {
        fabric, tls_fabric, ..
    } = values.addresses;
    let network = values.network;
    let plain = fabric.iter().map(|address| format!("address {address}"));
    let tls = tls_fabric
        .iter()
        .map(|address| format!("tls-address {address}"));
    plain
        .chain(tls)
        .chain(host_lines(
            values,
            network.fabric_port,
            network.tls_fabric_port,
        ))
        .collect()
}

/// On the node's network a server would bind to every address of the node, beside its neighbours.
fn host_lines(values: &Values<'_>, plain: Option<u16>, tls: Option<u16>) -> Vec<String> {
    let keys = [plain.map(|_| "address"), tls.map(|_| "tls-address")];
    keys.into_iter()
        .flatten()
        .filter(|_| values.network.host_network)
        .map(|key| format!("{key} {}", values.pod_ip))
        .collect()
}

fn override_rack(id: i64, line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace();
    let is_rack_id = words.next() == Some("rack-id")
        && words
            .next()
            .is_some_and(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
    let (before, _) = line.split_once("rack-id")?;
    is_rack_id.then(|| vec![format!("{before}rack-id    {id}")])
}

fn unfilled(text: &str) -> Option<Unfilled> {
    let placeholders = Kind::ALL.map(|kind| format!("<{}-address>", kind.key()));
    text.lines().zip(1..).find_map(|(content, line)| {
        let placeholder = placeholders.iter().find(|text| content.contains(*text))?;
        Some(Unfilled {
            placeholder: placeholder.clone(),
            line,
        })
    })
}

#[cfg(test)]
mod tests;
