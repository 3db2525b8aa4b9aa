//! Events on a cluster: what a user would want to know, once a transition.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Resource,
    runtime::events::{Event, EventType},
};

use super::{Context, Error};
use crate::{
    aerospike::admin::Request,
    api::AerospikeCluster,
    plan::{Effect, Kind, Step},
    resolve::Desired,
    telemetry::chain,
};

/// What a user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// A word of the table that AKO's users know.
    pub reason: &'static str,
    /// A sentence in the past tense.
    pub note: String,
    /// Something went wrong.
    pub warning: bool,
}

impl Told {
    fn normal(reason: &'static str, note: String) -> Self {
        Self {
            reason,
            note,
            warning: false,
        }
    }

    /// That something went wrong.
    #[must_use]
    pub const fn warning(reason: &'static str, note: String) -> Self {
        Self {
            reason,
            note,
            warning: true,
        }
    }
}

/// What is told after an effect was carried out.
#[must_use]
pub fn of_effect(desired: &Desired, effect: &Effect) -> Vec<Told> {
    match effect {
        Effect::Apply { object, new: true } if object.kind == Kind::StatefulSet => {
            let rack = rack_of(desired, &object.name);
            vec![Told::normal(
                "RackCreated",
                format!("[rack-{rack}] Created {}", object.name),
            )]
        }
        Effect::Administer { requests } => {
            let mut told: Vec<_> = requests.iter().filter_map(of_request).collect();
            told.dedup();
            told
        }
        Effect::Apply { .. }
        | Effect::Delete { .. }
        | Effect::MarkInitialized { .. }
        | Effect::GrantNodeReader => Vec::new(),
    }
}

/// What is told around a step: before, and after.
#[must_use]
pub fn of_step(step: &Step) -> (Told, Told) {
    let Step::Grow { rack, from, to, .. } = step;
    (
        Told::normal(
            "RackScaleUp",
            format!("[rack-{}] Scaling up from {from} to {to}", rack.id),
        ),
        Told::normal(
            "RackScaledUp",
            format!("[rack-{}] Scaled up from {from} to {to}", rack.id),
        ),
    )
}

/// What is told when an effect failed.
#[must_use]
pub fn of_failure(effect: Option<&Effect>, error: &Error) -> Told {
    let reason = match effect {
        Some(Effect::Apply { object, .. }) => match object.kind {
            Kind::Service => "ServiceCreateFailed",
            Kind::PodDisruptionBudget => "PodDisruptionBudgetReconcileFailed",
            _ => "UpdateFailed",
        },
        Some(Effect::Administer { .. }) => "ACLUpdateFailed",
        Some(_) => "UpdateFailed",
        None => "RackScaleUpFailed",
    };
    Told::warning(reason, chain(error))
}

fn rack_of(desired: &Desired, set: &str) -> String {
    let prefix = format!("{}-", desired.identity.name);
    set.strip_prefix(&prefix).unwrap_or(set).to_owned()
}

fn of_request(request: &Request) -> Option<Told> {
    let (reason, note) = match request {
        Request::CreateRole { role, .. } => ("RoleCreated", format!("Created role {role}")),
        Request::GrantPrivileges { role, .. }
        | Request::RevokePrivileges { role, .. }
        | Request::SetWhitelist { role, .. }
        | Request::SetQuotas { role, .. } => ("RoleUpdated", format!("Updated role {role}")),
        Request::CreateUser { user, .. } => ("UserCreated", format!("Created user {user}")),
        Request::GrantRoles { user, .. }
        | Request::RevokeRoles { user, .. }
        | Request::SetPassword { user, .. }
        | Request::ChangePassword { user, .. } => ("UserUpdated", format!("Updated user {user}")),
        _ => return None,
    };
    Some(Told::normal(reason, note))
}

impl Context {
    /// Publishes an event; that it cannot be is logged and no more, since events are no state.
    pub async fn tell(&self, cluster: &AerospikeCluster, told: &Told) {
        self.tell_of(&cluster.object_ref(&()), told).await;
    }

    /// [`Self::tell`], about the cluster of `desired`.
    pub async fn tell_desired(&self, desired: &Desired, told: &Told) {
        let mut reference = AerospikeCluster::default().object_ref(&());
        reference.name = Some(desired.identity.name.clone());
        reference.namespace = Some(desired.identity.namespace.clone());
        reference.uid = Some(desired.identity.uid.clone());
        self.tell_of(&reference, told).await;
    }

    /// [`Self::tell`], about an object by reference.
    pub async fn tell_of(&self, reference: &ObjectReference, told: &Told) {
        let event = Event {
            type_: if told.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: told.reason.to_owned(),
            note: Some(shorten(&told.note)),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, reference).await {
            tracing::warn!(error = chain(&error), "Event could not be published");
        }
    }
}

/// Kubernetes takes notes of 1,024 bytes.
fn shorten(note: &str) -> String {
    note[..note.floor_char_boundary(1000)].to_owned()
}
