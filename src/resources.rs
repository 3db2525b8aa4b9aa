//! Builders of the Kubernetes objects of a cluster. Pure: they get everything and read nothing.

pub mod config_map;
pub mod containment;
pub mod init_document;
pub mod labels;
pub mod names;
pub mod rbac;
pub mod services;
pub mod stateful_set;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, api::ObjectMeta};

use crate::{
    api::AerospikeCluster,
    resolve::{Desired, Identity},
};

/// The reference by which `identity` owns an object.
#[must_use]
pub fn owner_reference(identity: &Identity) -> OwnerReference {
    OwnerReference {
        api_version: AerospikeCluster::api_version(&()).into_owned(),
        kind: AerospikeCluster::kind(&()).into_owned(),
        name: identity.name.clone(),
        uid: identity.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Metadata of an object that the cluster owns. Without a uid, as in an offline check, nothing can be owned.
fn metadata(desired: &Desired, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    let Identity { namespace, uid, .. } = &desired.identity;
    ObjectMeta {
        name: Some(name),
        namespace: Some(namespace.clone()),
        labels: filled(labels),
        owner_references: (!uid.is_empty()).then(|| vec![owner_reference(&desired.identity)]),
        ..ObjectMeta::default()
    }
}

/// Nothing in the place of an empty map.
fn filled(map: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

/// Nothing in the place of an empty list.
fn filled_list<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Nothing in the place of a value that says nothing.
fn telling<T: Default + PartialEq>(value: Option<T>) -> Option<T> {
    value.filter(|value| *value != T::default())
}

#[cfg(test)]
mod golden;
#[cfg(test)]
pub(crate) mod testing;
