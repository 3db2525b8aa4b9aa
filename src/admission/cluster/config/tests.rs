use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, updated, warned},
    api::AerospikeCluster,
};

fn config(config: &Value) -> AerospikeCluster {
    cluster(&json!({ "aerospikeConfig": config }))
}

fn with_image(image: &str) -> AerospikeCluster {
    cluster(&json!({ "image": image }))
}

const ENTERPRISE: &str = "aerospike/aerospike-server-enterprise";

#[test]
fn a_parameter_out_of_range_is_told_once_with_its_range_and_akos_line() {
    let namespace = json!([{"name": "test", "replication-factor": 257,
        "storage-engine": {"type": "memory", "data-size": 1_073_741_824}}]);
    let above = cluster(&json!({"aerospikeConfig": {"namespaces": namespace},
        "rackConfig": {"racks": [{"id": 1}, {"id": 2}, {"id": 3, "aerospikeConfig": {"service": {"proto-fd-max": 20000}}}]}}));
    assert_eq!(
        text(&above),
        "spec.aerospikeConfig.namespaces[0].replication-factor: aerospikeConfig not valid: replication-factor takes a \
         whole number from 1 to 256, not 257 [{257 number_lte (root).namespaces.0.replication-factor Must be less than \
         or equal to 256 namespaces.0.replication-factor}] [SCH-04]"
    );
}

#[test]
fn a_rack_is_blamed_for_what_it_supplies() {
    let rack = json!({"service": {"proto-fd-max": "many"}, "namespaces": [{"name": "test", "default-ttl": -1}]});
    let given =
        cluster(&json!({"rackConfig": {"racks": [{"id": 1}, {"id": 2, "aerospikeConfig": rack}]}}));
    assert_eq!(
        created(&given),
        [
            "SCH-04 spec.rackConfig.racks[1].aerospikeConfig.namespaces[0].default-ttl",
            "SCH-04 spec.rackConfig.racks[1].aerospikeConfig.service.proto-fd-max",
        ]
    );
}

#[test]
fn a_wrong_port_is_told_where_it_stands_and_not_where_it_is_repeated() {
    let given = config(&json!({"network": {"service": {"port": 99999}}}));
    assert_eq!(
        created(&given),
        ["SCH-04 spec.aerospikeConfig.network.service.port"]
    );
}

#[test]
fn an_unknown_name_was_accepted_before_or_is_refused() {
    let bad = config(&json!({"service": {"proto-fd-maxx": 1}}));
    let worse = config(&json!({"service": {"proto-fd-maxx": 1, "x": 1}}));
    assert_eq!(
        updated(&bad, &worse),
        ["SCH-04 spec.aerospikeConfig.service.x"]
    );
    assert!(text(&bad).contains("did you mean proto-fd-max?"));
}

#[test]
fn the_release_of_the_image_decides() {
    let flush = json!([{"name": "test", "storage-engine": {"type": "memory", "data-size": 1_073_741_824, "flush-size": 4096}}]);
    let given = |tag: &str| {
        cluster(&json!({"image": format!("{ENTERPRISE}:{tag}"),
            "aerospikeConfig": {"service": {"cgroup-mem-tracking": null}, "namespaces": flush}}))
    };
    assert_eq!(created(&given("7.1.0.2")), [""; 0]);
    assert_eq!(
        created(&given("7.0.0.2")),
        ["SCH-04 spec.aerospikeConfig.namespaces[0].storage-engine.flush-size"]
    );
    assert!(
        text(&given("7.0.0.2")).contains("server 7.0.0 does not have it, it exists since 7.1.0")
    );
}

#[test]
fn an_unknown_release_is_judged_by_the_one_before_with_a_warning() {
    let newer = with_image(&format!("{ENTERPRISE}:8.2.0.1"));
    assert_eq!((created(&newer), warned(&newer)), (vec![], vec!["SCH-03"]));
    let mut wrong = config(&json!({"service": {"x": 1}}));
    wrong.spec.image = format!("{ENTERPRISE}:8.2.0.1");
    assert_eq!(created(&wrong), ["SCH-04 spec.aerospikeConfig.service.x"]);
}

#[test]
fn a_floating_version_is_no_release() {
    let floating = with_image(&format!("{ENTERPRISE}:8.1"));
    assert_eq!(created(&floating), ["SCH-03 spec.image"]);
    assert!(text(&floating).contains(
        "aerospikeConfig not valid: failed to validate config for the version 8.1: invalid version"
    ));
}

#[test]
fn items_of_one_name_are_told_each() {
    let test =
        json!({"name": "test", "storage-engine": {"type": "memory", "data-size": 1_073_741_824}});
    let dcs = json!([{"name": "dc1"}, {"name": "dc1", "namespaces": [{"name": "test"}]}]);
    let given = config(&json!({"namespaces": [test, test], "xdr": {"dcs": dcs}}));
    assert_eq!(
        created(&given),
        [
            "SCH-02 spec.aerospikeConfig.namespaces[1]",
            "SCH-02 spec.aerospikeConfig.xdr.dcs[1]",
        ]
    );
    let told = text(&given);
    assert!(told.contains("duplicate name \"test\" in namespaces list section"));
    assert!(told.contains("xdr: duplicate name \"dc1\" in dcs list section"));
}

#[test]
fn a_list_that_is_neither_right_nor_can_be_written_is_told_once() {
    let given = config(&json!({"network": {"fabric": {"addresses": ["a", 1]}}}));
    assert_eq!(
        created(&given),
        ["SCH-04 spec.aerospikeConfig.network.fabric.addresses[1]"]
    );
}

#[test]
fn what_stands_in_the_way_of_volumes_hides_no_duplicate() {
    let mut given = config(&json!({"xdr": {"dcs": [{"name": "a"}, {"name": "a"}]}}));
    given.spec.storage = serde_json::from_value(json!({"volumes": [{"name": "v"}]})).unwrap();
    let found = created(&given);
    assert!(found.contains(&"STO-04 spec.storage.volumes[0].source".to_owned()));
    assert!(found.contains(&"SCH-02 spec.aerospikeConfig.xdr.dcs[1]".to_owned()));
}

#[test]
fn ipv6_is_not_advertised() {
    let advertised = config(&json!({"service": {"advertise-ipv6": true}}));
    assert_eq!(
        created(&advertised),
        ["CFG-02 spec.aerospikeConfig.service.advertise-ipv6"]
    );
    assert!(text(&advertised).contains("advertise-ipv6 is not supported"));
    assert_eq!(
        created(&config(&json!({"service": {"advertise-ipv6": false}}))),
        [""; 0]
    );
}

#[test]
fn parameters_of_syslog_are_in_its_sink() {
    let sink = |name: &str| {
        config(
            &json!({"logging": [{"name": name, "facility": "local0", "path": "/dev/log", "tag": "asd"}]}),
        )
    };
    assert_eq!(created(&sink("syslog")), [""; 0]);
    let wrong = sink("anyFileName");
    assert_eq!(
        created(&wrong),
        [
            "LOG-02 spec.aerospikeConfig.logging[0].facility",
            "LOG-02 spec.aerospikeConfig.logging[0].path",
            "LOG-02 spec.aerospikeConfig.logging[0].tag",
        ]
    );
    let text = text(&wrong);
    assert!(text.contains("can use facility only with `syslog` in aerospikeConfig.logging"));
    assert!(text.contains("map[facility:local0 name:anyFileName path:/dev/log tag:asd]"));
}

#[test]
fn the_memory_of_the_pod_should_be_tracked() {
    let off = config(&json!({"service": {"cgroup-mem-tracking": false}}));
    assert_eq!((created(&off), warned(&off)), (vec![], vec!["W-04"]));
    let racks = json!({"racks": [{"id": 1}, {"id": 2}, {"id": 3, "aerospikeConfig": {"service": {"proto-fd-max": 20000}}}]});
    let absent = cluster(
        &json!({"rackConfig": racks, "aerospikeConfig": {"service": {"cgroup-mem-tracking": null}}}),
    );
    assert_eq!(warned(&absent), ["W-04"]);
    let mut older = absent.clone();
    older.spec.image = format!("{ENTERPRISE}:8.1.1.0");
    assert_eq!(warned(&older), [""; 0]);
}

#[test]
fn a_port_is_used_once_unless_sections_have_addresses_of_their_own() {
    let with = |fabric: Value| warned(&config(&json!({"network": {"fabric": fabric}})));
    assert_eq!(with(json!({"port": 3001})), [""; 0]);
    assert_eq!(with(json!({"port": 3000})), ["W-09"]);
    assert_eq!(with(json!({"port": 3001, "tls-port": 3002})), ["W-09"]);
    assert_eq!(
        with(json!({"port": 3000, "addresses": ["10.0.0.1"]})),
        [""; 0]
    );
}

#[test]
fn community_is_told_what_it_lacks_where_the_user_wrote_it() {
    let tls = json!({"network": {
        "service": {"tls-name": "n", "tls-port": 4333},
        "tls": [{"name": "n", "cert-file": "/c", "key-file": "/k"}]}});
    let mut given = config(&tls);
    given.spec.image = "aerospike/aerospike-server:8.1.2.0".to_owned();
    assert_eq!(
        created(&given),
        [
            "CE-02 spec.aerospikeConfig.network.service.tls-authenticate-client",
            "CE-02 spec.aerospikeConfig.network.service.tls-name",
            "CE-02 spec.aerospikeConfig.network.service.tls-port",
            "CE-02 spec.aerospikeConfig.network.tls",
            "FILE-04 spec.aerospikeConfig.network.tls[0].cert-file",
            "FILE-04 spec.aerospikeConfig.network.tls[0].key-file",
            "CERT-01 spec.operatorClientCert",
        ]
    );
}

#[test]
fn a_text_that_would_be_several_lines_is_refused_where_it_was_written() {
    let lines = |text: &str| {
        let own = json!({"service": {"pidfile": text}});
        cluster(&json!({"rackConfig": {"racks": [{"id": 1}, {"id": 2, "aerospikeConfig": own}]}}))
    };
    let place = "CFG-05 spec.rackConfig.racks[1].aerospikeConfig.service.pidfile";
    assert_eq!(created(&lines("/run/asd.pid\n")), [""; 0]);
    assert_eq!(created(&lines("/run/asd.pid\nuser root")), [place]);
    let common = json!({"aerospikeConfig": {"service": {"pidfile": "a\nb"}}, "rackConfig": {"racks": [{"id": 1}, {"id": 2}]}});
    assert_eq!(
        created(&cluster(&common)),
        ["CFG-05 spec.aerospikeConfig.service.pidfile"]
    );
    assert!(!text(&cluster(&common)).contains("a\\nb"));
}
