//! A scale-down in whose every phase the operator is killed. What a phase waits for is held back, so that each is met for
//! sure; the next leader has to go on from what it finds.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::application::{self, Application, is_served_throughout};
use super::inventory::{Inventory, ensure_pods};
use super::servers;
use super::snapshot::{difference, normalised};
use super::stage::{Stage, eventually, throughout};
use crate::{demo, install, operators, simulated};

/// The pods that stay, and the one that goes.
const STAY: [&str; 2] = ["aerocluster-0-0", "aerocluster-0-1"];
const GOES: &str = "aerocluster-0-2";
const SET: &str = "aerocluster-0";
const CLAIM: &str = "workdir-aerocluster-0-2";
/// Keeps an object that was deleted.
const FINALIZER: &str = "tests.aerospike.com/held";
/// A lease lasts 15 s; then another takes it.
const LED_WITHIN: Duration = Duration::from_secs(40);
/// Clients leave a quiesced server at once, and its rates tell so 20 s later.
const REACHED_WITHIN: Duration = Duration::from_mins(1);
/// How long the next leader may not go beyond the phase.
const HELD_FOR: Duration = Duration::from_secs(3);

/// A phase of a scale-down.
struct Phase {
    name: &'static str,
    /// Lets the scale-down come to it, and no further.
    enter: fn(&Stage) -> Result<()>,
    /// Looks that it is there.
    ensure_reached: fn(&Stage) -> Result<()>,
}

const PHASES: [Phase; 6] = [
    Phase {
        name: "it waits for migrations",
        enter: begin_while_migrations_are_frozen,
        ensure_reached: migrations_are_waited_for,
    },
    Phase {
        name: "the server is told to quiesce",
        enter: |stage| {
            let refused = json!({"fault": "error", "command": "recluster", "text": "ERROR:4:no"});
            all_have(stage, &refused)
        },
        ensure_reached: quiesce_is_pending,
    },
    Phase {
        name: "the cluster was balanced without it",
        enter: |stage| all_have(stage, &json!({"fault": "freeze-migrations"})),
        ensure_reached: quiesce_is_in_effect,
    },
    Phase {
        name: "the set is smaller",
        enter: release_migrations_and_keep_the_pod,
        ensure_reached: the_set_is_smaller,
    },
    Phase {
        name: "the pod is gone",
        enter: release_the_pod_and_keep_the_cluster_unstable,
        ensure_reached: only_the_pod_is_gone,
    },
    Phase {
        name: "the claim is deleted",
        enter: release_the_cluster_and_keep_the_claim,
        ensure_reached: nobody_has_forgotten,
    },
];

/// The end is that of an undisturbed scale-down, and the application does not notice.
///
/// # Errors
/// What differs, in which phase.
pub fn a_scale_down_survives_the_operators_death(stage: &Stage) -> Result<()> {
    // A container that ended before is started ever later; those of new pods are not.
    install::restart_operator(&stage.cluster)?;
    application::cluster_of(stage, 2)?;
    let (pods, objects) = (Inventory::take(stage)?, normalised(stage)?);
    is_served_throughout(stage, |application| {
        for phase in &PHASES {
            interrupt(stage, phase, application).context(phase.name)?;
        }
        hold(stage, &["pvc", CLAIM], false)?;
        stage.wait_until_ready(2)
    })?;
    ensure_pods(stage, &STAY)?;
    pods.ensure_untouched(stage)?;
    ensure_forgotten(stage)?;
    if let Some(difference) = difference(&objects, &normalised(stage)?) {
        bail!("the objects are not those of before: {difference}");
    }
    install::wait_for_operator(&stage.cluster)
}

fn interrupt(stage: &Stage, phase: &Phase, application: &Application) -> Result<()> {
    let is_reached = || (phase.ensure_reached)(stage);
    (phase.enter)(stage)?;
    eventually("it is reached", REACHED_WITHIN, is_reached)?;
    let before = operators::holder(&stage.cluster)?;
    operators::kill_leader(&stage.cluster)?;
    eventually("another process leads", LED_WITHIN, || {
        let now = operators::holder(&stage.cluster)?;
        ensure!(now != before, "{now} still does");
        Ok(())
    })?;
    throughout(HELD_FOR, is_reached)?;
    application.is_served()
}

/// A third server joins, and gets nothing from the others; then it shall go again.
fn begin_while_migrations_are_frozen(stage: &Stage) -> Result<()> {
    inject(stage, &STAY, &json!({"fault": "freeze-migrations"}))?;
    stage.patch(&json!({"spec": {"size": 3}}))?;
    eventually("the third server is there", REACHED_WITHIN, || moves(stage))?;
    stage.patch(&json!({"spec": {"size": 2}})).map(drop)
}

fn moves(stage: &Stage) -> Result<()> {
    let seen = simulated::inspect(&stage.namespace, STAY[0])?;
    let moves = seen["size"] == 3 && seen["moving"] != 0;
    ensure!(moves, "nothing moves among three servers: {seen}");
    Ok(())
}

fn migrations_are_waited_for(stage: &Stage) -> Result<()> {
    moves(stage)?;
    let object = stage.resource()?;
    let seen = demo::condition(&object, "Ready").context("there is no condition Ready")?;
    let generation = &object["metadata"]["generation"];
    ensure!(
        seen["observedGeneration"] == *generation,
        "the new size was not seen"
    );
    ensure!(
        quiesce(stage)? == ["false", "false"],
        "the server is quiesced"
    );
    ensure_size(stage, 3)
}

fn quiesce_is_pending(stage: &Stage) -> Result<()> {
    let quiesce = quiesce(stage)?;
    ensure!(
        quiesce == ["true", "false"],
        "quiesce is pending, in effect: {quiesce:?}"
    );
    ensure_size(stage, 3)
}

fn quiesce_is_in_effect(stage: &Stage) -> Result<()> {
    let goes = simulated::inspect(&stage.namespace, GOES)?;
    ensure!(
        goes["quiesced"] == true,
        "the server is not quiesced: {goes}"
    );
    moves(stage)?;
    ensure_size(stage, 3)
}

fn release_migrations_and_keep_the_pod(stage: &Stage) -> Result<()> {
    hold(stage, &["pod", GOES], true)?;
    heal(stage, &[STAY[0], STAY[1], GOES])
}

fn the_set_is_smaller(stage: &Stage) -> Result<()> {
    let goes = is_being_deleted(stage, &["pod", GOES])?;
    ensure!(goes, "the pod is not being deleted");
    ensure_size(stage, 2)
}

fn release_the_pod_and_keep_the_cluster_unstable(stage: &Stage) -> Result<()> {
    let unstable =
        json!({"fault": "error", "command": "cluster-stable", "text": "ERROR:7:unstable cluster"});
    inject(stage, &STAY, &unstable)?;
    hold(stage, &["pod", GOES], false)
}

fn only_the_pod_is_gone(stage: &Stage) -> Result<()> {
    let pods = stage.text(&["get", "pods", "-o", "name"])?;
    ensure!(!pods.contains(GOES), "the pod is there");
    let goes = is_being_deleted(stage, &["pvc", CLAIM])?;
    ensure!(!goes, "the claim is being deleted");
    ensure_remembered(stage)
}

fn release_the_cluster_and_keep_the_claim(stage: &Stage) -> Result<()> {
    hold(stage, &["pvc", CLAIM], true)?;
    heal(stage, &STAY)
}

fn nobody_has_forgotten(stage: &Stage) -> Result<()> {
    let goes = is_being_deleted(stage, &["pvc", CLAIM])?;
    ensure!(goes, "the claim is not being deleted");
    ensure_remembered(stage)
}

fn ensure_remembered(stage: &Stage) -> Result<()> {
    let entry = &stage.resource()?["status"]["pods"][GOES];
    ensure!(entry.is_object(), "status.pods has no {GOES}");
    Ok(())
}

/// The servers that stay do not look for the one that went.
fn ensure_forgotten(stage: &Stage) -> Result<()> {
    for (server, answers) in servers::ask(stage, 2, &["alumni-clear-std", "peers-clear-std"])? {
        let nodes = |command| {
            answers.get(command).map_or(0, |told| {
                told.matches("[[").count() + told.matches("],[").count()
            })
        };
        ensure!(
            nodes("alumni-clear-std") == nodes("peers-clear-std"),
            "{server} remembers more than its peers: {answers:?}"
        );
    }
    Ok(())
}

/// The only thing that goes wrong with every server from now on.
fn all_have(stage: &Stage, fault: &Value) -> Result<()> {
    let all = [STAY[0], STAY[1], GOES];
    heal(stage, &all)?;
    inject(stage, &all, fault)
}

fn inject(stage: &Stage, pods: &[&str], fault: &Value) -> Result<()> {
    pods.iter()
        .try_for_each(|pod| simulated::inject(&stage.namespace, pod, fault))
}

fn heal(stage: &Stage, pods: &[&str]) -> Result<()> {
    pods.iter()
        .try_for_each(|pod| simulated::heal(&stage.namespace, pod))
}

fn is_being_deleted(stage: &Stage, object: &[&str; 2]) -> Result<bool> {
    let object = stage.get(object)?;
    Ok(!object["metadata"]["deletionTimestamp"].is_null())
}

/// Whether the server that goes is to leave the data path with the next rebalance, and whether it has left it.
fn quiesce(stage: &Stage) -> Result<[String; 2]> {
    let servers = servers::ask(stage, 3, &["node", "namespace/test"])?;
    let id = simulated::inspect(&stage.namespace, GOES)?["node"].take();
    let mut answers = servers.values();
    let goes = answers.find(|it| it.get("node").is_some_and(|node| id == node.as_str()));
    let told = goes.context("a client does not see the server that goes")?;
    let told = servers::pairs(told.get("namespace/test").map_or("", String::as_str));
    let value = |name| told.get(name).copied().unwrap_or_default().to_owned();
    Ok([value("pending_quiesce"), value("effective_is_quiesced")])
}

fn ensure_size(stage: &Stage, size: i64) -> Result<()> {
    let set = stage.get(&["statefulset", SET])?;
    let replicas = &set["spec"]["replicas"];
    ensure!(*replicas == size, "the set asks for {replicas} pods");
    Ok(())
}

/// Keeps an object from going when it is deleted, or lets it go.
fn hold(stage: &Stage, object: &[&str; 2], held: bool) -> Result<()> {
    let finalizers = if held {
        json!([FINALIZER])
    } else {
        Value::Null
    };
    let patch = json!({"metadata": {"finalizers": finalizers}}).to_string();
    let [kind, name] = object;
    stage
        .text(&["patch", kind, name, "--type=merge", "-p", &patch])
        .map(drop)
}
