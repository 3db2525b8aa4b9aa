use proptest::{prelude::*, sample::subsequence};

use super::*;
use crate::{
    api::AerospikeCluster,
    resolve::{Settings, effective},
};

fn defaulted(object: &Value) -> Value {
    let raw = serde_json::value::to_raw_value(object).unwrap();
    let patch = serde_json::to_value(additions(&raw)).unwrap();
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

fn bare() -> Value {
    json!({"metadata": {"name": "db"}, "spec": {"size": 1, "image": "a:8.1.2.0", "aerospikeConfig": {}}})
}

#[test]
fn a_bare_cluster_gets_everything_that_does_not_depend_on_our_version() {
    assert_eq!(
        defaulted(&bare()),
        json!({
            "metadata": {"name": "db", "labels": {"aerospike.com/api-version": "v1"}},
            "spec": {
                "size": 1, "image": "a:8.1.2.0", "aerospikeConfig": {},
                "validationPolicy": {"skipWorkDirValidate": false},
                "aerospikeNetworkPolicy": {"access": "hostInternal", "alternateAccess": "hostExternal",
                    "tlsAccess": "hostInternal", "tlsAlternateAccess": "hostExternal"},
                "storage": {
                    "filesystemVolumePolicy": {"initMethod": "none", "wipeMethod": "deleteFiles", "cascadeDelete": false},
                    "blockVolumePolicy": {"initMethod": "none", "wipeMethod": "dd", "cascadeDelete": false}},
            },
        })
    );
}

#[test]
fn a_key_with_a_slash_is_escaped() {
    let mut object = bare();
    object["metadata"]["labels"] = json!({"app": "x"});
    let raw = serde_json::value::to_raw_value(&object).unwrap();
    assert_eq!(
        additions(&raw)[0].path,
        "/metadata/labels/aerospike.com~1api-version"
    );
}

#[test]
fn what_has_the_wrong_type_is_left_to_the_schema() {
    for object in [
        json!(null),
        json!([]),
        json!("x"),
        json!({}),
        json!({"spec": 1, "metadata": []}),
    ] {
        assert_eq!(defaulted(&object), object);
    }
    let mut object = bare();
    object["spec"]["storage"] = json!({"blockVolumePolicy": [], "filesystemVolumePolicy": null});
    assert_eq!(
        defaulted(&object)["spec"]["storage"],
        object["spec"]["storage"]
    );
}

fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part))),
        (whole, part) => whole == part,
    }
}

prop_compose! {
    fn policy()(keys in subsequence(vec!["initMethod", "wipeMethod", "cascadeDelete"], 0..=3)) -> Value {
        let given = |key: &str| match key {
            "initMethod" => json!("dd"),
            "wipeMethod" => json!("blkdiscard"),
            _ => json!(true),
        };
        keys.into_iter().map(|key| (key.to_owned(), given(key))).collect::<Tree>().into()
    }
}

prop_compose! {
    fn spec()(
        blocks in subsequence(vec!["validationPolicy", "aerospikeNetworkPolicy", "storage", "labels"], 0..=4),
        access in subsequence(vec!["access", "alternateAccess", "tlsAccess", "tlsAlternateAccess"], 0..=4),
        filesystem in proptest::option::of(policy()),
        block in proptest::option::of(policy()),
        own_storage in any::<bool>(),
    ) -> Value {
        let mut object = bare();
        for name in blocks {
            match name {
                "labels" => object["metadata"]["labels"] = json!({"app": "x"}),
                "validationPolicy" => object["spec"][name] = json!({"skipWorkDirValidate": true}),
                "storage" => {
                    object["spec"][name] = json!({"volumes": [{"name": "v", "source": {"emptyDir": {}}}]});
                    for (key, policy) in [("filesystemVolumePolicy", &filesystem), ("blockVolumePolicy", &block)] {
                        if let Some(policy) = policy {
                            object["spec"][name][key] = policy.clone();
                        }
                    }
                }
                _ => object["spec"][name] = access.iter().map(|key| ((*key).to_owned(), json!("pod"))).collect::<Tree>().into(),
            }
        }
        if own_storage {
            object["spec"]["rackConfig"] = json!({"racks": [{"id": 1, "storage": {"volumes": []}}, {"id": 2}]});
        }
        object
    }
}

proptest! {
    #[test]
    fn defaults_are_added_once(object in spec()) {
        let once = defaulted(&object);
        prop_assert_eq!(defaulted(&once), once);
    }

    #[test]
    fn nothing_that_a_user_wrote_changes(object in spec()) {
        prop_assert!(contains(&defaulted(&object), &object));
    }

    #[test]
    fn the_effective_spec_is_the_same_without_the_webhook(object in spec()) {
        let typed = |object: &Value| -> AerospikeCluster {
            let mut object = object.clone();
            object["apiVersion"] = json!("asdb.aerospike.com/v1");
            object["kind"] = json!("AerospikeCluster");
            serde_json::from_value(object).unwrap()
        };
        let settings = Settings::default();
        prop_assert_eq!(
            effective(&typed(&defaulted(&object)), &settings),
            effective(&typed(&object), &settings)
        );
    }
}
