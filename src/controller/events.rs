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
    plan::{
        DrainStage, Effect, Kind, Renewal, Resize, Restart, Step, StopFor,
        configuration::{Configure, Confirm},
    },
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
    /// That something came about.
    #[must_use]
    pub const fn normal(reason: &'static str, note: String) -> Self {
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
        | Effect::NoteReturn { .. }
        | Effect::GrantNodeReader
        | Effect::Command(_) => Vec::new(),
    }
}

/// What is told before a step.
#[must_use]
pub fn before_step(step: &Step) -> Vec<Told> {
    match step {
        Step::Grow(to) => vec![resized("RackScaleUp", "Scaling up", to)],
        Step::Drain(drain) if drain.stage == DrainStage::Quiesce => {
            let pods = drain.pods.join(", ");
            let note = format!("[rack-{}] Draining {pods}", drain.rack);
            let waiting = "Waiting until all data has moved";
            vec![
                Told::normal(begun(drain.stopped_for), note),
                Told::normal("WaitMigration", format!("[rack-{}] {waiting}", drain.rack)),
            ]
        }
        Step::Restart(restart) => {
            let note = format!("[rack-{}] Restarting {}", restart.rack, restart.describe());
            vec![Told::normal(begun(restart.stopped_for), note)]
        }
        Step::Configure(to) => vec![configured("DynamicConfigUpdate", "Setting", to)],
        Step::Shrink(to) => vec![resized("RackScaleDown", "Scaling down", to)],
        Step::Drain(_)
        | Step::Confirm(_)
        | Step::SetRoster(_)
        | Step::DeleteClaims { .. }
        | Step::Forget { .. }
        | Step::RemoveRack { .. } => Vec::new(),
    }
}

/// What is told after a step.
#[must_use]
pub fn after_step(step: &Step) -> Vec<Told> {
    match step {
        Step::Grow(to) => vec![resized("RackScaledUp", "Scaled up", to)],
        Step::Shrink(to) => vec![resized("RackScaledDown", "Scaled down", to)],
        Step::Restart(restart) => {
            let is_told =
                |pod: &&Renewal| pod.keeps_pod() || restart.stopped_for == StopFor::Upgrade;
            let pods = restart.pods.iter().filter(is_told);
            pods.map(|pod| restarted(restart, pod)).collect()
        }
        Step::Forget { pods, .. } => {
            let names: Vec<_> = pods.iter().map(|(pod, _)| pod.as_str()).collect();
            let note = format!("Removed {}", names.join(", "));
            vec![Told::normal("PodDeleted", note)]
        }
        Step::RemoveRack { rack, set, .. } => {
            let note = format!("[rack-{rack}] Deleted {set}");
            vec![Told::normal("RackDeleted", note)]
        }
        Step::SetRoster(to) => {
            let note = format!("Told the servers: {}", to.describe());
            vec![Told::normal("RosterSet", note)]
        }
        Step::Configure(to) => vec![configured("DynamicConfigUpdated", "Set", to)],
        Step::Confirm(Confirm { rack, pod, .. }) => {
            let note =
                format!("[rack-{rack}] Updated the configuration of {pod} without a restart");
            vec![Told::normal("PodConfUpdated", note)]
        }
        Step::Drain(_) | Step::DeleteClaims { .. } => Vec::new(),
    }
}

/// What a batch begins with.
const fn begun(stopped_for: StopFor) -> &'static str {
    match stopped_for {
        StopFor::FewerPods | StopFor::NewRevision => "RackScaleDown",
        StopFor::Upgrade => "PodImageUpdate",
        StopFor::Restart => "RackRollingRestart",
    }
}

fn restarted(restart: &Restart, pod: &Renewal) -> Told {
    let (reason, done) = if pod.keeps_pod() {
        ("PodWarmRestarted", "Restarted the server of")
    } else {
        ("PodWaitUpdate", "Deleted")
    };
    let (rack, pod) = (&restart.rack, &pod.pod);
    let note = format!("[rack-{rack}] {done} {pod}, waiting until it is back");
    Told::normal(reason, note)
}

fn resized(reason: &'static str, verb: &str, to: &Resize) -> Told {
    let Resize { rack, from, to, .. } = to;
    Told::normal(reason, format!("[rack-{rack}] {verb} from {from} to {to}"))
}

fn configured(reason: &'static str, verb: &str, to: &Configure) -> Told {
    let Configure {
        rack,
        pod,
        commands,
        ..
    } = to;
    let commands = commands.join(", ");
    Told::normal(reason, format!("[rack-{rack}] {verb} on {pod}: {commands}"))
}

/// What is told when a step failed.
#[must_use]
pub fn of_failed_step(step: &Step, error: &Error) -> Told {
    let reason = match step {
        Step::Grow(_) => "RackScaleUpFailed",
        Step::Drain(drain) => failed(drain.stopped_for),
        Step::Restart(restart) => failed(restart.stopped_for),
        Step::Configure(_) | Step::Confirm(_) => "RackDynamicConfigUpdateFailed",
        Step::Shrink(_) | Step::DeleteClaims { .. } | Step::Forget { .. } => {
            failed(StopFor::FewerPods)
        }
        Step::RemoveRack { .. } => "STSDeleteFailed",
        Step::SetRoster(_) => "RosterSetFailed",
    };
    Told::warning(reason, chain(error))
}

const fn failed(stopped_for: StopFor) -> &'static str {
    match stopped_for {
        StopFor::FewerPods | StopFor::NewRevision => "RackScaleDownFailed",
        StopFor::Upgrade => "RackImageUpdateFailed",
        StopFor::Restart => "RackRollingRestartFailed",
    }
}

/// What is told when an effect failed.
#[must_use]
pub fn of_failure(effect: &Effect, error: &Error) -> Told {
    let reason = match effect {
        Effect::Apply { object, .. } => match object.kind {
            Kind::Service => "ServiceCreateFailed",
            Kind::PodDisruptionBudget => "PodDisruptionBudgetReconcileFailed",
            _ => "UpdateFailed",
        },
        Effect::Administer { .. } => "ACLUpdateFailed",
        _ => "UpdateFailed",
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
