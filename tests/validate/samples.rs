//! Every sample, broken in ways in which people break manifests: something is told, and where it is told stands what it
//! names.

use aerospike_operator::{
    finding::Step,
    resolve::Settings,
    validate::{
        engine::{Entry, Severity, judge},
        manifest::{self, Document},
    },
};

use super::texts;

/// What is done to a text: what stands there, and what is put in its place.
const BREAKAGES: [(&str, &str); 14] = [
    ("\n  size: ", "\n  size: 300 # "),
    ("\n  size: ", "\n  size: two # "),
    ("\n  size: ", "\n  sise: "),
    ("\n  storage:", "\n  storge:"),
    ("\n  aerospikeConfig:", "\naerospikeConfig:"),
    (
        "aerospike-server-enterprise:",
        "aerospike-server-enterprise:5.",
    ),
    ("\n  image: ", "\n  image: x # "),
    ("asdb.aerospike.com/v1", "asdb.aerospike.com/v1beta1"),
    ("kind: AerospikeCluster", "kind: Aerospikecluster"),
    ("metadata:\n  name: ", "metadata:\n  name: _"),
    ("replication-factor: ", "replication-factor: 30"),
    ("    namespaces:\n", "    namespaces:\n      - 7\n"),
    ("feature-key-file: ", "feature-key-fyle: "),
    (
        "      service:\n",
        "      service:\n        advertise-ipv7: true\n",
    ),
];

/// The sample's text in another notation of the same.
fn notations(text: &str) -> [String; 3] {
    let windows = text.replace('\n', "\r\n");
    let second = format!("# first\nkind: Service\n---\n# größe\n{text}");
    [text.to_owned(), windows, second]
}

fn broken(text: &str) -> Vec<Document> {
    let documents = manifest::read(text).unwrap_or_default();
    let documents = documents.into_iter();
    documents
        .filter(|document| document.value["kind"] != "Service")
        .collect()
}

/// Fails unless the line of `entry` holds the key that it names, or of the nearest that is there.
fn assert_place(text: &str, document: &Document, entry: &Entry) {
    let (mut value, mut last) = (&document.value, None);
    for step in entry.path.steps() {
        let inner = match step {
            Step::Name(name) => value.get(name),
            Step::Item { index, .. } => value.get(index),
        };
        let Some(inner) = inner else { break };
        (value, last) = (inner, step.name());
    }
    let line = usize::try_from(entry.at.line).unwrap() - 1;
    let column = usize::try_from(entry.at.column).unwrap() - 1;
    let line = text.lines().nth(line).unwrap();
    let rest: String = line.chars().skip(column).collect();
    let fits = last.is_none_or(|name| rest.trim_start_matches(['"', '\'']).starts_with(name));
    assert!(fits, "{} at {:?}: {line}", entry.path, entry.at);
}

#[test]
fn every_break_is_told_where_it_was_made() {
    for (name, sample) in texts("samples", ".yaml") {
        let mut told = 0;
        for (from, to) in BREAKAGES {
            if !sample.contains(from) {
                continue;
            }
            for text in notations(&sample.replace(from, to)) {
                let documents = broken(&text);
                let entries = documents.iter().map(|document| {
                    let entries = judge(document, None, &Settings::default()).entries;
                    for entry in &entries {
                        assert_place(&text, document, entry);
                    }
                    entries
                });
                let entries: Vec<_> = entries.flatten().collect();
                let is_refused = entries
                    .iter()
                    .any(|entry| entry.severity == Severity::Error);
                assert!(is_refused, "{name}: {to:?} passes");
            }
            told += 1;
        }
        assert!(told >= 10, "{name}: only {told} breakages fit");
    }
}
