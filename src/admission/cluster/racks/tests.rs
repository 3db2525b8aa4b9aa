use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{
        before_roll_out, cluster, created, text, updated, warned, while_running,
    },
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
fn a_namespace_that_is_spread_is_one_of_the_configuration() {
    let spread = |names: Value| {
        cluster(&json!({"rackConfig": {"namespaces": names, "racks": [{"id": 1}, {"id": 2}]}}))
    };
    assert_eq!(warned(&spread(json!(["test"]))), [""; 0]);
    assert_eq!(warned(&spread(json!(["tset", "test"]))), ["W-08"]);
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

#[test]
fn a_rack_leaves_the_roster_once_the_cluster_was_rolled_out() {
    let blocked = |flag: Value| {
        racks(&json!([{"id": 1, "forceBlockFromRoster": flag}, {"id": 2}, {"id": 3}]))
    };
    let (old, new) = (blocked(Value::Null), blocked(json!(true)));
    let place = "UPD-34 spec.rackConfig.racks[0].forceBlockFromRoster";
    assert_eq!(updated(&old, &new), [place]);
    assert_eq!(updated(&old, &blocked(json!(false))), [""; 0]);
    assert_eq!(updated(&old, &while_running(&old, &new)), [""; 0]);
}

#[test]
fn racks_leave_the_roster_one_by_one() {
    let blocked = |ids: &[i64], extra: Value| {
        let rack = |id: i64| json!({"id": id, "forceBlockFromRoster": ids.contains(&id)});
        let racks = [1, 2, 3, 4].map(rack);
        let mut spec = json!({"rackConfig": {"racks": racks}});
        json_patch::merge(&mut spec, &extra);
        cluster(&spec)
    };
    let none = blocked(&[], json!({}));
    let first = while_running(&none, &blocked(&[1], json!({})));
    let place = "UPD-35 spec.rackConfig.racks[1].forceBlockFromRoster";
    assert_eq!(updated(&none, &first), [""; 0]);
    assert_eq!(before_roll_out(&first), [""; 0]);
    let second = blocked(&[1, 2], json!({}));
    assert!(updated(&first, &while_running(&none, &second)).contains(&place.to_owned()));
    assert_eq!(updated(&first, &while_running(&first, &second)), [""; 0]);
    let back = while_running(&first, &none);
    assert_eq!(updated(&first, &back), [""; 0]);
}

/// It leaves no roster; what is wrong with the object itself is told by another rule.
#[test]
fn a_rack_that_runs_blocked_may_be_blocked_again() {
    let blocked = |flag: bool| racks(&json!([{"id": 1, "forceBlockFromRoster": flag}]));
    let running = blocked(true);
    let [on_the_way, undone] = [false, true].map(|flag| while_running(&running, &blocked(flag)));
    assert_eq!(updated(&running, &on_the_way), [""; 0]);
    assert_eq!(
        updated(&on_the_way, &undone),
        ["RACK-08 spec.rackConfig.racks"]
    );
}

/// New racks do not count before they run.
#[test]
fn the_racks_that_run_are_enough_for_a_roster() {
    let one = racks(&json!([{"id": 1}]));
    let blocked = json!([{"id": 1, "forceBlockFromRoster": true}, {"id": 2}]);
    let new = while_running(&one, &racks(&blocked));
    assert_eq!(
        updated(&one, &new),
        ["UPD-35 spec.rackConfig.racks[0].forceBlockFromRoster"]
    );
    let batch = json!({"rollingUpdateBatchSize": 2, "namespaces": ["test"], "racks": [{"id": 1,
        "forceBlockFromRoster": true}, {"id": 2}, {"id": 3}]});
    let two = racks(&json!([{"id": 1}, {"id": 2}]));
    let new = while_running(&two, &cluster(&json!({"rackConfig": batch})));
    let found = updated(&two, &new);
    assert!(
        found.contains(&"UPD-35 spec.rackConfig.racks[0].forceBlockFromRoster".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_rack_moves_from_one_revision_to_one_other() {
    let revision = |revision: Value| racks(&json!([{"id": 1, "revision": revision}]));
    let [first, second, third] = ["v1", "v2", "v3"].map(|name| revision(json!(name)));
    let moving = while_running(&first, &second);
    assert_eq!(updated(&first, &moving), [""; 0]);
    assert_eq!(before_roll_out(&moving), [""; 0]);
    let place = "UPD-36 spec.rackConfig.racks[0].revision";
    assert_eq!(updated(&moving, &while_running(&first, &third)), [place]);
    assert_eq!(updated(&moving, &while_running(&first, &first)), [""; 0]);
    assert_eq!(updated(&second, &while_running(&second, &third)), [""; 0]);
    let bare = [Value::Null, json!("")].map(revision);
    assert_eq!(updated(&bare[0], &while_running(&bare[1], &first)), [""; 0]);
}
