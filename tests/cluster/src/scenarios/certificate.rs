//! The webhooks' certificate: its authority is replaced by the operator while reviews flow.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::stage::{Stage, eventually, set_environment, throughout};
use crate::install::{self, WEBHOOK};
use crate::review_client::Client;
use crate::{Cluster, operators};

/// People and tools that apply manifests at the same time.
const CLIENTS: usize = 2;
/// Certificates live for three minutes, and are replaced after half of it.
const SHORT: [&str; 2] = ["CERT_LIFETIME=180s", "CERT_RENEW_BEFORE=90s"];
/// As they are installed.
const LONG: [&str; 2] = ["CERT_LIFETIME-", "CERT_RENEW_BEFORE-"];
/// A minute until a new certificate is served, and what it takes to look.
const SERVED_WITHIN: Duration = Duration::from_mins(2);
/// The life of a certificate, and what it takes to look.
const FORGOTTEN_WITHIN: Duration = Duration::from_mins(4);
/// How long reviews must flow after everything was replaced.
const AFTERWARDS: Duration = Duration::from_secs(5);
/// Only the mutating webhook sets it, and reviews go on without that webhook when it fails.
const LABEL: &str = r"jsonpath={.metadata.labels.aerospike\.com/api-version}";

/// Both webhooks answer each review, and each replica every client that trusts what the configurations say: before, while
/// and after an authority is replaced and forgotten.
///
/// # Errors
/// The first review that was lost.
pub fn no_review_is_lost(stage: &Stage) -> Result<()> {
    set_environment(&stage.cluster, &SHORT)?;
    let ended = while_reviews_flow(stage, || replaced_and_forgotten(&stage.cluster));
    let restored = set_environment(&stage.cluster, &LONG).and_then(|()| settled(&stage.cluster));
    ended.and(restored)
}

fn while_reviews_flow(stage: &Stage, change: impl FnOnce() -> Result<()>) -> Result<()> {
    let manifest = stage.sample("dim_nostorage")?;
    let reviews = Reviews::default();
    let changed = thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| reviews.flow(stage, &manifest));
        }
        scope.spawn(|| reviews.flow_to_each_replica(&stage.cluster));
        let changed = change().and_then(|()| {
            let before = reviews.answered();
            throughout(AFTERWARDS, || reviews.none_lost())?;
            ensure!(
                reviews.answered() > before,
                "no review was answered afterwards"
            );
            Ok(())
        });
        reviews.stop.store(true, Ordering::Relaxed);
        changed
    });
    reviews.none_lost()?;
    changed
}

/// Reviews, and what became of them.
#[derive(Default)]
struct Reviews {
    stop: AtomicBool,
    answered: AtomicUsize,
    lost: Mutex<Option<String>>,
}

impl Reviews {
    /// Of dry runs, as the API server asks for them.
    fn flow(&self, stage: &Stage, manifest: &str) {
        let create = ["create", "--dry-run=server", "-o", LABEL, "-f", "-"];
        while !self.stop.load(Ordering::Relaxed) {
            let answer = stage.kubectl_with_input(&create, manifest);
            let told = || format!("{:?} {}", answer.stdout, answer.stderr.trim());
            self.note(answer.success && answer.stdout == "v1", told);
        }
    }

    /// Over a new connection each, to each replica in turn, by one that trusts what the API server trusts.
    fn flow_to_each_replica(&self, cluster: &Cluster) {
        while !self.stop.load(Ordering::Relaxed) {
            let asked = ask_each_replica(cluster);
            self.note(asked.is_ok(), || format!("{asked:?}"));
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn note(&self, answered: bool, told: impl FnOnce() -> String) {
        if answered {
            self.answered.fetch_add(1, Ordering::Relaxed);
        } else if let Ok(mut lost) = self.lost.lock() {
            lost.get_or_insert_with(told);
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

fn ask_each_replica(cluster: &Cluster) -> Result<()> {
    let client = Client::new(WEBHOOK, &install::trusted(cluster)?)?;
    let pods = operators::pods(cluster)?;
    ensure!(pods.len() == 2, "there are {} replicas", pods.len());
    for pod in pods {
        let address = operators::address(&pod)?;
        let name = &pod["metadata"]["name"];
        client
            .ask(address)
            .with_context(|| format!("{name} at {address}"))?;
    }
    Ok(())
}

/// A new certificate is served, then its successor, and its authority is trusted no more.
fn replaced_and_forgotten(cluster: &Cluster) -> Result<()> {
    let long_lived = install::certificate(cluster, "tls.crt")?;
    install::delete_certificate(cluster)?;
    let short_lived = another_than(cluster, &long_lived)?;
    let authority = authority(&short_lived)?;
    another_than(cluster, &short_lived)?;
    eventually("the old authority is forgotten", FORGOTTEN_WITHIN, || {
        let trusted = install::trusted(cluster)?;
        ensure!(!trusted.contains(authority), "it is still trusted");
        Ok(())
    })
}

/// The chain that is served when it is not `old` any more.
fn another_than(cluster: &Cluster, old: &str) -> Result<String> {
    eventually("another certificate is served", SERVED_WITHIN, || {
        let now = install::certificate(cluster, "tls.crt")?;
        ensure!(!now.is_empty() && now != old, "it is the old one");
        Ok(now)
    })
}

/// The last certificate of a chain.
fn authority(chain: &str) -> Result<&str> {
    let begin = chain.rfind("-----BEGIN").context("a chain without PEM")?;
    Ok(chain[begin..].trim())
}

/// Waits until a certificate is served that is not to be replaced soon.
fn settled(cluster: &Cluster) -> Result<()> {
    eventually("no other certificate is waited for", SERVED_WITHIN, || {
        let next = install::certificate(cluster, "next.crt")?;
        ensure!(next.is_empty(), "the next one is not served yet");
        ask_each_replica(cluster)
    })?;
    install::wait_for_reviews(cluster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_last_certificate_of_a_chain() {
        let chain =
            "-----BEGIN C-----\nx\n-----END C-----\n-----BEGIN C-----\ny\n-----END C-----\n";
        assert_eq!(
            authority(chain).unwrap(),
            "-----BEGIN C-----\ny\n-----END C-----"
        );
        assert!(authority("").is_err());
    }
}
