//! From what is to what shall be: upkeep, at most one step that changes what runs, and what is waited for. Pure: the
//! shell observes before and executes after.

pub mod access_control;
pub mod claims;
pub mod clean_up;
pub mod deletion;
pub mod members;
pub mod objects;
pub mod observed;
pub mod outdated;
pub mod quiesce;
pub mod scale_down;
pub mod scale_up;
pub mod servers;
pub mod status;
#[cfg(test)]
mod world;

use serde_json::Value;

use crate::{
    aerospike::{access::FirstPassword, admin::Request},
    resolve::{Desired, RackIdentifier},
};
pub use observed::{Live, Observed, Pod, PodHealth, Server};

/// Field manager of every write but those to the status.
pub const FIELD_MANAGER: &str = "aerospike-operator";

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
        self.lets_a_step_follow()
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

/// An info command for some servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Their pods.
    pub pods: Vec<String>,
    /// The command.
    pub command: String,
}

/// A step that changes what runs, or that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Raises the number of a rack's pods.
    Grow(Resize),
    /// Takes servers that are about to stop out of the data path.
    Drain(Drain),
    /// Lowers the number of a rack's pods.
    Shrink(Resize),
    /// Deletes claims of removed pods.
    DeleteClaims {
        /// Names and uids.
        claims: Vec<(String, String)>,
    },
    /// Makes servers and status forget removed pods.
    Forget {
        /// The pods, with the IPs in their entries.
        pods: Vec<(String, String)>,
        /// What the servers are told; those that cannot be reached will learn it by themselves.
        orders: Vec<Order>,
    },
    /// Deletes the set of a rack that is gone from the spec and has no pods.
    RemoveRack {
        /// The rack.
        rack: RackIdentifier,
        /// Its `StatefulSet`.
        set: String,
        /// Uid that was seen.
        uid: String,
        /// Version that was seen.
        resource_version: String,
    },
}

/// Another number of a rack's pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resize {
    /// The rack.
    pub rack: RackIdentifier,
    /// Its `StatefulSet`.
    pub set: String,
    /// Uid that was seen.
    pub uid: String,
    /// Version that was seen.
    pub resource_version: String,
    /// Pods that were asked for.
    pub from: i32,
    /// Pods to ask for.
    pub to: i32,
}

/// An order on the way to a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The rack.
    pub rack: RackIdentifier,
    /// What the order is for.
    pub stage: DrainStage,
    /// The pods that are about to stop.
    pub pods: Vec<String>,
    /// The order.
    pub order: Order,
}

/// The orders on the way to a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainStage {
    /// Fills are not delayed until the pods are gone.
    BorrowFillDelay,
    /// The servers shall leave the data path.
    Quiesce,
    /// A rebalance, with which they leave it.
    Recluster,
}

/// What keeps the cluster from being as desired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The kind of thing.
    pub reason: WaitReason,
    /// What exactly, and what would help.
    pub message: String,
}

/// Kinds of things to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitReason {
    /// An object of our name belongs to somebody else.
    ForeignObject,
    /// The change needs something that this version cannot do.
    NotSupported,
    /// A Secret is missing or unusable.
    SecretMissing,
    /// A pod finds no node.
    Unschedulable,
    /// A pod fails.
    PodFailed,
    /// A pod does not exist yet, or is not ready.
    Pods,
    /// A server does not answer, or refuses us.
    Servers,
    /// The servers have not formed one cluster.
    Clustering,
    /// Data moves.
    Migrations,
    /// Users and roles are not known yet.
    AccessControl,
    /// Pods are being removed.
    ScalingDown,
    /// Clients still use a server that is about to stop.
    Traffic,
    /// Partitions are dead or unavailable.
    PartitionsNotServed,
    /// The servers that stay cannot hold the data.
    NotEnoughRoom,
    /// Data would go with the servers that hold it.
    WouldLoseData,
    /// A pod is broken and the user lets operations do without it.
    PodIgnored,
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
            Self::GrantNodeReader => "granting the pods to read their nodes".to_owned(),
            Self::Administer { .. } => "making users and roles".to_owned(),
            Self::Command(order) => order.describe(),
        }
    }
}

impl Order {
    /// What it does, for those who wait for it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("telling {} servers: {}", self.pods.len(), self.command)
    }
}

impl Step {
    /// What it does, for those who wait for it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Grow(to) | Self::Shrink(to) => {
                format!("rack {} goes from {} to {} pods", to.rack, to.from, to.to)
            }
            Self::Drain(drain) => format!("draining {}", drain.pods.join(", ")),
            Self::DeleteClaims { claims } => {
                let names: Vec<_> = claims.iter().map(|(name, _)| name.as_str()).collect();
                format!("deleting claims {}", names.join(", "))
            }
            Self::Forget { pods, .. } => {
                let names: Vec<_> = pods.iter().map(|(name, _)| name.as_str()).collect();
                format!("forgetting {}", names.join(", "))
            }
            Self::RemoveRack { rack, .. } => format!("removing rack {rack}"),
        }
    }
}

impl WaitReason {
    /// A fixed word for conditions and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForeignObject => "ForeignObject",
            Self::NotSupported => "NotSupported",
            Self::SecretMissing => "SecretMissing",
            Self::Unschedulable => "Unschedulable",
            Self::PodFailed => "PodFailed",
            Self::Pods => "PodsNotReady",
            Self::Servers => "ServersNotAnswering",
            Self::Clustering => "ClusterForming",
            Self::Migrations => "Migrating",
            Self::AccessControl => "AccessControlPending",
            Self::ScalingDown => "ScalingDown",
            Self::Traffic => "ClientsStillConnected",
            Self::PartitionsNotServed => "PartitionsNotServed",
            Self::NotEnoughRoom => "NotEnoughRoom",
            Self::WouldLoseData => "WouldLoseData",
            Self::PodIgnored => "PodIgnored",
        }
    }

    /// Whether a person has to act.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::ForeignObject
            | Self::NotSupported
            | Self::SecretMissing
            | Self::Unschedulable
            | Self::PodFailed
            | Self::NotEnoughRoom
            | Self::WouldLoseData => true,
            Self::Pods
            | Self::Servers
            | Self::Clustering
            | Self::Migrations
            | Self::AccessControl
            | Self::ScalingDown
            | Self::Traffic
            | Self::PartitionsNotServed
            | Self::PodIgnored => false,
        }
    }

    /// Whether no step is taken while this is waited for.
    #[must_use]
    pub const fn holds_up_steps(self) -> bool {
        !matches!(self, Self::PodIgnored)
    }
}

impl Wait {
    /// Something to wait for.
    #[must_use]
    pub fn new(reason: WaitReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
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

/// In the order in which their steps go first.
const STAGES: &[Stage] = &[
    objects::keep,
    claims::mark_initialized,
    quiesce::undo,
    quiesce::give_back_fill_delay,
    scale_up::grow,
    scale_up::await_pods,
    scale_down::await_departures,
    outdated::name_outdated,
    servers::await_cluster,
    access_control::install,
    clean_up::clear_away,
    scale_down::shrink,
];

/// What to do next. A step waits until the stages before its own have nothing to do and miss nothing, so that what pods
/// need is there before they are.
#[must_use]
pub fn next(desired: &Desired, observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    for stage in STAGES {
        let Share {
            upkeep,
            step,
            waits,
        } = stage(desired, observed);
        if plan.lets_a_step_follow() {
            plan.step = step;
        }
        plan.upkeep.extend(upkeep);
        plan.waits.extend(waits);
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
