//! Names of everything that belongs to a cluster, and how pods and stateful sets are told apart by theirs.

use crate::resolve::{Desired, Identity, Rack, RackIdentifier};

/// The server's container, the first of a pod.
pub const SERVER_CONTAINER: &str = "aerospike-server";
/// The init container; in `podSpec.initContainers` the name marks its place.
pub const INIT_CONTAINER: &str = "aerospike-init";
/// The volume with the rendered configuration, shared by init and server container.
pub const CONF_VOLUME: &str = "confdir";
/// The volume that shows the rack's `ConfigMap`.
pub const CONFIGS_VOLUME: &str = "initconfigs";
/// The volume with the service account's token, seen by the init container only.
pub const TOKEN_VOLUME: &str = "aerospike-init-token";
/// Variable of the init container: hash of the pod spec that the pod was made for. It cannot change while the pod lives.
pub const POD_SPEC_HASH_VARIABLE: &str = "POD_SPEC_HASH";
/// Variable of the init container with the hash of the volumes that the pod was made with.
pub const VOLUMES_HASH_VARIABLE: &str = "VOLUMES_HASH";
/// Variable of the init container: the server image that the pod was made for, whatever others make of it on the way.
pub const SERVER_IMAGE_VARIABLE: &str = "SERVER_IMAGE";
/// Names that no volume of a user may have.
pub const RESERVED_VOLUMES: [&str; 3] = [CONF_VOLUME, CONFIGS_VOLUME, TOKEN_VOLUME];
/// The `ClusterRole` that may read nodes, and the `ClusterRoleBinding` whose subjects are our service accounts.
pub const NODE_READER: &str = "aerospike-operator-node-reader";

/// Stateful set of a rack: `<cluster>-<rack>`.
#[must_use]
pub fn stateful_set(cluster: &str, rack: &RackIdentifier) -> String {
    format!("{cluster}-{rack}")
}

/// `ConfigMap` of a rack: like its stateful set.
#[must_use]
pub fn config_map(cluster: &str, rack: &RackIdentifier) -> String {
    stateful_set(cluster, rack)
}

/// A pod, and its service if it has one: `<cluster>-<rack>-<ordinal>`.
#[must_use]
pub fn pod(cluster: &str, rack: &RackIdentifier, ordinal: u32) -> String {
    format!("{cluster}-{rack}-{ordinal}")
}

/// Headless service: like the cluster.
#[must_use]
pub fn headless_service(cluster: &str) -> String {
    cluster.to_owned()
}

/// Load balancer over all pods.
#[must_use]
pub fn load_balancer(cluster: &str) -> String {
    format!("{cluster}-lb")
}

/// Pod disruption budget: like the cluster.
#[must_use]
pub fn disruption_budget(cluster: &str) -> String {
    cluster.to_owned()
}

/// Service account of the pods, its role and the binding of both.
#[must_use]
pub fn pod_access(cluster: &str) -> String {
    format!("{cluster}-aerospike-pod")
}

/// The claim that the stateful set controller makes of a template for a pod.
#[must_use]
pub fn claim(volume: &str, pod: &str) -> String {
    format!("{volume}-{pod}")
}

/// The name by which the servers find a pod, without the domain of the Kubernetes cluster.
#[must_use]
pub fn fqdn(pod: &str, identity: &Identity) -> String {
    format!("{pod}.{}.{}", identity.name, identity.namespace)
}

/// The pods that `rack` shall have, by ordinal.
pub fn pods_of(desired: &Desired, rack: &Rack) -> impl Iterator<Item = String> + use<> {
    let cluster = desired.identity.name.clone();
    let identifier = rack.identifier();
    (0..rack.size).map(move |ordinal| pod(&cluster, &identifier, ordinal))
}

/// The pods that the cluster shall have, rack by rack.
pub fn pods(desired: &Desired) -> impl Iterator<Item = String> {
    desired.racks.iter().flat_map(|rack| pods_of(desired, rack))
}

/// The rack of a stateful set or `ConfigMap`, if the name is one of `cluster`'s.
#[must_use]
pub fn parse_stateful_set(cluster: &str, name: &str) -> Option<RackIdentifier> {
    let rack = RackIdentifier::parse(suffix(cluster, name)?)?;
    (stateful_set(cluster, &rack) == name).then_some(rack)
}

/// Rack and ordinal of a pod, if the name is one of `cluster`'s.
#[must_use]
pub fn parse_pod(cluster: &str, name: &str) -> Option<(RackIdentifier, u32)> {
    let (rack, ordinal) = suffix(cluster, name)?.rsplit_once('-')?;
    let (rack, ordinal) = (RackIdentifier::parse(rack)?, ordinal.parse().ok()?);
    // Only the spelling that we write counts: no leading zeros, no plus sign, no empty revision.
    (pod(cluster, &rack, ordinal) == name).then_some((rack, ordinal))
}

fn suffix<'a>(cluster: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(cluster)?.strip_prefix('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::resolve::{RackId, Revision};

    fn rack(id: i64, revision: &str) -> RackIdentifier {
        RackIdentifier {
            id: RackId(id),
            revision: Revision(revision.to_owned()),
        }
    }

    #[test]
    fn a_revision_may_hold_hyphens_and_numbers() {
        assert_eq!(parse_pod("c", "c-1-3"), Some((rack(1, ""), 3)));
        assert_eq!(parse_pod("c", "c-1-0-3"), Some((rack(1, "0"), 3)));
        assert_eq!(parse_pod("c", "c-1-a-b-3"), Some((rack(1, "a-b"), 3)));
        assert_eq!(parse_stateful_set("c", "c-1-a-b"), Some(rack(1, "a-b")));
    }

    #[test]
    fn names_of_others_are_not_taken_for_ours() {
        for name in [
            "c", "c-", "c-1", "c-x-1", "c-01-1", "c-1-01", "c-1-+1", "c-1--1", "d-1-1", "cc-1-1",
            "c--1-1",
        ] {
            assert_eq!(parse_pod("c", name), None, "{name}");
        }
        for name in ["c", "c-", "c-x", "c-01", "c-1-", "d-1"] {
            assert_eq!(parse_stateful_set("c", name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_parse_back(
            cluster in "[a-z]([a-z0-9-]{0,8}[a-z0-9])?",
            id in 0i64..1_000_001,
            revision in "([a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?)?",
            ordinal in 0u32..1000,
        ) {
            let rack = rack(id, &revision);
            let set = stateful_set(&cluster, &rack);
            prop_assert_eq!(parse_stateful_set(&cluster, &set), Some(rack.clone()));
            let pod = pod(&cluster, &rack, ordinal);
            prop_assert_eq!(parse_pod(&cluster, &pod), Some((rack, ordinal)));
        }
    }
}
