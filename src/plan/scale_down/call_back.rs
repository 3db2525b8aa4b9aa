//! Community servers hand nothing over before they stop. Where another was restarted at about that time, the one that was
//! stopped may be the only one that still has the last writes: it comes back, and is stopped another time.

use super::Share;
use crate::{
    plan::{
        Observed, Resize, Step, clean_up,
        members::{self, RackState},
    },
    resolve::{Desired, Edition},
};

/// Seconds before a stop from which on a restart counts: a decision is at most ten seconds old, what a server had in its
/// buffers is younger, and clocks differ.
const BEFORE: i64 = 30;

/// Raises the replicas of a rack again whose last pod was not stopped safely, before anything of it is cleared away.
#[must_use]
pub fn call_back(desired: &Desired, observed: &Observed) -> Share {
    Share {
        step: returning(desired, observed).map(|(_, resize)| Step::Grow(resize)),
        ..Share::default()
    }
}

/// The pod that comes back, and what makes it.
#[must_use]
pub fn returning(desired: &Desired, observed: &Observed) -> Option<(String, Resize)> {
    if desired.image.edition != Edition::Community {
        return None;
    }
    let racks = members::racks(desired, observed);
    racks.iter().find_map(|rack| {
        let pod = format!("{}-{}", rack.set, rack.replicas);
        let returns = clean_up::has_data(observed, &pod) && was_unsafe(rack, observed);
        returns.then(|| (pod, rack.resize(rack.live.replicas().saturating_add(1))))
    })
}

/// Whether a server that stays was restarted since shortly before the rack got its number of pods.
fn was_unsafe(rack: &RackState<'_>, observed: &Observed) -> bool {
    let Some(stopped) = rack.live.scaled() else {
        return false;
    };
    let since = observed.now.as_second() - stopped.as_second() + BEFORE;
    let uptime = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let mut views = observed.views();
    views.any(|view| uptime(view.cluster.uptime) < since)
}

#[cfg(test)]
mod tests;
