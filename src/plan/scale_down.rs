//! Fewer pods: the highest ordinals of one rack at a time, each batch drained and stopped before the next is touched.

pub mod call_back;
pub mod victims;

use super::{Observed, Share, Wait, WaitReason, members, safe_stop};
use crate::resolve::Desired;
pub use call_back::call_back;

/// Stops the next batch when all that comes before is done.
#[must_use]
pub fn shrink(desired: &Desired, observed: &Observed) -> Share {
    victims::batch(desired, observed).map_or_else(Share::default, |batch| {
        safe_stop::stop(desired, observed, batch)
    })
}

/// Waits for pods that no set asks for any more.
#[must_use]
pub fn await_departures(desired: &Desired, observed: &Observed) -> Share {
    let asked = members::asked_for(desired, observed);
    let departing = observed.pods.keys().filter(|pod| !asked.contains(*pod));
    let waits = departing.map(|pod| {
        Wait::new(
            WaitReason::ScalingDown,
            format!("pod {pod} is being removed"),
        )
    });
    Share {
        waits: waits.collect(),
        ..Share::default()
    }
}

#[cfg(test)]
mod tests;
