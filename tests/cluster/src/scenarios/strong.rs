//! Strongly consistent namespaces, which the nodes on their rosters hold and no others.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::foretold;
use super::healing::pods;
use super::roll_out::{edit, ensure_made_anew, wait_until_ready};
use super::servers;
use super::stage::Stage;

const ROSTER: &str = "roster:namespace=test";

/// New nodes come on the roster, each is restarted, and those that go leave it before, while an application uses them.
///
/// # Errors
/// Another roster, a pod that was not restarted, a request that was refused, or a record that is lost.
pub fn rosters_follow_the_nodes(stage: &Stage) -> Result<()> {
    let mut object = sample(stage)?;
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    ensure_roster(stage, 3, &["0A0", "0A1", "0A2"])?;
    is_served_throughout(stage, |_| {
        object["spec"]["size"] = 4.into();
        stage.apply(&object.to_string())?;
        wait_until_ready(stage, 4)?;
        ensure_roster(stage, 4, &["0A0", "0A1", "0A2", "0A3"])?;

        let before = pods(stage)?;
        object["spec"]["podSpec"]["metadata"] = json!({"labels": {"edit": "1"}});
        let told = foretold::actions(stage, &object)?;
        ensure!(
            told == foretold::each(4, "podRestart"),
            "plan says {told:?}"
        );
        stage.apply(&object.to_string())?;
        wait_until_ready(stage, 4)?;
        ensure_made_anew(&before, &pods(stage)?)?;
        ensure_roster(stage, 4, &["0A0", "0A1", "0A2", "0A3"])?;

        object["spec"]["size"] = 3.into();
        stage.apply(&object.to_string())?;
        wait_until_ready(stage, 3)?;
        ensure_roster(stage, 3, &["0A0", "0A1", "0A2"])
    })
}

/// A node that the user blocks leaves the roster, may be restarted all the same, and comes back on it.
///
/// # Errors
/// Another roster, a pod that was restarted or was not, a request that was refused, or a record that is lost.
pub fn blocked_nodes_leave_the_roster(stage: &Stage) -> Result<()> {
    let object = sample(stage)?;
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;
    let before = pods(stage)?;
    let block = |nodes: Value| stage.patch(&json!({"spec": {"rosterNodeBlockList": nodes}}));
    is_served_throughout(stage, |_| {
        block(json!(["0a1"]))?;
        wait_until_ready(stage, 3)?;
        ensure_roster(stage, 3, &["0A0", "0A2"])?;
        ensure!(pods(stage)? == before, "pods were restarted");
        edit(stage)?;
        wait_until_ready(stage, 3)?;
        ensure_made_anew(&before, &pods(stage)?)?;
        ensure_roster(stage, 3, &["0A0", "0A2"])?;
        block(json!([]))?;
        wait_until_ready(stage, 3)?;
        ensure_roster(stage, 3, &["0A0", "0A1", "0A2"])
    })?;

    block(json!(["0a1", "0a2"]))?;
    let told = stage.wait_for_condition("Stalled", "RosterTooSmall")?;
    let expected =
        "namespace test keeps 2 copies of each record, and its roster would have 1 nodes left";
    ensure!(told.contains(expected), "it is told: {told}");
    ensure_roster(stage, 3, &["0A0", "0A1", "0A2"])?;
    block(json!([]))?;
    wait_until_ready(stage, 3)
}

/// Three pods with a strongly consistent namespace in files of their claims.
///
/// # Errors
/// If there is no such sample.
pub fn sample(stage: &Stage) -> Result<Value> {
    let mut object = application::used(stage.sample_object("hdd_dim_storage")?)?;
    object["spec"]["size"] = 3.into();
    let namespace = &mut object["spec"]["aerospikeConfig"]["namespaces"][0];
    namespace["strong-consistency"] = true.into();
    namespace["storage-engine"]["type"] = "device".into();
    Ok(object)
}

/// Every server has these nodes, in lists with and without leading zeros, on its roster, and serves all.
fn ensure_roster(stage: &Stage, size: usize, nodes: &[&str]) -> Result<()> {
    let plain = |id: &str| id.trim_start_matches('0').to_owned();
    let expected: BTreeSet<_> = nodes.iter().map(|id| plain(id)).collect();
    let namespace = "namespace/test";
    for (server, answers) in &servers::ask(stage, size, &[ROSTER, namespace])? {
        let answer = answers.get(ROSTER).map_or("", String::as_str);
        let mut lists = answer
            .split(':')
            .filter_map(|it| it.strip_prefix("roster="));
        let list = lists.next().context("no roster is told")?;
        let found: BTreeSet<_> = list.split(',').map(str::to_owned).collect();
        ensure!(found == expected, "{server} has the roster {list}");
        let figures = servers::pairs(answers.get(namespace).map_or("", String::as_str));
        for figure in ["unavailable_partitions", "dead_partitions"] {
            let told = figures.get(figure).copied();
            ensure!(told == Some("0"), "{server} says {figure} is {told:?}");
        }
    }
    Ok(())
}
