//! The `ConfigMap` of a rack: the configuration's template, its peers, the hashes, and what `init` needs to know.

mod document;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ConfigMap;

use super::{init_document, labels, metadata, names};
use crate::resolve::{Desired, Rack};
pub use document::init_document;

/// Key of the rendered configuration, placeholders inside.
pub const TEMPLATE: &str = "aerospike.template.conf";
/// Key of the names of all pods, one a line.
pub const PEERS: &str = "peers";
/// Key of the configuration's hash.
pub const CONFIG_HASH: &str = "aerospikeConfHash";
/// Key of the network policy's hash.
pub const NETWORK_POLICY_HASH: &str = "networkPolicyHash";
/// Key of the pod spec's hash.
pub const POD_SPEC_HASH: &str = "podSpecHash";

/// The names by which the servers find each other: of all pods that exist, and of all that shall.
#[must_use]
pub fn peers(desired: &Desired, existing_pods: &BTreeSet<String>) -> BTreeSet<String> {
    names::pods(desired)
        .chain(existing_pods.iter().cloned())
        .map(|pod| names::fqdn(&pod, &desired.identity))
        .collect()
}

/// The `ConfigMap` of `rack`, with `peers` as [`peers`] lists them.
#[must_use]
pub fn config_map(desired: &Desired, rack: &Rack, peers: &BTreeSet<String>) -> ConfigMap {
    let cluster = &desired.identity.name;
    let name = names::config_map(cluster, &rack.identifier());
    ConfigMap {
        metadata: metadata(desired, name, labels::cluster(cluster)),
        data: Some(data(desired, rack, peers)),
        ..ConfigMap::default()
    }
}

fn data(desired: &Desired, rack: &Rack, peers: &BTreeSet<String>) -> BTreeMap<String, String> {
    let lines: Vec<_> = peers.iter().map(String::as_str).collect();
    let document = serde_json::to_string_pretty(&init_document(desired, rack))
        .expect("the document has nothing but text for keys");
    let hashes = &rack.hashes;
    [
        (TEMPLATE, rack.template.text().to_owned()),
        (PEERS, lines.join("\n")),
        (CONFIG_HASH, hashes.config.clone()),
        (NETWORK_POLICY_HASH, hashes.network_policy.clone()),
        (POD_SPEC_HASH, hashes.pod_spec.clone()),
        (init_document::KEY, document),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
