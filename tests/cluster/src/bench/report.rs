//! Figures and what is written about them: pure.

use std::fmt::Write as _;

use super::surroundings::Surroundings;

/// Something that was measured some times.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it says.
    pub what: String,
    /// What it counts.
    pub unit: &'static str,
    /// Every measured value.
    pub values: Vec<f64>,
    /// What we aim at.
    pub aim: &'static str,
    /// The same of AKO, where known.
    pub ako: &'static str,
}

impl Figure {
    /// A figure that nothing is known to compare with.
    #[must_use]
    pub fn new(what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self {
            what: what.into(),
            unit,
            values,
            aim: "",
            ako: "",
        }
    }

    /// With what we aim at.
    #[must_use]
    pub fn aim(self, aim: &'static str) -> Self {
        Self { aim, ..self }
    }

    /// With AKO's figure.
    #[must_use]
    pub fn ako(self, ako: &'static str) -> Self {
        Self { ako, ..self }
    }
}

/// How a measurement ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With figures, and with what must be known to read them.
    Measured(Vec<Figure>, Vec<String>),
    /// Not begun, and why.
    Skipped(String),
    /// Broken off, and why.
    Failed(String),
}

/// A measurement as it is reported.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What it is about.
    pub title: &'static str,
    /// How it was measured.
    pub method: &'static str,
    /// What came out.
    pub outcome: Outcome,
}

impl Section {
    /// What went wrong, if something did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Failed(reason) => Some(format!("{}: {reason}", self.title)),
            Outcome::Measured(..) | Outcome::Skipped(_) => None,
        }
    }
}

/// The whole report.
#[must_use]
pub fn render(surroundings: &Surroundings, sections: &[Section]) -> String {
    let mut text = format!(
        "# Benchmarks\n\nWritten by `make bench`: speed and memory of the operator. Figures are medians with the least \
         and the greatest value of {} rounds. Figures of AKO are those known of version 4.5.0; this run did not \
         measure them.\n\n",
        super::ROUNDS
    );
    let about = surroundings.rows();
    text.push_str("| | |\n|---|---|\n");
    for (name, value) in &about {
        let _ = writeln!(text, "| {name} | {} |", cell(value));
    }
    for section in sections {
        let _ = write!(text, "\n## {}\n\n{}\n", section.title, section.method);
        text.push_str(&outcome(&section.outcome));
    }
    text
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(figures, notes) => {
            let table = format!("\n{}", table(figures));
            let notes = notes.iter().flat_map(|note| ["\n", note, "\n"]);
            std::iter::once(table.as_str()).chain(notes).collect()
        }
        Outcome::Skipped(reason) => format!("\nSkipped: {reason}.\n"),
        Outcome::Failed(reason) => format!("\nFailed: {reason}.\n"),
    }
}

fn table(figures: &[Figure]) -> String {
    let mut text = String::from(
        "| | median | min | max | aim | AKO 4.5.0 |\n|---|---:|---:|---:|---:|---:|\n",
    );
    for figure in figures {
        let unit = if figure.unit.is_empty() {
            String::new()
        } else {
            format!(", {}", figure.unit)
        };
        let numbers = [median, least, greatest].map(|of| shown(of(&figure.values)));
        let cells = [&numbers.join(" | "), figure.aim, figure.ako].join(" | ");
        let _ = writeln!(text, "| {}{unit} | {cells} |", cell(&figure.what));
    }
    text
}

/// A bar would end the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The one in the middle; between the two in the middle where there are two.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

fn greatest(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

/// Three digits that mean something, or all before the point.
fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn numbers_are_shown_with_the_digits_that_mean_something() {
        let shown = [0.123, 9.996, 12.34, 1234.5, 3.0].map(|value| shown(Some(value)));
        assert_eq!(shown, ["0.12", "10.00", "12.3", "1234", "3"]);
        assert_eq!(super::shown(None), "–");
    }

    #[test]
    fn a_table_has_a_row_a_figure() {
        let figures = [
            Figure::new("first|answer", "ms", vec![2.5, 1.5, 9.5])
                .aim("≤ 25")
                .ako("55"),
            Figure::new("ratio", "", vec![]),
        ];
        assert_eq!(
            table(&figures),
            "| | median | min | max | aim | AKO 4.5.0 |\n\
             |---|---:|---:|---:|---:|---:|\n\
             | first\\|answer, ms | 2.50 | 1.50 | 9.50 | ≤ 25 | 55 |\n\
             | ratio | – | – | – |  |  |\n"
        );
    }

    #[test]
    fn what_was_skipped_or_failed_says_why() {
        let section = |outcome| Section {
            title: "Calls",
            method: "How.",
            outcome,
        };
        let sections = [
            section(Outcome::Skipped("no cluster".into())),
            section(Outcome::Failed("broken".into())),
        ];
        let text = render(&Surroundings::default(), &sections);
        let (_, text) = text.split_once("\n## ").unwrap();
        assert_eq!(
            text,
            "Calls\n\nHow.\n\nSkipped: no cluster.\n\n## Calls\n\nHow.\n\nFailed: broken.\n"
        );
        let failures = sections.each_ref().map(Section::failure);
        assert_eq!(failures, [None, Some("Calls: broken".into())]);
    }

    #[test]
    fn notes_follow_the_table() {
        let text = outcome(&Outcome::Measured(vec![], vec!["Mind this.".into()]));
        assert!(text.ends_with("---:|\n\nMind this.\n"), "{text}");
    }
}
