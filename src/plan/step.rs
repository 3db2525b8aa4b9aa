//! Steps: what changes what runs, or cannot be taken back. Each names what it was decided on.

use crate::resolve::RackIdentifier;

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
