//! What this process knows of its lease: until when it is ours, by our own clock.
//!
//! The clock is `CLOCK_BOOTTIME`: it goes on while the process is stopped (SIGSTOP, a frozen control group) and while the
//! machine is suspended. It stands still with a virtual machine that its host pauses, and nothing in the process can tell
//! that between the check and the write: there, what is left are the conditions that each write carries (uid,
//! resourceVersion).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// How long it is held without renewal.
pub const DURATION: Duration = Duration::from_secs(15);

/// What kind of write is to be made, and so how much of the lease it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// One that another leader could make again without harm.
    Upkeep,
    /// One that stops a server or removes something.
    Disruptive,
}

impl Write {
    /// More than this must be left, so that what is sent now arrives before another leads.
    const fn needs(self) -> Duration {
        match self {
            Self::Upkeep => Duration::from_secs(2),
            Self::Disruptive => Duration::from_secs(5),
        }
    }
}

/// The lease does not last for a write: it ran out or was never ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing is written: this process does not hold the lease for long enough")]
pub struct NotOurs;

/// The lease as this process holds it: until when. Not held at first. Clones are the same lease.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    /// Milliseconds since boot.
    ends: Arc<AtomicU64>,
}

impl Lease {
    /// Whether a write may be made now.
    ///
    /// # Errors
    ///
    /// If it may not.
    pub fn permit(&self, write: Write) -> Result<(), NotOurs> {
        self.permit_at(write, since_boot())
    }

    pub(super) fn permit_at(&self, write: Write, now: Duration) -> Result<(), NotOurs> {
        if self.left(now) > write.needs() {
            Ok(())
        } else {
            Err(NotOurs)
        }
    }

    /// Notes that a renewal succeeded that was asked for at `asked`, counted from boot. The others count from when they
    /// saw it, which is later.
    pub fn renewed(&self, asked: Duration) {
        let ends = millis(asked.saturating_add(DURATION));
        self.ends.store(ends, Ordering::SeqCst);
    }

    /// Whether it was ours, and does not last for a write any more.
    #[must_use]
    pub fn ran_out(&self) -> bool {
        self.ends.load(Ordering::SeqCst) > 0 && self.permit(Write::Upkeep).is_err()
    }

    /// Ends it for this process.
    pub fn give_up(&self) {
        self.ends.store(0, Ordering::SeqCst);
    }

    /// For how long anything may still be written.
    #[must_use]
    pub fn until_last_write(&self) -> Duration {
        self.left(since_boot())
            .saturating_sub(Write::Upkeep.needs())
    }

    fn left(&self, now: Duration) -> Duration {
        let ends = self.ends.load(Ordering::SeqCst);
        Duration::from_millis(ends.saturating_sub(millis(now)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Time since the machine was started, with the time that it was suspended.
#[must_use]
pub fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Duration = Duration::from_secs(1000);

    fn permitted(after_seconds: u64) -> [bool; 2] {
        let lease = Lease::default();
        lease.renewed(ASKED);
        let now = ASKED + Duration::from_secs(after_seconds);
        [Write::Upkeep, Write::Disruptive].map(|write| lease.permit_at(write, now).is_ok())
    }

    #[test]
    fn what_disrupts_needs_more_than_five_seconds_of_the_lease_and_all_else_two() {
        assert_eq!(permitted(0), [true, true]);
        assert_eq!(permitted(9), [true, true]);
        assert_eq!(permitted(10), [true, false]);
        assert_eq!(permitted(12), [true, false]);
        assert_eq!(permitted(13), [false, false]);
        assert_eq!(permitted(100), [false, false]);
    }

    #[test]
    fn a_lease_that_is_not_held_permits_nothing() {
        let lease = Lease::default();
        assert_eq!(lease.permit(Write::Upkeep), Err(NotOurs));
        lease.renewed(since_boot());
        assert_eq!(lease.clone().permit(Write::Disruptive), Ok(()));
        lease.give_up();
        assert_eq!(lease.permit(Write::Upkeep), Err(NotOurs));
    }

    #[test]
    fn a_renewal_whose_answer_was_seen_too_late_gives_nothing_back() {
        let lease = Lease::default();
        lease.renewed(since_boot().saturating_sub(DURATION));
        assert_eq!(lease.permit(Write::Upkeep), Err(NotOurs));
    }
}
