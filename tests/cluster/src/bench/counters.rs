//! Counters in the text that servers tell their metrics in: pure.

/// The sum over all samples of a counter whose labels include these.
#[must_use]
pub fn sum(metrics: &str, counter: &str, labels: &[(&str, &str)]) -> f64 {
    let samples = metrics.lines().filter_map(|line| sample(line, counter));
    samples
        .filter(|(found, _)| labels.iter().all(|label| has(found, *label)))
        .map(|(_, value)| value)
        .sum()
}

/// Labels and value of a line, if it is about this counter.
fn sample<'a>(line: &'a str, counter: &str) -> Option<(&'a str, f64)> {
    let rest = line.strip_prefix(counter)?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => rest.rsplit_once("} ")?,
        None => ("", rest.strip_prefix(' ')?),
    };
    let value = value.split(' ').next()?;
    Some((labels, value.parse().ok()?))
}

fn has(labels: &str, (name, value): (&str, &str)) -> bool {
    let wanted = format!("{name}=\"{value}\"");
    labels
        .match_indices(&wanted)
        .any(|(at, _)| at == 0 || labels.as_bytes()[at - 1] == b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "# HELP calls Calls.\n# TYPE calls counter\n\
        calls{schema=\"a\",level=\"low\"} 3\n\
        calls{schema=\"b\",level=\"low\"} 4\n\
        calls{level=\"low\",xschema=\"a\"} 100\n\
        calls_total 50\n\
        passes_total 7\n";

    #[test]
    fn samples_with_the_labels_are_added() {
        let labels = [("schema", "a"), ("level", "low"), ("schema", "c")];
        let sums: Vec<_> = labels
            .into_iter()
            .map(|label| sum(METRICS, "calls", &[label]))
            .collect();
        assert_eq!(sums, [3.0, 107.0, 0.0]);
    }

    #[test]
    fn a_counter_without_labels_is_read_and_a_longer_name_is_another_counter() {
        let counters = ["passes_total", "calls", "other"];
        let sums: Vec<_> = counters
            .into_iter()
            .map(|counter| sum(METRICS, counter, &[]))
            .collect();
        assert_eq!(sums, [7.0, 107.0, 0.0]);
    }
}
