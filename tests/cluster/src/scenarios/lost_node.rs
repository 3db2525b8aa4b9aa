//! A node that is lost with the disk of a pod.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::healing::{pods, reasons};
use super::on_demand::node_of;
use super::stage::{Stage, eventually, throughout};
use crate::Cluster;
use crate::volumes::LOCAL_CLASS;

const POD: &str = "aerocluster-0-2";
/// Less than the time for which its node may come back.
const KEPT_FOR: Duration = Duration::from_secs(40);
/// A pod is given up after a minute; then it is made anew, started and filled.
const BACK_WITHIN: Duration = Duration::from_mins(4);

/// The pod waits for its node, then goes to another one without its disk, since the user says so; no other is touched.
///
/// # Errors
/// What was given up too early, left or told otherwise.
pub fn a_pod_leaves_its_disk_on_a_lost_node(stage: &Stage) -> Result<()> {
    let mut object = stage.sample_object("dim_nostorage")?;
    object["spec"]["size"] = 3.into();
    let storage = &mut object["spec"]["storage"];
    storage["localStorageClasses"] = json!([LOCAL_CLASS]);
    storage["deleteLocalStorageOnPodRecovery"] = true.into();
    storage["volumes"][0]["source"]["persistentVolume"]["storageClass"] = LOCAL_CLASS.into();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(3)?;

    let (before, disk, node) = (pods(stage)?, claim(stage)?, node_of(stage, POD)?);
    let _cordon = Cordon::of(&stage.cluster, &node)?;
    stage.text(&["delete", "pod", POD])?;
    throughout(KEPT_FOR, || {
        ensure!(claim(stage)? == disk, "its disk was given up at once");
        Ok(())
    })?;
    eventually("the pod is on another node", BACK_WITHIN, || {
        let now = node_of(stage, POD)?;
        ensure!(!now.is_empty() && now != node, "it is on \"{now}\"");
        stage.ensure_ready(3)
    })?;
    ensure!(claim(stage)? != disk, "its disk came with it");
    let told = reasons(stage, POD)?;
    ensure!(told == json!(["lost node"]), "it says {told}");
    let mut others = pods(stage)?;
    others.retain(|name, pod| before.get(name) == Some(pod));
    ensure!(others.len() == 2, "another pod was made anew too");
    Ok(())
}

/// Uid of the pod's claim.
fn claim(stage: &Stage) -> Result<String> {
    let claim = stage.get(&["pvc", &format!("workdir-{POD}")])?;
    Ok(claim["metadata"]["uid"].to_string())
}

/// A node that takes no pods until this value goes.
struct Cordon<'a> {
    cluster: &'a Cluster,
    node: &'a str,
}

impl<'a> Cordon<'a> {
    fn of(cluster: &'a Cluster, node: &'a str) -> Result<Self> {
        cluster.kubectl(&["cordon", node]).ok()?;
        Ok(Self { cluster, node })
    }
}

impl Drop for Cordon<'_> {
    fn drop(&mut self) {
        let _ = self.cluster.kubectl(&["uncordon", self.node]);
    }
}
