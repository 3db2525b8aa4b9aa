use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, warned},
    api::AerospikeCluster,
};

pub(super) fn with_storage(storage: &Value) -> AerospikeCluster {
    cluster(&json!({"storage": storage}))
}

pub(super) fn with(volumes: &Value) -> AerospikeCluster {
    with_storage(&json!({"volumes": volumes}))
}

/// A volume that no rule objects to, with `changes` merged over it.
pub(super) fn volume(name: &str, changes: &Value) -> Value {
    let mut volume = json!({"name": name, "source": {"persistentVolume":
        {"storageClass": "ssd", "volumeMode": "Block", "size": "1Gi"}}, "aerospike": {"path": format!("/dev/{name}")}});
    json_patch::merge(&mut volume, changes);
    volume
}

pub(super) fn one(changes: &Value) -> AerospikeCluster {
    with(&json!([volume("a", changes)]))
}

const CONTAINERS: &str = r#"[{"name": "one", "image": "i"}, {"name": "two", "image": "i"}]"#;

/// Attachments of two volumes to the containers `one` and `two`, in either list.
fn attached(list: &str, first: &Value, second: &Value) -> AerospikeCluster {
    let containers: Value = serde_json::from_str(CONTAINERS).unwrap();
    cluster(
        &json!({"podSpec": {list: containers}, "storage": {"volumes": [
        volume("a", &json!({list: first})), volume("b", &json!({list: second}))]}}),
    )
}

#[test]
fn deleting_local_volumes_needs_their_classes() {
    let flags =
        json!({"deleteLocalStorageOnRestart": true, "deleteLocalStorageOnPodRecovery": true});
    let mut storage = flags.clone();
    storage["localStorageClasses"] = json!(["local"]);
    assert_eq!(created(&with_storage(&storage)), [""; 0]);
    let bare = with_storage(&flags);
    assert_eq!(
        created(&bare),
        [
            "STO-02 spec.storage.deleteLocalStorageOnPodRecovery",
            "STO-01 spec.storage.deleteLocalStorageOnRestart",
        ]
    );
    assert!(
        text(&bare).contains(
            "localStorageClasses cannot be empty if deleteLocalStorageOnPodRecovery is set"
        )
    );
}

#[test]
fn a_volume_has_the_name_of_a_label() {
    assert_eq!(created(&with(&json!([volume("a-1", &json!({}))]))), [""; 0]);
    let long = "a".repeat(64);
    for bad in [
        "",
        "A",
        "a.b",
        "-a",
        "confdir",
        "aerospike-init-token",
        &long,
    ] {
        let codes = created(&with(&json!([volume(bad, &json!({}))])));
        assert_eq!(codes, ["STO-03 spec.storage.volumes[0].name"], "{bad}");
    }
}

#[test]
fn a_volume_has_a_source_that_says_what_it_is() {
    let of = |source: Value| {
        let volume = json!({"name": "a", "source": source, "aerospike": {"path": "/a"}});
        created(&with(&json!([volume])))
    };
    assert_eq!(of(json!({})), ["STO-04 spec.storage.volumes[0].source"]);
    let two = json!({"emptyDir": {}, "secret": {"secretName": "s"}});
    assert_eq!(of(two), ["STO-05 spec.storage.volumes[0].source"]);
    assert_eq!(of(json!({"configMap": {"name": "m"}})), [""; 0]);
    for (kind, member) in [("secret", "secretName"), ("configMap", "name")] {
        let expected = format!("CRD-10 spec.storage.volumes[0].source.{kind}.{member}");
        assert_eq!(of(json!({kind: {}})), [expected]);
    }
}

#[test]
fn a_host_path_has_a_path() {
    let read_only = json!({"path": "/a", "mountOptions": {"readOnly": true}});
    let of = |host: Value| {
        with(&json!([{"name": "a", "source": {"hostPath": host}, "aerospike": read_only}]))
    };
    assert_eq!(created(&of(json!({"path": "/x"}))), [""; 0]);
    let bare = of(json!({}));
    assert_eq!(
        created(&bare),
        ["CRD-10 spec.storage.volumes[0].source.hostPath.path"]
    );
    assert!(text(&bare).contains("Required value"));
}

#[test]
fn a_claim_has_a_size() {
    let sized = |size: &str| one(&json!({"source": {"persistentVolume": {"size": size}}}));
    let path = "spec.storage.volumes[0].source.persistentVolume.size";
    assert_eq!(created(&sized("1.5Gi")), [""; 0]);
    for bad in ["", "0", "-1Gi", "big", "1 Gi"] {
        assert_eq!(created(&sized(bad)), [format!("CRD-10 {path}")], "{bad}");
    }
    assert!(text(&sized("")).contains("Required value"));
}

#[test]
fn a_claim_may_leave_its_class_open() {
    let open = one(&json!({"source": {"persistentVolume": {"storageClass": null}}}));
    assert_eq!(created(&open), [""; 0]);
}

#[test]
fn methods_fit_the_kind_of_volume() {
    let cases = [
        ("Block", "initMethod", "deleteFiles", "STO-06", "block"),
        ("Block", "wipeMethod", "deleteFiles", "STO-07", "block"),
        ("Filesystem", "initMethod", "dd", "STO-08", "filesystem"),
        (
            "Filesystem",
            "wipeMethod",
            "blkdiscard",
            "STO-09",
            "filesystem",
        ),
    ];
    for (mode, member, method, code, kind) in cases {
        let claim = json!({"persistentVolume": {"volumeMode": mode}});
        let own = one(&json!({"source": claim, member: method}));
        assert_eq!(
            created(&own),
            [format!("{code} spec.storage.volumes[0].{member}")]
        );
        let policy = format!("{kind}VolumePolicy");
        let volume = volume("a", &json!({"source": claim}));
        let common = with_storage(&json!({policy.clone(): {member: method}, "volumes": [volume]}));
        assert_eq!(
            created(&common),
            [format!("{code} spec.storage.{policy}.{member}")]
        );
    }
}

#[test]
fn every_method_that_fits_is_accepted() {
    for init in [
        "none",
        "dd",
        "headerCleanup",
        "blkdiscard",
        "blkdiscardWithHeaderCleanup",
    ] {
        let block = one(&json!({"initMethod": init, "wipeMethod": "blkdiscard"}));
        assert_eq!(created(&block), [""; 0], "{init}");
    }
    let files = json!({"initMethod": "deleteFiles", "wipeMethod": "deleteFiles",
        "source": {"persistentVolume": {"volumeMode": "Filesystem"}}});
    assert_eq!(created(&one(&files)), [""; 0]);
    let no_claim =
        json!({"initMethod": "dd", "source": {"persistentVolume": null, "emptyDir": {}}});
    assert_eq!(created(&one(&no_claim)), [""; 0]);
}

#[test]
fn a_volume_is_attached() {
    let loose = one(&json!({"aerospike": null}));
    assert_eq!(created(&loose), ["STO-10 spec.storage.volumes[0]"]);
}

#[test]
fn paths_in_the_server_are_absolute_free_and_unique() {
    let at = |path: &str| created(&one(&json!({"aerospike": {"path": path}})));
    let place = "spec.storage.volumes[0].aerospike.path";
    assert_eq!(at("/etc/aerospike/secret"), [""; 0]);
    for relative in ["", "dev/a"] {
        assert_eq!(at(relative), [format!("STO-11 {place}")]);
    }
    for reserved in ["/etc/aerospike", "/configs"] {
        assert_eq!(at(reserved), [format!("STO-12 {place}")]);
    }
    let same = json!({"aerospike": {"path": "/x"}});
    let twice = with(&json!([volume("a", &same), volume("b", &same)]));
    assert_eq!(
        created(&twice),
        ["STO-13 spec.storage.volumes[1].aerospike.path"]
    );
}

#[test]
fn two_racks_may_use_the_same_path() {
    let storage = json!({"volumes": [volume("a", &json!({}))]});
    let racks = json!([{"id": 1, "storage": storage}, {"id": 2, "storage": storage}, {"id": 3}]);
    let cluster = cluster(&json!({"storage": storage, "rackConfig": {"racks": racks}}));
    assert_eq!(created(&cluster), [""; 0]);
}

#[test]
fn what_is_wrong_is_told_where_the_rack_has_it_from() {
    let bad = json!({"volumes": [volume("a", &json!({"aerospike": null}))]});
    let racks = json!([{"id": 1, "storage": bad}, {"id": 2}, {"id": 3}]);
    let spec = json!({"storage": bad, "rackConfig": {"racks": racks}});
    assert_eq!(
        created(&cluster(&spec)),
        [
            "STO-10 spec.rackConfig.racks[0].storage.volumes[0]",
            "STO-10 spec.storage.volumes[0]",
        ]
    );
    let mut unused = spec;
    unused["rackConfig"]["racks"] = json!([{"id": 1, "storage": {"volumes": []}}]);
    assert_eq!(created(&cluster(&unused)), [""; 0]);
}

#[test]
fn containers_see_a_volume_once_at_a_path_of_their_own() {
    for list in ["sidecars", "initContainers"] {
        let codes = |first: &Value, second: &Value| -> Vec<String> {
            let place = format!("spec.storage.volumes[0].{list}");
            let codes = created(&attached(list, first, second));
            codes.iter().map(|code| code.replace(&place, "@")).collect()
        };
        let none = json!([]);
        let at = |container: &str, path: &str| json!({"containerName": container, "path": path});
        assert_eq!(
            codes(
                &json!([at("one", "/x"), at("two", "/x")]),
                &json!([at("one", "/y")])
            ),
            [""; 0]
        );
        assert_eq!(
            codes(&json!([at("aerospike-init", "/x")]), &none),
            ["STO-14 @[0].containerName"]
        );
        assert_eq!(
            codes(&json!([at("aerospike-server", "/x")]), &none),
            ["STO-15 @[0].containerName"]
        );
        assert_eq!(codes(&json!([at("one", "x")]), &none), ["STO-16 @[0].path"]);
        assert_eq!(
            codes(&json!([at("one", "/x"), at("one", "/y")]), &none),
            ["STO-17 @[1].containerName"]
        );
        assert_eq!(
            codes(&json!([at("three", "/x")]), &none),
            ["STO-18 @[0].containerName"]
        );
        let second = format!("STO-19 spec.storage.volumes[1].{list}[0].path");
        assert_eq!(
            codes(&json!([at("one", "/x")]), &json!([at("one", "/x")])),
            [second]
        );
    }
}

#[test]
fn a_sidecar_is_no_init_container() {
    let containers: Value = serde_json::from_str(CONTAINERS).unwrap();
    let attachment = json!([{"containerName": "one", "path": "/x"}]);
    let cluster = cluster(&json!({"podSpec": {"sidecars": containers},
        "storage": {"volumes": [volume("a", &json!({"initContainers": attachment}))]}}));
    assert_eq!(
        created(&cluster),
        ["STO-18 spec.storage.volumes[0].initContainers[0].containerName"]
    );
}

#[test]
fn a_host_path_is_mounted_read_only() {
    let host = |options: &Value| {
        json!({"source": {"persistentVolume": null, "hostPath": {"path": "/x"}},
            "aerospike": {"mountOptions": options},
            "sidecars": [{"containerName": "one", "path": "/x", "mountOptions": options}]})
    };
    let with_options = |options: Value| {
        let containers: Value = serde_json::from_str(CONTAINERS).unwrap();
        cluster(
            &json!({"podSpec": {"sidecars": containers}, "storage": {"volumes": [volume("a", &host(&options))]}}),
        )
    };
    let read_only = with_options(json!({"readOnly": true}));
    assert_eq!((created(&read_only), warned(&read_only)), (vec![], vec![]));
    for writable in [json!({}), json!({"readOnly": false})] {
        assert_eq!(
            created(&with_options(writable)),
            [
                "STO-21 spec.storage.volumes[0].aerospike.mountOptions.readOnly",
                "STO-20 spec.storage.volumes[0].sidecars[0].mountOptions.readOnly",
            ]
        );
    }
}

#[test]
fn ignored_mount_options_are_told_once() {
    let ignored = one(&json!({"aerospike": {"mountOptions": {"readOnly": false}}}));
    assert_eq!(
        (created(&ignored), warned(&ignored)),
        (vec![], vec!["W-01"])
    );
    let mut two_racks = ignored;
    two_racks.spec.rack_config =
        serde_json::from_value(json!({"racks": [{"id": 1}, {"id": 2}]})).unwrap();
    assert_eq!(warned(&two_racks), ["W-01"]);
    assert_eq!(
        warned(&one(&json!({"aerospike": {"mountOptions": {}}}))),
        [""; 0]
    );
}

#[test]
fn a_volume_with_a_name_without_end_is_no_burden() {
    let name = "x".repeat(200_000);
    let attachments: Vec<_> = (0..2000)
        .map(|_| json!({"containerName": "c", "path": "p"}))
        .collect();
    let cluster = with(&json!([volume(&name, &json!({"sidecars": attachments}))]));
    assert!(text(&cluster).len() < 5_000_000);
}
