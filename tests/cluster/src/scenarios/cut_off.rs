//! A node that is cut off from all others, with its kubelet and its servers, while a server elsewhere is about to stop.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::application::{self, Application};
use super::in_use::racks;
use super::inventory::{Inventory, ensure_pods};
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
/// Kubernetes notices within 25 s, and then another operator leads at the latest, if the leader is on the node.
const CUT_OFF_FOR: Duration = Duration::from_secs(30);

/// While the node is away nothing stops; when it is back the scale-down ends, and nothing was lost.
///
/// # Errors
/// What went on without the node, or was lost.
pub fn a_scale_down_waits_for_the_node(stage: &Stage) -> Result<()> {
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
    let before = Inventory::take(stage)?;
    ensure_pods(stage, &PODS)?;
    let (told, records) = application::uses(stage, |application| cut_off(stage, application))?;
    let (cut_off, whole) = told?;
    let mut troubles = records.troubles();
    let other = troubles.find(|(when, _)| *when < cut_off || *when > whole);
    ensure!(
        other.is_none(),
        "refused while all nodes were there: {other:?}"
    );
    records.ensure_kept(stage)?;
    before.without(&[GOES]).ensure_untouched(stage)?;
    ensure_pods(stage, &[PODS[0], PODS[2], PODS[3]])?;
    install::wait_for_operator(&stage.cluster)
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
