//! Where a person has to act: it is said what is in the way, and it goes on by itself afterwards.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::stage::{Stage, eventually, throughout};
use crate::demo::{self, NAME};

/// A password's Secret is made only after the cluster.
///
/// # Errors
/// What was not told, or did not heal.
pub fn a_missing_secret_is_named(stage: &Stage) -> Result<()> {
    let secret = stage.get(&["secret", "auth-secret"])?;
    stage.text(&["delete", "secret", "auth-secret"])?;
    stage.apply(&stage.sample("dim_nostorage")?)?;
    let message = stage.wait_for_condition("Stalled", "SecretMissing")?;
    ensure!(
        message.contains("auth-secret"),
        "the Secret is not named: {message}"
    );
    let made = json!({"apiVersion": "v1", "kind": "Secret", "data": secret["data"],
        "metadata": {"name": "auth-secret", "namespace": stage.namespace}});
    stage.apply(&made.to_string())?;
    stage.wait_until_ready(2)
}

/// Somebody has a service of the cluster's name.
///
/// # Errors
/// What was not told, was touched, or did not heal.
pub fn a_foreign_service_is_named(stage: &Stage) -> Result<()> {
    let foreign = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": NAME, "namespace": stage.namespace, "labels": {"mine": "true"}},
        "spec": {"selector": {"app": "mine"}, "ports": [{"port": 80}]}});
    stage.apply(&foreign.to_string())?;
    let before = stage.get(&["service", NAME])?;
    stage.apply(&stage.sample("dim_nostorage")?)?;
    let message = stage.wait_for_condition("Stalled", "ForeignObject")?;
    ensure!(
        message.contains(&format!("Service {NAME}")),
        "the Service is not named: {message}"
    );
    ensure!(
        stage.get(&["service", NAME])? == before,
        "the foreign Service was changed"
    );
    stage.text(&["delete", "service", NAME])?;
    stage.wait_until_ready(2)
}

/// A status as the Go operator leaves it: a mirror of the spec without a generation.
///
/// # Errors
/// What was done to it.
pub fn a_cluster_of_another_operator_is_not_touched(stage: &Stage) -> Result<()> {
    let mut object = stage.sample_object("dim_nostorage")?;
    object["spec"]["paused"] = true.into();
    stage.apply(&object.to_string())?;
    eventually("the pause is seen", Duration::from_secs(20), || {
        let seen = stage.resource()?;
        let paused =
            demo::condition(&seen, "Paused").is_some_and(|paused| paused["status"] == "True");
        ensure!(paused, "it is not");
        Ok(())
    })?;
    let theirs = json!({"status": {
        "aerospikeConfig": object["spec"]["aerospikeConfig"], "size": 2, "phase": "Completed",
        "image": object["spec"]["image"], "observedGeneration": null, "conditions": null}});
    let theirs = theirs.to_string();
    stage.text(&[
        "patch",
        "aerospikecluster",
        NAME,
        "--subresource=status",
        "--type=merge",
        "-p",
        &theirs,
    ])?;
    let message = stage.wait_for_condition("Stalled", "AdoptionRequired")?;
    ensure!(
        message.contains("stop the old operator"),
        "the message names no next step: {message}"
    );
    stage.patch(&json!({"spec": {"paused": false}}))?;
    throughout(Duration::from_secs(10), || ensure_untouched(stage))?;
    let message = stage.wait_for_condition("Stalled", "AdoptionRequired")?;
    ensure!(!message.is_empty(), "nothing is told");
    Ok(())
}

fn ensure_untouched(stage: &Stage) -> Result<()> {
    let made = stage.text(&[
        "get",
        "statefulset,service,role,poddisruptionbudget",
        "-o",
        "name",
    ])?;
    ensure!(
        made.is_empty(),
        "the operator made {}",
        made.replace('\n', ", ")
    );
    let finalizers = stage.resource()?["metadata"]["finalizers"].clone();
    ensure!(
        finalizers.is_null(),
        "the operator set finalizers: {finalizers}"
    );
    Ok(())
}
