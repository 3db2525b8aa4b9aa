//! For GitHub's workflows: a command a finding, which becomes an annotation of the changed file.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use super::{Look, Remark, Report, excerpt};
use crate::validate::{
    engine::{Entry, Severity},
    gather::Unreadable,
    places::Position,
    source::{STDIN, Source},
};

pub fn render(report: &Report, look: &Look) -> String {
    let unreadable = report.unreadable.iter().map(no_manifest);
    let remarks = report.remarks.iter();
    unreadable
        .chain(remarks.map(|remark| finding(remark, look)))
        .collect()
}

fn no_manifest(unreadable: &Unreadable) -> String {
    let Unreadable {
        source,
        at,
        message,
    } = unreadable;
    let place = place(source, at.unwrap_or_default());
    command(Severity::Error, place, "no manifest", message)
}

fn finding(remark: &Remark, look: &Look) -> String {
    let Entry {
        severity,
        code,
        path,
        message,
        at,
        ..
    } = &remark.entry;
    let help = look.help(code);
    command(
        *severity,
        place(&remark.source, *at),
        &format!("{code} {path}"),
        &format!("{path}: {message} [{code}]\n{help}"),
    )
}

fn command(
    severity: Severity,
    place: Vec<(&'static str, String)>,
    title: &str,
    told: &str,
) -> String {
    let title = ("title", title.to_owned());
    let properties = place.into_iter().chain([title]);
    let properties: Vec<_> = properties
        .map(|(name, value)| format!("{name}={}", property(&value)))
        .collect();
    format!(
        "::{} {}::{}\n",
        severity.as_str(),
        properties.join(","),
        data(told)
    )
}

/// Standard input is no file that could be annotated, and a line counts from 1.
fn place(source: &Source, at: Position) -> Vec<(&'static str, String)> {
    let name = source.relative_name();
    if name == STDIN {
        return Vec::new();
    }
    let mut place = vec![("file", name.to_owned())];
    if at.line > 0 {
        place.extend([
            ("line", at.line.to_string()),
            ("col", at.column.to_string()),
        ]);
    }
    if let Some(end) = excerpt::end_of_key(&source.text, at) {
        place.push(("endColumn", end.to_string()));
    }
    place
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
