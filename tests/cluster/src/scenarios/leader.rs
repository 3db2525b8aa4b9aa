//! The operator that leads: it hands over when it ends, and writes nothing when it stood still for too long.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::healing::{Pods, pods};
use super::stage::{Stage, eventually, throughout};
use crate::audit::{self, Write};
use crate::install::{self, NAMESPACE};
use crate::{Cluster, operators};

/// A lease that is released is taken at the next look, 3 s later, and not only when it has run out.
const HANDED_OVER_WITHIN: Duration = Duration::from_secs(10);
/// A lease lasts 15 s; then another takes it. Within a minute the kubelet kills what does not answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// How long a process that lost its lease may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(30);
/// How long it and its successor in the same pod may write nothing afterwards.
const QUIET_FOR: Duration = Duration::from_secs(10);

/// A leader that ends makes way at once, and the next one goes on with its work.
///
/// # Errors
/// If it takes as long as a lease lasts, or the work is not done.
pub fn the_lead_is_handed_over(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let before = pods(stage)?;
    let leader = operators::leader(&stage.cluster)?;
    stage.patch(&json!({"spec": {"size": 3}}))?;
    let delete = ["delete", "pod", &leader, "-n", NAMESPACE, "--wait=false"];
    install::text(&stage.cluster, &delete)?;
    another_leads(&stage.cluster, &leader, HANDED_OVER_WITHIN)?;
    stage.wait_until_ready(3)?;
    let after = pods(stage)?;
    ensure!(kept(&before, &after), "pods were restarted or replaced");
    install::wait_for_operator(&stage.cluster)
}

/// A leader is stopped in the middle of its work, and another one goes on with it; the woken one ends and writes nothing.
///
/// # Errors
/// What was written, or that it did not end.
pub fn a_woken_leader_writes_nothing(stage: &Stage) -> Result<()> {
    stage.cluster_of(2)?;
    let before = pods(stage)?;
    let leader = operators::leader(&stage.cluster)?;
    // Afterwards nothing may need a review: the API server goes on to ask the one that stands still.
    stage.patch(&json!({"spec": {"size": 3}}))?;
    let process = Stopped::stop(&leader)?;
    another_leads(&stage.cluster, &leader, TAKEN_WITHIN)?;
    stage.wait_until_ready(3)?;
    let (ended_before, _) = last_end(&stage.cluster, &leader)?;
    let written = writes_of(&stage.cluster, &leader)?;
    ensure!(!written.is_empty(), "no write of {leader} was noted");
    drop(process);
    eventually("the woken leader ends", ENDED_WITHIN, || {
        let (ended, code) = last_end(&stage.cluster, &leader)?;
        ensure!(ended != ended_before, "it has not");
        ensure!(code == json!(1), "it ended with {code}");
        Ok(())
    })?;
    throughout(QUIET_FOR, || {
        let mut more = writes_of(&stage.cluster, &leader)?;
        more.drain(..written.len().min(more.len()));
        ensure!(more.is_empty(), "it wrote: {more:?}");
        Ok(())
    })?;
    let after = pods(stage)?;
    ensure!(kept(&before, &after), "pods were restarted or replaced");
    install::wait_for_operator(&stage.cluster)
}

fn writes_of(cluster: &Cluster, pod: &str) -> Result<Vec<Write>> {
    let mut writes = audit::writes(cluster)?;
    writes.retain(|write| write.pod == pod);
    Ok(writes)
}

fn kept(before: &Pods, after: &Pods) -> bool {
    let mut all = before.iter();
    all.all(|(pod, facts)| after.get(pod) == Some(facts))
}

fn another_leads(cluster: &Cluster, before: &str, within: Duration) -> Result<()> {
    eventually("another operator leads", within, || {
        let leader = operators::leader(cluster)?;
        ensure!(leader != before, "it is still {leader}");
        Ok(())
    })
}

/// A process that stands still until this value goes.
struct Stopped(Pid);

impl Stopped {
    fn stop(pod: &str) -> Result<Self> {
        let id = operators::process_of(pod)?;
        let pid = Pid::from_raw(id).context("no process has the id 0")?;
        kill_process(pid, Signal::STOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

/// The container that ended last in a pod, and with what code. The kubelet may wait before it starts the next one.
fn last_end(cluster: &Cluster, pod: &str) -> Result<(Value, Value)> {
    let pods = operators::pods(cluster)?;
    let mut named = pods.iter().filter(|one| one["metadata"]["name"] == pod);
    let status = &named.next().context("the pod is gone")?["status"]["containerStatuses"][0];
    let ends = ["state", "lastState"].map(|member| &status[member]["terminated"]);
    let end = ends.into_iter().find(|end| !end.is_null());
    let end = end.unwrap_or(&Value::Null);
    Ok((end["containerID"].clone(), end["exitCode"].clone()))
}
