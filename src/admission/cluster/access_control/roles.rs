//! Roles: names, privileges and where they hold, networks, quotas.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde_json::Value;

use super::{declared, path, unusable};
use crate::{
    admission::{rules::Told, subject::Subject},
    aerospike::{access::is_predefined, admin::PrivilegeCode},
    api::access_control::Role,
    finding::{FieldPath, Finding, shortened},
};

/// Characters of a user's text that a message repeats.
const TOLD: usize = 100;

/// A role with its place in the list.
#[derive(Clone, Copy)]
struct PlacedRole<'a> {
    index: usize,
    role: &'a Role,
}

impl<'a> PlacedRole<'a> {
    fn path(self) -> FieldPath {
        path().child("roles").item(self.index, &self.role.name)
    }

    fn privileges(self) -> impl Iterator<Item = PlacedPrivilege<'a>> {
        let texts = self.role.privileges.iter().enumerate();
        texts.map(move |(index, text)| PlacedPrivilege {
            role: self,
            index,
            text,
        })
    }
}

fn roles<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedRole<'a>> + use<'a> {
    let roles = declared(subject).map_or(&[][..], |declared| &declared.roles);
    let roles = roles.iter().enumerate();
    roles.map(|(index, role)| PlacedRole { index, role })
}

pub(super) fn role_names_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    roles(subject)
        .filter(|placed| !seen.insert(&placed.role.name))
        .map(|placed| {
            Finding::duplicate(
                "ACL-03",
                placed.path().child("name"),
                format!(
                    "duplicate role {:?}: give each role once",
                    shortened(&placed.role.name, TOLD)
                ),
            )
        })
        .told()
}

pub(super) fn roles_are_not_predefined(subject: &Subject<'_>) -> Vec<Finding> {
    roles(subject)
        .filter(|placed| is_predefined(&placed.role.name))
        .map(|placed| {
            Finding::forbidden(
                "ACL-04",
                placed.path().child("name"),
                format!(
                    "cannot create or modify predefined role {}: every server has it; choose another name",
                    placed.role.name
                ),
            )
        })
        .told()
}

pub(super) fn role_names_can_be_used(subject: &Subject<'_>) -> Vec<Finding> {
    let codes = ["ACL-05", "ACL-06"];
    let unusable = |placed: PlacedRole<'_>| {
        let path = placed.path().child("name");
        unusable(codes, "role name", &placed.role.name, path)
    };
    roles(subject).filter_map(unusable).told()
}

pub(super) fn quotas_are_enabled(subject: &Subject<'_>) -> Vec<Finding> {
    let security = subject.spec.aerospike_config.get("security");
    let message = match security.and_then(|security| security.get("enable-quotas")) {
        Some(Value::Bool(true)) => return Vec::new(),
        Some(Value::Bool(false)) => {
            "security.enable-quotas is set to false but quota params are given: set it to true, or leave the quota out"
        }
        None => {
            "invalid aerospike.security conf. enable-quotas: not present; set it to true in spec.aerospikeConfig.security, \
             or leave the quota out"
        }
        Some(_) => {
            "invalid aerospike.security conf. enable-quotas: not a boolean; set it to true in spec.aerospikeConfig.security"
        }
    };
    roles(subject)
        .flat_map(|placed| {
            let Role {
                read_quota,
                write_quota,
                ..
            } = placed.role;
            let quotas = [("readQuota", read_quota), ("writeQuota", write_quota)].into_iter();
            let set = quotas.filter(|(_, quota)| quota.is_some_and(|quota| quota > 0));
            set.map(move |(member, _)| {
                Finding::invalid("ACL-07", placed.path().child(member), message)
            })
        })
        .told()
}

/// A privilege as written: `<privilege>[.<namespace>[.<set>]]`.
#[derive(Clone, Copy)]
struct PlacedPrivilege<'a> {
    role: PlacedRole<'a>,
    index: usize,
    text: &'a str,
}

/// A privilege taken apart.
struct Parts<'a> {
    code: PrivilegeCode,
    namespace: Option<&'a str>,
    set: Option<&'a str>,
}

impl<'a> PlacedPrivilege<'a> {
    /// None if it is not of the form.
    fn parts(self) -> Option<Parts<'a>> {
        let mut parts = self.text.splitn(4, '.');
        let name = parts.next()?;
        let (code, _) = PrivilegeCode::named().find(|(_, known)| *known == name)?;
        let (namespace, set) = (parts.next(), parts.next());
        parts.next().is_none().then_some(Parts {
            code,
            namespace,
            set,
        })
    }

    fn finding(self, code: &'static str, why: impl std::fmt::Display) -> Finding {
        let path = self.role.path().child("privileges");
        Finding::invalid(
            code,
            path.item(self.index, self.text),
            format!(
                "role '{}' has invalid privilege '{}': {why}",
                shortened(&self.role.role.name, TOLD),
                shortened(self.text, TOLD)
            ),
        )
    }
}

fn privileges<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedPrivilege<'a>> + use<'a> {
    roles(subject).flat_map(PlacedRole::privileges)
}

pub(super) fn privileges_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    roles(subject)
        .flat_map(|placed| {
            let mut seen = HashSet::new();
            let twice = placed.privileges();
            twice.filter(move |privilege| !seen.insert(privilege.text))
        })
        .map(|privilege| Finding {
            reason: crate::finding::Reason::Duplicate,
            ..privilege.finding("ACL-08", "it is a duplicate; give it once")
        })
        .told()
}

pub(super) fn privileges_are_known(subject: &Subject<'_>) -> Vec<Finding> {
    let mut unknown = privileges(subject)
        .filter(|privilege| privilege.parts().is_none())
        .peekable();
    if unknown.peek().is_none() {
        return Vec::new();
    }
    let known: Vec<_> = PrivilegeCode::named().map(|(_, name)| name).collect();
    let right = format!(
        "write <privilege>, <privilege>.<namespace> or <privilege>.<namespace>.<set> with one of {}",
        known.join(", ")
    );
    unknown
        .map(|privilege| privilege.finding("ACL-09", &right))
        .told()
}

pub(super) fn global_privileges_have_no_scope(subject: &Subject<'_>) -> Vec<Finding> {
    privileges(subject)
        .filter_map(|privilege| {
            let parts = privilege.parts()?;
            let Parts { code, .. } = parts;
            (parts.namespace.is_some() && !code.is_scoped()).then(|| {
                let why = format!(
                    "{code} cannot have namespace or set scope, it holds everywhere: write {code}"
                );
                privilege.finding("ACL-10", why)
            })
        })
        .told()
}

/// Silent where a rack's configuration could not be worked out: the namespace may stand there.
pub(super) fn namespaces_of_privileges_are_configured(subject: &Subject<'_>) -> Vec<Finding> {
    let configured = subject.configured_racks().count();
    if configured < subject.racks().len() || roles(subject).next().is_none() {
        return Vec::new();
    }
    let known: HashSet<_> = subject
        .namespaces()
        .map(|namespace| namespace.name)
        .collect();
    privileges(subject)
        .filter_map(|privilege| {
            let parts = privilege.parts().filter(|parts| parts.code.is_scoped())?;
            let namespace = parts.namespace.filter(|name| !known.contains(name))?;
            let why = format!(
                "namespace {:?} is not configured in any rack: name one of spec.aerospikeConfig.namespaces",
                shortened(namespace, TOLD)
            );
            Some(privilege.finding("ACL-11", why))
        })
        .told()
}

pub(super) fn sets_of_privileges_have_names(subject: &Subject<'_>) -> Vec<Finding> {
    privileges(subject)
        .filter(|privilege| {
            let parts = privilege.parts().filter(|parts| parts.code.is_scoped());
            let set = parts.and_then(|parts| parts.set);
            set.is_some_and(|set| set.trim().is_empty())
        })
        .map(|privilege| {
            privilege.finding(
                "ACL-12",
                "invalid set name: name a set after the second dot, or leave the dot out",
            )
        })
        .told()
}

fn whitelist(role: PlacedRole<'_>) -> impl Iterator<Item = (FieldPath, &str)> {
    let list = role.path().child("whitelist");
    let entries = role.role.whitelist.iter().enumerate();
    entries.map(move |(index, text)| (list.item(index, text), text.as_str()))
}

pub(super) fn whitelist_entries_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let twice = roles(subject).flat_map(|role| {
        let mut seen = HashSet::new();
        whitelist(role).filter(move |(_, text)| !seen.insert(*text))
    });
    twice
        .map(|(path, text)| {
            let message = format!(
                "duplicate whitelist entry {:?}: give it once",
                shortened(text, TOLD)
            );
            Finding::duplicate("ACL-13", path, message)
        })
        .told()
}

pub(super) fn whitelist_entries_are_networks(subject: &Subject<'_>) -> Vec<Finding> {
    roles(subject)
        .flat_map(whitelist)
        .filter_map(|(path, text)| {
            let (code, right) = match Network::parse(text) {
                _ if text.parse::<IpAddr>().is_ok() => return None,
                Some(network) if network.canonical() == text => return None,
                Some(network) => ("ACL-15", format!("write {}", network.canonical())),
                None => (
                    "ACL-14",
                    "write an IP address such as 10.0.0.1 or a network such as 10.0.0.0/8"
                        .to_owned(),
                ),
            };
            let message = format!(
                "invalid whitelist entry {:?}: {right}",
                shortened(text, TOLD)
            );
            Some(Finding::invalid(code, path, message))
        })
        .told()
}

/// An address with the length of its network part.
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix = prefix.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// As written when no bit behind the network part is set.
    fn canonical(&self) -> String {
        let prefix = self.prefix;
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        format!("{address}/{prefix}")
    }
}
