use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, warned},
    api::AerospikeCluster,
};

const PLACE: &str = "spec.aerospikeConfig.namespaces[0]";

fn volumes() -> Value {
    let volume = |name: &str, mode: &str, path: &str| {
        json!({"name": name, "aerospike": {"path": path},
            "source": {"persistentVolume": {"volumeMode": mode, "size": "1Gi"}}})
    };
    json!({"volumes": [volume("a", "Block", "/dev/a"), volume("b", "Block", "/dev/b"),
        volume("files", "Filesystem", "/data"),
        {"name": "lost", "source": {"emptyDir": {}}, "aerospike": {"path": "/lost"}}]})
}

fn with(namespaces: &Value) -> AerospikeCluster {
    cluster(&json!({"storage": volumes(), "aerospikeConfig": {"namespaces": namespaces}}))
}

/// A cluster with one namespace that no rule objects to, with `changes` merged over it.
fn one(changes: &Value) -> AerospikeCluster {
    with(&json!([namespace("test", changes)]))
}

fn namespace(name: &str, changes: &Value) -> Value {
    let mut namespace = json!({"name": name, "replication-factor": 2,
        "storage-engine": {"type": "device", "devices": ["/dev/a"]}});
    json_patch::merge(&mut namespace, changes);
    namespace
}

fn stored_on(engine: &Value) -> AerospikeCluster {
    one(&json!({"storage-engine": engine}))
}

fn devices(devices: &Value) -> AerospikeCluster {
    stored_on(&json!({"devices": devices}))
}

fn files(files: &Value) -> AerospikeCluster {
    stored_on(&json!({"devices": null, "files": files, "filesize": 1_073_741_824}))
}

/// As [`one`], with `value` at `pointer`, be it null.
fn set(pointer: &str, value: Value) -> AerospikeCluster {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let mut namespace = namespace("test", &json!({}));
    namespace.pointer_mut(parent).unwrap()[key] = value;
    with(&json!([namespace]))
}

fn at(code: &str, place: &str) -> [String; 1] {
    [format!("{code} {PLACE}{place}")]
}

#[test]
fn the_namespace_of_these_tests_is_accepted() {
    assert_eq!(created(&one(&json!({}))), [""; 0]);
}

#[test]
fn a_list_of_namespaces_is_told_of_where_it_is_completed() {
    for (list, code) in [(json!([]), "DEF-10d"), (json!("a"), "DEF-10c")] {
        assert_eq!(
            created(&with(&list)),
            [format!("{code} spec.aerospikeConfig.namespaces")]
        );
    }
    assert_eq!(created(&with(&json!(["a"]))), [format!("DEF-10d {PLACE}")]);
}

#[test]
fn copies_have_nodes() {
    let size = one(&json!({})).spec.size;
    let copies = |count: i32| warned(&one(&json!({"replication-factor": count})));
    assert_eq!(copies(size), [""; 0]);
    assert_eq!(copies(size + 1), ["W-10"]);
    let mut alone = one(&json!({}));
    alone.spec.size = 1;
    assert_eq!(warned(&alone), [""; 0]);
}

#[test]
fn a_namespace_has_a_name() {
    let longest = "n".repeat(31);
    assert_eq!(
        created(&with(&json!([namespace(&longest, &json!({}))]))),
        [""; 0]
    );
    for wrong in [json!(""), json!(5), json!(null), json!(longest + "n")] {
        assert_eq!(created(&set("/name", wrong)), at("NS-06", ".name"));
    }
    let nameless = with(&json!([namespace("test", &json!({})), {}]));
    assert_eq!(
        created(&nameless),
        ["NS-06 spec.aerospikeConfig.namespaces[1].name"]
    );
    assert!(text(&nameless).contains("name not found"));
}

#[test]
fn a_replication_factor_is_a_number() {
    let absent = one(&json!({"replication-factor": null}));
    assert_eq!(created(&absent), [""; 0]);
    for wrong in [json!("two"), json!(null), json!([2])] {
        assert_eq!(
            created(&set("/replication-factor", wrong)),
            at("NS-07", ".replication-factor")
        );
    }
}

#[test]
fn a_strongly_consistent_namespace_fits_in_the_cluster() {
    let factor = |factor: Value, strong: bool| {
        one(&json!({"replication-factor": factor, "strong-consistency": strong}))
    };
    assert_eq!(created(&factor(json!(2), true)), [""; 0]);
    assert_eq!(created(&factor(json!(3), false)), [""; 0]);
    assert_eq!(
        created(&factor(json!(3), true)),
        at("NS-08", ".replication-factor")
    );
    let mut single = factor(json!(3), true);
    single.spec.size = 1;
    assert!(text(&single).contains(
        "strong-consistency namespace replication-factor 3 cannot be more than cluster size 1"
    ));
    let mut absent = factor(json!(null), true);
    absent.spec.size = 1;
    assert_eq!(created(&absent), at("NS-08", ".replication-factor"));
}

#[test]
fn transactions_need_strong_consistency() {
    let settings = json!({"mrt-duration": 10, "disable-mrt-writes": true});
    let weak = created(&one(&settings));
    assert_eq!(
        weak,
        [
            at("NS-09", ".disable-mrt-writes"),
            at("NS-09", ".mrt-duration")
        ]
        .concat()
    );
    let mut strong = settings;
    strong["strong-consistency"] = json!(true);
    assert_eq!(created(&one(&strong)), [""; 0]);
}

#[test]
fn a_namespace_has_a_storage_engine() {
    assert_eq!(
        created(&one(&json!({"storage-engine": null}))),
        at("NS-10", ".storage-engine")
    );
    let engineless = json!({"name": "test", "replication-factor": 2, "storage-engine": null, "strong-consistency": true});
    let engineless = with(&json!([engineless]));
    assert_eq!(created(&engineless), at("NS-11", ".storage-engine"));
    let text = text(&engineless);
    assert!(text.contains("storage-engine cannot be nil for namespace map[name:test replication-factor:2 storage-engine:<nil>"));
    assert!(text.contains("strong-consistency:true]"));
}

#[test]
fn a_storage_engine_is_of_a_known_type() {
    for engine in [
        json!({"type": "memory", "devices": null, "data-size": 1_073_741_824}),
        json!({"type": "device"}),
        json!({"type": "pmem", "devices": null, "files": ["/data/a"], "filesize": 1_073_741_824}),
    ] {
        assert_eq!(created(&stored_on(&engine)), [""; 0], "{engine}");
    }
    for wrong in [json!("disk"), json!(null), json!(1)] {
        assert_eq!(
            created(&set("/storage-engine/type", wrong)),
            at("NS-12", ".storage-engine.type")
        );
    }
    assert_eq!(
        created(&set("/storage-engine", json!({}))),
        at("NS-12", ".storage-engine.type")
    );
    for wrong in [json!("memory"), json!([])] {
        assert_eq!(
            created(&set("/storage-engine", wrong)),
            at("NS-12", ".storage-engine")
        );
    }
}

#[test]
fn devices_are_a_list_of_paths() {
    let place = ".storage-engine.devices";
    assert_eq!(created(&devices(&json!([]))), at("NS-13", place));
    assert_eq!(
        created(&set("/storage-engine/devices", json!(null))),
        at("SCH-04", place)
    );
    let single = devices(&json!("/dev/a"));
    assert_eq!(created(&single), at("NS-14", place));
    assert!(text(&single).contains("namespace storage devices must be a list, got string"));
    for wrong in [json!(1), json!(""), json!({"name": "a"})] {
        let expected = at("NS-15", &format!("{place}[1]"));
        let codes = created(&devices(&json!(["/dev/a", wrong])));
        assert!(codes.contains(&expected[0]), "{codes:?}");
    }
}

#[test]
fn a_namespace_has_at_most_128_devices_and_as_many_files() {
    let many = |count: usize| -> Vec<_> { (0..count).map(|it| format!("/data/{it}")).collect() };
    assert_eq!(created(&files(&json!(many(128)))), [""; 0]);
    assert_eq!(
        created(&files(&json!(many(129)))),
        at("NS-18", ".storage-engine.files")
    );
    let codes = created(&devices(&json!(many(129))));
    assert!(
        codes.contains(&at("NS-14", ".storage-engine.devices")[0]),
        "{codes:?}"
    );
}

#[test]
fn a_device_has_one_shadow() {
    assert_eq!(created(&devices(&json!([" /dev/a\t/dev/b "]))), [""; 0]);
    let three = devices(&json!(["/dev/xvdf1 /dev/xvdf2 /dev/xvdf3"]));
    assert_eq!(created(&three), at("NS-16", ".storage-engine.devices[0]"));
    let text = text(&three);
    assert!(text.contains("invalid device name /dev/xvdf1 /dev/xvdf2 /dev/xvdf3."));
    assert!(text.contains("Max 2 device can be mentioned in single line (Shadow device config)"));
}

#[test]
fn files_are_a_list_of_paths() {
    let place = ".storage-engine.files";
    assert_eq!(
        created(&files(&json!(["/data/a", "/data/b /data/deep/c"]))),
        [""; 0]
    );
    assert_eq!(created(&files(&json!([]))), at("NS-17", place));
    assert_eq!(
        created(&set("/storage-engine/files", json!(null))),
        at("SCH-04", place)
    );
    let single = files(&json!("/data/a"));
    assert_eq!(created(&single), at("NS-18", place));
    assert!(text(&single).contains("namespace storage files must be a list, got string"));
    let codes = created(&files(&json!(["/data/a", 1])));
    assert!(
        codes.contains(&at("NS-19", &format!("{place}[1]"))[0]),
        "{codes:?}"
    );
    let three = files(&json!(["/data/a /data/b /data/c"]));
    assert_eq!(created(&three), at("NS-20", &format!("{place}[0]")));
    assert!(text(&three).contains("Max 2 file can be mentioned in single line"));
}

#[test]
fn a_device_holds_one_namespace() {
    let pair = |first: &str, second: &str| {
        let on = |name: &str, device: &str| {
            namespace(name, &json!({"storage-engine": {"devices": [device]}}))
        };
        with(&json!([on("test", first), on("ns1", second)]))
    };
    assert_eq!(created(&pair("/dev/a", "/dev/b")), [""; 0]);
    let place = "NS-21 spec.aerospikeConfig.namespaces[1].storage-engine.devices[0]";
    let shared = pair("/dev/a", "/dev/a");
    assert_eq!(created(&shared), [place]);
    assert!(
        text(&shared).contains(
            "device /dev/a is already being referenced in multiple namespaces (test, ns1)"
        )
    );
    assert_eq!(created(&pair("/dev/a", "/dev/b /dev/a")), [place]);
    let twice = devices(&json!(["/dev/a", "/dev/a"]));
    assert_eq!(created(&twice), at("NS-21", ".storage-engine.devices[1]"));
}

#[test]
fn a_file_holds_one_namespace() {
    let twice = files(&json!(["/data/a", "/data/b", "/data/a"]));
    assert_eq!(created(&twice), at("NS-22", ".storage-engine.files[2]"));
    assert!(
        text(&twice).contains(
            "file /data/a is already being referenced in multiple namespaces (test, test)"
        )
    );
}

#[test]
fn devices_are_claimed_as_such() {
    for path in ["/dev/x", "/data", "/lost", "/dev/a/", "/dev/a /dev/x"] {
        let cluster = devices(&json!([path]));
        assert_eq!(
            created(&cluster),
            at("NS-24", ".storage-engine.devices[0]"),
            "{path}"
        );
    }
    assert!(text(&devices(&json!(["/dev/x"]))).contains(
        "namespace storage device related devicePath /dev/x not found in Storage config"
    ));
}

#[test]
fn files_are_on_claimed_file_systems() {
    for path in [
        "/dev/a",
        "/lost/f",
        "/f",
        "f",
        "/data",
        "/database/f",
        "/data/../f",
    ] {
        let cluster = files(&json!([path]));
        assert_eq!(
            created(&cluster),
            at("NS-25", ".storage-engine.files[0]"),
            "{path}"
        );
    }
    assert!(text(&files(&json!(["/f"]))).contains("not found in Storage config"));
}

#[test]
fn an_index_outside_of_memory_is_on_claimed_file_systems() {
    let index = |index: Value| {
        let mut namespace = namespace("test", &json!({}));
        namespace["index-type"] = index;
        created(&with(&json!([namespace])))
    };
    let mounts = |mounts: Value| {
        index(json!({"type": "flash", "mounts-budget": 4_294_967_296_u64, "mounts": mounts}))
    };
    assert_eq!(mounts(json!(["/data"])), [""; 0]);
    assert_eq!(index(json!({"type": "shmem"})), [""; 0]);
    for wrong in [json!(null), json!("/data"), json!([])] {
        assert_eq!(mounts(wrong), at("NS-23", ".index-type.mounts"));
    }
    for wrong in ["/data/", "/data/deep", "/dev/a", "/lost"] {
        assert_eq!(
            mounts(json!([wrong])),
            at("NS-26", ".index-type.mounts[0]"),
            "{wrong}"
        );
    }
}

#[test]
fn strong_consistency_is_not_in_memory() {
    let in_memory = one(&json!({"strong-consistency": true, "storage-engine": {"type": "memory"}}));
    assert_eq!(created(&in_memory), at("NS-27", ".storage-engine.type"));
}

#[test]
fn strong_consistency_is_the_same_in_all_racks() {
    let racks = |strong: bool| {
        let own = json!({"namespaces": [{"name": "test", "strong-consistency": strong}]});
        let mut cluster = one(&json!({"strong-consistency": true}));
        let racks = json!({"racks": [{"id": 1}, {"id": 2, "aerospikeConfig": own}]});
        cluster.spec.rack_config = serde_json::from_value(racks).unwrap();
        created(&cluster)
    };
    assert_eq!(racks(true), [""; 0]);
    assert_eq!(racks(false), ["NS-28 spec.rackConfig.racks[1]"]);
}

#[test]
fn what_a_rack_brings_is_told_in_the_rack() {
    let own = json!({"namespaces": [{"name": "other", "storage-engine": {"type": "device", "devices": ["/dev/a"]}},
        {"name": "test", "storage-engine": {"devices": ["/dev/b", "/dev/x"]}}]});
    let mut cluster = one(&json!({}));
    let racks = json!({"racks": [{"id": 1, "aerospikeConfig": own}, {"id": 2, "storage": {"volumes": []}}]});
    cluster.spec.rack_config = serde_json::from_value(racks).unwrap();
    assert_eq!(
        created(&cluster),
        [
            "NS-24 spec.aerospikeConfig.namespaces[0].storage-engine.devices[0]",
            "NS-24 spec.rackConfig.racks[0].aerospikeConfig.namespaces[1].storage-engine.devices[1]",
        ]
    );
}

#[test]
fn a_name_without_end_is_no_burden() {
    let devices = vec!["x"; 100_000];
    let namespace = namespace(
        &"n".repeat(500_000),
        &json!({"storage-engine": {"devices": devices}}),
    );
    let expected = [
        at("CFG-05", ".name")[0].clone(),
        at("NS-06", ".name")[0].clone(),
        "SIZE-03 spec.rackConfig.racks[0]".to_owned(),
    ];
    assert_eq!(created(&with(&json!([namespace]))), expected);
}
