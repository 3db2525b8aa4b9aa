//! Where a scenario plays: a namespace of its own, and ways to look at it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::demo::{self, NAME};
use crate::install::{self, DEPLOYMENT, NAMESPACE};
use crate::{Cluster, Output, operators, paths};

/// How long a cluster may take to be ready.
pub const READY_WITHIN: Duration = Duration::from_mins(2);
/// A replica of the operator answers for some seconds more when it ends.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// Marks the namespaces of scenarios, so that a later run finds what an earlier one left.
const LABEL: &str = "aerospike-operator-scenario";
const POLL: Duration = Duration::from_millis(300);

/// A namespace of the test cluster.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The cluster.
    pub cluster: Cluster,
    /// The namespace.
    pub namespace: String,
}

impl Stage {
    /// A new namespace with the Secrets that the samples name, and nothing else.
    ///
    /// # Errors
    /// What Kubernetes said.
    pub fn set(cluster: &Cluster, namespace: &str) -> Result<Self> {
        let stage = Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
        };
        let mut objects = demo::prerequisites(namespace);
        objects["items"][0]["metadata"]["labels"][LABEL] = "true".into();
        stage.cluster.kubectl_apply(&objects.to_string()).ok()?;
        Ok(stage)
    }

    /// A second namespace for the same scenario.
    ///
    /// # Errors
    /// What Kubernetes said.
    pub fn another(&self, suffix: &str) -> Result<Self> {
        Self::set(&self.cluster, &format!("{}-{suffix}", self.namespace))
    }

    /// Runs `kubectl` in the namespace.
    #[must_use]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_with_input(args, "")
    }

    /// Runs `kubectl` in the namespace, with something to read.
    #[must_use]
    pub fn kubectl_with_input(&self, args: &[&str], input: &str) -> Output {
        let args = [&["-n", &self.namespace], args].concat();
        self.cluster.kubectl_with_input(&args, input)
    }

    /// What `kubectl` printed.
    ///
    /// # Errors
    /// What it complained about.
    pub fn text(&self, args: &[&str]) -> Result<String> {
        let printed = self.kubectl(args).ok();
        let printed = printed.with_context(|| format!("kubectl {}", args.join(" ")))?;
        Ok(printed.trim().to_owned())
    }

    /// What `kubectl get … -o json` printed.
    ///
    /// # Errors
    /// What it complained about.
    pub fn get(&self, what: &[&str]) -> Result<Value> {
        let args = [&["get"], what, &["-o", "json"]].concat();
        Ok(serde_json::from_str(&self.text(&args)?)?)
    }

    /// The objects of a list.
    ///
    /// # Errors
    /// What `kubectl` complained about.
    pub fn list(&self, what: &[&str]) -> Result<Vec<Value>> {
        let list = self.get(what)?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Applies a manifest.
    ///
    /// # Errors
    /// What Kubernetes said.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        self.kubectl_with_input(&["apply", "-f", "-"], manifest)
            .ok()
    }

    /// A sample as its users have it, but for the namespace.
    ///
    /// # Errors
    /// If there is none.
    pub fn sample(&self, name: &str) -> Result<String> {
        let path = paths::checkout()
            .join("tests/data/samples")
            .join(format!("{name}_cluster_cr.yaml"));
        let yaml = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Ok(yaml.replace(
            "namespace: aerospike\n",
            &format!("namespace: {}\n", self.namespace),
        ))
    }

    /// A sample as a value, to be changed.
    ///
    /// # Errors
    /// If there is none.
    pub fn sample_object(&self, name: &str) -> Result<Value> {
        Ok(serde_saphyr::from_str(&self.sample(name)?)?)
    }

    /// The custom resource.
    ///
    /// # Errors
    /// What `kubectl` complained about.
    pub fn resource(&self) -> Result<Value> {
        self.get(&["aerospikecluster", NAME])
    }

    /// Changes the custom resource by a merge patch.
    ///
    /// # Errors
    /// What Kubernetes said.
    pub fn patch(&self, patch: &Value) -> Result<String> {
        let patch = patch.to_string();
        self.text(&[
            "patch",
            "aerospikecluster",
            NAME,
            "--type=merge",
            "-p",
            &patch,
        ])
    }

    /// Creates a cluster of `size` from the simplest sample, and waits until it is ready.
    ///
    /// # Errors
    /// If it is not.
    pub fn cluster_of(&self, size: usize) -> Result<()> {
        let mut object = self.sample_object("dim_nostorage")?;
        object["spec"]["size"] = size.into();
        self.apply(&object.to_string())?;
        self.wait_until_ready(size)
    }

    /// Waits until the newest spec is rolled out to `size` pods.
    ///
    /// # Errors
    /// What is missing.
    pub fn wait_until_ready(&self, size: usize) -> Result<()> {
        eventually("the cluster is ready", READY_WITHIN, || {
            self.ensure_ready(size)
        })
    }

    /// Looks whether the newest spec is rolled out to `size` pods.
    ///
    /// # Errors
    /// What is missing.
    pub fn ensure_ready(&self, size: usize) -> Result<()> {
        let object = self.resource()?;
        let generation = &object["metadata"]["generation"];
        let ready = demo::condition(&object, "Ready").context("there is no condition Ready yet")?;
        ensure!(
            demo::is_ready(&object) && ready["observedGeneration"] == *generation,
            "phase {}, Ready is {} of generation {} (the newest is {generation}): {} {}",
            object["status"]["phase"],
            ready["status"],
            ready["observedGeneration"],
            ready["reason"],
            ready["message"]
        );
        let pods = object["status"]["pods"]
            .as_object()
            .map_or(0, serde_json::Map::len);
        ensure!(
            pods == size,
            "status.pods has {pods} entries instead of {size}"
        );
        Ok(())
    }

    /// Waits for a condition of the custom resource to be true for `reason`, and returns its message.
    ///
    /// # Errors
    /// What it is instead.
    pub fn wait_for_condition(&self, kind: &str, reason: &str) -> Result<String> {
        let what = format!("the condition {kind} is true for the reason {reason}");
        eventually(&what, READY_WITHIN, || {
            let object = self.resource()?;
            let condition = demo::condition(&object, kind).context("it is not there yet")?;
            ensure!(
                condition["status"] == "True" && condition["reason"] == reason,
                "it is {condition}"
            );
            Ok(condition["message"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Lets the namespace go, without waiting for it.
    pub fn strike(&self) {
        let _ = self.cluster.kubectl(&[
            "delete",
            "namespace",
            &self.namespace,
            "--wait=false",
            "--ignore-not-found",
        ]);
    }

    /// What may tell why a scenario failed.
    #[must_use]
    pub fn evidence(&self) -> String {
        let status = [
            "get",
            "aerospikecluster",
            "-o",
            "jsonpath={.items[*].status.phase} {range .items[*].status.conditions[*]}{.type}={.status} {.reason} {.message}{\"\\n\"}{end}",
        ];
        let mut told = String::new();
        for args in [
            &status[..],
            &["get", "pods,pvc"],
            &["get", "events", "--sort-by=.metadata.creationTimestamp"],
        ] {
            let shown = args.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            let output = self.kubectl(args);
            let printed = output.stdout + &output.stderr;
            told += &["--- kubectl ", &shown, "\n", printed.trim(), "\n"].concat();
        }
        told + &self.server_logs() + &self.operator_log()
    }

    fn server_logs(&self) -> String {
        let output = self.kubectl(&[
            "logs",
            "-l",
            "app=aerospike-cluster",
            "-c",
            "aerospike-server",
            "--tail=30",
            "--prefix",
        ]);
        ["--- the servers' logs\n", output.stdout.trim(), "\n"].concat()
    }

    fn operator_log(&self) -> String {
        let output = self.cluster.kubectl(&[
            "logs",
            "-n",
            install::NAMESPACE,
            "-l",
            "control-plane=controller-manager",
            "--tail=2000",
            "--prefix",
        ]);
        let about_us: Vec<_> = output
            .stdout
            .lines()
            .filter(|line| line.contains(&self.namespace) || line.contains("ERROR"))
            .collect();
        let last = about_us[about_us.len().saturating_sub(20)..].join("\n");
        format!("--- the operator's log about {}\n{last}\n", self.namespace)
    }
}

/// Changes the operator's environment, and waits until no replica is left that has another.
///
/// # Errors
/// What Kubernetes said, or the replicas that stay.
pub fn set_environment(cluster: &Cluster, variables: &[&str]) -> Result<()> {
    let deployment = format!("deployment/{DEPLOYMENT}");
    let set = [&["set", "env", &deployment, "-n", NAMESPACE], variables].concat();
    install::text(cluster, &set)?;
    install::wait_for_operator(cluster)?;
    eventually("the replicas before are gone", GONE_WITHIN, || {
        let leaving = operators::leaving(cluster)?;
        ensure!(leaving.is_empty(), "{} is not", leaving.join(", "));
        Ok(())
    })
}

/// Lets the namespaces go that an earlier run left.
pub fn sweep(cluster: &Cluster) {
    let _ = cluster.kubectl(&["delete", "namespace", "-l", LABEL, "--wait=false"]);
}

/// Tries until it succeeds.
///
/// # Errors
/// Why the last try failed, if none succeeded in time.
pub fn eventually<T>(
    what: &str,
    within: Duration,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + within;
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(error) if Instant::now() > end => {
                bail!("waited {} s in vain: {what}: {error:#}", within.as_secs())
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}

/// Looks again and again for a while, and fails as soon as something does not hold.
///
/// # Errors
/// What did not hold.
pub fn throughout(period: Duration, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    let end = Instant::now() + period;
    while Instant::now() < end {
        check()?;
        thread::sleep(POLL);
    }
    check()
}
