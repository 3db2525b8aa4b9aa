//! Changes of a server's configuration while it runs.

use serde_json::json;

use super::{entries::Entry, in_pod, steps::refusal};
use crate::{
    aerospike::info::InfoValue,
    api::status::DynamicConfigUpdateStatus,
    controller::{Context, Error, servers},
    leader::Write,
    plan::{
        Observed, Order,
        configuration::{Configure, Confirm},
    },
    resolve::Desired,
};

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
    entry.change(desired, vec![note], context).await.map(drop)
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
    let update = in_pod::update(desired, observed, rack);
    if let Some(order) = &of.rebalance {
        rebalance(desired, observed, order, context).await?;
    }
    context.lease.permit(Write::Upkeep)?;
    let config = in_pod::run(desired, &of.pod, in_pod::UPDATE_CONFIG, &update, context).await?;
    context.lease.permit(Write::Upkeep)?;
    let entry = Entry::of(&of.pod, &of.pod_ip);
    let before = entry.test("aerospikeConfigHash", &of.before.as_str().into());
    let operations = [vec![before], in_pod::has_file_of(entry, rack)].concat();
    entry.change(desired, operations, context).await?;
    in_pod::annotate(desired, (&of.pod, &of.uid), &config, &update, context).await
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
