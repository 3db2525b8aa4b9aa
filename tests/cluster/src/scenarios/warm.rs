//! Servers that are started anew in their pods.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::foretold;
use super::healing::{pods, reasons};
use super::servers;
use super::stage::{Stage, eventually};

/// Three servers, each drained, ended, started and filled again.
const RESTARTED_WITHIN: Duration = Duration::from_mins(5);
/// More connections than any machine lets a process have files: no rule refuses it, and no server starts with it.
const MORE_THAN_FILES: u32 = 2_000_000_000;
const SERVICE: &str = "get-config:context=service";
const WARNING: &str = "Warning: spec: 3 pods restart their servers because of this change, batch by batch: configuration [PLAN-01]";

/// Another configuration takes the servers and leaves the pods, while an application uses them; so does an operation.
///
/// # Errors
/// What was made anew or not restarted, a request that was refused, or a record that is lost.
pub fn another_configuration_leaves_the_pods(stage: &Stage) -> Result<()> {
    let mut object = application::sample(stage)?;
    object["spec"]["size"] = 3.into();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    let before = pods(stage)?;
    is_served_throughout(stage, |_| {
        object["spec"]["aerospikeConfig"]["service"]["proto-fd-max"] = 15_001.into();
        let told = foretold::actions(stage, &object)?;
        ensure!(
            told == foretold::each(3, "warmRestart"),
            "plan says {told:?}"
        );
        foretold::apply_with_warning(stage, &object, WARNING)?;
        wait_until_ready(stage)?;
        ensure_restarted(stage, &json!(["configuration"]), "15001")?;
        ensure!(pods(stage)? == before, "pods were restarted or made anew");

        let operations = json!([{"kind": "WarmRestart", "id": "again"}]);
        stage.patch(&json!({"spec": {"operations": operations}}))?;
        wait_until_ready(stage)?;
        ensure_restarted(stage, &json!(["operation again"]), "15001")?;
        let told = stage.resource()?["status"]["operations"].clone();
        ensure!(told == operations, "the status tells {told} as done");
        ensure!(pods(stage)? == before, "pods were restarted or made anew");
        Ok(())
    })
}

/// A configuration with which no server starts stops the roll-out at the first one, with the reason, and is taken back.
///
/// # Errors
/// What was told otherwise, touched, or not healed.
pub fn a_configuration_that_no_server_takes_is_taken_back(stage: &Stage) -> Result<()> {
    stage.cluster_of(3)?;
    let before = pods(stage)?;
    let connections = |most: Value| {
        let config = json!({"service": {"proto-fd-max": most}});
        let patch = json!({"spec": {"aerospikeConfig": config}});
        stage.patch(&patch).map(drop)
    };
    connections(MORE_THAN_FILES.into())?;
    let told = stage.wait_for_condition("Stalled", "PodFailed")?;
    ensure!(told.contains("aerocluster-0-2"), "it is told: {told}");
    let others = |name: &&String| name.as_str() != "aerocluster-0-2";
    let now = pods(stage)?;
    for name in before.keys().filter(others) {
        ensure!(now.get(name) == before.get(name), "{name} was touched");
    }

    connections(Value::Null)?;
    wait_until_ready(stage)?;
    let after = pods(stage)?;
    for name in before.keys().filter(others) {
        ensure!(after.get(name) == before.get(name), "{name} was touched");
    }
    let reasons = reasons(stage, "aerocluster-0-2")?;
    ensure!(reasons == json!(["configuration"]), "it says {reasons}");
    Ok(())
}

fn wait_until_ready(stage: &Stage) -> Result<()> {
    eventually("the servers are back", RESTARTED_WITHIN, || {
        stage.ensure_ready(3)
    })
}

/// Each server has so many connections in force, and each entry says why it was restarted in its pod.
fn ensure_restarted(stage: &Stage, why: &Value, connections: &str) -> Result<()> {
    for (server, answers) in &servers::ask(stage, 3, &[SERVICE])? {
        let answer = answers.get(SERVICE).map_or("", String::as_str);
        let found = servers::pairs(answer).get("proto-fd-max").copied();
        ensure!(found == Some(connections), "{server} has {found:?}");
    }
    let entries = stage.resource()?["status"]["pods"].clone();
    for (name, entry) in entries.as_object().context("status.pods is missing")? {
        let restart = &entry["lastRestart"];
        let is_done = restart["reasons"] == *why && restart["warmRestart"] == "Done";
        ensure!(is_done, "{name} says {restart}");
    }
    Ok(())
}
