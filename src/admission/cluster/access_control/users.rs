//! Users: names, roles, and how they prove who they are.

use std::collections::HashSet;

use super::{declared, path, unusable};
use crate::{
    admission::{rules::Told, subject::Subject},
    aerospike::access::{ADMIN, is_predefined},
    api::access_control::{AuthMode, User},
    finding::{FieldPath, Finding, shortened},
    resolve::Edition,
};

/// Characters of a user's text that a message repeats.
const TOLD: usize = 100;
/// What the administrator must be allowed, since the operator logs in as that user.
const ADMIN_ROLES: [&str; 2] = ["sys-admin", "user-admin"];

/// A user with their place in the list.
#[derive(Clone, Copy)]
pub(super) struct PlacedUser<'a> {
    index: usize,
    pub(super) user: &'a User,
}

impl<'a> PlacedUser<'a> {
    pub(super) fn path(self) -> FieldPath {
        path().child("users").item(self.index, &self.user.name)
    }

    pub(super) fn has_certificate(self) -> bool {
        self.user.auth_mode == Some(AuthMode::PkiOnly)
    }

    fn has_secret(self) -> bool {
        let name = self.user.secret_name.as_deref();
        name.is_some_and(|name| !name.trim().is_empty())
    }

    fn name(self) -> String {
        shortened(&self.user.name, TOLD)
    }

    fn roles(self) -> impl Iterator<Item = (FieldPath, &'a str)> {
        let list = self.path().child("roles");
        let roles = self.user.roles.iter().enumerate();
        roles.map(move |(index, role)| (list.item(index, role), role.as_str()))
    }
}

pub(super) fn placed(users: &[User]) -> impl Iterator<Item = PlacedUser<'_>> {
    let users = users.iter().enumerate();
    users.map(|(index, user)| PlacedUser { index, user })
}

fn users<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedUser<'a>> + use<'a> {
    placed(declared(subject).map_or(&[][..], |declared| &declared.users))
}

pub(super) fn user_names_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    users(subject)
        .filter(|placed| !seen.insert(&placed.user.name))
        .map(|placed| {
            Finding::duplicate(
                "ACL-16",
                placed.path().child("name"),
                format!("duplicate user {:?}: give each user once", placed.name()),
            )
        })
        .told()
}

pub(super) fn user_names_can_be_used(subject: &Subject<'_>) -> Vec<Finding> {
    let codes = ["ACL-17", "ACL-18"];
    let unusable = |placed: PlacedUser<'_>| {
        let path = placed.path().child("name");
        unusable(codes, "username", &placed.user.name, path)
    };
    users(subject).filter_map(unusable).told()
}

pub(super) fn roles_of_users_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let twice = users(subject).flat_map(|placed| {
        let mut seen = HashSet::new();
        placed.roles().filter(move |(_, role)| !seen.insert(*role))
    });
    twice
        .map(|(path, role)| {
            let message = format!("duplicate role {:?}: give it once", shortened(role, TOLD));
            Finding::duplicate("ACL-19", path, message)
        })
        .told()
}

pub(super) fn roles_of_users_exist(subject: &Subject<'_>) -> Vec<Finding> {
    let roles = declared(subject).map_or(&[][..], |declared| &declared.roles);
    let own: HashSet<_> = roles.iter().map(|role| role.name.as_str()).collect();
    let unknown = users(subject)
        .flat_map(PlacedUser::roles)
        .filter(|(_, role)| !own.contains(role) && !is_predefined(role));
    unknown
        .map(|(path, role)| {
            let message = format!(
                "non-existent role {:?}: declare it in spec.aerospikeAccessControl.roles, or use a predefined one",
                shortened(role, TOLD)
            );
            Finding::invalid("ACL-20", path, message)
        })
        .told()
}

pub(super) fn certificate_users_have_no_password(subject: &Subject<'_>) -> Vec<Finding> {
    users(subject)
        .filter(|placed| placed.has_certificate() && placed.has_secret())
        .map(|placed| {
            Finding::forbidden(
                "ACL-21",
                placed.path().child("secretName"),
                format!(
                    "user {} cannot set secretName when authMode is PKIOnly: leave it out, the certificate is the proof",
                    placed.name()
                ),
            )
        })
        .told()
}

fn is_federal(subject: &Subject<'_>) -> bool {
    Edition::of(&subject.spec.image) == Edition::Federal
}

pub(super) fn federal_users_have_certificates(subject: &Subject<'_>) -> Vec<Finding> {
    if !is_federal(subject) {
        return Vec::new();
    }
    users(subject)
        .filter(|placed| !placed.has_certificate())
        .map(|placed| {
            Finding::invalid(
                "ACL-22",
                placed.path().child("authMode"),
                format!(
                    "authMode for all users must be PKI with Federal Edition: set PKIOnly for user {}",
                    placed.name()
                ),
            )
        })
        .told()
}

/// Silent on a Federal image, whose users have no password at all.
pub(super) fn password_users_have_a_secret(subject: &Subject<'_>) -> Vec<Finding> {
    if is_federal(subject) {
        return Vec::new();
    }
    users(subject)
        .filter(|placed| !placed.has_certificate() && !placed.has_secret())
        .map(|placed| {
            Finding::required(
                "ACL-23",
                placed.path().child("secretName"),
                format!(
                    "user {} has empty secret name: name a Secret of the cluster's namespace whose key `password` holds the \
                     password",
                    placed.name()
                ),
            )
        })
        .told()
}

pub(super) fn an_administrator_is_among_users(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(declared) = declared(subject) else {
        return Vec::new();
    };
    let has = |user: &User, role: &str| user.roles.iter().any(|own| own == role);
    let is_admin =
        |user: &User| user.name == ADMIN && ADMIN_ROLES.iter().all(|role| has(user, role));
    if declared.users.iter().any(is_admin) {
        return Vec::new();
    }
    vec![Finding::invalid(
        "ACL-24",
        path().child("users"),
        "no admin user with required roles: the operator logs in as user admin, which needs the roles sys-admin and user-admin",
    )]
}
