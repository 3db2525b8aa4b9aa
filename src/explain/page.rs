//! The page of a rule, and the list of all, in Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::{
    examples::{self, Example},
    table::{self, Place, Rule},
};
use crate::validate::engine::{Entry, Opinion};

/// The page of `rule`.
#[must_use]
pub fn of(rule: &Rule) -> String {
    let mut page = format!("# {}: {}\n\n{}\n\n", rule.code, rule.holds, rule.why);
    page.extend([
        "- Checked by: ",
        checked(rule),
        "\n- AKO: ",
        &counterpart(rule),
        "\n",
    ]);
    if let Some(example) = examples::of(rule.code) {
        page.push_str(&shown(example));
    }
    page
}

const fn checked(rule: &Rule) -> &'static str {
    match rule.place {
        Place::Rule => "the admission webhook, the controller before it rolls out, and `validate`.",
        Place::Schema => "the API server, by the definition's schema, and `validate`.",
        Place::Nowhere => "nothing here; the code stands for a rule of AKO.",
    }
}

fn counterpart(rule: &Rule) -> String {
    match (rule.section, rule.note) {
        (None, "") => "has no such rule.".to_owned(),
        (None, note) => format!("has no such rule. Note: {note}."),
        (Some(_), "") => "has the same rule.".to_owned(),
        (Some(_), note) => format!("has this rule; here: {note}."),
    }
}

fn shown(example: &Example) -> String {
    let mut text = String::from("\n## Example\n\n");
    if let Some(level) = &example.pod_policy {
        write!(
            text,
            "Where the operator runs with `--pod-policy={level}`. "
        )
        .expect(STRING);
    }
    text.push_str("In a cluster that is otherwise in order (`null`: left out");
    match &example.old {
        Some(old) => text.extend(["), when this runs:\n\n", &yaml(old), "\nthis change is "]),
        None => text.push_str("), this is "),
    }
    let opinion = example.judge(&example.bad);
    text.extend([
        verdict(&opinion),
        ":\n\n",
        &yaml(&example.bad),
        "\n",
        &said(&opinion),
    ]);
    if let Some(good) = &example.good {
        let what = if example.old.is_some() {
            "and this change is accepted"
        } else {
            "and this is accepted"
        };
        text.extend(["\n", what, ":\n\n", &yaml(good)]);
    }
    text
}

const STRING: &str = "a String takes everything";

fn verdict(opinion: &Opinion) -> &'static str {
    if opinion.entries.iter().any(|entry| entry.reason.is_some()) {
        "refused"
    } else {
        "accepted with a warning"
    }
}

fn yaml(value: &Value) -> String {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        return "```yaml\n# the cluster as it is\n```\n".to_owned();
    }
    let text = serde_saphyr::to_string(value).expect("a JSON value has a YAML form");
    format!("```yaml\n{}\n```\n", text.trim_end())
}

fn said(opinion: &Opinion) -> String {
    let lines = opinion.entries.iter().map(|entry| {
        let Entry {
            severity,
            path,
            message,
            code,
            ..
        } = entry;
        format!("{}: {path}: {message} [{code}]\n", severity.as_str())
    });
    let lines: String = lines.collect();
    format!("```text\n{lines}```\n")
}

/// The list of all rules.
#[must_use]
pub fn index() -> String {
    let (checked, all) = (
        table::rules().filter(|rule| rule.place != Place::Nowhere),
        table::rules(),
    );
    let checked: Vec<_> = checked.collect();
    let with = |has: fn(&Example) -> bool| {
        let examples = checked.iter().filter_map(|rule| examples::of(rule.code));
        examples.filter(|example| has(example)).count()
    };
    let mut page = format!(
        "# Rules\n\nBy these {} rules a cluster is judged. {} of their pages show what breaks them, {} also what keeps them. \
         The other codes stand for rules of AKO that have no place here.\n\n| code | what holds when it is silent |\n|---|---|\n",
        checked.len(),
        with(|_| true),
        with(|example| example.good.is_some()),
    );
    for rule in all {
        writeln!(page, "| [{0}]({0}.md) | {1} |", rule.code, rule.holds).expect(STRING);
    }
    page
}
