use serde_json::{Value, json};

use super::*;
use crate::{
    admission::cluster::testing::cluster,
    api::{AerospikeCluster, status::Mirror},
    resolve::{effective, resolve},
};

/// A cluster that runs as `spec` says: each pod reported what is wanted of it.
fn running(spec: &Value) -> AerospikeCluster {
    let cluster = cluster(spec);
    let desired = resolve(&cluster, &Settings::default()).unwrap();
    let entries = desired.racks.iter().flat_map(|rack| {
        let entry = PodStatus {
            image: desired.image.reference.clone(),
            aerospike_config_hash: rack.hashes.config.clone(),
            network_policy_hash: rack.hashes.network_policy.clone(),
            pod_spec_hash: rack.hashes.pod_spec.clone(),
            pod_ip: "10.0.0.1".to_owned(),
            ..PodStatus::default()
        };
        names::pods_of(&desired, rack).map(move |pod| (pod, entry.clone()))
    });
    AerospikeCluster {
        status: Some(AerospikeClusterStatus {
            mirror: Mirror::of(&desired.spec),
            pods: entries.collect(),
            ..AerospikeClusterStatus::default()
        }),
        ..cluster
    }
}

/// What is said about an edit of a cluster that runs.
fn told(before: &Value, after: &Value) -> Vec<String> {
    let old = running(before);
    let new = AerospikeCluster {
        status: old.status.clone(),
        ..cluster(after)
    };
    let settings = Settings::default();
    let of = |cluster| (cluster, effective(cluster, &settings));
    let warnings = warnings(of(&old), of(&new), &settings);
    warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn another_image_restarts_every_pod() {
    let image = json!({"size": 3, "image": "aerospike/aerospike-server-enterprise:8.1.1.0"});
    assert_eq!(
        told(&json!({"size": 3}), &image),
        ["spec: 3 pods restart because of this change, batch by batch: image [PLAN-01]"]
    );
}

#[test]
fn another_configuration_restarts_every_server_in_its_pod() {
    let after = json!({"size": 3, "aerospikeConfig": {"service": {"proto-fd-max": 20_000}}});
    assert_eq!(
        told(&json!({"size": 3}), &after),
        [
            "spec: 3 pods restart their servers because of this change, batch by batch: configuration [PLAN-01]"
        ]
    );
}

#[test]
fn another_size_moves_partitions() {
    assert_eq!(
        told(&json!({"size": 3}), &json!({"size": 2})),
        ["spec: 1 pod is removed; partitions move [PLAN-03]"]
    );
    assert_eq!(
        told(&json!({"size": 3}), &json!({"size": 5})),
        ["spec: 2 pods start; partitions move [PLAN-03]"]
    );
}

#[test]
fn what_is_set_at_run_time_restarts_nothing() {
    let config = json!({"size": 3, "enableDynamicConfigUpdate": true, "aerospikeConfig": {"service": {"proto-fd-max": 20_000}}});
    let before = json!({"size": 3, "enableDynamicConfigUpdate": true});
    assert_eq!(
        told(&before, &config),
        ["spec: 3 pods are told at run time what this change sets, without a restart [PLAN-02]"]
    );
}

#[test]
fn an_edit_without_effect_is_not_spoken_of() {
    let paused = json!({"size": 3, "paused": true});
    assert_eq!(told(&json!({"size": 3}), &paused), [""; 0]);
}

#[test]
fn an_operation_restarts_the_pods_that_it_lists() {
    let operation = json!([{"kind": "PodRestart", "id": "first", "podList": ["db-0-1"]}]);
    assert_eq!(
        told(
            &json!({"size": 3}),
            &json!({"size": 3, "operations": operation})
        ),
        ["spec: 1 pod restarts because of this change, batch by batch: operation first [PLAN-01]"]
    );
}
