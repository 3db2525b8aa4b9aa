//! What is about to be stopped, whatever for.

use std::collections::BTreeSet;

use super::{
    Observed, restart,
    safe_stop::{Batch, rosters},
    scale_down::victims,
};
use crate::resolve::Desired;

/// The batch that is stopped next.
fn next(desired: &Desired, observed: &Observed) -> Option<Batch> {
    let may = |batch: &Batch| restart::guards::hindrance(desired, observed, &batch.rack).is_none();
    let restarts = restart::batch(desired, observed).filter(may);
    restarts.or_else(|| victims::batch(desired, observed))
}

/// Whether pods are to be stopped.
#[must_use]
pub fn is_under_way(desired: &Desired, observed: &Observed) -> bool {
    next(desired, observed).is_some()
}

/// The pods that are about to be stopped, and may be quiesced for it.
#[must_use]
pub fn pods(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let may = |batch: &Batch| rosters::refusal(desired, observed, batch).is_none();
    next(desired, observed)
        .filter(may)
        .map_or_else(BTreeSet::new, |batch| batch.pods)
}
