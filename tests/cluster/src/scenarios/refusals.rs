//! What people read when something is refused, kept word for word in `golden/`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::healing::pods;
use super::stage::Stage;
use crate::Output;
use crate::demo::NAME;
use crate::paths;

/// What is refused, as a table.
#[derive(Deserialize)]
struct Refusals {
    offers: Vec<Case>,
    changes: Vec<Case>,
}

/// One thing that is refused.
#[derive(Deserialize)]
struct Case {
    /// The file with the answer is called so.
    name: String,
    /// How it is asked for.
    way: Way,
    /// What it starts from; a running cluster where there is none.
    #[serde(default)]
    sample: Option<String>,
    /// Values at JSON pointers.
    #[serde(default)]
    set: BTreeMap<String, Value>,
    /// Pods that are asked for by `scale`.
    #[serde(default)]
    replicas: Option<i32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    Apply,
    ServerSide,
    DryRun,
    Create,
    /// As `kubectl edit` sends it.
    Patch,
    Scale,
}

impl Way {
    const fn of_a_manifest(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Apply => Some(&["apply", "-f", "-"]),
            Self::ServerSide => Some(&["apply", "--server-side", "-f", "-"]),
            Self::DryRun => Some(&["apply", "--dry-run=server", "-f", "-"]),
            Self::Create => Some(&["create", "-f", "-"]),
            Self::Patch | Self::Scale => None,
        }
    }
}

fn table() -> Result<Refusals> {
    Ok(serde_saphyr::from_str(include_str!("../../refusals.yaml"))?)
}

/// Every manifest of the table, and one with several faults in every way.
///
/// # Errors
/// What reads differently.
pub fn refusals_tell_everything(stage: &Stage) -> Result<()> {
    let manifest = include_str!("../../demo/refused.yaml").replace(
        "namespace: aerospike\n",
        &format!("namespace: {}\n", stage.namespace),
    );
    for (name, way) in [
        ("apply", Way::Apply),
        ("server-side-apply", Way::ServerSide),
        ("dry-run", Way::DryRun),
        ("create", Way::Create),
    ] {
        let args = way.of_a_manifest().unwrap_or_default();
        ensure_refused(stage, name, &stage.kubectl_with_input(args, &manifest))?;
    }
    let differing: Vec<_> = table()?
        .offers
        .iter()
        .filter_map(|case| offered(stage, case).err())
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(differing.is_empty(), "{}", differing.join("\n"));
    let made = stage.text(&["get", "aerospikecluster", "-o", "name"])?;
    ensure!(made.is_empty(), "a refused manifest left {made}");
    Ok(())
}

fn offered(stage: &Stage, case: &Case) -> Result<()> {
    let sample = case.sample.as_deref().context("an offer needs a sample")?;
    let mut object = stage.sample_object(sample)?;
    for (pointer, value) in &case.set {
        set(&mut object, pointer, value)?;
    }
    let args = case.way.of_a_manifest();
    let args = args.with_context(|| format!("{} is no way to offer a manifest", case.name))?;
    let answer = stage.kubectl_with_input(args, &object.to_string());
    ensure_refused(stage, &format!("refusals/{}", case.name), &answer)
}

/// Changes that a running cluster does not take.
///
/// # Errors
/// What reads differently, or changed.
pub fn a_refused_change_changes_nothing(stage: &Stage) -> Result<()> {
    stage.cluster_of(1)?;
    let before = pods(stage)?;
    let differing: Vec<_> = table()?
        .changes
        .iter()
        .filter_map(|case| changed(stage, case).err())
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(differing.is_empty(), "{}", differing.join("\n"));
    let generation = stage.resource()?["metadata"]["generation"].clone();
    ensure!(
        generation == 1,
        "the generation is {generation} instead of 1"
    );
    ensure!(pods(stage)? == before, "pods were restarted or replaced");
    stage.ensure_ready(1)
}

/// A size that the schema takes and a rule does not: `kubectl scale` goes past the webhooks of the object itself.
///
/// # Errors
/// What reads differently, or changed.
pub fn a_size_that_breaks_a_rule_is_refused(stage: &Stage) -> Result<()> {
    stage.cluster_of(1)?;
    // The budget must leave a copy as soon as there are two pods.
    stage.patch(&json!({"spec": {"maxUnavailable": 2}}))?;
    stage.wait_until_ready(1)?;
    let answer = stage.kubectl(&["scale", "aerospikecluster", NAME, "--replicas=3"]);
    ensure_refused(stage, "refusals/scale-beyond-the-budget", &answer)?;
    let size = stage.resource()?["spec"]["size"].clone();
    ensure!(size == 1, "the size is {size} instead of 1");
    stage.patch(&json!({"spec": {"maxUnavailable": null}}))?;
    stage.text(&["scale", "aerospikecluster", NAME, "--replicas=2"])?;
    stage.wait_until_ready(2)
}

fn changed(stage: &Stage, case: &Case) -> Result<()> {
    let answer = match (case.way, case.replicas) {
        (Way::Scale, Some(replicas)) => {
            let replicas = format!("--replicas={replicas}");
            stage.kubectl(&["scale", "aerospikecluster", NAME, &replicas])
        }
        (Way::Patch, _) => {
            let patch = merge_patch(&case.set).to_string();
            let how = ["patch", "aerospikecluster", NAME, "--type=merge", "-p"];
            stage.kubectl(&[&how[..], &[&patch]].concat())
        }
        (way, _) => {
            let mut object = stage.sample_object("dim_nostorage")?;
            object["spec"]["size"] = 1.into();
            for (pointer, value) in &case.set {
                set(&mut object, pointer, value)?;
            }
            let args = way.of_a_manifest().context("scale needs replicas")?;
            stage.kubectl_with_input(args, &object.to_string())
        }
    };
    ensure_refused(stage, &format!("refusals/{}", case.name), &answer)
}

/// Pointers without lists in them, as one merge patch.
fn merge_patch(values: &BTreeMap<String, Value>) -> Value {
    let mut patch = json!({});
    for (pointer, value) in values {
        let members = pointer.split('/').skip(1);
        let place = members.fold(&mut patch, |place, member| &mut place[member]);
        *place = value.clone();
    }
    patch
}

/// Sets the value at a pointer: null removes, `-` appends.
fn set(object: &mut Value, pointer: &str, value: &Value) -> Result<()> {
    let (parent, last) = pointer
        .rsplit_once('/')
        .context("a pointer begins with /")?;
    match (object.pointer_mut(parent), value) {
        (Some(Value::Object(members)), Value::Null) => drop(members.remove(last)),
        (Some(Value::Object(members)), _) => drop(members.insert(last.to_owned(), value.clone())),
        (Some(Value::Array(items)), _) if last == "-" => items.push(value.clone()),
        (Some(Value::Array(items)), Value::Null) => drop(items.remove(last.parse()?)),
        (Some(Value::Array(items)), _) => items[last.parse::<usize>()?] = value.clone(),
        _ => bail!("nothing at {parent}"),
    }
    Ok(())
}

/// `UPDATE_GOLDEN=1` writes the file instead.
pub(super) fn ensure_refused(stage: &Stage, name: &str, answer: &Output) -> Result<()> {
    ensure!(!answer.success, "{name} was accepted: {}", answer.stdout);
    let path = golden(name);
    let answer = answer.stderr.replace(&stage.namespace, "NAMESPACE");
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
