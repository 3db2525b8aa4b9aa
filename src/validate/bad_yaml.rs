//! Why a text is no manifest, told to somebody who wrote YAML and not its reader.

use super::places::Position;

/// Why a text is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadYaml {
    /// Where, if that is known.
    pub at: Option<Position>,
    /// What is wrong, and what to do about it.
    pub message: String,
}

/// What begins the templates of Helm.
const TEMPLATE: &str = "{{";
const OF_A_TEMPLATE: &str = "`{{` begins a template: judge what `helm template` makes of the chart";

/// What the reader says, and what it mostly is that it stumbled over.
const NEXT_STEPS: &[(&str, &str)] = &[
    ("tabs disallowed", "indent with spaces"),
    (
        "expected '-' indicator",
        "line it up with the other members of its item, or begin an item with `- `",
    ),
    (
        "did not find expected key",
        "line it up with the other members of its section, or with the `-` of the list",
    ),
    (
        "mapping values are not allowed",
        "line it up with the other members of its section; a space belongs after each colon, on the line before too",
    ),
    (
        "quoted scalar",
        "close the quote that was opened on a line before",
    ),
    ("duplicate mapping key", "give it once"),
];

impl BadYaml {
    /// What is told of what the reader says about `text`.
    pub(super) fn of(error: &serde_saphyr::Error, text: &str) -> Self {
        let at = error.location().map(Position::from);
        let message = error.without_snippet().to_string();
        let line = message.lines().next().unwrap_or_default();
        // What the reader adds for programmers, and the place that is told apart.
        let told = [" at line ", ", set DuplicateKeyPolicy"]
            .iter()
            .fold(line, |told, tail| told.split(tail).next().unwrap_or(told));
        Self {
            at,
            message: explained(told, line_at(text, at).unwrap_or_default()),
        }
    }
}

fn line_at(text: &str, at: Option<Position>) -> Option<&str> {
    let index = usize::try_from(at?.line).ok()?.checked_sub(1)?;
    text.lines().nth(index)
}

fn explained(told: &str, line: &str) -> String {
    if line.contains(TEMPLATE) {
        return OF_A_TEMPLATE.to_owned();
    }
    let step = NEXT_STEPS.iter().find(|(said, _)| told.contains(said));
    step.map_or_else(|| told.to_owned(), |(_, step)| format!("{told}: {step}"))
}

#[cfg(test)]
mod tests {
    use crate::validate::manifest::read;

    fn told(text: &str) -> (u64, String) {
        let bad = read(text).unwrap_err();
        (bad.at.unwrap().line, bad.message)
    }

    #[test]
    fn slips_are_told_with_the_next_step() {
        let cases = [
            ("a:\n\t- b\n", 2, "indent with spaces"),
            ("a:\n  - b: 1\n   c: 2\n", 3, "line it up"),
            ("a:\n  - b: 1\n    c: 2\n   d: 3\n", 4, "line it up"),
            (
                "a:\n  - b: 1\n  c:\n    - d\n",
                3,
                "begin an item with `- `",
            ),
            ("a:\n  b:2\n  c: 3\n", 3, "a space belongs after each colon"),
            ("a: \"b\nc: d\n", 2, "close the quote"),
            ("a: {{ .Values.a }}\n", 1, "`helm template`"),
            ("a: 1\na: 2\n", 2, "duplicate mapping key: a: give it once"),
        ];
        for (text, line, step) in cases {
            let (at, told) = told(text);
            assert!(at == line && told.contains(step), "{text}: {at}: {told}");
        }
    }

    #[test]
    fn nothing_is_told_that_is_for_programmers() {
        for text in ["a: 1\na: 2\n", "a: [1\nb: 2\n", "a\nb: 1\n"] {
            let (_, told) = told(text);
            assert!(
                !told.contains("Options") && !told.contains(" at line "),
                "{told}"
            );
        }
    }
}
