//! Steps: what changes what runs, or cannot be taken back. Each names what it was decided on.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{
    WaitReason,
    configuration::{Configure, Confirm},
    outdated::{Change, Remedy},
    roster::SetRoster,
};
use crate::{
    api::status::{LastRestart, WarmRestart},
    resolve::RackIdentifier,
};

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
    /// Deletes pods, which their set makes anew, or ends the servers in them.
    Restart(Restart),
    /// Sets parameters of a server that runs.
    Configure(Configure),
    /// Notes that a server has the wanted configuration in force.
    Confirm(Confirm),
    /// Gives a strongly consistent namespace another roster.
    SetRoster(SetRoster),
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

/// Pods of a rack that are restarted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The rack.
    pub rack: RackIdentifier,
    /// What they are stopped for.
    pub stopped_for: StopFor,
    /// The pods.
    pub pods: Vec<Renewal>,
}

/// A pod that is made anew, or whose server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// Its name.
    pub pod: String,
    /// Uid that was seen.
    pub uid: String,
    /// Version that was seen.
    pub resource_version: String,
    /// Why.
    pub changes: Vec<Change>,
    /// What is done about them.
    pub remedy: Remedy,
    /// Names and uids of claims that go with it, since they would keep it on its node.
    pub claims: Vec<(String, String)>,
}

/// What pods are stopped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopFor {
    /// Their rack shall have fewer.
    FewerPods,
    /// Pods of another revision of their rack come for them.
    NewRevision,
    /// They shall run another image.
    Upgrade,
    /// They shall run something else than they do.
    Restart,
}

impl StopFor {
    /// What those wait for who wait for such a stop.
    #[must_use]
    pub const fn wait_reason(self) -> WaitReason {
        match self {
            Self::FewerPods => WaitReason::ScalingDown,
            Self::NewRevision => WaitReason::RackRevision,
            Self::Upgrade => WaitReason::Upgrading,
            Self::Restart => WaitReason::RollingRestart,
        }
    }
}

/// An order on the way to a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The rack.
    pub rack: RackIdentifier,
    /// What the pods are stopped for.
    pub stopped_for: StopFor,
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

impl Order {
    /// What it does, for those who wait for it.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("telling {} servers: {}", self.pods.len(), self.command)
    }
}

impl Restart {
    /// What a person can do who does not want it any more.
    #[must_use]
    pub fn way_out(&self) -> &'static str {
        let mut changes = self.pods.iter().flat_map(|pod| &pod.changes);
        changes.next().map_or("undo the change", Change::way_out)
    }

    /// The pods, each with what it is made anew for.
    #[must_use]
    pub fn describe(&self) -> String {
        let pods: Vec<_> = self.pods.iter().map(Renewal::describe).collect();
        pods.join(", ")
    }
}

impl Renewal {
    /// Whether the pod stays, and only its server is started anew.
    #[must_use]
    pub fn keeps_pod(&self) -> bool {
        self.remedy == Remedy::WarmRestart
    }

    /// What the pod's entry is to say of it.
    #[must_use]
    pub fn note(&self, now: Timestamp) -> LastRestart {
        LastRestart {
            time: Time(now),
            reasons: self.reasons(),
            warm_restart: self.keeps_pod().then_some(WarmRestart::Begun),
        }
    }

    fn reasons(&self) -> Vec<String> {
        self.changes.iter().map(Change::to_string).collect()
    }

    fn describe(&self) -> String {
        let what = if self.keeps_pod() {
            "the server of "
        } else {
            ""
        };
        format!("{what}{} ({})", self.pod, self.reasons().join(", "))
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
            Self::Restart(restart) => format!("restarting {}", restart.describe()),
            Self::Configure(configure) => {
                let commands = configure.commands.join(", ");
                format!("telling the server of {}: {commands}", configure.pod)
            }
            Self::Confirm(confirm) => {
                format!("noting the configuration that {} has in force", confirm.pod)
            }
            Self::Drain(drain) => format!("draining {}", drain.pods.join(", ")),
            Self::SetRoster(to) => to.describe(),
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
