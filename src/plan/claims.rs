//! Claims: what was prepared is noted on them, so that a cluster made anew over kept claims does not prepare them again;
//! and those that keep a pod on its node go with it where it shall move.

use super::{Effect, Observed, Share, observed::Claim};
use crate::{
    resolve::{Desired, Rack},
    resources::names,
};

/// Marks the claims whose volumes a pod reported as prepared.
#[must_use]
pub fn mark_initialized(_: &Desired, observed: &Observed) -> Share {
    let reported: Vec<_> = observed
        .status
        .pods
        .values()
        .flat_map(|pod| &pod.initialized_volumes)
        .filter_map(|entry| entry.split_once('@').map(|(_, uid)| uid))
        .collect();
    let upkeep = observed
        .claims
        .iter()
        .filter(|claim| !claim.initialized && !claim.deleting)
        .filter(|claim| reported.contains(&claim.uid.as_str()))
        .map(|claim| Effect::MarkInitialized {
            claim: claim.name.clone(),
            uid: claim.uid.clone(),
        })
        .collect();
    Share {
        upkeep,
        ..Share::default()
    }
}

/// The claims of a pod.
pub fn of_pod<'a>(observed: &'a Observed, pod: &str) -> impl Iterator<Item = &'a Claim> {
    let claims = observed.claims.iter();
    claims.filter(move |claim| {
        let volume = claim.volume.as_deref();
        volume.is_some_and(|volume| names::claim(volume, pod) == claim.name)
    })
}

/// Names and uids of the claims that keep a pod on its node, as the user says of their storage classes.
#[must_use]
pub fn bound_to_node(rack: &Rack, observed: &Observed, pod: &str) -> Vec<(String, String)> {
    let classes = &rack.storage.local_storage_classes;
    let is_local = |claim: &&Claim| {
        let class = claim.storage_class.as_ref();
        class.is_some_and(|class| classes.contains(class)) && !claim.deleting
    };
    let local = of_pod(observed, pod).filter(is_local);
    local
        .map(|claim| (claim.name.clone(), claim.uid.clone()))
        .collect()
}
