//! The table of all rules, `rules.tsv` of the admission and why each exists, `why.tsv`, as it is told to people.

use std::{collections::BTreeMap, sync::LazyLock};

/// Where a rule is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By the admission webhook, by the controller before it rolls out, and by `validate`.
    Rule,
    /// By the API server, by the definition's schema, and by `validate`.
    Schema,
    /// Nowhere: AKO has it, and here something else takes its place.
    Nowhere,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id, stable over releases.
    pub code: &'static str,
    /// The section of AKO's rules in which its counterpart is; none for a rule that AKO has not.
    pub section: Option<&'static str>,
    /// Where it is checked.
    pub place: Place,
    /// What holds when it is silent.
    pub holds: &'static str,
    /// Why it is not checked, or how it deviates; may be empty.
    pub note: &'static str,
    /// Why it exists; from `why.tsv`.
    pub why: &'static str,
}

static REASONS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("why.tsv").lines();
    lines.filter_map(|line| line.split_once('\t')).collect()
});

static TABLE: LazyLock<BTreeMap<&'static str, Rule>> = LazyLock::new(|| {
    let lines = include_str!("../admission/rules.tsv").lines().skip(1);
    lines
        .filter_map(row)
        .map(|rule| (rule.code, rule))
        .collect()
});

fn row(line: &'static str) -> Option<Rule> {
    let cells: Vec<_> = line.split('\t').collect();
    let [code, section, place, holds, note] = cells[..] else {
        return None;
    };
    let place = match place {
        "rule" => Place::Rule,
        "schema" => Place::Schema,
        _ => Place::Nowhere,
    };
    Some(Rule {
        code,
        section: (section != "own").then_some(section),
        place,
        holds,
        note,
        why: REASONS.get(code).copied().unwrap_or_default(),
    })
}

/// Every rule, by code.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    TABLE.values()
}

/// The rule with this code, however its letters are written.
#[must_use]
pub fn rule(code: &str) -> Option<&'static Rule> {
    let found = TABLE.get(code);
    found.or_else(|| rules().find(|rule| rule.code.eq_ignore_ascii_case(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_rule() {
        let lines = include_str!("../admission/rules.tsv").lines().count();
        assert_eq!(rules().count(), lines - 1);
    }

    #[test]
    fn every_rule_says_why_it_exists_and_no_other() {
        let silent: Vec<_> = rules()
            .filter(|rule| rule.why.is_empty())
            .map(|rule| rule.code)
            .collect();
        assert_eq!(silent, [""; 0], "without a line in why.tsv");
        assert_eq!(REASONS.len(), rules().count());
        assert_eq!(include_str!("why.tsv").lines().count(), REASONS.len());
    }

    #[test]
    fn a_rule_is_found_however_its_code_is_written() {
        assert_eq!(rule("def-10A").map(|rule| rule.code), Some("DEF-10a"));
        assert_eq!(rule("NS-99"), None);
    }
}
