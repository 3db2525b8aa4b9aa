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
pub mod pod_template;
pub mod pods;
pub mod racks;
pub mod replication_factor;
pub mod scheduling;
pub mod size;
pub mod storage;
pub mod syntax;
pub mod tls;

use crate::admission::rules::Area;

/// Every part that has rules.
pub const AREAS: &[Area] = &[
    name::AREA,
    size::AREA,
    operations::AREA,
    image::AREA,
    racks::AREA,
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
    containers::AREA,
    pod_template::AREA,
    scheduling::AREA,
    config_change::AREA,
    replication_factor::AREA,
];

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of the parts share: a small valid cluster, and what the rules say about a changed one.

    use serde_json::{Value, json};

    use crate::{
        admission::{Operation, Proposal, check},
        api::AerospikeCluster,
        resolve::Settings,
        validate::agreement::assert_agreement,
    };

    /// A cluster that no rule objects to, with `spec` merged over it (`null` removes).
    pub fn cluster(spec: &Value) -> AerospikeCluster {
        let mut object = json!({
            "apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
            "metadata": {"name": "db", "namespace": "ns"},
            "spec": {
                "size": 2, "image": "aerospike/aerospike-server-enterprise:8.1.2.0",
                "aerospikeConfig": {
                    "service": {}, "namespaces": [{"name": "test", "replication-factor": 2,
                        "storage-engine": {"type": "memory", "data-size": 1_073_741_824}}],
                    "network": {"service": {"port": 3000}, "heartbeat": {"port": 3002}, "fabric": {"port": 3001}},
                },
            },
        });
        json_patch::merge(&mut object, &json!({"spec": spec}));
        serde_json::from_value(object).unwrap()
    }

    /// Codes and places of what is wrong with a new cluster.
    pub fn created(cluster: &AerospikeCluster) -> Vec<String> {
        judged(Operation::Create, cluster, None)
    }

    /// Codes and places of what is wrong with an update.
    pub fn updated(old: &AerospikeCluster, new: &AerospikeCluster) -> Vec<String> {
        judged(Operation::Update, new, Some(old))
    }

    fn judged(
        operation: Operation,
        new: &AerospikeCluster,
        old: Option<&AerospikeCluster>,
    ) -> Vec<String> {
        let settings = Settings::default();
        let verdict = check(&Proposal {
            operation,
            new,
            old,
            settings: &settings,
        });
        assert_agreement(&verdict, new, old);
        let brief = |finding: crate::finding::Finding| format!("{} {}", finding.code, finding.path);
        verdict.findings.into_iter().map(brief).collect()
    }

    /// The whole text of what is wrong with a new cluster.
    pub fn text(cluster: &AerospikeCluster) -> String {
        let settings = Settings::default();
        let verdict = check(&Proposal {
            operation: Operation::Create,
            new: cluster,
            old: None,
            settings: &settings,
        });
        let lines: Vec<_> = verdict.findings.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// Codes of the warnings about a new cluster.
    pub fn warned(cluster: &AerospikeCluster) -> Vec<&'static str> {
        let settings = Settings::default();
        let verdict = check(&Proposal {
            operation: Operation::Create,
            new: cluster,
            old: None,
            settings: &settings,
        });
        verdict.warnings.iter().map(|w| w.code).collect()
    }

    #[test]
    fn the_plain_cluster_is_accepted_without_a_word() {
        let cluster = cluster(&json!({}));
        assert_eq!(created(&cluster), [""; 0]);
        assert_eq!(warned(&cluster), [""; 0]);
    }
}
