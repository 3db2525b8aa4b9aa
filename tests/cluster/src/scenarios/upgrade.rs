//! Another version of the server, pod by pod.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::foretold;
use super::healing::{pods, reasons};
use super::samples::keys;
use super::servers;
use super::stage::{Stage, eventually};

const IMAGE: &str = "aerospike/aerospike-server-enterprise";
/// Three pods, each stopped, started and filled again.
const UPGRADED_WITHIN: Duration = Duration::from_mins(5);

const WARNING: &str =
    "Warning: spec: 3 pods restart because of this change, batch by batch: image [PLAN-01]";

/// Three pods of 7.2 become three of 8.1, each made anew once, as it was told before.
///
/// # Errors
/// What went too far, or was left behind.
pub fn an_upgrade_restarts_each_pod_once(stage: &Stage) -> Result<()> {
    let mut object = stage.sample_object("dim_nostorage")?;
    object["spec"]["size"] = 3.into();
    object["spec"]["image"] = format!("{IMAGE}:7.2.0.0").into();
    // 7.2 does not know it.
    if let Some(service) = object["spec"]["aerospikeConfig"]["service"].as_object_mut() {
        service.remove("cgroup-mem-tracking");
    }
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    let before = pods(stage)?;

    object["spec"]["image"] = format!("{IMAGE}:8.1.2.0").into();
    let told = foretold::actions(stage, &object)?;
    ensure!(
        told == foretold::each(3, "podRestart"),
        "plan says {told:?}"
    );
    foretold::apply_with_warning(stage, &object, WARNING)?;
    let mut lives: BTreeSet<_> = before.values().map(|(uid, _)| uid.clone()).collect();
    eventually("the upgrade is over", UPGRADED_WITHIN, || {
        let seen = pods(stage)?.into_values();
        lives.extend(seen.map(|(uid, _)| uid));
        stage.ensure_ready(3)
    })?;

    let after = pods(stage)?;
    let kept = before
        .values()
        .find(|old| after.values().any(|new| new == *old));
    ensure!(kept.is_none(), "a pod was not made anew: {kept:?}");
    ensure!(
        lives.len() == 6,
        "there were {} pods instead of three before and three after",
        lives.len()
    );
    for pod in after.keys() {
        let told = reasons(stage, pod)?;
        ensure!(told == json!(["image"]), "{pod} says {told} of its restart");
    }
    ensure_whole(stage)
}

fn ensure_whole(stage: &Stage) -> Result<()> {
    let servers = servers::ask(stage, 3, &["build", "statistics", "namespace/test"])?;
    ensure!(
        keys(&servers).len() == 1,
        "the servers do not form one cluster"
    );
    for (name, answers) in &servers {
        let said = |command: &str| answers.get(command).map_or("", String::as_str);
        ensure!(
            said("build") == "8.1.2.0",
            "{name} is of version {}",
            said("build")
        );
        let quiesced =
            servers::pairs(said("namespace/test")).get("pending_quiesce") != Some(&"false");
        ensure!(!quiesced, "{name} is quiesced");
    }
    Ok(())
}
