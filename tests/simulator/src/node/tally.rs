//! Rates.

/// How often something happened, in all and lately.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// In all.
    pub total: u64,
    slice: u64,
    now: u64,
    before: u64,
}

impl Tally {
    /// Milliseconds over which the rate is told.
    const SLICE: u64 = 10_000;

    /// Once more.
    pub fn count(&mut self, now: u64) {
        self.count_many(now, 1);
    }

    /// So many times more.
    pub fn count_many(&mut self, now: u64, times: u64) {
        self.turn(now);
        self.total += times;
        self.now += times;
    }

    /// A second, in the last ten to twenty of them; none if nothing happened.
    #[must_use]
    pub fn rate(mut self, now: u64) -> Option<u64> {
        self.turn(now);
        let lately = self.now + self.before;
        (lately > 0).then(|| (lately * 1000 / Self::SLICE).max(1))
    }

    fn turn(&mut self, now: u64) {
        let slice = now / Self::SLICE;
        match slice.saturating_sub(self.slice) {
            0 => return,
            1 => self.before = self.now,
            _ => self.before = 0,
        }
        (self.now, self.slice) = (0, slice);
    }
}
