//! Which server, as whom, and how it took that.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::aerospike::admin::{Request, Session, Token};
use crate::aerospike::password::PasswordHash;

/// What to connect to, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// The service port of the server, by address: no name is resolved.
    pub address: SocketAddr,
    /// TLS, if the port speaks it.
    pub tls: Option<Tls>,
    /// As whom.
    pub login: Login,
}

/// How to speak TLS with a server.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Roots, and the client certificate.
    pub config: Arc<ClientConfig>,
    /// The `tls-name` of the server, which its certificate must bear; not its address.
    pub name: ServerName<'static>,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Nobody: no login is tried.
    Nobody,
    /// A user that the server knows.
    Internal {
        /// Its name.
        user: String,
        /// The hash of its password.
        hash: PasswordHash,
    },
    /// Whom the client certificate names.
    Pki,
}

impl Identity {
    pub(super) fn login(&self) -> Option<Request> {
        match self {
            Self::Nobody => None,
            Self::Internal { user, hash } => Some(Request::Login {
                user: user.clone(),
                credential: hash.clone(),
            }),
            Self::Pki => Some(Request::LoginPki),
        }
    }

    pub(super) fn resume(&self, token: &Token) -> Option<Request> {
        let user = match self {
            Self::Nobody => return None,
            Self::Internal { user, .. } => Some(user.clone()),
            Self::Pki => None,
        };
        let token = token.clone();
        Some(Request::Authenticate { user, token })
    }
}

/// How to become known to a server.
#[derive(Clone, Debug)]
pub struct Login {
    /// Who asks.
    pub identity: Identity,
    /// A session of an earlier login, to save another one.
    pub token: Option<Token>,
    /// Whether a server without security will do, as while security is being switched on.
    pub accept_no_security: bool,
}

impl Login {
    /// Goes without a login.
    #[must_use]
    pub const fn nobody() -> Self {
        Self {
            identity: Identity::Nobody,
            token: None,
            accept_no_security: true,
        }
    }
}

/// How a server took the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nobody logged in.
    NotAsked,
    /// The server has no security.
    Off,
    /// It took the session of an earlier login.
    Resumed,
    /// It opened a session, which further connections may use.
    LoggedIn(Session),
}
