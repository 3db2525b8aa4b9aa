use serde_json::{Value, json};

use crate::{
    admission::{
        Operation, Proposal, Verdict, check,
        cluster::testing::{before_roll_out, cluster, created, updated, while_running},
    },
    api::AerospikeCluster,
    resolve::Settings,
};

fn revision(revision: &str) -> AerospikeCluster {
    cluster(&json!({"rackConfig": {"racks": [{"id": 1, "revision": revision}]}}))
}

fn verdict(old: &AerospikeCluster, new: &AerospikeCluster) -> Verdict {
    check(&Proposal {
        operation: Operation::Update,
        new,
        old: Some(old),
        settings: &Settings::default(),
    })
}

#[test]
fn what_would_stand_still_later_is_refused_at_once_and_says_so() {
    let zone = |racks: Value| cluster(&json!({"rackConfig": {"racks": racks}}));
    let running = zone(json!([{"id": 1, "zone": "a"}, {"id": 2}]));
    let without = while_running(&running, &zone(json!([{"id": 2}])));
    let elsewhere = while_running(&running, &zone(json!([{"id": 1, "zone": "b"}, {"id": 2}])));
    let place = "UPD-28 spec.rackConfig.racks[0].zone";
    assert_eq!(before_roll_out(&without), [""; 0]);
    assert_eq!(before_roll_out(&elsewhere), [place]);
    assert_eq!(updated(&without, &elsewhere), [place]);
    let told = verdict(&without, &elsewhere).findings;
    assert!(told[0].message.contains("not rolled out yet"), "{told:?}");
    let rolled_out = while_running(&zone(json!([{"id": 2}])), &elsewhere);
    assert_eq!(updated(&without, &rolled_out), [""; 0]);
}

#[test]
fn an_edit_before_the_first_roll_out_is_not_judged_as_a_new_object() {
    let long = revision(&"v".repeat(45));
    let meta = "META-02 spec.rackConfig.racks[0].revision";
    assert_eq!(created(&long), [meta]);
    assert_eq!(updated(&revision("v1"), &long), [""; 0]);
    let generation = |generation| {
        let mut cluster = long.clone();
        cluster.metadata.generation = Some(generation);
        before_roll_out(&cluster)
    };
    assert_eq!(generation(1), [meta]);
    assert_eq!(generation(2), [""; 0]);
}

/// A status whose effective configurations were too big to be kept.
#[test]
fn a_mirror_without_effective_configurations_is_known_again() {
    let own = json!({"service": {"bulk": "x".repeat(300 << 10)}});
    let big = cluster(&json!({"rackConfig": {"racks": [{"id": 1, "aerospikeConfig": own}]}}));
    let settled = while_running(&big, &big);
    let mirror = &settled.status.as_ref().unwrap().mirror;
    let racks = &mirror.rack_config.as_ref().unwrap().racks;
    assert_eq!(racks[0].effective_aerospike_config, None);
    let spec = crate::resolve::effective(&big, &Settings::default()).spec;
    assert!(mirror.stands_for(&spec));
}

#[test]
fn an_old_object_without_configuration_is_no_reason_to_fail() {
    let bare = |config: Value| {
        let mut old = cluster(&json!({}));
        old.spec.aerospike_config = config.as_object().unwrap().clone();
        old
    };
    let new = cluster(&json!({}));
    let old = [
        json!({}),
        json!({"": {}}),
        json!({"namespaces": [{"name": "test"}]}),
        json!({"network": {}, "namespaces": "test"}),
        json!({"network": [], "namespaces": {"test": 1}}),
        json!({"network": {"tls": 1, "service": 3000}, "namespaces": [1, null, {"name": 1}]}),
    ];
    for old in old.map(bare) {
        assert_eq!(updated(&old, &new), [""; 0]);
        assert_eq!(updated(&old, &while_running(&old, &new)), [""; 0]);
    }
}

#[test]
fn a_namespace_without_storage_engine_in_the_status_is_no_reason_to_fail() {
    let mut running = cluster(&json!({}));
    let namespaces = json!([{"name": "a"}, {"name": "b", "storage-engine": null}, {"name": "c",
        "storage-engine": "memory"}, {"name": "d", "storage-engine": {"devices": 1, "files": [null]}}]);
    running
        .spec
        .aerospike_config
        .insert("namespaces".to_owned(), namespaces);
    let new = while_running(&running, &cluster(&json!({})));
    assert_eq!(updated(&cluster(&json!({})), &new), [""; 0]);
    assert_eq!(before_roll_out(&new), [""; 0]);
}

#[test]
fn an_old_mistake_does_not_excuse_a_change() {
    let with = |zone: &str| {
        cluster(&json!({"rackConfig": {"namespaces": ["a b"], "racks": [{"id": 1, "zone": zone}]}}))
    };
    let verdict = verdict(&with("a"), &with("b"));
    let findings: Vec<_> = verdict
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    let warnings: Vec<_> = verdict
        .warnings
        .iter()
        .map(|warning| warning.code)
        .collect();
    assert_eq!((findings, warnings), (vec!["UPD-28"], vec!["RACK-02"]));
}

#[test]
fn an_edit_is_not_refused_for_what_stood_before_it() {
    let running = cluster(&json!({"podSpec": {"multiPodPerHost": true}}));
    let old = while_running(&running, &cluster(&json!({"paused": true})));
    let new = while_running(&running, &cluster(&json!({"paused": false})));
    let place = "UPD-06 spec.podSpec.multiPodPerHost";
    assert_eq!(before_roll_out(&new), [place]);
    assert_eq!(updated(&old, &new), [""; 0]);
}
