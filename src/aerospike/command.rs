//! The texts of the info commands, in the form that all of 6.0 to 8.1 understand.
//!
//! Up to 7.0 the colon is part of some names and must be absent from others.

use super::{build::Build, roster::Roster};

/// The version.
pub const BUILD: &str = "build";
/// The product, up to 8.1.0; deprecated from 8.1.1 on.
pub const EDITION: &str = "edition";
/// Product, version and platform, from 8.1.1 on.
pub const RELEASE: &str = "release";
/// The node's id, in upper case.
pub const NODE: &str = "node";
/// Answers `ok` as soon as the server listens.
pub const STATUS: &str = "status";
/// What the node knows about itself and the cluster.
pub const STATISTICS: &str = "statistics";
/// The namespaces of the node.
pub const NAMESPACES: &str = "namespaces";
/// Makes the node leave the data path at the next rebalance.
pub const QUIESCE: &str = "quiesce:";
/// Takes [`QUIESCE`] back.
pub const QUIESCE_UNDO: &str = "quiesce-undo:";
/// Starts a rebalance; only the principal does it.
pub const RECLUSTER: &str = "recluster:";
/// Read and write rates.
pub const LATENCIES: &str = "latencies:";
/// Forgets nodes that have left.
pub const ALUMNI_RESET: &str = "services-alumni-reset";
/// The other nodes, by their usual addresses.
pub const PEERS: &str = "peers-clear-std";
/// The other nodes, by their alternate addresses.
pub const PEERS_ALTERNATE: &str = "peers-clear-alt";
/// The configuration of the service context.
pub const SERVICE_CONFIG: &str = "get-config:context=service";
/// The parameter of the service context that postpones the filling of nodes that lost their data.
pub const MIGRATE_FILL_DELAY: &str = "migrate-fill-delay";
/// The configuration of the network context.
pub const NETWORK_CONFIG: &str = "get-config:context=network";

/// Statistics and configuration of a namespace.
#[must_use]
pub fn namespace(namespace: &str) -> String {
    format!("namespace/{namespace}")
}

/// The roster of a strongly consistent namespace.
#[must_use]
pub fn roster(namespace: &str) -> String {
    format!("roster:namespace={namespace}")
}

/// Gives a strongly consistent namespace another roster, which counts from the next rebalance on. One server tells the
/// others.
#[must_use]
pub fn set_roster(namespace: &str, roster: &Roster) -> String {
    format!("roster-set:namespace={namespace};nodes={roster}")
}

/// Makes a node forget where it once looked for another.
#[must_use]
pub fn tip_clear(host: &str, ports: &[u16]) -> String {
    let seeds: Vec<_> = ports.iter().map(|port| format!("{host}:{port}")).collect();
    format!("tip-clear:host-port-list={}", seeds.join(","))
}

/// Sets for how many seconds a node that lost its data is not filled.
#[must_use]
pub fn set_migrate_fill_delay(seconds: u64) -> String {
    format!("set-config:context=service;{MIGRATE_FILL_DELAY}={seconds}")
}

/// The configuration of a namespace; the parameter has another name from 7.2 on.
#[must_use]
pub fn namespace_config(build: &Build, namespace: &str) -> String {
    let named = build.is_at_least([7, 2, 0, 0]);
    let name = if named { "namespace" } else { "id" };
    format!("get-config:context=namespace;{name}={namespace}")
}

/// Whether this node sees a settled cluster of `size`; the value is the cluster key.
#[must_use]
pub fn cluster_stable(size: usize, ignore_migrations: bool, namespace: Option<&str>) -> String {
    let only = namespace
        .map(|name| format!(";namespace={name}"))
        .unwrap_or_default();
    format!("cluster-stable:size={size};ignore-migrations={ignore_migrations}{only}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_config_speaks_both_dialects() {
        let old: Build = "7.1.0.4".parse().unwrap();
        let new: Build = "7.2.0.0".parse().unwrap();
        assert_eq!(
            namespace_config(&old, "test"),
            "get-config:context=namespace;id=test"
        );
        assert_eq!(
            namespace_config(&new, "test"),
            "get-config:context=namespace;namespace=test"
        );
    }

    #[test]
    fn seeds_are_cleared_on_every_port_of_theirs() {
        let text = "tip-clear:host-port-list=c-1-0.c.n:3002,c-1-0.c.n:3012";
        assert_eq!(tip_clear("c-1-0.c.n", &[3002, 3012]), text);
    }

    #[test]
    fn cluster_stable_names_size_migrations_and_namespace() {
        assert_eq!(
            cluster_stable(3, false, None),
            "cluster-stable:size=3;ignore-migrations=false"
        );
        let one = "cluster-stable:size=3;ignore-migrations=true;namespace=test";
        assert_eq!(cluster_stable(3, true, Some("test")), one);
    }
}
