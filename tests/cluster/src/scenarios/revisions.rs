//! Racks that move to another revision while an application uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::foretold;
use super::in_use::racks;
use super::inventory::{Inventory, ensure_pods};
use super::roll_out::wait_until_ready;
use super::servers;
use super::stage::{Stage, eventually};
use super::strong;

/// The first pod comes before any goes.
const BEGUN_WITHIN: Duration = Duration::from_mins(1);

const WARNING: &str = "Warning: spec: 2 pods start, 2 pods are removed; partitions move [PLAN-03]";

/// One of two racks moves to larger claims, and back.
///
/// # Errors
/// What `plan` said otherwise, what was touched or left behind, a request that was refused, or a record that is lost.
pub fn a_rack_moves_to_other_storage(stage: &Stage) -> Result<()> {
    let before = sample(stage)?;
    stage.apply(&before.to_string())?;
    stage.wait_until_ready(4)?;
    let pods = Inventory::take(stage)?;
    let other_rack = pods.without(&["-1-0", "-1-1"]);
    let moved = moved(&before)?;
    is_served_throughout(stage, |_| {
        let told = foretold::actions(stage, &moved)?;
        let expected = actions(&["1-0", "1-1"], &["1-v2-0", "1-v2-1"]);
        ensure!(told == expected, "plan says {told:?}");
        foretold::apply_with_warning(stage, &moved, WARNING)?;
        wait_until_ready(stage, 4)?;
        ensure_racks(stage, &["1-v2", "2"])?;
        ensure_nodes(stage, &["1B0", "1B1", "2A0", "2A1"])?;
        other_rack.ensure_untouched(stage)?;

        stage.apply(&before.to_string())?;
        wait_until_ready(stage, 4)?;
        ensure_racks(stage, &["1", "2"])?;
        ensure_nodes(stage, &["1A0", "1A1", "2A0", "2A1"])?;
        other_rack.ensure_untouched(stage)
    })
}

/// Four pods in two racks.
fn sample(stage: &Stage) -> Result<Value> {
    let mut object = application::used(stage.sample_object("hdd_dim_storage")?)?;
    object["spec"]["size"] = 4.into();
    object["spec"]["rackConfig"] = racks(&["us-west1-a", "us-west1-b"]);
    Ok(object)
}

/// With other storage for the first rack, which takes another revision of it.
fn moved(object: &Value) -> Result<Value> {
    let mut moved = object.clone();
    let mut storage = object["spec"]["storage"].clone();
    let volumes = storage["volumes"].as_array_mut();
    let mut volumes = volumes.context("the sample has no volumes")?.iter_mut();
    let volume = volumes.find(|volume| volume["name"] == "ns");
    let volume = volume.context("the sample has no volume ns")?;
    volume["source"]["persistentVolume"]["size"] = "4Gi".into();
    let rack = &mut moved["spec"]["rackConfig"]["racks"][0];
    rack["revision"] = "v2".into();
    rack["storage"] = storage;
    Ok(moved)
}

fn actions(leave: &[&str], start: &[&str]) -> BTreeMap<String, String> {
    let stay = &["2-0", "2-1"][..];
    let all = [(leave, "remove"), (start, "start"), (stay, "none")];
    let named = all.into_iter().flat_map(|(pods, action)| {
        let name = move |pod: &&str| (format!("aerocluster-{pod}"), action.to_owned());
        pods.iter().map(name)
    });
    named.collect()
}

/// There are these racks with two pods each, and nothing is left of others.
fn ensure_racks(stage: &Stage, racks: &[&str]) -> Result<()> {
    let sets: BTreeSet<_> = racks.iter().map(|it| format!("aerocluster-{it}")).collect();
    let pods = sets
        .iter()
        .flat_map(|set| [0, 1].map(|it| format!("{set}-{it}")));
    let pods: Vec<_> = pods.collect();
    ensure_pods(stage, &pods.iter().map(String::as_str).collect::<Vec<_>>())?;
    for kind in ["statefulsets", "configmaps"] {
        let objects = stage.list(&[kind])?;
        let names = objects
            .iter()
            .filter_map(|it| it["metadata"]["name"].as_str());
        let names = names.filter(|name| name.starts_with("aerocluster-"));
        let found: BTreeSet<_> = names.map(str::to_owned).collect();
        ensure!(found == sets, "{kind}: {found:?} instead of {sets:?}");
    }
    Ok(())
}

/// One cluster of servers with these ids.
fn ensure_nodes(stage: &Stage, ids: &[&str]) -> Result<()> {
    let servers = servers::ask(stage, 4, &["node"])?;
    let found = servers.values().filter_map(|answers| answers.get("node"));
    let found: BTreeSet<_> = found.map(String::as_str).collect();
    ensure!(
        found == ids.iter().copied().collect(),
        "the servers are {found:?}"
    );
    Ok(())
}

/// The only rack of a strongly consistent cluster that has no more servers than copies moves, is taken back in the middle
/// of it, and moves after all.
///
/// # Errors
/// What was touched or left behind, a request that was refused, or a record that is lost.
pub fn a_move_is_taken_back(stage: &Stage) -> Result<()> {
    let mut object = strong::sample(stage)?;
    object["spec"]["size"] = 2.into();
    object["spec"]["rackConfig"] = json!({"namespaces": ["test"], "racks": [{"id": 1}]});
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(2)?;
    let before = Inventory::take(stage)?;
    is_served_throughout(stage, |_| {
        let revision = |revision: Value| {
            let racks = json!([{"id": 1, "revision": revision}]);
            stage.patch(&json!({"spec": {"rackConfig": {"racks": racks}}}))
        };
        revision("v2".into())?;
        stage.wait_for_condition("RackRevisionRollingOut", "MovingPods")?;
        let first = ["get", "pod", "aerocluster-1-v2-0", "-o", "name"];
        eventually("the first pod comes", BEGUN_WITHIN, || stage.text(&first))?;
        revision(Value::Null)?;
        wait_until_ready(stage, 2)?;
        ensure_pods(stage, &["aerocluster-1-0", "aerocluster-1-1"])?;
        before.without(&["-1-1"]).ensure_untouched(stage)?;
        revision("v2".into())?;
        wait_until_ready(stage, 2)?;
        ensure_pods(stage, &["aerocluster-1-v2-0", "aerocluster-1-v2-1"])
    })
}
