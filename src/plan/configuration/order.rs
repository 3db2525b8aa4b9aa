//! The order of changes at run time: a server checks each by itself, and refuses what does not fit what it has then.

/// When a change that raises a setting comes, and when one that lowers it; switched on is more than switched off. What is
/// not here comes at [`BETWEEN`].
const ORDER: &[(&str, u8, u8)] = &[
    // Without either of these, records may not expire.
    ("nsup-period", 0, 3),
    ("allow-ttl-without-nsup", 0, 3),
    // It may be a third of the time after which a node counts as lost, at most.
    ("heartbeat.connect-timeout-ms", 3, 0),
    ("heartbeat.interval", 1, 2),
    ("heartbeat.timeout", 1, 2),
];
/// Histograms change their unit only while all of these are off.
const BENCHMARKS: (&str, u8, u8) = ("enable-benchmarks-", 3, 0);

const BETWEEN: u8 = 1;

/// The place of a change of `setting`, as commands name it.
#[must_use]
pub fn place(setting: &str, from: &str, to: &str) -> u8 {
    let row = if setting.starts_with(BENCHMARKS.0) {
        Some(&BENCHMARKS)
    } else {
        ORDER.iter().find(|(name, ..)| *name == setting)
    };
    let rises = size(to) > size(from);
    row.map_or(
        BETWEEN,
        |(_, rising, falling)| {
            if rises { *rising } else { *falling }
        },
    )
}

fn size(value: &str) -> i128 {
    let flag = i128::from(value.eq_ignore_ascii_case("true"));
    value.parse().unwrap_or(flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of changes in the order in which they are made.
    fn ordered<'a>(changes: &[(&'a str, &str, &str)]) -> Vec<&'a str> {
        let mut changes = changes.to_vec();
        changes.sort_by_key(|(name, from, to)| place(name, from, to));
        changes.into_iter().map(|(name, ..)| name).collect()
    }

    #[test]
    fn records_expire_only_while_something_removes_them() {
        let on = [("default-ttl", "0", "60"), ("nsup-period", "0", "120")];
        assert_eq!(ordered(&on), ["nsup-period", "default-ttl"]);
        let off = [("nsup-period", "120", "0"), ("default-ttl", "60", "0")];
        assert_eq!(ordered(&off), ["default-ttl", "nsup-period"]);
        let allowed = [
            ("default-ttl", "0", "1"),
            ("allow-ttl-without-nsup", "false", "true"),
        ];
        assert_eq!(ordered(&allowed), ["allow-ttl-without-nsup", "default-ttl"]);
    }

    #[test]
    fn connecting_never_takes_longer_than_a_node_may_be_silent() {
        let (connect, interval, timeout) = (
            "heartbeat.connect-timeout-ms",
            "heartbeat.interval",
            "heartbeat.timeout",
        );
        let slower = [
            (connect, "500", "900"),
            (timeout, "20", "10"),
            (interval, "150", "300"),
        ];
        assert_eq!(ordered(&slower), [interval, timeout, connect]);
        let faster = [(interval, "150", "50"), (connect, "500", "100")];
        assert_eq!(ordered(&faster), [connect, interval]);
    }

    #[test]
    fn histograms_change_their_unit_while_none_is_filled() {
        let read = "enable-benchmarks-read";
        let unit = "microsecond-histograms";
        let on = [(read, "false", "true"), (unit, "false", "true")];
        assert_eq!(ordered(&on), [unit, read]);
        let off = [(unit, "false", "true"), (read, "true", "false")];
        assert_eq!(ordered(&off), [read, unit]);
    }
}
