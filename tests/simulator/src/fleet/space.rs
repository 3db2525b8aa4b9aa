//! The contents of a namespace, in all stores that there are.

use super::epochs::{Epochs, Stores};
use super::placement::bit;

/// The place of a server that is gone before its cluster began.
pub const NOBODY: u8 = 63;

/// What all stores of a namespace hold.
#[derive(Debug, Clone)]
pub struct Space {
    /// Who holds which writes, by partition.
    pub epochs: Vec<Epochs>,
    /// Who has a copy, whole or in part, by partition.
    pub held: Vec<Stores>,
    stores: Vec<Option<String>>,
}

impl Space {
    /// Of so many partitions, empty.
    #[must_use]
    pub fn new(partitions: usize) -> Self {
        Self {
            epochs: vec![Epochs::default(); partitions],
            held: vec![0; partitions],
            stores: Vec::new(),
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
        self.held.iter_mut().for_each(|held| *held &= !bit(place));
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
}
