//! Requests, and their bytes.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::reply::Token;
use super::{Privilege, SUB_HEADER, field};
use crate::aerospike::password::{Password, PasswordHash};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named by what they are")]
pub enum Request {
    /// Logs an internal user in.
    Login {
        user: String,
        credential: PasswordHash,
    },
    /// Logs in a user that the server looks up elsewhere; sends the password in clear, so over TLS only.
    LoginExternal {
        user: String,
        credential: PasswordHash,
        password: Password,
    },
    /// Logs in the user that the client certificate names.
    LoginPki,
    /// Goes on with a session of an earlier login; without a user for a session by certificate.
    Authenticate { user: Option<String>, token: Token },
    /// Creates a user.
    CreateUser {
        user: String,
        password: PasswordHash,
        roles: Vec<String>,
    },
    /// Removes a user.
    DropUser { user: String },
    /// Sets another user's password.
    SetPassword {
        user: String,
        password: PasswordHash,
    },
    /// Changes the password of the user that is logged in.
    ChangePassword {
        user: String,
        old: PasswordHash,
        new: PasswordHash,
    },
    /// Adds roles to a user.
    GrantRoles { user: String, roles: Vec<String> },
    /// Takes roles from a user.
    RevokeRoles { user: String, roles: Vec<String> },
    /// One user, or all.
    QueryUsers { user: Option<String> },
    /// Creates a role; quotas of zero are none.
    CreateRole {
        role: String,
        privileges: Vec<Privilege>,
        whitelist: Vec<String>,
        read_quota: u32,
        write_quota: u32,
    },
    /// Removes a role.
    DropRole { role: String },
    /// Adds privileges to a role.
    GrantPrivileges {
        role: String,
        privileges: Vec<Privilege>,
    },
    /// Takes privileges from a role.
    RevokePrivileges {
        role: String,
        privileges: Vec<Privilege>,
    },
    /// Replaces the addresses from which a role may be used; empty for everywhere.
    SetWhitelist {
        role: String,
        whitelist: Vec<String>,
    },
    /// Replaces both quotas of a role; zero for none.
    SetQuotas {
        role: String,
        read_quota: u32,
        write_quota: u32,
    },
    /// One role, or all.
    QueryRoles { role: Option<String> },
}

impl Request {
    /// Its number on the wire.
    pub(super) const fn command(&self) -> u8 {
        match self {
            Self::Authenticate { .. } => 0,
            Self::CreateUser { .. } => 1,
            Self::DropUser { .. } => 2,
            Self::SetPassword { .. } => 3,
            Self::ChangePassword { .. } => 4,
            Self::GrantRoles { .. } => 5,
            Self::RevokeRoles { .. } => 6,
            Self::QueryUsers { .. } => 9,
            Self::CreateRole { .. } => 10,
            Self::DropRole { .. } => 11,
            Self::GrantPrivileges { .. } => 12,
            Self::RevokePrivileges { .. } => 13,
            Self::SetWhitelist { .. } => 14,
            Self::SetQuotas { .. } => 15,
            Self::QueryRoles { .. } => 16,
            Self::Login { .. } | Self::LoginExternal { .. } | Self::LoginPki => 20,
        }
    }

    /// What it is called in messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Authenticate { .. } => "authenticate",
            Self::CreateUser { .. } => "create-user",
            Self::DropUser { .. } => "drop-user",
            Self::SetPassword { .. } => "set-password",
            Self::ChangePassword { .. } => "change-password",
            Self::GrantRoles { .. } => "grant-roles",
            Self::RevokeRoles { .. } => "revoke-roles",
            Self::QueryUsers { .. } => "query-users",
            Self::CreateRole { .. } => "create-role",
            Self::DropRole { .. } => "drop-role",
            Self::GrantPrivileges { .. } => "grant-privileges",
            Self::RevokePrivileges { .. } => "revoke-privileges",
            Self::SetWhitelist { .. } => "set-whitelist",
            Self::SetQuotas { .. } => "set-quotas",
            Self::QueryRoles { .. } => "query-roles",
            Self::Login { .. } | Self::LoginExternal { .. } | Self::LoginPki => "login",
        }
    }
}

/// A request that does not fit into the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The protocol counts items in one byte.
    #[error("{count} roles or privileges in one request, the protocol takes at most 255")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// The protocol counts the bytes of a name in one byte.
    #[error("the name {name:?}… is longer than the 255 bytes that the protocol takes")]
    NameTooLong {
        /// Its beginning.
        name: String,
    },
}

/// The body of a message; it may hold credentials, so it is wiped.
///
/// # Errors
///
/// When a list or a name is longer than the protocol can say.
///
/// # Panics
///
/// Never: no request has as many fields as a byte can count.
pub fn encode(request: &Request) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
    let fields = session_fields(request)
        .or_else(|| user_fields(request))
        .unwrap_or_else(|| role_fields(request))?;
    let length = fields
        .iter()
        .map(|(_, payload)| FIELD_HEADER + payload.len())
        .sum::<usize>();
    // Grown later, the buffer would leave credentials behind.
    let mut body = Zeroizing::new(Vec::with_capacity(SUB_HEADER + length));
    body.resize(SUB_HEADER, 0);
    body[2] = request.command();
    body[3] = u8::try_from(fields.len()).expect("no request has more than five fields");
    for (id, payload) in fields {
        let length = u32::try_from(payload.len() + 1).unwrap_or(u32::MAX);
        body.extend_from_slice(&length.to_be_bytes());
        body.push(id);
        body.extend_from_slice(&payload);
    }
    Ok(body)
}

const FIELD_HEADER: usize = 5;

type Field<'a> = (u8, Cow<'a, [u8]>);
type Fields<'a> = Result<Vec<Field<'a>>, EncodeError>;

fn session_fields(request: &Request) -> Option<Fields<'_>> {
    let fields = match request {
        Request::Login { user, credential } => {
            vec![text(field::USER, user), hash(field::CREDENTIAL, credential)]
        }
        Request::LoginExternal {
            user,
            credential,
            password,
        } => vec![
            text(field::USER, user),
            hash(field::CREDENTIAL, credential),
            text(field::CLEAR_PASSWORD, password.reveal()),
        ],
        Request::LoginPki => vec![],
        Request::Authenticate { user, token } => {
            let user = user.iter().map(|user| text(field::USER, user));
            let token = (field::SESSION_TOKEN, Cow::Borrowed(token.as_bytes()));
            user.chain([token]).collect()
        }
        _ => return None,
    };
    Some(Ok(fields))
}

fn user_fields(request: &Request) -> Option<Fields<'_>> {
    let fields = match request {
        Request::CreateUser {
            user,
            password,
            roles,
        } => role_list(roles).map(|roles| {
            vec![
                text(field::USER, user),
                hash(field::PASSWORD, password),
                roles,
            ]
        }),
        Request::DropUser { user } => Ok(vec![text(field::USER, user)]),
        Request::SetPassword { user, password } => Ok(vec![
            text(field::USER, user),
            hash(field::PASSWORD, password),
        ]),
        Request::ChangePassword { user, old, new } => Ok(vec![
            text(field::USER, user),
            hash(field::OLD_PASSWORD, old),
            hash(field::PASSWORD, new),
        ]),
        Request::GrantRoles { user, roles } | Request::RevokeRoles { user, roles } => {
            role_list(roles).map(|roles| vec![text(field::USER, user), roles])
        }
        Request::QueryUsers { user } => {
            Ok(user.iter().map(|user| text(field::USER, user)).collect())
        }
        _ => return None,
    };
    Some(fields)
}

fn role_fields(request: &Request) -> Fields<'_> {
    let mut fields = Vec::new();
    match request {
        Request::CreateRole {
            role,
            privileges,
            whitelist: addresses,
            read_quota,
            write_quota,
        } => {
            fields.push(text(field::ROLE, role));
            fields.extend(first_privileges(privileges)?);
            fields.extend(whitelist(addresses));
            fields.extend(first_quotas(*read_quota, *write_quota));
        }
        Request::GrantPrivileges { role, privileges }
        | Request::RevokePrivileges { role, privileges } => {
            fields.extend([text(field::ROLE, role), privilege_list(privileges)?]);
        }
        Request::SetWhitelist {
            role,
            whitelist: addresses,
        } => {
            fields.push(text(field::ROLE, role));
            fields.extend(whitelist(addresses));
        }
        Request::SetQuotas {
            role,
            read_quota,
            write_quota,
        } => fields.extend([
            text(field::ROLE, role),
            number(field::READ_QUOTA, *read_quota),
            number(field::WRITE_QUOTA, *write_quota),
        ]),
        Request::DropRole { role } => fields.push(text(field::ROLE, role)),
        Request::QueryRoles { role } => {
            fields.extend(role.iter().map(|role| text(field::ROLE, role)));
        }
        _ => {}
    }
    Ok(fields)
}

/// A new role leaves out what it does not have.
fn first_privileges<'a>(privileges: &[Privilege]) -> Result<Option<Field<'a>>, EncodeError> {
    let some = !privileges.is_empty();
    some.then(|| privilege_list(privileges)).transpose()
}

fn first_quotas<'a>(read: u32, write: u32) -> impl Iterator<Item = Field<'a>> {
    let quotas = [(field::READ_QUOTA, read), (field::WRITE_QUOTA, write)];
    let set = quotas.into_iter().filter(|(_, quota)| *quota > 0);
    set.map(|(id, quota)| number(id, quota))
}

fn text(id: u8, text: &str) -> Field<'_> {
    (id, Cow::Borrowed(text.as_bytes()))
}

fn hash(id: u8, hash: &PasswordHash) -> Field<'_> {
    (id, Cow::Borrowed(hash.as_bytes()))
}

fn number<'a>(id: u8, number: u32) -> Field<'a> {
    (id, Cow::Owned(number.to_be_bytes().to_vec()))
}

/// Absent rather than empty: the server refuses an empty whitelist.
fn whitelist<'a>(addresses: &[String]) -> Option<Field<'a>> {
    let joined = || addresses.join(",").into_bytes();
    (!addresses.is_empty()).then(|| (field::WHITELIST, Cow::Owned(joined())))
}

fn role_list<'a>(roles: &[String]) -> Result<Field<'a>, EncodeError> {
    let mut payload = vec![count(roles.len())?];
    for role in roles {
        name(&mut payload, role)?;
    }
    Ok((field::ROLES, Cow::Owned(payload)))
}

fn privilege_list<'a>(privileges: &[Privilege]) -> Result<Field<'a>, EncodeError> {
    let mut payload = vec![count(privileges.len())?];
    for privilege in privileges {
        payload.push(privilege.code.number());
        if privilege.code.is_scoped() {
            for scope in [&privilege.namespace, &privilege.set] {
                name(&mut payload, scope.as_deref().unwrap_or_default())?;
            }
        }
    }
    Ok((field::PRIVILEGES, Cow::Owned(payload)))
}

fn count(count: usize) -> Result<u8, EncodeError> {
    u8::try_from(count).map_err(|_| EncodeError::TooMany { count })
}

fn name(payload: &mut Vec<u8>, name: &str) -> Result<(), EncodeError> {
    let length = u8::try_from(name.len()).map_err(|_| EncodeError::NameTooLong {
        name: name.chars().take(20).collect(),
    })?;
    payload.push(length);
    payload.extend_from_slice(name.as_bytes());
    Ok(())
}
