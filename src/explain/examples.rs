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
    /// What breaks the rule.
    pub bad: Value,
    /// What keeps it.
    #[serde(default)]
    pub good: Option<Value>,
}

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

/// The codes that have an example.
pub fn codes() -> impl Iterator<Item = &'static str> {
    EXAMPLES.keys().map(String::as_str)
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
            bad: json!({}),
            good: None,
        };
        assert_eq!(codes_of(&example.judge(&json!({}))), [""; 0]);
    }

    #[test]
    fn what_breaks_a_rule_breaks_it_and_what_keeps_it_is_accepted() {
        let mut wrong = Vec::new();
        for (code, example) in &*EXAMPLES {
            if !codes_of(&example.judge(&example.bad)).contains(&code.as_str()) {
                wrong.push(format!("{code}: the bad example does not break it"));
            }
            let good = example.good.as_ref().map(|good| example.judge(good));
            for entry in good.iter().flat_map(|opinion| &opinion.entries) {
                if entry.severity == Severity::Error || entry.code == code {
                    wrong.push(format!(
                        "{code}: of the good example is said: {}",
                        entry.code
                    ));
                }
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn every_example_is_one_of_a_rule_that_is_checked() {
        for code in codes() {
            let rule = table::rule(code).filter(|rule| rule.place != Place::Nowhere);
            assert!(rule.is_some(), "{code}");
        }
        let files: usize = AREAS.iter().map(|text| read(text).len()).sum();
        assert_eq!(files, codes().count(), "a code is in two files");
    }
}
