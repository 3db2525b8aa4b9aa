//! The operator's program in the containers of servers, which writes their files, and what is noted of those files in pods
//! and their entries.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{AttachParams, Patch},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{entries::Entry, steps::managed_by};
use crate::{
    controller::{Context, Error},
    init::update::Update,
    plan::{FIELD_MANAGER, Kind, Observed},
    resolve::{Desired, Rack},
    resources::{config_map, labels, names},
    telemetry::chain,
};

/// The copy of this program in the server container.
const PROGRAM: &str = "/etc/aerospike/akoinit";
/// Writes the file, of which the server does not notice.
pub(super) const UPDATE_CONFIG: &str = "update-conf";
/// Writes the file, and has the server started anew.
pub(super) const QUICK_RESTART: &str = "quick-restart";
/// For the program, which writes one file.
const WITHIN: Duration = Duration::from_secs(5);
/// What it may print: a configuration is no longer than a mebibyte.
const MOST_PRINTED: u64 = 1 << 20;

/// What the file of a rack's pods is made of.
pub(super) fn update(desired: &Desired, observed: &Observed, rack: &Rack) -> Update {
    Update {
        template: rack.template.text().to_owned(),
        peers: peers(desired, observed, rack),
    }
}

fn peers(desired: &Desired, observed: &Observed, rack: &Rack) -> String {
    let name = names::config_map(&desired.identity.name, &rack.identifier());
    let map = observed.live(Kind::ConfigMap, &name);
    let peers = map.and_then(|map| map.body["data"][config_map::PEERS].as_str());
    peers.unwrap_or_default().to_owned()
}

/// Runs the program in a server's container, and returns what it printed: the configuration that it wrote.
///
/// # Errors
///
/// It did not run, or failed; what it did so far is not known.
pub(super) async fn run(
    desired: &Desired,
    pod: &str,
    mode: &'static str,
    update: &Update,
    context: &Context,
) -> Result<String, Error> {
    let printed = timeout(WITHIN, print(desired, pod, mode, update, context)).await;
    printed
        .unwrap_or_else(|_| Err(format!("no answer within {} s", WITHIN.as_secs())))
        .map_err(|why| Error::UpdateConfig {
            pod: pod.to_owned(),
            why,
        })
}

async fn print(
    desired: &Desired,
    pod: &str,
    mode: &str,
    update: &Update,
    context: &Context,
) -> Result<String, String> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &desired.identity.namespace);
    let params = AttachParams::default()
        .container(names::SERVER_CONTAINER)
        .stdin(true)
        .stdout(true)
        .stderr(false);
    let command = [PROGRAM, "init", mode];
    let process = api.exec(pod, command, &params).await;
    let mut process = process.map_err(|error| chain(&error))?;
    let sent = serde_json::to_vec(update).map_err(|error| chain(&error))?;
    let status = process.take_status();
    let (stdin, stdout) = (process.stdin(), process.stdout());
    let (Some(mut stdin), Some(stdout), Some(status)) = (stdin, stdout, status) else {
        return Err("the process has no streams".to_owned());
    };
    let writing = async move {
        stdin.write_all(&sent).await?;
        stdin.shutdown().await
    };
    let mut printed = String::new();
    let mut limited = stdout.take(MOST_PRINTED);
    let (written, read) = tokio::join!(writing, limited.read_to_string(&mut printed));
    written.and(read).map_err(|error| chain(&error))?;
    match status.await {
        Some(status) if status.status.as_deref() == Some("Success") => Ok(printed),
        Some(status) => Err(status.message.unwrap_or_default()),
        None => Err("the connection broke".to_owned()),
    }
}

/// What a pod's entry becomes when its file is as wanted.
pub(super) fn has_file_of(entry: Entry<'_>, rack: &Rack) -> Vec<Value> {
    vec![
        entry.set("aerospikeConfigHash", &rack.hashes.config.as_str().into()),
        entry.set("dynamicConfigUpdateStatus", &"".into()),
        entry.set("dynamicConfigParameters", &json!([])),
    ]
}

/// Shows on a pod what is in its file. What is too large is removed: then later changes need the pod to be made anew.
pub(super) async fn annotate(
    desired: &Desired,
    (pod, uid): (&str, &str),
    config: &str,
    update: &Update,
    context: &Context,
) -> Result<(), Error> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &desired.identity.namespace);
    let manager = managed_by(FIELD_MANAGER);
    let choices = [
        (json!(config), json!(update.template)),
        (json!(""), Value::Null),
    ];
    let mut annotated = Ok(());
    for (config, template) in choices {
        let annotations =
            json!({labels::RENDERED_CONFIG: config, labels::CONFIG_TEMPLATE: template});
        let patch = json!({"metadata": {"uid": uid, "annotations": annotations}});
        let patch = Patch::Merge(patch);
        annotated = api.patch_metadata(pod, &manager, &patch).await.map(drop);
        let is_too_large = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.is_invalid() || status.code == 413);
        if !annotated.as_ref().is_err_and(is_too_large) {
            break;
        }
    }
    annotated.map_err(Error::executing(format!("annotate pod {pod}")))
}
