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

/// The two kinds of listeners, by what stands before their parameters.
pub const PLAIN: &str = "";
/// With TLS.
pub const TLS: &str = "tls-";

/// Where to listen for the section `name` of the network, plainly or with TLS.
///
/// # Errors
///
/// If an address is no address.
pub async fn listeners(
    settings: &Settings,
    names: &Names,
    name: &str,
    kind: &str,
) -> Result<Vec<SocketAddr>, Invalid> {
    let port = settings.port(&format!("network.{name}.{kind}port"));
    if port == 0 {
        return Ok(Vec::new());
    }
    let mut listeners = Vec::new();
    for address in settings.all(&format!("network.{name}.{kind}address")) {
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
    let contact = Contact {
        service: told(settings, names, PLAIN).await?,
        alternate: alternate(settings, PLAIN),
        tls_service: told(settings, names, TLS).await?,
        tls_alternate: alternate(settings, TLS),
        tls_name: settings
            .get("network.service.tls-name")
            .unwrap_or_default()
            .to_owned(),
        heartbeat: between_nodes(settings, names, "heartbeat").await?,
        fabric: between_nodes(settings, names, "fabric").await?,
    };
    let admin = reachable(&listeners(settings, names, "admin", PLAIN).await?);
    let admin_tls = reachable(&listeners(settings, names, "admin", TLS).await?);
    Ok(Addresses {
        contact,
        admin,
        admin_tls,
    })
}

/// The first listener of a section; an address that others find out themselves is left out.
async fn between_nodes(
    settings: &Settings,
    names: &Names,
    name: &str,
) -> Result<(String, u16), Invalid> {
    let mut all = listeners(settings, names, name, PLAIN).await?;
    all.extend(listeners(settings, names, name, TLS).await?);
    let first = all.first().copied();
    let host = first.map(|it| it.ip()).filter(|it| !it.is_unspecified());
    let port = first.map_or(0, |it| it.port());
    Ok((host.map(|it| it.to_string()).unwrap_or_default(), port))
}

async fn told(settings: &Settings, names: &Names, kind: &str) -> Result<Vec<String>, Invalid> {
    let listeners = listeners(settings, names, "service", kind).await?;
    let Some(first) = listeners.first() else {
        return Ok(Vec::new());
    };
    let port = port_of(settings, kind, "access").unwrap_or(first.port());
    let mut addresses = Vec::new();
    for address in settings.all(&format!("network.service.{kind}access-address")) {
        addresses.push(SocketAddr::new(
            one(names, address, "access address").await?,
            port,
        ));
    }
    if addresses.is_empty() {
        let own: Vec<_> = listeners
            .iter()
            .map(|it| SocketAddr::new(it.ip(), port))
            .collect();
        return Ok(reachable(&own));
    }
    Ok(addresses.iter().map(ToString::to_string).collect())
}

fn port_of(settings: &Settings, kind: &str, access: &str) -> Option<u16> {
    let port = settings.port(&format!("network.service.{kind}{access}-port"));
    (port != 0).then_some(port)
}

fn alternate(settings: &Settings, kind: &str) -> Vec<String> {
    let own = settings.port(&format!("network.service.{kind}port"));
    let port = port_of(settings, kind, "alternate-access").unwrap_or(own);
    hosts(
        settings.all(&format!("network.service.{kind}alternate-access-address")),
        port,
    )
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

/// Under which addresses others reach listeners; one on all addresses has all of the host's.
fn reachable(listeners: &[SocketAddr]) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let own = |port: u16| {
        own_addresses(&table)
            .into_iter()
            .map(move |it| SocketAddr::new(IpAddr::V4(it), port))
    };
    let all = listeners.iter().flat_map(|listener| {
        if listener.ip().is_unspecified() {
            own(listener.port()).collect()
        } else {
            vec![*listener]
        }
    });
    all.map(|it| it.to_string()).collect()
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
