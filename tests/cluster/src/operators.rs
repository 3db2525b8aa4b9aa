//! The operator's replicas in the cluster: which there are, which leads, and their processes on this machine.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::Cluster;
use crate::install::{NAMESPACE, text};
use crate::process;

/// The lease of the replica that leads.
const LEASE: &str = "aerospike-operator";
/// Selects the replicas' pods.
const SELECTOR: &str = "control-plane=controller-manager";
/// Where a replica answers reviews.
const REVIEWS: u16 = 9443;

/// The name of the pod that leads.
///
/// # Errors
/// If none does.
pub fn leader(cluster: &Cluster) -> Result<String> {
    Ok(pod_of_holder(&holder(cluster)?).to_owned())
}

/// What the process that leads calls itself: its pod, and what tells it from the one before in the same pod.
///
/// # Errors
/// If none leads.
pub fn holder(cluster: &Cluster) -> Result<String> {
    let holder = "jsonpath={.spec.holderIdentity}";
    let lease = ["get", "lease", LEASE, "-n", NAMESPACE, "-o", holder];
    let holder = text(cluster, &lease)?;
    let leads = !pod_of_holder(&holder).is_empty();
    ensure!(leads, "no replica of the operator leads");
    Ok(holder)
}

fn pod_of_holder(holder: &str) -> &str {
    holder.rsplit_once('_').map_or("", |(pod, _)| pod)
}

/// Kills the process that leads at once, as the kernel does: it tells nobody, and keeps its lease.
///
/// # Errors
/// If none leads, or it is not on this machine.
pub fn kill_leader(cluster: &Cluster) -> Result<()> {
    process::kill(process_of(&leader(cluster)?)?)
}

/// The id of the process of a replica's pod.
///
/// # Errors
/// If it is not on this machine.
pub fn process_of(pod: &str) -> Result<i32> {
    let mut processes = processes()?.into_iter();
    let found = processes.find(|(name, _)| name == pod);
    let (_, id) = found.with_context(|| format!("the process of {pod} is not on this machine"))?;
    Ok(i32::try_from(id)?)
}

/// The replicas that are not on their way out.
///
/// # Errors
/// What Kubernetes said.
pub fn pods(cluster: &Cluster) -> Result<Vec<Value>> {
    let mut all = all(cluster)?;
    all.retain(|pod| !is_leaving(pod));
    Ok(all)
}

/// Names of the replicas that are on their way out; one of them may still lead.
///
/// # Errors
/// What Kubernetes said.
pub fn leaving(cluster: &Cluster) -> Result<Vec<String>> {
    let all = all(cluster)?;
    let leaving = all.iter().filter(|pod| is_leaving(pod));
    Ok(leaving
        .filter_map(|pod| pod["metadata"]["name"].as_str())
        .map(str::to_owned)
        .collect())
}

fn all(cluster: &Cluster) -> Result<Vec<Value>> {
    let pods = ["get", "pods", "-n", NAMESPACE, "-l", SELECTOR, "-o", "json"];
    let list: Value = serde_json::from_str(&text(cluster, &pods)?)?;
    let all = list["items"].as_array().context("a list has no items")?;
    Ok(all.clone())
}

fn is_leaving(pod: &Value) -> bool {
    !pod["metadata"]["deletionTimestamp"].is_null()
}

/// Where a replica answers reviews, from this machine.
///
/// # Errors
/// If it has no address yet.
pub fn address(pod: &Value) -> Result<SocketAddr> {
    let address = pod["status"]["podIP"].as_str().unwrap_or_default();
    let address: IpAddr = address.parse().context("a replica has no address")?;
    Ok((address, REVIEWS).into())
}

/// Names of the pods and ids of their processes, which are processes of this machine.
///
/// # Errors
/// If processes cannot be listed.
pub fn processes() -> Result<Vec<(String, u32)>> {
    let processes = fs::read_dir("/proc").context("/proc cannot be read")?;
    let ids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let operator = |pid: u32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).ok();
        Some((pod_of(&read("cmdline")?, &read("environ")?)?, pid))
    };
    Ok(ids.filter_map(operator).collect())
}

/// The pod that an operator's process runs in, if this is one.
fn pod_of(command_line: &[u8], environment: &[u8]) -> Option<String> {
    let is_operator = command_line.starts_with(b"/manager\0run\0");
    let variables = environment.split(|byte| *byte == 0);
    let name = variables
        .filter(|_| is_operator)
        .find_map(|variable| variable.strip_prefix(b"POD_NAME="))?;
    Some(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_known_by_its_arguments_and_says_its_pod() {
        let environment = b"PATH=/bin\0POD_NAME=manager-1\0X=1\0";
        assert_eq!(
            pod_of(b"/manager\0run\0", environment),
            Some("manager-1".into())
        );
        assert_eq!(pod_of(b"/manager\0init\0", environment), None);
        assert_eq!(pod_of(b"/manager\0run\0", b"PATH=/bin\0"), None);
    }
}
