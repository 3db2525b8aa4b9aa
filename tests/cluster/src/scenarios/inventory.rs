//! What belongs to the pods of a cluster, to tell after an operation that exactly some of it went.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::healing;
use super::snapshot::name_of;
use super::stage::Stage;
use crate::demo::NAME;

/// Pods, claims and sets of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Uid and restarts of each pod.
    pods: BTreeMap<String, (String, i64)>,
    /// Uids of the claims.
    claims: BTreeMap<String, String>,
}

impl Inventory {
    /// Of a cluster as it is.
    ///
    /// # Errors
    /// What `kubectl` complained about.
    pub fn take(stage: &Stage) -> Result<Self> {
        let claims = stage.list(&["persistentvolumeclaims"])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let uid = |claim: &Value| (name_of(claim), text(&claim["metadata"]["uid"]));
        Ok(Self {
            pods: healing::pods(stage)?,
            claims: claims.iter().map(uid).collect(),
        })
    }

    /// It without these pods and their claims.
    #[must_use]
    pub fn without(&self, pods: &[&str]) -> Self {
        let stays = |name: &String| !pods.iter().any(|pod| name.ends_with(pod));
        let mut rest = self.clone();
        rest.pods.retain(|name, _| stays(name));
        rest.claims.retain(|name, _| stays(name));
        rest
    }

    /// Looks that everything in it is still there: no pod or container was restarted, no claim replaced.
    ///
    /// # Errors
    /// What is gone or another one.
    pub fn ensure_untouched(&self, stage: &Stage) -> Result<()> {
        let now = Self::take(stage)?;
        let pods = self
            .pods
            .iter()
            .find(|(name, pod)| now.pods.get(*name) != Some(*pod));
        ensure!(pods.is_none(), "restarted or replaced: {pods:?}");
        let claims = self.claims.iter();
        let claim = claims
            .clone()
            .find(|(name, uid)| now.claims.get(*name) != Some(*uid));
        ensure!(claim.is_none(), "gone or replaced: {claim:?}");
        Ok(())
    }
}

/// Looks that there are these pods and no others: in Kubernetes, in the sets' sizes, in claims and in the status.
///
/// # Errors
/// What is too much or missing.
pub fn ensure_pods(stage: &Stage, pods: &[&str]) -> Result<()> {
    let wanted: BTreeSet<_> = pods.iter().map(|pod| (*pod).to_owned()).collect();
    let now = Inventory::take(stage)?;
    let of_pods = now.pods.keys().cloned();
    let of_claims = now.claims.keys().map(|name| pod_of(name));
    let object = stage.resource()?;
    let status = object["status"]["pods"].as_object().into_iter().flatten();
    let found = [
        ("pods", of_pods.collect::<BTreeSet<_>>()),
        ("claims", of_claims.collect()),
        (
            "status.pods",
            status.map(|(name, _)| name.clone()).collect(),
        ),
        ("the sets", asked_for(stage)?),
    ];
    for (place, found) in found {
        ensure!(found == wanted, "{place}: {found:?} instead of {wanted:?}");
    }
    Ok(())
}

/// The pod of a claim, whose name begins with that of the volume.
fn pod_of(claim: &str) -> String {
    let begin = claim.find(NAME).unwrap_or_default();
    claim[begin..].to_owned()
}

/// The pods that the sets are asked for.
fn asked_for(stage: &Stage) -> Result<BTreeSet<String>> {
    let sets = stage.list(&["statefulsets"])?;
    let pods = sets.iter().flat_map(|set| {
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let replicas = set["spec"]["replicas"].as_i64().unwrap_or_default();
        (0..replicas).map(move |ordinal| format!("{name}-{ordinal}"))
    });
    Ok(pods.collect())
}
