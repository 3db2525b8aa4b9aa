//! The contents of a namespace, in all stores that there are.

use super::consistency::Roster;
use super::epochs::{Epochs, Stores};
use super::placement::bit;

/// The place of a server that is gone before its cluster began.
pub const NOBODY: u8 = 63;

/// What becomes of a partition of a strongly consistent namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Served,
    /// It is served though all its copies are mistrusted, because somebody said so.
    Revived,
    /// It is not, until more of the roster are there.
    Unavailable,
    /// All are there, and no copy is trusted.
    Dead,
}

/// What all stores of a namespace hold.
#[derive(Debug, Clone)]
pub struct Space {
    /// Who holds which writes, by partition.
    pub epochs: Vec<Epochs>,
    /// Who has a copy, whole or in part, by partition.
    pub held: Vec<Stores>,
    stores: Vec<Option<String>>,
    /// Stores whose copies may lack something, by partition; empty while there are none.
    mistrusted: Vec<Stores>,
    /// Whether a roster ever served it, by partition; empty while there was none.
    used: Vec<bool>,
}

impl Space {
    /// Of so many partitions, empty.
    #[must_use]
    pub fn new(partitions: usize) -> Self {
        Self {
            epochs: vec![Epochs::default(); partitions],
            held: vec![0; partitions],
            stores: Vec::new(),
            mistrusted: Vec::new(),
            used: Vec::new(),
        }
    }

    /// The place of a store; one that is not known is empty.
    ///
    /// # Panics
    ///
    /// With more than 63 stores.
    pub fn place(&mut self, store: &str) -> u8 {
        if let Some(place) = self.find(store) {
            return place;
        }
        let free = self.stores.iter().position(Option::is_none);
        let place = free.unwrap_or(self.stores.len());
        assert!(
            place < usize::from(NOBODY),
            "a fleet has at most {NOBODY} stores"
        );
        self.stores.resize(self.stores.len().max(place + 1), None);
        self.stores[place] = Some(store.to_owned());
        u8::try_from(place).unwrap_or(NOBODY)
    }

    /// The place of a store that is known.
    #[must_use]
    pub fn find(&self, store: &str) -> Option<u8> {
        let place = self
            .stores
            .iter()
            .position(|known| known.as_deref() == Some(store));
        place.and_then(|place| u8::try_from(place).ok())
    }

    /// A store is gone; the number of partitions of which nobody has some write any more.
    pub fn erase(&mut self, place: u8) -> usize {
        self.stores[usize::from(place)] = None;
        for stores in self.mistrusted.iter_mut().chain(&mut self.held) {
            *stores &= !bit(place);
        }
        let lost = self.epochs.iter_mut().map(|it| it.drop_from(bit(place)));
        lost.filter(|lost| *lost).count()
    }

    /// Partitions of which some write is nowhere else.
    #[must_use]
    pub fn depending_on(&self, place: u8) -> usize {
        let epochs = self.epochs.iter();
        epochs.filter(|it| it.depends_on(bit(place))).count()
    }

    /// Partitions of which some write is in no store of `serving`, but is in one of `serving` or `leaving`.
    #[must_use]
    pub fn silenced(&self, serving: Stores, leaving: Stores) -> usize {
        let silenced = |epochs: &&Epochs| {
            epochs
                .holders()
                .any(|it| it & serving == 0 && it & leaving != 0)
        };
        self.epochs.iter().filter(silenced).count()
    }

    /// The server of a store ended without having written all: none of its copies is trusted.
    pub fn mistrust(&mut self, place: u8) {
        self.mistrusted.resize(self.held.len(), 0);
        for (mistrusted, held) in self.mistrusted.iter_mut().zip(&self.held) {
            *mistrusted |= held & bit(place);
        }
    }

    /// Stores that are yet to be filled hold only part of a partition.
    pub fn mistrust_in(&mut self, partition: usize, stores: Stores) {
        self.mistrusted.resize(self.held.len(), 0);
        self.mistrusted[partition] |= stores;
    }

    /// A store got all that a trusted one has.
    pub fn trust(&mut self, partition: usize, store: Stores) {
        if let Some(mistrusted) = self.mistrusted.get_mut(partition) {
            *mistrusted &= !store;
        }
    }

    /// Whether a roster serves a partition; mistrusted copies are taken out of `families`.
    pub fn judge(
        &mut self,
        partition: usize,
        roster: &Roster,
        families: &mut Vec<Stores>,
        revives: bool,
    ) -> Verdict {
        self.used.resize(self.held.len(), false);
        let mistrusted = self.mistrusted.get(partition).copied().unwrap_or(0);
        let trusted = families.iter().any(|family| family & !mistrusted != 0);
        // of what was never written no copy is missed
        let fresh = families.is_empty() && !self.used[partition];
        let verdict = match (roster.admits(partition), trusted || fresh) {
            (true, true) => Verdict::Served,
            (true, false) if revives => Verdict::Revived,
            (true, false) if roster.is_complete() => Verdict::Dead,
            _ => Verdict::Unavailable,
        };
        match verdict {
            Verdict::Served => {
                for family in families.iter_mut() {
                    *family &= !mistrusted;
                }
                families.retain(|it| *it != 0);
                self.used[partition] = true;
            }
            Verdict::Revived => self.trust(partition, Stores::MAX),
            Verdict::Unavailable | Verdict::Dead => {}
        }
        verdict
    }
}
