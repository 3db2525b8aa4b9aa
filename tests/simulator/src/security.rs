//! Users, roles, sessions, and who may do what.

mod admin;
mod privilege;
mod session;
mod store;

pub use admin::{Desk, answer};
pub use privilege::{Access, Code, Privilege};
pub use session::{Caller, Sessions};
pub use store::{Directory, Role, User, initialize};

/// Results of the protocol.
pub mod result {
    /// Done.
    pub const OK: u8 = 0;
    /// A message that makes no sense.
    pub const PARAMETER: u8 = 4;
    /// The end of a stream.
    pub const END: u8 = 50;
    /// Community Edition.
    pub const NOT_SUPPORTED: u8 = 51;
    /// No `security` section.
    pub const NOT_ENABLED: u8 = 52;
    /// No such command.
    pub const BAD_COMMAND: u8 = 54;
    /// A field is missing or malformed.
    pub const BAD_FIELD: u8 = 55;
    /// No such user, or no name.
    pub const BAD_USER: u8 = 60;
    /// There is such a user.
    pub const USER_EXISTS: u8 = 61;
    /// Not the password.
    pub const BAD_PASSWORD: u8 = 62;
    /// Not a hash.
    pub const BAD_CREDENTIAL: u8 = 65;
    /// No such session any more.
    pub const EXPIRED_SESSION: u8 = 66;
    /// No such role, or not a name for one.
    pub const BAD_ROLE: u8 = 70;
    /// There is such a role.
    pub const ROLE_EXISTS: u8 = 71;
    /// No such privilege.
    pub const BAD_PRIVILEGE: u8 = 72;
    /// Not a list of addresses.
    pub const BAD_WHITELIST: u8 = 73;
    /// `enable-quotas` is off.
    pub const QUOTAS_NOT_ENABLED: u8 = 74;
    /// No login yet.
    pub const NOT_AUTHENTICATED: u8 = 80;
    /// Not with these roles.
    pub const ROLE_VIOLATION: u8 = 81;
    /// Not from this address.
    pub const NOT_WHITELISTED: u8 = 82;
}

#[cfg(test)]
mod tests;
