//! The samples, as users have them, run with the configuration that they name.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::servers::{self, Answers, pairs};
use super::stage::Stage;
use crate::demo::{self, NAME};

const SERVICE: &str = "get-config:context=service";
const NETWORK: &str = "get-config:context=network";
const SECURITY: &str = "get-config:context=security";
const NAMESPACE: &str = "get-config:context=namespace;namespace=test";
const STATISTICS: &str = "statistics";
const COMMANDS: [&str; 5] = [SERVICE, NETWORK, SECURITY, NAMESPACE, STATISTICS];

/// What every server must answer, by command.
type Expected = &'static [(&'static str, &'static [(&'static str, &'static str)])];

const BOTH: Expected = &[
    (
        SERVICE,
        &[
            ("cluster-name", NAME),
            ("cgroup-mem-tracking", "true"),
            ("feature-key-file[0]", "/etc/aerospike/secret/features.conf"),
        ],
    ),
    (
        NETWORK,
        &[
            ("service.port", "3000"),
            ("fabric.port", "3001"),
            ("heartbeat.port", "3002"),
            ("heartbeat.mode", "mesh"),
        ],
    ),
    (
        NAMESPACE,
        &[("replication-factor", "2"), ("storage-engine", "memory")],
    ),
    (STATISTICS, &[("cluster_size", "2")]),
];
const DIM_NOSTORAGE: Expected = &[(NAMESPACE, &[("storage-engine.data-size", "1073741824")])];
const HDD_DIM_STORAGE: Expected = &[(
    NAMESPACE,
    &[
        ("storage-engine.file[0]", "/opt/aerospike/data/test.dat"),
        ("storage-engine.filesize", "2000000000"),
    ],
)];

/// The sample `dim_nostorage`.
///
/// # Errors
/// What is not as it should be.
pub fn dim_nostorage_runs(stage: &Stage) -> Result<()> {
    runs(stage, "dim_nostorage", DIM_NOSTORAGE, false)
}

/// The sample `hdd_dim_storage`, to which its users may write.
///
/// # Errors
/// What is not as it should be.
pub fn hdd_dim_storage_runs(stage: &Stage) -> Result<()> {
    runs(stage, "hdd_dim_storage", HDD_DIM_STORAGE, true)
}

fn runs(stage: &Stage, sample: &str, own: Expected, write: bool) -> Result<()> {
    stage.apply(&stage.sample(sample)?)?;
    stage.wait_until_ready(2)?;
    let servers = servers::ask(stage, 2, &COMMANDS)?;
    let places = places(stage)?;
    for (pod, place) in &places {
        let answers = servers.get(&place.endpoint()).with_context(|| {
            let seen = servers.keys();
            format!(
                "pod {pod} should be found at {}, clients see {seen:?}",
                place.endpoint()
            )
        })?;
        ensure_answers(answers, BOTH)
            .and_then(|()| ensure_answers(answers, own))
            .and_then(|()| place.ensure_advertised(answers))
            .with_context(|| format!("pod {pod}"))?;
    }
    ensure!(
        keys(&servers).len() == 1,
        "the servers have more than one cluster key"
    );
    servers::ensure_strangers_are_refused(stage)?;
    demo::check(&stage.cluster, &stage.namespace, write).map(drop)
}

fn ensure_answers(answers: &Answers, expected: Expected) -> Result<()> {
    for (command, values) in expected {
        let answer = answers.get(*command).map_or("", String::as_str);
        let told = pairs(answer);
        for (name, value) in *values {
            ensure!(
                told.get(name) == Some(value),
                "{command}: {name} should be {value}; the answer is {answer}"
            );
        }
    }
    Ok(())
}

/// The different cluster keys of servers that were asked for their statistics.
pub fn keys(servers: &BTreeMap<String, Answers>) -> std::collections::BTreeSet<&str> {
    let statistics = servers
        .values()
        .filter_map(|answers| answers.get(STATISTICS));
    statistics
        .filter_map(|answer| pairs(answer).get("cluster_key").copied())
        .collect()
}

/// Where Kubernetes put a pod.
struct Place {
    address: String,
    port: String,
}

impl Place {
    fn endpoint(&self) -> String {
        format!("{}:{}", self.address, self.port)
    }

    fn ensure_advertised(&self, answers: &Answers) -> Result<()> {
        let network = answers.get(NETWORK).map_or("", String::as_str);
        let told = pairs(network);
        for (name, value) in [
            ("service.access-address", &self.address),
            ("service.access-port", &self.port),
            ("service.alternate-access-address", &self.address),
            ("service.alternate-access-port", &self.port),
        ] {
            ensure!(
                told.get(name) == Some(&value.as_str()),
                "{name} should be {value}; the answer is {network}"
            );
        }
        Ok(())
    }
}

/// The node's address and the node port of every pod.
fn places(stage: &Stage) -> Result<BTreeMap<String, Place>> {
    let pods = stage.list(&["pods", "-l", &format!("aerospike.com/cr={NAME}")])?;
    ensure!(
        pods.len() == 2,
        "there are {} pods instead of 2",
        pods.len()
    );
    pods.iter().map(|pod| place(stage, pod)).collect()
}

fn place(stage: &Stage, pod: &Value) -> Result<(String, Place)> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let service = stage.get(&["service", name])?;
    let place = Place {
        address: pod["status"]["hostIP"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        port: service["spec"]["ports"][0]["nodePort"].to_string(),
    };
    Ok((name.to_owned(), place))
}
