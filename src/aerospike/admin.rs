//! Login, users and roles: requests as values, replies as types, both pure.

mod privilege;
mod reply;
mod request;
mod result_code;

pub use privilege::{Privilege, PrivilegeCode, PrivilegeError};
pub use reply::{Collector, Progress, Reply, ReplyError, Role, Session, Token, User};
pub use request::{EncodeError, Request, encode};
pub use result_code::ResultCode;

/// Bytes of the header in front of the fields of a request, a reply or a record.
const SUB_HEADER: usize = 16;

/// Numbers of the fields.
mod field {
    pub(super) const USER: u8 = 0;
    pub(super) const PASSWORD: u8 = 1;
    pub(super) const OLD_PASSWORD: u8 = 2;
    pub(super) const CREDENTIAL: u8 = 3;
    pub(super) const CLEAR_PASSWORD: u8 = 4;
    pub(super) const SESSION_TOKEN: u8 = 5;
    pub(super) const SESSION_TTL: u8 = 6;
    pub(super) const ROLES: u8 = 10;
    pub(super) const ROLE: u8 = 11;
    pub(super) const PRIVILEGES: u8 = 12;
    pub(super) const WHITELIST: u8 = 13;
    pub(super) const READ_QUOTA: u8 = 14;
    pub(super) const WRITE_QUOTA: u8 = 15;
    pub(super) const READ_STATISTICS: u8 = 16;
    pub(super) const WRITE_STATISTICS: u8 = 17;
    pub(super) const CONNECTIONS: u8 = 18;
}

#[cfg(test)]
mod tests;
