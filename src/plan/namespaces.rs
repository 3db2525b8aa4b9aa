//! The namespaces that servers may have: those of the configuration, and of the one that was rolled out, since racks that
//! are on their way out may have some that no other has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    api::{AerospikeClusterStatus, Tree},
    resolve::{Desired, Rack},
};

/// The names of all.
#[must_use]
pub fn all(desired: &Desired, status: &AerospikeClusterStatus) -> BTreeSet<String> {
    named(desired, status, |_| true)
}

/// The names of those that are strongly consistent, which never changes.
#[must_use]
pub fn strong(desired: &Desired, status: &AerospikeClusterStatus) -> BTreeSet<String> {
    named(desired, status, is_strong)
}

/// Whether the servers of a rack are to have the namespace.
#[must_use]
pub fn is_in(rack: &Rack, name: &str) -> bool {
    in_config(&rack.config).any(|namespace| namespace["name"] == name)
}

/// Copies that servers keep of each record where nothing is said.
const COPIES: u64 = 2;

/// The most copies that one of them shall have of each record.
#[must_use]
pub fn most_copies(desired: &Desired) -> u32 {
    let namespaces = desired
        .racks
        .iter()
        .flat_map(|rack| in_config(&rack.config));
    let most = namespaces.map(copies).max().unwrap_or(COPIES);
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// The copies that a namespace of a configuration shall have of each record.
#[must_use]
pub fn copies(namespace: &Value) -> u64 {
    namespace["replication-factor"].as_u64().unwrap_or(COPIES)
}

fn named(
    desired: &Desired,
    status: &AerospikeClusterStatus,
    wanted: impl Fn(&Value) -> bool,
) -> BTreeSet<String> {
    let rolled_out = status.mirror.rack_config.iter();
    let rolled_out = rolled_out
        .flat_map(|config| &config.racks)
        .filter_map(|rack| rack.effective_aerospike_config.as_ref());
    let configs = desired.racks.iter().map(|rack| &rack.config);
    let found = configs.chain(rolled_out).flat_map(in_config);
    let found = found.filter(|namespace| wanted(namespace));
    found
        .filter_map(|namespace| Some(namespace.get("name")?.as_str()?.to_owned()))
        .collect()
}

fn in_config(config: &Tree) -> impl Iterator<Item = &Value> {
    let namespaces = config.get("namespaces").and_then(Value::as_array);
    namespaces.into_iter().flatten()
}

fn is_strong(namespace: &Value) -> bool {
    namespace["strong-consistency"].as_bool() == Some(true)
}
