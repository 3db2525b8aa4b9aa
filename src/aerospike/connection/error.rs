//! Why a server could not be asked.

use std::io;
use std::net::SocketAddr;

use crate::aerospike::admin::{EncodeError, ReplyError, ResultCode};
use crate::aerospike::{frame, info};

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection.
    #[error("failed to connect to {address}")]
    Dial {
        /// Where to.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No TLS on the connection.
    #[error("TLS handshake with {address} as {name} failed")]
    Tls {
        /// Where to.
        address: SocketAddr,
        /// The expected name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// No answer in time.
    #[error("timed out: {doing}")]
    TimedOut {
        /// What was being done.
        doing: &'static str,
    },
    /// The connection broke, or the server closed it.
    #[error("connection lost: {doing}")]
    Lost {
        /// What was being done.
        doing: &'static str,
        /// How.
        source: io::Error,
    },
    /// Bytes that are no message.
    #[error("no message of the Aerospike protocol")]
    Frame(#[from] frame::Error),
    /// An info request that cannot be sent, or an answer that is none.
    #[error(transparent)]
    Info(#[from] info::Error),
    /// A request that cannot be put into bytes.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The server refused, or its answer makes no sense.
    #[error("{request} failed")]
    Reply {
        /// What was asked.
        request: &'static str,
        /// Why.
        source: ReplyError,
    },
    /// An earlier request on this connection failed half-way; its answer may still come.
    #[error("the connection is unusable since an earlier request failed on it")]
    Unusable,
}

impl Error {
    /// A fixed word for metrics and conditions.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Dial { .. } => "Unreachable",
            Self::Tls { .. } => "TlsFailed",
            Self::TimedOut { .. } => "TimedOut",
            Self::Lost { .. } => "ConnectionLost",
            Self::Frame(_) | Self::Unusable => "ProtocolError",
            Self::Info(_) => "InfoFailed",
            Self::Encode(_) => "InvalidRequest",
            Self::Reply { .. } => "RequestRefused",
        }
    }

    /// What the server said, if it refused an administration request.
    #[must_use]
    pub const fn refusal(&self) -> Option<ResultCode> {
        match self {
            Self::Reply {
                source: ReplyError::Refused(code),
                ..
            } => Some(*code),
            _ => None,
        }
    }
}
