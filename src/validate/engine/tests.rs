use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{finding::Step, validate::manifest};

const PLAIN: &str = include_str!("../../../tests/data/plain.yaml");

fn document(text: &str) -> Document {
    manifest::read(text).unwrap().remove(0)
}

fn opinion(text: &str, old: Option<&Value>) -> Opinion {
    judge(&document(text), old, &Settings::default())
}

fn brief(opinion: &Opinion) -> Vec<String> {
    let brief = |entry: &Entry| {
        format!(
            "{}:{} {} {}",
            entry.at.line, entry.at.column, entry.code, entry.path
        )
    };
    opinion.entries.iter().map(brief).collect()
}

/// What is said about the plain cluster with `from` replaced by `to`.
fn judged(from: &str, to: &str) -> Vec<String> {
    assert!(PLAIN.contains(from), "{from}");
    brief(&opinion(&PLAIN.replace(from, to), None))
}

#[test]
fn the_plain_cluster_is_accepted_without_a_word() {
    assert_eq!(brief(&opinion(PLAIN, None)), [""; 0]);
}

#[test]
fn schema_and_rules_speak_at_once_in_the_order_of_the_text() {
    let text = PLAIN
        .replace("name: db", "name: 1db")
        .replace("size: 2", "size: 300")
        .replace("image: aerospike", "imagee: x\n  image: aerospike")
        .replace(":8.1.2.0", ":5.7.0.1");
    assert_eq!(
        brief(&opinion(&text, None)),
        [
            "4:3 META-01 metadata.name",
            "7:3 CRD-02 spec.size",
            "8:3 SCHEMA-08 spec.imagee",
            "9:3 IMG-04 spec.image",
        ]
    );
}

#[test]
fn what_the_schema_has_told_the_rules_do_not_tell_again() {
    let opinion = opinion(&PLAIN.replace("size: 2", "size: 0"), None);
    assert_eq!(brief(&opinion), ["7:3 CRD-02 spec.size"]);
    assert!(!opinion.is_partial);
}

#[test]
fn a_wrong_shape_keeps_the_rules_from_being_asked() {
    let opinion = opinion(&PLAIN.replace("size: 2", "size: two"), None);
    assert_eq!(brief(&opinion), ["7:3 CRD-02 spec.size"]);
    assert!(opinion.is_partial);
}

#[test]
fn quotes_do_not_keep_the_rules_from_being_asked() {
    let text = PLAIN
        .replace("size: 2", "size: \"2\"\n  paused: 'true'")
        .replace(":8.1.2.0", ":5.7.0.1");
    let opinion = opinion(&text, None);
    assert_eq!(
        brief(&opinion),
        [
            "7:3 CRD-02 spec.size",
            "8:3 SCHEMA-01 spec.paused",
            "9:3 IMG-04 spec.image"
        ]
    );
    assert!(!opinion.is_partial);
    assert_eq!(
        opinion.entries[0].message,
        "must be an integer, not a string: leave out the quotes"
    );
}

#[test]
fn a_name_is_given_or_made() {
    assert_eq!(
        judged("name: db", "labels: {}"),
        ["3:1 CRD-17 metadata.name"]
    );
    assert_eq!(judged("name: db", "name: ''"), ["4:3 CRD-17 metadata.name"]);
    assert_eq!(judged("name: db", "name: Db"), ["4:3 CRD-17 metadata.name"]);
    assert_eq!(judged("name: db", "generateName: db-"), [""; 0]);
}

#[test]
fn another_version_is_not_served() {
    assert_eq!(
        judged("aerospike.com/v1\n", "aerospike.com/v1beta1\n"),
        ["1:1 SCHEMA-00 apiVersion"]
    );
}

#[test]
fn status_and_deletion_are_not_the_senders_to_say() {
    let text = format!(
        "{}status:\n  size: many\n",
        PLAIN.replace(
            "  name: db",
            "  deletionTimestamp: 2026-01-01T00:00:00Z\n  name: db"
        )
    )
    .replace("size: 2", "size: 0");
    assert_eq!(brief(&opinion(&text, None)), ["8:3 CRD-02 spec.size"]);
}

#[test]
fn a_change_is_judged_against_what_is_replaced() {
    let old = document(&PLAIN.replace(":8.1.2.0", ":5.7.0.1")).value;
    let new = PLAIN
        .replace(":8.1.2.0", ":5.7.0.1")
        .replace("size: 2", "size: 3\n  paused: true");
    let opinion = opinion(&new, Some(&old));
    assert_eq!(brief(&opinion), ["9:3 IMG-04 spec.image"]);
    assert_eq!(opinion.entries[0].severity, Severity::Warning);
    assert_eq!(brief(&super::tests::opinion(&new, None)).len(), 1);
}

#[test]
fn a_manifest_may_leave_its_namespace_open() {
    let object =
        |namespace: &str, name: &str| json!({"metadata": {"namespace": namespace, "name": name}});
    let same = |old: (&str, &str), new: (&str, &str)| {
        is_same(&object(old.0, old.1), &object(new.0, new.1))
    };
    assert!(same(("ns", "db"), ("ns", "db")));
    assert!(same(("ns", "db"), ("", "db")));
    assert!(!same(("ns", "db"), ("other", "db")));
    assert!(!same(("ns", "db"), ("ns", "db2")));
    assert!(!same(("", ""), ("", "")));
}

#[test]
fn a_finding_about_a_merged_value_stands_where_it_was_written() {
    let text = PLAIN
        .replace("kind: Aero", "x-shared: &shared\n  paused: 7\nkind: Aero")
        .replace("spec:\n", "spec:\n  <<: *shared\n");
    assert_eq!(
        brief(&opinion(&text, None)),
        ["2:1 SCHEMA-08 x-shared", "3:3 SCHEMA-01 spec.paused"]
    );
}

/// The line of a finding holds the key that it names, or of the nearest that is there the key or the item's beginning.
fn stands_at_its_key(text: &str, document: &Document, entry: &Entry) -> Result<(), TestCaseError> {
    let mut value = &document.value;
    let mut last = None;
    for step in entry.path.steps() {
        let inner = match step {
            Step::Name(name) => value.get(name),
            Step::Item { index, .. } => value.get(index),
        };
        match inner {
            Some(inner) => (value, last) = (inner, Some(step)),
            None => break,
        }
    }
    let line = usize::try_from(entry.at.line).unwrap() - 1;
    let column = usize::try_from(entry.at.column).unwrap() - 1;
    let rest: String = text
        .lines()
        .nth(line)
        .unwrap_or("")
        .chars()
        .skip(column)
        .collect();
    let fits = match last {
        Some(Step::Name(name)) => rest.trim_start_matches(['"', '\'']).starts_with(name),
        Some(Step::Item { .. }) => !rest.is_empty(),
        None => true,
    };
    prop_assert!(fits, "{} at {:?}: {rest:?}", entry.path, entry.at);
    Ok(())
}

fn samples() -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/samples");
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.map(|text| document(&text).value).collect()
}

/// Replaces one value somewhere in `value`, the one that `choice` points at.
fn damage(value: &mut Value, choice: usize, by: &Value) {
    let inner: Vec<&mut Value> = match value {
        Value::Object(members) => members.values_mut().collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    };
    let count = inner.len();
    match inner.into_iter().nth(choice % (count + 1)) {
        Some(inner) => damage(inner, choice / (count + 1), by),
        None => *value = by.clone(),
    }
}

fn bad_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("x")),
        Just(json!(-1)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"name": "a", "unknown": [1]})),
        Just(json!([{"name": "a"}, {"name": "a"}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_line_of_a_finding_holds_the_key_that_it_names(
        sample in 0..8_usize,
        damages in prop::collection::vec((1..usize::MAX, bad_value()), 1..4),
    ) {
        let mut object = samples().remove(sample);
        for (choice, by) in &damages {
            damage(&mut object["spec"], *choice, by);
        }
        let text = serde_saphyr::to_string(&object).unwrap();
        let document = document(&text);
        prop_assert_eq!(&document.value, &object);
        for entry in judge(&document, None, &Settings::default()).entries {
            stands_at_its_key(&text, &document, &entry)?;
        }
    }
}
