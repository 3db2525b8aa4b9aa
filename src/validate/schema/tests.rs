use serde_json::{Value, json};

use super::*;

/// A small valid cluster with `changes` merged over it (`null` removes).
fn cluster(changes: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
        "metadata": {"name": "db"},
        "spec": {"size": 2, "image": "a:1", "aerospikeConfig": {"service": {}}},
    });
    json_patch::merge(&mut object, changes);
    object
}

fn brief(findings: &[Finding]) -> Vec<String> {
    let brief = findings.iter();
    brief
        .map(|finding| format!("{} {}", finding.code, finding.path))
        .collect()
}

/// What is wrong with the plain cluster once `spec` is merged into its spec.
fn checked(spec: &Value) -> Vec<String> {
    let mut object = cluster(&json!({"spec": spec}));
    assert_eq!(complete(&mut object), []);
    brief(&check(&object))
}

#[test]
fn every_keyword_of_the_definition_is_known() {
    assert!(CLUSTER.properties["spec"].properties.len() > 20);
    assert!(
        CLUSTER.properties["metadata"]
            .properties
            .contains_key("labels")
    );
}

#[test]
fn the_plain_cluster_is_in_order() {
    assert_eq!(checked(&json!({})), [""; 0]);
}

/// Each of `cases` is a change to the plain cluster's spec, and the one thing that is wrong then.
fn expect(cases: &[(Value, &str)]) {
    for (spec, expected) in cases {
        assert_eq!(checked(spec), [*expected], "{spec}");
    }
}

#[test]
fn constraints_of_the_cluster_have_their_codes() {
    expect(&[
        (json!({"size": null}), "CRD-01 spec.size"),
        (json!({"image": null}), "CRD-01 spec.image"),
        (json!({"size": 0}), "CRD-02 spec.size"),
        (json!({"size": 257}), "CRD-02 spec.size"),
        (json!({"size": "2"}), "CRD-02 spec.size"),
        (json!({"image": ""}), "CRD-03 spec.image"),
        (
            json!({"aerospikeNetworkPolicy": {"access": "x"}}),
            "CRD-06 spec.aerospikeNetworkPolicy.access",
        ),
        (
            json!({"operations": [{"id": "1", "kind": "x"}]}),
            "CRD-07 spec.operations[0].kind",
        ),
        (
            json!({"k8sNodeBlockList": []}),
            "CRD-08 spec.k8sNodeBlockList",
        ),
        (
            json!({"seedsFinderServices": {"loadBalancer": {"port": 80}}}),
            "CRD-11 spec.seedsFinderServices.loadBalancer.port",
        ),
        (
            json!({"validationPolicy": {"skipWorkDirValidate": 1}}),
            "CRD-12 spec.validationPolicy.skipWorkDirValidate",
        ),
        (
            json!({"operatorClientCert": {"secretCertSource": {}}}),
            "CRD-13 spec.operatorClientCert.secretCertSource.secretName",
        ),
        (json!({"maxUnavailable": 1.5}), "CRD-14 spec.maxUnavailable"),
        (
            json!({"aerospikeConfig": []}),
            "CRD-15 spec.aerospikeConfig",
        ),
        (json!({"paused": "yes"}), "SCHEMA-01 spec.paused"),
    ]);
}

#[test]
fn constraints_of_access_control_have_their_codes() {
    let user = |member: &str, value: Value| {
        let mut user = json!({"name": "a", "roles": []});
        user[member] = value;
        json!({"aerospikeAccessControl": {"users": [user]}})
    };
    expect(&[
        (
            json!({"aerospikeAccessControl": {}}),
            "CRD-04 spec.aerospikeAccessControl.users",
        ),
        (
            user("authMode", json!("LDAP")),
            "CRD-04 spec.aerospikeAccessControl.users[0].authMode",
        ),
        (
            user("roles", json!(["a", "a"])),
            "CRD-04 spec.aerospikeAccessControl.users[0].roles[1]",
        ),
        (
            user("name", json!("a".repeat(64))),
            "CRD-04 spec.aerospikeAccessControl.users[0].name",
        ),
        (
            json!({"aerospikeAccessControl": {"users": [], "adminPolicy": {"timeout": -1}}}),
            "CRD-05 spec.aerospikeAccessControl.adminPolicy.timeout",
        ),
    ]);
}

#[test]
fn constraints_of_racks_and_storage_have_their_codes() {
    let rack = |rack: Value| json!({"rackConfig": {"racks": [rack]}});
    let volume = |volume: Value| json!({"storage": {"volumes": [volume]}});
    let claim = |size: &str| {
        let claim = json!({"volumeMode": "Block", "size": size});
        volume(json!({"name": "a", "source": {"persistentVolume": claim}}))
    };
    expect(&[
        (
            rack(json!({"id": -1})),
            "CRD-09 spec.rackConfig.racks[0].id",
        ),
        (rack(json!({})), "CRD-09 spec.rackConfig.racks[0].id"),
        (
            claim("ten"),
            "CRD-10 spec.storage.volumes[0].source.persistentVolume.size",
        ),
        (
            volume(json!({"name": "a", "initMethod": "x"})),
            "CRD-10 spec.storage.volumes[0].initMethod",
        ),
        (volume(json!(7)), "CRD-10 spec.storage.volumes[0]"),
        (
            rack(json!({"id": 1, "storage": {"cleanupThreads": -1}})),
            "CRD-10 spec.rackConfig.racks[0].storage.cleanupThreads",
        ),
    ]);
}

#[test]
fn constraints_of_containers_have_the_codes_of_constraints() {
    let sidecar = |sidecar: Value| json!({"podSpec": {"sidecars": [sidecar]}});
    expect(&[
        (
            sidecar(json!({"image": "a"})),
            "SCHEMA-02 spec.podSpec.sidecars[0].name",
        ),
        (
            sidecar(json!({"name": "a", "ports": [{"containerPort": 3_000_000_000_u32}]})),
            "SCHEMA-03 spec.podSpec.sidecars[0].ports[0].containerPort",
        ),
        (
            sidecar(json!({"name": "a", "resources": {"limits": {"cpu": "many"}}})),
            "SCHEMA-06 spec.podSpec.sidecars[0].resources.limits.cpu",
        ),
    ]);
}

#[test]
fn everything_is_found_at_once() {
    let spec = json!({"size": 0, "image": null, "paused": 1, "operations": [{"id": ""}, {"id": "1", "kind": "PodRestart"}]});
    assert_eq!(
        checked(&spec),
        [
            "CRD-01 spec.image",
            "CRD-07 spec.operations",
            "CRD-07 spec.operations[0].kind",
            "CRD-07 spec.operations[0].id",
            "SCHEMA-01 spec.paused",
            "CRD-02 spec.size",
        ]
    );
}

#[test]
fn an_item_with_the_keys_of_another_is_there_twice() {
    let ports = json!({"podSpec": {"sidecars": [{"name": "a", "ports": [
        {"containerPort": 80, "name": "a"}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]}]}});
    assert_eq!(
        checked(&ports),
        ["SCHEMA-07 spec.podSpec.sidecars[0].ports[2]"]
    );
    let volumes = json!({"storage": {"volumes": [{"name": "a"}, {"name": "a"}]}});
    assert_eq!(checked(&volumes), ["CRD-10 spec.storage.volumes[1]"]);
}

#[test]
fn messages_say_what_would_be_right() {
    let spec = json!({"size": 0, "paused": "no", "maxUnavailable": [], "aerospikeNetworkPolicy": {"fabric": "x"},
        "operations": [{"id": "1", "kind": "PodRestart"}, {"id": "2", "kind": "PodRestart"}]});
    let findings = check(&cluster(&json!({"spec": spec})));
    let messages: Vec<_> = findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            r#""x" is none of customInterface"#,
            "must be an integer or a string, not a list",
            "must have at most 1 items, not 2",
            "must be true or false, not a string",
            "0 is out of range: must be 1 to 256",
        ]
    );
}

#[test]
fn a_value_of_the_wrong_type_is_not_repeated() {
    let spec = json!({"podSpec": {"sidecars": [{"name": "a", "env": [{"name": "PASSWORD", "value": 12345}]}]}});
    let findings = check(&cluster(&json!({"spec": spec})));
    assert_eq!(
        findings[0].message,
        "must be a string, not a number without quotes"
    );
}

#[test]
fn unknown_members_are_dropped_and_told_with_the_nearest_known_one() {
    let mut object = cluster(&json!({
        "metadata": {"lables": {}},
        "spec": {"sizes": 3, "podSpec": {"sidecars": [{"name": "a", "imagePullPolicies": "x", "zzz": 1}]},
            "aerospikeConfig": {"whatever": {"x": 1}}},
    }));
    let warnings = complete(&mut object);
    let told: Vec<_> = warnings
        .iter()
        .map(|w| (w.path.to_string(), &w.message))
        .collect();
    let near = |name: &str| {
        format!(
            "unknown field, did you mean {name:?}?: the API server drops it, and kubectl refuses the object unless told \
             --validate=warn"
        )
    };
    let far = "unknown field: the API server drops it, and kubectl refuses the object unless told --validate=warn";
    assert_eq!(
        told,
        [
            ("metadata.lables".to_owned(), &near("labels")),
            ("spec.sizes".to_owned(), &near("size")),
            (
                "spec.podSpec.sidecars[0].imagePullPolicies".to_owned(),
                &near("imagePullPolicy")
            ),
            ("spec.podSpec.sidecars[0].zzz".to_owned(), &far.to_owned()),
        ]
    );
    assert_eq!(
        object["spec"]["aerospikeConfig"]["whatever"],
        json!({"x": 1})
    );
    assert_eq!(
        object["spec"]["podSpec"]["sidecars"],
        json!([{"name": "a"}])
    );
    assert!(object["spec"].get("sizes").is_none());
}

#[test]
fn defaults_take_the_place_of_what_is_absent_or_null() {
    let mut object = cluster(&json!({}));
    object["spec"]["storage"] =
        json!({"cleanupThreads": null, "volumes": [{"name": "a", "source": null}]});
    object["spec"]["podSpec"] =
        json!({"sidecars": [{"name": "a", "ports": [{"containerPort": 1}]}]});
    object["spec"]["rackConfig"] = json!({"racks": null, "namespaces": null});
    object["spec"]["aerospikeConfig"] = json!({"service": null});
    object["metadata"]["creationTimestamp"] = Value::Null;
    assert_eq!(complete(&mut object), []);
    let spec = &object["spec"];
    assert_eq!(
        spec["storage"],
        json!({"cleanupThreads": 1, "volumes": [{"name": "a"}]})
    );
    assert_eq!(
        spec["podSpec"]["sidecars"][0]["ports"][0]["protocol"],
        "TCP"
    );
    assert_eq!(spec["rackConfig"], json!({"racks": null}));
    assert_eq!(spec["aerospikeConfig"], json!({"service": null}));
    assert_eq!(
        spec["validationPolicy"],
        json!({"skipWorkDirValidate": false})
    );
    assert_eq!(object["metadata"], json!({"name": "db"}));
    assert_eq!(check(&object), []);
}

#[test]
fn null_in_a_list_is_no_item() {
    let mut object = cluster(&json!({"spec": {"rosterNodeBlockList": [null]}}));
    complete(&mut object);
    assert_eq!(
        brief(&check(&object)),
        ["SCHEMA-01 spec.rosterNodeBlockList[0]"]
    );
}

#[test]
fn completing_twice_changes_nothing() {
    let mut object = cluster(&json!({"spec": {"storage": {"volumes": [{"name": "a", "x": 1}]}}}));
    complete(&mut object);
    let once = object.clone();
    assert_eq!(complete(&mut object), []);
    assert_eq!(object, once);
}

#[test]
fn metadata_has_its_own_shape() {
    let object = cluster(&json!({"metadata": {"labels": {"a": 1}, "annotations": []}}));
    assert_eq!(
        brief(&check(&object)),
        [
            "SCHEMA-01 metadata.annotations",
            "SCHEMA-01 metadata.labels.a"
        ]
    );
}

#[test]
fn a_field_that_lost_its_indentation_is_told_where_it_belongs() {
    let mut object = cluster(&json!({}));
    object["storage"] = json!({});
    let warnings = complete(&mut object);
    assert!(
        warnings[0]
            .message
            .starts_with("unknown field, did you mean \"spec.storage\"?")
    );
}
