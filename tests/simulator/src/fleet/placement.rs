//! What has to move when a partition is balanced anew.

use super::epochs::Stores;

/// What follows for the partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Course {
    /// Who answers for it until all that leads to the master has arrived there.
    pub acting: u8,
    /// Who has everything.
    pub full: Stores,
    /// Who sends to the master first.
    pub leads: Stores,
    /// Whom the master fills after that.
    pub fills: Stores,
}

/// What has to move in a partition that `order` holds from now on, `copies` times; none if nobody does.
///
/// `families` are sets of stores that have the same, each something that the others may lack.
#[must_use]
pub fn course(order: &[u8], copies: usize, families: &[Stores]) -> Option<Course> {
    let replicas = &order[..copies.min(order.len())];
    let master = *replicas.first()?;
    let wanted = replicas.iter().fold(0, |all, store| all | bit(*store));
    let all = families.iter().fold(0, |all, family| all | family);
    let first_of = |family: Stores| {
        order
            .iter()
            .copied()
            .find(|store| family & bit(*store) != 0)
    };
    let elsewhere = families.iter().filter(|family| **family & bit(master) == 0);
    let senders = elsewhere.filter_map(|family| first_of(*family));
    let leads = senders.fold(0, |all, store| all | bit(store));
    let acting = if all & bit(master) == 0 {
        first_of(all).unwrap_or(master)
    } else {
        master
    };
    let whole = match families {
        [] => wanted,
        [one] => *one,
        _ => 0,
    };
    Some(Course {
        acting,
        full: whole & (wanted | bit(acting)),
        leads,
        fills: wanted & !whole & !bit(master),
    })
}

/// The bit of a store.
#[must_use]
pub const fn bit(store: u8) -> Stores {
    1 << store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_partition_has_nothing_to_move() {
        let expected = Course {
            acting: 2,
            full: 0b110,
            ..Course::default()
        };
        assert_eq!(course(&[2, 1, 0], 2, &[]), Some(expected));
        assert_eq!(course(&[], 2, &[]), None);
    }

    #[test]
    fn a_new_master_gets_all_from_the_one_that_acts_for_it() {
        let expected = Course {
            acting: 1,
            full: 0b010,
            leads: 0b010,
            fills: 0,
        };
        assert_eq!(course(&[2, 1, 0], 2, &[0b011]), Some(expected));
    }

    #[test]
    fn a_new_replica_is_filled_by_the_master() {
        let expected = Course {
            acting: 1,
            full: 0b010,
            leads: 0,
            fills: 0b100,
        };
        assert_eq!(course(&[1, 2, 0], 2, &[0b011]), Some(expected));
    }

    #[test]
    fn who_comes_back_sends_what_it_has_and_everybody_is_filled() {
        let expected = Course {
            acting: 1,
            full: 0,
            leads: 0b100,
            fills: 0b100,
        };
        assert_eq!(course(&[1, 2, 0], 2, &[0b011, 0b100]), Some(expected));
    }

    #[test]
    fn without_a_whole_copy_all_parts_are_put_together() {
        let expected = Course {
            acting: 1,
            full: 0,
            leads: 0b001,
            fills: 0b100,
        };
        assert_eq!(course(&[1, 2, 0], 2, &[0b001, 0b010]), Some(expected));
    }
}
