use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, updated, warned},
    api::AerospikeCluster,
};

fn racks(racks: &Value) -> AerospikeCluster {
    cluster(&json!({"rackConfig": {"racks": racks}}))
}

#[test]
fn an_override_of_rack_ids_needs_a_single_rack() {
    let two = cluster(&json!({"enableRackIDOverride": true,
        "rackConfig": {"namespaces": ["test"], "racks": [{"id": 1}, {"id": 2}]}}));
    assert_eq!(created(&two), ["RACK-01 spec.enableRackIDOverride"]);
    let one = cluster(&json!({"enableRackIDOverride": true}));
    assert_eq!((created(&one), warned(&one)), (vec![], vec!["W-03"]));
}

#[test]
fn a_namespace_has_no_space() {
    let spaced = cluster(&json!({"rackConfig": {"namespaces": ["test ns"], "racks": [{"id": 1}]}}));
    assert_eq!(created(&spaced), ["RACK-02 spec.rackConfig.namespaces[0]"]);
    assert!(
        text(&spaced).contains("namespace name `test ns` cannot have spaces, Namespaces [test ns]")
    );
}

#[test]
fn rack_ids_are_unique() {
    let twice = racks(&json!([{"id": 1}, {"id": 2}, {"id": 2}]));
    assert_eq!(created(&twice), ["RACK-03 spec.rackConfig.racks[2].id"]);
    assert!(text(&twice).contains("duplicate rackID 2 not allowed"));
}

#[test]
fn a_revision_is_a_label() {
    for good in ["", "v1", "1", "a-b"] {
        let cluster = racks(&json!([{"id": 1, "revision": good}]));
        assert_eq!(created(&cluster), [""; 0], "{good}");
    }
    let cases = [
        (
            "V1",
            "must consist of lower case alphanumeric characters or '-'",
        ),
        ("-v", "must start and end with an alphanumeric character"),
        ("v1.2", "must not contain dots"),
    ];
    for (bad, why) in cases {
        let cluster = racks(&json!([{"id": 1, "revision": bad}]));
        assert_eq!(
            created(&cluster),
            ["RACK-04 spec.rackConfig.racks[0].revision"]
        );
        let expected = format!("rack revision {bad:?} for rack ID 1 is invalid: ");
        let text = text(&cluster);
        assert!(text.contains(&expected) && text.contains(why), "{text}");
    }
}

#[test]
fn network_and_security_stand_outside_racks() {
    let own = racks(
        &json!([{"id": 1, "aerospikeConfig": {"network": {}, "security": {}, "service": {}}}]),
    );
    assert_eq!(
        created(&own),
        [
            "RACK-05 spec.rackConfig.racks[0].aerospikeConfig.network",
            "RACK-05 spec.rackConfig.racks[0].aerospikeConfig.security",
        ]
    );
}

#[test]
fn blocked_racks_leave_a_roster() {
    let blocked = |others: &[i64], extra: &Value| {
        let mut racks = vec![json!({"id": 1, "forceBlockFromRoster": true})];
        racks.extend(others.iter().map(|id| json!({"id": id})));
        let mut spec = json!({"rackConfig": {"racks": racks}});
        json_patch::merge(&mut spec, extra);
        created(&cluster(&spec))
    };
    assert_eq!(blocked(&[2], &json!({})), [""; 0]);
    assert_eq!(blocked(&[], &json!({})), ["RACK-08 spec.rackConfig.racks"]);
    let both = json!({"rosterNodeBlockList": ["A1"], "rackConfig": {"maxIgnorablePods": 1}});
    assert_eq!(
        blocked(&[2], &both),
        [
            "RACK-06 spec.rackConfig.maxIgnorablePods",
            "RACK-07 spec.rosterNodeBlockList",
        ]
    );
    let batch = json!({"rackConfig": {"namespaces": ["test"], "rollingUpdateBatchSize": 2}});
    assert_eq!(
        blocked(&[2], &batch),
        ["RACK-09 spec.rackConfig.rollingUpdateBatchSize"]
    );
    assert_eq!(blocked(&[2, 3], &batch), [""; 0]);
}

#[test]
fn placement_is_decided_once() {
    let old = racks(&json!([{"id": 1, "zone": "a"}, {"id": 2}]));
    let moved =
        racks(&json!([{"id": 2, "nodeName": "n"}, {"id": 1, "zone": "b", "revision": "v2"}]));
    assert_eq!(
        updated(&old, &moved),
        [
            "UPD-28 spec.rackConfig.racks[0].nodeName",
            "UPD-28 spec.rackConfig.racks[1].zone",
        ]
    );
    let added = racks(&json!([{"id": 1, "zone": "a"}, {"id": 3, "zone": "c"}]));
    assert_eq!(updated(&old, &added), [""; 0]);
}

#[test]
fn migrate_fill_delay_is_the_same_number_on_all_racks() {
    let delay = |value: Value| json!({"service": {"migrate-fill-delay": value}});
    let pair = |global: Value, own: Value| {
        let racks = json!([{"id": 1}, {"id": 2, "aerospikeConfig": delay(own)}]);
        created(&cluster(
            &json!({"aerospikeConfig": delay(global), "rackConfig": {"racks": racks}}),
        ))
    };
    assert_eq!(pair(json!(10), json!(10.0)), [""; 0]);
    assert_eq!(
        pair(json!(10), json!(20)),
        ["RACK-10 spec.rackConfig.racks[1].aerospikeConfig.service.migrate-fill-delay"]
    );
    assert_eq!(
        pair(json!("ten"), json!(20)),
        ["SCH-04 spec.aerospikeConfig.service.migrate-fill-delay"]
    );
}

#[test]
fn a_replication_factor_is_the_same_in_every_rack() {
    let own = |factor: i64| {
        let config = json!({"namespaces": [{"name": "test", "replication-factor": factor}]});
        racks(&json!([{"id": 1}, {"id": 2, "aerospikeConfig": config}]))
    };
    assert_eq!(created(&own(2)), [""; 0]);
    assert_eq!(
        created(&own(1)),
        ["RACK-11 spec.rackConfig.racks[1].aerospikeConfig.namespaces[0].replication-factor"]
    );
    let text = text(&own(1));
    assert!(
        text.contains("different replication-factor values across racks")
            && text.contains("replication-factor must be the same in every rack")
    );
}
