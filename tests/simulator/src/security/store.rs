//! Users and roles in the shared metadata.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::privilege::{Access, Code, Privilege};
use crate::smd::Smd;
use crate::version::Version;

/// A user. Has no `Debug`: it holds a hash that is as good as the password.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The password's hash.
    pub hash: String,
    /// Roles by name.
    pub roles: BTreeSet<String>,
}

/// A role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// What it allows.
    pub privileges: BTreeSet<Privilege>,
    /// From where, joined by commas; empty for anywhere.
    pub whitelist: String,
    /// Reads a second; 0 for any number.
    pub read_quota: u32,
    /// Writes a second; 0 for any number.
    pub write_quota: u32,
}

/// The user that a new cluster has.
pub const FIRST_USER: &str = "admin";

/// Gives a node without users its first one, who may do nothing but administer users.
pub fn initialize(smd: &mut Smd, hash: String) {
    if smd.names("user").next().is_none() {
        let roles = BTreeSet::from(["user-admin".to_owned()]);
        smd.put_default(&user_key(FIRST_USER), &User { hash, roles });
    }
}

/// Where a user is kept.
#[must_use]
pub fn user_key(name: &str) -> String {
    format!("user/{name}")
}

/// Where a role is kept.
#[must_use]
pub fn role_key(name: &str) -> String {
    format!("role/{name}")
}

/// Users and roles, to look up.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    smd: &'a Smd,
    version: Version,
}

impl<'a> Directory<'a> {
    /// Of what is shared.
    #[must_use]
    pub fn of(smd: &'a Smd, version: Version) -> Self {
        Self { smd, version }
    }

    /// A user.
    #[must_use]
    pub fn user(self, name: &str) -> Option<User> {
        self.smd.get(&user_key(name))
    }

    /// A role, from the start or made since.
    #[must_use]
    pub fn role(self, name: &str) -> Option<Role> {
        match Code::of_role(name, self.version) {
            Some(code) => {
                let privileges = BTreeSet::from([Privilege::global(code)]);
                Some(Role {
                    privileges,
                    ..Role::default()
                })
            }
            None => self.smd.get(&role_key(name)),
        }
    }

    /// The names of all users.
    #[must_use]
    pub fn users(self) -> Vec<String> {
        self.smd.names("user").map(ToOwned::to_owned).collect()
    }

    /// The names of all roles.
    #[must_use]
    pub fn roles(self) -> Vec<String> {
        let first = Code::roles(self.version).map(|(_, name)| name.to_owned());
        first
            .chain(self.smd.names("role").map(ToOwned::to_owned))
            .collect()
    }

    fn roles_of(self, user: &str) -> Vec<Role> {
        let roles = self.user(user).map(|user| user.roles).unwrap_or_default();
        roles.iter().filter_map(|name| self.role(name)).collect()
    }

    /// Whether a user may do something.
    #[must_use]
    pub fn allows(self, user: &str, access: Access<'_>) -> bool {
        let roles = self.roles_of(user);
        let privileges: Vec<_> = roles.into_iter().flat_map(|role| role.privileges).collect();
        access.is_granted_by(&privileges)
    }

    /// Whether a user may come from an address: one of the role's lists must have it, if there is any.
    #[must_use]
    pub fn admits(self, user: &str, address: IpAddr) -> bool {
        let roles = self.roles_of(user);
        let mut lists = roles
            .iter()
            .map(|role| role.whitelist.as_str())
            .filter(|list| !list.is_empty())
            .peekable();
        lists.peek().is_none()
            || lists.any(|list| list.split(',').any(|entry| has_address(entry, address)))
    }
}

/// Whether every part of a whitelist is an address or a block of addresses.
#[must_use]
pub fn is_whitelist(text: &str) -> bool {
    !text.is_empty() && text.split(',').all(|entry| block(entry).is_some())
}

fn has_address(entry: &str, address: IpAddr) -> bool {
    block(entry).is_some_and(|(network, length)| {
        masked(network, length) == masked(address.to_canonical(), length)
    })
}

fn block(entry: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = entry
        .trim()
        .split_once('/')
        .map_or((entry.trim(), None), |(a, l)| (a, Some(l)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(most), |length| length.parse().ok())?;
    (length <= most).then_some((address, length))
}

/// The bits of the network, and which family they are of.
fn masked(address: IpAddr, length: u32) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (
            true,
            u128::from(u64::from(u32::from(address)) >> (32 - length.min(32))),
        ),
        IpAddr::V6(address) => (
            false,
            u128::from(address)
                .checked_shr(128 - length.min(128))
                .unwrap_or(0),
        ),
    }
}
