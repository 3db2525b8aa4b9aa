//! What was found, in the forms in which people and programs read it.

mod excerpt;
mod github;
mod json;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

use std::{fmt::Write, rc::Rc};

use super::{
    engine::{Entry, Severity},
    gather::Unreadable,
    source::Source,
};
pub use text::unreadable;

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A line a finding with an excerpt, as compilers write them, and a summary.
    #[default]
    Text,
    /// An array of objects.
    Json,
    /// SARIF 2.1.0, as code scanners read it.
    Sarif,
    /// Commands of GitHub's workflows, which become annotations.
    Github,
}

/// Something that is said about an object of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The text that holds the object.
    pub source: Rc<Source>,
    /// What is said.
    pub entry: Entry,
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is said, in the order of the texts.
    pub remarks: Vec<Remark>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Clusters that were judged.
    pub clusters: usize,
    /// Clusters that the rules could not be asked about.
    pub partial: usize,
    /// Objects of other kinds, which were passed over.
    pub others: usize,
}

/// How a report looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// With the colours of a terminal.
    pub colours: bool,
    /// The address below which the rules' pages are (`ADDRESS/rules/CODE.md`).
    pub docs: Option<String>,
}

impl Look {
    /// The address of the page of a rule.
    fn page(&self, code: &str) -> Option<String> {
        let docs = self.docs.as_deref()?;
        Some(format!("{}/rules/{code}.md", docs.trim_end_matches('/')))
    }

    /// Where a rule is explained: the address of its page, or the command that prints it.
    fn help(&self, code: &str) -> String {
        self.page(code)
            .unwrap_or_else(|| format!("aerospike-operator rules {code}"))
    }
}

impl Output {
    /// Whether it is for programs, so that nothing else may stand on standard output.
    #[must_use]
    pub const fn is_data(self) -> bool {
        !matches!(self, Self::Text)
    }
}

impl Report {
    /// Whether a cluster would be refused.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// What is said, as `output` asks for it, each line with its end; without the summary.
    #[must_use]
    pub fn render(&self, output: Output, look: &Look) -> String {
        match output {
            Output::Text => text::render(self, look),
            Output::Json => json::render(self, look),
            Output::Sarif => sarif::render(self, look),
            Output::Github => github::render(self, look),
        }
    }

    /// How much was judged, and with what result, in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{}: {}, {}",
            counted(self.clusters, "cluster"),
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning"),
        );
        let mut add = |more: &str| write!(text, "; {more}").expect("a String takes everything");
        if !self.unreadable.is_empty() {
            let texts = counted(self.unreadable.len(), "text");
            add(&format!("{texts} cannot be read"));
        }
        if self.partial > 0 {
            let clusters = counted(self.partial, "cluster");
            add(&format!(
                "the shape of {clusters} is wrong: mend that first, then the other rules can be asked"
            ));
        }
        let severities = [Severity::Error, Severity::Warning];
        if let Some(first) = severities.iter().find_map(|it| self.of(*it).next()) {
            let (code, severity) = (first.entry.code, first.entry.severity.as_str());
            add(&format!(
                "`aerospike-operator rules {code}` explains the first {severity}"
            ));
        }
        text
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Remark> {
        let remarks = self.remarks.iter();
        remarks.filter(move |remark| remark.entry.severity == severity)
    }

    fn count(&self, severity: Severity) -> usize {
        self.of(severity).count()
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

/// `1 cluster`, `2 clusters`.
pub(super) fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
