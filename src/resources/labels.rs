//! Labels, selectors and annotations that others rely on.

use std::collections::BTreeMap;

use crate::resolve::{RackId, RackIdentifier};

/// Label on every owned object except the services of single pods.
pub const APP: &str = "app";
/// Value of [`APP`].
pub const APP_VALUE: &str = "aerospike-cluster";
/// Selects the objects of every cluster.
pub const SELECTOR: &str = "app=aerospike-cluster";
/// Label with the name of the custom resource.
pub const CLUSTER: &str = "aerospike.com/cr";
/// Label with the rack's number.
pub const RACK_ID: &str = "aerospike.com/rack-id";
/// Label with the rack's revision, absent if it has none.
pub const RACK_REVISION: &str = "aerospike.com/rack-revision";
/// Label that the stateful set controller puts on a pod: its name.
pub const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// Label that the stateful set controller puts on a pod: the revision of the template that it was made by.
pub const TEMPLATE_REVISION: &str = "controller-revision-hash";

/// Label of nodes by which a rack is placed.
pub const NODE_RACK_LABEL: &str = "aerospike.com/rack-label";
/// Label of nodes with their zone.
pub const NODE_ZONE: &str = "topology.kubernetes.io/zone";
/// Label of nodes with their region.
pub const NODE_REGION: &str = "topology.kubernetes.io/region";
/// Label of nodes with their name.
pub const NODE_HOSTNAME: &str = "kubernetes.io/hostname";
/// Label of nodes with the address that `configuredIP` advertises as `access-address`.
pub const NODE_ACCESS_ADDRESS: &str = "aerospike.com/configured-access-address";
/// Label of nodes with the address that `configuredIP` advertises as `alternate-access-address`.
pub const NODE_ALTERNATE_ACCESS_ADDRESS: &str = "aerospike.com/configured-alternate-access-address";

/// Annotation on a pod: the configuration that it runs.
pub const RENDERED_CONFIG: &str = "aerospikeConf";
/// Annotation on a pod: the template of the configuration in its file, by which changes are told. It counts only if it has
/// the hash that the pod's entry in the status names.
pub const CONFIG_TEMPLATE: &str = "aerospike.com/config-template";
/// Annotation on a pod: the rack id that it shall have in the server.
pub const OVERRIDE_RACK_ID: &str = "aerospike.com/override-rack-id";
/// Annotation on a pod: the addresses of its additional networks.
pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";
/// Annotation on a claim: the volume to which it belongs.
pub const STORAGE_VOLUME: &str = "storage-volume";
/// Annotation on a claim of old clusters, in the place of [`STORAGE_VOLUME`].
pub const STORAGE_PATH: &str = "storage-path";
/// Annotation on a claim: its init method ran once, and never runs again.
pub const INITIALIZED: &str = "aerospike.com/initialized";

/// Labels of a cluster's objects, which select its pods.
#[must_use]
pub fn cluster(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (APP.to_owned(), APP_VALUE.to_owned()),
        (CLUSTER.to_owned(), name.to_owned()),
    ])
}

/// Labels of a rack's objects.
#[must_use]
pub fn rack(name: &str, rack: &RackIdentifier) -> BTreeMap<String, String> {
    let mut labels = cluster(name);
    labels.insert(RACK_ID.to_owned(), rack.id.to_string());
    if let Some(revision) = rack.revision.as_deref() {
        labels.insert(RACK_REVISION.to_owned(), revision.to_owned());
    }
    labels
}

/// Selects what belongs to a cluster; the text of `status.selector`.
#[must_use]
pub fn cluster_selector(name: &str) -> String {
    selector(&cluster(name))
}

/// Selects what belongs to one revision of a rack.
#[must_use]
pub fn rack_selector(name: &str, identifier: &RackIdentifier) -> String {
    let labels = selector(&rack(name, identifier));
    if identifier.revision.as_deref().is_some() {
        labels
    } else {
        format!("{labels},!{RACK_REVISION}")
    }
}

/// Selects what belongs to a rack, of any revision.
#[must_use]
pub fn all_revisions_selector(name: &str, id: RackId) -> String {
    let identifier = RackIdentifier {
        id,
        ..RackIdentifier::default()
    };
    selector(&rack(name, &identifier))
}

fn selector(labels: &BTreeMap<String, String>) -> String {
    let pairs = labels.iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_sorted_text() {
        assert_eq!(
            cluster_selector("c"),
            "aerospike.com/cr=c,app=aerospike-cluster"
        );
        assert_eq!(
            all_revisions_selector("c", RackId(2)),
            "aerospike.com/cr=c,aerospike.com/rack-id=2,app=aerospike-cluster"
        );
    }

    #[test]
    fn a_rack_without_revision_never_matches_one_with() {
        let select = |text| rack_selector("c", &RackIdentifier::parse(text).unwrap());
        assert_eq!(
            select("2"),
            "aerospike.com/cr=c,aerospike.com/rack-id=2,app=aerospike-cluster,!aerospike.com/rack-revision"
        );
        assert_eq!(
            select("2-v1"),
            "aerospike.com/cr=c,aerospike.com/rack-id=2,aerospike.com/rack-revision=v1,app=aerospike-cluster"
        );
    }
}
