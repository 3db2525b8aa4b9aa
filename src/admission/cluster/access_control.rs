//! Users and roles of the database, and whether security is on at all.

mod pki;
mod roles;
mod users;

use crate::{
    admission::{
        rules::{Area, Change, Operation},
        subject::Subject,
    },
    api::{AerospikeClusterSpec, access_control::AccessControl},
    finding::{FieldPath, Finding, shortened},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        security_has_access_control,
        access_control_has_security,
        roles::role_names_are_unique,
        roles::roles_are_not_predefined,
        roles::role_names_can_be_used,
        roles::quotas_are_enabled,
        roles::privileges_are_unique,
        roles::privileges_are_known,
        roles::global_privileges_have_no_scope,
        roles::namespaces_of_privileges_are_configured,
        roles::sets_of_privileges_have_names,
        roles::whitelist_entries_are_unique,
        roles::whitelist_entries_are_networks,
        users::user_names_are_unique,
        users::user_names_can_be_used,
        users::roles_of_users_are_unique,
        users::roles_of_users_exist,
        users::certificate_users_have_no_password,
        users::federal_users_have_certificates,
        users::password_users_have_a_secret,
        users::an_administrator_is_among_users,
        pki::enterprise_is_new_enough,
        pki::servers_have_tls,
        pki::servers_ask_for_certificates,
        pki::the_operator_is_the_administrator,
    ],
    changes: &[
        access_control_stays,
        access_control_changes_with_security,
        pki::certificate_users_stay,
        pki::tls_comes_first,
        pki::tls_is_rolled_out,
    ],
    advice: &[],
};

fn path() -> FieldPath {
    FieldPath::spec().child("aerospikeAccessControl")
}

/// Security is on as soon as the section is there, be it empty.
fn is_secured(spec: &AerospikeClusterSpec) -> bool {
    spec.aerospike_config.contains_key("security")
}

/// The access control that servers shall have.
fn declared<'a>(subject: &Subject<'a>) -> Option<&'a AccessControl> {
    let declared = subject.spec.aerospike_access_control.as_ref();
    declared.filter(|_| is_secured(subject.spec))
}

fn security_has_access_control(subject: &Subject<'_>) -> Vec<Finding> {
    let spec = subject.spec;
    if !is_secured(spec) || spec.aerospike_access_control.is_some() {
        return Vec::new();
    }
    vec![Finding::required(
        "ACL-01",
        path(),
        "security is enabled but access control is missing: declare a user admin with the roles sys-admin and user-admin, \
         or leave spec.aerospikeConfig.security out",
    )]
}

fn access_control_has_security(subject: &Subject<'_>) -> Vec<Finding> {
    let spec = subject.spec;
    let is_new = subject.operation == Operation::Create;
    if !is_new || is_secured(spec) || spec.aerospike_access_control.is_none() {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "ACL-02",
        path(),
        "security is disabled but access control is specified: add `security: {}` to spec.aerospikeConfig, or leave this out",
    )]
}

fn access_control_stays(change: &Change<'_>) -> Vec<Finding> {
    let declared = |subject: &Subject<'_>| subject.spec.aerospike_access_control.is_some();
    if !declared(change.old) || declared(change.new) {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "UPD-16",
        path(),
        "aerospikeAccessControl cannot be removed once set: keep it; it rests while security is disabled",
    )]
}

fn access_control_changes_with_security(change: &Change<'_>) -> Vec<Finding> {
    let old = &change.old.spec.aerospike_access_control;
    let new = &change.new.spec.aerospike_access_control;
    if new.is_none() || old == new || is_secured(change.new.spec) {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "UPD-17",
        path(),
        "aerospikeAccessControl cannot be updated when security is disabled: add `security: {}` to spec.aerospikeConfig, or \
         leave it as it was",
    )]
}

/// Separators of the server's own texts.
const SEPARATORS: [char; 2] = [';', ':'];

/// What keeps the server from taking a name: `codes` for one that is blank, and for one with a separator.
fn unusable(codes: [&'static str; 2], what: &str, name: &str, path: FieldPath) -> Option<Finding> {
    if name.trim().is_empty() {
        let message = format!("{what} cannot be empty: give one of 1 to 63 characters");
        return Some(Finding::required(codes[0], path, message));
    }
    let found = name.chars().find(|c| SEPARATORS.contains(c))?;
    let message = format!(
        "{what} {:?} cannot contain {found}: servers use ; and : as separators",
        shortened(name, 63)
    );
    Some(Finding::invalid(codes[1], path, message))
}

#[cfg(test)]
mod tests;
