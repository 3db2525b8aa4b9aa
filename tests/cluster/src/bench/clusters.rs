//! What measurements need of the test cluster: the operator of this checkout in it, and clusters at rest.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::report::Outcome;
use super::say;
use crate::install::{self, text};
use crate::{Cluster, demo, images, paths, run};

/// How long clusters may take to be ready.
pub const READY_WITHIN: Duration = Duration::from_mins(3);
/// After clusters became ready, until nothing moves any more.
const CALM: Duration = Duration::from_secs(30);
/// The samples that are applied where too few clusters run, and the namespaces that they get.
const SAMPLES: [(&str, &str); 2] = [
    ("dim_nostorage_cluster_cr.yaml", "bench-memory"),
    ("hdd_dim_storage_cluster_cr.yaml", "bench-disk"),
];

/// The test cluster if it is up, or why nothing can be measured in it.
///
/// # Errors
/// In words for the report.
pub fn running() -> Result<Cluster, String> {
    let cluster = Cluster::find().ok();
    let answers = |cluster: &Cluster| cluster.kubectl(&["get", "--raw", "/readyz"]).success;
    let cluster = cluster.filter(answers);
    cluster.ok_or_else(|| "no test cluster is up (`make up` starts one)".into())
}

/// Measures in the test cluster, with the operator of this checkout in it.
///
/// # Errors
/// Whatever went wrong.
pub fn with_operator(measure: impl FnOnce(&Cluster) -> Result<Outcome>) -> Result<Outcome> {
    let cluster = match running() {
        Ok(cluster) => cluster,
        Err(reason) => return Ok(Outcome::Skipped(reason)),
    };
    let loaded = cluster.load(&images::build(images::Make::Shipped)?)?;
    install::operator(&cluster)?;
    if loaded > 0 {
        install::restart_operator(&cluster)?;
    }
    measure(&cluster)
}

/// Runs `kubectl` for longer than the usual minute.
///
/// # Errors
/// What it complained about.
pub fn kubectl(cluster: &Cluster, args: &[&str], within: Duration) -> Result<String> {
    let mut kubectl = run::command(&cluster.kubectl_program().to_string_lossy());
    kubectl
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig())
        .args(args);
    run::text(&mut kubectl, within)
}

/// Waits with `kubectl wait`, which watches.
///
/// # Errors
/// If it does not become so in time.
pub fn wait_for(cluster: &Cluster, what: &str, of: &[&str]) -> Result<()> {
    let (what, within) = (
        format!("--for={what}"),
        format!("--timeout={}s", READY_WITHIN.as_secs()),
    );
    let args = [&["wait", &what, &within], of].concat();
    kubectl(cluster, &args, READY_WITHIN + run::SHORT).map(drop)
}

/// A sample in another namespace, and with another size if one is given.
///
/// # Errors
/// If there is no such sample.
pub fn manifest(sample: &str, namespace: &str, size: Option<u32>) -> Result<Value> {
    let path = paths::checkout().join("tests/data/samples").join(sample);
    let yaml = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let mut object: Value = serde_saphyr::from_str(&yaml)?;
    object["metadata"]["namespace"] = namespace.into();
    if let Some(size) = size {
        object["spec"]["size"] = json!(size);
    }
    Ok(object)
}

/// Removes a namespace and the clusters in it.
pub fn remove(cluster: &Cluster, namespace: &str) {
    let within = READY_WITHIN;
    let all = ["delete", "aerospikecluster", "--all", "-n", namespace];
    let _ = kubectl(cluster, &all, within);
    let _ = kubectl(cluster, &["delete", "namespace", namespace], within);
}

/// Clusters at rest; those that were made for it go with this value.
pub struct Settled<'a> {
    cluster: &'a Cluster,
    made: Vec<&'static str>,
    counts: [usize; 2],
}

impl<'a> Settled<'a> {
    /// Takes the clusters that there are; makes two if there are fewer. Waits until all are ready and calm.
    ///
    /// # Errors
    /// If they do not become ready.
    pub fn ensure(cluster: &'a Cluster) -> Result<Self> {
        // An earlier run may have been interrupted.
        for (_, namespace) in SAMPLES {
            remove(cluster, namespace);
        }
        let mut settled = Self {
            cluster,
            made: Vec::new(),
            counts: [0; 2],
        };
        if settled.count("aerospikeclusters")? < SAMPLES.len() {
            settled.make()?;
        }
        say("waiting until all clusters are ready and calm");
        wait_for(
            cluster,
            "condition=Ready",
            &["aerospikeclusters", "--all", "--all-namespaces"],
        )?;
        thread::sleep(CALM);
        settled.counts = [settled.count("aerospikeclusters")?, settled.servers()?];
        Ok(settled)
    }

    /// How many there were, for the report.
    #[must_use]
    pub fn note(&self) -> String {
        let [clusters, servers] = self.counts;
        format!("Settled clusters: {clusters}, with {servers} servers in all.")
    }

    fn make(&mut self) -> Result<()> {
        for (sample, namespace) in SAMPLES {
            self.made.push(namespace);
            let prerequisites = demo::prerequisites(namespace).to_string();
            self.cluster.kubectl_apply(&prerequisites).ok()?;
            let manifest = manifest(sample, namespace, None)?.to_string();
            self.cluster.kubectl_apply(&manifest).ok()?;
        }
        Ok(())
    }

    fn count(&self, kind: &str) -> Result<usize> {
        let names = text(self.cluster, &["get", kind, "-A", "-o", "name"])?;
        Ok(names.lines().count())
    }

    fn servers(&self) -> Result<usize> {
        let args = ["get", "pods", "-A", "-l", "aerospike.com/cr", "-o", "name"];
        Ok(text(self.cluster, &args)?.lines().count())
    }
}

impl Drop for Settled<'_> {
    fn drop(&mut self) {
        for namespace in &self.made {
            remove(self.cluster, namespace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_gets_its_namespace_and_size() {
        let object = manifest("dim_nostorage_cluster_cr.yaml", "here", Some(3)).unwrap();
        assert_eq!(object["metadata"]["namespace"], "here");
        assert_eq!(object["spec"]["size"], 3);
        let object = manifest("dim_nostorage_cluster_cr.yaml", "here", None).unwrap();
        assert_eq!(object["spec"]["size"], 2);
    }
}
