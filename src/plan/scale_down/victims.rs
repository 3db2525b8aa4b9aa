//! Which pods go next: by their numbers, since the stateful set controller removes the highest ones whatever there is.

use std::ops::Range;

use crate::{
    plan::{
        Observed,
        members::{self, RackState},
        revisions,
        safe_stop::{Batch, Why, batch},
    },
    resolve::{Desired, Rack, RackIdentifier},
};

/// The next batch: of the first rack that has too many pods, the highest ordinals.
#[must_use]
pub fn batch(desired: &Desired, observed: &Observed) -> Option<Batch> {
    let racks = members::racks(desired, observed);
    let rack = racks.iter().find(|rack| !rack.leaving().is_empty())?;
    let next = next(desired, rack);
    let why = Why::Shrink {
        resize: rack.resize(i32::try_from(next.start).unwrap_or(0)),
        wanted: rack.wanted,
        successor: revisions::successor(desired, &rack.rack).map(Rack::identifier),
    };
    let pods = rack.pods(next).collect();
    Some(Batch::of(rack.rack.clone(), why, pods, observed))
}

/// The ordinals of a rack that go next, before the others that are too many.
#[must_use]
pub fn next(desired: &Desired, rack: &RackState<'_>) -> Range<u32> {
    let together = together(desired, &rack.rack, rack.replicas);
    let leaving = rack.leaving();
    leaving.start.max(leaving.end.saturating_sub(together))..leaving.end
}

/// How many of a rack's `whole` pods go together.
#[must_use]
pub fn together(desired: &Desired, rack: &RackIdentifier, whole: u32) -> u32 {
    match revisions::successor(desired, rack) {
        Some(to) => revisions::together(desired, to),
        None => batch::removed(desired, whole),
    }
}
