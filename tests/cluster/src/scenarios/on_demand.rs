//! Restarts that the user asks for, whatever the pods run.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::healing::{Pods, pods, reasons};
use super::stage::{Stage, eventually};

/// Two pods at most, each drained, stopped, started and filled again.
const RESTARTED_WITHIN: Duration = Duration::from_mins(5);

/// An operation makes the pods anew that it lists, and no other; it is told as done, and not done again.
///
/// # Errors
/// What was restarted, left or told otherwise.
pub fn an_operation_restarts_its_pods(stage: &Stage) -> Result<()> {
    stage.cluster_of(3)?;
    let before = pods(stage)?;
    let listed = ["aerocluster-0-2", "aerocluster-0-0"];
    let operations = json!([{"kind": "PodRestart", "id": "both", "podList": listed}]);
    stage.patch(&json!({"spec": {"operations": operations}}))?;
    wait_until_ready(stage)?;
    let status = stage.resource()?["status"].clone();
    ensure!(
        status["operations"] == operations,
        "{}",
        status["operations"]
    );
    ensure!(status["operationInProgress"].is_null(), "it goes on");
    let after = pods(stage)?;
    let made_anew = made_anew(&before, &after);
    ensure!(
        made_anew == ["aerocluster-0-0", "aerocluster-0-2"],
        "{made_anew:?}"
    );
    let told = reasons(stage, "aerocluster-0-0")?;
    ensure!(told == json!(["operation both"]), "it says {told}");

    stage.patch(&json!({"spec": {"operations": Value::Null}}))?;
    wait_until_ready(stage)?;
    ensure!(pods(stage)? == after, "pods were made anew once more");
    Ok(())
}

/// The pods of a node that is blocked go to others, and come back to none when it is not any more.
///
/// # Errors
/// What stayed there, or was restarted without need.
pub fn pods_leave_a_blocked_node(stage: &Stage) -> Result<()> {
    stage.cluster_of(3)?;
    let before = pods(stage)?;
    let node = node_of(stage, "aerocluster-0-1")?;
    let mut there = Vec::new();
    for name in before.keys() {
        if node_of(stage, name)? == node {
            there.push(name.as_str());
        }
    }
    stage.patch(&json!({"spec": {"k8sNodeBlockList": [node]}}))?;
    wait_until_ready(stage)?;
    let after = pods(stage)?;
    let made_anew = made_anew(&before, &after);
    ensure!(made_anew == there, "{made_anew:?} instead of {there:?}");
    for name in after.keys() {
        ensure!(node_of(stage, name)? != node, "{name} is still on {node}");
    }

    stage.patch(&json!({"spec": {"k8sNodeBlockList": Value::Null}}))?;
    wait_until_ready(stage)?;
    ensure!(pods(stage)? == after, "pods were made anew without need");
    Ok(())
}

fn wait_until_ready(stage: &Stage) -> Result<()> {
    eventually("the pods are back", RESTARTED_WITHIN, || {
        stage.ensure_ready(3)
    })
}

fn made_anew<'a>(before: &'a Pods, after: &Pods) -> Vec<&'a str> {
    let changed = before.iter().filter(|(name, (uid, _))| {
        let now = after.get(*name).map(|(uid, _)| uid);
        now != Some(uid)
    });
    changed.map(|(name, _)| name.as_str()).collect()
}

/// The node of a pod; empty if it has none.
///
/// # Errors
/// What `kubectl` complained about.
pub fn node_of(stage: &Stage, pod: &str) -> Result<String> {
    let pod = stage.get(&["pod", pod])?;
    Ok(pod["spec"]["nodeName"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}
