//! For people: a line a finding as compilers write them, and below it the line that it is about.

use std::fmt::Display;

use super::{Look, Remark, Report, excerpt};
use crate::validate::engine::{Entry, Severity};

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
    let Some(excerpt) = excerpt::at(&remark.source.text, *at) else {
        return head;
    };
    let caret = "^".repeat(excerpt.length);
    let caret = paint(Colour::Green, &caret);
    let (line, margin) = (at.line, " ".repeat(at.line.to_string().len()));
    let before = " ".repeat(excerpt.before);
    format!(
        "{head}  {line} | {}\n  {margin} | {before}{caret}\n",
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
