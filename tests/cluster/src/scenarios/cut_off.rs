//! A node that is cut off from all others, with its kubelet and its servers, while a server elsewhere is about to stop.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::application::{self, Application};
use super::healing::pods;
use super::in_use::racks;
use super::inventory::{Inventory, ensure_pods};
use super::roll_out::{edit, ensure_made_anew, wait_until_ready};
use super::stage::{Stage, eventually, throughout};
use crate::node::{NODES, Node};
use crate::{Cluster, install, simulated};

/// The pods, each rack on a node of its own.
const PODS: [&str; 4] = [
    "aerocluster-1-0",
    "aerocluster-1-1",
    "aerocluster-2-0",
    "aerocluster-3-0",
];
const GOES: &str = "aerocluster-1-1";
/// The node of the second rack.
const CUT_OFF: Node = NODES[1];
const QUIESCED_WITHIN: Duration = Duration::from_secs(40);
const RESTARTED_WITHIN: Duration = Duration::from_mins(2);
/// Kubernetes notices within 25 s, and then another operator leads at the latest, if the leader is on the node.
const CUT_OFF_FOR: Duration = Duration::from_secs(30);

/// While the node is away nothing stops; when it is back the scale-down ends, and nothing was lost.
///
/// # Errors
/// What went on without the node, or was lost.
pub fn a_scale_down_waits_for_the_node(stage: &Stage) -> Result<()> {
    spread(stage)?;
    let before = Inventory::take(stage)?;
    is_served_but_for_the_cut(stage, cut_off)?;
    before.without(&[GOES]).ensure_untouched(stage)?;
    ensure_pods(stage, &[PODS[0], PODS[2], PODS[3]])?;
    install::wait_for_operator(&stage.cluster)
}

/// While the node is away no other pod is restarted; when it is back the roll-out ends, and nothing was lost.
///
/// # Errors
/// What went on without the node, or was lost.
pub fn a_roll_out_waits_for_the_node(stage: &Stage) -> Result<()> {
    spread(stage)?;
    let before = pods(stage)?;
    is_served_but_for_the_cut(stage, cut_off_a_roll_out)?;
    ensure_made_anew(&before, &pods(stage)?)?;
    install::wait_for_operator(&stage.cluster)
}

/// Four pods on three nodes, with one rack on each.
fn spread(stage: &Stage) -> Result<()> {
    let mut object = application::sample(stage)?;
    object["spec"]["size"] = 4.into();
    object["spec"]["rackConfig"] = racks(&["us-west1-a", "us-west1-b", "us-west1-c"]);
    // A pod that Kubernetes deletes because of its node would be another story.
    let stays = ["not-ready", "unreachable"].map(|taint| {
        let key = format!("node.kubernetes.io/{taint}");
        json!({"key": key, "operator": "Exists", "effect": "NoExecute"})
    });
    object["spec"]["podSpec"]["tolerations"] = json!(stays);
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(4)?;
    ensure_pods(stage, &PODS)
}

/// Runs a story that says when the node went and when all was well again: before and after it no request is refused, and
/// at the end each record that was acknowledged is there.
fn is_served_but_for_the_cut(
    stage: &Stage,
    story: fn(&Stage, &Application) -> Result<(Instant, Instant)>,
) -> Result<()> {
    let (told, records) = application::uses(stage, |application| story(stage, application))?;
    let (cut_off, whole) = told?;
    let mut troubles = records.troubles();
    let other = troubles.find(|(when, _)| *when < cut_off || *when > whole);
    ensure!(
        other.is_none(),
        "refused while all nodes were there: {other:?}"
    );
    records.ensure_kept(stage)
}

/// What the next restart waits for is held back until the node is away.
fn cut_off_a_roll_out(stage: &Stage, application: &Application) -> Result<(Instant, Instant)> {
    let namespace = &stage.namespace;
    let before = pods(stage)?;
    edit(stage)?;
    eventually("the first pod is made anew", RESTARTED_WITHIN, || {
        let now = pods(stage)?;
        let new = now.get(GOES).filter(|it| Some(*it) != before.get(GOES));
        new.map(drop).context("it is not")
    })?;
    let others = PODS.iter().filter(|pod| **pod != GOES);
    let freeze = json!({"fault": "freeze-migrations"});
    for pod in others.clone() {
        simulated::inject(namespace, pod, &freeze)?;
    }
    eventually("its server runs", RESTARTED_WITHIN, || {
        ensure!(simulated::runs(namespace, GOES), "it does not");
        Ok(())
    })?;
    let (cut_off, cable) = (Instant::now(), PulledCable::of(&stage.cluster)?);
    for pod in others.clone() {
        simulated::heal(namespace, pod)?;
    }
    throughout(CUT_OFF_FOR, || {
        let now = pods(stage)?;
        let mut others = others.clone();
        let touched = others.find(|pod| now.get(**pod) != before.get(**pod));
        ensure!(touched.is_none(), "{touched:?} was restarted");
        Ok(())
    })?;
    application.is_served()?;
    drop(cable);
    wait_until_ready(stage, 4)?;
    Ok((cut_off, Instant::now()))
}

/// Says when the node went, and when all was well again.
fn cut_off(stage: &Stage, application: &Application) -> Result<(Instant, Instant)> {
    let on_all = |order: &dyn Fn(&str) -> Result<()>| PODS.iter().try_for_each(|pod| order(pod));
    let namespace = &stage.namespace;
    let freeze = json!({"fault": "freeze-migrations"});
    on_all(&|pod| simulated::inject(namespace, pod, &freeze))?;
    stage.patch(&json!({"spec": {"size": 3}}))?;
    eventually("a server is quiesced", QUIESCED_WITHIN, || {
        let goes = simulated::inspect(namespace, GOES)?;
        ensure!(goes["quiesced"] == true, "it is {goes}");
        Ok(())
    })?;
    let (cut_off, cable) = (Instant::now(), PulledCable::of(&stage.cluster)?);
    on_all(&|pod| simulated::heal(namespace, pod))?;
    throughout(CUT_OFF_FOR, || nothing_stops(stage))?;
    application.is_served()?;
    drop(cable);
    stage.wait_until_ready(3)?;
    Ok((cut_off, Instant::now()))
}

fn nothing_stops(stage: &Stage) -> Result<()> {
    ensure!(simulated::runs(&stage.namespace, GOES), "{GOES} stopped");
    let set = stage.get(&["statefulset", "aerocluster-1"])?;
    let replicas = &set["spec"]["replicas"];
    ensure!(*replicas == 2, "the set asks for {replicas} pods");
    Ok(())
}

/// The cable of the node, until this value goes.
struct PulledCable<'a>(&'a Cluster);

impl<'a> PulledCable<'a> {
    fn of(cluster: &'a Cluster) -> Result<Self> {
        let cable = Self(cluster);
        cluster.cut_off_node(&CUT_OFF)?;
        Ok(cable)
    }
}

impl Drop for PulledCable<'_> {
    fn drop(&mut self) {
        let _ = self.0.rejoin_node(&CUT_OFF);
    }
}
