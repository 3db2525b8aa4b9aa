//! Who may take the lease: decided on what was read of it and for how long it has stood still. Times are counted from boot,
//! so that no clock of another machine is believed.

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::Lease as Object, jiff::Timestamp};

use super::lease::DURATION;

/// What the lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty if nobody does.
    pub holder: String,
    /// When it was last renewed, by the holder's clock. Only whether it changes counts.
    pub renewed: Option<Timestamp>,
    /// How long it lasts without renewal.
    pub lasts: Duration,
    /// How often it changed hands.
    pub transitions: i32,
}

impl Record {
    /// Reads a lease.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let spec = object.spec.clone().unwrap_or_default();
        let seconds = spec
            .lease_duration_seconds
            .and_then(|s| u64::try_from(s).ok());
        Self {
            holder: spec.holder_identity.unwrap_or_default(),
            renewed: spec.renew_time.map(|time| time.0),
            lasts: seconds.map_or(DURATION, Duration::from_secs),
            transitions: spec.lease_transitions.unwrap_or_default(),
        }
    }
}

/// A record, and since when it has been seen unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    record: Record,
    since: Duration,
}

impl Sighting {
    /// What is known after `record` was read at `now`.
    #[must_use]
    pub fn again(before: Option<Self>, record: Record, now: Duration) -> Self {
        match before {
            Some(before) if before.record == record => before,
            _ => Self { record, since: now },
        }
    }
}

/// What a candidate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Takes the lease, if it still is as it was read.
    Take,
    /// Looks again later.
    Wait,
}

/// What the candidate `identity` does at `now`.
#[must_use]
pub fn next(seen: &Sighting, identity: &str, now: Duration) -> Next {
    let record = &seen.record;
    let ran_out = now.saturating_sub(seen.since) >= record.lasts;
    // Ours already: we took it, and the answer was lost.
    if record.holder.is_empty() || record.holder == identity || ran_out {
        Next::Take
    } else {
        Next::Wait
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::lease::Lease, *};
    use crate::leader::Write;

    fn record(holder: &str, renewed: i64) -> Record {
        Record {
            holder: holder.to_owned(),
            renewed: Timestamp::from_second(renewed).ok(),
            lasts: DURATION,
            transitions: 0,
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_is_taken_when_it_is_free_or_stood_still_for_as_long_as_it_lasts() {
        let first = Sighting::again(None, record("other", 7), seconds(100));
        assert_eq!(next(&first, "me", seconds(114)), Next::Wait);
        let same = Sighting::again(Some(first), record("other", 7), seconds(114));
        assert_eq!(next(&same, "me", seconds(115)), Next::Take);
        let renewed = Sighting::again(Some(same), record("other", 8), seconds(115));
        assert_eq!(next(&renewed, "me", seconds(129)), Next::Wait);
        let free = Sighting::again(Some(renewed), record("", 8), seconds(116));
        assert_eq!(next(&free, "me", seconds(116)), Next::Take);
    }

    #[test]
    fn a_lease_that_we_took_without_hearing_of_it_is_taken_again() {
        let ours = Sighting::again(None, record("me", 7), seconds(1));
        assert_eq!(next(&ours, "me", seconds(1)), Next::Take);
    }

    #[test]
    fn the_time_of_another_machine_is_not_believed() {
        let ancient = Sighting::again(None, record("other", 0), seconds(100));
        assert_eq!(next(&ancient, "me", seconds(101)), Next::Wait);
    }

    /// Milliseconds up to `longest`, mostly few.
    fn lasting(longest: u64) -> impl Strategy<Value = u64> {
        prop_oneof![3 => 0..500_u64, 1 => 0..longest]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Two candidates, clocks that differ, calls that are slow, answers that are lost, processes that stand still.
        #[test]
        fn never_may_two_write_at_the_same_time(
            steps in proptest::collection::vec((0usize..2, lasting(4000), lasting(9000), any::<bool>()), 1..200),
            skew in 0u64..1_000_000,
        ) {
            let clock = |who: usize, now: u64| Duration::from_millis(now + skew * who as u64);
            let names = ["a", "b"];
            let leases = [Lease::default(), Lease::default()];
            let mut sightings: [Option<Sighting>; 2] = [None, None];
            let mut leading = [false, false];
            let mut server = record("", 0);
            let mut now = 0;
            for (who, pause, call, lost) in steps {
                now += pause;
                let asked = clock(who, now);
                let may_write = |who: usize, now| leases[who].permit_at(Write::Upkeep, clock(who, now));
                if leading[who] && may_write(who, now).is_err() {
                    // The process ends, and another one begins in its place.
                    leading[who] = false;
                    sightings[who] = None;
                }
                let seen = Sighting::again(sightings[who].take(), server.clone(), asked);
                let mine = leading[who] && server.holder == names[who];
                if mine || next(&seen, names[who], asked) == Next::Take {
                    server = record(names[who], i64::try_from(now).unwrap() + 1);
                    if !lost {
                        leases[who].renewed(asked);
                        leading[who] = true;
                    }
                }
                sightings[who] = Some(seen);
                now += call;
                let writers = (0..2).filter(|&who| leading[who] && may_write(who, now).is_ok());
                prop_assert!(writers.count() < 2, "at {now}");
            }
        }
    }
}
