//! Which kinds of transactions a server still serves, from its rates.

/// The histograms of single records that show transactions, such as `{test}-read`. Others, such as those of batches,
/// are fed by what a node does for its peers too.
#[must_use]
pub fn busy(text: &str) -> Vec<String> {
    let histograms = text.split(';').filter_map(|entry| entry.split_once(':'));
    histograms
        .filter(|(name, rates)| counts(name) && rate(rates) > 0.0)
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn counts(name: &str) -> bool {
    name.starts_with('{')
        && (name.ends_with("-read") || name.ends_with("-write"))
        && !name.contains("-batch-sub-")
}

/// Transactions a second: the second of `msec,<rate>,…`; nothing follows the name of one that is idle.
fn rate(rates: &str) -> f64 {
    let rate = rates.split(',').nth(1);
    rate.and_then(|rate| rate.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_server_has_no_busy_histogram() {
        let idle = "batch-index:;{test}-read:;{test}-write:msec,0.0,0.00,0.00;{test}-udf:";
        assert_eq!(busy(idle), [""; 0]);
        assert_eq!(busy(""), [""; 0]);
    }

    #[test]
    fn reads_and_writes_of_single_records_count() {
        let text = "batch-index:msec,9.0,0.00;{test}-read:msec,12.5,0.00;{test}-batch-sub-read:msec,3.0,0.00;\
                    {bar}-write:msec,0.1,0.00";
        assert_eq!(busy(text), ["{test}-read", "{bar}-write"]);
    }
}
