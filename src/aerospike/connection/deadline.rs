//! One end for a piece of work of several steps.

use std::time::Duration;

use tokio::time::Instant;

/// When a piece of work must be over, whatever is still open then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Instant);

impl Deadline {
    /// At a moment.
    #[must_use]
    pub const fn at(moment: Instant) -> Self {
        Self(moment)
    }

    /// That long from now on.
    #[must_use]
    pub fn within(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    /// The end of a step that begins now and takes at most `limit`.
    pub(super) fn of_step(self, now: Instant, limit: Duration) -> Instant {
        self.0.min(now + limit)
    }
}
