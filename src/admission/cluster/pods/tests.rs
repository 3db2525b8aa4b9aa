use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, warned},
    api::AerospikeCluster,
};

fn pod(pod: &Value) -> AerospikeCluster {
    cluster(&json!({"podSpec": pod}))
}

fn says(cluster: &AerospikeCluster, frag: &str) {
    let text = text(cluster);
    assert!(text.contains(frag), "{frag:?} in {text}");
}

#[test]
fn pods_on_the_host_network_share_no_node() {
    let both = pod(&json!({"hostNetwork": true, "multiPodPerHost": true}));
    assert_eq!(created(&both), ["POD-01 spec.podSpec.hostNetwork"]);
    says(
        &both,
        "host networking cannot be enabled with multi pod per host",
    );
    for one in [
        json!({"hostNetwork": true}),
        json!({"hostNetwork": true, "multiPodPerHost": false}),
        json!({"multiPodPerHost": true}),
    ] {
        assert_eq!(created(&pod(&one)), [""; 0]);
    }
}

#[test]
fn pods_find_each_other_by_name() {
    let default = pod(&json!({"dnsPolicy": "Default"}));
    assert_eq!(created(&default), ["POD-02 spec.podSpec.dnsPolicy"]);
    says(&default, "dnsPolicy: Default is not supported");
    let none = pod(&json!({"dnsPolicy": "None"}));
    assert_eq!(created(&none), ["POD-03 spec.podSpec.dnsConfig"]);
    says(
        &none,
        "dnsConfig is required field when dnsPolicy is set to None",
    );
    for good in [
        json!({"dnsPolicy": "ClusterFirst"}),
        json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.1"]}}),
    ] {
        assert_eq!(created(&pod(&good)), [""; 0]);
    }
}

#[test]
fn labels_and_annotations_of_the_operator_are_its_own() {
    let labels =
        json!({"app": "x", "aerospike.com/cr": "x", "aerospike.com/rack-id": "1", "mine": "x"});
    let annotations = json!({"aerospike.com/eviction-blocked": "x", "mine": "x"});
    assert_eq!(
        created(&pod(
            &json!({"metadata": {"labels": labels, "annotations": annotations}})
        )),
        [
            "POD-05 spec.podSpec.metadata.annotations[aerospike.com/eviction-blocked]",
            "POD-04 spec.podSpec.metadata.labels[aerospike.com/cr]",
            "POD-04 spec.podSpec.metadata.labels[aerospike.com/rack-id]",
            "POD-04 spec.podSpec.metadata.labels[app]",
        ]
    );
    let own = json!({"metadata": {"labels": {"mine": "x"}, "annotations": {"mine": "x"}}});
    assert_eq!(created(&pod(&own)), [""; 0]);
}

fn named(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| json!({"name": name, "image": "i"}))
        .collect()
}

#[test]
fn containers_have_names_of_their_own() {
    let good =
        json!({"sidecars": named(&["a", "b"]), "initContainers": named(&["c", "aerospike-init"])});
    assert_eq!(created(&pod(&good)), [""; 0]);
    let reserved = json!({"sidecars": named(&["aerospike-server", "aerospike-init"]),
        "initContainers": named(&["a"])});
    assert_eq!(
        created(&pod(&reserved)),
        [
            "POD-06 spec.podSpec.sidecars[0].name",
            "POD-06 spec.podSpec.sidecars[1].name",
        ]
    );
    let init = json!({"initContainers": named(&["aerospike-server"])});
    assert_eq!(
        created(&pod(&init)),
        ["POD-06 spec.podSpec.initContainers[0].name"]
    );
    let twice = json!({"sidecars": named(&["a", "b", "a"]), "initContainers": named(&["b"])});
    assert_eq!(
        created(&pod(&twice)),
        [
            "POD-07 spec.podSpec.initContainers[0].name",
            "POD-07 spec.podSpec.sidecars[2].name",
        ]
    );
}

#[test]
fn limits_cover_requests() {
    for (member, code) in [
        ("aerospikeContainer", "RES-01"),
        ("aerospikeInitContainer", "RES-03"),
    ] {
        let with = |resources: Value| pod(&json!({member: {"resources": resources}}));
        let refused = [format!("{code} spec.podSpec.{member}.resources")];
        for good in [
            json!({"limits": {"cpu": "1"}}),
            json!({"requests": {"cpu": "1"}}),
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}),
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {}}),
            json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1", "memory": "0"}}),
        ] {
            assert_eq!(created(&with(good.clone())), [""; 0], "{good}");
        }
        for bad in [
            json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1001m"}}),
            json!({"limits": {"cpu": "1"}, "requests": {"memory": "1"}}),
            json!({"limits": {}, "requests": {"cpu": "1m"}}),
            json!({"limits": {"memory": "1G"}, "requests": {"memory": "1Gi"}}),
        ] {
            assert_eq!(created(&with(bad.clone())), refused, "{bad}");
            says(
                &with(bad),
                "resources.Limits cannot be less than resource.Requests",
            );
        }
    }
}

#[test]
fn what_is_no_quantity_is_not_compared() {
    let odd =
        json!({"limits": {"cpu": "x", "memory": "1"}, "requests": {"cpu": "1", "memory": "1"}});
    let found = created(&pod(&json!({"aerospikeContainer": {"resources": odd}})));
    assert!(
        !found.iter().any(|text| text.starts_with("RES-01")),
        "{found:?}"
    );
}

#[test]
fn cleanup_in_parallel_has_limits() {
    let place = "RES-02 spec.podSpec.aerospikeInitContainer.resources.limits";
    let with = |threads: u8, init: Value| json!({"storage": {"cleanupThreads": threads}, "podSpec": {"aerospikeInitContainer": init}});
    for init in [
        Value::Null,
        json!({}),
        json!({"resources": {"requests": {"cpu": "1"}}}),
    ] {
        assert_eq!(created(&cluster(&with(2, init.clone()))), [place]);
        assert_eq!(created(&cluster(&with(1, init.clone()))), [""; 0]);
        assert_eq!(created(&cluster(&with(0, init))), [""; 0]);
    }
    let limited = json!({"resources": {"limits": {"cpu": "1"}}});
    assert_eq!(created(&cluster(&with(2, limited))), [""; 0]);
}

#[test]
fn a_switch_without_effect_is_told() {
    let policy = |skip: bool| json!({"validationPolicy": {"skipWorkDirValidate": false, "skipXdrDlogFileValidate": skip}});
    assert!(warned(&cluster(&policy(true))).contains(&"W-07"));
    assert!(!warned(&cluster(&policy(false))).contains(&"W-07"));
}
