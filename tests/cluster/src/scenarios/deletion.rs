//! Clusters that go, with their data or without.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::stage::{Stage, eventually};
use crate::demo::NAME;

const GONE_WITHIN: Duration = Duration::from_mins(1);
/// Annotation on a claim whose volume was prepared.
const INITIALIZED: &str = "aerospike.com/initialized";
/// A file that stands for data.
const MARKER: &str = "written-by-nobody-but-the-scenario";

/// With `cascadeDelete` the claims go too.
///
/// # Errors
/// What is left.
pub fn a_cascading_deletion_leaves_nothing(stage: &Stage) -> Result<()> {
    stage.apply(&stage.sample("hdd_dim_storage")?)?;
    stage.wait_until_ready(2)?;
    ensure!(
        reads_nodes(stage)?,
        "the pods' account is no subject of the node reader"
    );
    delete(stage)?;
    eventually("claims are gone", GONE_WITHIN, || {
        let claims = claims(stage)?;
        ensure!(claims.is_empty(), "{} claims are left", claims.len());
        Ok(())
    })
}

/// Without it they stay, and a cluster that is made anew over them finds its data.
///
/// # Errors
/// What was lost.
pub fn kept_claims_are_not_initialised_again(stage: &Stage) -> Result<()> {
    let mut object = stage.sample_object("hdd_dim_storage")?;
    object["spec"]["storage"]["filesystemVolumePolicy"]["cascadeDelete"] = false.into();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(2)?;
    let markers = mark(stage)?;
    delete(stage)?;
    let kept = claims(stage)?;
    ensure!(kept.len() == 4, "{} of 4 claims are left", kept.len());
    let going = kept
        .iter()
        .find(|claim| claim["metadata"]["deletionTimestamp"].is_string());
    ensure!(going.is_none(), "a claim is being deleted: {going:?}");
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(2)?;
    let lost = markers.iter().find(|marker| !marker.exists());
    ensure!(lost.is_none(), "data was wiped: {lost:?} is gone");
    let uids = |claims: &[Value]| {
        claims
            .iter()
            .map(|c| c["metadata"]["uid"].clone())
            .collect::<Vec<_>>()
    };
    ensure!(uids(&kept) == uids(&claims(stage)?), "claims were replaced");
    Ok(())
}

fn delete(stage: &Stage) -> Result<()> {
    stage.text(&["delete", "aerospikecluster", NAME, "--timeout=45s"])?;
    eventually("all but the claims is gone", GONE_WITHIN, || {
        let left = stage.text(&[
            "get",
            "statefulset,pods,poddisruptionbudget,role,rolebinding",
            "-o",
            "name",
        ])?;
        ensure!(left.is_empty(), "left: {}", left.replace('\n', ", "));
        let services = stage.text(&["get", "service", "-o", "name"])?;
        ensure!(
            services.is_empty(),
            "left: {}",
            services.replace('\n', ", ")
        );
        Ok(())
    })?;
    ensure!(
        !reads_nodes(stage)?,
        "the pods' account is still a subject of the node reader"
    );
    Ok(())
}

/// Puts a file into every volume, as data would be. The nodes share this machine's files.
fn mark(stage: &Stage) -> Result<Vec<PathBuf>> {
    let claims = claims(stage)?;
    ensure!(claims.len() == 4, "{} claims instead of 4", claims.len());
    claims.iter().map(|claim| mark_one(stage, claim)).collect()
}

fn mark_one(stage: &Stage, claim: &Value) -> Result<PathBuf> {
    let name = &claim["metadata"]["name"];
    ensure!(
        claim["metadata"]["annotations"][INITIALIZED] == "true",
        "claim {name} has no annotation {INITIALIZED}"
    );
    let volume = claim["spec"]["volumeName"].as_str().unwrap_or_default();
    let volume = stage.get(&["persistentvolume", volume])?;
    let folder = volume["spec"]["hostPath"]["path"].as_str();
    let folder = folder.with_context(|| format!("the volume of {name} has no folder"))?;
    let marker = PathBuf::from(folder).join(MARKER);
    fs::write(&marker, "data").with_context(|| format!("{}", marker.display()))?;
    Ok(marker)
}

fn claims(stage: &Stage) -> Result<Vec<Value>> {
    stage.list(&["persistentvolumeclaims"])
}

fn reads_nodes(stage: &Stage) -> Result<bool> {
    let binding = stage.get(&["clusterrolebinding", "aerospike-operator-node-reader"])?;
    let subjects = binding["subjects"].as_array();
    let mut subjects = subjects.into_iter().flatten();
    Ok(subjects.any(|subject| subject["namespace"] == stage.namespace.as_str()))
}
