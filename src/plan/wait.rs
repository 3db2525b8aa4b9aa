//! What is waited for, and what that means for those who wait.

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
    /// A rack moves to another revision.
    RackRevision,
    /// Pods are being restarted with another image.
    Upgrading,
    /// Pods are being restarted.
    RollingRestart,
    /// The configuration of servers is being set while they run.
    DynamicConfiguration,
    /// The roster of a strongly consistent namespace is being changed.
    Roster,
    /// What the user blocks would leave fewer nodes on a roster than there shall be copies.
    RosterTooSmall,
    /// Clients still use a server that is about to stop.
    Traffic,
    /// Partitions are unavailable.
    PartitionsNotServed,
    /// Nobody can serve partitions without losing data.
    PartitionsDead,
    /// The servers that stay cannot hold the data.
    NotEnoughRoom,
    /// Data would go with the servers that hold it.
    WouldLoseData,
    /// Partitions would not be served while pods restart.
    WouldNotServe,
    /// A pod is broken and the user lets operations do without it.
    PodIgnored,
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
            Self::RackRevision => "RackRevisionRollingOut",
            Self::Upgrading => "Upgrading",
            Self::RollingRestart => "RollingRestart",
            Self::DynamicConfiguration => "DynamicConfigUpdate",
            Self::Roster => "RosterChanging",
            Self::RosterTooSmall => "RosterTooSmall",
            Self::Traffic => "ClientsStillConnected",
            Self::PartitionsNotServed => "PartitionsNotServed",
            Self::PartitionsDead => "PartitionsDead",
            Self::NotEnoughRoom => "NotEnoughRoom",
            Self::WouldLoseData => "WouldLoseData",
            Self::WouldNotServe => "WouldNotServe",
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
            | Self::RosterTooSmall
            | Self::PartitionsDead
            | Self::WouldLoseData
            | Self::WouldNotServe => true,
            Self::Pods
            | Self::Servers
            | Self::Clustering
            | Self::Migrations
            | Self::AccessControl
            | Self::ScalingDown
            | Self::RackRevision
            | Self::Upgrading
            | Self::RollingRestart
            | Self::DynamicConfiguration
            | Self::Roster
            | Self::Traffic
            | Self::PartitionsNotServed
            | Self::PodIgnored => false,
        }
    }

    /// Whether pods are waited for, whose events wake us.
    #[must_use]
    pub const fn is_about_pods(self) -> bool {
        matches!(self, Self::Pods | Self::PodIgnored)
    }

    /// Whether no step is taken while this is waited for.
    #[must_use]
    pub const fn holds_up_steps(self) -> bool {
        !matches!(self, Self::PodIgnored | Self::RosterTooSmall)
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
