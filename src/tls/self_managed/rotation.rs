//! What the leader writes next: a function of what the Secret holds, what the configurations trust, and the time. Each
//! write may be the last before a crash; the next leader goes on from what it finds.
//!
//! 1. The configurations trust whatever the Secret holds, and keep what they trusted until it has expired.
//! 2. A certificate that is due, missing or broken gets a successor, which lies in the Secret as the next.
//! 3. Once all configurations were seen to trust it for a minute, it is served. Its predecessor's authority stays.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::jiff::Timestamp;

use super::{
    pair::{Authority, Pair},
    registration::Configuration,
    stored::{Holdings, Stored},
};

/// How long all configurations must have been seen to trust a certificate before it is served: for API servers that hear of
/// changes late.
pub const SETTLED_AFTER: Duration = Duration::from_mins(1);
/// The least time between a certificate's successor and its end: what it takes until the successor is served, and half as
/// much again.
const LEAST_RENEW_BEFORE: Duration = Duration::from_secs(90);

/// The least time before that: a certificate that is due already when it could be served would never be.
const LEAST_BEFORE_DUE: Duration = Duration::from_secs(75);

/// When certificates are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    lifetime: Duration,
    renew_before: Duration,
}

/// A certificate that lives longer is none that is replaced.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// A schedule by which certificates would end before their successors are served, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a certificate must be renewed at least {} s before its end, and live {} s longer than that, but at most ten years: \
     --cert-renew-before is {} s, --cert-lifetime {} s",
    LEAST_RENEW_BEFORE.as_secs(), LEAST_BEFORE_DUE.as_secs(), .0.renew_before.as_secs(), .0.lifetime.as_secs()
)]
pub struct OutOfRange(Schedule);

impl Schedule {
    /// Certificates live for `lifetime`, and are replaced `renew_before` its end.
    ///
    /// # Errors
    ///
    /// If they would end before their successors are served, or live too long.
    pub fn new(lifetime: Duration, renew_before: Duration) -> Result<Self, OutOfRange> {
        let schedule = Self {
            lifetime,
            renew_before,
        };
        let before_due = lifetime.saturating_sub(renew_before);
        if renew_before < LEAST_RENEW_BEFORE || before_due < LEAST_BEFORE_DUE || lifetime > LONGEST
        {
            return Err(OutOfRange(schedule));
        }
        Ok(schedule)
    }

    /// How long a certificate lives.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    fn is_due(&self, pair: &Pair, now: Timestamp) -> bool {
        pair.until.duration_since(now).unsigned_abs() <= self.renew_before || pair.until <= now
    }
}

impl Default for Schedule {
    /// 90 days, of which the last 30 are left for the successor.
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            lifetime: 90 * day,
            renew_before: 30 * day,
        }
    }
}

/// What a webhook trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The authorities in it.
    pub authorities: BTreeSet<Authority>,
    /// Whether its text is just that of its authorities.
    pub exact: bool,
}

/// A webhook configuration that is there, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Which.
    pub configuration: Configuration,
    /// Its resourceVersion.
    pub version: String,
    /// What each of its webhooks trusts.
    pub bundles: Vec<Bundle>,
}

impl Registered {
    fn trusts(&self, authority: &Authority) -> bool {
        let trusting = |bundle: &Bundle| bundle.authorities.contains(authority);
        self.bundles.iter().all(trusting)
    }

    /// What it should trust, if that is not what it does.
    fn lacking(&self, needed: &BTreeSet<Authority>, now: Timestamp) -> Option<BTreeSet<Authority>> {
        let found = self.bundles.iter().flat_map(|bundle| &bundle.authorities);
        let mut wanted = needed.clone();
        // Others may still serve what the Secret no longer tells of.
        wanted.extend(found.filter(|authority| authority.until >= now).cloned());
        let right = |bundle: &Bundle| bundle.exact && bundle.authorities == wanted;
        (!self.bundles.iter().all(right)).then_some(wanted)
    }
}

/// Everything that the decision needs.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The Secret.
    pub stored: &'a Stored,
    /// The configurations that are there.
    pub registered: &'a [Registered],
    /// What this replica serves.
    pub held: Option<&'a Pair>,
    /// How long both have been seen as they are.
    pub unchanged_for: Duration,
    /// The time.
    pub now: Timestamp,
}

/// What is written next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The Secret, with a new certificate as the next.
    Announce(Holdings),
    /// The Secret.
    Store(Holdings),
    /// The bundles of a configuration.
    Trust {
        /// Which.
        configuration: Configuration,
        /// What its webhooks trust from now on.
        authorities: BTreeSet<Authority>,
    },
}

/// What is written next; nothing if all is well, or time must pass.
#[must_use]
pub fn next(observed: &Observed<'_>, schedule: &Schedule) -> Option<Write> {
    let (found, exact) = match observed.stored {
        Stored::Absent => (Holdings::default(), true),
        Stored::Foreign => return None,
        Stored::Ours {
            holdings, exact, ..
        } => (Holdings::clone(holdings), *exact),
    };
    let restored = restored(found.clone(), observed);
    let as_found = exact && restored == found;
    let lost = found.current.is_none();
    trust(&restored, observed).or_else(|| store(restored, observed, schedule, lost, as_found))
}

/// What the Secret lost is put back if it is known here and trusted everywhere.
fn restored(mut holdings: Holdings, observed: &Observed<'_>) -> Holdings {
    let lost = observed.held.filter(|held| {
        let trusted = |registered: &Registered| registered.trusts(&held.authority);
        holdings.current.is_none()
            && holdings.next.as_ref() != Some(held)
            && held.until > observed.now
            && observed.registered.iter().all(trusted)
    });
    if let Some(held) = lost {
        holdings.former.remove(&held.authority);
        holdings.current = Some(held.clone());
    }
    holdings.at(observed.now)
}

fn trust(holdings: &Holdings, observed: &Observed<'_>) -> Option<Write> {
    let mut needed = holdings.authorities();
    let held = observed.held.filter(|held| held.until > observed.now);
    needed.extend(held.map(|held| held.authority.clone()));
    observed.registered.iter().find_map(|registered| {
        Some(Write::Trust {
            configuration: registered.configuration,
            authorities: registered.lacking(&needed, observed.now)?,
        })
    })
}

/// The Secret's next content, if it is not to stay `as_found`. Where the pair was `lost`, somebody may want another one.
fn store(
    mut holdings: Holdings,
    observed: &Observed<'_>,
    schedule: &Schedule,
    lost: bool,
    as_found: bool,
) -> Option<Write> {
    let Observed {
        now, unchanged_for, ..
    } = *observed;
    let has_current = holdings.current.is_some();
    let stale = |next: &mut Pair| next.until <= now || has_current && schedule.is_due(next, now);
    let dropped = holdings.next.take_if(stale);
    let as_found = as_found && dropped.is_none();
    holdings.former.extend(dropped.map(|pair| pair.authority));
    let due = |pair: &Pair| schedule.is_due(pair, now);
    match &holdings.next {
        None if lost || holdings.current.as_ref().is_none_or(due) => {
            Some(Write::Announce(holdings))
        }
        Some(_) if unchanged_for >= SETTLED_AFTER => Some(Write::Store(promoted(holdings).at(now))),
        _ => (!as_found).then_some(Write::Store(holdings)),
    }
}

/// The next is served.
fn promoted(mut holdings: Holdings) -> Holdings {
    let next = holdings.next.take();
    let before = std::mem::replace(&mut holdings.current, next);
    holdings.former.extend(before.map(|pair| pair.authority));
    holdings
}

/// What a replica serves that served `held` so far. One that serves something does not change to what may not be trusted
/// yet; one that starts takes what there is.
#[must_use]
pub fn serves<'a>(
    holdings: &'a Holdings,
    held: Option<&'a Pair>,
    now: Timestamp,
) -> Option<&'a Pair> {
    let choices = [holdings.current.as_ref(), held, holdings.next.as_ref()];
    let accepted = |pair: &&Pair| pair.until > now;
    let mut choices = choices.into_iter().flatten();
    let best = choices.clone().find(accepted);
    best.or_else(|| choices.next())
}

/// What is to be trusted, and the versions of the configurations that trust it or not yet.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    authorities: BTreeSet<Authority>,
    versions: Vec<(Configuration, String)>,
}

/// Since when Secret and configurations have been seen as they are. Times are counted from boot.
#[derive(Debug, Default)]
pub struct Sighting {
    seen: Option<Seen>,
    since: Duration,
}

impl Sighting {
    /// Notes what is seen at `now`, and says for how long it has been so.
    pub fn again(&mut self, stored: &Stored, registered: &[Registered], now: Duration) -> Duration {
        let authorities = match stored {
            Stored::Ours { holdings, .. } => holdings.authorities(),
            Stored::Absent | Stored::Foreign => BTreeSet::new(),
        };
        let version = |one: &Registered| (one.configuration, one.version.clone());
        let versions = registered.iter().map(version).collect();
        let seen = Some(Seen {
            authorities,
            versions,
        });
        if self.seen != seen {
            *self = Self { seen, since: now };
        }
        now.saturating_sub(self.since)
    }
}

#[cfg(test)]
mod properties;
