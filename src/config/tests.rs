//! Merge, inject and render over trees of any shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{inject, locate, merge::merge, render, supplies};
use crate::{api::Tree, finding::FieldPath};

fn tree(value: Value) -> Tree {
    serde_json::from_value(value).unwrap()
}

fn inject(tree: &mut Tree, rack_id: Option<i64>) -> Vec<(&'static str, String, String)> {
    let namespaces = ["test"].into();
    let context = inject::Context {
        cluster_name: "c1",
        rack_id,
        rack_namespaces: &namespaces,
        client_name: Some("operator"),
    };
    inject::defaults(tree, &context)
        .into_iter()
        .map(|problem| (problem.code, problem.path.to_string(), problem.message))
        .collect()
}

fn minimal() -> Value {
    json!({
        "network": {"service": {"port": 3000}, "heartbeat": {"port": 3002}, "fabric": {"port": 3001}},
        "namespaces": [{"name": "test", "rack-id": 0}, {"name": "other", "rack-id": 7}],
    })
}

#[test]
fn a_minimal_configuration_gets_everything() {
    let mut given = tree(minimal());
    assert_eq!(inject(&mut given, Some(2)), []);
    let wanted = json!({
        "service": {"node-id": "ENV_NODE_ID", "cluster-name": "c1"},
        "network": {
            "service": {
                "port": 3000,
                "access-port": 3000,
                "access-addresses": ["<access-address>"],
                "alternate-access-port": 3000,
                "alternate-access-addresses": ["<alternate-access-address>"],
            },
            "heartbeat": {"port": 3002, "mode": "mesh"},
            "fabric": {"port": 3001},
        },
        "namespaces": [{"name": "test", "rack-id": 2}, {"name": "other"}],
        "logging": [{"name": "console", "any": "info"}],
    });
    assert_eq!(given, tree(wanted));
}

#[test]
fn tls_alone_gets_tls_addresses_and_asks_clients_for_certificates() {
    let mut given = tree(minimal());
    given["network"]["service"] = json!({"tls-name": "n", "tls-port": 4333, "access-port": 1});
    assert_eq!(inject(&mut given, None), []);
    let wanted = json!({
        "tls-name": "n",
        "tls-port": 4333,
        "tls-access-port": 4333,
        "tls-access-addresses": ["<tls-access-address>"],
        "tls-alternate-access-port": 4333,
        "tls-alternate-access-addresses": ["<tls-alternate-access-address>"],
        "tls-authenticate-client": "any",
    });
    assert_eq!(given["network"]["service"], wanted);
    assert_eq!(given["namespaces"][0], json!({"name": "test"}));
}

#[test]
fn the_operators_name_joins_the_clients_that_may_connect() {
    let mut given = tree(minimal());
    given["network"]["service"]["tls-authenticate-client"] = json!(["app"]);
    assert_eq!(inject(&mut given, None), []);
    assert_eq!(inject(&mut given, None), []);
    assert_eq!(
        given["network"]["service"]["tls-authenticate-client"],
        json!(["app", "operator"])
    );
}

#[test]
fn ldap_patterns_survive_the_substitution_of_variables() {
    let mut given = tree(minimal());
    given.insert(
        "security".into(),
        json!({"ldap": {"${dn}": ["a=${un},${un}"]}}),
    );
    assert_eq!(inject(&mut given, None), []);
    let once = given.clone();
    assert_eq!(inject(&mut given, None), []);
    assert_eq!(given, once);
    assert_eq!(
        given["security"]["ldap"],
        json!({"$${_DNE}{dn}": ["a=$${_DNE}{un},$${_DNE}{un}"]})
    );
}

#[test]
fn every_value_in_the_way_is_reported_with_its_place() {
    let mut given = tree(json!({
        "service": {"node-id": "a1", "cluster-name": 1_000_000},
        "network": {
            "service": {"port": 3000, "access-addresses": ["1.2.3.4"], "access-port": 3000.0},
            "heartbeat": {"mode": "multicast"},
            "admin": [],
        },
        "namespaces": [{"name": "test", "rack-id": 7}, 5],
        "logging": ["console"],
        "security": true,
    }));
    let problems = inject(&mut given, Some(2));
    let found: Vec<_> = problems
        .iter()
        .map(|(code, path, _)| (*code, path.as_str()))
        .collect();
    let wanted = [
        ("DEF-11", "namespaces[0].rack-id"),
        ("DEF-10d", "namespaces[1]"),
        ("DEF-14", "service.node-id"),
        ("DEF-14", "service.cluster-name"),
        ("DEF-15b", "network.service.access-addresses"),
        ("DEF-15f", "network.heartbeat.mode"),
        ("DEF-15g", "network.fabric"),
        ("DEF-15h", "network.admin"),
        ("DEF-17", "logging[0]"),
        ("DEF-18", "security"),
    ];
    assert_eq!(found, wanted);
    assert_eq!(
        problems[2].2,
        "failed to set default aerospikeConfig.service config: config node-id can not have non-default value (string a1). \
         It will be set internally (string ENV_NODE_ID)"
    );
    assert!(problems[3].2.contains("(float64 1e+06)"));
    assert!(problems[4].2.contains("([]interface {} [1.2.3.4])"));
}

#[test]
fn namespaces_that_are_no_list_are_named_as_ako_names_them() {
    let cases = [
        (json!({}), "aerospikeConfig.namespaces not present."),
        (
            json!({"namespaces": null}),
            "aerospikeConfig.namespaces cannot be nil",
        ),
        (
            json!({"namespaces": "invalidConf"}),
            "aerospikeConfig.namespaces not valid namespace list invalidConf",
        ),
        (
            json!({"namespaces": []}),
            "aerospikeConfig.namespaces is empty",
        ),
    ];
    for (given, message) in cases {
        let problems = inject(&mut tree(given), None);
        assert!(problems[0].2.starts_with(message), "{}", problems[0].2);
    }
}

#[test]
fn a_rack_changes_what_it_names_and_keeps_the_rest() {
    let base = tree(json!({
        "a": 1, "kept": true, "list": [1, 2], "null": null,
        "namespaces": [
            {"name": "x", "n": 1, "storage-engine": {"type": "device", "devices": ["/d"], "k": 1}},
            {"name": "y"},
        ],
    }));
    let patch = tree(json!({
        "a": "text", "list": [], "null": null, "new": {},
        "namespaces": [
            {"name": "z"},
            {"name": "x", "n": 2, "storage-engine": {"type": "device", "files": ["/f"]}},
        ],
    }));
    let wanted = tree(json!({
        "a": "text", "kept": true, "list": [], "null": null, "new": {},
        "namespaces": [
            {"name": "x", "n": 2, "storage-engine": {"type": "device", "files": ["/f"]}},
            {"name": "y"},
            {"name": "z"},
        ],
    }));
    assert_eq!(merge(&base, &patch), Ok(wanted));
}

#[test]
fn list_items_that_a_rack_cannot_name_are_refused() {
    let base = tree(json!({"sets": [{"name": "a"}]}));
    let patch = tree(json!({"sets": [{"x": 1}, 5]}));
    let problems = merge(&base, &patch).unwrap_err();
    let places: Vec<_> = problems
        .iter()
        .map(|problem| problem.path.to_string())
        .collect();
    assert_eq!(places, ["sets[0].name", "sets[1]"]);
}

#[test]
fn a_value_is_found_by_the_names_of_list_items_wherever_they_stand() {
    let value = json!({"namespaces": [{"name": "a"}, {"name": "b", "rack-id": 1}], "x": [1]});
    let tree = value.as_object().unwrap();
    let namespaces = FieldPath::default().child("namespaces");
    let path = namespaces.item(0, "b").child("rack-id");
    let found = locate(tree, &path).unwrap();
    assert_eq!(found.to_string(), "namespaces[1].rack-id");
    assert!(!supplies(tree, &namespaces.item(0, "a").child("rack-id")));
    assert!(supplies(tree, &FieldPath::default().child("x").index(0)));
    assert!(!supplies(tree, &FieldPath::default().child("x").index(1)));
    assert!(!supplies(tree, &namespaces.child("b")));
    assert!(supplies(tree, &FieldPath::default()));
}

#[test]
fn a_value_is_found_by_a_name_that_is_too_long_to_be_one() {
    let names = ["a", "b"].map(|letter| letter.repeat(100_000));
    let value = json!({"namespaces": [{"name": names[0]}, {"name": names[1], "rack-id": 1}]});
    let path = FieldPath::default().child("namespaces").item(0, &names[1]);
    let found = locate(value.as_object().unwrap(), &path.child("rack-id"));
    assert_eq!(found.unwrap().to_string(), "namespaces[1].rack-id");
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9:./<>-]{0,8}".prop_map(Value::from),
    ]
}

/// Keys with and without a meaning to the writer.
fn key() -> impl Strategy<Value = String> {
    let known = [
        "service",
        "network",
        "namespaces",
        "logging",
        "security",
        "ldap",
        "name",
        "type",
        "sets",
        "storage-engine",
        "devices",
        "files",
        "port",
        "tls-port",
        "tls-name",
        "heartbeat",
        "fabric",
        "tls",
        "rack-id",
        "dcs",
        "xdr",
        "tls-authenticate-client",
        "access-addresses",
        "enable-benchmarks-read",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-z]{0,3}",
    ]
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let value = scalar().prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner.clone(), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            ("[a-c]", prop::collection::btree_map(key(), inner, 0..4)).prop_map(
                |(name, members)| {
                    let mut item: Tree = members.into_iter().collect();
                    item.insert("name".to_owned(), name.into());
                    Value::Array(vec![Value::Object(item)])
                }
            ),
        ]
    });
    prop::collection::btree_map(key(), value, 0..8)
        .prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn merging_nothing_changes_nothing(base in any_tree()) {
        prop_assert_eq!(merge(&base, &Tree::new()), Ok(base));
    }

    #[test]
    fn merging_a_tree_over_itself_or_over_nothing_gives_the_tree(base in any_tree()) {
        prop_assert_eq!(merge(&Tree::new(), &base), Ok(base.clone()));
        if let Ok(merged) = merge(&base, &base) {
            prop_assert_eq!(merged, base);
        }
    }

    #[test]
    fn a_second_merge_of_the_same_changes_changes_nothing(base in any_tree(), patch in any_tree()) {
        if let Ok(once) = merge(&base, &patch)
            && let Ok(twice) = merge(&once, &patch)
        {
            prop_assert_eq!(twice, once);
        }
    }

    #[test]
    fn rendering_is_deterministic_and_closes_every_brace(tree in any_tree()) {
        if let Ok(text) = render::template(&tree) {
            let opened = text.lines().filter(|line| line.ends_with('{')).count();
            let closed = text.lines().filter(|line| line.trim() == "}").count();
            prop_assert_eq!(opened, closed);
            prop_assert_eq!(render::template(&tree).ok(), Some(text));
        }
    }

    #[test]
    fn injection_settles_at_once_or_reports(mut tree in any_tree(), rack in prop::option::of(0i64..3)) {
        let problems = inject(&mut tree, rack);
        let once = tree.clone();
        let again = inject(&mut tree, rack);
        prop_assert_eq!(again, problems);
        prop_assert_eq!(tree, once);
    }
}
