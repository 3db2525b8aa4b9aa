//! Which addresses are listened on, and which are told to others.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::names::Names;
use crate::cluster::Contact;
use crate::conf::Settings;
use crate::node::Addresses;

/// An address in the file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("Invalid {what}: {address}")]
pub struct Invalid {
    what: &'static str,
    address: String,
}

/// Where to listen for the section `name` of the network.
///
/// # Errors
///
/// If an address is no address.
pub async fn listeners(
    settings: &Settings,
    names: &Names,
    name: &str,
) -> Result<Vec<SocketAddr>, Invalid> {
    let port = settings.port(&format!("network.{name}.port"));
    if port == 0 {
        return Ok(Vec::new());
    }
    let mut listeners = Vec::new();
    for address in settings.all(&format!("network.{name}.address")) {
        listeners.push(SocketAddr::new(one(names, address, "address").await?, port));
    }
    if listeners.is_empty() {
        listeners.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
    }
    Ok(listeners)
}

async fn one(names: &Names, address: &str, what: &'static str) -> Result<IpAddr, Invalid> {
    if address == "any" {
        return Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    let address = address.to_owned();
    names
        .resolve(&address)
        .await
        .first()
        .copied()
        .ok_or(Invalid { what, address })
}

/// What is told to applications and to other nodes.
///
/// # Errors
///
/// If an address to be told is no address.
pub async fn published(settings: &Settings, names: &Names) -> Result<Addresses, Invalid> {
    let service = told(settings, names, "access", "access address").await?;
    let alternate = settings.all("network.service.alternate-access-address");
    let mut contact = Contact {
        service,
        alternate: hosts(alternate, port_of(settings, "alternate-access")),
        heartbeat: (String::new(), settings.port("network.heartbeat.port")),
        fabric: (String::new(), settings.port("network.fabric.port")),
    };
    for (host, name) in [
        (&mut contact.heartbeat.0, "heartbeat"),
        (&mut contact.fabric.0, "fabric"),
    ] {
        let address = listeners(settings, names, name)
            .await?
            .first()
            .map(SocketAddr::ip);
        *host = address
            .filter(|it| !it.is_unspecified())
            .map(|it| it.to_string())
            .unwrap_or_default();
    }
    let admin = listeners(settings, names, "admin").await?;
    let admin = admin
        .iter()
        .flat_map(|listener| reachable(*listener))
        .map(|it| it.to_string())
        .collect();
    Ok(Addresses { contact, admin })
}

async fn told(
    settings: &Settings,
    names: &Names,
    kind: &str,
    what: &'static str,
) -> Result<Vec<String>, Invalid> {
    let port = port_of(settings, kind);
    let set = settings.all(&format!("network.service.{kind}-address"));
    let mut hosts = Vec::new();
    for address in set {
        let address = one(names, address, what).await?;
        hosts.push(SocketAddr::new(address, port).to_string());
    }
    if hosts.is_empty() {
        let listeners = listeners(settings, names, "service").await?;
        let reachable = listeners.into_iter().flat_map(reachable);
        hosts = reachable
            .map(|it| SocketAddr::new(it.ip(), port).to_string())
            .collect();
    }
    Ok(hosts)
}

fn port_of(settings: &Settings, kind: &str) -> u16 {
    match settings.port(&format!("network.service.{kind}-port")) {
        0 => settings.port("network.service.port"),
        port => port,
    }
}

fn hosts(addresses: &[String], port: u16) -> Vec<String> {
    let host = |address: &String| {
        if address.contains(':') {
            format!("[{address}]")
        } else {
            address.clone()
        }
    };
    addresses
        .iter()
        .map(|address| format!("{}:{port}", host(address)))
        .collect()
}

/// The addresses that a listener on all of them has.
fn reachable(listener: SocketAddr) -> Vec<SocketAddr> {
    if !listener.ip().is_unspecified() {
        return vec![listener];
    }
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let own = own_addresses(&table)
        .into_iter()
        .map(|it| SocketAddr::new(IpAddr::V4(it), listener.port()));
    own.collect()
}

/// The host's own addresses in the kernel's routing table; loopback only if there is nothing else.
#[must_use]
pub fn own_addresses(table: &str) -> Vec<Ipv4Addr> {
    let mut own = Vec::new();
    let mut address = None;
    for line in table.lines() {
        if let Some(leaf) = line.trim().strip_prefix("|-- ") {
            address = leaf.parse::<Ipv4Addr>().ok();
        } else if line.contains("/32 host LOCAL") {
            own.extend(address.filter(|it| !it.is_loopback() && !own.contains(it)));
        }
    }
    if own.is_empty() {
        vec![Ipv4Addr::LOCALHOST]
    } else {
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses_are_the_local_hosts_of_the_routing_table() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.0.5\n        /32 host LOCAL\n     |-- 10.1.0.255\n        \
                     /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\nLocal:\n     |-- 10.1.0.5\n        /32 host LOCAL\n";
        assert_eq!(own_addresses(table), vec![Ipv4Addr::new(10, 1, 0, 5)]);
        assert_eq!(own_addresses(""), vec![Ipv4Addr::LOCALHOST]);
    }
}
