//! Who holds which writes of a partition.

/// Stores, each a bit.
pub type Stores = u64;

/// What was written to a partition, by who holds it.
///
/// Writes that the same stores hold are one. Of two sets of holders of which one contains the other only the smaller
/// is kept: whatever happens to both, the writes of the smaller are lost first. So the first loss in a partition is
/// always seen; after it, others in the same partition may go unseen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epochs {
    few: [Stores; Self::FEW],
    count: u8,
    more: Vec<Stores>,
}

impl Epochs {
    const FEW: usize = 4;

    /// The sets of holders.
    pub fn holders(&self) -> impl Iterator<Item = Stores> {
        let few = self.few[..usize::from(self.count)].iter();
        few.chain(&self.more).copied()
    }

    /// Something was written to `stores`, or was found to be held by them only.
    pub fn add(&mut self, stores: Stores) {
        if stores == 0 || self.holders().any(|known| known & !stores == 0) {
            return;
        }
        if self.holders().any(|known| stores & !known == 0) {
            self.replace(|known| (stores & !known != 0).then_some(known));
        }
        self.push(stores);
    }

    /// `to` takes over all that `from` has.
    pub fn copy(&mut self, from: Stores, to: Stores) {
        self.replace(|known| Some(if known & from == 0 { known } else { known | to }));
    }

    /// `store` loses all that it has; whether nobody has some of it any more.
    pub fn drop_from(&mut self, store: Stores) -> bool {
        if self.holders().all(|known| known & store == 0) {
            return false;
        }
        let lost = self.holders().any(|known| known & !store == 0);
        self.replace(|known| Some(known & !store).filter(|left| *left != 0));
        lost
    }

    /// Whether nobody but `stores` has some of it.
    pub fn depends_on(&self, stores: Stores) -> bool {
        self.holders().any(|known| known & !stores == 0)
    }

    fn replace(&mut self, change: impl Fn(Stores) -> Option<Stores>) {
        let old = std::mem::take(self);
        for changed in old.holders().filter_map(change) {
            let smaller = self.holders().any(|known| known & !changed == 0);
            if !smaller {
                self.push(changed);
            }
        }
    }

    fn push(&mut self, stores: Stores) {
        match self.few.get_mut(usize::from(self.count)) {
            Some(place) => {
                *place = stores;
                self.count += 1;
            }
            None => self.more.push(stores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(sets: &[Stores]) -> Epochs {
        let mut epochs = Epochs::default();
        sets.iter().for_each(|set| epochs.add(*set));
        epochs
    }

    #[test]
    fn the_last_holder_of_a_write_takes_it_along() {
        let mut epochs = of(&[0b011, 0b110]);
        assert!(!epochs.drop_from(0b001));
        assert!(epochs.depends_on(0b010) && !epochs.depends_on(0b100));
        assert!(epochs.drop_from(0b010));
        assert_eq!(epochs, Epochs::default());
    }

    #[test]
    fn a_copy_makes_the_writes_of_its_source_safe() {
        let mut epochs = of(&[0b001]);
        epochs.copy(0b001, 0b100);
        assert!(!epochs.drop_from(0b001));
        assert_eq!(epochs, of(&[0b100]));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Add(Stores),
        Copy(u8, u8),
        Drop(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1_u64..64).prop_map(Step::Add),
            (0_u8..6, 0_u8..6).prop_map(|(from, to)| Step::Copy(from, to)),
            (0_u8..6).prop_map(Step::Drop),
        ]
    }

    proptest! {
        /// Every write on its own, against the sets.
        #[test]
        fn sets_of_holders_tell_the_same_as_all_writes(steps in proptest::collection::vec(step(), 0..40)) {
            let (mut epochs, mut writes) = (Epochs::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Add(stores) => {
                        epochs.add(stores);
                        writes.push(stores);
                    }
                    Step::Copy(from, to) => {
                        epochs.copy(1 << from, 1 << to);
                        for write in writes.iter_mut().filter(|write| **write & 1 << from != 0) {
                            *write |= 1 << to;
                        }
                    }
                    Step::Drop(store) => {
                        writes.iter_mut().for_each(|write| *write &= !(1 << store));
                        let lost = writes.contains(&0);
                        writes.retain(|write| *write != 0);
                        prop_assert_eq!(epochs.drop_from(1 << store), lost);
                        if lost {
                            break;
                        }
                    }
                }
                for store in 0..6 {
                    let last = writes.contains(&(1 << store));
                    prop_assert_eq!(epochs.depends_on(1 << store), last);
                }
            }
        }
    }
}
