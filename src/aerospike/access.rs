//! From the users and roles that a server has to those that are declared: which requests, in which order.
//!
//! Nothing is dropped, and nothing that is not declared is touched: what was made by hand stays.

use std::collections::BTreeSet;

use super::admin::{Privilege, PrivilegeCode, Request, ResultCode, Role, User};
use super::password::PasswordHash;

/// The user that every server with security begins with, and as which the operator logs in.
pub const ADMIN: &str = "admin";

/// A role as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredRole {
    /// Its name; one of a predefined role is left alone.
    pub name: String,
    /// What it allows.
    pub privileges: BTreeSet<Privilege>,
    /// From where; everywhere if empty.
    pub whitelist: BTreeSet<String>,
    /// Reads per second; zero for no limit.
    pub read_quota: u32,
    /// Writes per second; zero for no limit.
    pub write_quota: u32,
}

/// A user as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredUser {
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: BTreeSet<String>,
    /// Whether it logs in by certificate only.
    pub pki_only: bool,
}

/// Everything that is declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Roles.
    pub roles: Vec<DeclaredRole>,
    /// Users.
    pub users: Vec<DeclaredUser>,
}

/// Everything that a server has, as it answers to queries for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// Roles, predefined ones included.
    pub roles: Vec<Role>,
    /// Users.
    pub users: Vec<User>,
}

/// The change of the administrator's password from the one that a fresh server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstPassword {
    /// The one that the server took at the login.
    pub bootstrap: PasswordHash,
    /// The declared one.
    pub declared: PasswordHash,
}

/// Why the declared state cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A user to be created has none.
    #[error("there is no password to create user {user:?} with")]
    NoPassword {
        /// The user.
        user: String,
    },
}

/// The requests that turn `installed` into `declared`: roles before the users that bear them, the administrator
/// after all others, and its password at the very end, since the session may end with it.
///
/// `password` is asked for each user that has to be created and that logs in by password.
///
/// # Errors
///
/// When there is no password for such a user.
pub fn difference(
    declared: &Declared,
    installed: &Installed,
    password: impl Fn(&str) -> Option<PasswordHash>,
    first_password: Option<&FirstPassword>,
) -> Result<Vec<Request>, Error> {
    let own = declared
        .roles
        .iter()
        .filter(|role| !is_predefined(&role.name));
    let mut requests: Vec<_> = own
        .flat_map(|role| role_requests(role, &installed.roles))
        .collect();
    let (admin, others): (Vec<_>, Vec<_>) =
        declared.users.iter().partition(|user| user.name == ADMIN);
    for user in others.into_iter().chain(admin) {
        requests.extend(user_requests(user, &installed.users, &password)?);
    }
    requests.extend(first_password.and_then(change_first_password));
    Ok(requests)
}

/// Whether a refusal means that somebody was first and the request need not be made any more.
#[must_use]
pub fn is_done_already(request: &Request, refusal: ResultCode) -> bool {
    match request {
        Request::CreateUser { .. } => refusal == ResultCode::USER_EXISTS,
        Request::DropUser { .. } => refusal == ResultCode::BAD_USER,
        Request::CreateRole { .. } => refusal == ResultCode::ROLE_EXISTS,
        Request::DropRole { .. } => refusal == ResultCode::BAD_ROLE,
        _ => false,
    }
}

/// Whether the server has this role by itself, and lets nobody change it.
#[must_use]
pub fn is_predefined(role: &str) -> bool {
    PrivilegeCode::named().any(|(_, name)| name == role)
}

fn change_first_password(change: &FirstPassword) -> Option<Request> {
    (change.bootstrap != change.declared).then(|| Request::ChangePassword {
        user: ADMIN.to_owned(),
        old: change.bootstrap.clone(),
        new: change.declared.clone(),
    })
}

fn role_requests(role: &DeclaredRole, installed: &[Role]) -> Vec<Request> {
    match installed.iter().find(|found| found.name == role.name) {
        Some(found) => role_changes(role, found),
        None => vec![Request::CreateRole {
            role: role.name.clone(),
            privileges: role.privileges.iter().cloned().collect(),
            whitelist: role.whitelist.iter().cloned().collect(),
            read_quota: role.read_quota,
            write_quota: role.write_quota,
        }],
    }
}

fn role_changes(role: &DeclaredRole, found: &Role) -> Vec<Request> {
    let name = || role.name.clone();
    let (grant, revoke) = changes(&role.privileges, &found.privileges);
    let whitelist: BTreeSet<_> = found.whitelist.iter().cloned().collect();
    let quotas = (role.read_quota, role.write_quota);
    // Granted first: applications keep what both states allow.
    let changes = [
        (!grant.is_empty()).then(|| Request::GrantPrivileges {
            role: name(),
            privileges: grant,
        }),
        (!revoke.is_empty()).then(|| Request::RevokePrivileges {
            role: name(),
            privileges: revoke,
        }),
        (whitelist != role.whitelist).then(|| Request::SetWhitelist {
            role: name(),
            whitelist: role.whitelist.iter().cloned().collect(),
        }),
        (quotas != (found.read_quota, found.write_quota)).then(|| Request::SetQuotas {
            role: name(),
            read_quota: role.read_quota,
            write_quota: role.write_quota,
        }),
    ];
    changes.into_iter().flatten().collect()
}

fn user_requests(
    user: &DeclaredUser,
    installed: &[User],
    password: impl Fn(&str) -> Option<PasswordHash>,
) -> Result<Vec<Request>, Error> {
    if let Some(found) = installed.iter().find(|found| found.name == user.name) {
        return Ok(user_changes(user, found));
    }
    let password = if user.pki_only {
        Some(PasswordHash::no_password())
    } else {
        password(&user.name)
    };
    let name = || user.name.clone();
    let create = Request::CreateUser {
        user: name(),
        password: password.ok_or_else(|| Error::NoPassword { user: name() })?,
        roles: user.roles.iter().cloned().collect(),
    };
    Ok(vec![create])
}

fn user_changes(user: &DeclaredUser, found: &User) -> Vec<Request> {
    let name = || user.name.clone();
    let (grant, revoke) = changes(&user.roles, &found.roles);
    let changes = [
        (!grant.is_empty()).then(|| Request::GrantRoles {
            user: name(),
            roles: grant,
        }),
        (!revoke.is_empty()).then(|| Request::RevokeRoles {
            user: name(),
            roles: revoke,
        }),
    ];
    changes.into_iter().flatten().collect()
}

/// What is wanted and not there, and what is there and not wanted.
fn changes<T: Ord + Clone>(wanted: &BTreeSet<T>, found: &[T]) -> (Vec<T>, Vec<T>) {
    let found: BTreeSet<_> = found.iter().cloned().collect();
    let grant = wanted.difference(&found).cloned().collect();
    let revoke = found.difference(wanted).cloned().collect();
    (grant, revoke)
}

#[cfg(test)]
mod tests;
