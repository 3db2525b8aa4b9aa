//! From what is to what shall be: upkeep, at most one step that changes what runs, and what is waited for. Pure: the
//! shell observes before and executes after.

pub mod access_control;
pub mod claims;
pub mod clean_up;
pub mod configuration;
pub mod deletion;
pub mod durability;
pub mod forecast;
pub mod members;
pub mod namespaces;
pub mod objects;
pub mod observed;
pub mod on_demand;
pub mod outdated;
pub mod quiesce;
pub mod recovery;
pub mod restart;
pub mod revisions;
pub mod roster;
pub mod safe_stop;
pub mod scale_down;
pub mod scale_up;
pub mod servers;
pub mod status;
pub mod step;
pub mod stopping;
pub mod wait;
pub mod warm_restart;
#[cfg(test)]
mod world;

use std::iter;

use serde_json::Value;

pub use crate::api::FIELD_MANAGER;
use crate::{
    aerospike::{access::FirstPassword, admin::Request},
    resolve::Desired,
};
pub use observed::{Live, Observed, Pod, PodHealth, Server};
pub use step::{Drain, DrainStage, Order, Renewal, Resize, Restart, Step, StopFor};
pub use wait::{Wait, WaitReason};

/// What one pass does, and what it cannot do yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Carried out every pass, whatever is waited for.
    pub upkeep: Vec<Effect>,
    /// The one step that changes what runs.
    pub step: Option<Step>,
    /// What is missing before the cluster is as desired.
    pub waits: Vec<Wait>,
}

impl Plan {
    /// Whether the cluster is as desired.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.upkeep.is_empty() && self.step.is_none() && self.waits.is_empty()
    }

    /// Whether nothing is left to do or to wait for but pods that the user lets operations do without.
    #[must_use]
    pub fn is_rolled_out(&self) -> bool {
        let mut waits = self.waits.iter();
        self.upkeep.is_empty()
            && self.step.is_none()
            && waits.all(|wait| wait.reason == WaitReason::PodIgnored)
    }

    /// Without a step, unless it is for pods only that somebody wants to evict: what is due where nothing is rolled out.
    #[must_use]
    pub fn keeping_up(mut self, observed: &Observed) -> Self {
        let is_evicted = |pod: &String| {
            let pod = observed.pods.get(pod);
            pod.is_some_and(|pod| pod.eviction_asked.is_some())
        };
        self.step = self.step.filter(|step| match step {
            Step::Drain(drain) => drain.pods.iter().all(is_evicted),
            Step::Restart(restart) => restart.pods.iter().all(|it| is_evicted(&it.pod)),
            Step::Grow(_)
            | Step::Shrink(_)
            | Step::Configure(_)
            | Step::Confirm(_)
            | Step::SetRoster(_)
            | Step::DeleteClaims { .. }
            | Step::Forget { .. }
            | Step::RemoveRack { .. } => false,
        });
        self
    }

    /// Whether a step may follow what is planned so far.
    fn lets_a_step_follow(&self) -> bool {
        let held_up = self.waits.iter().any(|wait| wait.reason.holds_up_steps());
        self.upkeep.is_empty() && self.step.is_none() && !held_up
    }
}

/// The kinds of object that the operator builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is named like the kind in Kubernetes")]
pub enum Kind {
    ServiceAccount,
    Role,
    RoleBinding,
    Service,
    ConfigMap,
    PodDisruptionBudget,
    StatefulSet,
}

/// An object as it was built.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its name; the namespace is the cluster's.
    pub name: String,
    /// All of it that is ours.
    pub body: Value,
}

/// Something to be done that disturbs no server.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Server-side apply. `new` tells a creation from a change.
    Apply {
        /// What is applied.
        object: Object,
        /// There is no such object yet.
        new: bool,
    },
    /// Deletes an object of ours that is wanted no more, if it still is the one that was seen.
    Delete {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// Its uid.
        uid: String,
    },
    /// Notes on a claim that its volume was prepared, so that it never is again.
    MarkInitialized {
        /// The claim.
        claim: String,
        /// Its uid.
        uid: String,
    },
    /// Notes in a pod's entry that its server is back.
    NoteReturn {
        /// The pod.
        pod: String,
        /// IP in its entry.
        pod_ip: String,
    },
    /// Lets the cluster's pods read nodes.
    GrantNodeReader,
    /// Sends requests of user administration to one server, in order.
    Administer {
        /// The requests.
        requests: Vec<Request>,
    },
    /// Sends an info command that puts servers back as they should be.
    Command(Order),
}

impl Effect {
    /// What it does, for those who wait for it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Apply { object, new: true } => {
                format!("creating {:?} {}", object.kind, object.name)
            }
            Self::Apply { object, new: false } => {
                format!("updating {:?} {}", object.kind, object.name)
            }
            Self::Delete { kind, name, .. } => format!("deleting {kind:?} {name}"),
            Self::MarkInitialized { claim, .. } => format!("marking claim {claim} as prepared"),
            Self::NoteReturn { pod, .. } => format!("noting that the server of {pod} is back"),
            Self::GrantNodeReader => "granting the pods to read their nodes".to_owned(),
            Self::Administer { .. } => "making users and roles".to_owned(),
            Self::Command(order) => order.describe(),
        }
    }
}

/// What a stage contributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// Upkeep.
    pub upkeep: Vec<Effect>,
    /// A step; of all stages' steps the first one counts.
    pub step: Option<Step>,
    /// Waits.
    pub waits: Vec<Wait>,
}

impl Share {
    /// Nothing but a wait.
    #[must_use]
    pub fn wait(reason: WaitReason, message: impl Into<String>) -> Self {
        Self {
            waits: vec![Wait::new(reason, message)],
            ..Self::default()
        }
    }
}

type Stage = fn(&Desired, &Observed) -> Share;

/// In the order in which their steps go first, behind what is due to the objects.
const STAGES: &[Stage] = &[
    claims::mark_initialized,
    warm_restart::note_returns,
    quiesce::undo,
    quiesce::give_back_fill_delay,
    configuration::update,
    restart::replace_dead,
    recovery::leave_lost_nodes,
    scale_up::grow,
    scale_up::await_pods,
    scale_down::await_departures,
    servers::await_cluster,
    roster::keep,
    servers::await_partitions,
    configuration::await_servers,
    on_demand::begin,
    restart::roll,
    access_control::install,
    scale_down::call_back,
    clean_up::clear_away,
    scale_down::shrink,
];

/// What to do next. A step waits until the stages before its own have nothing to do and miss nothing, so that what pods
/// need is there before they are.
#[must_use]
pub fn next(desired: &Desired, observed: &Observed) -> Plan {
    behind(objects::keep(desired, observed), desired, observed)
}

/// What to do next where `kept` is what is due to the objects.
fn behind(kept: Share, desired: &Desired, observed: &Observed) -> Plan {
    let rest = STAGES.iter().map(|stage| stage(desired, observed));
    let mut plan = Plan::default();
    for share in iter::once(kept).chain(rest) {
        if plan.lets_a_step_follow() {
            plan.step = share.step;
        }
        plan.upkeep.extend(share.upkeep);
        plan.waits.extend(share.waits);
    }
    // Upkeep of a later stage goes first too: were it to fail, the step would not be taken.
    if !plan.upkeep.is_empty() {
        plan.step = None;
    }
    plan
}

/// What the servers' users and roles are, as far as it had to be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Access {
    /// Nobody had to look.
    #[default]
    NotRead,
    /// It could not be read.
    Unknown(Wait),
    /// What one server has, and the passwords for those that are declared.
    Known {
        /// Roles and users of the server.
        installed: crate::aerospike::access::Installed,
        /// Hashes of the declared passwords by user.
        passwords: std::collections::BTreeMap<String, crate::aerospike::password::PasswordHash>,
        /// The administrator still has the password of a fresh server.
        first_password: Option<FirstPassword>,
    },
}
