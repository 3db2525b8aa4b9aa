//! What a cluster's pods may do: read what `init` needs, by name, and write its part of the status and of its own pod.

use std::collections::BTreeSet;

use k8s_openapi::api::{
    core::v1::ServiceAccount,
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};

use super::{labels, metadata, names};
use crate::{
    api,
    resolve::{Desired, Identity},
};

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Names of the objects that the pods may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleNames {
    /// Pods, which may be patched too.
    pub pods: BTreeSet<String>,
    /// Claims.
    pub claims: BTreeSet<String>,
    /// `ConfigMaps`.
    pub config_maps: BTreeSet<String>,
    /// Services.
    pub services: BTreeSet<String>,
}

impl RoleNames {
    /// The names of what the cluster shall have; what still exists beside it is to be added.
    #[must_use]
    pub fn wanted(desired: &Desired) -> Self {
        let mut names = Self::default();
        for rack in &desired.racks {
            let config_map = names::config_map(&desired.identity.name, &rack.identifier());
            names.config_maps.insert(config_map);
            let volumes = &rack.storage.volumes;
            for pod in names::pods_of(desired, rack) {
                let claims = volumes
                    .iter()
                    .filter(|volume| volume.kind.claim().is_some());
                names
                    .claims
                    .extend(claims.map(|volume| names::claim(&volume.name, &pod)));
                names.pods.insert(pod);
            }
        }
        if desired.network.has_pod_services() {
            names.services.clone_from(&names.pods);
        }
        names
    }

    /// Adds the names of `other`.
    pub fn extend(&mut self, other: Self) {
        self.pods.extend(other.pods);
        self.claims.extend(other.claims);
        self.config_maps.extend(other.config_maps);
        self.services.extend(other.services);
    }
}

/// The service account of the pods. No token of it is mounted unasked.
#[must_use]
pub fn service_account(desired: &Desired) -> ServiceAccount {
    let cluster = &desired.identity.name;
    ServiceAccount {
        metadata: metadata(
            desired,
            names::pod_access(cluster),
            labels::cluster(cluster),
        ),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

/// The rights of the pods: on named objects only.
#[must_use]
pub fn role(desired: &Desired, names: &RoleNames) -> Role {
    let cluster = &desired.identity.name;
    let own = BTreeSet::from([cluster.clone()]);
    let rules = [
        rule(api::GROUP, "aerospikeclusters", &["get"], &own),
        rule(api::GROUP, "aerospikeclusters/status", &["patch"], &own),
        rule("", "configmaps", &["get"], &names.config_maps),
        rule("", "persistentvolumeclaims", &["get"], &names.claims),
        rule("", "pods", &["get", "patch"], &names.pods),
        rule("", "services", &["get"], &names.services),
    ];
    Role {
        metadata: metadata(
            desired,
            names::pod_access(cluster),
            labels::cluster(cluster),
        ),
        rules: Some(rules.into_iter().flatten().collect()),
    }
}

/// A rule on named objects. Without names there is none: an empty list would grant all objects.
fn rule(
    group: &str,
    resource: &str,
    verbs: &[&str],
    names: &BTreeSet<String>,
) -> Option<PolicyRule> {
    (!names.is_empty()).then(|| PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(vec![resource.to_owned()]),
        resource_names: Some(names.iter().cloned().collect()),
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
        non_resource_urls: None,
    })
}

/// Gives the role to the service account.
#[must_use]
pub fn role_binding(desired: &Desired) -> RoleBinding {
    let cluster = &desired.identity.name;
    RoleBinding {
        metadata: metadata(
            desired,
            names::pod_access(cluster),
            labels::cluster(cluster),
        ),
        role_ref: RoleRef {
            api_group: RBAC_GROUP.to_owned(),
            kind: "Role".to_owned(),
            name: names::pod_access(cluster),
        },
        subjects: Some(vec![subject(&desired.identity)]),
    }
}

/// The service account of a cluster's pods as a subject, of [`names::NODE_READER`] too.
#[must_use]
pub fn subject(identity: &Identity) -> Subject {
    Subject {
        kind: "ServiceAccount".to_owned(),
        name: names::pod_access(&identity.name),
        namespace: Some(identity.namespace.clone()),
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::testing;

    #[test]
    fn no_rule_is_without_names() {
        let desired = testing::sample("dim_nostorage_cluster");
        for names in [RoleNames::default(), RoleNames::wanted(&desired)] {
            for rule in role(&desired, &names).rules.unwrap() {
                assert!(
                    !rule.resource_names.unwrap().is_empty(),
                    "{:?}",
                    rule.resources
                );
            }
        }
        assert_eq!(
            role(&desired, &RoleNames::default()).rules.unwrap().len(),
            2
        );
    }

    #[test]
    fn names_of_what_still_exists_are_added() {
        let mut names = RoleNames::wanted(&testing::sample("dim_nostorage_cluster"));
        names.extend(RoleNames {
            pods: BTreeSet::from(["aerocluster-9-0".to_owned()]),
            ..RoleNames::default()
        });
        let pods: Vec<_> = names.pods.iter().map(String::as_str).collect();
        assert_eq!(
            pods,
            ["aerocluster-0-0", "aerocluster-0-1", "aerocluster-9-0"]
        );
    }
}
