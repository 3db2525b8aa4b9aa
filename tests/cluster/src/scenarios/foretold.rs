//! What is said of an edit before it is made: by the operator's command `plan`, and in the answer to the edit itself.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::stage::Stage;
use crate::{images, run};

/// It reads what a pass of the operator reads.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

/// What becomes of each pod by the word of `plan`, which must find nothing that stands in the way.
///
/// # Errors
/// What `plan` complained about.
pub fn actions(stage: &Stage, edited: &Value) -> Result<BTreeMap<String, String>> {
    let mut plan = run::command(&images::operator_program(images::Make::Quick)?.to_string_lossy());
    plan.env("KUBECONFIG", stage.cluster.kubeconfig());
    plan.args(["plan", "--output", "json", "-"]);
    let printed = run::output(&mut plan, &edited.to_string(), TOLD_WITHIN).ok();
    let told: Value = serde_json::from_str(&printed.context("plan")?)?;
    let pods = told[0]["pods"].as_array().context("no pods are told")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pods = pods
        .iter()
        .map(|pod| (text(&pod["pod"]), text(&pod["action"])));
    Ok(pods.collect())
}

/// The same action for so many pods of the first rack.
#[must_use]
pub fn each(count: usize, action: &str) -> BTreeMap<String, String> {
    let pods = (0..count).map(|ordinal| format!("aerocluster-0-{ordinal}"));
    pods.map(|pod| (pod, action.to_owned())).collect()
}

/// Applies an edit, with whose answer a warning must come.
///
/// # Errors
/// If it is refused, or the warning is missing.
pub fn apply_with_warning(stage: &Stage, edited: &Value, warning: &str) -> Result<()> {
    let output = stage.kubectl_with_input(&["apply", "-f", "-"], &edited.to_string());
    let said = output.stderr.clone();
    output.ok()?;
    ensure!(said.contains(warning), "the edit was answered with: {said}");
    Ok(())
}
