//! Another configuration, which the servers are told while they run.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::foretold;
use super::healing::pods;
use super::samples::keys;
use super::servers;
use super::stage::{Stage, eventually};

/// Three servers, told one after the other.
const TOLD_WITHIN: Duration = Duration::from_mins(1);
const SERVICE: &str = "get-config:context=service";
const NAMESPACE: &str = "get-config:context=namespace;namespace=test";

/// What each server has in force, by the command that tells it.
type InForce<'a> = [(&'a str, &'a str, &'a str); 3];

/// A change of dynamic parameters restarts nothing, is in force on every server, and is in the file that a server reads
/// when it starts; taken back it leaves nothing.
///
/// # Errors
/// What was restarted, or is not in force.
pub fn a_dynamic_change_restarts_nothing(stage: &Stage) -> Result<()> {
    let mut object = stage.sample_object("dim_nostorage")?;
    object["spec"]["size"] = 3.into();
    object["spec"]["enableDynamicConfigUpdate"] = true.into();
    let before = object["spec"]["aerospikeConfig"].clone();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    let lives = pods(stage)?;

    let mut changed = before.clone();
    changed["service"]["proto-fd-max"] = 15_001.into();
    changed["namespaces"][0]["nsup-period"] = 120.into();
    changed["namespaces"][0]["default-ttl"] = 3_600.into();
    object["spec"]["aerospikeConfig"] = changed.clone();
    let told = foretold::actions(stage, &object)?;
    ensure!(told == foretold::each(3, "runTime"), "plan says {told:?}");
    change(stage, &changed)?;
    ensure_in_force(
        stage,
        &[
            (SERVICE, "proto-fd-max", "15001"),
            (NAMESPACE, "nsup-period", "120"),
            (NAMESPACE, "default-ttl", "3600"),
        ],
    )?;
    ensure_noted(stage, "default-ttl    3600")?;
    ensure!(pods(stage)? == lives, "a pod was restarted or made anew");

    change(stage, &before)?;
    ensure_in_force(
        stage,
        &[
            (SERVICE, "proto-fd-max", "15000"),
            (NAMESPACE, "nsup-period", "0"),
            (NAMESPACE, "default-ttl", "0"),
        ],
    )?;
    ensure!(pods(stage)? == lives, "a pod was restarted or made anew");
    Ok(())
}

fn change(stage: &Stage, config: &Value) -> Result<()> {
    // A merge would keep what is to go.
    let patch = json!({"spec": {"aerospikeConfig": with_nulls(config)}});
    stage.patch(&patch)?;
    eventually("the change is over", TOLD_WITHIN, || stage.ensure_ready(3))
}

/// `config`, with `null` for what the change may have added beside its lists.
fn with_nulls(config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(service) = config["service"].as_object_mut() {
        service.entry("proto-fd-max").or_insert(Value::Null);
    }
    config
}

fn ensure_in_force(stage: &Stage, expected: &InForce<'_>) -> Result<()> {
    let servers = servers::ask(stage, 3, &["statistics", SERVICE, NAMESPACE])?;
    ensure!(
        keys(&servers).len() == 1,
        "the servers do not form one cluster"
    );
    for (server, answers) in &servers {
        for (command, name, value) in expected {
            let answer = answers.get(*command).map_or("", String::as_str);
            let found = servers::pairs(answer).get(name).copied();
            ensure!(
                found == Some(*value),
                "{server} has {name} {found:?}, not {value}"
            );
        }
    }
    Ok(())
}

/// The line is in the file that each pod's own program wrote and printed, and no entry has anything left of the change.
fn ensure_noted(stage: &Stage, line: &str) -> Result<()> {
    let entries = stage.resource()?["status"]["pods"].clone();
    for (name, entry) in entries.as_object().context("status.pods is missing")? {
        let left = &entry["dynamicConfigParameters"];
        ensure!(
            left.as_array().is_none_or(Vec::is_empty),
            "{name} still has {left}"
        );
        let pod = stage.get(&["pod", name])?;
        let file = pod["metadata"]["annotations"]["aerospikeConf"].as_str();
        ensure!(
            file.is_some_and(|file| file.contains(line)),
            "{name} has another file: {file:?}"
        );
    }
    Ok(())
}
