//! What breaks each rule and what keeps it, in `examples/`: one file an area, by code, each side a merge patch over
//! `examples/cluster.yaml`, a cluster that no rule objects to.

use std::{collections::BTreeMap, sync::LazyLock};

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    resolve::{PodPolicy, Settings},
    validate::{
        engine::{Opinion, judge},
        manifest::Document,
        places::Places,
    },
};

/// What breaks a rule and what keeps it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Example {
    /// The level of the Pod Security standard that the installation demands.
    #[serde(default)]
    pub pod_policy: Option<String>,
    /// What runs before, if the rule is about a change.
    #[serde(default)]
    pub old: Option<Value>,
    /// The code by which the schema refuses the bad side before the rule is asked.
    #[serde(default)]
    pub schema_code: Option<String>,
    /// What breaks the rule.
    pub bad: Value,
    /// What keeps it.
    pub good: Value,
}

const OF_PODS: &str = "There is none, because this is told of a cluster that runs: each edit of it is answered with what it does to the pods \
     in its status.";

/// Rules without an example, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("PLAN-01", OF_PODS),
    ("PLAN-02", OF_PODS),
    ("PLAN-03", OF_PODS),
    (
        "CRD-16",
        "There is none, because this is a part of the definition and refuses nothing: `kubectl scale` and autoscalers need it.",
    ),
    (
        "SCHEMA-04",
        "There is none, because each text and list whose length the definition bounds belongs to a part with a code of its own.",
    ),
    (
        "SCHEMA-05",
        "There is none, because each field that takes one of several words belongs to a part with a code of its own.",
    ),
    (
        "SIZE-01",
        "There is none, because it would be too long to read: racks times what is in force in each of them (configuration, \
         storage and scheduling) take more than 1 MiB, as 21 racks with a configuration of 50 KiB do.",
    ),
    (
        "SIZE-02",
        "There is none, because it would be too long to read: a spec that takes, with all that is in force in its racks, more \
         than 900 KiB less 1 KiB a pod, as 20 racks with 500 volumes do.",
    ),
    (
        "SIZE-03",
        "There is none, because it would be too long to read: a rack's configuration as the server reads it, with all that \
         belongs to it, takes more than its ConfigMap holds.",
    ),
    (
        "SIZE-04",
        "There is none, because it would be too long to read: 1501 sidecars, or 1501 init containers, are one too many.",
    ),
];

const CLUSTER: &str = include_str!("examples/cluster.yaml");
const AREAS: &[&str] = &[
    include_str!("examples/acl.yaml"),
    include_str!("examples/batch.yaml"),
    include_str!("examples/ce.yaml"),
    include_str!("examples/cert.yaml"),
    include_str!("examples/cfg.yaml"),
    include_str!("examples/crd.yaml"),
    include_str!("examples/def.yaml"),
    include_str!("examples/file.yaml"),
    include_str!("examples/img.yaml"),
    include_str!("examples/ini.yaml"),
    include_str!("examples/ios.yaml"),
    include_str!("examples/log.yaml"),
    include_str!("examples/meta.yaml"),
    include_str!("examples/np.yaml"),
    include_str!("examples/ns.yaml"),
    include_str!("examples/ops.yaml"),
    include_str!("examples/pdb.yaml"),
    include_str!("examples/pki.yaml"),
    include_str!("examples/pod.yaml"),
    include_str!("examples/pss.yaml"),
    include_str!("examples/rack.yaml"),
    include_str!("examples/res.yaml"),
    include_str!("examples/ros.yaml"),
    include_str!("examples/sch.yaml"),
    include_str!("examples/schema.yaml"),
    include_str!("examples/shape.yaml"),
    include_str!("examples/sto.yaml"),
    include_str!("examples/tls.yaml"),
    include_str!("examples/upd.yaml"),
    include_str!("examples/ver.yaml"),
    include_str!("examples/w.yaml"),
];

static BASE: LazyLock<Value> =
    LazyLock::new(|| serde_saphyr::from_str(CLUSTER).expect("the file is our own"));

static EXAMPLES: LazyLock<BTreeMap<String, Example>> = LazyLock::new(|| {
    let areas = AREAS.iter();
    areas.flat_map(|text| read(text)).collect()
});

fn read(text: &str) -> BTreeMap<String, Example> {
    serde_saphyr::from_str(text).expect("the file is our own")
}

/// The example of a rule.
#[must_use]
pub fn of(code: &str) -> Option<&'static Example> {
    EXAMPLES.get(code)
}

/// Why a rule has no example.
#[must_use]
pub fn why_none(code: &str) -> Option<&'static str> {
    let found = WITHOUT.iter().find(|(of, _)| *of == code);
    found.map(|(_, why)| *why)
}

impl Example {
    /// What is said about one side of it.
    #[must_use]
    pub fn judge(&self, side: &Value) -> Opinion {
        let document = Document {
            value: whole(side),
            places: Places::default(),
        };
        let level = self.pod_policy.as_deref();
        let level = level.and_then(|level| PodPolicy::from_str(level, true).ok());
        let settings = Settings {
            pod_policy: level.unwrap_or_default(),
            ..Settings::default()
        };
        judge(&document, self.old.as_ref().map(whole).as_ref(), &settings)
    }
}

/// The cluster that a side of an example stands for.
fn whole(patch: &Value) -> Value {
    let mut cluster = BASE.clone();
    json_patch::merge(&mut cluster, patch);
    cluster
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::{
        explain::table::{self, Place},
        validate::engine::Severity,
    };

    fn codes_of(opinion: &Opinion) -> Vec<&'static str> {
        opinion.entries.iter().map(|entry| entry.code).collect()
    }

    #[test]
    fn the_cluster_below_the_examples_is_accepted_without_a_word() {
        let example = Example {
            pod_policy: None,
            old: None,
            schema_code: None,
            bad: json!({}),
            good: json!({}),
        };
        assert_eq!(codes_of(&example.judge(&example.bad)), [""; 0]);
    }

    #[test]
    fn what_breaks_a_rule_breaks_it_and_what_keeps_it_is_accepted() {
        let mut wrong = Vec::new();
        for (code, example) in &*EXAMPLES {
            let expected = example.schema_code.as_deref().unwrap_or(code);
            let bad = codes_of(&example.judge(&example.bad));
            if !bad.contains(&expected) {
                wrong.push(format!("{code}: of the bad example is said: {bad:?}"));
            }
            if example
                .good
                .as_object()
                .is_none_or(serde_json::Map::is_empty)
            {
                wrong.push(format!("{code}: the good example shows nothing"));
            }
            for entry in example.judge(&example.good).entries {
                if entry.severity == Severity::Error || entry.code == code {
                    wrong.push(format!(
                        "{code}: of the good example is said: {}: {}",
                        entry.code, entry.message
                    ));
                }
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn what_the_schema_refuses_first_the_rule_does_not_tell() {
        for (code, example) in &*EXAMPLES {
            if let Some(schema) = &example.schema_code {
                let place = table::rule(schema).map(|rule| rule.place);
                assert_eq!(place, Some(Place::Schema), "{code}");
                let told = codes_of(&example.judge(&example.bad));
                assert!(!told.contains(&code.as_str()), "{code}: {told:?}");
            }
        }
    }

    #[test]
    fn every_rule_that_is_checked_has_an_example_or_says_why_it_has_none() {
        let shown = EXAMPLES.keys().map(String::as_str);
        let given: Vec<_> = shown.chain(WITHOUT.iter().map(|(code, _)| *code)).collect();
        let checked = table::rules().filter(|rule| rule.place != Place::Nowhere);
        let checked: BTreeSet<_> = checked.map(|rule| rule.code).collect();
        assert_eq!(given.iter().copied().collect::<BTreeSet<_>>(), checked);
        assert_eq!(given.len(), checked.len(), "a rule has both");
        let files: usize = AREAS.iter().map(|text| read(text).len()).sum();
        assert_eq!(files, EXAMPLES.len(), "a code is in two files");
    }
}
