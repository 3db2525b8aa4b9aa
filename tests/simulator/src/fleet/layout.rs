//! A namespace as one cluster holds it, from one balance to the next.

use std::sync::Arc;

use super::consistency::Roster;
use super::epochs::Stores;
use super::placement::{Course, bit, course};
use super::space::{NOBODY, Space, Verdict};
use crate::node::Migrations;
use crate::partitions::Ownership;

/// A copy of a partition on its way.
#[derive(Debug, Clone, Copy)]
struct Move {
    partition: u16,
    from: u8,
    to: u8,
}

/// The stores of the members that came from one cluster, with what that one held.
pub struct Origin<'a> {
    /// Their stores.
    pub stores: Stores,
    /// How their cluster held the namespace; none if they come from no cluster, each by itself.
    pub layout: Option<&'a Layout>,
}

/// How a namespace is held.
#[derive(Debug, Clone)]
pub struct Layout {
    ownership: Arc<Ownership>,
    order: Vec<u8>,
    others: Vec<u8>,
    /// Partitions that may not be served.
    pub unavailable: usize,
    /// Partitions of which no copy is trusted though all of the roster are there.
    pub dead: usize,
    members: Stores,
    quiesced: Stores,
    wanted: Vec<Stores>,
    full: Vec<Stores>,
    acting: Vec<u8>,
    /// Copies that the master waits for, and all that are on their way, by partition.
    leading: Vec<u8>,
    awaited: Vec<u8>,
    leads: Vec<Move>,
    fills: Vec<Move>,
    initial: Vec<Migrations>,
    credit: [u64; 64],
    changed: bool,
    killed: Vec<(Stores, u64)>,
}

/// What a balance starts from.
pub struct Terms<'a> {
    /// The balance.
    pub ownership: Arc<Ownership>,
    /// The store of each node of the balance.
    pub places: Vec<u8>,
    /// The stores of members that the balance leaves out, because they are not on the roster.
    pub others: Vec<u8>,
    /// Stores of quiesced members.
    pub quiesced: Stores,
    /// Where the members come from.
    pub origins: &'a [Origin<'a>],
    /// The roster of a strongly consistent namespace.
    pub roster: Option<&'a Roster>,
    /// The same roster as those see it who live on in another cluster.
    pub elsewhere: Option<&'a Roster>,
    /// Whether mistrusted copies are to be trusted again where there are no others.
    pub revives: bool,
}

/// What a balance did besides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Partitions of which something was dropped that nobody else has.
    pub lost: usize,
    /// Partitions that were served before, and are no more.
    pub withdrawn: usize,
    /// Partitions that are served without what only mistrusted copies have.
    pub passed_over: usize,
    /// Partitions of which mistrusted copies are trusted again.
    pub revived: usize,
}

/// What may move.
pub struct Traffic<'a> {
    /// Milliseconds since the last time.
    pub elapsed: u64,
    /// Microseconds that a partition takes.
    pub cost: u64,
    /// Stores whose servers live.
    pub alive: Stores,
    /// Threads by store; 0 where migrations are frozen.
    pub threads: &'a [u64; 64],
    /// Stores that may fill others already.
    pub filling: Stores,
    /// Stores that cannot reach each other.
    pub cut: &'a dyn Fn(u8, u8) -> bool,
}

impl Layout {
    /// The balance comes into force.
    pub fn begin(terms: Terms<'_>, space: &mut Space) -> (Self, Outcome) {
        let partitions = space.held.len();
        let members = terms.places.iter().chain(&terms.others);
        let mut layout = Self {
            members: members.fold(0, |all, place| all | bit(*place)),
            ownership: terms.ownership,
            order: terms.places,
            others: terms.others,
            unavailable: 0,
            dead: 0,
            quiesced: terms.quiesced,
            wanted: vec![0; partitions],
            full: vec![0; partitions],
            acting: vec![NOBODY; partitions],
            leading: vec![0; partitions],
            awaited: vec![0; partitions],
            leads: Vec::new(),
            fills: Vec::new(),
            initial: vec![Migrations::default(); 64],
            credit: [0; 64],
            changed: true,
            killed: Vec::new(),
        };
        let (mut order, mut families) = (Vec::new(), Vec::new());
        let mut outcome = Outcome::default();
        for partition in 0..partitions {
            layout.order(partition, &mut order);
            let held = space.held[partition] & layout.members;
            gather(partition, held, terms.origins, &mut families);
            if let Some(roster) = terms.roster {
                let verdict = space.judge(partition, roster, &mut families, terms.revives);
                outcome.revived += usize::from(verdict == Verdict::Revived);
                let found = families.iter().fold(0, |all, it| all | it);
                if layout.withdraws(verdict) {
                    let served = |it: &Origin<'_>| it.layout.is_some_and(|it| it.serves(partition));
                    let taken_over = terms.elsewhere.is_some_and(|it| it.admits(partition));
                    let served = terms.origins.iter().any(served);
                    outcome.withdrawn += usize::from(served && !taken_over);
                    layout.full[partition] = found;
                    continue;
                }
                let passed_over = space.epochs[partition].depends_on(layout.members & !found);
                outcome.passed_over += usize::from(passed_over);
            }
            let copies = layout.ownership.copies;
            if let Some(course) = course(&order, copies, &families) {
                let full = course.full;
                let lost = layout.embark(partition, &order[..copies], course, space);
                outcome.lost += usize::from(lost);
                if terms.roster.is_some() {
                    space.mistrust_in(partition, layout.wanted(partition) & !full);
                }
            }
        }
        layout.count_initial();
        (layout, outcome)
    }

    /// Whether a partition is not served for that reason; it is counted.
    fn withdraws(&mut self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Served | Verdict::Revived => return false,
            Verdict::Unavailable => self.unavailable += 1,
            Verdict::Dead => self.dead += 1,
        }
        true
    }

    /// Whether somebody answers for a partition.
    fn serves(&self, partition: usize) -> bool {
        self.acting[partition] != NOBODY
    }

    fn order(&self, partition: usize, order: &mut Vec<u8>) {
        let succession = self.ownership.succession(partition).iter();
        order.clear();
        order.extend(succession.map(|it| self.order[usize::from(*it)]));
        order.extend(&self.others);
    }

    fn embark(
        &mut self,
        partition: usize,
        replicas: &[u8],
        course: Course,
        space: &mut Space,
    ) -> bool {
        let wanted = replicas.iter().fold(0, |all, place| all | bit(*place));
        self.wanted[partition] = wanted;
        let (master, number) = (replicas[0], u16::try_from(partition).unwrap_or(u16::MAX));
        space.held[partition] |= wanted & !bit(NOBODY);
        (self.acting[partition], self.full[partition]) = (course.acting, course.full);
        let step = |from, to| Move {
            partition: number,
            from,
            to,
        };
        self.leads
            .extend(places(course.leads).map(|from| step(from, master)));
        self.fills
            .extend(places(course.fills).map(|to| step(master, to)));
        let count = |stores: Stores| u8::try_from(stores.count_ones()).unwrap_or(u8::MAX);
        self.leading[partition] = count(course.leads);
        self.awaited[partition] = count(course.leads) + count(course.fills);
        self.awaited[partition] == 0 && self.finish(partition, space)
    }

    /// All copies are whole: superfluous ones are dropped; whether something was only there.
    fn finish(&mut self, partition: usize, space: &mut Space) -> bool {
        let wanted = self.wanted(partition);
        self.full[partition] = wanted;
        let surplus = space.held[partition] & self.members & !wanted & !self.quiesced;
        space.held[partition] &= !surplus;
        let mut lost = false;
        for place in places(surplus) {
            lost |= space.epochs[partition].drop_from(bit(place));
        }
        lost
    }

    /// The stores that hold a partition once all is done.
    #[must_use]
    pub fn wanted(&self, partition: usize) -> Stores {
        self.wanted[partition]
    }

    /// The stores to which a write goes now.
    #[must_use]
    pub fn written(&self, partition: usize) -> Stores {
        match self.acting[partition] {
            NOBODY => bit(NOBODY),
            acting => self.wanted(partition) | bit(acting),
        }
    }

    /// The store that answers for a partition now.
    #[must_use]
    pub fn acting(&self, partition: usize) -> u8 {
        self.acting[partition]
    }

    /// A store was killed; all that were within `window` milliseconds.
    pub fn killed(&mut self, (store, now): (Stores, u64), window: u64) -> Stores {
        self.killed.retain(|(_, at)| now < at + window);
        self.killed.push((store, now));
        self.killed.iter().fold(0, |all, (store, _)| all | store)
    }

    /// Whether the masters changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether something has still to move.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        !self.leads.is_empty() || !self.fills.is_empty()
    }

    fn count_initial(&mut self) {
        for it in self.leads.iter().chain(&self.fills) {
            self.initial[usize::from(it.from)].send_initial += 1;
            self.initial[usize::from(it.to)].receive_initial += 1;
        }
    }

    /// What a store has to send and to receive.
    #[must_use]
    pub fn migrations(&self, place: u8) -> Migrations {
        let sent = |moves: &[Move]| moves.iter().filter(|it| it.from == place).count();
        let received = |moves: &[Move]| moves.iter().filter(|it| it.to == place).count();
        let lead = sent(&self.leads);
        Migrations {
            send: lead + sent(&self.fills),
            lead,
            receive: received(&self.leads) + received(&self.fills),
            ..self.initial[usize::from(place)]
        }
    }

    /// Moves what it can; the number of partitions of which something was dropped that nobody else has.
    pub fn migrate(&mut self, traffic: &Traffic<'_>, space: &mut Space) -> usize {
        for (credit, threads) in self.credit.iter_mut().zip(traffic.threads) {
            *credit += traffic.elapsed * 1000 * threads;
        }
        let mut lost = 0;
        let mut leads = std::mem::take(&mut self.leads);
        leads.retain(|it| {
            let goes = self.pays(*it, traffic);
            if goes {
                lost += usize::from(self.arrive(*it, true, space));
            }
            !goes
        });
        let mut fills = std::mem::take(&mut self.fills);
        fills.retain(|it| {
            let led = self.leading[usize::from(it.partition)] == 0;
            let ready = led && traffic.filling & bit(it.from) != 0;
            let goes = ready && self.pays(*it, traffic);
            if goes {
                lost += usize::from(self.arrive(*it, false, space));
            }
            !goes
        });
        (self.leads, self.fills) = (leads, fills);
        for credit in &mut self.credit {
            // nobody saves up for later
            *credit = (*credit).min(traffic.cost - 1);
        }
        lost
    }

    fn pays(&mut self, it: Move, traffic: &Traffic<'_>) -> bool {
        let ends = bit(it.from) | bit(it.to);
        let there = traffic.alive & ends == ends;
        let credit = &mut self.credit[usize::from(it.from)];
        let goes = there && *credit >= traffic.cost && !(traffic.cut)(it.from, it.to);
        if goes {
            *credit -= traffic.cost;
        }
        goes
    }

    fn arrive(&mut self, it: Move, leads: bool, space: &mut Space) -> bool {
        let partition = usize::from(it.partition);
        space.epochs[partition].copy(bit(it.from), bit(it.to));
        space.trust(partition, bit(it.to));
        self.awaited[partition] -= 1;
        if leads {
            self.leading[partition] -= 1;
        }
        if !leads {
            self.full[partition] |= bit(it.to);
        } else if self.leading[partition] == 0 {
            self.acting[partition] = it.to;
            self.full[partition] = self.full[partition] & self.wanted(partition) | bit(it.to);
            self.changed = true;
        }
        self.awaited[partition] == 0 && self.finish(partition, space)
    }
}

fn gather(partition: usize, held: Stores, origins: &[Origin<'_>], families: &mut Vec<Stores>) {
    families.clear();
    let mut rest = held;
    for origin in origins {
        let full = origin.layout.map_or(0, |it| it.full[partition]) & origin.stores & held;
        if full != 0 {
            families.push(full);
            // what the others from there have, these have too
            rest &= !origin.stores;
        }
    }
    families.extend(places(rest).map(bit));
}

/// The places of stores.
pub fn places(stores: Stores) -> impl Iterator<Item = u8> {
    let mut left = stores;
    std::iter::from_fn(move || {
        let place = u8::try_from(left.trailing_zeros()).unwrap_or(NOBODY);
        (left != 0).then(|| {
            left &= left - 1;
            place
        })
    })
}
