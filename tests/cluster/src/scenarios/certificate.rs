//! The webhooks' certificate, replaced with a new authority's while reviews flow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::stage::{Stage, eventually, throughout};
use crate::Cluster;
use crate::install::{self, Certificate};

/// People and tools that apply manifests at the same time.
const CLIENTS: usize = 2;
/// The kubelet looks at Secrets once a minute, the operator at its files every five seconds.
const SERVED_WITHIN: Duration = Duration::from_mins(2);
/// How long reviews must flow after everything was replaced.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// Only the mutating webhook sets it, and reviews go on without that webhook when it fails.
const LABEL: &str = r"jsonpath={.metadata.labels.aerospike\.com/api-version}";

/// Both webhooks answer each review, before, while and after.
///
/// # Errors
/// The first review that was lost.
pub fn no_review_is_lost(stage: &Stage) -> Result<()> {
    let manifest = stage.sample("dim_nostorage")?;
    let reviews = Reviews::default();
    let replaced = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| reviews.flow(stage, &manifest));
        }
        let replaced = replace(&stage.cluster).and_then(|()| {
            let before = reviews.answered();
            throughout(AFTERWARDS, || reviews.none_lost())?;
            ensure!(
                reviews.answered() > before,
                "no review was answered afterwards"
            );
            Ok(())
        });
        reviews.stop.store(true, Ordering::Relaxed);
        replaced
    });
    reviews.none_lost()?;
    replaced
}

/// Reviews of dry runs, and what became of them.
#[derive(Default)]
struct Reviews {
    stop: AtomicBool,
    answered: AtomicUsize,
    lost: Mutex<Option<String>>,
}

impl Reviews {
    fn flow(&self, stage: &Stage, manifest: &str) {
        let create = ["create", "--dry-run=server", "-o", LABEL, "-f", "-"];
        while !self.stop.load(Ordering::Relaxed) {
            let answer = stage.kubectl_with_input(&create, manifest);
            if answer.success && answer.stdout == "v1" {
                self.answered.fetch_add(1, Ordering::Relaxed);
            } else if let Ok(mut lost) = self.lost.lock() {
                lost.get_or_insert(format!("{:?} {}", answer.stdout, answer.stderr.trim()));
            }
        }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    fn none_lost(&self) -> Result<()> {
        let lost = self.lost.lock().ok().and_then(|lost| lost.clone());
        let answered = self.answered();
        ensure!(
            lost.is_none(),
            "a review was lost, {answered} were answered: {lost:?}"
        );
        Ok(())
    }
}

/// First both authorities are trusted, then the certificate is replaced and served, then the old authority goes.
fn replace(cluster: &Cluster) -> Result<()> {
    let new = Certificate::generate()?;
    let old = install::authority(cluster)?;
    trust(cluster, &format!("{old}{}", new.authority))?;
    cluster.kubectl_apply(&new.secret().to_string()).ok()?;
    wait_until_served(cluster)?;
    trust(cluster, &new.authority)
}

fn trust(cluster: &Cluster, authorities: &str) -> Result<()> {
    install::webhooks(cluster, authorities)
}

/// Every replica says so once it took the new files. A change of the pod makes its kubelet look at them at once.
fn wait_until_served(cluster: &Cluster) -> Result<()> {
    let pods = operator_pods(cluster)?;
    for pod in &pods {
        let nudge = [
            "annotate",
            "pod",
            pod,
            "-n",
            install::NAMESPACE,
            "--overwrite",
            "certificate=replaced",
        ];
        install::text(cluster, &nudge)?;
    }
    eventually(
        "every operator reloaded its certificate",
        SERVED_WITHIN,
        || {
            for pod in &pods {
                let log = install::text(
                    cluster,
                    &["logs", pod, "-n", install::NAMESPACE, "--since=2m"],
                )?;
                ensure!(log.contains("Reloaded certificate"), "{pod} did not");
            }
            Ok(())
        },
    )
}

fn operator_pods(cluster: &Cluster) -> Result<Vec<String>> {
    let json = install::text(
        cluster,
        &[
            "get",
            "pods",
            "-n",
            install::NAMESPACE,
            "-l",
            "control-plane=controller-manager",
            "-o",
            "json",
        ],
    )?;
    let list: Value = serde_json::from_str(&json)?;
    let running = list["items"]
        .as_array()
        .context("a list has no items")?
        .iter();
    let running = running.filter(|pod| pod["metadata"]["deletionTimestamp"] == json!(null));
    Ok(running
        .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .collect())
}
