//! Claims: what was prepared is noted on them, so that a cluster made anew over kept claims does not prepare them again.

use super::{Effect, Observed, Share};
use crate::resolve::Desired;

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
