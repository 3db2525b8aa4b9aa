//! Evictions of servers, where the operator blocks them and moves the pods itself.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::healing::pods;
use super::refusals::ensure_refused;
use super::stage::{Stage, eventually, set_environment};
use crate::Cluster;
use crate::install;

const SERVER: &str = "aerocluster-0-0";
/// One pod is drained, stopped, started and filled again.
const MOVED_WITHIN: Duration = Duration::from_mins(3);
const SWITCH: &str = "ENABLE_SAFE_POD_EVICTION";
/// Notes on a pod that it shall be moved.
const WISH: &str = "aerospike.com/eviction-blocked";

/// An eviction of a server is refused, and noted on its pod unless it is only tried; one of any other pod is not. The pod
/// whose eviction is noted is made anew, and no other.
///
/// # Errors
/// What was evicted, noted, left or told otherwise.
pub fn servers_are_not_evicted_but_moved(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let before = pods(stage)?;
    let _switch = Switched::on(&stage.cluster)?;
    let tried = evict(stage, SERVER, true);
    ensure_refused(stage, "refusals/eviction-that-is-tried", &tried)?;
    ensure!(wish(stage, SERVER)?.is_null(), "a dry run left a note");
    let evicted = evict(stage, SERVER, false);
    ensure_refused(stage, "refusals/eviction", &evicted)?;
    nobody_else_is_held_up(stage)?;
    eventually("the pod is another one", MOVED_WITHIN, || {
        let now = pods(stage)?;
        let is_new = now.get(SERVER).is_some_and(|pod| pod.0 != before[SERVER].0);
        ensure!(is_new && wish(stage, SERVER)?.is_null(), "{now:?}");
        stage.ensure_ready(2)
    })?;
    let mut kept = pods(stage)?;
    kept.retain(|name, pod| before.get(name) == Some(pod));
    ensure!(kept.len() == 1, "another pod was made anew too");
    Ok(())
}

/// A pod that carries the labels of a server, but belongs to nobody.
fn nobody_else_is_held_up(stage: &Stage) -> Result<()> {
    let labels = json!({"app": "aerospike-cluster", "aerospike.com/cr": "aerocluster"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "stranger", "namespace": stage.namespace, "labels": labels},
        "spec": {"nodeSelector": {"none": "such"}, "containers": [{"name": "c", "image": "none"}]}});
    stage.apply(&pod.to_string())?;
    evict(stage, "stranger", false).ok()?;
    stage.text(&["wait", "--for=delete", "pod/stranger", "--timeout=60s"])?;
    Ok(())
}

/// As `kubectl drain` asks for it.
fn evict(stage: &Stage, pod: &str, is_tried: bool) -> crate::Output {
    let metadata = json!({"name": pod, "namespace": stage.namespace});
    let how = if is_tried { "?dryRun=All" } else { "" };
    let path = format!(
        "/api/v1/namespaces/{}/pods/{pod}/eviction{how}",
        stage.namespace
    );
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
    stage.kubectl_with_input(
        &["create", "--raw", &path, "-f", "-"],
        &eviction.to_string(),
    )
}

fn wish(stage: &Stage, pod: &str) -> Result<Value> {
    let pod = stage.get(&["pod", pod])?;
    Ok(pod["metadata"]["annotations"][WISH].clone())
}

/// The operator blocks evictions until this value goes.
struct Switched<'a>(&'a Cluster);

impl<'a> Switched<'a> {
    fn on(cluster: &'a Cluster) -> Result<Self> {
        let switched = Self(cluster);
        switched.set(&format!("{SWITCH}=true"))?;
        Ok(switched)
    }

    fn set(&self, variable: &str) -> Result<()> {
        set_environment(self.0, &[variable])?;
        install::wait_for_reviews(self.0)
    }
}

impl Drop for Switched<'_> {
    fn drop(&mut self) {
        let _ = self.set(&format!("{SWITCH}-"));
    }
}
