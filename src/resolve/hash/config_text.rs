//! The configuration as its hash sees it: blind to the rack's number, and to how benchmark flags are spelled.

use crate::config::render::BENCHMARKS;

const RACK_ID: &str = "rack-id";

/// `template` with the first rack id, and the first of each benchmark flag, in one form wherever the same text stands.
pub(super) fn normalised(template: &str) -> String {
    let digits = |rest: &str| rest.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1);
    let mut text = replaced(template, RACK_ID, digits, "rack-id    0");
    for flag in BENCHMARKS {
        let truth = |rest: &str| rest.rfind("true").map(|at| at + "true".len());
        text = replaced(&text, flag, truth, flag);
    }
    text
}

/// Finds the first `word` that `end` can complete in the rest of its line, and replaces that very text everywhere.
fn replaced(
    text: &str,
    word: &str,
    end: impl Fn(&str) -> Option<usize>,
    replacement: &str,
) -> String {
    let found = text.match_indices(word).find_map(|(at, _)| {
        let rest = text[at + word.len()..].lines().next().unwrap_or_default();
        let length = end(rest)?;
        Some(&text[at..at + word.len() + length])
    });
    match found {
        Some(found) => text.replace(found, replacement),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rack_id_does_not_count() {
        let text = "namespace a {\n    rack-id    12\n}\nnamespace b {\n    rack-id    12\n}\n";
        assert_eq!(normalised(text), text.replace("12", "0"));
    }

    #[test]
    fn a_second_rack_id_of_another_number_stays() {
        let text = "rack-id    1\nrack-id    2\n";
        assert_eq!(normalised(text), "rack-id    0\nrack-id    2\n");
    }

    #[test]
    fn a_longer_number_that_begins_alike_is_caught_too() {
        assert_eq!(
            normalised("rack-id    1\nrack-id    12\n"),
            "rack-id    0\nrack-id    02\n"
        );
    }

    #[test]
    fn a_benchmark_flag_is_the_same_with_and_without_its_value() {
        assert_eq!(
            normalised(
                "    enable-benchmarks-read    true\n    enable-benchmarks-udf-sub    true\n"
            ),
            "    enable-benchmarks-read\n    enable-benchmarks-udf\n"
        );
        let without = "    enable-benchmarks-read\n    x    true\n";
        assert_eq!(normalised(without), without);
    }
}
