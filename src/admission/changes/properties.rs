//! Whatever the webhook lets through, the controller rolls out.

use json_patch::Patch;
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json, value::to_raw_value};

use crate::{
    admission::{
        Operation, Proposal, Verdict, check,
        cluster::testing::{before_roll_out, cluster, created, updated, while_running},
        defaults,
    },
    api::{AerospikeCluster, AerospikeClusterStatus},
    resolve::{Settings, effective},
};

/// One choice for each part of a spec.
type Choices = [u8; 13];

fn one_of(choice: u8, values: &[Value]) -> Value {
    values[usize::from(choice) % values.len()].clone()
}

fn spec(choices: &Choices) -> Value {
    let [
        size,
        image,
        factor,
        dynamic,
        other,
        racks,
        revision,
        zone,
        blocked,
        tls,
        operations,
        port,
        paused,
    ] = *choices;
    let images = ["7.1.0.0", "8.1.1.0", "8.1.2.0", "8.1.2.1"];
    let image = images[usize::from(image) % images.len()];
    let memory = json!({"type": "memory", "data-size": 1_073_741_824});
    let mut namespaces = vec![json!({"name": "test", "storage-engine": memory})];
    if let Value::Number(factor) = one_of(factor, &[json!(2), Value::Null, json!(1), json!(3)]) {
        namespaces[0]["replication-factor"] = factor.into();
    }
    if let Value::Number(factor) = one_of(other, &[Value::Null, json!(2), json!(3)]) {
        namespaces
            .push(json!({"name": "bar", "storage-engine": memory, "replication-factor": factor}));
    }
    let mut racks: Vec<_> = (1..=racks % 4).map(|id| json!({"id": id})).collect();
    if let Some(first) = racks.first_mut() {
        first["revision"] = one_of(revision, &[Value::Null, json!("v1"), json!("v2")]);
        first["zone"] = one_of(zone, &[Value::Null, json!("a")]);
    }
    let blocked = usize::from(blocked % 3);
    if let Some(rack) = blocked
        .checked_sub(1)
        .and_then(|index| racks.get_mut(index))
    {
        rack["forceBlockFromRoster"] = json!(true);
    }
    let port = 3000 + 100 * u16::from(port % 2);
    let service = one_of(
        tls,
        &[
            json!({"port": port}),
            json!({"port": port, "tls-port": 4333, "tls-name": "t"}),
            json!({"tls-port": 4333, "tls-name": "t"}),
        ],
    );
    json!({
        "size": 1 + size % 4,
        "image": format!("aerospike/aerospike-server-enterprise:{image}"),
        "enableDynamicConfigUpdate": one_of(dynamic, &[Value::Null, json!(true)]),
        "paused": one_of(paused, &[Value::Null, json!(true)]),
        "operations": one_of(operations, &[
            Value::Null,
            json!([{"id": "1", "kind": "PodRestart"}]),
            json!([{"id": "1", "kind": "WarmRestart"}]),
            json!([{"id": "2", "kind": "PodRestart", "podList": ["db-1-0"]}]),
        ]),
        "aerospikeConfig": {"namespaces": namespaces, "network": {"service": service,
            "tls": [{"name": "t", "ca-file": "/ca"}]}},
        "rackConfig": {"namespaces": ["test"], "racks": racks},
    })
}

fn built(choices: &Choices) -> AerospikeCluster {
    let mut spec = spec(choices);
    let service = spec["aerospikeConfig"]["network"]["service"].take();
    let mut cluster = cluster(&spec);
    cluster.spec.aerospike_config["network"]["service"] = service;
    cluster
}

/// As the mutating webhook leaves it.
fn with_additions(cluster: &AerospikeCluster) -> AerospikeCluster {
    let mut object = json!(cluster);
    let raw = to_raw_value(&object).unwrap();
    let additions = json!(defaults::additions(&raw));
    json_patch::patch(
        &mut object,
        &serde_json::from_value::<Patch>(additions).unwrap(),
    )
    .unwrap();
    serde_json::from_value(object).unwrap()
}

/// With everything effective in it.
fn as_ako_stores(cluster: &AerospikeCluster) -> AerospikeCluster {
    AerospikeCluster {
        spec: effective(cluster, &Settings::default()).spec,
        ..cluster.clone()
    }
}

fn choices() -> impl Strategy<Value = Choices> {
    prop::array::uniform13(0_u8..12)
}

/// Some choices made anew.
fn edits() -> impl Strategy<Value = Vec<(usize, u8)>> {
    vec((0_usize..13, 0_u8..12), 0..4)
}

fn edited(choices: &Choices, edits: &[(usize, u8)]) -> Choices {
    let mut choices = *choices;
    for (place, choice) in edits {
        choices[*place] = *choice;
    }
    choices
}

fn verdict(old: &AerospikeCluster, new: &AerospikeCluster) -> Verdict {
    check(&Proposal {
        operation: Operation::Update,
        new,
        old: Some(old),
        settings: &Settings::default(),
    })
}

/// What the rules about changes say, those about the object itself left out.
fn about_the_change(found: Vec<String>) -> Vec<String> {
    let of_changes = |found: &String| found.starts_with("UPD-") || found.starts_with("VER-");
    found.into_iter().filter(of_changes).collect()
}

/// `value` with a part taken away or spoilt, for each of `cuts`.
fn spoilt(mut value: Value, cuts: &[(Vec<u8>, Value)]) -> Value {
    for (way, put) in cuts {
        spoil(&mut value, way, put);
    }
    value
}

fn spoil(value: &mut Value, way: &[u8], put: &Value) {
    let Some((step, way)) = way.split_first() else {
        *value = put.clone();
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let index = usize::from(*step) % members.len();
            let key = members.keys().nth(index).cloned().unwrap_or_default();
            if way.is_empty() && put.is_null() {
                members.remove(&key);
            } else if let Some(member) = members.get_mut(&key) {
                spoil(member, way, put);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = usize::from(*step) % items.len();
            spoil(&mut items[index], way, put);
        }
        other => *other = put.clone(),
    }
}

fn cuts() -> impl Strategy<Value = Vec<(Vec<u8>, Value)>> {
    let put = prop_oneof![
        4 => Just(Value::Null),
        1 => Just(json!({})),
        1 => Just(json!([])),
        1 => Just(json!([null])),
        1 => Just(json!("x")),
        1 => Just(json!(-1.5)),
        1 => Just(json!([{"name": "test", "": {}}])),
    ];
    vec((vec(0_u8..40, 1..7), put), 0..5)
}

fn tree(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(tree) => tree,
        _ => Map::new(),
    }
}

proptest! {
    #[test]
    fn what_was_accepted_is_rolled_out(running in choices(), first in edits(), second in edits()) {
        let running = (built(&running), running);
        let middle = edited(&running.1, &first);
        let new = while_running(&running.0, &built(&edited(&middle, &second)));
        let middle = while_running(&running.0, &built(&middle));
        let old = while_running(&running.0, &running.0);
        if updated(&old, &middle).is_empty() {
            prop_assert_eq!(before_roll_out(&middle), [""; 0]);
            if updated(&middle, &new).is_empty() {
                prop_assert_eq!(before_roll_out(&new), [""; 0]);
            }
        }
    }

    #[test]
    fn what_was_accepted_before_the_first_roll_out_is_rolled_out(first in choices(), edits in edits()) {
        let old = built(&first);
        let mut new = built(&edited(&first, &edits));
        new.metadata.generation = Some(2);
        if created(&old).is_empty() && updated(&old, &new).is_empty() {
            prop_assert_eq!(before_roll_out(&old), [""; 0]);
            prop_assert_eq!(before_roll_out(&new), [""; 0]);
        }
    }

    #[test]
    fn what_runs_may_stay(running in choices()) {
        let cluster = built(&running);
        let settled = while_running(&cluster, &cluster);
        let resolved = AerospikeCluster {
            spec: effective(&cluster, &Settings::default()).spec,
            ..settled.clone()
        };
        prop_assert_eq!(updated(&settled, &settled), [""; 0]);
        prop_assert_eq!(updated(&settled, &resolved), [""; 0]);
        prop_assert_eq!(updated(&resolved, &settled), [""; 0]);
        prop_assert_eq!(about_the_change(before_roll_out(&settled)), [""; 0]);
    }

    #[test]
    fn an_object_may_take_every_form_of_itself(choices in choices()) {
        let plain = built(&choices);
        let forms = vec![plain.clone(), with_additions(&plain), as_ako_stores(&plain)];
        for old in &forms {
            for new in &forms {
                prop_assert_eq!(created(old).is_empty(), created(new).is_empty());
                prop_assert_eq!(verdict(old, new).findings, []);
                let new = while_running(old, new);
                prop_assert_eq!(verdict(old, &new).findings, []);
                prop_assert_eq!(before_roll_out(&new), [""; 0]);
            }
        }
    }

    #[test]
    fn an_edit_can_be_undone_while_it_is_rolled_out(running in choices(), edits in edits()) {
        let cluster = built(&running);
        let old = while_running(&cluster, &cluster);
        let new = while_running(&cluster, &built(&edited(&running, &edits)));
        if updated(&old, &new).is_empty() {
            let undone = about_the_change(updated(&new, &old));
            let hindered = undone.iter().filter(|found| !is_one_way(found));
            prop_assert_eq!(hindered.count(), 0, "{:?}", undone);
        }
    }

    #[test]
    fn rules_about_changes_never_turn_into_warnings(first in choices(), edits in edits()) {
        let (mut old, mut new) = (built(&first), built(&edited(&first, &edits)));
        let refused = about_the_change(updated(&old, &new));
        for cluster in [&mut old, &mut new] {
            cluster.spec.size = 0;
        }
        let verdict = verdict(&old, &new);
        let tolerated = verdict.warnings.iter().filter(|warning| warning.code.starts_with("UPD-"));
        prop_assert_eq!(tolerated.count(), 0);
        let still: Vec<_> = verdict.findings.iter().map(|one| format!("{} {}", one.code, one.path)).collect();
        for one in refused.iter().filter(|one| !one.starts_with("UPD-40")) {
            prop_assert!(still.contains(one), "{one} in {still:?}");
        }
    }

    #[test]
    fn a_status_in_pieces_is_judged_and_an_empty_one_says_nothing(running in choices(), cuts in cuts()) {
        let cluster = built(&running);
        let whole = while_running(&cluster, &cluster);
        let pieces = spoilt(serde_json::to_value(&whole.status).unwrap(), &cuts);
        let Ok(status) = serde_json::from_value::<AerospikeClusterStatus>(pieces) else {
            return Ok(());
        };
        let cluster = AerospikeCluster { status: Some(status), ..whole };
        let _ = before_roll_out(&cluster);
        let _ = updated(&cluster, &cluster);
        let nothing = AerospikeCluster { status: Some(AerospikeClusterStatus::default()), ..cluster };
        prop_assert_eq!(about_the_change(updated(&nothing, &nothing)), [""; 0]);
    }

    #[test]
    fn configurations_of_any_shape_are_judged(
        running in choices(), old in cuts(), new in cuts(), status in cuts(),
    ) {
        let shaped = |cuts: &[_]| {
            let mut cluster = built(&running);
            let config = Value::Object(cluster.spec.aerospike_config);
            cluster.spec.aerospike_config = tree(spoilt(config, cuts));
            cluster
        };
        let (old, new) = (shaped(&old), shaped(&new));
        let new = while_running(&shaped(&status), &new);
        let _ = verdict(&old, &new);
        let _ = before_roll_out(&new);
    }
}

/// What is one-way by its nature: an id of an operation is used once, and a replication factor goes back while servers run.
fn is_one_way(found: &str) -> bool {
    ["UPD-11", "UPD-13", "UPD-14", "UPD-15", "UPD-41"]
        .iter()
        .any(|code| found.starts_with(code))
}
