//! Which claims go with their cluster.

use serde_json::{Value, json};

use super::*;
use crate::{api::AerospikeCluster, resolve};

/// The effective spec of a cluster with `storage`, whose rack 1 has `of_rack` of its own.
fn spec(storage: &Value, of_rack: &Value) -> AerospikeClusterSpec {
    let cluster: AerospikeCluster = serde_json::from_value(json!({
        "apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
        "metadata": {"name": "c", "namespace": "n"},
        "spec": {
            "size": 2, "image": "aerospike/aerospike-server-enterprise:8.1.2.0", "aerospikeConfig": {},
            "storage": storage,
            "rackConfig": {"racks": [{"id": 1, "storage": of_rack}, {"id": 2}]},
        },
    }))
    .unwrap();
    resolve::effective(&cluster, &resolve::Settings::default()).spec
}

fn volume(name: &str, mode: &str, policy: &Value) -> Value {
    let mut volume = json!({
        "name": name,
        "aerospike": {"path": format!("/{name}")},
        "source": {"persistentVolume": {"storageClass": "s", "volumeMode": mode, "size": "1Gi"}},
    });
    for (member, value) in policy.as_object().unwrap() {
        volume[member] = value.clone();
    }
    volume
}

fn claim(name: &str, rack: &str, volume: Option<&str>, block: bool) -> Claim {
    Claim {
        name: name.to_owned(),
        labels: BTreeMap::from([(labels::RACK_ID.to_owned(), rack.to_owned())]),
        volume: volume.map(str::to_owned),
        block,
        ..Claim::default()
    }
}

fn going(spec: &AerospikeClusterSpec, claims: &[Claim]) -> Vec<String> {
    let going = claims_to_delete(spec, claims).into_iter();
    going.map(|claim| claim.name.clone()).collect()
}

fn everything_goes(names: &[&str]) -> Value {
    let volumes: Vec<_> = names
        .iter()
        .map(|name| volume(name, "Filesystem", &json!({})))
        .collect();
    json!({"filesystemVolumePolicy": {"cascadeDelete": true}, "volumes": volumes})
}

#[test]
fn a_claim_is_judged_by_its_volume_then_by_the_policy_for_its_mode() {
    let storage = json!({
        "filesystemVolumePolicy": {"cascadeDelete": true},
        "volumes": [
            volume("kept", "Filesystem", &json!({"cascadeDelete": false})),
            volume("goes", "Filesystem", &json!({})),
            volume("device", "Block", &json!({})),
        ],
    });
    let claims = [
        claim("kept", "2", Some("kept"), false),
        claim("goes", "2", Some("goes"), false),
        claim("device", "2", Some("device"), true),
    ];
    assert_eq!(going(&spec(&storage, &json!({})), &claims), ["goes"]);
}

#[test]
fn a_rack_with_storage_of_its_own_judges_by_it() {
    let own = json!({
        "filesystemVolumePolicy": {"cascadeDelete": false},
        "volumes": [volume("w", "Filesystem", &json!({}))],
    });
    let claims = [
        claim("of-rack-1", "1", Some("w"), false),
        claim("of-rack-2", "2", Some("w"), false),
    ];
    let spec = spec(&everything_goes(&["w"]), &own);
    assert_eq!(going(&spec, &claims), ["of-rack-2"]);
}

#[test]
fn a_claim_of_a_rack_that_is_gone_is_judged_by_the_storage_of_the_cluster() {
    let own = json!({"volumes": [volume("w", "Filesystem", &json!({}))]});
    let claims = [claim("of-rack-9", "9", Some("w"), false)];
    let spec = spec(&everything_goes(&["w"]), &own);
    assert_eq!(going(&spec, &claims), ["of-rack-9"]);
}

#[test]
fn labels_of_users_change_nothing() {
    let mut claim = claim("w", "2", Some("w"), false);
    claim.labels.insert("team".to_owned(), "a".to_owned());
    let spec = spec(&everything_goes(&["w"]), &json!({}));
    assert_eq!(going(&spec, &[claim]), ["w"]);
}

#[test]
fn a_claim_without_a_volume_of_ours_stays_and_one_that_goes_is_left_to_go() {
    let leaving = Claim {
        deleting: true,
        ..claim("leaving", "2", Some("w"), false)
    };
    let claims = [claim("by-hand", "2", None, false), leaving];
    let spec = spec(&everything_goes(&["w"]), &json!({}));
    assert_eq!(going(&spec, &claims), [""; 0]);
}
