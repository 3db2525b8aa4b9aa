//! What happens to the claims of a cluster that goes.

use std::collections::BTreeMap;

use super::observed::Claim;
use crate::{
    api::{
        AerospikeClusterSpec,
        racks::Rack,
        storage::{StorageSpec, VolumePolicy},
    },
    resources::labels,
};

/// The claims to delete, of those that `claims` lists: each is judged by the storage of its rack, or by the cluster's if
/// its rack is gone from the spec. Claims that belong to no volume of ours stay.
#[must_use]
pub fn claims_to_delete<'a>(spec: &AerospikeClusterSpec, claims: &'a [Claim]) -> Vec<&'a Claim> {
    let racks = spec.rack_config.as_ref().map_or(&[][..], |c| &c.racks);
    claims
        .iter()
        .filter(|claim| !claim.deleting)
        .filter(|claim| {
            let rack = racks.iter().find(|rack| is_of(claim, rack));
            let storage = rack
                .and_then(|rack| rack.effective_storage.as_ref())
                .or(spec.storage.as_ref());
            storage.is_some_and(|storage| goes_with_its_pod(claim, storage))
        })
        .collect()
}

fn is_of(claim: &Claim, rack: &Rack) -> bool {
    let label = |key: &str| claim.labels.get(key).map_or("", String::as_str);
    label(labels::RACK_ID) == rack.id.to_string()
        && label(labels::RACK_REVISION) == rack.revision.as_deref().unwrap_or_default()
}

/// Whether `storage` lets the claim go with its pod: by its volume, else by the policy for its mode.
#[must_use]
pub fn goes_with_its_pod(claim: &Claim, storage: &StorageSpec) -> bool {
    let Some(name) = &claim.volume else {
        return false;
    };
    let policies: BTreeMap<_, _> = storage
        .volumes
        .iter()
        .map(|volume| (&volume.name, &volume.policy))
        .collect();
    let by_mode = if claim.block {
        &storage.block_volume_policy
    } else {
        &storage.filesystem_volume_policy
    };
    let cascades = |policy: &VolumePolicy| policy.effective_cascade_delete == Some(true);
    policies
        .get(name)
        .copied()
        .or(by_mode.as_ref())
        .is_some_and(cascades)
}

#[cfg(test)]
mod tests;
