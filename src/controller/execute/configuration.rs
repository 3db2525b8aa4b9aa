//! Changes of a server's configuration while it runs, and what is noted of them in the pod and in its entry.

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

use super::{
    entries::Entry,
    steps::{managed_by, refusal},
};
use crate::{
    aerospike::info::InfoValue,
    api::status::DynamicConfigUpdateStatus,
    controller::{Context, Error, servers},
    init::update::Update,
    leader::Write,
    plan::{
        FIELD_MANAGER, Kind, Observed, Order,
        configuration::{Configure, Confirm},
    },
    resolve::{Desired, Rack},
    resources::{config_map, labels, names},
    telemetry::chain,
};

/// The copy of this program in the server container.
const PROGRAM: &str = "/etc/aerospike/akoinit";
/// For the program in the pod, which writes one file.
const WITHIN: Duration = Duration::from_secs(5);
/// What it may print: a configuration is no longer than a mebibyte.
const MOST_PRINTED: u64 = 1 << 20;

/// Notes what may differ from the pod's file from now on, then tells the server. A refusal is noted too; where it is not
/// known whether the server obeyed, the next pass reads what it has.
pub(super) async fn configure(
    desired: &Desired,
    observed: &Observed,
    to: &Configure,
    context: &Context,
) -> Result<(), Error> {
    if let Some(parameters) = &to.note {
        let entry = Entry::of(&to.pod, &to.pod_ip);
        let note = entry.set("dynamicConfigParameters", &json!(parameters));
        entry.change(desired, vec![note], context).await?;
    }
    let told = servers::tell_in_turn(desired, observed, &to.pod, &to.commands, context).await?;
    let (obeyed, Some(told)) = told else {
        return Ok(());
    };
    let command = to.commands[obeyed].clone();
    if matches!(told, Ok(InfoValue::Failed(_))) {
        note_outcome(desired, observed, to, to.outcome(obeyed), context).await?;
    }
    let why = refusal(&command, told).unwrap_or_default();
    let pod = to.pod.clone();
    Err(Error::Command { pod, command, why })
}

async fn note_outcome(
    desired: &Desired,
    observed: &Observed,
    to: &Configure,
    outcome: DynamicConfigUpdateStatus,
    context: &Context,
) -> Result<(), Error> {
    let entry = observed.status.pods.get(&to.pod);
    if entry.and_then(|entry| entry.dynamic_config_update_status) == Some(outcome) {
        return Ok(());
    }
    let entry = Entry::of(&to.pod, &to.pod_ip);
    let note = entry.set("dynamicConfigUpdateStatus", &json!(outcome));
    entry.change(desired, vec![note], context).await
}

/// Writes the pod's file, then its entry, then what the pod says of its file. Whatever is missing after an interruption is
/// done again.
pub(super) async fn confirm(
    desired: &Desired,
    observed: &Observed,
    of: &Confirm,
    context: &Context,
) -> Result<(), Error> {
    let Some(rack) = desired.rack(&of.rack) else {
        return Ok(());
    };
    let peers = peers(desired, observed, rack);
    if let Some(order) = &of.rebalance {
        rebalance(desired, observed, order, context).await?;
    }
    let update = Update {
        template: rack.template.clone(),
        peers,
    };
    context.lease.permit(Write::Upkeep)?;
    let config = timeout(WITHIN, write_file(desired, &of.pod, &update, context)).await;
    let config = config
        .unwrap_or_else(|_| Err(format!("no answer within {} s", WITHIN.as_secs())))
        .map_err(|why| Error::UpdateConfig {
            pod: of.pod.clone(),
            why,
        })?;
    context.lease.permit(Write::Upkeep)?;
    let entry = Entry::of(&of.pod, &of.pod_ip);
    let operations = confirmed(entry, of, rack);
    entry.change(desired, operations, context).await?;
    annotate(desired, of, &config, &rack.template, context).await
}

/// Whoever is the principal starts it; where none says so, nobody knows that one came.
async fn rebalance(
    desired: &Desired,
    observed: &Observed,
    order: &Order,
    context: &Context,
) -> Result<(), Error> {
    context.lease.permit(Write::Disruptive)?;
    let told = servers::give(desired, observed, order, context).await?;
    let obeys = |told: &servers::Told| matches!(told, Ok(InfoValue::Ok(value)) if value == "ok");
    if told.iter().any(|(_, told)| obeys(told)) {
        return Ok(());
    }
    Err(Error::Command {
        pod: order.pods.join(", "),
        command: order.command.clone(),
        why: "no server says that it is the principal".to_owned(),
    })
}

fn peers(desired: &Desired, observed: &Observed, rack: &Rack) -> String {
    let name = names::config_map(&desired.identity.name, &rack.identifier());
    let map = observed.live(Kind::ConfigMap, &name);
    let peers = map.and_then(|map| map.body["data"][config_map::PEERS].as_str());
    peers.unwrap_or_default().to_owned()
}

/// The text that the program in the pod wrote and printed.
async fn write_file(
    desired: &Desired,
    pod: &str,
    update: &Update,
    context: &Context,
) -> Result<String, String> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &desired.identity.namespace);
    let params = AttachParams::default()
        .container(names::SERVER_CONTAINER)
        .stdin(true)
        .stdout(true)
        .stderr(false);
    let command = [PROGRAM, "init", "update-conf"];
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
fn confirmed(entry: Entry<'_>, of: &Confirm, rack: &Rack) -> Vec<Value> {
    vec![
        entry.test("aerospikeConfigHash", &of.before.as_str().into()),
        entry.set("aerospikeConfigHash", &rack.hashes.config.as_str().into()),
        entry.set("dynamicConfigUpdateStatus", &"".into()),
        entry.set("dynamicConfigParameters", &json!([])),
    ]
}

/// What is too large is removed: then later changes need a restart.
async fn annotate(
    desired: &Desired,
    of: &Confirm,
    config: &str,
    template: &str,
    context: &Context,
) -> Result<(), Error> {
    let api: Api<Pod> = Api::namespaced(context.client.clone(), &desired.identity.namespace);
    let manager = managed_by(FIELD_MANAGER);
    let choices = [(json!(config), json!(template)), (json!(""), Value::Null)];
    let mut annotated = Ok(());
    for (config, template) in choices {
        let annotations =
            json!({labels::RENDERED_CONFIG: config, labels::CONFIG_TEMPLATE: template});
        let patch = json!({"metadata": {"uid": of.uid, "annotations": annotations}});
        let patch = Patch::Merge(patch);
        annotated = api
            .patch_metadata(&of.pod, &manager, &patch)
            .await
            .map(drop);
        let is_too_large = |error: &kube::Error| matches!(error, kube::Error::Api(status) if status.is_invalid() || status.code == 413);
        if !annotated.as_ref().is_err_and(is_too_large) {
            break;
        }
    }
    annotated.map_err(Error::executing(format!("annotate pod {}", of.pod)))
}
