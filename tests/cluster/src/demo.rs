//! The way in: clusters of the samples come up through the operator, a client uses them, a bad manifest is refused.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::install::{self, text};
use crate::{Cluster, images, machine, paths};

/// The sample, the namespace that it goes to, and whether its users may write.
const SAMPLES: [(&str, &str, bool); 3] = [
    ("dim_nostorage_cluster_cr.yaml", "aerospike", false),
    ("hdd_dim_storage_cluster_cr.yaml", "aerospike-hdd", true),
    ("rack_enabled_cluster_cr.yaml", "aerospike-racks", false),
];
/// Name of the samples' clusters.
pub const NAME: &str = "aerocluster";
/// Password of the user `admin` in the demo.
pub const PASSWORD: &str = "admin123";
/// How long a cluster may take to be ready.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// Runs the demo from nothing, or again over what it left.
///
/// # Errors
/// The first thing that did not go as it should.
pub fn run() -> Result<()> {
    let began = Instant::now();
    if let Some(reason) = machine::why_not_here() {
        bail!("the demo cannot run here: {reason}");
    }
    let cluster = install::everything()?;
    for (sample, namespace, _) in SAMPLES {
        apply_sample(&cluster, sample, namespace)?;
    }
    for (_, namespace, _) in SAMPLES {
        watch(&cluster, namespace)?;
    }
    show(&cluster, &["get", "aerospikecluster,pods", "-A"])?;
    for (_, namespace, write) in SAMPLES {
        let checked = check(&cluster, namespace, write)?;
        title(&checked.command);
        print!("{}", checked.printed);
    }
    refuse(&cluster)?;
    say_goodbye(&cluster, began);
    Ok(())
}

fn title(text: &str) {
    println!("\n== {text}");
}

/// Applies a sample with the Secrets that it names, in a namespace that need not exist.
///
/// # Errors
/// What Kubernetes said.
pub fn apply_sample(cluster: &Cluster, sample: &str, namespace: &str) -> Result<()> {
    title(&format!(
        "kubectl apply -f {sample} (namespace {namespace})"
    ));
    cluster
        .kubectl_apply(&prerequisites(namespace).to_string())
        .ok()?;
    let path = paths::checkout().join("tests/data/samples").join(sample);
    let yaml = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let yaml = yaml.replace(
        "namespace: aerospike\n",
        &format!("namespace: {namespace}\n"),
    );
    print!("{}", cluster.kubectl_apply(&yaml).ok()?);
    Ok(())
}

/// A namespace, and the Secrets that the samples name.
///
/// # Panics
/// Never: the key file is part of the checkout.
#[must_use]
pub fn prerequisites(namespace: &str) -> Value {
    let secret = |name: &str, data: Value| {
        json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace}, "stringData": data})
    };
    let features = include_str!("../demo/features.conf");
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        secret("aerospike-secret", json!({"features.conf": features})),
        secret("auth-secret", json!({"password": PASSWORD})),
    ]})
}

/// Follows a cluster until it is ready, and prints what changes.
fn watch(cluster: &Cluster, namespace: &str) -> Result<()> {
    title(&format!("waiting for {namespace}/{NAME}"));
    let began = Instant::now();
    let mut told = String::new();
    while began.elapsed() < READY_WITHIN {
        let object = get(cluster, namespace)?;
        let now = summary(&object);
        if now != told {
            println!("{:>5.1} s  {now}", began.elapsed().as_secs_f32());
            told = now;
        }
        if is_ready(&object) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    bail!(
        "{namespace}/{NAME} was not ready after {} s: {told}",
        READY_WITHIN.as_secs()
    )
}

fn get(cluster: &Cluster, namespace: &str) -> Result<Value> {
    let json = text(
        cluster,
        &[
            "get",
            "aerospikecluster",
            NAME,
            "-n",
            namespace,
            "-o",
            "json",
        ],
    )?;
    Ok(serde_json::from_str(&json)?)
}

/// Whether a cluster is rolled out and ready.
#[must_use]
pub fn is_ready(object: &Value) -> bool {
    condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        && object["status"]["phase"] == "Completed"
}

/// A condition of an object.
#[must_use]
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
}

fn summary(object: &Value) -> String {
    let phase = object["status"]["phase"].as_str().unwrap_or("Pending");
    match condition(object, "Ready") {
        Some(ready) => format!(
            "{phase}: {} {}",
            ready["reason"].as_str().unwrap_or_default(),
            ready["message"].as_str().unwrap_or_default()
        ),
        None => phase.to_owned(),
    }
}

fn show(cluster: &Cluster, args: &[&str]) -> Result<()> {
    title(&format!("kubectl {}", args.join(" ")));
    println!("{}", text(cluster, args)?);
    Ok(())
}

/// What `check` was asked and what it printed.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The command, as one would type it.
    pub command: String,
    /// What it printed.
    pub printed: String,
}

/// Uses a cluster as an application outside of Kubernetes would, through the addresses that it advertises.
///
/// # Errors
/// What the client said.
pub fn check(cluster: &Cluster, namespace: &str, write: bool) -> Result<Checked> {
    let object = get(cluster, namespace)?;
    let pods = object["status"]["pods"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let seeds: BTreeSet<_> = pods
        .values()
        .filter_map(|pod| pod["aerospike"]["accessEndpoints"][0].as_str())
        .collect();
    let seed = seeds.first().context("no pod advertises an address")?;
    let nodes = pods.len().to_string();
    let mut args = vec![
        "check",
        "--seed",
        seed,
        "--user",
        "admin",
        "--expect-nodes",
        &nodes,
    ];
    if write {
        args.extend(["--namespace", "test", "--write"]);
    }
    let output = Command::new(images::operator_program(images::Make::Quick)?)
        .args(&args)
        .env("AEROSPIKE_PASSWORD", PASSWORD)
        .output()
        .context("failed to run the operator's program")?;
    ensure!(
        output.status.success(),
        "the check failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(Checked {
        command: format!("aerospike-operator {}", args.join(" ")),
        printed: String::from_utf8_lossy(&output.stdout).into_owned(),
    })
}

fn refuse(cluster: &Cluster) -> Result<()> {
    title("kubectl apply -f refused.yaml");
    let answer = cluster.kubectl_apply(include_str!("../demo/refused.yaml"));
    ensure!(
        !answer.success,
        "a bad manifest was accepted: {}",
        answer.stdout
    );
    println!("{}", answer.stderr.trim());
    Ok(())
}

fn say_goodbye(cluster: &Cluster, began: Instant) {
    title(&format!("done after {} s", began.elapsed().as_secs()));
    let kubeconfig = cluster.kubeconfig().display();
    let kubectl = cluster.kubectl_program();
    println!("The clusters run. To play with them:");
    println!("  export KUBECONFIG={kubeconfig}");
    println!("  alias kubectl={}", kubectl.display());
    println!("  kubectl -n aerospike edit aerospikecluster {NAME}     # try size: 3");
    println!("  kubectl -n aerospike describe aerospikecluster {NAME}");
    println!("`make down` removes all of it.");
}
