//! An application that reads and writes all the time, and looks every second who is the master of what.

use std::collections::BTreeMap;

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Writes a second to each namespace, and as many reads; none if it rests.
    pub rate: Option<u64>,
    /// Milliseconds between two looks at the partition maps.
    pub tend: u64,
    /// When it looks again.
    pub next_tend: u64,
    /// Whether there is something new to see.
    pub stale: bool,
    masters: BTreeMap<String, Vec<u8>>,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            rate: Some(1000),
            tend: 1000,
            next_tend: 0,
            stale: false,
            masters: BTreeMap::new(),
        }
    }
}

impl Client {
    /// The masters changed at `now`; it sees that when its time has come.
    pub fn outdate(&mut self, now: u64) {
        if !self.stale {
            self.stale = true;
            self.next_tend = now + self.tend;
        }
    }

    /// Partitions that it would ask a store about.
    pub fn expects(&self, namespace: &str, place: u8) -> usize {
        let masters = self.masters.get(namespace).filter(|_| self.rate.is_some());
        masters.map_or(0, |masters| count(masters, place))
    }

    /// A store is no more.
    pub fn forget(&mut self, namespace: &str, place: u8) {
        for master in self.masters.get_mut(namespace).into_iter().flatten() {
            if *master == place {
                *master = u8::MAX;
            }
        }
    }

    /// What it sees of a namespace.
    pub fn see(&mut self, namespace: &str, masters: impl Iterator<Item = u8>) {
        let known = self.masters.entry(namespace.to_owned()).or_default();
        known.clear();
        known.extend(masters);
    }

    /// Operations of `milliseconds` on a store.
    pub fn operations(&self, namespace: &str, place: u8, milliseconds: u64) -> u64 {
        let (Some(rate), Some(masters)) = (self.rate, self.masters.get(namespace)) else {
            return 0;
        };
        let share = count(masters, place) as u64;
        (rate * milliseconds * share).div_ceil(1000 * masters.len().max(1) as u64)
    }
}

fn count(masters: &[u8], place: u8) -> usize {
    masters.iter().filter(|master| **master == place).count()
}
