//! Objects: every one that the cluster needs is there and holds what it should; those no longer wanted go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Effect, FIELD_MANAGER, Kind, Live, Object, Observed, Share, Wait, WaitReason, members,
    scale_down::call_back,
};
use crate::{
    resolve::Desired,
    resources::{config_map, containment, names, rbac, services, stateful_set},
};

/// Applies what is missing or differs, deletes what is left over, and names what is somebody else's.
#[must_use]
pub fn keep(desired: &Desired, observed: &Observed) -> Share {
    let mut share = Share::default();
    let built = build(desired, observed);
    let wanted: BTreeSet<_> = built
        .iter()
        .map(|object| (object.kind, object.name.clone()))
        .collect();
    for object in built {
        keep_one(desired, observed, object, &mut share);
    }
    share.upkeep.extend(left_over(desired, observed, &wanted));
    if desired.network.uses_node_addresses() && !observed.may_read_nodes {
        share.upkeep.push(Effect::GrantNodeReader);
    }
    share
}

fn keep_one(desired: &Desired, observed: &Observed, mut object: Object, share: &mut Share) {
    let key = (object.kind, object.name.clone());
    let Some(live) = observed.objects.get(&key) else {
        share.upkeep.push(Effect::Apply { object, new: true });
        return;
    };
    if !is_ours(desired, live) {
        share.waits.push(Wait::new(
            WaitReason::ForeignObject,
            format!(
                "{:?} {} exists and is not this cluster's: delete or rename it",
                object.kind, object.name
            ),
        ));
        return;
    }
    if live.deleting {
        share.waits.push(Wait::new(
            WaitReason::Pods,
            format!("{:?} {} is being deleted", object.kind, object.name),
        ));
        return;
    }
    keep_what_is_fixed(&mut object, live);
    if containment::needs_apply(&object.body, &live.body, FIELD_MANAGER) {
        if object.kind == Kind::StatefulSet {
            object.body["metadata"]["resourceVersion"] = live.resource_version.clone().into();
        }
        share.upkeep.push(Effect::Apply { object, new: false });
    }
}

/// `replicas` is changed by a step of its own, and claim templates cannot change at all.
fn keep_what_is_fixed(object: &mut Object, live: &Live) {
    if object.kind != Kind::StatefulSet {
        return;
    }
    object.body["spec"]["replicas"] = live.replicas().into();
    let (built, there) = (
        &object.body["spec"]["volumeClaimTemplates"],
        &live.body["spec"]["volumeClaimTemplates"],
    );
    if !containment::is_contained(built, there) && there.is_array() {
        object.body["spec"]["volumeClaimTemplates"] = there.clone();
    }
}

fn left_over(
    desired: &Desired,
    observed: &Observed,
    wanted: &BTreeSet<(Kind, String)>,
) -> Vec<Effect> {
    observed
        .objects
        .iter()
        .filter(|(key, live)| !wanted.contains(key) && is_ours(desired, live) && !live.deleting)
        .filter(|((kind, name), _)| may_go(desired, observed, *kind, name))
        .map(|((kind, name), live)| Effect::Delete {
            kind: *kind,
            name: name.clone(),
            uid: live.uid.clone(),
        })
        .collect()
}

/// Whether nothing that still is there needs an object that is wanted no more.
fn may_go(desired: &Desired, observed: &Observed, kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Service | Kind::PodDisruptionBudget => !observed.pods.contains_key(name),
        Kind::ConfigMap => {
            let cluster = &desired.identity.name;
            let rack = names::parse_stateful_set(cluster, name);
            let set = (Kind::StatefulSet, name.to_owned());
            let is_of_rack =
                |pod: &String| names::parse_pod(cluster, pod).map(|(of, _)| of) == rack;
            rack.is_some()
                && !observed.objects.contains_key(&set)
                && !observed.pods.keys().any(is_of_rack)
        }
        Kind::ServiceAccount | Kind::Role | Kind::RoleBinding | Kind::StatefulSet => false,
    }
}

/// Everything that the cluster needs, in the order in which it is needed.
fn build(desired: &Desired, observed: &Observed) -> Vec<Object> {
    let mut objects = vec![
        object(Kind::ServiceAccount, &rbac::service_account(desired)),
        object(Kind::Role, &rbac::role(desired, &rights(desired, observed))),
        object(Kind::RoleBinding, &rbac::role_binding(desired)),
        object(Kind::Service, &services::headless(desired)),
    ];
    if desired.network.has_pod_services() {
        let mut pods = made_or_to_come(desired, observed);
        pods.extend(names::pods(desired));
        let services = pods.iter().map(|pod| services::pod(desired, pod));
        objects.extend(services.map(|service| object(Kind::Service, &service)));
    }
    let peers = config_map::peers(desired, &existing(desired, observed));
    for rack in &desired.racks {
        // A set has no pods until it is given some. One that is made between two writes finds the older ConfigMap, and
        // reports that.
        let set = stateful_set::stateful_set(desired, rack, 0);
        objects.push(object(Kind::StatefulSet, &set));
        let config = config_map::config_map(desired, rack, &peers);
        objects.push(object(Kind::ConfigMap, &config));
    }
    let budget = services::disruption_budget(desired);
    objects.extend(budget.map(|budget| object(Kind::PodDisruptionBudget, &budget)));
    let balancer = services::load_balancer(desired);
    objects.extend(balancer.map(|balancer| object(Kind::Service, &balancer)));
    objects
}

/// Pods that are there, or will be again.
fn existing(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let mut pods = made_or_to_come(desired, observed);
    pods.extend(observed.pods.keys().cloned());
    pods
}

/// Pods that the sets were asked for, and one that is about to be called back.
fn made_or_to_come(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let mut pods = members::asked_for(desired, observed);
    pods.extend(call_back::returning(desired, observed).map(|(pod, _)| pod));
    pods
}

fn is_ours(desired: &Desired, live: &Live) -> bool {
    live.owner.as_deref() == Some(desired.identity.uid.as_str())
}

/// What pods may read: everything of their own, of those that are still there too.
fn rights(desired: &Desired, observed: &Observed) -> rbac::RoleNames {
    let mut rights = rbac::RoleNames::wanted(desired);
    let config_maps = observed
        .objects
        .keys()
        .filter(|(kind, _)| *kind == Kind::ConfigMap);
    let pods = existing(desired, observed);
    rights.extend(rbac::RoleNames {
        services: pods.clone(),
        pods,
        claims: observed
            .claims
            .iter()
            .map(|claim| claim.name.clone())
            .collect(),
        config_maps: config_maps.map(|(_, name)| name.clone()).collect(),
    });
    rights
}

fn object<K: kube::Resource<DynamicType = ()> + serde::Serialize>(kind: Kind, built: &K) -> Object {
    let mut body =
        serde_json::to_value(built).expect("a built object is plain data and serialises");
    body["apiVersion"] = Value::String(K::api_version(&()).into_owned());
    body["kind"] = Value::String(K::kind(&()).into_owned());
    Object {
        kind,
        name: built.meta().name.clone().unwrap_or_default(),
        body,
    }
}

/// Kinds and names of everything that the cluster needs.
#[must_use]
pub fn wanted(desired: &Desired) -> BTreeSet<(Kind, String)> {
    build(desired, &Observed::default())
        .into_iter()
        .map(|object| (object.kind, object.name))
        .collect()
}

/// Objects by kind and name.
pub type Objects = BTreeMap<(Kind, String), Live>;

#[cfg(test)]
mod tests;
