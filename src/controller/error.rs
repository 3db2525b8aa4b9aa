//! Why a pass failed.

use kube::{core::Status, runtime::finalizer};

use crate::{aerospike::connection, leader::NotOurs};

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object is not an `AerospikeCluster` that this version can read.
    #[error("object cannot be read: {0}")]
    Unreadable(String),
    /// Something could not be read.
    #[error("failed to read {what}")]
    Observe {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// The lease is not ours any more; the process ends.
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
    /// Something could not be written.
    #[error("failed to {what}")]
    Execute {
        /// What was tried.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// A server refused a change of users and roles.
    #[error("failed to administer users and roles: {request}")]
    Administer {
        /// What was asked.
        request: &'static str,
        /// Why.
        source: connection::Error,
    },
    /// There is no server to administer users and roles on.
    #[error("no server takes a login for administering users and roles")]
    NoServer,
    /// A server did not do what it was told.
    #[error("failed to tell the server of pod {pod}: {command}: {why}")]
    Command {
        /// Its pod.
        pod: String,
        /// What it was told.
        command: String,
        /// What it said, or why it was not reached.
        why: String,
    },
    /// The configuration in a pod could not be updated.
    #[error("failed to update the configuration in pod {pod}: {why}")]
    UpdateConfig {
        /// The pod.
        pod: String,
        /// What its program said, or why it was not reached.
        why: String,
    },
    /// The status could not be written.
    #[error("failed to write the status")]
    Status(#[source] kube::Error),
    /// The patch of the status could not be made.
    #[error("failed to make the patch of the status")]
    StatusPatch(#[source] serde_json::Error),
    /// The finalizer could not be added or removed.
    #[error("failed to change the finalizer")]
    Finalizer(#[source] Box<finalizer::Error<Error>>),
}

impl Error {
    /// A fixed word for metrics and conditions.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "UnreadableObject",
            Self::Observe { .. } => "ObserveFailed",
            Self::NotOurs(_) => "LeaseLost",
            Self::Execute { .. } => "UpdateFailed",
            Self::Administer { .. } | Self::NoServer => "ACLUpdateFailed",
            Self::Command { .. } => "ServerCommandFailed",
            Self::UpdateConfig { .. } => "UpdateConfigFailed",
            Self::Status(_) | Self::StatusPatch(_) => "StatusUpdateFailed",
            Self::Finalizer(_) => "FinalizerFailed",
        }
    }

    /// Whether the object changed since it was read.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.refusal().is_some_and(Status::is_conflict)
    }

    /// Whether what was read or written does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(Status::is_not_found)
    }

    /// Whether it will fail until a person acts: rights are missing, or the API server finds an object invalid.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.refusal()
            .is_some_and(|status| status.is_forbidden() || status.is_invalid())
    }

    fn refusal(&self) -> Option<&Status> {
        match self {
            Self::Observe {
                source: kube::Error::Api(status),
                ..
            }
            | Self::Execute {
                source: kube::Error::Api(status),
                ..
            }
            | Self::Status(kube::Error::Api(status)) => Some(status),
            _ => None,
        }
    }

    /// For `map_err` after a read.
    pub fn observing(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Observe { what, source }
    }

    /// For `map_err` after a write.
    pub fn executing(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Execute { what, source }
    }
}

impl From<finalizer::Error<Self>> for Error {
    fn from(error: finalizer::Error<Self>) -> Self {
        match error {
            finalizer::Error::ApplyFailed(error) | finalizer::Error::CleanupFailed(error) => error,
            other => Self::Finalizer(Box::new(other)),
        }
    }
}
