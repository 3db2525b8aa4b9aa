//! Fewer pods: the highest ordinals of one rack at a time, each batch drained and stopped before the next is touched.

pub mod call_back;
pub mod room;
pub mod safe_stop;
pub mod victims;

use std::collections::BTreeSet;

use super::{Observed, Share, Step, Wait, WaitReason, members};
use crate::resolve::Desired;
pub use call_back::call_back;
pub use victims::Batch;

/// What a rule says about stopping a batch.
#[must_use]
pub enum Verdict {
    /// Nothing stands in the way.
    Fine,
    /// This comes first.
    First(Step),
    /// This has to come about by itself, or a person has to act.
    Wait(Wait),
}

type Rule = fn(&Desired, &Observed, &Batch) -> Verdict;

/// In the order in which they are asked; the first that is not fine decides.
const RULES: &[Rule] = &[
    room::no_strong_consistency,
    room::copies_can_be_moved,
    victims::all_are_ready,
    safe_stop::enough_nodes_are_reachable,
    safe_stop::all_agree_and_nothing_moves,
    room::the_rest_has_room,
    safe_stop::fills_are_not_delayed,
    safe_stop::victims_are_quiesced,
    safe_stop::quiesce_is_in_effect,
    safe_stop::clients_have_moved,
];

/// Stops the next batch when all that comes before is done.
#[must_use]
pub fn shrink(desired: &Desired, observed: &Observed) -> Share {
    let Some(batch) = victims::batch(desired, observed) else {
        return Share::default();
    };
    let mut share = Share::wait(
        WaitReason::ScalingDown,
        format!(
            "rack {} goes from {} to {} pods",
            batch.resize.rack, batch.resize.from, batch.wanted
        ),
    );
    let verdicts = RULES.iter().map(|rule| rule(desired, observed, &batch));
    match verdicts.into_iter().find(|v| !matches!(v, Verdict::Fine)) {
        Some(Verdict::Wait(wait)) => share.waits.insert(0, wait),
        Some(Verdict::First(step)) => share.step = Some(step),
        Some(Verdict::Fine) | None => share.step = Some(Step::Shrink(batch.resize)),
    }
    share
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

/// Whether a rack has too many pods.
#[must_use]
pub fn is_under_way(desired: &Desired, observed: &Observed) -> bool {
    victims::batch(desired, observed).is_some()
}

/// The pods that are about to be stopped, and may be quiesced for it.
#[must_use]
pub fn stopping(desired: &Desired, observed: &Observed) -> BTreeSet<String> {
    let batch = victims::batch(desired, observed);
    let may = |batch: &Batch| {
        let verdict = room::no_strong_consistency(desired, observed, batch);
        matches!(verdict, Verdict::Fine)
    };
    batch
        .filter(may)
        .map_or_else(BTreeSet::new, |batch| batch.pods)
}

#[cfg(test)]
mod tests;
