//! What was found, as text for people or as JSON for programs.

use std::fmt::Write;

use serde::Serialize;

use super::engine::{Entry, Severity};

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A line a finding, as compilers write them, and a summary.
    #[default]
    Text,
    /// An array of objects.
    Json,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each with the name of its file.
    pub entries: Vec<(String, Entry)>,
    /// Clusters that were judged.
    pub clusters: usize,
    /// Clusters that the rules could not be asked about.
    pub partial: usize,
    /// Objects of other kinds, which were passed over.
    pub others: usize,
}

#[derive(Serialize)]
struct Record<'a> {
    severity: &'static str,
    code: &'static str,
    field: String,
    reason: Option<&'static str>,
    message: &'a str,
    file: &'a str,
    line: u64,
}

impl Report {
    /// Whether a cluster would be refused.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// As `output` asks for it, with the last line's end.
    #[must_use]
    pub fn render(&self, output: Output) -> String {
        match output {
            Output::Text => self.text(),
            Output::Json => self.json(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let entries = self.entries.iter();
        entries
            .filter(|(_, entry)| entry.severity == severity)
            .count()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (file, entry) in &self.entries {
            let Entry { at, code, path, .. } = entry;
            let (severity, message) = (entry.severity.as_str(), &entry.message);
            let line = format!(
                "{file}:{}:{}: {severity}: {path}: {message} [{code}]",
                at.line, at.column
            );
            text.extend([&printable(&line), "\n"]);
        }
        text + &self.summary() + "\n"
    }

    fn summary(&self) -> String {
        let mut text = format!(
            "{}: {}, {}",
            counted(self.clusters, "cluster"),
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning"),
        );
        if self.partial > 0 {
            let clusters = counted(self.partial, "cluster");
            write!(text, "; the shape of {clusters} is wrong: mend that first, then the other rules can be asked")
                .expect("a String takes everything");
        }
        text
    }

    fn json(&self) -> String {
        let records: Vec<_> = self
            .entries
            .iter()
            .map(|(file, entry)| record(file, entry))
            .collect();
        let text = serde_json::to_string_pretty(&records);
        text.expect("strings and numbers have a JSON form") + "\n"
    }
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

fn record<'a>(file: &'a str, entry: &'a Entry) -> Record<'a> {
    Record {
        severity: entry.severity.as_str(),
        code: entry.code,
        field: entry.path.to_string(),
        reason: entry.reason.map(crate::finding::Reason::cause),
        message: &entry.message,
        file,
        line: entry.at.line,
    }
}

/// `1 cluster`, `2 clusters`.
pub(super) fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// On one line, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        finding::{FieldPath, Reason},
        validate::places::Position,
    };

    fn entry(severity: Severity, reason: Option<Reason>) -> (String, Entry) {
        let entry = Entry {
            severity,
            code: "X-1",
            path: FieldPath::spec().child("size"),
            reason,
            message: "is\nbad\u{1b}[31m".to_owned(),
            at: Position { line: 3, column: 5 },
        };
        ("a.yaml".to_owned(), entry)
    }

    fn report() -> Report {
        Report {
            entries: vec![
                entry(Severity::Error, Some(Reason::Invalid)),
                entry(Severity::Warning, None),
            ],
            clusters: 2,
            partial: 1,
            others: 4,
        }
    }

    #[test]
    fn text_is_a_line_a_finding_and_a_summary() {
        assert_eq!(
            report().render(Output::Text),
            "a.yaml:3:5: error: spec.size: is\u{fffd}bad\u{fffd}[31m [X-1]\n\
             a.yaml:3:5: warning: spec.size: is\u{fffd}bad\u{fffd}[31m [X-1]\n\
             2 clusters: 1 error, 1 warning; the shape of 1 cluster is wrong: mend that first, then the other rules can be \
             asked\n"
        );
        assert_eq!(
            Report::default().render(Output::Text),
            "0 clusters: 0 errors, 0 warnings\n"
        );
    }

    #[test]
    fn json_is_an_array_of_findings() {
        let text = report().render(Output::Json);
        let record = |severity: &str, reason: Value| {
            json!({"severity": severity, "code": "X-1", "field": "spec.size", "reason": reason,
                "message": "is\nbad\u{1b}[31m", "file": "a.yaml", "line": 3})
        };
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!([
                record("error", json!("FieldValueInvalid")),
                record("warning", Value::Null)
            ])
        );
        assert_eq!(Report::default().render(Output::Json), "[]\n");
    }
}
