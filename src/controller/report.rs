//! Tells what is known: the status, the metrics, the events of transitions.

use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use serde_json::{Value, json};

use super::{Context, Error, WHILE_STALLED, events::Told, observe};
use crate::{
    api::{AerospikeCluster, AerospikeClusterStatus, status::Phase},
    finding::Finding,
    plan::status::{self, conditions::Situation},
    telemetry::chain,
};

/// Field manager of writes to the status, spelt as AKO spells it.
const STATUS_MANAGER: &str = "aerospike-kuberneter-operator";

/// Writes `status` if it differs from what the cluster has; pods' own entries are left to them.
///
/// # Errors
///
/// If the status cannot be written.
pub async fn report(
    cluster: &AerospikeCluster,
    status: AerospikeClusterStatus,
    context: &Context,
) -> Result<(), Error> {
    context.metrics.phase(
        &cluster.namespace().unwrap_or_default(),
        &cluster.name_any(),
        status.phase,
    );
    write(cluster, &status, context).await?;
    for told in transitions(cluster, &status) {
        context.tell(cluster, &told).await;
    }
    Ok(())
}

/// Operations whose end is told, by the type of their condition.
const ENDINGS: [(&str, &str, &str); 2] = [
    (
        "Upgrading",
        "RackImageUpdated",
        "All pods run the image of the spec",
    ),
    (
        "RollingRestart",
        "RackRollingRestarted",
        "All pods run what the spec says",
    ),
];

/// What came about with `status`.
fn transitions(cluster: &AerospikeCluster, status: &AerospikeClusterStatus) -> Vec<Told> {
    let old = cluster.status.as_ref();
    let goes_on = |status: &AerospikeClusterStatus, kind: &str| {
        let found = status.conditions.iter().find(|it| it.type_ == kind);
        found.is_some_and(|condition| condition.status == "True")
    };
    // A pod that was moved may not be back yet; a roll-out is over when all are.
    let before = old.and_then(|old| old.phase);
    let rolled_out = status.phase == Some(Phase::Completed) && before != status.phase;
    let ended = ENDINGS.iter().filter(|(kind, ..)| {
        let went_on = old.is_some_and(|old| goes_on(old, kind));
        rolled_out && went_on && !goes_on(status, kind)
    });
    let ended = ended.map(|(_, reason, note)| (*reason, *note));
    let access = access_control_became_installed(cluster, status)
        .then_some(("ACLUpdated", "Installed users and roles"));
    let told = access.into_iter().chain(ended);
    told.map(|(reason, note)| Told::normal(reason, note.to_owned()))
        .collect()
}

fn access_control_became_installed(
    cluster: &AerospikeCluster,
    status: &AerospikeClusterStatus,
) -> bool {
    let before = cluster
        .status
        .as_ref()
        .and_then(|status| status.mirror.aerospike_access_control.as_ref());
    let after = status.mirror.aerospike_access_control.as_ref();
    after.is_some() && before != after
}

/// Reports that a pass failed and why; that this cannot be reported is logged and no more.
pub async fn failed(cluster: &AerospikeCluster, error: &Error, context: &Context) {
    let situation = Situation::Failed {
        reason: error.reason(),
        message: chain(error),
        needs_a_person: error.needs_a_person(),
    };
    let reported = async {
        let Some(cluster) = observe::fresh(cluster, context).await? else {
            return Ok(());
        };
        let old = cluster.status.clone().unwrap_or_default();
        let generation = cluster.metadata.generation;
        let status = status::of_failure(&old, &situation, generation, Timestamp::now());
        context.metrics.phase(
            &cluster.namespace().unwrap_or_default(),
            &cluster.name_any(),
            status.phase,
        );
        write(&cluster, &status, context).await
    };
    if let Err(error) = reported.await {
        tracing::warn!(error = chain(&error), "Failure could not be reported");
    }
}

/// Reports what a cluster that is not rolled out does instead, and why.
///
/// # Errors
///
/// If the status cannot be written.
pub async fn situation(
    cluster: &AerospikeCluster,
    situation: &Situation,
    context: &Context,
) -> Result<Action, Error> {
    let old = cluster.status.clone().unwrap_or_default();
    let generation = cluster.metadata.generation;
    let status = status::stalled(&old, situation, generation, Timestamp::now());
    write(cluster, &status, context).await?;
    Ok(Action::requeue(WHILE_STALLED))
}

/// Reports a spec that breaks rules.
///
/// # Errors
///
/// If the status cannot be written.
pub async fn invalid(
    cluster: &AerospikeCluster,
    findings: &[Finding],
    now: Timestamp,
    context: &Context,
) -> Result<(), Error> {
    let old = cluster.status.clone().unwrap_or_default();
    let status = status::of_invalid(&old, findings, cluster.metadata.generation, now);
    write(cluster, &status, context).await
}

async fn write(
    cluster: &AerospikeCluster,
    status: &AerospikeClusterStatus,
    context: &Context,
) -> Result<(), Error> {
    let Some(patch) = patch(cluster, status)? else {
        return Ok(());
    };
    let params = PatchParams {
        field_manager: Some(STATUS_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    Api::<AerospikeCluster>::namespaced(
        context.client.clone(),
        &cluster.namespace().unwrap_or_default(),
    )
    .patch_status(&cluster.name_any(), &params, &patch)
    .await
    .map(drop)
    .map_err(Error::Status)
}

/// A cluster without a status gets one with an empty map of pods; later on only differences are written, and none below
/// `/status/pods`, where pods write for themselves.
fn patch(
    cluster: &AerospikeCluster,
    status: &AerospikeClusterStatus,
) -> Result<Option<Patch<Value>>, Error> {
    let new = serde_json::to_value(status).map_err(Error::StatusPatch)?;
    let Some(old) = &cluster.status else {
        return Ok(Some(Patch::Merge(json!({"status": new}))));
    };
    let old = serde_json::to_value(old).map_err(Error::StatusPatch)?;
    let changes = json_patch::diff(&without_pods(old), &without_pods(new));
    if changes.0.is_empty() {
        return Ok(None);
    }
    let changes = changes.0.into_iter().map(below_status);
    Ok(Some(Patch::Json(json_patch::Patch(
        changes.collect::<Result<_, _>>()?,
    ))))
}

fn without_pods(mut status: Value) -> Value {
    if let Some(members) = status.as_object_mut() {
        members.remove("pods");
    }
    status
}

fn below_status(
    operation: json_patch::PatchOperation,
) -> Result<json_patch::PatchOperation, Error> {
    let mut operation = serde_json::to_value(operation).map_err(Error::StatusPatch)?;
    for member in ["path", "from"] {
        if let Some(path) = operation[member].as_str() {
            operation[member] = format!("/status{path}").into();
        }
    }
    serde_json::from_value(operation).map_err(Error::StatusPatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(status: &Value) -> AerospikeCluster {
        serde_json::from_value(json!({
            "apiVersion": "asdb.aerospike.com/v1",
            "kind": "AerospikeCluster",
            "metadata": {"name": "c"},
            "spec": {"size": 1, "image": "a:1.2", "aerospikeConfig": {}},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn a_status_that_says_nothing_new_is_not_written() {
        let cluster = cluster(&json!({"phase": "InProgress", "pods": {}}));
        let same = cluster.status.clone().unwrap();
        assert!(patch(&cluster, &same).unwrap().is_none());
    }

    #[test]
    fn entries_of_pods_are_left_to_the_pods() {
        let cluster = cluster(&json!({"phase": "InProgress", "pods": {}}));
        let mut status = cluster.status.clone().unwrap();
        status.phase = Some(Phase::Completed);
        status
            .pods
            .insert("c-0-0".to_owned(), crate::api::status::PodStatus::default());
        let Some(Patch::Json(patch)) = patch(&cluster, &status).unwrap() else {
            panic!("a JSON patch was expected");
        };
        let expected = json!([{"op": "replace", "path": "/status/phase", "value": "Completed"}]);
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }

    #[test]
    fn the_end_of_a_roll_out_is_told_once_and_not_if_it_was_given_up() {
        let condition = |state: &str| {
            json!({"type": "Upgrading", "status": state, "reason": "R", "message": "",
                   "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let of = |phase: &str, state: &str| {
            cluster(&json!({"phase": phase, "pods": {}, "conditions": [condition(state)]}))
        };
        let reasons = |before: (&str, &str), after: (&str, &str)| -> Vec<_> {
            let after = of(after.0, after.1).status.unwrap();
            let told = transitions(&of(before.0, before.1), &after);
            told.into_iter().map(|told| told.reason).collect()
        };
        let (working, done) = (("InProgress", "True"), ("Completed", "False"));
        assert_eq!(reasons(working, done), ["RackImageUpdated"]);
        assert_eq!(reasons(done, done), [""; 0]);
        assert_eq!(reasons(("Completed", "True"), done), [""; 0]);
        assert_eq!(reasons(working, ("InProgress", "False")), [""; 0]);
    }

    #[test]
    fn the_first_status_has_a_map_for_the_pods() {
        let cluster = cluster(&Value::Null);
        let first = AerospikeClusterStatus {
            phase: Some(Phase::InProgress),
            ..AerospikeClusterStatus::default()
        };
        let Some(Patch::Merge(patch)) = patch(&cluster, &first).unwrap() else {
            panic!("a merge patch was expected");
        };
        assert_eq!(patch["status"]["pods"], json!({}));
        assert_eq!(patch["status"]["phase"], "InProgress");
    }
}
