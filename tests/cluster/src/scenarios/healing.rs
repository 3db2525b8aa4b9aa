//! A cluster that runs: what others do to its objects is undone, and without a reason nothing is written.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::snapshot::{difference, name_of, normalised, owned};
use super::stage::{Stage, eventually, throughout};
use crate::demo::NAME;

const BACK_WITHIN: Duration = Duration::from_secs(10);
/// Longer than the operator waits between two looks at a settled cluster, which is 72 s at most.
const QUIET_FOR: Duration = Duration::from_secs(75);

/// Damage to objects is undone within seconds.
///
/// # Errors
/// What did not come back.
pub fn what_is_changed_comes_back(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let whole = normalised(stage)?;
    let pods = pods(stage)?;
    let empty_template = json!({"data": {"aerospike.template.conf": ""}}).to_string();
    let empty_label = json!({"metadata": {"labels": {"app": ""}}}).to_string();
    let rack = format!("{NAME}-0");
    let damages: [&[&str]; 6] = [
        &["delete", "service", NAME],
        &["delete", "service", &format!("{NAME}-0-1")],
        &[
            "patch",
            "configmap",
            &rack,
            "--type=merge",
            "-p",
            &empty_template,
        ],
        &["delete", "role", &format!("{NAME}-aerospike-pod")],
        &[
            "patch",
            "poddisruptionbudget",
            NAME,
            "--type=merge",
            "-p",
            &empty_label,
        ],
        &["delete", "serviceaccount", &format!("{NAME}-aerospike-pod")],
    ];
    for damage in damages {
        stage.text(damage)?;
        let what = format!("all is as before `kubectl {}`", damage[..3].join(" "));
        eventually(&what, BACK_WITHIN, || {
            match difference(&whole, &normalised(stage)?) {
                Some(difference) => bail!("{difference}"),
                None => Ok(()),
            }
        })?;
    }
    ensure!(
        self::pods(stage)? == pods,
        "pods were restarted or replaced"
    );
    stage.wait_until_ready(2)
}

/// Uid and restarts of each pod, by its name.
pub type Pods = BTreeMap<String, (String, i64)>;

/// Looks at the pods.
///
/// # Errors
/// What `kubectl` complained about.
pub fn pods(stage: &Stage) -> Result<Pods> {
    let pods = stage.list(&["pods"])?;
    let facts = pods.iter().map(|pod| {
        let statuses = |member: &str| {
            pod["status"][member]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let containers = [
            statuses("containerStatuses"),
            statuses("initContainerStatuses"),
        ]
        .concat();
        let restarts = containers
            .iter()
            .filter_map(|status| status["restartCount"].as_i64());
        let metadata = |member: &str| {
            pod["metadata"][member]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (metadata("name"), (metadata("uid"), restarts.sum()))
    });
    Ok(facts.collect())
}

/// What the status says the pod was restarted for last.
///
/// # Errors
/// What `kubectl` complained about.
pub fn reasons(stage: &Stage, pod: &str) -> Result<Value> {
    let status = &stage.resource()?["status"];
    Ok(status["pods"][pod]["lastRestart"]["reasons"].clone())
}

/// The operator only looks at a cluster that is as it should be.
///
/// # Errors
/// What was written.
pub fn a_settled_cluster_is_not_written_to(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let settled = eventually("two looks see the same", BACK_WITHIN, || {
        let (first, second) = (versions(stage)?, versions(stage)?);
        ensure!(first == second, "objects still change");
        Ok(first)
    })?;
    throughout(QUIET_FOR, || {
        let now = versions(stage)?;
        let changed = now
            .iter()
            .find(|(name, version)| settled.get(*name) != Some(version));
        if let Some((name, version)) = changed {
            bail!(
                "{name} was written: {:?}, then {version:?}",
                settled.get(name)
            );
        }
        ensure!(now.len() == settled.len(), "an object was deleted");
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    })
}

/// Version of each object, and who wrote it when.
type Versions = BTreeMap<String, (String, String)>;

fn versions(stage: &Stage) -> Result<Versions> {
    let mut objects = owned(stage)?;
    objects.extend(stage.list(&[
        "aerospikecluster,persistentvolumeclaim,pods,secrets,events",
        "--show-managed-fields",
    ])?);
    objects
        .iter()
        .map(|object| {
            let version = object["metadata"]["resourceVersion"].as_str();
            let version = version.context("an object without version")?.to_owned();
            Ok((name_of(object), (version, writers(object))))
        })
        .collect()
}

fn writers(object: &Value) -> String {
    let fields = object["metadata"]["managedFields"].as_array();
    let writers = fields.into_iter().flatten();
    let told = writers.map(|entry| format!("{} {}", entry["manager"], entry["time"]));
    told.collect::<Vec<_>>().join(", ")
}
