//! What a pod runs, beside what is wanted of it.

use std::net::IpAddr;

use super::{Kind, Live, Observed, Pod};
use crate::{
    api::{AerospikeClusterStatus, status::PodStatus},
    resolve::{Desired, Rack, RackIdentifier, image::same_image},
    resources::names,
};

/// Something in which a pod is not as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Another server image.
    Image,
    /// Another configuration.
    Configuration,
    /// Other addresses to advertise.
    NetworkPolicy,
    /// Another pod spec; images of other containers are part of it.
    PodSpec,
    /// It was made by an older template, and says nothing of itself.
    Template,
}

/// What brings a pod up to date, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The pod is made anew.
    PodRestart,
}

impl Change {
    /// What a user calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Configuration => "configuration",
            Self::NetworkPolicy => "network policy",
            Self::PodSpec => "pod spec",
            Self::Template => "pod template",
        }
    }

    /// What it takes.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::Image
            | Self::Configuration
            | Self::NetworkPolicy
            | Self::PodSpec
            | Self::Template => Remedy::PodRestart,
        }
    }
}

/// What differs between a pod as its init container reported it, and as it is wanted.
///
/// A pod of the template that its set has now has that image and pod spec, whatever the hashes were that it found when it
/// was made.
#[must_use]
pub fn changes(
    desired: &Desired,
    rack: &Rack,
    observed: &Observed,
    (name, reported): (&str, &PodStatus),
) -> Vec<Change> {
    let wanted = &rack.hashes;
    let is_of_template = is_of_present_template(desired, rack, observed, name);
    let same = [
        (
            Change::Image,
            is_of_template || same_image(&reported.image, &desired.image.reference),
        ),
        (
            Change::Configuration,
            reported.aerospike_config_hash == wanted.config,
        ),
        (
            Change::NetworkPolicy,
            reported.network_policy_hash == wanted.network_policy,
        ),
        (
            Change::PodSpec,
            is_of_template || reported.pod_spec_hash == wanted.pod_spec,
        ),
    ];
    let differing = same.into_iter().filter(|(_, same)| !same);
    differing.map(|(change, _)| change).collect()
}

fn is_of_present_template(desired: &Desired, rack: &Rack, observed: &Observed, pod: &str) -> bool {
    let set = names::stateful_set(&desired.identity.name, &rack.identifier());
    let set = observed.live(Kind::StatefulSet, &set);
    let present = set.and_then(Live::template_revision);
    let pod = observed.pods.get(pod);
    present.is_some() && pod.and_then(|pod| pod.template_revision.as_deref()) == present
}

/// Whether what was rolled out last, if anything was, differs from what is wanted in something that restarts pods.
#[must_use]
pub fn is_being_rolled_out(desired: &Desired, status: &AerospikeClusterStatus) -> bool {
    let (old, new) = (&status.mirror, &desired.spec);
    let Some(config) = &old.aerospike_config else {
        return false;
    };
    *config != new.aerospike_config
        || old.image.as_ref() != Some(&new.image)
        || old.pod_spec != new.pod_spec
        || old.aerospike_network_policy != new.aerospike_network_policy
}

/// Whether the entry of a pod of this name, be it of an earlier life, says something else than is wanted.
#[must_use]
pub fn is_by_its_entry(
    desired: &Desired,
    rack: &RackIdentifier,
    observed: &Observed,
    pod: &str,
) -> bool {
    let rack = desired.racks.iter().find(|it| it.identifier() == *rack);
    let entry = observed.status.pods.get(pod);
    rack.zip(entry)
        .is_some_and(|(rack, entry)| !changes(desired, rack, observed, (pod, entry)).is_empty())
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
