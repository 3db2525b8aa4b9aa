//! For people: a line a finding as compilers write them, and below it the line that it is about.

use std::fmt::Display;

use super::{Look, Remark, Report, excerpt};
use crate::validate::{
    engine::{Entry, Severity},
    gather::Unreadable,
    places::Position,
};

/// What a terminal takes for a colour.
#[derive(Clone, Copy)]
enum Colour {
    Bold,
    Red,
    Yellow,
    Green,
}

impl Colour {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Red => "1;31",
            Self::Yellow => "1;33",
            Self::Green => "1;32",
        }
    }
}

pub fn render(report: &Report, look: &Look) -> String {
    let remarks = report.remarks.iter();
    remarks
        .map(|remark| finding(remark, look.colours))
        .collect()
}

fn finding(remark: &Remark, colours: bool) -> String {
    let Entry {
        at,
        code,
        path,
        message,
        severity,
        ..
    } = &remark.entry;
    let paint = |colour, text: &dyn Display| painted(colours, colour, text);
    let place = format!(
        "{}:{}:{}:",
        printable(&remark.source.name),
        at.line,
        at.column
    );
    let head = format!(
        "{} {} {}: {} {}\n",
        paint(Colour::Bold, &place),
        paint(colour(*severity), &format_args!("{}:", severity.as_str())),
        printable(&path.to_string()),
        printable(message),
        paint(Colour::Bold, &format_args!("[{code}]")),
    );
    head + &excerpt(&remark.source.text, *at, colours)
}

/// What could not be read, and the line at which that was found out.
#[must_use]
pub fn unreadable(unreadable: &Unreadable) -> String {
    let text = &unreadable.source.text;
    let excerpt = unreadable.at.map(|at| excerpt(text, at, false));
    format!(
        "{}\n{}",
        printable(&unreadable.to_string()),
        excerpt.unwrap_or_default()
    )
}

/// The line at `at` with a caret below; nothing if there is nothing to show.
fn excerpt(text: &str, at: Position, colours: bool) -> String {
    let Some(excerpt) = excerpt::at(text, at) else {
        return String::new();
    };
    let caret = "^".repeat(excerpt.length);
    let caret = painted(colours, Colour::Green, &caret);
    let (line, margin) = (at.line, " ".repeat(at.line.to_string().len()));
    let before = " ".repeat(excerpt.before);
    format!(
        "  {line} | {}\n  {margin} | {before}{caret}\n",
        excerpt.line
    )
}

const fn colour(severity: Severity) -> Colour {
    match severity {
        Severity::Error => Colour::Red,
        Severity::Warning => Colour::Yellow,
    }
}

fn painted(colours: bool, colour: Colour, text: &dyn Display) -> String {
    if colours {
        format!("\u{1b}[{}m{text}\u{1b}[0m", colour.code())
    } else {
        text.to_string()
    }
}

/// On one line, without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(excerpt::printable).collect()
}
