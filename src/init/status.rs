//! What the pod reports of itself in the status of the cluster.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Value, json};

use super::{
    addresses::{AddressError, Addresses, Kind, Place, uses_node},
    environment::Environment,
    volumes::Decision,
};
use crate::{
    api::status::{InstanceSummary, LastRestart, PodStatus},
    resources::init_document::InitDocument,
};

/// The hashes of what the pod started with: of the `ConfigMap`, and of its own template, which is written apart from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// `aerospikeConfHash`
    pub config: String,
    /// `networkPolicyHash`
    pub network_policy: String,
    /// `podSpecHash`
    pub pod_spec: String,
}

/// The images of the pod's containers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Of the server.
    pub server: String,
    /// Of the init container.
    pub init: Option<String>,
}

/// All that the report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The resolved spec.
    pub document: &'a InitDocument,
    /// Who the pod is.
    pub environment: &'a Environment,
    /// Where it is.
    pub place: &'a Place,
    /// What its server advertises.
    pub addresses: &'a Addresses,
    /// Id of its server.
    pub node_id: &'a str,
    /// Rack of its server.
    pub rack_id: i64,
    /// Its images.
    pub images: &'a Images,
    /// What it runs.
    pub hashes: &'a Hashes,
    /// Its volumes.
    pub volumes: &'a Decision,
    /// Its entry of before.
    pub before: Option<&'a PodStatus>,
}

/// The pod's entry.
///
/// # Errors
///
/// The pod's service lacks a port.
pub fn entry(facts: &Facts<'_>) -> Result<PodStatus, AddressError> {
    let network = &facts.document.network;
    let on_node = uses_node(network);
    let service = preferred(
        ("tls-service", network.tls_service_port),
        ("service", network.service_port),
    );
    let admin = preferred(
        ("tls-admin", network.tls_admin_port),
        ("admin", network.admin_port),
    );
    let mapped = |port: Option<(&'static str, u16)>| match port {
        Some((name, port)) if on_node => facts.place.mapped(name, port).map(Some),
        _ => Ok(None),
    };
    Ok(PodStatus {
        image: facts.images.server.clone(),
        init_image: facts.images.init.clone(),
        pod_ip: facts.environment.pod_ip.clone(),
        host_internal_ip: Some(facts.place.internal().to_owned()),
        host_external_ip: on_node.then(|| facts.place.external().to_owned()),
        pod_port: service.map_or(0, |(_, port)| port.into()),
        service_port: mapped(service)?.map(Into::into),
        pod_admin_port: admin.map(|(_, port)| port.into()),
        service_admin_port: mapped(admin)?.map(Into::into),
        aerospike: Some(summary(facts)),
        initialized_volumes: facts.volumes.initialized.clone(),
        dirty_volumes: facts.volumes.dirty.clone(),
        aerospike_config_hash: facts.hashes.config.clone(),
        network_policy_hash: facts.hashes.network_policy.clone(),
        pod_spec_hash: facts.hashes.pod_spec.clone(),
        dynamic_config_update_status: None,
        dynamic_config_parameters: Vec::new(),
        last_restart: facts.before.and_then(last_restart),
        rack_id_overridden: facts.document.rack_id_override.then_some(true),
    })
}

/// What restarted this pod's predecessor, or this pod; how far the server of another one came is of no interest.
#[must_use]
pub fn last_restart(before: &PodStatus) -> Option<LastRestart> {
    Some(LastRestart {
        warm_restart: None,
        ..before.last_restart.clone()?
    })
}

type NamedPort = (&'static str, Option<u16>);

fn preferred(first: NamedPort, second: NamedPort) -> Option<(&'static str, u16)> {
    let set = |(name, port): NamedPort| port.map(|port| (name, port));
    set(first).or_else(|| set(second))
}

fn summary(facts: &Facts<'_>) -> InstanceSummary {
    let network = &facts.document.network;
    let endpoints = |kind| endpoints(facts.addresses, kind);
    InstanceSummary {
        cluster_name: facts.environment.cluster.clone(),
        node_id: facts.node_id.to_owned(),
        rack_id: Some(facts.rack_id),
        tls_name: network
            .tls_service_port
            .and_then(|_| network.tls_name.clone()),
        access_endpoints: endpoints(Kind::Access),
        alternate_access_endpoints: endpoints(Kind::AlternateAccess),
        tls_access_endpoints: endpoints(Kind::TlsAccess),
        tls_alternate_access_endpoints: endpoints(Kind::TlsAlternateAccess),
    }
}

/// `ip:port`, with brackets around IPv6; names are left out.
fn endpoints(addresses: &Addresses, kind: Kind) -> Vec<String> {
    let Some(advertised) = addresses.advertised.get(&kind) else {
        return Vec::new();
    };
    let ips = advertised.addresses.iter();
    ips.filter_map(|address| address.parse::<IpAddr>().ok())
        .map(|ip| std::net::SocketAddr::new(ip, advertised.port).to_string())
        .collect()
}

/// The JSON patch that puts `entry` into the status of `cluster`.
///
/// Where the map of pods is absent it is made, and only if nobody made it meanwhile: a second pod's entry must survive.
#[must_use]
pub fn patch(cluster: &Value, pod: &str, entry: &PodStatus) -> Value {
    let add = |path: String, value: Value| json!({"op": "add", "path": path, "value": value});
    if is_object(cluster, "/status/pods") {
        let pod = pod.replace('~', "~0").replace('/', "~1");
        return json!([add(format!("/status/pods/{pod}"), json!(entry))]);
    }
    let pods = json!(BTreeMap::from([(pod, entry)]));
    let made = if is_object(cluster, "/status") {
        add("/status/pods".to_owned(), pods)
    } else {
        add("/status".to_owned(), json!({"pods": pods}))
    };
    let version = cluster.pointer("/metadata/resourceVersion");
    json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        made,
    ])
}

fn is_object(cluster: &Value, pointer: &str) -> bool {
    cluster.pointer(pointer).is_some_and(Value::is_object)
}

#[cfg(test)]
mod tests;
