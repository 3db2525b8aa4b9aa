//! For GitHub's workflows: a command a finding, which becomes an annotation of the changed file.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use super::{Look, Remark, Report, excerpt};
use crate::validate::{engine::Entry, source::STDIN};

pub fn render(report: &Report, look: &Look) -> String {
    let remarks = report.remarks.iter();
    remarks.map(|remark| command(remark, look)).collect()
}

fn command(remark: &Remark, look: &Look) -> String {
    let Entry {
        severity,
        code,
        path,
        message,
        ..
    } = &remark.entry;
    let mut properties = place(remark);
    properties.push(("title", format!("{code} {path}")));
    let properties: Vec<_> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let page = look
        .page(code)
        .map_or_else(String::new, |page| format!("\n{page}"));
    let told = data(&format!("{path}: {message} [{code}]{page}"));
    format!("::{} {}::{told}\n", severity.as_str(), properties.join(","))
}

/// Standard input is no file that could be annotated.
fn place(remark: &Remark) -> Vec<(&'static str, String)> {
    let at = remark.entry.at;
    let name = remark.source.relative_name();
    if name == STDIN {
        return Vec::new();
    }
    let mut place = vec![
        ("file", name.to_owned()),
        ("line", at.line.to_string()),
        ("col", at.column.to_string()),
    ];
    if let Some(end) = excerpt::end_of_key(&remark.source.text, at) {
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
