mod generated;

use serde_json::{Value, json};

use super::*;
use crate::finding::Reason;

fn server(release: &str) -> Server {
    Server {
        release: Release::parse(release).unwrap(),
        enterprise: true,
    }
}

/// A configuration that 8.1.2 takes, with `change` merged over it (`null` in a section removes).
fn config(change: &Value) -> Value {
    let mut config = json!({
        "service": {"cluster-name": "c"},
        "network": {"service": {"port": 3000}, "heartbeat": {"mode": "mesh", "port": 3002}, "fabric": {"port": 3001}},
        "namespaces": [{"name": "test", "storage-engine": {"type": "device", "devices": ["/dev/a"]}}],
    });
    json_patch::merge(&mut config, change);
    config
}

fn judged(config: Value, server: Server) -> Vec<Problem> {
    problems(&serde_json::from_value(config).unwrap(), server)
}

fn newest(change: &Value) -> Vec<Problem> {
    judged(config(change), server("8.1.2"))
}

/// Paths of what is wrong with the configuration changed like this.
fn paths(change: &Value) -> Vec<String> {
    newest(change)
        .iter()
        .map(|it| it.path.to_string())
        .collect()
}

/// The only thing that is wrong with the configuration changed like this.
fn only(change: &Value) -> (String, Reason, String) {
    let mut found = newest(change);
    assert_eq!(found.len(), 1, "{found:#?}");
    let Problem {
        code,
        path,
        reason,
        message,
    } = found.remove(0);
    assert_eq!(code, "SCH-04");
    let sentence = message.strip_prefix("aerospikeConfig not valid: ").unwrap();
    (path.to_string(), reason, sentence.to_owned())
}

fn storage(engine: &Value) -> Value {
    json!({"namespaces": [{"name": "test", "storage-engine": engine}]})
}

#[test]
fn a_right_configuration_has_no_problem() {
    assert_eq!(newest(&json!({})), []);
}

#[test]
fn a_value_of_another_type_is_told_with_what_would_be_right() {
    let cases = [
        (
            json!({"service": {"proto-fd-max": "x"}}),
            "service.proto-fd-max",
            "proto-fd-max takes a whole number from 0 to 2147483647, not a string \
             [{x invalid_type (root).service.proto-fd-max Invalid type. Expected: integer, given: string service.proto-fd-max}]",
        ),
        (
            json!({"service": {"cluster-name": 5}}),
            "service.cluster-name",
            "cluster-name takes a text, not a number \
             [{5 invalid_type (root).service.cluster-name Invalid type. Expected: string, given: integer service.cluster-name}]",
        ),
        (
            json!({"service": {"run-as-daemon": "true"}}),
            "service.run-as-daemon",
            "run-as-daemon takes true or false, not a string: write true \
             [{true invalid_type (root).service.run-as-daemon Invalid type. Expected: boolean, given: string service.run-as-daemon}]",
        ),
        (
            json!({"mod-lua": []}),
            "mod-lua",
            "mod-lua takes a section, not a list [{<nil> invalid_type (root).mod-lua Invalid type. Expected: object, given: null mod-lua}]",
        ),
        (
            json!({"xdr": {"dcs": {}}}),
            "xdr.dcs",
            "dcs takes a list of sections with a name each, not an object \
             [{map[…] invalid_type (root).xdr.dcs Invalid type. Expected: array, given: object xdr.dcs}]",
        ),
    ];
    for (change, path, sentence) in cases {
        assert_eq!(
            only(&change),
            (path.to_owned(), Reason::Invalid, sentence.to_owned())
        );
    }
}

#[test]
fn a_number_out_of_range_is_told_the_range() {
    for (number, error) in [(0, "number_gte"), (-3, "number_gte"), (257, "number_lte")] {
        let bound = if error == "number_gte" {
            "greater than or equal to 1"
        } else {
            "less than or equal to 256"
        };
        let change = json!({"namespaces": [{"name": "test", "replication-factor": number}]});
        let sentence = format!(
            "replication-factor takes a whole number from 1 to 256, not {number} [{{{number} {error} \
             (root).namespaces.0.replication-factor Must be {bound} namespaces.0.replication-factor}}]"
        );
        let wanted = (
            "namespaces[0].replication-factor".to_owned(),
            Reason::Invalid,
            sentence,
        );
        assert_eq!(only(&change), wanted);
    }
}

#[test]
fn a_fraction_counts_as_the_whole_number_below_it() {
    let factor = |number: Value| {
        paths(&json!({"namespaces": [{"name": "test", "replication-factor": number}]}))
    };
    assert_eq!(factor(json!(1.9)), [""; 0]);
    assert_eq!(factor(json!(256.5)), [""; 0]);
    assert_eq!(factor(json!(0.9)), ["namespaces[0].replication-factor"]);
    assert_eq!(factor(json!(1e300)), ["namespaces[0].replication-factor"]);
}

#[test]
fn a_missing_list_in_a_storage_engine_is_told_in_akos_words_too() {
    let (path, _, sentence) = only(&storage(&json!({"type": "device", "devices": null})));
    assert_eq!(path, "namespaces[0].storage-engine.devices");
    for fragment in [
        "{map[devices:<nil> type:device] number_one_of (root).",
        "{<nil> invalid_type (root).namespaces.0.storage-engine.devices Invalid type.",
        "Expected: array, given: null namespaces.0.storage-engine.devices}",
    ] {
        assert!(sentence.contains(fragment), "{sentence}");
    }
    let (path, _, sentence) = only(&storage(
        &json!({"type": "device", "devices": ["/dev/a"], "filesize": "1G"}),
    ));
    assert_eq!(path, "namespaces[0].storage-engine.filesize");
    assert!(sentence.len() < 470, "{}", sentence.len());
}

#[test]
fn a_storage_engine_is_on_devices_or_on_files() {
    let (path, reason, sentence) = only(&storage(
        &json!({"type": "device", "devices": ["/dev/a"], "files": ["/f"]}),
    ));
    assert_eq!(
        (path.as_str(), reason),
        ("namespaces[0].storage-engine", Reason::Invalid)
    );
    assert_eq!(
        sentence,
        "storage-engine of type device takes only one of devices, or files"
    );
}

#[test]
fn a_null_beside_a_list_is_told_alone() {
    // A merge patch cannot say null beside something that stays.
    let mut config = config(&json!({}));
    config["namespaces"][0]["storage-engine"]["files"] = Value::Null;
    let found = judged(config, server("8.1.2"));
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].path.to_string(),
        "namespaces[0].storage-engine.files"
    );
    for fragment in [
        "{map[devices:[…] files:<nil> type:device] number_one_of (root).",
        "{<nil> invalid_type (root).namespaces.0.storage-engine.files Invalid type.",
    ] {
        assert!(found[0].message.contains(fragment), "{}", found[0].message);
    }
}

#[test]
fn a_section_full_of_long_values_is_told_in_few_words() {
    let long = vec!["/dev/a"; 100_000];
    let mut engine = json!({"type": "device", "devices": long});
    for key in ["filesize", "flush-size", "evict-used-pct", "defrag-sleep"] {
        engine[key] = json!("x".repeat(100_000));
    }
    let found = newest(&storage(&engine));
    assert_eq!(found.len(), 4);
    assert!(
        found.iter().all(|it| it.message.chars().count() < 500),
        "{found:#?}"
    );
}

#[test]
fn an_index_has_a_type_that_the_release_has() {
    let index = |index: Value| {
        let mut change = storage(&json!({"type": "device", "devices": ["/dev/a"]}));
        change["namespaces"][0]["index-type"] = index;
        only(&change)
    };
    let (path, reason, sentence) = index(json!({}));
    assert_eq!(
        (path.as_str(), reason),
        ("namespaces[0].index-type.type", Reason::Required)
    );
    assert_eq!(
        sentence,
        "type is required: the type of index-type is one of flash, pmem, shmem"
    );
    let (path, _, sentence) = index(json!({"type": "ssd"}));
    assert_eq!(path, "namespaces[0].index-type.type");
    assert_eq!(
        sentence,
        "the type of index-type in server 8.1.2 is one of flash, pmem, shmem, not \"ssd\""
    );
    let flash = json!({"namespaces": [{"name": "test", "memory-size": 1, "sindex-type": {"type": "flash"}}]});
    let found = judged(config(&flash), server("6.3.0"));
    assert_eq!(
        found[0].message,
        "aerospikeConfig not valid: the type of sindex-type in server 6.3.0 is one of pmem, shmem, not \"flash\" \
         (flash exists since 6.4.0)"
    );
}

#[test]
fn a_storage_engine_without_a_type_is_left_to_its_own_rule() {
    for engine in [
        json!(null),
        json!("memory"),
        json!("x"),
        json!(5),
        json!({}),
        json!({"type": "x"}),
    ] {
        // A merge patch cannot say null.
        let mut config = config(&json!({}));
        config["namespaces"][0]["storage-engine"] = engine;
        assert_eq!(judged(config, server("8.1.2")), []);
    }
}

#[test]
fn a_section_is_told_what_it_needs() {
    let without = |change: Value| only(&change);
    assert_eq!(
        without(json!({"service": {"cluster-name": null}})),
        (
            "service.cluster-name".to_owned(),
            Reason::Required,
            "cluster-name is required in service of server 8.1.2: a text".to_owned()
        )
    );
    assert_eq!(
        without(json!({"network": {"fabric": {"port": null, "tls-port": 3011}}})),
        (
            "network.fabric".to_owned(),
            Reason::Required,
            "fabric needs port, or tls-name".to_owned()
        )
    );
    assert_eq!(
        without(json!({"namespaces": []})),
        ("namespaces".to_owned(), Reason::Required,
            "namespaces is required in aerospikeConfig of server 8.1.2: a list of sections with a name each".to_owned())
    );
    assert_eq!(
        without(storage(&json!({"type": "memory"}))).2,
        "storage-engine of type memory needs devices, or files, or data-size"
    );
    let old = judged(config(&json!({})), server("6.4.0"));
    assert_eq!(
        (old[0].path.to_string().as_str(), old[0].message.as_str()),
        (
            "namespaces[0].memory-size",
            "aerospikeConfig not valid: memory-size is required in namespaces of server 6.4.0: \
            a whole number from 0 to 18446744073709551615"
        )
    );
}

#[test]
fn an_unknown_name_is_told_what_it_may_have_been_meant_to_be() {
    let cases = [
        (
            json!({"service": {"proto-fd-maxx": 1}}),
            "server 8.1.2 has no such parameter in service; did you mean proto-fd-max?",
        ),
        (
            json!({"service": {"replication-factor": 1}}),
            "server 8.1.2 has no such parameter in service; it belongs into namespaces[]",
        ),
        (
            json!({"zzzzzz": 1}),
            "server 8.1.2 has no such parameter in aerospikeConfig",
        ),
        (
            json!({"service": {"salt-allocations": true}}),
            "server 8.1.2 does not have it, it exists until 6.4.0",
        ),
        (
            storage(&json!({"type": "device", "devices": ["a"], "data-size": 1})),
            "server 8.1.2 has no such parameter in storage-engine of type device; it belongs into namespaces[].storage-engine (type memory)",
        ),
    ];
    for (change, why) in cases {
        let (_, reason, sentence) = only(&change);
        assert_eq!(reason, Reason::Forbidden);
        let (name, told) = sentence.split_once(" is not allowed: ").unwrap();
        assert!(name.starts_with("Additional property "));
        assert_eq!(told, why);
    }
    let gap = judged(
        config(&json!({"service": {"batch-max-requests": 1}})),
        server("7.0.0"),
    );
    assert!(
        gap[0]
            .message
            .ends_with("does not have it, it exists until 6.3.0 and again since 7.1.0")
    );
}

#[test]
fn a_text_stands_for_a_list_of_one() {
    let accepted = json!({"network": {"fabric": {"addresses": "any"}, "service": {"tls-authenticate-client": "host"}}});
    assert_eq!(paths(&accepted), [""; 0]);
    assert_eq!(paths(&json!({"xdr": {"dcs": "a"}})), ["xdr.dcs"]);
}

#[test]
fn every_item_of_a_list_of_texts_is_a_text() {
    assert_eq!(
        paths(&storage(&json!({"type": "device", "devices": ["a", 1, 2]}))),
        ["namespaces[0].storage-engine.devices[1]"]
    );
    let (_, _, sentence) = only(&storage(&json!({"type": "device", "devices": [1]})));
    assert!(sentence.contains("Expected: array, given: null namespaces.0.storage-engine.devices}"));
}

#[test]
fn a_list_of_one_level_is_a_level_where_logs_have_the_name_of_a_section() {
    let sink = json!({"name": "console", "any": "info", "tls": ["debug"], "namespace": "info"});
    assert_eq!(paths(&json!({"logging": [sink]})), [""; 0]);
    assert_eq!(
        only(&json!({"logging": [{"name": "console", "any": "loud"}]})).2,
        "any takes one of CRITICAL, critical, WARNING, warning, INFO, info, DEBUG, debug, DETAIL, detail, not \"loud\""
    );
}

#[test]
fn items_of_a_list_are_sections_with_a_name() {
    let sets = |sets: Value| paths(&json!({"namespaces": [{"name": "test", "sets": sets}]}));
    assert_eq!(sets(json!([])), [""; 0]);
    assert_eq!(
        sets(json!([{"name": "a"}, {}, {"name": ""}, 5])),
        [
            "namespaces[0].sets[1].name",
            "namespaces[0].sets[2].name",
            "namespaces[0].sets[3]",
        ]
    );
    assert_eq!(
        paths(&json!({"namespaces": [{"storage-engine": {"type": "device", "devices": "a"}}]})),
        [""; 0]
    );
}

#[test]
fn an_empty_section_in_an_item_is_refused_and_elsewhere_is_not() {
    let geo = json!({"namespaces": [{"name": "test", "geo2dsphere-within": {}}], "security": {"log": {}}, "mod-lua": {}});
    let (path, _, sentence) = only(&geo);
    assert_eq!(path, "namespaces[0].geo2dsphere-within");
    assert!(
        sentence
            .starts_with("geo2dsphere-within is empty: leave it out, or set one of its parameters")
    );
}

#[test]
fn a_dotted_key_passes_where_it_spells_a_parameter() {
    assert_eq!(
        paths(&json!({"network": {"fabric.send-threads": 8}})),
        [""; 0]
    );
    assert_eq!(
        paths(&json!({"network": {"fabric.send-threads": 800}})),
        ["network.fabric.send-threads"]
    );
    assert_eq!(paths(&json!({"service": {"{x}": 1}})), ["service.{x}"]);
    assert_eq!(paths(&json!({"service": {"": 1}})), ["service."]);
}

#[test]
fn community_lacks_what_the_table_says() {
    let community = Server {
        enterprise: false,
        ..server("8.1.2")
    };
    let given = config(&json!({
        "security": {"x": 1}, "service": {"stay-quiesced": true, "migrate-threads": 2},
        "namespaces": [{"name": "a", "storage-engine": {"type": "pmem", "files": ["f"]}, "index-type": {"type": "flash"}}],
    }));
    let found = judged(given, community);
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.code, it.path.to_string()))
        .collect();
    assert_eq!(
        told,
        [
            ("CE-02", "namespaces[0].index-type".to_owned()),
            ("CE-02", "namespaces[0].storage-engine.type".to_owned()),
            ("CE-02", "security".to_owned()),
            ("CE-02", "service.stay-quiesced".to_owned()),
        ]
    );
}

#[test]
fn no_secret_reaches_a_message() {
    let given = newest(&json!({
        "network": {"tls": [{"name": "t", "key-file-password": 4711}]},
        "security": {"default-password-file": ["4711"]},
        "namespaces": [{"name": "test", "storage-engine":
            {"type": "device", "devices": null, "encryption-key-file": "4711", "password": "4711"}}],
        "xdr": {"dcs": [{"name": "d", "auth-password-file": {"a": "4711"}}]},
    }));
    assert_eq!(given.len(), 5);
    assert!(
        given.iter().all(|it| !it.message.contains("4711")),
        "{given:#?}"
    );
}

#[test]
fn what_the_user_wrote_is_cut() {
    let long = "ä".repeat(100_000);
    let found =
        newest(&json!({"service": {long.as_str(): 1, "proto-fd-max": long, "auto-pin": long}}));
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|it| it.message.chars().count() < 500));
}

#[test]
fn problems_of_one_configuration_are_limited() {
    let many: Tree = (0..2000)
        .map(|index| (format!("x{index}"), json!(1)))
        .collect();
    assert_eq!(newest(&json!({ "service": many })).len(), MOST_PROBLEMS);
}
