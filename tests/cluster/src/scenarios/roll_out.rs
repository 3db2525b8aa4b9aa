//! Changes that are rolled out pod by pod: in which order, through what, and how they are taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::foretold;
use super::healing::{Pods, pods, reasons};
use super::in_use::racks;
use super::scaling::{kill_leaders, seed};
use super::servers;
use super::stage::{Stage, eventually, throughout};
use crate::install;

const IMAGE: &str = "aerospike/aerospike-server-enterprise";
/// Six pods at most, each drained, stopped, started and filled again.
const ROLLED_OUT_WITHIN: Duration = Duration::from_mins(8);
/// How long nothing may happen where nothing shall.
const QUIET_FOR: Duration = Duration::from_secs(8);

/// From 6.4 over 7.2 to 8.1 and a step back, with an application at work.
///
/// # Errors
/// A server of another version, a request that was refused, or a record that is lost.
pub fn versions_change_step_by_step(stage: &Stage) -> Result<()> {
    let mut object = application::used(stage.sample_object("hdd_dim_storage")?)?;
    object["spec"]["size"] = 3.into();
    let config = &mut object["spec"]["aerospikeConfig"];
    // 6.4 and 7.2 do not know it.
    if let Some(service) = config["service"].as_object_mut() {
        service.remove("cgroup-mem-tracking");
    }
    config["namespaces"][0]["storage-engine"]["type"] = "device".into();
    let mut oldest = object.clone();
    oldest["spec"]["image"] = format!("{IMAGE}:6.4.0.0").into();
    let namespace = &mut oldest["spec"]["aerospikeConfig"]["namespaces"][0];
    // 6.4 wants it, and 7.0 does not know it any more.
    namespace["memory-size"] = (1_u64 << 30).into();
    stage.apply(&oldest.to_string())?;
    stage.wait_until_ready(3)?;
    is_served_throughout(stage, |_| {
        for version in ["7.2.0.0", "8.1.2.0", "7.2.0.0"] {
            let before = pods(stage)?;
            object["spec"]["image"] = format!("{IMAGE}:{version}").into();
            stage.apply(&object.to_string())?;
            wait_until_ready(stage, 3)?;
            ensure_made_anew(&before, &pods(stage)?)?;
            ensure_version(stage, version).with_context(|| format!("after {version}"))?;
        }
        Ok(())
    })
}

fn ensure_version(stage: &Stage, version: &str) -> Result<()> {
    for (server, answers) in &servers::ask(stage, 3, &["build"])? {
        let build = answers.get("build").map_or("", String::as_str);
        ensure!(build == version, "{server} is of version {build}");
    }
    Ok(())
}

/// Six pods in three racks restart by two, never of two racks at once, with an application at work.
///
/// # Errors
/// Pods that were away together and must not be, a request that was refused, or a record that is lost.
pub fn batches_stay_within_a_rack(stage: &Stage) -> Result<()> {
    let mut object = application::sample(stage)?;
    object["spec"]["size"] = 6.into();
    object["spec"]["rackConfig"] = racks(&["us-west1-a", "us-west1-b", "us-west1-c"]);
    object["spec"]["rackConfig"]["rollingUpdateBatchSize"] = 2.into();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(6)?;
    let before = pods(stage)?;
    let mut seen = BTreeSet::new();
    is_served_throughout(stage, |_| {
        edit(stage)?;
        eventually("the change is rolled out", ROLLED_OUT_WITHIN, || {
            seen.insert(away(stage, &before)?);
            stage.ensure_ready(6)
        })
    })?;
    ensure_made_anew(&before, &pods(stage)?)?;
    for away in &seen {
        let racks = away.iter().filter_map(|pod| pod.rsplit_once('-'));
        let racks: BTreeSet<_> = racks.map(|(rack, _)| rack).collect();
        ensure!(
            racks.len() <= 1 && away.len() <= 2,
            "{away:?} were away together"
        );
    }
    let together = seen.iter().map(Vec::len).max();
    ensure!(
        together == Some(2),
        "so many were away together: {together:?}"
    );
    Ok(())
}

/// The pods that are not ready.
fn away(stage: &Stage, all: &Pods) -> Result<Vec<String>> {
    let seen = stage.list(&["pods"])?;
    let is_ready = |pod: &Value| {
        let conditions = pod["status"]["conditions"].as_array();
        let mut ready = conditions.into_iter().flatten();
        let ready = ready.any(|it| it["type"] == "Ready" && it["status"] == "True");
        ready && pod["metadata"]["deletionTimestamp"].is_null()
    };
    let ready = seen.iter().filter(|pod| is_ready(pod));
    let ready: BTreeSet<_> = ready
        .filter_map(|pod| pod["metadata"]["name"].as_str())
        .collect();
    let away = all.keys().filter(|name| !ready.contains(name.as_str()));
    Ok(away.cloned().collect())
}

/// An image that does not exist takes one pod, is told, and is taken back, with an application at work.
///
/// # Errors
/// What was told otherwise or touched, a request that was refused, or a record that is lost.
pub fn a_bad_image_is_taken_back(stage: &Stage) -> Result<()> {
    application::cluster_of(stage, 3)?;
    let before = pods(stage)?;
    let others = |name: &&String| name.as_str() != "aerocluster-0-2";
    let untouched = |now: &Pods| {
        let mut names = before.keys().filter(others);
        let touched = names.find(|name| now.get(*name) != before.get(*name));
        ensure!(touched.is_none(), "{touched:?} was touched");
        Ok(())
    };
    let image = stage.resource()?["spec"]["image"].clone();
    is_served_throughout(stage, |_| {
        stage.patch(&json!({"spec": {"image": format!("{IMAGE}:8.1.2.99")}}))?;
        let told = stage.wait_for_condition("Stalled", "PodFailed")?;
        ensure!(told.contains("aerocluster-0-2"), "it is told: {told}");
        throughout(QUIET_FOR, || untouched(&pods(stage)?))?;
        stage.patch(&json!({"spec": {"image": image}}))?;
        wait_until_ready(stage, 3)?;
        untouched(&pods(stage)?)
    })
}

/// The leading operator is deleted again and again while a change is rolled out: each pod is made anew once.
///
/// # Errors
/// A pod that was made anew more often or not at all, a request that was refused, or a record that is lost.
pub fn a_roll_out_survives_the_operators_death(stage: &Stage) -> Result<()> {
    application::cluster_of(stage, 3)?;
    let before = pods(stage)?;
    let mut lives: BTreeSet<_> = before.values().map(|(uid, _)| uid.clone()).collect();
    let seed = seed();
    is_served_throughout(stage, |_| {
        edit(stage)?;
        kill_leaders(&stage.cluster, seed)?;
        eventually("the change is rolled out", ROLLED_OUT_WITHIN, || {
            lives.extend(pods(stage)?.into_values().map(|(uid, _)| uid));
            stage.ensure_ready(3)
        })
    })
    .with_context(|| format!("SCENARIO_SEED={seed}"))?;
    ensure_made_anew(&before, &pods(stage)?)?;
    ensure!(lives.len() == 6, "there were {} pods in all", lives.len());
    install::wait_for_operator(&stage.cluster)
}

/// A Secret that pods get to see takes each of them once, and once more when it is taken away, with an application at work.
///
/// # Errors
/// A pod that was not made anew or not for that, a request that was refused, or a record that is lost.
pub fn volumes_come_and_go(stage: &Stage) -> Result<()> {
    let plain = application::sample(stage)?;
    let mut more = plain.clone();
    let volumes = more["spec"]["storage"]["volumes"].as_array_mut();
    let secret = json!({"secret": {"secretName": "auth-secret"}});
    let volume = json!({"name": "keys", "source": secret, "aerospike": {"path": "/etc/keys"}});
    volumes.context("the sample has no volumes")?.push(volume);
    stage.apply(&plain.to_string())?;
    stage.wait_until_ready(2)?;
    is_served_throughout(stage, |_| {
        for edited in [&more, &plain] {
            let before = pods(stage)?;
            let told = foretold::actions(stage, edited)?;
            ensure!(
                told == foretold::each(2, "podRestart"),
                "plan says {told:?}"
            );
            foretold::apply_with_warning(stage, edited, "batch by batch: volumes [PLAN-01]")?;
            wait_until_ready(stage, 2)?;
            let after = pods(stage)?;
            ensure_made_anew(&before, &after)?;
            for pod in after.keys() {
                let told = reasons(stage, pod)?;
                ensure!(told == json!(["volumes"]), "{pod} says {told}");
                ensure_sees(stage, pod, edited == &more)?;
            }
        }
        Ok(())
    })
}

/// The server of a pod has the folder of the volume `keys`, or has not.
fn ensure_sees(stage: &Stage, pod: &str, expected: bool) -> Result<()> {
    let mounts = "jsonpath={.spec.containers[0].volumeMounts[*].mountPath}";
    let mounts = stage.text(&["get", "pod", pod, "-o", mounts])?;
    let sees = mounts.split(' ').any(|path| path == "/etc/keys");
    ensure!(sees == expected, "{pod} has mounts at {mounts}");
    Ok(())
}

/// A cluster that is paused is told as such and left as it is, and goes on when it is not any more.
///
/// # Errors
/// What was done or told otherwise.
pub fn a_paused_cluster_is_left_alone(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let before = pods(stage)?;
    stage.patch(&json!({"spec": {"paused": true}}))?;
    stage.wait_for_condition("Paused", "PausedByUser")?;
    stage.patch(&json!({"spec": {"size": 3}}))?;
    edit(stage)?;
    throughout(QUIET_FOR, || {
        ensure!(pods(stage)? == before, "pods come or go");
        Ok(())
    })?;
    stage.patch(&json!({"spec": {"paused": false}}))?;
    wait_until_ready(stage, 3)?;
    ensure_made_anew(&before, &pods(stage)?)
}

/// Something that takes each pod.
///
/// # Errors
/// If it is refused.
pub fn edit(stage: &Stage) -> Result<()> {
    let label = json!({"labels": {"edit": "1"}});
    let patch = json!({"spec": {"podSpec": {"metadata": label}}});
    stage.patch(&patch).map(drop)
}

/// Waits until a change is rolled out to `size` pods, however long the restarts take.
///
/// # Errors
/// What is missing.
pub fn wait_until_ready(stage: &Stage, size: usize) -> Result<()> {
    eventually("the change is rolled out", ROLLED_OUT_WITHIN, || {
        stage.ensure_ready(size)
    })
}

/// Looks that every pod is another one.
///
/// # Errors
/// The first that is not.
pub fn ensure_made_anew(before: &Pods, after: &Pods) -> Result<()> {
    let mut pods = before.iter();
    let kept = pods.find(|(name, old)| after.get(*name) == Some(*old));
    ensure!(kept.is_none(), "{kept:?} was not made anew");
    Ok(())
}
