//! Steps: what changes what runs, or cannot be taken back. Each is refused if the world changed since it was looked at.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::{Value, json};

use super::{api, configuration, delete_if_same, entries, restart};
use crate::{
    aerospike::{command, info::InfoValue},
    controller::{Context, Error, events, servers},
    leader::Write,
    plan::{FIELD_MANAGER, Kind, Observed, Order, Resize, Step},
    resolve::Desired,
};

/// Takes a step, and tells of it. That somebody was first is no failure: the next pass decides anew.
pub(super) async fn take(
    desired: &Desired,
    observed: &Observed,
    step: &Step,
    context: &Context,
) -> Result<(), Error> {
    context.lease.permit(Write::Disruptive)?;
    context.metrics.effect(name_of(step));
    tracing::info!(step = step.describe(), "Taking a step");
    for told in events::before_step(step) {
        context.tell_desired(desired, &told).await;
    }
    match carry_out(desired, observed, step, context).await {
        Err(error) if was_second(&error) => Ok(()),
        Ok(()) => {
            for told in events::after_step(step) {
                context.tell_desired(desired, &told).await;
            }
            Ok(())
        }
        Err(error) => {
            let told = events::of_failed_step(step, &error);
            context.tell_desired(desired, &told).await;
            Err(error)
        }
    }
}

async fn carry_out(
    desired: &Desired,
    observed: &Observed,
    step: &Step,
    context: &Context,
) -> Result<(), Error> {
    match step {
        Step::Grow(to) | Step::Shrink(to) => resize(desired, to, context).await,
        Step::Restart(it) => restart::carry_out(desired, observed, it, context).await,
        Step::Configure(to) => configuration::configure(desired, observed, to, context).await,
        Step::Confirm(of) => configuration::confirm(desired, observed, of, context).await,
        Step::Drain(drain) => command(desired, observed, &drain.order, context).await,
        Step::SetRoster(to) => commands(desired, observed, &to.orders, context).await,
        Step::DeleteClaims { claims } => delete_claims(desired, claims, context).await,
        Step::Forget { pods, orders } => {
            for order in orders {
                remind(desired, observed, order, context).await;
            }
            entries::remove(desired, pods, context).await
        }
        Step::RemoveRack {
            set,
            uid,
            resource_version,
            ..
        } => remove_set(desired, set, uid, resource_version, context).await,
    }
}

const fn name_of(step: &Step) -> &'static str {
    match step {
        Step::Grow(_) => "Grow",
        Step::Drain(_) => "Drain",
        Step::Shrink(_) => "Shrink",
        Step::Restart(_) => "Restart",
        Step::Configure(_) => "Configure",
        Step::Confirm(_) => "Confirm",
        Step::SetRoster(_) => "SetRoster",
        Step::DeleteClaims { .. } => "DeleteClaims",
        Step::Forget { .. } => "Forget",
        Step::RemoveRack { .. } => "RemoveRack",
    }
}

fn was_second(error: &Error) -> bool {
    matches!(
        error,
        Error::Execute { source: kube::Error::Api(status), .. }
            if status.is_conflict() || status.is_invalid() || status.is_not_found()
    )
}

/// One patch that holds only if nobody touched the set since it was looked at.
async fn resize(desired: &Desired, resize: &Resize, context: &Context) -> Result<(), Error> {
    let Resize { set, from, to, .. } = resize;
    let patch = replicas_patch(resize);
    api(desired, Kind::StatefulSet, &context.client)
        .patch(set, &managed_by(FIELD_MANAGER), &json_patch(patch))
        .await
        .map(drop)
        .map_err(Error::executing(format!("scale {set} from {from} to {to}")))
}

fn replicas_patch(resize: &Resize) -> Value {
    json!([
        {"op": "test", "path": "/metadata/uid", "value": resize.uid},
        {"op": "test", "path": "/metadata/resourceVersion", "value": resize.resource_version},
        {"op": "test", "path": "/spec/replicas", "value": resize.from},
        {"op": "replace", "path": "/spec/replicas", "value": resize.to},
    ])
}

pub(super) fn json_patch(operations: Value) -> Patch<Value> {
    let patch = serde_json::from_value(operations)
        .expect("the operations are written as the standard has them");
    Patch::Json(patch)
}

pub(super) fn managed_by(manager: &str) -> PatchParams {
    PatchParams {
        field_manager: Some(manager.to_owned()),
        ..PatchParams::default()
    }
}

/// Sends an order that has to be obeyed.
pub(super) async fn command(
    desired: &Desired,
    observed: &Observed,
    order: &Order,
    context: &Context,
) -> Result<(), Error> {
    tracing::info!(command = order.command, pods = ?order.pods, "Telling servers");
    for (pod, told) in servers::give(desired, observed, order, context).await? {
        if let Some(why) = refusal(&order.command, told) {
            let command = order.command.clone();
            return Err(Error::Command { pod, command, why });
        }
    }
    Ok(())
}

/// Sends orders one after the other.
async fn commands(
    desired: &Desired,
    observed: &Observed,
    orders: &[Order],
    context: &Context,
) -> Result<(), Error> {
    for order in orders {
        context.lease.permit(Write::Disruptive)?;
        command(desired, observed, order, context).await?;
    }
    Ok(())
}

/// What a server said instead of obeying. Only the principal starts a rebalance, and whether one came is seen in the next
/// pass.
pub(super) fn refusal(order: &str, told: servers::Told) -> Option<String> {
    match told {
        _ if order == command::RECLUSTER => None,
        Ok(InfoValue::Ok(value)) if value.eq_ignore_ascii_case("ok") => None,
        Ok(InfoValue::Ok(value)) => Some(value),
        Ok(InfoValue::Failed(error)) => Some(error.to_string()),
        Ok(InfoValue::Missing) => Some("the server does not know the command".to_owned()),
        Err(why) => Some(why),
    }
}

/// Sends an order that may be missed.
async fn remind(desired: &Desired, observed: &Observed, order: &Order, context: &Context) {
    if let Err(error) = servers::give(desired, observed, order, context).await {
        tracing::debug!(%error, "Server not reminded");
    }
}

pub(super) async fn delete_claims(
    desired: &Desired,
    claims: &[(String, String)],
    context: &Context,
) -> Result<(), Error> {
    let api: Api<PersistentVolumeClaim> =
        Api::namespaced(context.client.clone(), &desired.identity.namespace);
    for (name, uid) in claims {
        context.lease.permit(Write::Disruptive)?;
        tracing::info!(claim = name, "Deleting claim");
        delete_if_same(&api, name, uid)
            .await
            .map_err(Error::executing(format!("delete claim {name}")))?;
    }
    Ok(())
}

async fn remove_set(
    desired: &Desired,
    set: &str,
    uid: &str,
    resource_version: &str,
    context: &Context,
) -> Result<(), Error> {
    let params = DeleteParams::default().preconditions(Preconditions {
        uid: Some(uid.to_owned()),
        resource_version: Some(resource_version.to_owned()),
    });
    api(desired, Kind::StatefulSet, &context.client)
        .delete(set, &params)
        .await
        .map(drop)
        .map_err(Error::executing(format!("delete StatefulSet {set}")))
}
