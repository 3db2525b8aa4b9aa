use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, updated},
    api::AerospikeCluster,
};

/// Every use of networks with the member that names them.
const USES: [(&str, &str); 6] = [
    ("access", "customAccessNetworkNames"),
    ("alternateAccess", "customAlternateAccessNetworkNames"),
    ("tlsAccess", "customTLSAccessNetworkNames"),
    ("tlsAlternateAccess", "customTLSAlternateAccessNetworkNames"),
    ("fabric", "customFabricNetworkNames"),
    ("tlsFabric", "customTLSFabricNetworkNames"),
];

fn policy(policy: &Value) -> AerospikeCluster {
    let networks = json!({"k8s.v1.cni.cncf.io/networks": "one, other/two,three"});
    cluster(&json!({
        "aerospikeNetworkPolicy": policy,
        "podSpec": {"metadata": {"annotations": networks}},
    }))
}

#[test]
fn custom_interfaces_have_networks_that_pods_are_attached_to() {
    for (member, names) in USES {
        let with = |list: Value| policy(&json!({member: "customInterface", names: list}));
        let attached = with(json!(["one", "ns/three", " other/two "]));
        assert_eq!(created(&attached), [""; 0], "{member}");
        let place = format!("spec.aerospikeNetworkPolicy.{names}");
        assert_eq!(created(&with(Value::Null)), [format!("NP-01 {place}")]);
        let unattached = with(json!(["one", "two", "other/two", "other/one"]));
        assert_eq!(
            created(&unattached),
            [format!("NP-03 {place}[1]"), format!("NP-03 {place}[3]")]
        );
    }
}

#[test]
fn networks_are_of_no_interest_where_they_are_not_used() {
    let unused = policy(&json!({"access": "pod", "customAccessNetworkNames": ["missing"]}));
    assert_eq!(created(&unused), [""; 0]);
}

#[test]
fn pods_on_the_host_network_have_no_interfaces_of_their_own() {
    let mut cluster =
        policy(&json!({"fabric": "customInterface", "customFabricNetworkNames": ["one"]}));
    cluster.spec.pod_spec.as_mut().unwrap().host_network = Some(true);
    assert_eq!(created(&cluster), ["NP-02 spec.podSpec.hostNetwork"]);
}

#[test]
fn fabric_stays_where_it_is() {
    let fabrics = [("UPD-07", "UPD-09", USES[4]), ("UPD-08", "UPD-10", USES[5])];
    for (of_type, of_names, (member, names)) in fabrics {
        let plain = policy(&json!({}));
        let on = |list: Value| policy(&json!({member: "customInterface", names: list}));
        let place = format!("spec.aerospikeNetworkPolicy.{member}");
        assert_eq!(
            updated(&plain, &on(json!(["one"]))),
            [format!("{of_type} {place}")]
        );
        assert_eq!(
            updated(&on(json!(["one"])), &plain),
            [format!("{of_type} {place}")]
        );
        let place = format!("spec.aerospikeNetworkPolicy.{names}");
        assert_eq!(
            updated(&on(json!(["one"])), &on(json!(["three"]))),
            [format!("{of_names} {place}")]
        );
        assert_eq!(
            updated(&on(json!(["one"])), &on(json!(["ns/one"]))),
            [""; 0]
        );
    }
}
