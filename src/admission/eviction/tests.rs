use serde_json::json;

use super::*;

fn pod(changes: &Value) -> Pod {
    let mut pod = json!({
        "metadata": {"name": "db-1-0", "namespace": "ns", "uid": "pod-uid", "ownerReferences": [owner("StatefulSet", "apps/v1", "set-uid")]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    json_patch::merge(&mut pod, changes);
    serde_json::from_value(pod).unwrap()
}

fn owner(kind: &str, version: &str, uid: &str) -> Value {
    json!({"kind": kind, "apiVersion": version, "name": "db", "uid": uid, "controller": true})
}

fn set(owner: &Value) -> StatefulSet {
    let set = json!({"metadata": {"name": "db-1", "uid": "set-uid", "ownerReferences": [owner]}});
    serde_json::from_value(set).unwrap()
}

#[test]
fn a_database_pod_is_told_by_its_owners() {
    let pod = pod(&json!({}));
    let reference = set_to_look_at(&pod).unwrap();
    let ours = owner("AerospikeCluster", "asdb.aerospike.com/v1", "c");
    assert_eq!(cluster_of(&set(&ours), reference), Some("db"));
    let theirs = owner("AerospikeCluster", "example.com/v1", "c");
    assert_eq!(cluster_of(&set(&theirs), reference), None);
    let renewed = OwnerReference {
        uid: "older".to_owned(),
        ..reference.clone()
    };
    assert_eq!(cluster_of(&set(&ours), &renewed), None);
}

#[test]
fn what_is_nobodys_or_lost_is_not_looked_at() {
    let cases = [
        json!({"metadata": {"ownerReferences": null}}),
        json!({"metadata": {"ownerReferences": [owner("ReplicaSet", "apps/v1", "r")]}}),
        json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        json!({"status": {"phase": "Failed"}}),
        json!({"status": {"phase": "Pending"}}),
        json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}),
        json!({"status": null}),
    ];
    for case in cases {
        assert_eq!(set_to_look_at(&pod(&case)), None, "{case}");
    }
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    assert!(set_to_look_at(&pod(&unready)).is_some());
}

#[test]
fn the_first_wish_is_noted_and_stays() {
    let now = Timestamp::from_second(0).unwrap();
    let expected = json!({"metadata": {"uid": "pod-uid", "annotations": {EVICTION_BLOCKED: "1970-01-01T00:00:00Z"}}});
    assert_eq!(note(&pod(&json!({})), now), Some(expected));
    let noted = json!({"metadata": {"annotations": {EVICTION_BLOCKED: "earlier"}}});
    assert_eq!(note(&pod(&noted), now), None);
}

#[test]
fn a_request_without_an_eviction_is_a_bad_request() {
    let body =
        json!({"request": {"uid": "u", "operation": "CREATE", "namespace": "ns", "object": 7}})
            .to_string();
    assert_eq!(asked(&Request::read(body.as_bytes()).unwrap()), None);
    let answer = serde_json::to_value(not_asked()).unwrap();
    assert_eq!(
        (&answer["allowed"], &answer["status"]["code"]),
        (&json!(false), &json!(400))
    );
}

#[test]
fn the_pod_is_that_of_the_eviction() {
    let eviction =
        json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "db-1-0"}});
    let body = json!({"request": {"uid": "u", "operation": "CREATE", "namespace": "ns", "dryRun": true, "object": eviction}})
        .to_string();
    let expected = Asked {
        namespace: "ns".to_owned(),
        pod: "db-1-0".to_owned(),
        dry_run: true,
    };
    assert_eq!(
        asked(&Request::read(body.as_bytes()).unwrap()).unwrap(),
        expected
    );
}
