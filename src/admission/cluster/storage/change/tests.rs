use serde_json::{Value, json};

use crate::{
    admission::{
        Operation, Proposal, Verdict, check,
        cluster::{
            storage::tests::{one, volume, with, with_storage},
            testing::{cluster, updated},
        },
    },
    api::AerospikeCluster,
    resolve::Settings,
};

fn in_rack(revision: &str, volumes: &Value) -> AerospikeCluster {
    let racks = json!([{"id": 1, "revision": revision, "storage": {"volumes": volumes}}]);
    cluster(&json!({"rackConfig": {"racks": racks}}))
}

fn claim(changes: &Value) -> Value {
    volume("a", &json!({"source": {"persistentVolume": changes}}))
}

fn message(old: &AerospikeCluster, new: &AerospikeCluster) -> String {
    let verdict = verdict(old, new);
    verdict.findings.first().unwrap().to_string()
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
fn a_claim_stays_as_it_was_made() {
    let old = with(&json!([claim(&json!({}))]));
    let changes = [
        json!({"storageClass": "hdd"}),
        json!({"storageClass": null}),
        json!({"volumeMode": "Filesystem"}),
        json!({"accessModes": ["ReadWriteOnce"]}),
        json!({"selector": {"matchLabels": {"a": "b"}}}),
        json!({"metadata": {"labels": {"a": "b"}}}),
    ];
    for change in changes {
        let new = with(&json!([claim(&change)]));
        assert_eq!(
            updated(&old, &new),
            ["UPD-30 spec.storage.volumes[0].source"],
            "{change}"
        );
    }
    let new = with(&json!([claim(&json!({"storageClass": "hdd"}))]));
    let text = message(&old, &new);
    for part in [
        "rack storage config cannot be updated",
        "cannot change volumes old",
        "new revision",
        "new rack",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_claim_does_not_become_something_else() {
    let claimed = with(&json!([volume("a", &json!({}))]));
    let empty = one(&json!({"source": {"persistentVolume": null, "emptyDir": {}}}));
    assert_eq!(
        updated(&claimed, &empty),
        ["UPD-30 spec.storage.volumes[0].source"]
    );
    assert_eq!(
        updated(&empty, &claimed),
        ["UPD-30 spec.storage.volumes[0].source"]
    );
}

#[test]
fn claims_neither_come_nor_go() {
    let (a, b) = (volume("a", &json!({})), volume("b", &json!({})));
    let (one, two) = (with(&json!([a])), with(&json!([b, a])));
    assert_eq!(
        updated(&one, &two),
        ["UPD-31 spec.storage.volumes[0].source"]
    );
    assert_eq!(updated(&two, &one), ["UPD-32 spec.storage.volumes"]);
    let none = cluster(&json!({}));
    assert_eq!(
        updated(&none, &one),
        ["UPD-31 spec.storage.volumes[0].source"]
    );
    for text in [message(&one, &two), message(&two, &one)] {
        assert!(
            text.contains("rack storage config cannot be updated"),
            "{text}"
        );
    }
}

#[test]
fn a_claim_may_grow_and_shrinks_with_a_warning() {
    let sized = |size: &str| with(&json!([claim(&json!({"size": size}))]));
    let (small, large, same) = (sized("1Gi"), sized("2Gi"), sized("1024Mi"));
    for (old, new) in [(&small, &large), (&large, &small), (&small, &same)] {
        assert_eq!(updated(old, new), [""; 0]);
    }
    assert_eq!(verdict(&small, &large).warnings, []);
    assert_eq!(verdict(&small, &same).warnings, []);
    let warnings = verdict(&large, &small).warnings;
    let told: Vec<_> = warnings
        .iter()
        .map(|it| (it.code, it.path.to_string()))
        .collect();
    let path = "spec.storage.volumes[0].source.persistentVolume.size".to_owned();
    assert_eq!(told, [("UPD-30", path)]);
    let in_racks = |mut cluster: AerospikeCluster| {
        let racks = json!({"racks": [{"id": 1}, {"id": 2}]});
        cluster.spec.rack_config = serde_json::from_value(racks).unwrap();
        cluster
    };
    let shared = verdict(&in_racks(large), &in_racks(small));
    assert_eq!((shared.is_accepted(), shared.warnings.len()), (true, 1));
}

#[test]
fn all_that_is_no_claim_may_change() {
    let secret = json!({"name": "s", "source": {"secret": {"secretName": "s"}}, "aerospike": {"path": "/s"}});
    let old = with(&json!([volume("a", &json!({})), secret]));
    let moved = json!({"aerospike": {"path": "/dev/x"}, "initMethod": "dd", "cascadeDelete": true});
    let new = with_storage(&json!({"cleanupThreads": 1, "localStorageClasses": ["ssd"],
        "blockVolumePolicy": {"wipeMethod": "blkdiscard"},
        "volumes": [{"name": "e", "source": {"emptyDir": {}}, "aerospike": {"path": "/e"}}, volume("a", &moved)]}));
    assert_eq!(updated(&old, &new), [""; 0]);
    assert_eq!(updated(&new, &old), [""; 0]);
}

#[test]
fn storage_may_move_between_cluster_and_rack() {
    let volumes = json!([volume("a", &json!({}))]);
    let common =
        cluster(&json!({"storage": {"volumes": volumes}, "rackConfig": {"racks": [{"id": 1}]}}));
    let own = in_rack("", &volumes);
    assert_eq!(updated(&common, &own), [""; 0]);
    assert_eq!(updated(&own, &common), [""; 0]);
    let other = in_rack("", &json!([claim(&json!({"storageClass": "hdd"}))]));
    assert_eq!(
        updated(&common, &other),
        ["UPD-30 spec.rackConfig.racks[0].storage.volumes[0].source"]
    );
}

#[test]
fn a_new_revision_or_rack_has_claims_of_its_own() {
    let old = in_rack("v1", &json!([volume("a", &json!({}))]));
    let volumes = json!([
        claim(&json!({"storageClass": "hdd"})),
        volume("b", &json!({}))
    ]);
    assert_eq!(updated(&old, &in_rack("v2", &volumes)), [""; 0]);
    let mut added = old.clone();
    let racks = &mut added.spec.rack_config.as_mut().unwrap().racks;
    let mut other = in_rack("v1", &volumes)
        .spec
        .rack_config
        .unwrap()
        .racks
        .remove(0);
    other.id = 2;
    racks.push(other);
    assert_eq!(updated(&old, &added), [""; 0]);
}

#[test]
fn an_earlier_revision_comes_back_with_its_claims() {
    let first = json!([volume("a", &json!({}))]);
    let second = json!([claim(&json!({"storageClass": "hdd"}))]);
    let racks = json!([{"id": 1, "revision": "v2", "effectiveStorage": {"volumes": first}}]);
    let mut old = in_rack("v1", &second);
    old.status = Some(serde_json::from_value(json!({"rackConfig": {"racks": racks}})).unwrap());
    assert_eq!(updated(&old, &in_rack("v2", &first)), [""; 0]);
    assert_eq!(updated(&old, &in_rack("v3", &second)), [""; 0]);
    let wrong = in_rack("v2", &second);
    assert_eq!(
        updated(&old, &wrong),
        ["UPD-33 spec.rackConfig.racks[0].revision"]
    );
    let text = message(&old, &wrong);
    assert!(text.contains("old rack with same revision v2 already exists with different storage"));
}
