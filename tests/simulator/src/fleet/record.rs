//! What went wrong, as somebody who sees everything knows it.

use std::fmt;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A server was asked to stop, and did.
    Stopped(String),
    /// A server was killed.
    Killed(String),
    /// A server crashed by itself.
    Crashed(String),
    /// A claim was deleted, or a volume wiped.
    Erased(String),
    /// Servers dropped copies that they took for superfluous.
    Dropped,
    /// Dead partitions were revived on a server.
    Revived(String),
    /// A server was asked.
    Asked(String),
    /// Servers came or went, or a roster.
    Rebalanced,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(server) => write!(f, "{server} was stopped"),
            Self::Killed(server) => write!(f, "{server} was killed"),
            Self::Crashed(server) => write!(f, "{server} crashed"),
            Self::Erased(disk) => write!(f, "{disk} was erased"),
            Self::Dropped => f.write_str("superfluous copies were dropped"),
            Self::Revived(server) => write!(f, "dead partitions were revived on {server}"),
            Self::Asked(server) => write!(f, "{server} was asked"),
            Self::Rebalanced => f.write_str("the cluster was balanced anew"),
        }
    }
}

/// A kind of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Acknowledged writes are nowhere any more.
    DataLoss,
    /// Acknowledged writes are only where nobody serves them.
    Unavailable,
    /// A client still took the server for the master of something.
    ClientVisible,
    /// A request that no server knows.
    UnknownInfo,
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataLoss => "data-loss",
            Self::Unavailable => "unavailable",
            Self::ClientVisible => "client-visible",
            Self::UnknownInfo => "unknown-info",
        })
    }
}

/// A line of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// When, in milliseconds.
    pub at: u64,
    /// What was harmed.
    pub harm: Harm,
    /// The namespace; the request, where one is unknown.
    pub subject: String,
    /// How many partitions.
    pub partitions: usize,
    /// What was done.
    pub cause: Cause,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (harm, subject, cause) = (self.harm, &self.subject, &self.cause);
        if harm == Harm::UnknownInfo {
            return write!(f, "VIOLATION {harm} '{subject}' cause={cause}");
        }
        let partitions = self.partitions;
        write!(
            f,
            "VIOLATION {harm} ns={subject} partitions={partitions} cause={cause}"
        )
    }
}
