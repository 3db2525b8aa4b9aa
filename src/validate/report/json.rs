//! For programs: an array of objects.

use serde::Serialize;

use super::{Look, Remark, Report};

#[derive(Serialize)]
struct Record<'a> {
    severity: &'static str,
    code: &'static str,
    field: String,
    reason: Option<&'static str>,
    message: &'a str,
    file: &'a str,
    line: u64,
    column: u64,
    help: String,
}

pub fn render(report: &Report, look: &Look) -> String {
    let remarks = report.remarks.iter();
    let records: Vec<_> = remarks.map(|remark| record(remark, look)).collect();
    let text = serde_json::to_string_pretty(&records);
    text.expect("strings and numbers have a JSON form") + "\n"
}

fn record<'a>(remark: &'a Remark, look: &Look) -> Record<'a> {
    let entry = &remark.entry;
    Record {
        severity: entry.severity.as_str(),
        code: entry.code,
        field: entry.path.to_string(),
        reason: entry.reason.map(crate::finding::Reason::cause),
        message: &entry.message,
        file: &remark.source.name,
        line: entry.at.line,
        column: entry.at.column,
        help: look.help(entry.code),
    }
}
