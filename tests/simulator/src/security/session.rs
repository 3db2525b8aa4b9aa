//! Sessions: tokens that spare further connections the password.

use std::collections::HashMap;
use std::net::IpAddr;

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user, after a login.
    pub user: Option<String>,
    /// Where from.
    pub address: IpAddr,
}

impl Caller {
    /// Nobody yet.
    #[must_use]
    pub fn from(address: IpAddr) -> Self {
        Self {
            user: None,
            address,
        }
    }
}

#[derive(Clone)]
struct Session {
    user: String,
    ends: u64,
}

/// The sessions that a node has handed out. They do not outlive it.
#[derive(Clone, Default)]
pub struct Sessions {
    open: HashMap<Vec<u8>, Session>,
}

impl Sessions {
    /// Opens a session under `token`, until `ends`.
    pub fn open(&mut self, token: Vec<u8>, user: &str, ends: u64) {
        let user = user.to_owned();
        self.open.insert(token, Session { user, ends });
    }

    /// The user of a session that is still open at `now`.
    pub fn user(&mut self, token: &[u8], now: u64) -> Option<String> {
        self.open.retain(|_, session| now < session.ends);
        self.open.get(token).map(|session| session.user.clone())
    }

    /// Ends all sessions of a user.
    pub fn close_all(&mut self, user: &str) {
        self.open.retain(|_, session| session.user != user);
    }
}
