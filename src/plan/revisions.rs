//! Another revision of a rack: its pods move from the old set into the new one, a batch at a time. Meanwhile both together
//! have no more pods than the rack shall have; only where a cluster has no more servers than there are copies does one
//! more come before the first goes.

use std::ops::Range;

use super::{
    Observed,
    members::{self, RackState},
    namespaces,
    safe_stop::batch,
};
use crate::resolve::{Desired, Rack, RackIdentifier};

/// The rack that takes the place of one with another revision.
#[must_use]
pub fn successor<'a>(desired: &'a Desired, old: &RackIdentifier) -> Option<&'a Rack> {
    let mut racks = desired.racks.iter();
    let rack = racks.find(|rack| rack.id == old.id && rack.size > 0)?;
    (rack.revision != old.revision).then_some(rack)
}

/// Whether a rack moves into another set.
#[must_use]
pub fn is_rolling_out(desired: &Desired, observed: &Observed) -> bool {
    let racks = members::racks(desired, observed);
    let mut racks = racks.iter();
    racks.any(|state| successor(desired, &state.rack).is_some())
}

/// How many of `wanted` pods a rack shall have now, while `older` pods of another revision are there.
#[must_use]
pub fn due(desired: &Desired, wanted: u32, older: u32) -> u32 {
    let room = (wanted + spare(desired)).saturating_sub(older);
    wanted.min(room)
}

/// How many pods of a rack with another revision move together: as many as restart together, and so many that there are
/// as many servers left as there are copies.
#[must_use]
pub fn together(desired: &Desired, to: &Rack) -> u32 {
    let most = (size(desired) + spare(desired)).saturating_sub(namespaces::most_copies(desired));
    batch::restarted(desired, to.size).min(most).max(1)
}

/// The ordinals of a rack that are gone before others are there for them: those that go next, and as many as are too many in
/// all its revisions; where no other rack takes its place, all that are too many.
#[must_use]
pub fn leaving(desired: &Desired, racks: &[RackState<'_>], state: &RackState<'_>) -> Range<u32> {
    let Some(to) = successor(desired, &state.rack) else {
        return state.leaving();
    };
    let there = state.replicas + older(racks, &state.rack);
    let count = there.saturating_sub(to.size).max(together(desired, to));
    state.replicas.saturating_sub(count)..state.replicas
}

/// How many pods come together where `there` are already and `older` are to go: before the first batch of them, and after
/// each.
#[must_use]
pub fn steps(desired: &Desired, to: &Rack, there: u32, older: u32) -> Vec<u32> {
    let together = together(desired, to);
    let batches = older.div_ceil(together);
    let left = (0..=batches).map(|gone| older.saturating_sub(gone * together));
    let mut grown = there;
    let grow = |left| {
        let before = grown;
        grown = grown.max(due(desired, to.size, left));
        grown - before
    };
    left.map(grow).collect()
}

/// Pods that come before the first goes.
fn spare(desired: &Desired) -> u32 {
    u32::from(size(desired) <= namespaces::most_copies(desired))
}

/// How many servers shall hold data.
fn size(desired: &Desired) -> u32 {
    let pods: u32 = desired.racks.iter().map(|rack| rack.size).sum();
    let blocked = desired.spec.roster_node_block_list.len();
    pods.saturating_sub(u32::try_from(blocked).unwrap_or(u32::MAX))
}

/// How many pods of other revisions of its rack there are.
#[must_use]
pub fn older(racks: &[RackState<'_>], rack: &RackIdentifier) -> u32 {
    let others = racks
        .iter()
        .filter(|other| other.rack.id == rack.id && other.rack != *rack);
    others.map(|other| other.replicas).sum()
}

#[cfg(test)]
mod tests;
