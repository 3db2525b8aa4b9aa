//! Objects: every one that the cluster needs is there and holds what it should; those no longer wanted go.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Effect, Kind, Live, Object, Observed, Share, Wait, WaitReason};
use crate::{
    resolve::{Desired, Rack},
    resources::{self, containment, names, rbac, services},
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
    if live.owner.as_deref() != Some(desired.identity.uid.as_str()) {
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
    if !containment::is_contained(&object.body, &live.body) {
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
    let ours = |live: &Live| live.owner.as_deref() == Some(desired.identity.uid.as_str());
    observed
        .objects
        .iter()
        .filter(|(key, live)| !wanted.contains(key) && ours(live) && !live.deleting)
        .filter(|((kind, _), _)| matches!(kind, Kind::Service | Kind::PodDisruptionBudget))
        .filter(|((_, name), _)| !observed.pods.contains_key(name))
        .map(|((kind, name), live)| Effect::Delete {
            kind: *kind,
            name: name.clone(),
            uid: live.uid.clone(),
        })
        .collect()
}

/// Everything that the cluster needs, in the order in which it is needed.
fn build(desired: &Desired, observed: &Observed) -> Vec<Object> {
    let pods = pod_names(desired);
    let mut objects = vec![
        object(Kind::ServiceAccount, &rbac::service_account(desired)),
        object(Kind::Role, &rbac::role(desired, &role_names(desired, &pods))),
        object(Kind::RoleBinding, &rbac::role_binding(desired)),
        object(Kind::Service, &services::headless(desired)),
    ];
    if desired.network.has_pod_services() {
        let services = pods.iter().map(|pod| services::pod(desired, pod));
        objects.extend(services.map(|service| object(Kind::Service, &service)));
    }
    let peers = peers(desired, observed, &pods);
    for rack in &desired.racks {
        let config_map = resources::config_map::config_map(desired, rack, &peers);
        objects.push(object(Kind::ConfigMap, &config_map));
        objects.push(stateful_set(desired, rack));
    }
    let budget = services::disruption_budget(desired);
    objects.extend(budget.map(|budget| object(Kind::PodDisruptionBudget, &budget)));
    let balancer = services::load_balancer(desired);
    objects.extend(balancer.map(|balancer| object(Kind::Service, &balancer)));
    objects
}

fn stateful_set(desired: &Desired, rack: &Rack) -> Object {
    let set = resources::stateful_set::stateful_set(desired, rack, 0);
    object(Kind::StatefulSet, &set)
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

/// The names of all pods that are wanted.
#[must_use]
pub fn pod_names(desired: &Desired) -> BTreeSet<String> {
    let of_rack = |rack: &Rack| {
        let identifier = rack.identifier();
        (0..rack.size).map(move |ordinal| names::pod(&desired.identity.name, &identifier, ordinal))
    };
    desired.racks.iter().flat_map(of_rack).collect()
}

/// Names under which any pod of the cluster, wanted or still there, is found by the others.
fn peers(desired: &Desired, observed: &Observed, pods: &BTreeSet<String>) -> BTreeSet<String> {
    let identity = &desired.identity;
    pods.iter()
        .chain(observed.pods.keys())
        .map(|pod| names::fqdn(identity, pod))
        .collect()
}

fn role_names(desired: &Desired, pods: &BTreeSet<String>) -> rbac::RoleNames {
    let cluster = &desired.identity.name;
    let claims = desired.racks.iter().flat_map(|rack| {
        let identifier = rack.identifier();
        let volumes: Vec<_> = rack
            .storage
            .volumes
            .iter()
            .filter(|volume| volume.kind.claim().is_some())
            .map(|volume| volume.name.clone())
            .collect();
        (0..rack.size).flat_map(move |ordinal| {
            let pod = names::pod(cluster, &identifier, ordinal);
            volumes
                .clone()
                .into_iter()
                .map(move |volume| names::claim(&volume, &pod))
        })
    });
    rbac::RoleNames {
        claims: claims.collect(),
        config_maps: desired
            .racks
            .iter()
            .map(|rack| names::stateful_set(cluster, &rack.identifier()))
            .collect(),
        services: pods.clone(),
        pods: pods.clone(),
    }
}

/// Objects by kind and name.
pub type Objects = BTreeMap<(Kind, String), Live>;
