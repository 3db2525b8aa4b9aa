//! Each rule of the writer.

use serde_json::{Value, json};

use super::*;

fn render(value: Value) -> String {
    template(&serde_json::from_value(value).unwrap()).unwrap()
}

fn refused(value: Value) -> Vec<Problem> {
    template(&serde_json::from_value(value).unwrap()).unwrap_err()
}

#[test]
fn statements_come_before_sections_each_in_the_order_of_the_keys() {
    let given = json!({"service": {"z": 1, "a": {"x": true}, "b": "t", "devices": ["d"], "dc": 2}});
    let wanted = "\nservice {\n    b    t\n    dc    2\n    device    d\n    z    1\n\n    a {\n        x    true\n    }\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn numbers_are_cut_to_integers() {
    let given = json!({"s": {"a": 1.9, "b": -1.9, "c": 1e15, "d": 9_007_199_254_740_993_u64}});
    let wanted =
        "\ns {\n    a    1\n    b    -1\n    c    1000000000000000\n    d    9007199254740992\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn what_says_nothing_is_left_out() {
    let given = json!({"s": {
        "name": "n", "storage-engine-type": "x", "a": null, "b": "NULL", "c": "", "port": 0, "tls-port": "0",
        "enable-benchmarks-read": false, "other": false, "files": [],
    }});
    assert_eq!(render(given), "\ns {\n    other    false\n}\n");
}

#[test]
fn a_section_of_skipped_statements_keeps_its_braces() {
    assert_eq!(render(json!({"s": {"port": 0}})), "\ns {\n}\n");
}

#[test]
fn an_empty_section_is_left_out_but_security_is_written() {
    assert_eq!(
        render(json!({"s": {}, "security": {}})),
        "\nsecurity {\n}\n"
    );
    assert_eq!(render(json!({"security": {"log": {}}})), "");
    assert_eq!(render(json!({"xdr": {"dcs": [], "x": {"y": {}}}})), "");
}

#[test]
fn lists_are_a_line_an_item_in_the_singular() {
    let given = json!({"s": {
        "devices": ["/dev/a:/dev/b"],
        "mesh-seed-address-ports": ["h:3002"],
        "tls-authenticate-client": ["a", "b"],
        "ship-sets": "one",
        "secrets-address-port": "h:1:t",
        "feature-key-file": "env-b64:X",
        "unknown": ["dropped"],
    }});
    let wanted = "\ns {\n    device    /dev/a /dev/b\n    feature-key-file    env-b64:X\n    mesh-seed-address-port    h 3002\n    \
                  secrets-address-port    h 1 t\n    ship-set    one\n    tls-authenticate-client    a\n    \
                  tls-authenticate-client    b\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn named_items_are_sections_in_the_order_of_the_list() {
    let given = json!({"xdr": {"dcs": [{"name": "z", "namespaces": [{"name": "n", "ship-bins": ["b"]}]}, {"name": "a"}, {"x": 1}]}});
    let wanted = "\nxdr {\n\n    dc z {\n\n        namespace n {\n            ship-bin    b\n        }\n    }\n\n    dc a {\n    }\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn a_typed_section_has_its_type_in_the_title_or_is_a_statement() {
    let given = json!({"namespaces": [{
        "name": "n",
        "index-type": {"type": "flash", "mounts": ["/m"]},
        "sindex-type": {"type": "shmem"},
        "storage-engine": {"type": "memory", "data-size": 5},
    }]});
    let wanted = "\nnamespace n {\n    sindex-type    shmem\n\n    index-type flash {\n        mount    /m\n    }\n\n    \
                  storage-engine memory {\n        data-size    5\n    }\n}\n";
    assert_eq!(render(given), wanted);
    let engine = |engine| render(json!({"namespaces": [{"name": "n", "storage-engine": engine}]}));
    assert_eq!(
        engine("memory"),
        "\nnamespace n {\n    storage-engine    memory\n}\n"
    );
    assert_eq!(engine("device"), "\nnamespace n {\n}\n");
}

#[test]
fn log_sinks_hold_contexts() {
    let given = json!({"logging": [
        {"name": "/var/log/a", "any": "info", "aggr": "debug", "tls": ["detail"]},
        {"name": "syslog", "facility": "local0", "tag": "t", "namespace": "info"},
        {"name": "console"},
    ]});
    let wanted = "\nlogging {\n\n    file /var/log/a {\n        context aggr    debug\n        context any    info\n        \
                  context tls    detail\n    }\n\n    syslog {\n        facility    local0\n        context namespace    info\n        \
                  tag    t\n    }\n\n    console {\n    }\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn two_items_of_one_name_are_refused_with_their_place() {
    let given = json!({"xdr": {"dcs": [{"name": "dc1", "namespaces": [{"name": "test"}, {"name": "test"}]}]}});
    let problem = refused(given).remove(0);
    assert_eq!(problem.path.to_string(), "xdr.dcs[0].namespaces[1]");
    assert_eq!(
        problem.message,
        "aerospikeConfig not valid: xdr: duplicate name \"test\" in namespaces list section; each item needs a name of its own"
    );
}

#[test]
fn every_list_that_cannot_be_written_is_told() {
    let given =
        json!({"a": [{"name": "x"}, {"name": "x"}, {"name": "x"}], "s": {"devices": ["a", 1, 2]}});
    let paths: Vec<_> = refused(given)
        .iter()
        .map(|it| it.path.to_string())
        .collect();
    assert_eq!(paths, ["a[1]", "a[2]", "s.devices[1]"]);
}

#[test]
fn a_dotted_key_is_written_into_its_section() {
    let given = json!({"network": {"fabric": {"port": 3001}, "fabric.send-threads": 8}});
    let wanted =
        "\nnetwork {\n\n    fabric {\n        port    3001\n        send-threads    8\n    }\n}\n";
    assert_eq!(render(given), wanted);
}

#[test]
fn a_list_of_texts_with_something_else_in_it_is_refused() {
    let given = json!({"s": {"devices": ["a", 1]}});
    let problem = refused(given).remove(0);
    assert_eq!(problem.path.to_string(), "s.devices[1]");
}

#[test]
fn a_text_that_no_config_map_holds_is_refused_without_being_written() {
    let deep = (0..60).fold(
        json!({"a": "x".repeat(1 << 20)}),
        |below, _| json!({"s": below}),
    );
    let problem = refused(json!({"s": {"a": "x".repeat(1 << 20)}})).remove(0);
    assert_eq!(
        (problem.code, problem.path.to_string()),
        ("SIZE-03", String::new())
    );
    assert_eq!(refused(deep), [problem]);
}
