//! May these pods be stopped? One list of rules for whatever stops pods: nothing goes with them that others lack, all
//! agree and nothing moves, rosters bear it, the servers are quiesced, and clients have left them.

pub mod agreement;
pub mod batch;
pub mod copies;
pub mod drain;
pub mod room;
pub mod rosters;

use super::{Observed, Share, Step, Wait};
use crate::resolve::Desired;
pub use batch::{Batch, Why};

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
    copies::none_is_the_only_one,
    agreement::all_are_ready,
    agreement::enough_nodes_are_reachable,
    agreement::all_agree_and_nothing_moves,
    rosters::they_bear_it,
    room::the_rest_has_room,
    drain::fills_are_not_delayed,
    rosters::victims_leave_them,
    drain::victims_are_quiesced,
    drain::quiesce_is_in_effect,
    drain::clients_have_moved,
];

/// Stops the batch when all that comes before is done.
#[must_use]
pub fn stop(desired: &Desired, observed: &Observed, batch: Batch) -> Share {
    let mut share = Share::wait(batch.stopped_for().wait_reason(), batch.describe());
    let verdicts = RULES.iter().map(|rule| rule(desired, observed, &batch));
    match verdicts.into_iter().find(|v| !matches!(v, Verdict::Fine)) {
        Some(Verdict::Wait(wait)) => share.waits.insert(0, wait),
        Some(Verdict::First(step)) => share.step = Some(step),
        Some(Verdict::Fine) | None => share.step = Some(batch.stop()),
    }
    share
}
