use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, updated, warned},
    api::{AerospikeCluster, status::Mirror},
    resolve::{Settings, effective},
};

/// Two racks with namespace `test` in both, and `spec` merged over it.
fn racks(spec: &Value) -> AerospikeCluster {
    let mut all = json!({"rackConfig": {"namespaces": ["test"], "racks": [{"id": 1}, {"id": 2}]}});
    json_patch::merge(&mut all, spec);
    cluster(&all)
}

fn namespaces(factors: &[(&str, Value)]) -> Value {
    let engine = json!({"type": "memory", "data-size": 1_073_741_824});
    let all = factors.iter().map(|(name, factor)| {
        let mut namespace = json!({"name": name, "storage-engine": engine});
        json_patch::merge(&mut namespace, &json!({"replication-factor": factor}));
        namespace
    });
    json!({"namespaces": all.collect::<Vec<_>>()})
}

#[test]
fn portions_are_counts_or_percentages() {
    let members = [
        "rollingUpdateBatchSize",
        "scaleDownBatchSize",
        "maxIgnorablePods",
    ];
    let cases = [
        (json!("x"), "IOS-01"),
        (json!("1.5%"), "IOS-01"),
        (json!(-1), "IOS-02"),
        (json!("-1%"), "IOS-02"),
        (json!("101%"), "IOS-03"),
    ];
    for member in members {
        for good in [
            json!(0),
            json!(1),
            json!(2_000_000_000),
            json!("0%"),
            json!("100%"),
        ] {
            let cluster = racks(&json!({"rackConfig": {member: good}}));
            assert_eq!(created(&cluster), [""; 0], "{member} {good}");
        }
        for (bad, code) in &cases {
            let cluster = racks(&json!({"rackConfig": {member: bad}}));
            assert_eq!(
                created(&cluster),
                [format!("{code} spec.rackConfig.{member}")]
            );
        }
    }
    for (bad, code) in &cases {
        let cluster = cluster(&json!({"maxUnavailable": bad}));
        assert_eq!(created(&cluster), [format!("{code} spec.maxUnavailable")]);
    }
    let unused = cluster(&json!({"maxUnavailable": "x", "disablePDB": true}));
    assert_eq!(created(&unused), [""; 0]);
}

#[test]
fn a_bad_portion_is_explained() {
    let told = |value: Value| {
        text(&racks(
            &json!({"rackConfig": {"rollingUpdateBatchSize": value}}),
        ))
    };
    let cases = [
        (
            json!("x"),
            "invalid value for IntOrString: invalid type: string is not a percentage",
        ),
        (
            json!(-1),
            "can not use negative spec.rackConfig.rollingUpdateBatchSize: -1",
        ),
        (json!("101%"), "must not be greater than 100 percent"),
    ];
    for (value, frag) in cases {
        let text = told(value);
        assert!(text.contains(frag), "{text}");
    }
}

#[test]
fn batches_need_a_second_rack_with_a_copy() {
    for member in ["rollingUpdateBatchSize", "scaleDownBatchSize"] {
        let with = |spec: Value| {
            let mut all = json!({"rackConfig": {member: 2}});
            json_patch::merge(&mut all, &spec);
            racks(&all)
        };
        let place = format!("spec.rackConfig.{member}");
        assert_eq!(created(&with(json!({}))), [""; 0]);

        let single = with(json!({"rackConfig": {"racks": [{"id": 1}]}}));
        assert_eq!(created(&single), [format!("BATCH-01 {place}")]);

        let unlisted = with(json!({"rackConfig": {"namespaces": ["other"]}}));
        assert_eq!(created(&unlisted), ["BATCH-02 spec.rackConfig.namespaces"]);

        let own = json!({"aerospikeConfig": namespaces(&[("bar", json!(2))])});
        let mut racks = json!([{"id": 1}, {"id": 2}]);
        json_patch::merge(&mut racks[1], &own);
        let alone = with(json!({"rackConfig": {"namespaces": ["test", "bar"], "racks": racks}}));
        assert_eq!(created(&alone), [format!("BATCH-03 {place}")]);
        let told = text(&alone);
        for frag in [place.as_str(), "`bar`", "only one rack"] {
            assert!(told.contains(frag), "{told}");
        }

        let single_copy = with(json!({"aerospikeConfig": namespaces(&[("test", json!(1))])}));
        assert_eq!(created(&single_copy), [format!("BATCH-04 {place}")]);
        let told = text(&single_copy);
        for frag in [place.as_str(), "`test`", "replication-factor 1"] {
            assert!(told.contains(frag), "{told}");
        }
    }
}

#[test]
fn nodes_of_a_roster_leave_one_by_one() {
    let strong = |member: &str| {
        let mut config = namespaces(&[("test", json!(2))]);
        config["namespaces"][0]["strong-consistency"] = json!(true);
        config["namespaces"][0]["storage-engine"] =
            json!({"type": "device", "devices": ["/dev/a"]});
        let volumes = json!([{"name": "a", "aerospike": {"path": "/dev/a"}, "source": {"persistentVolume":
            {"storageClass": "ssd", "volumeMode": "Block", "size": "1Gi"}}}]);
        let mut cluster = racks(&json!({"aerospikeConfig": config, "rackConfig": {member: 2}}));
        let storage = cluster.spec.storage.get_or_insert_default();
        storage
            .volumes
            .extend(serde_json::from_value::<Vec<_>>(volumes).unwrap());
        created(&cluster)
    };
    assert_eq!(strong("rollingUpdateBatchSize"), [""; 0]);
    assert_eq!(
        strong("scaleDownBatchSize"),
        ["BATCH-05 spec.rackConfig.scaleDownBatchSize"]
    );
}

/// `cluster` once `running` is rolled out.
fn over(mut cluster: AerospikeCluster, running: &AerospikeCluster) -> AerospikeCluster {
    let spec = effective(running, &Settings::default()).spec;
    cluster.status.get_or_insert_default().mirror = Mirror::of(&spec);
    cluster
}

#[test]
fn batches_wait_for_the_racks_that_they_need() {
    let one = racks(&json!({"rackConfig": {"racks": [{"id": 1}]}}));
    let two = racks(&json!({}));
    let wanted = racks(&json!({"rackConfig": {"rollingUpdateBatchSize": 2}}));
    let place = "BATCH-01 spec.rackConfig.rollingUpdateBatchSize";
    assert_eq!(
        updated(&over(one.clone(), &one), &over(wanted.clone(), &one)),
        [place]
    );
    assert!(text(&over(wanted.clone(), &one)).contains("status invalid for"));
    assert_eq!(
        updated(&over(two.clone(), &two), &over(wanted.clone(), &two)),
        [""; 0]
    );
    let mut unknown = over(wanted.clone(), &two);
    let mirror = &mut unknown.status.as_mut().unwrap().mirror;
    for rack in &mut mirror.rack_config.as_mut().unwrap().racks {
        rack.effective_aerospike_config = None;
    }
    assert_eq!(updated(&over(two, &wanted), &unknown), [""; 0]);
}

#[test]
fn disruptions_leave_a_copy_of_every_record() {
    let with = |size: u32, budget: Value, factors: &[(&str, Value)]| {
        let spec =
            json!({"size": size, "maxUnavailable": budget, "aerospikeConfig": namespaces(factors)});
        created(&cluster(&spec))
    };
    let refused = ["PDB-01 spec.maxUnavailable"];
    let unset = Value::Null;
    assert_eq!(with(3, json!(1), &[("a", json!(2))]), [""; 0]);
    assert_eq!(with(3, json!(2), &[("a", json!(2))]), refused);
    assert_eq!(with(3, json!(2), &[("a", unset)]), refused);
    assert_eq!(
        with(3, json!(2), &[("a", json!(3)), ("b", json!(1))]),
        [""; 0]
    );
    assert_eq!(with(3, json!(3), &[("a", json!(1))]), refused);
    assert_eq!(with(1, json!(9), &[("a", json!(1))]), [""; 0]);
    assert_eq!(with(3, json!("100%"), &[("a", json!(2))]), [""; 0]);
    let told = text(&cluster(&json!({"maxUnavailable": 2})));
    for frag in [
        "maxUnavailable 2 is invalid",
        "value must be less than the minimum replication factor",
        "1 is the most",
    ] {
        assert!(told.contains(frag), "{told}");
    }
}

#[test]
fn a_budget_that_is_off_is_told() {
    let off = cluster(&json!({"disablePDB": true, "maxUnavailable": 9}));
    assert_eq!((created(&off), warned(&off)), (vec![], vec!["W-02"]));
}
