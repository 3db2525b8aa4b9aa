//! Histories of leaders, replicas and people, with a crash between any two writes.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;

const SCHEDULE: Schedule = Schedule {
    lifetime: Duration::from_hours(24),
    renew_before: Duration::from_hours(8),
};
const REPLICAS: usize = 3;
/// The one that leads, until the lead changes.
const LEADER: usize = 0;
/// Between two looks of a replica or of the leader; longer than it is, to see more of life.
const LOOK: Duration = Duration::from_secs(20);

/// A webhook configuration, as the API server has it.
#[derive(Clone, Debug)]
struct Configured {
    trusted: BTreeSet<Authority>,
    exact: bool,
    version: u32,
    /// Since when each is trusted.
    since: Vec<(Authority, Timestamp)>,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    secret: Option<(Holdings, bool)>,
    configured: [Option<Configured>; 2],
    held: [Option<Pair>; REPLICAS],
    sighting: Sighting,
    issued: u32,
}

impl World {
    fn new() -> Self {
        let bare = Configured {
            trusted: BTreeSet::new(),
            exact: true,
            version: 0,
            since: vec![],
        };
        Self {
            now: Timestamp::UNIX_EPOCH,
            secret: None,
            configured: [Some(bare.clone()), Some(bare)],
            held: [const { None }; REPLICAS],
            sighting: Sighting::default(),
            issued: 0,
        }
    }

    fn issue(&mut self) -> Pair {
        self.issued += 1;
        let until = self.now + SCHEDULE.lifetime;
        let pem = format!("authority {}", self.issued);
        Pair {
            chain: format!("chain {}", self.issued),
            key: Zeroizing::new(format!("key {}", self.issued)),
            authority: Authority { until, pem },
            until,
        }
    }

    fn stored(&self) -> Stored {
        let stored = |(holdings, exact): &(Holdings, bool)| {
            // As the Secret is read back: one list of authorities, from which those of the pairs are known.
            let mut holdings = holdings.clone();
            let all = holdings.authorities();
            holdings.former.clear();
            let known = holdings.authorities();
            holdings.former = all.difference(&known).cloned().collect();
            Stored::Ours {
                holdings: Box::new(holdings),
                faults: vec![],
                exact: *exact,
            }
        };
        self.secret.as_ref().map_or(Stored::Absent, stored)
    }

    fn registered(&self) -> Vec<Registered> {
        let there = Configuration::ALL.into_iter().zip(&self.configured);
        let read = |(configuration, configured): (_, &Option<Configured>)| {
            let configured = configured.as_ref()?;
            Some(Registered {
                configuration,
                version: configured.version.to_string(),
                bundles: vec![Bundle {
                    authorities: configured.trusted.clone(),
                    exact: configured.exact,
                }],
            })
        };
        there.filter_map(read).collect()
    }

    fn trusts(&self, authority: &Authority) -> bool {
        let mut there = self.configured.iter().flatten();
        there.all(|configured| configured.trusted.contains(authority))
    }

    /// Whether reviews that come to the replica are answered.
    fn answers(&self, replica: usize) -> bool {
        let held = self.held[replica].as_ref();
        held.is_some_and(|held| held.until > self.now && self.trusts(&held.authority))
    }

    fn decide(&mut self) -> Option<Write> {
        let (stored, registered) = (self.stored(), self.registered());
        let since_boot = Duration::from_secs(u64::try_from(self.now.as_second()).unwrap());
        let observed = Observed {
            stored: &stored,
            registered: &registered,
            held: self.held[LEADER].as_ref(),
            unchanged_for: self.sighting.again(&stored, &registered, since_boot),
            now: self.now,
        };
        next(&observed, &SCHEDULE)
    }

    /// One look of the leader; whether it wrote.
    fn lead(&mut self) -> bool {
        let Some(write) = self.decide() else {
            return false;
        };
        match write {
            Write::Announce(holdings) => {
                let next = Some(self.issue());
                self.secret = Some((Holdings { next, ..holdings }, true));
            }
            Write::Store(holdings) => {
                self.assert_settled(&holdings);
                self.secret = Some((holdings, true));
            }
            Write::Trust {
                configuration,
                authorities,
            } => self.set_bundle(configuration as usize, authorities),
        }
        true
    }

    /// What begins to be served has been trusted for a minute.
    fn assert_settled(&self, new: &Holdings) {
        let before = self
            .secret
            .as_ref()
            .and_then(|(held, _)| held.current.as_ref());
        let Some(current) = new.current.as_ref().filter(|new| Some(*new) != before) else {
            return;
        };
        let known = self.held[LEADER].as_ref() == Some(current);
        for configured in self.configured.iter().flatten() {
            let mut since = configured.since.iter();
            let since = since.find(|(authority, _)| *authority == current.authority);
            let (_, since) = since.expect("what is served is trusted");
            let settled = *since + SETTLED_AFTER <= self.now;
            assert!(settled || known, "served too early: {current:?}");
        }
    }

    fn set_bundle(&mut self, index: usize, trusted: BTreeSet<Authority>) {
        let now = self.now;
        if let Some(configured) = &mut self.configured[index] {
            let before = configured.since.clone();
            let since = |authority: &Authority| {
                let mut before = before.iter();
                let known = before.find(|(known, _)| known == authority);
                (authority.clone(), known.map_or(now, |(_, since)| *since))
            };
            configured.since = trusted.iter().map(since).collect();
            configured.trusted = trusted;
            configured.exact = true;
            configured.version += 1;
        }
    }

    /// One look of a replica, as in `replica.rs`.
    fn look(&mut self, replica: usize) {
        let held = self.held[replica].clone();
        match (&self.secret, &held) {
            (Some((holdings, _)), _) => {
                if let Some(pair) = serves(holdings, held.as_ref(), self.now) {
                    self.held[replica] = Some(pair.clone());
                }
            }
            (None, Some(_)) => {}
            (None, None) => {
                let pair = self.issue();
                let next = Some(pair.clone());
                let made = Holdings {
                    next,
                    ..Holdings::default()
                };
                self.secret = Some((made, true));
                self.held[replica] = Some(pair);
            }
        }
    }

    fn damage(&mut self, damage: Damage) {
        match (damage, &mut self.secret) {
            (Damage::DeleteSecret, secret) => *secret = None,
            (Damage::BreakCurrent, Some((holdings, exact))) => {
                holdings
                    .former
                    .extend(holdings.current.take().map(|pair| pair.authority));
                *exact = false;
            }
            (Damage::BreakNext, Some((holdings, exact))) => {
                holdings
                    .former
                    .extend(holdings.next.take().map(|pair| pair.authority));
                *exact = false;
            }
            (Damage::ForgetFormer, Some((holdings, exact))) => {
                holdings.former.clear();
                *exact = false;
            }
            (Damage::BlankBundle(index), _) => self.set_bundle(index, BTreeSet::new()),
            (Damage::AddToBundle(index), _) => {
                if let Some(configured) = &mut self.configured[index] {
                    configured.exact = false;
                    configured.version += 1;
                }
            }
            (Damage::Reinstall(index), _) => {
                self.configured[index] = match self.configured[index].take() {
                    Some(_) => None,
                    None => World::new().configured[index].take(),
                };
            }
            (_, None) => {}
        }
    }

    /// Time passes, in which all look.
    fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.now < until {
            self.now += LOOK;
            while self.lead() {}
            (0..REPLICAS).for_each(|replica| self.look(replica));
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    DeleteSecret,
    BreakCurrent,
    BreakNext,
    ForgetFormer,
    BlankBundle(usize),
    AddToBundle(usize),
    Reinstall(usize),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The leader looks, and writes at most once.
    Lead,
    /// Another replica leads, and knows nothing.
    ChangeLead,
    Look(usize),
    Restart(usize),
    Wait(u64),
    Damage(Damage),
}

fn damages() -> impl Strategy<Value = Damage> {
    prop_oneof![
        Just(Damage::DeleteSecret),
        Just(Damage::BreakCurrent),
        Just(Damage::BreakNext),
        Just(Damage::ForgetFormer),
        (0usize..2).prop_map(Damage::BlankBundle),
        (0usize..2).prop_map(Damage::AddToBundle),
        (0usize..2).prop_map(Damage::Reinstall),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Lead),
        1 => Just(Step::ChangeLead),
        6 => (0..REPLICAS).prop_map(Step::Look),
        1 => (0..REPLICAS).prop_map(Step::Restart),
        6 => (1u64..70).prop_map(Step::Wait),
        2 => (600u64..40_000).prop_map(Step::Wait),
        1 => damages().prop_map(Step::Damage),
    ]
}

impl World {
    fn take(&mut self, step: Step) {
        match step {
            Step::Lead => {
                self.lead();
            }
            Step::ChangeLead => {
                self.held.rotate_left(1);
                self.sighting = Sighting::default();
            }
            Step::Look(replica) => self.look(replica),
            Step::Restart(replica) => {
                self.held[replica] = None;
                if replica == LEADER {
                    self.sighting = Sighting::default();
                }
            }
            Step::Wait(seconds) => self.now += Duration::from_secs(seconds),
            Step::Damage(damage) => self.damage(damage),
        }
    }
}

/// Who is answered before what the leader or a replica does is answered afterwards.
fn assert_keeps(world: &mut World, step: Step) {
    let before: Vec<_> = (0..REPLICAS)
        .map(|replica| world.answers(replica))
        .collect();
    world.take(step);
    if matches!(step, Step::Lead | Step::Look(_)) {
        for (replica, answered) in before.into_iter().enumerate() {
            assert!(
                !answered || world.answers(replica),
                "{step:?} cut off replica {replica}: {world:#?}"
            );
        }
    }
}

fn assert_settles(world: &mut World) {
    world.pass(Duration::from_mins(5));
    let announced = |(holdings, _): &(Holdings, bool)| holdings.next.is_some();
    if world.secret.as_ref().is_some_and(announced) {
        // The time for a successor may have come only now.
        world.pass(Duration::from_mins(5));
    }
    assert_eq!(world.decide(), None, "{world:#?}");
    let (holdings, _) = world.secret.clone().expect("there is a Secret");
    let current = holdings.current.clone().expect("a certificate is served");
    assert!(
        !SCHEDULE.is_due(&current, world.now) && holdings.next.is_none(),
        "{world:#?}"
    );
    for replica in 0..REPLICAS {
        assert_eq!(world.held[replica].as_ref(), Some(&current));
        assert!(world.answers(replica));
    }
    let expired = |authority: &Authority| authority.until < world.now;
    let bundles = world
        .configured
        .iter()
        .flatten()
        .flat_map(|one| &one.trusted);
    assert!(
        !holdings.authorities().iter().chain(bundles).any(expired),
        "{world:#?}"
    );
}

proptest! {
    #[test]
    fn no_write_takes_the_trust_from_a_certificate_that_is_served_and_all_ends_well(
        history in proptest::collection::vec(steps(), 0..120),
    ) {
        let mut world = World::new();
        for step in history {
            assert_keeps(&mut world, step);
        }
        assert_settles(&mut world);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_was_answered_stays_so_for_months_while_the_leader_looks(
        damage in proptest::option::of(prop_oneof![
            Just(Damage::DeleteSecret), Just(Damage::BreakCurrent), Just(Damage::BreakNext), Just(Damage::ForgetFormer),
        ]),
        restarts in proptest::collection::vec((0u64..400, 0..REPLICAS), 0..10),
    ) {
        let mut world = World::new();
        world.pass(Duration::from_mins(2));
        for (minutes, replica) in restarts {
            world.pass(Duration::from_mins(minutes));
            world.held[replica] = None;
            world.look(replica);
            assert!((0..REPLICAS).all(|replica| world.answers(replica)), "{world:#?}");
            if let Some(damage) = damage {
                world.damage(damage);
            }
            // The leader knows what it serves, so it is put back at once.
            while world.lead() {}
            (0..REPLICAS).for_each(|replica| world.look(replica));
            assert!((0..REPLICAS).all(|replica| world.answers(replica)), "{world:#?}");
        }
    }
}

#[test]
fn a_certificate_that_becomes_due_while_all_settles_is_followed_by_its_successor() {
    let mut world = World::new();
    while world.lead() {}
    world.take(Step::Wait(SCHEDULE.lifetime.as_secs()));
    while world.lead() {}
    let due = SCHEDULE.lifetime.saturating_sub(SCHEDULE.renew_before);
    world.take(Step::Wait(due.as_secs() - 300));
    assert_settles(&mut world);
}

/// The writes from a moment on, without the time between.
fn writes(world: &mut World, duration: Duration) -> Vec<&'static str> {
    let mut told = Vec::new();
    let until = world.now + duration;
    while world.now < until {
        world.now += LOOK;
        while let Some(write) = world.decide() {
            told.push(match write {
                Write::Announce(_) => "announce",
                Write::Store(_) => "store",
                Write::Trust { .. } => "trust",
            });
            world.lead();
        }
        (0..REPLICAS).for_each(|replica| world.look(replica));
    }
    told
}

#[test]
fn a_rotation_announces_is_trusted_serves_and_forgets() {
    let mut world = World::new();
    world.look(1);
    let first = writes(&mut world, Duration::from_mins(2));
    assert_eq!(first, ["trust", "trust", "store"]);
    assert_eq!(writes(&mut world, Duration::from_hours(15)), [""; 0]);
    let rotated = writes(&mut world, Duration::from_hours(2));
    assert_eq!(rotated, ["announce", "trust", "trust", "store"]);
    let expired = writes(&mut world, Duration::from_hours(8));
    assert_eq!(expired, ["trust", "trust", "store"]);
}

#[test]
fn a_secret_that_was_deleted_is_put_back_with_what_is_served_and_a_successor() {
    let mut world = World::new();
    world.pass(Duration::from_mins(2));
    let served = world.held[LEADER].clone();
    world.damage(Damage::DeleteSecret);
    assert!(world.lead());
    let (holdings, _) = world.secret.clone().unwrap();
    assert_eq!(holdings.current, served);
    assert!(holdings.next.is_some());
}

#[test]
fn a_secret_of_somebody_else_is_left_alone() {
    let observed = Observed {
        stored: &Stored::Foreign,
        registered: &[],
        held: None,
        unchanged_for: Duration::ZERO,
        now: Timestamp::UNIX_EPOCH,
    };
    assert_eq!(next(&observed, &SCHEDULE), None);
}
