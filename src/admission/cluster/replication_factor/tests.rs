use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{
        before_roll_out, cluster, text_of_update, updated, while_running,
    },
    api::AerospikeCluster,
};

const PLACE: &str = "spec.aerospikeConfig.namespaces[0].replication-factor";

fn with(factors: &[(&str, Value)], extra: &Value) -> AerospikeCluster {
    let namespace = |(name, factor): &(&str, Value)| {
        let mut namespace =
            json!({"name": name, "storage-engine": {"type": "memory", "data-size": 1_073_741_824}});
        if !factor.is_null() {
            namespace["replication-factor"] = factor.clone();
        }
        namespace
    };
    let namespaces: Vec<_> = factors.iter().map(namespace).collect();
    let mut spec = json!({"enableDynamicConfigUpdate": true, "maxUnavailable": 0,
        "aerospikeConfig": {"namespaces": namespaces}});
    json_patch::merge(&mut spec, extra);
    cluster(&spec)
}

fn factor(factor: &Value, extra: &Value) -> AerospikeCluster {
    with(&[("test", factor.clone())], extra)
}

#[test]
fn a_replication_factor_changes_while_servers_run() {
    let factors = [Value::Null, json!(1), json!(2), json!(3), json!(5)];
    for old in &factors {
        for new in &factors {
            let old = factor(old, &json!({}));
            let new = while_running(&old, &factor(new, &json!({"paused": true})));
            assert_eq!(updated(&old, &new), [""; 0]);
            assert_eq!(before_roll_out(&new), [""; 0]);
        }
    }
}

#[test]
fn a_replication_factor_needs_dynamic_configuration() {
    let off = json!({"enableDynamicConfigUpdate": null});
    let (old, new) = (factor(&json!(2), &json!({})), factor(&json!(3), &off));
    assert_eq!(
        updated(&old, &new),
        ["UPD-41 spec.enableDynamicConfigUpdate"]
    );
    let text = text_of_update(&old, &new);
    assert!(
        text.contains("enableDynamicConfigUpdate to be set to true"),
        "{text}"
    );
    let same = [
        (Value::Null, json!(2)),
        (json!(2), json!(2.0)),
        (json!("x"), Value::Null),
    ];
    for (before, after) in same {
        let found = updated(&factor(&before, &off), &factor(&after, &off));
        assert!(
            !found.iter().any(|found| found.starts_with("UPD-")),
            "{found:?}"
        );
    }
}

#[test]
fn one_replication_factor_changes_at_a_time() {
    let pair = |a: u8, b: u8| with(&[("a", json!(a)), ("b", json!(b))], &json!({}));
    assert_eq!(updated(&pair(2, 2), &pair(3, 2)), [""; 0]);
    let found = updated(&pair(2, 2), &pair(3, 3));
    let second = "spec.aerospikeConfig.namespaces[1].replication-factor";
    assert_eq!(
        found,
        [format!("UPD-38 {PLACE}"), format!("UPD-38 {second}")]
    );
    let text = text_of_update(&pair(2, 2), &pair(3, 3));
    assert!(
        text.contains("cannot update replication-factor for multiple namespaces at the same time"),
        "{text}"
    );
}

#[test]
fn a_replication_factor_changes_alone() {
    let old = factor(&json!(2), &json!({}));
    let new = factor(&json!(3), &json!({"size": 3}));
    assert_eq!(updated(&old, &new), [format!("UPD-40 {PLACE}")]);
    let text = text_of_update(&old, &new);
    for part in [
        "cannot update replication-factor for namespace",
        "alongside any other spec change or in-progress namespace rollout",
        "spec.size differs too",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let added = with(&[("test", json!(3)), ("b", json!(2))], &json!({}));
    assert_eq!(updated(&old, &added), [format!("UPD-40 {PLACE}")]);
}

#[test]
fn nothing_else_changes_until_it_is_rolled_out_and_it_can_be_undone() {
    let running = factor(&json!(2), &json!({}));
    let on_the_way = while_running(&running, &factor(&json!(3), &json!({})));
    assert_eq!(before_roll_out(&on_the_way), [""; 0]);
    let bigger = while_running(&running, &factor(&json!(3), &json!({"size": 3})));
    assert_eq!(updated(&on_the_way, &bigger), [format!("UPD-40 {PLACE}")]);
    let off = while_running(
        &running,
        &factor(&json!(3), &json!({"enableDynamicConfigUpdate": false})),
    );
    assert_eq!(
        updated(&on_the_way, &off),
        ["UPD-41 spec.enableDynamicConfigUpdate"]
    );
    let undone = while_running(&running, &running);
    assert_eq!(updated(&on_the_way, &undone), [""; 0]);
}

#[test]
fn a_new_namespace_is_rolled_out_before_its_replication_factor_changes() {
    let running = with(&[("a", json!(2))], &json!({}));
    let pair = |factor: u8| with(&[("a", json!(2)), ("b", json!(factor))], &json!({}));
    let adding = while_running(&running, &pair(2));
    let new = while_running(&running, &pair(3));
    let place = "UPD-39 spec.aerospikeConfig.namespaces[1].replication-factor";
    assert_eq!(updated(&adding, &new), [place]);
    assert!(
        text_of_update(&adding, &new).contains("namespace addition rollout is still in progress")
    );
    let added = while_running(&pair(2), &pair(3));
    assert_eq!(updated(&pair(2), &added), [""; 0]);
}

#[test]
fn the_place_is_the_rack_that_supplies_the_value() {
    let own = |factor: u8| {
        let config = json!({"namespaces": [{"name": "test", "replication-factor": factor}]});
        factor_in_rack(&config)
    };
    let found = updated(&own(2), &own(3));
    let place = "spec.rackConfig.racks[0].aerospikeConfig.namespaces[0].replication-factor";
    assert_eq!(found, [""; 0]);
    let mut bigger = own(3);
    bigger.spec.size = 3;
    assert_eq!(updated(&own(2), &bigger), [format!("UPD-40 {place}")]);
}

fn factor_in_rack(config: &Value) -> AerospikeCluster {
    let racks = json!({"rackConfig": {"racks": [{"id": 1, "aerospikeConfig": config}]}});
    factor(&Value::Null, &racks)
}
