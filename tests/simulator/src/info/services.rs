//! Where nodes can be reached.

use super::registry::{Answer, Call};
use crate::cluster::{Contact, NodeId};
use crate::node::Node;

type Pick = fn(&Contact) -> &[String];

fn standard(contact: &Contact) -> &[String] {
    &contact.service
}

fn alternate(contact: &Contact) -> &[String] {
    &contact.alternate
}

fn deprecated(call: &mut Call<'_>) {
    call.node.counts.deprecated += u64::from(call.node.version().at_least(8, 1));
}

pub fn service(call: &mut Call<'_>) -> Answer {
    deprecated(call);
    Ok(call.node.addresses.contact.service.join(";"))
}

pub fn services(call: &mut Call<'_>) -> Answer {
    deprecated(call);
    Ok(flat(&peers(call.node), standard))
}

pub fn services_alternate(call: &mut Call<'_>) -> Answer {
    deprecated(call);
    Ok(flat(&peers(call.node), alternate))
}

pub fn services_alumni(call: &mut Call<'_>) -> Answer {
    deprecated(call);
    Ok(flat(&alumni(call.node), standard))
}

pub fn services_alumni_reset(call: &mut Call<'_>) -> Answer {
    let members: Vec<_> = call.node.engine.members().keys().copied().collect();
    call.node.alumni.retain(|id, _| members.contains(id));
    Ok("ok".to_owned())
}

pub fn service_clear_std(call: &mut Call<'_>) -> Answer {
    Ok(call.node.addresses.contact.service.join(","))
}

pub fn service_clear_alt(call: &mut Call<'_>) -> Answer {
    Ok(call.node.addresses.contact.alternate.join(","))
}

pub fn admin_clear_std(call: &mut Call<'_>) -> Answer {
    Ok(call.node.addresses.admin.join(","))
}

pub fn peers_generation(call: &mut Call<'_>) -> Answer {
    Ok(call.node.peers_generation.to_string())
}

pub fn peers_clear_std(call: &mut Call<'_>) -> Answer {
    Ok(listed(call.node, &peers(call.node), standard))
}

pub fn peers_clear_alt(call: &mut Call<'_>) -> Answer {
    Ok(listed(call.node, &peers(call.node), alternate))
}

pub fn alumni_clear_std(call: &mut Call<'_>) -> Answer {
    Ok(listed(call.node, &alumni(call.node), standard))
}

pub fn alumni_clear_alt(call: &mut Call<'_>) -> Answer {
    Ok(listed(call.node, &alumni(call.node), alternate))
}

pub fn no_peers(call: &mut Call<'_>) -> Answer {
    Ok(listed(call.node, &[], standard))
}

fn peers(node: &Node) -> Vec<(NodeId, &Contact)> {
    let me = node.engine.me().id;
    let members = node.engine.members().iter().filter(|(id, _)| **id != me);
    members.map(|(id, offer)| (*id, &offer.contact)).collect()
}

fn alumni(node: &Node) -> Vec<(NodeId, &Contact)> {
    node.alumni
        .iter()
        .map(|(id, contact)| (*id, contact))
        .collect()
}

fn flat(nodes: &[(NodeId, &Contact)], pick: Pick) -> String {
    nodes
        .iter()
        .flat_map(|(_, contact)| pick(contact))
        .cloned()
        .collect::<Vec<_>>()
        .join(";")
}

fn listed(node: &Node, nodes: &[(NodeId, &Contact)], pick: Pick) -> String {
    let port = node.settings.port("network.service.port");
    let default = format!(":{port}");
    let entries = nodes
        .iter()
        .filter(|(_, contact)| !pick(contact).is_empty())
        .map(|(id, contact)| {
            let hosts = pick(contact)
                .iter()
                .map(|host| host.strip_suffix(&default).unwrap_or(host));
            format!("[{id:X},,[{}]]", hosts.collect::<Vec<_>>().join(","))
        });
    format!(
        "{},{port},[{}]",
        node.peers_generation,
        entries.collect::<Vec<_>>().join(",")
    )
}

pub fn mesh(call: &mut Call<'_>) -> Answer {
    let (host, port) = &call.node.addresses.contact.heartbeat;
    Ok(format!("{host}:{port}"))
}

/// The server's own text, the wrong way round.
pub fn mcast(call: &mut Call<'_>) -> Answer {
    Err(call.error(4, "heartbeat is in multicast mode"))
}

pub fn endpoints(call: &mut Call<'_>) -> Answer {
    const PORTS: [&str; 9] = [
        "service.port",
        "service.access-port",
        "service.alternate-access-port",
        "service.tls-port",
        "service.tls-access-port",
        "admin.port",
        "admin.tls-port",
        "heartbeat.port",
        "fabric.port",
    ];
    let port = |name: &str| {
        format!(
            "{name}={}",
            call.node.settings.port(&format!("network.{name}"))
        )
    };
    Ok(PORTS.map(port).join(";"))
}

pub fn tip(call: &mut Call<'_>) -> Answer {
    let host = call.required("host", 255)?;
    let port = call.required("port", 5)?;
    let port: u16 = port
        .parse()
        .map_err(|_| call.error(4, "'port' must be an integer"))?;
    if call.node.seeds.insert(format!("{host}:{port}")) {
        Ok("ok".to_owned())
    } else {
        Err("ERROR::unknown".to_owned())
    }
}

pub fn tip_clear(call: &mut Call<'_>) -> Answer {
    let list = call.required("host-port-list", 4096)?;
    let entries: Vec<_> = list
        .split(',')
        .map(|entry| entry.replace(['[', ']'], ""))
        .collect();
    let cleared = entries
        .iter()
        .filter(|entry| call.node.seeds.remove(*entry))
        .count();
    match entries.len() - cleared {
        0 => Ok("ok".to_owned()),
        missing if call.node.version().at_least(7, 2) => {
            Err(format!("ERROR::{cleared} cleared, {missing} not found"))
        }
        missing => Err(format!("error: {cleared} cleared, {missing} not found")),
    }
}
