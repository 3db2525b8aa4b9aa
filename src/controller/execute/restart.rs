//! Restarts: of pods, which their set makes anew, and of servers in them.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, Preconditions},
};
use serde_json::{Value, json};

use super::{
    entries::Entry,
    in_pod,
    steps::{delete_claims, json_patch, managed_by},
};
use crate::{
    api::status::{PodStatus, WarmRestart},
    controller::{Context, Error},
    leader::Write,
    plan::{FIELD_MANAGER, Observed, Renewal, Restart, warm_restart},
    resolve::{Desired, Rack},
};

/// How far the restart of a server came, in its pod's entry.
const PROGRESS: &str = "lastRestart/warmRestart";

/// Each pod's entry says first what becomes of it: the next one keeps that.
pub(super) async fn carry_out(
    desired: &Desired,
    observed: &Observed,
    restart: &Restart,
    context: &Context,
) -> Result<(), Error> {
    let rack = desired.rack(&restart.rack);
    for renewal in &restart.pods {
        context.lease.permit(Write::Upkeep)?;
        match rack.filter(|_| renewal.keeps_pod()) {
            Some(rack) => restart_server(desired, observed, rack, renewal, context).await?,
            None => make_anew(desired, observed, renewal, context).await?,
        }
    }
    Ok(())
}

async fn make_anew(
    desired: &Desired,
    observed: &Observed,
    renewal: &Renewal,
    context: &Context,
) -> Result<(), Error> {
    if let Some(entry) = entry(observed, renewal) {
        note(desired, observed, entry, renewal, context).await?;
    }
    context.lease.permit(Write::Disruptive)?;
    // Claims that are in use go with the pod; afterwards they would be the next one's already.
    delete_claims(desired, &renewal.claims, context).await?;
    delete_pod(desired, renewal, context).await
}

/// Tells a pod's entry what becomes of it, and returns what it says then.
async fn note(
    desired: &Desired,
    observed: &Observed,
    entry: Entry<'_>,
    renewal: &Renewal,
    context: &Context,
) -> Result<Option<PodStatus>, Error> {
    let note = entry.set("lastRestart", &json!(renewal.note(observed.now)));
    entry.change(desired, vec![note], context).await
}

fn entry<'a>(observed: &'a Observed, renewal: &'a Renewal) -> Option<Entry<'a>> {
    let status = observed.status.pods.get(&renewal.pod)?;
    Some(Entry::of(&renewal.pod, &status.pod_ip))
}

/// Deletes a pod, which its set makes anew, if nothing happened to it since it was looked at: a server that was dead may
/// have come to life.
async fn delete_pod(desired: &Desired, renewal: &Renewal, context: &Context) -> Result<(), Error> {
    let pod = &renewal.pod;
    tracing::info!(pod, "Deleting pod, which is made anew");
    let params = DeleteParams::default().preconditions(Preconditions {
        uid: Some(renewal.uid.clone()),
        resource_version: Some(renewal.resource_version.clone()),
    });
    pods(desired, context)
        .delete(pod, &params)
        .await
        .map(drop)
        .map_err(Error::executing(format!("delete pod {pod}")))
}

/// Has a server started anew with the configuration of its rack. If anything fails once that was noted, nobody knows what it
/// runs, and the next pass makes the pod anew: what cannot be done in the pod is done to it.
async fn restart_server(
    desired: &Desired,
    observed: &Observed,
    rack: &Rack,
    renewal: &Renewal,
    context: &Context,
) -> Result<(), Error> {
    let Some(entry) = entry(observed, renewal) else {
        return Ok(());
    };
    let (pod, uid) = (&renewal.pod, &renewal.uid);
    assure_same(desired, renewal, context).await?;
    let noted = note(desired, observed, entry, renewal, context).await?;
    if !noted.is_some_and(|entry| warm_restart::is_in_doubt(&entry)) {
        let why = "its restart cannot be noted in status.pods: apply the crds of this version";
        return Err(Error::UpdateConfig {
            pod: pod.clone(),
            why: why.to_owned(),
        });
    }
    context.lease.permit(Write::Disruptive)?;
    tracing::info!(pod, "Restarting the server in its pod");
    let update = in_pod::update(desired, observed, rack);
    let config = in_pod::run(desired, pod, in_pod::QUICK_RESTART, &update, context).await?;
    context.lease.permit(Write::Upkeep)?;
    let told = told(entry, rack);
    entry.change(desired, told, context).await?;
    in_pod::annotate(desired, (pod, uid), &config, &update, context).await
}

/// Fails if anything happened to the pod since it was looked at. Nothing is written.
async fn assure_same(desired: &Desired, renewal: &Renewal, context: &Context) -> Result<(), Error> {
    let pod = &renewal.pod;
    let patch = json_patch(json!([
        {"op": "test", "path": "/metadata/uid", "value": renewal.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": renewal.resource_version},
    ]));
    pods(desired, context)
        .patch(pod, &managed_by(FIELD_MANAGER), &patch)
        .await
        .map(drop)
        .map_err(Error::executing(format!("look at pod {pod}")))
}

/// What the entry of a pod becomes whose server was told to end, and has another file to start with.
fn told(entry: Entry<'_>, rack: &Rack) -> Vec<Value> {
    let noted = vec![
        entry.test(PROGRESS, &json!(WarmRestart::Begun)),
        entry.set(PROGRESS, &json!(WarmRestart::Told)),
    ];
    [noted, in_pod::has_file_of(entry, rack)].concat()
}

/// Notes that a server is back.
pub(super) async fn note_return(
    desired: &Desired,
    entry: Entry<'_>,
    context: &Context,
) -> Result<(), Error> {
    let operations = vec![
        entry.test(PROGRESS, &json!(WarmRestart::Told)),
        entry.set(PROGRESS, &json!(WarmRestart::Done)),
    ];
    entry.change(desired, operations, context).await.map(drop)
}

fn pods(desired: &Desired, context: &Context) -> Api<Pod> {
    Api::namespaced(context.client.clone(), &desired.identity.namespace)
}
