//! How much of its space a server's namespace uses, over the names of all versions.

use super::list::{self, Pairs};

/// Space of one server for one namespace, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Taken by records.
    pub used: u64,
    /// What may be taken before the server refuses writes.
    pub limit: u64,
}

/// Where a version says it: what is used, the whole, and the percentage of it at which writes stop.
const NAMES: [(&str, &str, &str); 3] = [
    (
        "data_used_bytes",
        "data_total_bytes",
        "stop-writes-used-pct",
    ),
    ("device_used_bytes", "device_total_bytes", "stop-writes-pct"),
    ("memory_used_bytes", "memory-size", "stop-writes-pct"),
];
/// The servers' default of the percentage from 7.0 on; older ones stop later.
const STOPS_AT: u64 = 70;

impl Room {
    /// The room in the statistics of a namespace; none if they do not tell.
    ///
    /// # Errors
    ///
    /// When something is there and no number.
    pub fn parse(pairs: &Pairs<'_>) -> Result<Option<Self>, list::Error> {
        for (used, total, stops_at) in NAMES {
            let (used, total) = (pairs.optional_number(used)?, pairs.optional_number(total)?);
            let percent = pairs.optional_number(stops_at)?.unwrap_or(STOPS_AT);
            if let (Some(used), Some(total @ 1..)) = (used, total) {
                let limit = total / 100 * percent.min(100);
                return Ok(Some(Self { used, limit }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(text: &str) -> Option<(u64, u64)> {
        let room = Room::parse(&Pairs::new(text)).unwrap()?;
        Some((room.used, room.limit))
    }

    #[test]
    fn every_version_tells_it_by_other_names() {
        let new = "data_used_bytes=10;data_total_bytes=1000;stop-writes-used-pct=80";
        assert_eq!(room(new), Some((10, 800)));
        let device =
            "memory_used_bytes=1;memory-size=9000;device_used_bytes=20;device_total_bytes=1000";
        assert_eq!(room(device), Some((20, 700)));
        let memory =
            "memory_used_bytes=30;memory-size=1000;device_total_bytes=0;stop-writes-pct=90";
        assert_eq!(room(memory), Some((30, 900)));
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        assert_eq!(room("objects=3"), None);
        assert_eq!(room("data_used_bytes=3;data_total_bytes=0"), None);
        assert!(Room::parse(&Pairs::new("data_used_bytes=x")).is_err());
    }
}
