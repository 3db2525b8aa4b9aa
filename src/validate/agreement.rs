//! That `validate` says what the webhook says: asked by the tests of the rules about each of their cases.

use serde_json::Value;

use super::{
    engine::{Entry, judge},
    manifest::Document,
    places::Places,
};
use crate::{admission::Verdict, api::AerospikeCluster, finding::Finding, resolve::Settings};

/// Fails unless `validate` has the findings of `verdict` about `new` in the place of `old`, but for those where the schema
/// has spoken.
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
    let (schema, rules): (Vec<_>, Vec<_>) = opinion
        .entries
        .iter()
        .filter(|entry| entry.reason.is_some())
        .partition(|entry| entry.code.starts_with("CRD-") || entry.code.starts_with("SCHEMA-"));
    let is_told = |finding: &&Finding| schema.iter().any(|entry| entry.path == finding.path);
    let expected = verdict.findings.iter().filter(|finding| !is_told(finding));
    let mut expected: Vec<_> = expected.map(Finding::to_string).collect();
    let said = |entry: &&Entry| format!("{}: {} [{}]", entry.path, entry.message, entry.code);
    let mut said: Vec<_> = rules.iter().map(said).collect();
    expected.sort();
    said.sort();
    assert!(
        opinion.is_partial || said == expected,
        "validate: {said:#?}\nwebhook: {expected:#?}"
    );
}

fn json(cluster: &AerospikeCluster) -> Value {
    serde_json::to_value(cluster).expect("a cluster has a JSON form")
}
