//! An API server that is killed while the operator has work to do.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::application::{self, is_served_throughout};
use super::inventory::{Inventory, ensure_pods};
use super::snapshot::{difference, normalised};
use super::stage::{Stage, eventually, throughout};
use crate::{Cluster, install, simulated};

const PODS: [&str; 4] = [
    "aerocluster-0-0",
    "aerocluster-0-1",
    "aerocluster-0-2",
    "aerocluster-0-3",
];
const BEGUN_WITHIN: Duration = Duration::from_secs(40);
/// Longer than a lease lasts.
const AWAY_FOR: Duration = Duration::from_secs(18);

/// A scale-up during which it is back at once, and a scale-down during which the operator loses its lease.
///
/// # Errors
/// What ends otherwise than without it, or a request that was refused.
pub fn sizes_change_all_the_same(stage: &Stage) -> Result<()> {
    let mut object = application::sample(stage)?;
    object["spec"]["size"] = 2.into();
    object["spec"]["podSpec"]["tolerations"] = patience();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(2)?;
    let (pods, objects) = (Inventory::take(stage)?, normalised(stage)?);
    is_served_throughout(stage, |_| {
        grow(stage)?;
        pods.ensure_untouched(stage)?;
        ensure_pods(stage, &PODS)?;
        shrink(stage)
    })?;
    ensure_pods(stage, &PODS[..2])?;
    pods.ensure_untouched(stage)?;
    if let Some(difference) = difference(&objects, &normalised(stage)?) {
        bail!("the objects are not those of before: {difference}");
    }
    install::wait_for_operator(&stage.cluster)
}

/// The defaults of Kubernetes. With the shorter ones of the test cluster pods would be moved off nodes that cannot renew
/// their leases while there is no API server.
fn patience() -> Value {
    let tolerate = |taint: &str| {
        let key = format!("node.kubernetes.io/{taint}");
        json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    };
    json!([tolerate("not-ready"), tolerate("unreachable")])
}

fn grow(stage: &Stage) -> Result<()> {
    stage.patch(&json!({"spec": {"size": 4}}))?;
    eventually("a third pod is there", BEGUN_WITHIN, || {
        stage.get(&["pod", PODS[2]])
    })?;
    Killed::of(&stage.cluster)?.start()?;
    stage.wait_until_ready(4)
}

/// The last server is quiesced, and all that is left to do is to stop it.
fn shrink(stage: &Stage) -> Result<()> {
    let namespace = &stage.namespace;
    for pod in PODS {
        simulated::inject(namespace, pod, &json!({"fault": "freeze-migrations"}))?;
    }
    stage.patch(&json!({"spec": {"size": 2}}))?;
    eventually("the last server is quiesced", BEGUN_WITHIN, || {
        let last = simulated::inspect(namespace, PODS[3])?;
        ensure!(last["quiesced"] == true, "it is {last}");
        Ok(())
    })?;
    let killed = Killed::of(&stage.cluster)?;
    for pod in PODS {
        simulated::heal(namespace, pod)?;
    }
    throughout(AWAY_FOR, || {
        let stopped = PODS
            .into_iter()
            .find(|pod| !simulated::runs(namespace, pod));
        ensure!(stopped.is_none(), "{stopped:?} stopped");
        Ok(())
    })?;
    killed.start()?;
    stage.wait_until_ready(2)
}

/// An API server that was killed; it runs again at the latest when this value goes.
struct Killed<'a>(&'a Cluster);

impl<'a> Killed<'a> {
    fn of(cluster: &'a Cluster) -> Result<Self> {
        let killed = Self(cluster);
        cluster.kill_api_server()?;
        Ok(killed)
    }

    fn start(self) -> Result<()> {
        self.0.start_api_server()
    }
}

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        let _ = self.0.start_api_server();
    }
}
