//! Time: as the wall shows it at start, and from then on without jumps.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    wall: u64,
}

impl Clock {
    /// Set by the system's.
    #[must_use]
    pub fn set() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            start: Instant::now(),
            wall: milliseconds(wall),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(self) -> u64 {
        self.wall + milliseconds(self.start.elapsed())
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
