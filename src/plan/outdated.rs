//! What a pod runs, beside what is wanted of it, and what else it is to be made anew for.

use std::{fmt, net::IpAddr};

use super::{
    Kind, Live, Observed, Pod,
    configuration::{Difference, difference},
    on_demand, warm_restart,
};
use crate::{
    api::{AerospikeClusterStatus, racks::Rack as RackSpec, status::PodStatus},
    resolve::{Desired, Rack, RackIdentifier, hash, image::same_image},
    resources::names,
};

/// Something in which a pod is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Another server image.
    Image,
    /// Another configuration, and what that takes.
    Configuration(Remedy),
    /// Other addresses to advertise.
    NetworkPolicy,
    /// Another pod spec; images of other containers are part of it.
    PodSpec,
    /// Other volumes, or other places for them.
    Volumes,
    /// It was made by an older template, and says nothing of itself.
    Template,
    /// The operation of this id asks for a restart of this kind.
    Operation(String, Remedy),
    /// Somebody drains its node.
    Eviction,
    /// Its node is to carry no pod of the cluster.
    BlockedNode,
    /// Its local volumes are on a node that takes it no more.
    LostNode,
}

/// What brings a pod up to date, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Its server is told while it runs.
    AtRunTime,
    /// Its server ends, and starts anew in the same pod: what it keeps in shared memory stays.
    WarmRestart,
    /// The pod is made anew.
    PodRestart,
}

/// As a user calls it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Configuration(Remedy::AtRunTime) => "configuration at run time",
            Self::Configuration(_) => "configuration",
            Self::NetworkPolicy => "network policy",
            Self::PodSpec => "pod spec",
            Self::Volumes => "volumes",
            Self::Template => "pod template",
            Self::Operation(id, _) => return f.write_str(&operation_name(id)),
            Self::Eviction => "eviction",
            Self::BlockedNode => "blocked node",
            Self::LostNode => "lost node",
        })
    }
}

/// How the operation of this id is called where restarts are told.
#[must_use]
pub fn operation_name(id: &str) -> String {
    format!("operation {id}")
}

impl Change {
    /// What it takes.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::Configuration(remedy) | Self::Operation(_, remedy) => *remedy,
            Self::Image
            | Self::NetworkPolicy
            | Self::PodSpec
            | Self::Volumes
            | Self::Template
            | Self::Eviction
            | Self::BlockedNode
            | Self::LostNode => Remedy::PodRestart,
        }
    }

    /// Whether the pod runs what is wanted and is to be made anew all the same.
    #[must_use]
    pub const fn is_asked_for(&self) -> bool {
        match self {
            Self::Operation(..) | Self::Eviction | Self::BlockedNode | Self::LostNode => true,
            Self::Image
            | Self::Configuration(_)
            | Self::NetworkPolicy
            | Self::PodSpec
            | Self::Volumes
            | Self::Template => false,
        }
    }

    /// Whether the pod is to go to another node.
    #[must_use]
    pub fn moves(&self) -> bool {
        matches!(self, Self::Eviction | Self::BlockedNode | Self::LostNode)
    }

    /// What a person can do who does not want it any more.
    #[must_use]
    pub const fn way_out(&self) -> &'static str {
        match self {
            Self::Operation(..) => "remove the operation from spec.operations",
            Self::Eviction => "remove annotation aerospike.com/eviction-blocked from the pod",
            Self::BlockedNode => "take the node off spec.k8sNodeBlockList",
            Self::LostNode => "unset spec.storage.deleteLocalStorageOnPodRecovery",
            Self::Image
            | Self::Configuration(_)
            | Self::NetworkPolicy
            | Self::PodSpec
            | Self::Volumes
            | Self::Template => "undo the change",
        }
    }
}

/// All that the pod of this name is to be changed or made anew for, by what it says of itself.
#[must_use]
pub fn changes(desired: &Desired, observed: &Observed, rack: &Rack, name: &str) -> Vec<Change> {
    let pod = observed.pods.get(name);
    let reported = pod.and_then(|pod| reported(observed, name, pod));
    let status = &observed.status;
    let mut changes = differences(desired, status, rack, pod, reported);
    let operation = on_demand::restarting(desired, observed, name);
    changes.extend(operation.map(|operation| {
        let remedy = warm_restart::of_operation(operation.kind, pod);
        Change::Operation(operation.id.clone(), remedy)
    }));
    let is_evicted = pod.is_some_and(|pod| pod.eviction_asked.is_some());
    changes.extend(is_evicted.then_some(Change::Eviction));
    let is_blocked = pod.is_some_and(|pod| is_on_blocked_node(desired, observed, rack, pod));
    changes.extend(is_blocked.then_some(Change::BlockedNode));
    changes
}

/// Whether the pod's node is blocked, and it was made before that was told to the scheduler: one that came there in spite
/// of its template would only come there again.
fn is_on_blocked_node(desired: &Desired, observed: &Observed, rack: &Rack, pod: &Pod) -> bool {
    let blocked = &desired.spec.k8s_node_block_list;
    let is_on = pod.node.as_ref().is_some_and(|node| blocked.contains(node));
    let set = names::stateful_set(&desired.identity.name, &rack.identifier());
    let set = observed.live(Kind::StatefulSet, &set);
    is_on && set.is_some_and(|set| is_of_older_template(set, pod) != Some(false))
}

/// What differs between a pod and what is wanted of it, as far as it is known.
///
/// Image, pod spec and volumes are those that the pod itself was made for, since its `ConfigMap` is written apart from its template.
/// Where the pod is not there, or its template is of a version that did not say so, what it reported counts; of volumes,
/// which it does not report, what was rolled out last.
fn differences(
    desired: &Desired,
    status: &AerospikeClusterStatus,
    rack: &Rack,
    pod: Option<&Pod>,
    reported: Option<&PodStatus>,
) -> Vec<Change> {
    let wanted = &rack.hashes;
    let of_pod = |told: fn(&Pod) -> &Option<String>| pod.and_then(|pod| told(pod).as_deref());
    let of_entry = |told: fn(&PodStatus) -> &String| reported.map(|entry| told(entry).as_str());
    let is_image = |image: &str| same_image(image, &desired.image.reference);
    let is = |known: Option<&str>, wanted: &str| known.is_none_or(|known| known == wanted);
    let image = of_pod(|pod| &pod.image).or_else(|| of_entry(|entry| &entry.image));
    let configuration = reported.map(|entry| difference(desired, rack, pod, entry));
    let policy = of_entry(|entry| &entry.network_policy_hash);
    let pod_spec = of_pod(|pod| &pod.pod_spec_hash);
    let pod_spec = pod_spec.or_else(|| of_entry(|entry| &entry.pod_spec_hash));
    let configuration = configuration.as_ref().and_then(Difference::remedy);
    let is_known = pod.is_some() || reported.is_some();
    let rolled_out = || rack.identifier().find(status.mirror.rack_config.as_ref());
    let before = || rolled_out().filter(|_| is_known);
    let volumes = pod.and_then(|pod| pod.volumes_hash.clone());
    let volumes = volumes.or_else(|| before().map(hash::of_volumes));
    let differing = [
        (!image.is_none_or(is_image)).then_some(Change::Image),
        configuration.map(Change::Configuration),
        (!is(policy, &wanted.network_policy)).then_some(Change::NetworkPolicy),
        (!is(pod_spec, &wanted.pod_spec)).then_some(Change::PodSpec),
        (!is(volumes.as_deref(), &wanted.volumes)).then_some(Change::Volumes),
    ];
    differing.into_iter().flatten().collect()
}

/// Whether what was rolled out last, if anything was, differs from what is wanted in something that restarts pods.
#[must_use]
pub fn is_being_rolled_out(desired: &Desired, status: &AerospikeClusterStatus) -> bool {
    let (old, new) = (&status.mirror, &desired.spec);
    let Some(config) = &old.aerospike_config else {
        return false;
    };
    let racks = new.rack_config.iter();
    let mut racks = racks.flat_map(|config| &config.racks);
    *config != new.aerospike_config
        || old.image.as_ref() != Some(&new.image)
        || old.pod_spec != new.pod_spec
        || old.storage != new.storage
        || racks.any(|rack| differs(status, rack))
        || old.aerospike_network_policy != new.aerospike_network_policy
        || blocks_more(&old.k8s_node_block_list, &new.k8s_node_block_list)
        || on_demand::pending(desired, status).is_some()
}

/// Whether a rack that was there before has something else of its own.
fn differs(status: &AerospikeClusterStatus, new: &RackSpec) -> bool {
    let old = RackIdentifier::of(new).find(status.mirror.rack_config.as_ref());
    old.is_some_and(|old| {
        old.effective_storage != new.effective_storage
            || old.effective_pod_spec != new.effective_pod_spec
            || old.effective_aerospike_config != new.effective_aerospike_config
    })
}

fn blocks_more(old: &[String], new: &[String]) -> bool {
    new.iter().any(|node| !old.contains(node))
}

/// [`changes`] by what was last known of the pod: while it has not reported itself, its entry of an earlier life counts too.
#[must_use]
pub fn as_last_known(
    desired: &Desired,
    rack: &RackIdentifier,
    observed: &Observed,
    name: &str,
) -> Vec<Change> {
    let Some(rack) = desired.rack(rack) else {
        return Vec::new();
    };
    let pod = observed.pods.get(name);
    let has_reported = pod.is_some_and(|pod| reported(observed, name, pod).is_some());
    let before = observed.status.pods.get(name).filter(|_| !has_reported);
    let mut changes = changes(desired, observed, rack, name);
    changes.extend(differences(desired, &observed.status, rack, None, before));
    changes
}

/// What the pod reported in this life of its, if it did.
#[must_use]
pub fn reported<'a>(observed: &'a Observed, name: &str, pod: &Pod) -> Option<&'a PodStatus> {
    let entry = observed.status.pods.get(name)?;
    let is_of_its_ip = entry.pod_ip.parse::<IpAddr>().ok() == pod.ip;
    // On the network of its node a pod has the IP of the one before.
    let got_so_far = pod.reported || pod.serves();
    (got_so_far && is_of_its_ip).then_some(entry)
}

/// Whether the pod was made by another template than its set has now; `None` while the set's controller has not taken note
/// of the template.
#[must_use]
pub fn is_of_older_template(set: &Live, pod: &Pod) -> Option<bool> {
    let now = set.template_revision()?;
    Some(
        pod.template_revision
            .as_deref()
            .is_some_and(|of_pod| of_pod != now),
    )
}

#[cfg(test)]
mod tests;
