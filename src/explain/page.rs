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
    match (examples::of(rule.code), examples::why_none(rule.code)) {
        (Some(example), _) => page.push_str(&shown(example)),
        (None, Some(why)) => page.extend(["\n## Example\n\n", why, "\n"]),
        (None, None) => {}
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
    if let Some(code) = &example.schema_code {
        text.extend(["\n", &spoken_before(code)]);
    }
    let what = if example.old.is_some() {
        "and this change is accepted"
    } else {
        "and this is accepted"
    };
    text.extend(["\n", what, ":\n\n", &yaml(&example.good)]);
    text
}

/// Why the code of the page is not the one in the answer.
fn spoken_before(code: &str) -> String {
    format!(
        "The schema speaks first, as {code}. The rule itself speaks where the schema was not asked: the controller \
         judges what is stored, which may have come in under another definition.\n"
    )
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
    let checked = table::rules().filter(|rule| rule.place != Place::Nowhere);
    let mut page = format!(
        "# Rules\n\nBy these {} rules a cluster is judged. Each page says why the rule exists, shows what breaks and what keeps \
         it, and names its counterpart in AKO. The other codes stand for rules of AKO that have no place here; their pages say \
         why.\n\n| code | what holds when it is silent |\n|---|---|\n",
        checked.count(),
    );
    for rule in table::rules() {
        writeln!(page, "| [{0}]({0}.md) | {1} |", rule.code, rule.holds).expect(STRING);
    }
    page
}
