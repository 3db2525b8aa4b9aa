//! Users and roles: the declared ones are made once the servers form a cluster.

use std::collections::BTreeSet;

use super::{Access, Effect, Observed, Share, WaitReason, restart};
use crate::{
    aerospike::{
        access::{self, Declared, DeclaredRole, DeclaredUser},
        admin::Privilege,
    },
    api::{
        AerospikeClusterStatus,
        access_control::{AccessControl, AuthMode, Role, User},
    },
    resolve::Desired,
};

/// The access control to be installed, if the servers have security and the status does not say that it is.
#[must_use]
pub fn pending<'a>(
    desired: &'a Desired,
    status: &AerospikeClusterStatus,
) -> Option<&'a AccessControl> {
    let declared = desired.spec.aerospike_access_control.as_ref()?;
    let installed = status.mirror.aerospike_access_control.as_ref() == Some(declared);
    (desired.security && !installed).then_some(declared)
}

/// Whether the servers are known to have all that is declared.
#[must_use]
pub fn is_installed(desired: &Desired, observed: &Observed) -> bool {
    if pending(desired, &observed.status).is_none() {
        return true;
    }
    matches!(observed.access, Access::Known { .. })
        && install(desired, observed) == Share::default()
}

/// Makes roles, then users, the administrator last.
#[must_use]
pub fn install(desired: &Desired, observed: &Observed) -> Share {
    if pending(desired, &observed.status).is_some() && restart::batch(desired, observed).is_some() {
        // Servers that do not have security yet cannot be asked.
        let message = "users and roles are made when all pods run what is wanted";
        return Share::wait(WaitReason::AccessControl, message);
    }
    match (&observed.access, pending(desired, &observed.status)) {
        (Access::Unknown(wait), _) => Share {
            waits: vec![wait.clone()],
            ..Share::default()
        },
        (_, None) => Share::default(),
        (Access::NotRead, Some(_)) => Share::wait(
            WaitReason::AccessControl,
            "users and roles are made when all servers form a cluster",
        ),
        (
            Access::Known {
                installed,
                passwords,
                first_password,
            },
            Some(declared),
        ) => {
            let requests = access::difference(
                &declaration(declared),
                installed,
                |user| passwords.get(user).cloned(),
                first_password.as_ref(),
            );
            match requests {
                Ok(requests) if requests.is_empty() => Share::default(),
                Ok(requests) => Share {
                    upkeep: vec![Effect::Administer { requests }],
                    ..Share::default()
                },
                Err(error) => Share::wait(WaitReason::SecretMissing, error.to_string()),
            }
        }
    }
}

fn declaration(declared: &AccessControl) -> Declared {
    Declared {
        roles: declared.roles.iter().map(role).collect(),
        users: declared.users.iter().map(user).collect(),
    }
}

fn role(role: &Role) -> DeclaredRole {
    DeclaredRole {
        name: role.name.clone(),
        privileges: privileges(role),
        whitelist: role.whitelist.iter().cloned().collect(),
        read_quota: role.read_quota.unwrap_or(0),
        write_quota: role.write_quota.unwrap_or(0),
    }
}

/// Privileges that this version does not know are left out; admission names them.
fn privileges(role: &Role) -> BTreeSet<Privilege> {
    role.privileges
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect()
}

fn user(user: &User) -> DeclaredUser {
    DeclaredUser {
        name: user.name.clone(),
        roles: user.roles.iter().cloned().collect(),
        pki_only: user.auth_mode == Some(AuthMode::PkiOnly),
    }
}
