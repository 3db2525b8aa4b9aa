use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{
        before_roll_out, cluster, text_of_update, updated, while_running,
    },
    api::AerospikeCluster,
};

/// What the rules of this part say, with the paths below `spec.aerospikeConfig`.
fn changed(old: &Value, new: &Value) -> Vec<String> {
    let config = |config: &Value| cluster(&json!({"aerospikeConfig": config}));
    of_this_part(updated(&config(old), &config(new)))
}

fn of_this_part(found: Vec<String>) -> Vec<String> {
    let own = found.into_iter().filter(|found| found.starts_with("UPD-2"));
    own.map(|found| found.replace("spec.aerospikeConfig.", ""))
        .collect()
}

fn service(service: &Value, tls: &Value) -> Value {
    json!({"network": {"service": service, "tls": tls}})
}

#[test]
fn an_authority_that_servers_use_stays() {
    let tls = |entry: Value| {
        let mut entry = entry;
        entry["name"] = json!("t");
        service(
            &json!({"tls-port": 4333, "tls-name": "t"}),
            &json!([{"name": "other"}, entry]),
        )
    };
    let [file, other, path, none] = [
        json!({"ca-file": "/a"}),
        json!({"ca-file": "/b"}),
        json!({"ca-path": "/c"}),
        json!({}),
    ]
    .map(tls);
    assert_eq!(changed(&file, &none), ["UPD-21 network.tls[1]"]);
    assert_eq!(changed(&path, &none), ["UPD-21 network.tls[1]"]);
    assert_eq!(changed(&file, &other), ["UPD-22 network.tls[1].ca-file"]);
    for (old, new) in [
        (&file, &path),
        (&path, &file),
        (&none, &file),
        (&file, &file),
    ] {
        assert_eq!(changed(old, new), [""; 0]);
    }
    let unused = |entry: Value| service(&json!({}), &json!([entry]));
    let dropped = changed(
        &unused(json!({"name": "t", "ca-file": "/a"})),
        &unused(json!({"name": "t"})),
    );
    assert_eq!(dropped, [""; 0]);
}

#[test]
fn a_tls_name_stays() {
    let named = |name: &str| {
        service(
            &json!({"tls-port": 4333, "tls-name": name}),
            &json!([{"name": "a"}, {"name": "b"}]),
        )
    };
    assert_eq!(
        changed(&named("a"), &named("b")),
        ["UPD-23 network.service.tls-name"]
    );
    assert_eq!(changed(&named("a"), &named("a")), [""; 0]);
}

#[test]
fn a_port_stays() {
    let network = |service: Value, fabric: Value| json!({"network": {"service": {"port": service}, "fabric": {"port": fabric}}});
    let old = network(json!(3000), json!(3001));
    assert_eq!(changed(&old, &network(json!(3000.0), json!(3001))), [""; 0]);
    assert_eq!(
        changed(&old, &network(json!(3100), json!(3101))),
        ["UPD-24 network.fabric.port", "UPD-24 network.service.port"]
    );
    let text = text_of_update(
        &cluster(&json!({})),
        &cluster(&json!({"aerospikeConfig": network(json!(3100), json!(3001))})),
    );
    assert!(
        text.contains("cannot modify port number") && text.contains("3000"),
        "{text}"
    );
}

#[test]
fn plain_and_tls_swap_in_two_steps() {
    let tls = json!([{"name": "t"}]);
    let plain = service(&json!({"port": 3000}), &tls);
    let both = service(
        &json!({"port": 3000, "tls-port": 4333, "tls-name": "t"}),
        &tls,
    );
    let only = service(
        &json!({"port": null, "tls-port": 4333, "tls-name": "t"}),
        &tls,
    );
    assert_eq!(changed(&plain, &only), ["UPD-25 network.service.port"]);
    assert_eq!(changed(&only, &plain), ["UPD-25 network.service.tls-port"]);
    for (old, new) in [
        (&plain, &both),
        (&both, &only),
        (&only, &both),
        (&both, &plain),
    ] {
        assert_eq!(changed(old, new), [""; 0]);
    }
}

/// The second step must wait for the first one, or servers with the one and the other would not find each other.
#[test]
fn the_second_step_to_tls_waits_for_the_first() {
    let tls = json!([{"name": "t"}]);
    let config =
        |connection: Value| cluster(&json!({"aerospikeConfig": service(&connection, &tls)}));
    let plain = config(json!({"port": 3000}));
    let both = config(json!({"port": 3000, "tls-port": 4333, "tls-name": "t"}));
    let only = config(json!({"port": null, "tls-port": 4333, "tls-name": "t"}));
    let early = while_running(&plain, &only);
    assert_eq!(
        of_this_part(updated(&both, &early)),
        ["UPD-25 network.service.port"]
    );
    assert_eq!(
        of_this_part(before_roll_out(&early)),
        ["UPD-25 network.service.port"]
    );
    let in_time = while_running(&both, &only);
    assert_eq!(of_this_part(updated(&both, &in_time)), [""; 0]);
}

#[test]
fn the_admin_section_may_come_and_go() {
    let with = json!({"network": {"admin": {"port": 3008}}});
    assert_eq!(changed(&json!({}), &with), [""; 0]);
    assert_eq!(changed(&with, &json!({})), [""; 0]);
}

fn namespaces(namespaces: &[Value]) -> Value {
    let engine = json!({"type": "pmem", "files": ["/p"], "filesize": 1_073_741_824});
    let with_engine = |namespace: &Value| {
        let mut namespace = namespace.clone();
        if namespace.get("storage-engine").is_none() {
            namespace["storage-engine"] = engine.clone();
        }
        namespace
    };
    json!({"namespaces": namespaces.iter().map(with_engine).collect::<Vec<_>>()})
}

#[test]
fn a_strongly_consistent_namespace_keeps_its_replication_factor() {
    let strong = |factor: Value| {
        namespaces(&[
            json!({"name": "a", "strong-consistency": true, "replication-factor": factor}),
        ])
    };
    let found = changed(&strong(json!(2)), &strong(json!(1)));
    assert_eq!(found, ["UPD-26a namespaces[0].replication-factor"]);
    let bare = namespaces(&[json!({"name": "a", "strong-consistency": true})]);
    assert_eq!(
        changed(&strong(json!(2)), &bare),
        ["UPD-26a namespaces[0].replication-factor"]
    );
    assert_eq!(changed(&strong(json!(2)), &strong(json!(2.0))), [""; 0]);
}

#[test]
fn a_namespace_keeps_its_consistency() {
    let mode = |mode: Value| {
        namespaces(&[
            json!({"name": "b"}),
            json!({"name": "a", "strong-consistency": mode}),
        ])
    };
    let absent = namespaces(&[json!({"name": "a"}), json!({"name": "b"})]);
    let place = ["UPD-26b namespaces[1].strong-consistency"];
    assert_eq!(changed(&mode(json!(true)), &mode(json!(false))), place);
    assert_eq!(changed(&absent, &mode(json!(false))), place);
    assert_eq!(changed(&mode(json!(true)), &mode(json!(true))), [""; 0]);
    let added = namespaces(&[
        json!({"name": "a"}),
        json!({"name": "b"}),
        json!({"name": "c", "strong-consistency": true}),
    ]);
    assert_eq!(changed(&absent, &added), [""; 0]);
}

#[test]
fn a_disk_does_not_move_between_namespaces_in_one_step() {
    let disks = |lists: &[(&str, Value)]| {
        let namespace = |(name, devices): &(&str, Value)| json!({"name": name, "storage-engine": {"type": "device", "devices": devices}});
        let list: Vec<_> = lists.iter().map(namespace).collect();
        cluster(&json!({"aerospikeConfig": {"namespaces": list}}))
    };
    let running = disks(&[("a", json!(["/x /s", "/y"])), ("b", json!(["/z"]))]);
    let step =
        |new: &AerospikeCluster| of_this_part(updated(&running, &while_running(&running, new)));
    let place = |entry: u8| format!("UPD-27 namespaces[1].storage-engine.devices[{entry}]");
    assert_eq!(
        step(&disks(&[("a", json!(["/y"])), ("b", json!(["/z", "/x"]))])),
        [place(1)]
    );
    assert_eq!(
        step(&disks(&[("a", json!(["/y"])), ("b", json!(["/s"]))])),
        [place(0)]
    );
    assert_eq!(
        step(&disks(&[("b", json!(["/z"])), ("a", json!(["/y", "/x"]))])),
        [""; 0]
    );
    assert_eq!(step(&disks(&[("b", json!(["/z"]))])), [""; 0]);
    let gone = disks(&[("a", json!(["/y"])), ("b", json!(["/z"]))]);
    let late = while_running(
        &gone,
        &disks(&[("a", json!(["/y"])), ("b", json!(["/z", "/x"]))]),
    );
    assert_eq!(of_this_part(updated(&gone, &late)), [""; 0]);
    let early = while_running(&running, &late);
    assert_eq!(of_this_part(updated(&gone, &early)), [place(1)]);
    assert_eq!(of_this_part(updated(&running, &late)), [""; 0]);
}

#[test]
fn a_rack_is_named_where_it_supplies_the_value() {
    let own = |mode: bool| {
        let config = json!({"namespaces": [{"name": "test", "strong-consistency": mode}]});
        cluster(
            &json!({"rackConfig": {"racks": [{"id": 1}, {"id": 2, "aerospikeConfig": config}]}}),
        )
    };
    let (old, new) = (own(false), own(true));
    let place = "spec.rackConfig.racks[1].aerospikeConfig.namespaces[0].strong-consistency";
    let found = updated(&old, &new);
    assert!(found.contains(&format!("UPD-29 {place}")), "{found:?}");
    let text = text_of_update(&old, &new);
    assert!(
        text.contains("rack 2: strong-consistency cannot be updated"),
        "{text}"
    );
}

#[test]
fn what_all_racks_share_is_reported_once() {
    let racks = json!({"racks": [{"id": 1}, {"id": 2}, {"id": 3}]});
    let port = |port: u16| {
        cluster(
            &json!({"rackConfig": racks, "aerospikeConfig": {"network": {"service": {"port": port}}}}),
        )
    };
    let found = updated(&port(3000), &port(3100));
    assert_eq!(found, ["UPD-24 spec.aerospikeConfig.network.service.port"]);
}
