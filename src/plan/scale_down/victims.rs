//! Which pods go next: by their numbers, since the stateful set controller removes the highest ones whatever there is.

use crate::{
    plan::{
        Observed, members,
        safe_stop::{Batch, Why, batch},
    },
    resolve::Desired,
};

/// The next batch: of the first rack that has too many pods, the highest ordinals.
#[must_use]
pub fn batch(desired: &Desired, observed: &Observed) -> Option<Batch> {
    let racks = members::racks(desired, observed);
    let rack = racks.iter().find(|rack| !rack.leaving().is_empty())?;
    let config = desired.spec.rack_config.as_ref();
    let given = config.and_then(|config| config.scale_down_batch_size.as_ref());
    let count = batch::size(desired, given, rack.replicas).min(rack.replicas - rack.wanted);
    let to = rack.replicas - count;
    let why = Why::Shrink {
        resize: rack.resize(i32::try_from(to).unwrap_or(0)),
        wanted: rack.wanted,
    };
    let pods = rack.pods(to..rack.replicas).collect();
    Some(Batch::of(rack.rack.clone(), why, pods, observed))
}
