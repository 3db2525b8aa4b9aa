//! Rules of `AerospikeCluster`, one file a part of the spec, each with a constant `AREA`.

pub mod access_control;
pub mod batches;
pub mod client_cert;
pub mod config;
pub mod config_change;
pub mod containers;
pub mod image;
pub mod mounts;
pub mod name;
pub mod namespaces;
pub mod network_policy;
pub mod operations;
pub mod pod_security;
pub mod pod_template;
pub mod pods;
pub mod racks;
pub mod replication_factor;
pub mod roster;
pub mod scheduling;
pub mod size;
pub mod storage;
pub mod syntax;
pub mod tls;
pub mod versions;

use crate::admission::rules::{Area, ChangeAdvice};

/// Every part that has rules.
pub const AREAS: &[Area] = &[
    name::AREA,
    size::AREA,
    operations::AREA,
    image::AREA,
    versions::AREA,
    racks::AREA,
    roster::AREA,
    storage::AREA,
    config::AREA,
    tls::AREA,
    namespaces::AREA,
    mounts::AREA,
    batches::AREA,
    access_control::AREA,
    client_cert::AREA,
    network_policy::AREA,
    pods::AREA,
    pod_security::AREA,
    containers::AREA,
    pod_template::AREA,
    scheduling::AREA,
    config_change::AREA,
    replication_factor::AREA,
];

/// What is unwise about a change.
pub const CHANGE_ADVICE: &[ChangeAdvice] =
    &[storage::shrinking_claims, versions::crossings_to_prepare];

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of the parts share: a small valid cluster, and what the rules say about a changed one.

    use std::sync::LazyLock;

    use serde_json::{Value, json};

    use crate::{
        admission::{Operation, Proposal, Verdict, answer, check},
        api::{AerospikeCluster, AerospikeClusterStatus, status::Mirror},
        finding::Finding,
        resolve::{Settings, effective},
        validate::agreement::assert_agreement,
    };

    static PLAIN: LazyLock<Value> = LazyLock::new(|| {
        let text = include_str!("../../tests/data/plain.yaml");
        serde_saphyr::from_str(text).unwrap()
    });

    /// A cluster that no rule objects to, with `spec` merged over it (`null` removes).
    pub fn cluster(spec: &Value) -> AerospikeCluster {
        let mut object = PLAIN.clone();
        json_patch::merge(&mut object, &json!({"spec": spec}));
        serde_json::from_value(object).unwrap()
    }

    /// Codes and places of what is wrong with a new cluster.
    pub fn created(cluster: &AerospikeCluster) -> Vec<String> {
        created_under(&Settings::default(), cluster)
    }

    /// Codes and places of what is wrong with a new cluster where the operator is installed with `settings`.
    pub fn created_under(settings: &Settings, cluster: &AerospikeCluster) -> Vec<String> {
        brief(judged(settings, cluster, None))
    }

    /// Codes and places of what is wrong with an update.
    pub fn updated(old: &AerospikeCluster, new: &AerospikeCluster) -> Vec<String> {
        brief(judged(&Settings::default(), new, Some(old)))
    }

    /// `cluster` with the status of one that runs `running`.
    pub fn while_running(
        running: &AerospikeCluster,
        cluster: &AerospikeCluster,
    ) -> AerospikeCluster {
        let spec = effective(running, &Settings::default()).spec;
        let status = AerospikeClusterStatus {
            mirror: Mirror::of(&spec),
            ..AerospikeClusterStatus::default()
        };
        AerospikeCluster {
            status: Some(status),
            ..cluster.clone()
        }
    }

    /// Codes and places of what the controller says about `cluster` before it rolls it out.
    pub fn before_roll_out(cluster: &AerospikeCluster) -> Vec<String> {
        let settings = Settings::default();
        let running = cluster.rolled_out();
        let proposal = Proposal::to_roll_out(cluster, running.as_ref(), &settings);
        brief(check(&proposal))
    }

    /// The whole text of what is wrong with a new cluster.
    pub fn text(cluster: &AerospikeCluster) -> String {
        written(&judged(&Settings::default(), cluster, None))
    }

    /// The whole text of what is wrong with an update.
    pub fn text_of_update(old: &AerospikeCluster, new: &AerospikeCluster) -> String {
        written(&judged(&Settings::default(), new, Some(old)))
    }

    fn written(verdict: &Verdict) -> String {
        let lines: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// Codes of the warnings about a new cluster.
    pub fn warned(cluster: &AerospikeCluster) -> Vec<&'static str> {
        let verdict = judged(&Settings::default(), cluster, None);
        verdict.warnings.iter().map(|w| w.code).collect()
    }

    fn judged(
        settings: &Settings,
        new: &AerospikeCluster,
        old: Option<&AerospikeCluster>,
    ) -> Verdict {
        let operation = match old {
            Some(_) => Operation::Update,
            None => Operation::Create,
        };
        let verdict = answer(&Proposal {
            operation,
            new,
            old,
            settings,
        });
        assert_agreement(settings, &verdict, new, old);
        verdict
    }

    fn brief(verdict: Verdict) -> Vec<String> {
        let brief = |finding: Finding| format!("{} {}", finding.code, finding.path);
        verdict.findings.into_iter().map(brief).collect()
    }

    #[test]
    fn the_plain_cluster_is_accepted_without_a_word() {
        let cluster = cluster(&json!({}));
        assert_eq!(created(&cluster), [""; 0]);
        assert_eq!(warned(&cluster), [""; 0]);
    }
}
