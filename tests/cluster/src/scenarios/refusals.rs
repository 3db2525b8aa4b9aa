//! What people read when something is refused, kept word for word in `golden/`.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::healing::pods;
use super::stage::Stage;
use crate::demo::NAME;
use crate::paths;

/// Ways to ask for the same, by the name of what is answered.
const WAYS: [(&str, &[&str]); 4] = [
    ("apply", &["apply", "-f", "-"]),
    ("server-side-apply", &["apply", "--server-side", "-f", "-"]),
    ("dry-run", &["apply", "--dry-run=server", "-f", "-"]),
    ("create", &["create", "-f", "-"]),
];

/// A bad manifest, offered in every way.
///
/// # Errors
/// What reads differently.
pub fn refusals_tell_everything(stage: &Stage) -> Result<()> {
    let manifest = include_str!("../../demo/refused.yaml").replace(
        "namespace: aerospike\n",
        &format!("namespace: {}\n", stage.namespace),
    );
    for (way, args) in WAYS {
        let answer = stage.kubectl_with_input(args, &manifest);
        ensure!(!answer.success, "{way} was accepted: {}", answer.stdout);
        ensure_reads_as(stage, way, &answer.stderr)?;
    }
    let made = stage.text(&["get", "aerospikecluster", "-o", "name"])?;
    ensure!(made.is_empty(), "a refused manifest left {made}");
    Ok(())
}

/// Changes that a running cluster does not take.
///
/// # Errors
/// What reads differently, or changed.
pub fn a_refused_change_changes_nothing(stage: &Stage) -> Result<()> {
    stage.cluster_of(1)?;
    let before = pods(stage)?;
    let spread = json!({"spec": {"podSpec": {"multiPodPerHost": false}}}).to_string();
    let changes: [(&str, &[&str]); 2] = [
        (
            "update",
            &[
                "patch",
                "aerospikecluster",
                NAME,
                "--type=merge",
                "-p",
                &spread,
            ],
        ),
        (
            "scale-to-zero",
            &["scale", "aerospikecluster", NAME, "--replicas=0"],
        ),
    ];
    for (way, args) in changes {
        let answer = stage.kubectl(args);
        ensure!(!answer.success, "{way} was accepted: {}", answer.stdout);
        ensure_reads_as(stage, way, &answer.stderr)?;
    }
    let generation = stage.resource()?["metadata"]["generation"].clone();
    ensure!(
        generation == 1,
        "the generation is {generation} instead of 1"
    );
    ensure!(pods(stage)? == before, "pods were restarted or replaced");
    stage.ensure_ready(1)
}

/// `UPDATE_GOLDEN=1` writes the file instead.
fn ensure_reads_as(stage: &Stage, name: &str, answer: &str) -> Result<()> {
    let path = golden(name);
    let answer = answer.replace(&stage.namespace, "NAMESPACE");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        return fs::write(&path, &answer).with_context(|| format!("{}", path.display()));
    }
    let expected = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    ensure!(
        answer == expected,
        "{name} reads differently from golden/{name}.txt:\n{answer}"
    );
    Ok(())
}

fn golden(name: &str) -> PathBuf {
    let folder = paths::checkout().join("tests/cluster/golden");
    folder.join(format!("{name}.txt"))
}
