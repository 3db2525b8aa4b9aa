//! Conditions: what a cluster does, in the words of kstatus and of AKO 4.6.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use crate::{
    api::AerospikeClusterStatus,
    plan::{Effect, Observed, Plan, Step, Wait, WaitReason, outdated, revisions},
    resolve::{Desired, image::same_image},
};

/// The longest message of a condition that Kubernetes takes, in bytes.
const MESSAGE_LIMIT: usize = 32_768;
/// What is said of a cluster that is as desired.
const SETTLED: &str = "all nodes form one cluster and no data moves";
/// How many waits a message lists.
const LISTED: usize = 5;

/// What a cluster does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Situation {
    /// It is on its way.
    Working {
        /// What it does, as a condition's reason.
        reason: &'static str,
        /// What is missing.
        message: String,
        /// The operation that goes on.
        operation: Option<Operation>,
    },
    /// It was rolled out, and has fewer servers than it should.
    Degraded {
        /// What is missing.
        message: String,
    },
    /// All is as desired.
    Done,
    /// A person has to act.
    Stalled {
        /// Why, as a condition's reason.
        reason: &'static str,
        /// The next step.
        message: String,
    },
    /// A pass failed; it is tried again.
    Failed {
        /// What failed, as a condition's reason.
        reason: &'static str,
        /// The error with its causes.
        message: String,
        /// It will fail until a person acts, as without rights.
        needs_a_person: bool,
    },
    /// The user asked for a pause.
    Paused,
    /// It goes.
    Terminating,
}

/// What changes pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Pods are being added.
    ScalingUp,
    /// Pods are being removed.
    ScalingDown,
    /// Pods move to another revision of their rack.
    RackRevision,
    /// Pods are being restarted with another image.
    Upgrading,
    /// Pods are being restarted.
    RollingRestart,
}

/// The operations, with the reasons of their conditions while they go on and when they do not.
const OPERATIONS: [(Operation, [&str; 2]); 5] = [
    (Operation::ScalingUp, ["AddingPods", "NoPodsToAdd"]),
    (Operation::ScalingDown, ["RemovingPods", "NoPodsToRemove"]),
    (Operation::RackRevision, ["MovingPods", "NoPodsToMove"]),
    (Operation::Upgrading, ["ChangingImage", "NoImageToChange"]),
    (
        Operation::RollingRestart,
        ["RestartingPods", "NoPodsToRestart"],
    ),
];

impl Operation {
    /// The type of its condition, and a condition's reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScalingUp => "ScalingUp",
            Self::ScalingDown => "ScalingDown",
            Self::RackRevision => "RackRevisionRollingOut",
            Self::Upgrading => "Upgrading",
            Self::RollingRestart => "RollingRestart",
        }
    }
}

/// Reason of a cluster that another operator runs.
pub const ADOPTION_REQUIRED: &str = "AdoptionRequired";

impl Situation {
    /// Whether another operator runs the cluster.
    #[must_use]
    pub fn is_somebody_elses(&self) -> bool {
        matches!(self, Self::Stalled { reason, .. } if *reason == ADOPTION_REQUIRED)
    }

    /// The situation of a cluster whose plan is `plan`.
    #[must_use]
    pub fn of(desired: &Desired, observed: &Observed, plan: &Plan, rolled_out: bool) -> Self {
        if let Some(first) = plan.waits.iter().find(|wait| wait.reason.needs_a_person()) {
            let mine = plan.waits.iter().filter(|wait| wait.reason == first.reason);
            return Self::Stalled {
                reason: first.reason.as_str(),
                message: listed(mine.map(|wait| wait.message.as_str())),
            };
        }
        if plan.is_done() {
            return Self::Done;
        }
        let missing = plan.waits.iter().map(|wait| wait.message.clone());
        let doing = plan.upkeep.iter().map(Effect::describe);
        let told: Vec<_> = missing.chain(doing).collect();
        let message = listed(told.iter().map(String::as_str));
        let lost = [
            WaitReason::Pods,
            WaitReason::Servers,
            WaitReason::Clustering,
            WaitReason::PodIgnored,
        ];
        if rolled_out && plan.waits.iter().any(|wait| lost.contains(&wait.reason)) {
            return Self::Degraded { message };
        }
        let fresh = observed.status.mirror.aerospike_config.is_none();
        let operation = operation(desired, observed, plan);
        Self::Working {
            reason: working_reason(plan, fresh, operation),
            message,
            operation,
        }
    }
}

/// What is told first where several go on: pods that are added before those that are restarted or removed.
fn operation(desired: &Desired, observed: &Observed, plan: &Plan) -> Option<Operation> {
    if revisions::is_rolling_out(desired, observed) {
        return Some(Operation::RackRevision);
    }
    if matches!(plan.step, Some(Step::Grow(_))) {
        return Some(Operation::ScalingUp);
    }
    let mut told = plan.waits.iter().filter_map(|wait| match wait.reason {
        WaitReason::ScalingDown => Some(Operation::ScalingDown),
        WaitReason::Upgrading => Some(Operation::Upgrading),
        WaitReason::RollingRestart => Some(Operation::RollingRestart),
        _ => None,
    });
    told.next()
        .or_else(|| roll_out(desired, observed, plan))
        .or_else(|| adds_pods(observed, plan).then_some(Operation::ScalingUp))
}

/// What goes on until the last pod is back and all data where it belongs.
fn roll_out(desired: &Desired, observed: &Observed, plan: &Plan) -> Option<Operation> {
    let is_dynamic = |wait: &Wait| wait.reason == WaitReason::DynamicConfiguration;
    if plan.waits.iter().any(is_dynamic) {
        return None;
    }
    let mirror = &observed.status.mirror;
    let image = mirror.image.as_deref().unwrap_or_default();
    let goes_on = outdated::is_being_rolled_out(desired, &observed.status);
    goes_on.then(|| {
        if same_image(image, &desired.image.reference) {
            Operation::RollingRestart
        } else {
            Operation::Upgrading
        }
    })
}

/// Whether pods are waited for that are not the first ones.
fn adds_pods(observed: &Observed, plan: &Plan) -> bool {
    let fresh = observed.status.mirror.aerospike_config.is_none();
    !fresh && plan.waits.iter().any(|it| it.reason == WaitReason::Pods)
}

fn working_reason(plan: &Plan, fresh: bool, operation: Option<Operation>) -> &'static str {
    match plan.waits.first().map(|wait| wait.reason) {
        _ if operation.is_some_and(|it| !fresh || it != Operation::ScalingUp) => {
            operation.map_or("Applying", Operation::as_str)
        }
        Some(reason @ WaitReason::DynamicConfiguration) => reason.as_str(),
        _ if plan.step.is_some() => "Creating",
        Some(reason) => reason.as_str(),
        None => "Applying",
    }
}

fn listed<'a>(messages: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<_> = messages.collect();
    let mut text = all[..all.len().min(LISTED)].join("; ");
    if all.len() > LISTED {
        text.push_str("; and ");
        text.push_str(&(all.len() - LISTED).to_string());
        text.push_str(" more");
    }
    text
}

struct Told<'a> {
    kind: &'static str,
    status: &'static str,
    reason: &'a str,
    message: &'a str,
}

/// Writes the conditions of `situation` into `status`, and the generation that they describe.
pub fn tell(
    status: &mut AerospikeClusterStatus,
    situation: &Situation,
    generation: Option<i64>,
    now: Timestamp,
) {
    status.observed_generation = generation;
    for told in conditions_of(situation) {
        set(status, &told, generation, now);
    }
}

/// What the conditions say of a situation, each as its reason while it holds.
struct Row<'a> {
    ready: bool,
    reconciling: Option<&'a str>,
    stalled: bool,
    operation: Option<Operation>,
    reason: &'a str,
    message: &'a str,
}

fn row(situation: &Situation) -> Option<Row<'_>> {
    let plain = |reason, message| Row {
        ready: false,
        reconciling: Some(reason),
        stalled: false,
        operation: None,
        reason,
        message,
    };
    Some(match situation {
        Situation::Paused => return None,
        Situation::Working {
            reason,
            message,
            operation,
        } => Row {
            operation: *operation,
            ..plain(reason, message)
        },
        Situation::Degraded { message } => Row {
            reconciling: Some("Recovering"),
            ..plain("Degraded", message)
        },
        Situation::Done => Row {
            ready: true,
            reconciling: None,
            ..plain("AllNodesReady", SETTLED)
        },
        Situation::Stalled { reason, message } => Row {
            reconciling: None,
            stalled: true,
            ..plain(reason, message)
        },
        Situation::Failed {
            reason,
            message,
            needs_a_person,
        } => Row {
            reconciling: Some(*reason).filter(|_| !needs_a_person),
            stalled: *needs_a_person,
            ..plain(reason, message)
        },
        Situation::Terminating => plain("Terminating", "the cluster is being deleted"),
    })
}

fn conditions_of(situation: &Situation) -> Vec<Told<'_>> {
    let told = |kind, holds, reason, message| Told {
        kind,
        status: truth(holds),
        reason,
        message,
    };
    let Some(row) = row(situation) else {
        let message = "spec.paused is true: the operator changes nothing";
        return vec![told("Paused", true, "PausedByUser", message)];
    };
    let (reason, message) = (row.reason, row.message);
    let when = |holds, text| if holds { text } else { "" };
    let busy = row.reconciling.is_some();
    let idle = if row.ready { "Completed" } else { reason };
    let unhindered = if row.ready {
        "Completed"
    } else {
        "Progressing"
    };
    let mut all = vec![
        told("Ready", row.ready, reason, message),
        told(
            "Reconciling",
            busy,
            row.reconciling.unwrap_or(idle),
            when(busy, message),
        ),
        told(
            "Stalled",
            row.stalled,
            if row.stalled { reason } else { unhindered },
            when(row.stalled, message),
        ),
        told("Paused", false, "NotPaused", ""),
    ];
    all.extend(OPERATIONS.map(|(operation, [busy, idle])| {
        let goes_on = row.operation == Some(operation);
        told(
            operation.as_str(),
            goes_on,
            if goes_on { busy } else { idle },
            "",
        )
    }));
    all
}

const fn truth(holds: bool) -> &'static str {
    if holds { "True" } else { "False" }
}

/// Tells whether every partition of every namespace is served, as far as the servers say.
pub fn tell_available(
    status: &mut AerospikeClusterStatus,
    observed: &Observed,
    generation: Option<i64>,
) {
    let views: Vec<_> = observed.views().collect();
    let (state, reason, message) = if views.is_empty() {
        ("Unknown", "NoServerAnswers", "no server answers")
    } else if observed.cluster_keys().len() > 1 {
        (
            "False",
            "ServersDisagree",
            "the servers do not form one cluster",
        )
    } else if views.iter().all(|view| view.serves_all()) {
        ("True", "AllPartitionsServed", "every partition is served")
    } else {
        (
            "False",
            "PartitionsNotServed",
            "some partitions are dead or unavailable",
        )
    };
    let told = Told {
        kind: "Available",
        status: state,
        reason,
        message,
    };
    set(status, &told, generation, observed.now);
}

/// Puts a condition in the place of the one of its type; its transition time moves only with its status.
fn set(
    status: &mut AerospikeClusterStatus,
    told: &Told<'_>,
    generation: Option<i64>,
    now: Timestamp,
) {
    let old = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == told.kind && condition.status == told.status);
    let since = old.map_or(Time(now), |condition| {
        condition.last_transition_time.clone()
    });
    let mut message = told.message.to_owned();
    message.truncate(message.floor_char_boundary(MESSAGE_LIMIT));
    status
        .conditions
        .retain(|condition| condition.type_ != told.kind);
    status.conditions.push(Condition {
        type_: told.kind.to_owned(),
        status: told.status.to_owned(),
        reason: told.reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since,
    });
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
}

#[cfg(test)]
mod tests;
