#![expect(
    clippy::needless_pass_by_value,
    reason = "literals are passed as they stand"
)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn pod(containers: Value) -> Value {
    json!({"spec": {"containers": containers}})
}

#[test]
fn a_changed_leaf_is_found_in_a_list_by_key() {
    let built = pod(json!([{"name": "a", "image": "x:1"}]));
    let live = pod(json!([{"name": "b", "image": "x:2"}, {"name": "a", "image": "x:2"}]));
    assert!(!is_contained(&built, &live));
}

#[test]
fn what_others_inject_is_no_change() {
    let built = pod(json!([{"name": "a", "image": "x:1"}]));
    let live = pod(json!([{"name": "a", "image": "x:1", "tty": true}, {"name": "mesh"}]));
    assert!(is_contained(&built, &live));
}

#[test]
fn the_order_of_containers_counts_and_that_of_mounts_does_not() {
    let two =
        |list: &str, key: &str, names: [&str; 2]| json!({list: [{key: names[0]}, {key: names[1]}]});
    let swapped =
        |list, key| is_contained(&two(list, key, ["a", "b"]), &two(list, key, ["b", "a"]));
    assert!(!swapped("initContainers", "name"));
    assert!(swapped("volumeMounts", "mountPath"));
    assert!(!swapped("tolerations", "key"));
}

#[test]
fn ports_are_told_apart_by_number_and_protocol() {
    let built = json!({"ports": [{"port": 3000}]});
    let live = json!({"ports": [{"port": 3000, "protocol": "TCP", "nodePort": 30001}]});
    assert!(is_contained(&built, &live));
    let udp = json!({"ports": [{"port": 3000, "protocol": "UDP"}]});
    assert!(!is_contained(&built, &udp));
}

#[test]
fn empty_is_absent() {
    let built = json!({"affinity": {}, "a": [], "b": null, "c": {"d": {}}});
    assert!(is_contained(&built, &json!({})));
    assert!(is_contained(&json!({}), &built));
}

#[test]
fn false_is_absent_only_where_the_api_server_drops_it() {
    let absent = json!({});
    assert!(is_contained(&json!({"hostNetwork": false}), &absent));
    assert!(is_contained(
        &json!({"env": [{"name": "A", "value": ""}]}),
        &json!({"env": [{"name": "A"}]})
    ));
    assert!(!is_contained(
        &json!({"automountServiceAccountToken": false}),
        &absent
    ));
    assert!(!is_contained(&json!({"runAsUser": 0}), &absent));
    assert!(!is_contained(
        &json!({"labels": {"value": ""}}),
        &json!({"labels": {}})
    ));
}

#[test]
fn quantities_are_compared_by_amount() {
    let built = json!({"resources": {"limits": {"cpu": "5000m", "memory": "1024Mi"}}});
    let live = json!({"resources": {"limits": {"cpu": "5", "memory": "1Gi"}}});
    assert!(is_contained(&built, &live));
    let less = json!({"resources": {"limits": {"cpu": "4", "memory": "1Gi"}}});
    assert!(!is_contained(&built, &less));
    assert!(!is_contained(
        &json!({"labels": {"a": "1"}}),
        &json!({"labels": {"a": "1.0"}})
    ));
}

#[test]
fn an_item_too_many_in_a_list_without_keys_is_a_change() {
    let built = json!({"rules": [{"verbs": ["get"]}]});
    let live = json!({"rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]});
    assert!(!is_contained(&built, &live));
    let more = json!({"rules": [{"verbs": ["get", "patch"]}]});
    assert!(!is_contained(&built, &more));
}

fn managed(object: Value, fields: Value) -> Value {
    let mut object = object;
    object["metadata"]["managedFields"] = json!([
        {"manager": "other", "operation": "Apply", "fieldsV1": {"f:spec": {"f:foreign": {}}}},
        {"manager": "me", "operation": "Update", "fieldsV1": {"f:spec": {"f:foreign": {}}}},
        {"manager": "me", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "me", "operation": "Apply", "fieldsV1": fields},
    ]);
    object
}

#[test]
fn what_we_once_applied_and_no_longer_build_is_taken_away() {
    let live = managed(
        json!({"metadata": {"annotations": {"old": "1", "foreign": "1"}}}),
        json!({"f:metadata": {"f:annotations": {"f:old": {}}}}),
    );
    assert!(needs_apply(
        &json!({"metadata": {"annotations": {}}}),
        &live,
        "me"
    ));
    assert!(!needs_apply(
        &json!({"metadata": {"annotations": {"old": "1"}}}),
        &live,
        "me"
    ));
    assert!(!needs_apply(&json!({"metadata": {}}), &live, "nobody"));
}

#[test]
fn a_container_or_port_that_is_no_longer_built_is_taken_away() {
    let live = managed(
        json!({"spec": {
            "containers": [{"name": "a"}, {"name": "gone"}],
            "ports": [{"port": 1, "protocol": "TCP"}],
            "finalizers": ["x"],
        }}),
        json!({"f:spec": {
            "f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"gone\"}": {".": {}, "f:name": {}}},
            "f:ports": {"k:{\"port\":1,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}},
            "f:finalizers": {"v:\"x\"": {}},
        }}),
    );
    let built = |containers: Value| json!({"spec": {"containers": containers, "ports": [{"port": 1}], "finalizers": ["x"]}});
    assert!(needs_apply(&built(json!([{"name": "a"}])), &live, "me"));
    assert!(!needs_apply(
        &built(json!([{"name": "a"}, {"name": "gone"}])),
        &live,
        "me"
    ));
    let less =
        json!({"spec": {"containers": [{"name": "a"}, {"name": "gone"}], "ports": [{"port": 1}]}});
    assert!(needs_apply(&less, &live, "me"));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..9i64).prop_map(Value::from),
        "[a-z]{1,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let members = prop::collection::btree_map("m[a-z]{1,4}", inner.clone(), 0..4);
        let members = members.prop_map(|members| Value::Object(members.into_iter().collect()));
        let items = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let named = prop::collection::btree_map("[a-z]{1,4}", inner, 1..4).prop_map(|items| {
            let items = items.into_iter();
            let items = items.map(|(name, inner)| json!({"name": name, "inner": inner}));
            json!({"containers": items.collect::<Vec<_>>()})
        });
        prop_oneof![members, items, named]
    })
}

/// `value` with members that nobody built, and items in lists with keys.
fn with_additions(value: &Value, list: &str) -> Value {
    match value {
        Value::Object(members) => {
            let mut all: Map<_, _> = members
                .iter()
                .map(|(name, value)| (name.clone(), with_additions(value, name)))
                .collect();
            all.insert("added".into(), json!({"by": "default"}));
            Value::Object(all)
        }
        Value::Array(items) => {
            let mut all: Vec<_> = items.iter().map(|item| with_additions(item, "")).collect();
            if keys_of(list).is_some() {
                all.insert(0, json!({"name": "an addition"}));
            }
            all.into()
        }
        leaf => leaf.clone(),
    }
}

/// `value` with its leaf number `n` changed; leaves are counted modulo their number.
fn with_changed_leaf(value: &Value, n: usize) -> Option<Value> {
    let mut changed = value.clone();
    let mut leaves = Vec::new();
    collect_leaves(&mut changed, &mut leaves);
    let index = n % leaves.len().max(1);
    let leaf = leaves.into_iter().nth(index)?;
    *leaf = json!("another");
    Some(changed)
}

fn collect_leaves<'a>(value: &'a mut Value, leaves: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(members) => {
            for value in members.values_mut() {
                collect_leaves(value, leaves);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_leaves(item, leaves);
            }
        }
        leaf => leaves.push(leaf),
    }
}

proptest! {
    #[test]
    fn an_object_is_contained_in_itself(object in value()) {
        prop_assert!(is_contained(&object, &object));
    }

    #[test]
    fn an_object_is_contained_in_itself_with_additions(object in value()) {
        prop_assert!(is_contained(&object, &with_additions(&object, "")));
    }

    #[test]
    fn an_object_is_not_contained_after_a_leaf_changed(object in value(), n in 0usize..40) {
        if let Some(changed) = with_changed_leaf(&object, n) {
            prop_assert!(!is_contained(&object, &changed));
        }
    }
}
