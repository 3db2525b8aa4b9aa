//! That `validate` says what the webhook says: asked by the tests of the rules about each of their cases.

use serde_json::Value;

use super::{
    engine::{Entry, judge},
    manifest::Document,
    places::Places,
};
use crate::{
    admission::Verdict,
    api::AerospikeCluster,
    explain::table::{self, Place},
    finding::Finding,
    resolve::Settings,
};

/// Fails unless `validate` has the findings and warnings of `verdict` about `new` in the place of `old`, but for the places
/// where the schema has spoken. Not asked are updates that change nothing, and new objects with a status: the API server
/// keeps both from the rules.
pub fn assert_agreement(
    settings: &Settings,
    verdict: &Verdict,
    new: &AerospikeCluster,
    old: Option<&AerospikeCluster>,
) {
    if old.is_none_or(|old| old.spec == new.spec) && (old.is_some() || new.status.is_some()) {
        return;
    }
    let old = old.map(|old| AerospikeCluster {
        status: new.status.clone().or_else(|| old.status.clone()),
        ..old.clone()
    });
    let old = old.as_ref().map(json);
    let document = Document {
        value: json(new),
        places: Places::default(),
    };
    let opinion = judge(&document, old.as_ref(), settings);
    let (schema, rules): (Vec<_>, Vec<_>) =
        opinion.entries.iter().partition(|entry| is_schemas(entry));
    let is_told = |finding: &&Finding| schema.iter().any(|entry| entry.path == finding.path);
    let findings = verdict.findings.iter().filter(|finding| !is_told(finding));
    let warnings = verdict.warnings.iter().map(ToString::to_string);
    let mut expected: Vec<_> = findings.map(ToString::to_string).chain(warnings).collect();
    let said = |entry: &&Entry| format!("{}: {} [{}]", entry.path, entry.message, entry.code);
    let mut said: Vec<_> = rules.iter().map(said).collect();
    expected.sort();
    said.sort();
    assert_eq!(said, expected, "what validate says, and what the webhook");
}

fn is_schemas(entry: &Entry) -> bool {
    let rule = table::rule(entry.code).expect("each entry is a rule's");
    rule.place == Place::Schema
}

fn json(cluster: &AerospikeCluster) -> Value {
    serde_json::to_value(cluster).expect("a cluster has a JSON form")
}
