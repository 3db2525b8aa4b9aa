//! For code scanners: SARIF 2.1.0 of OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::{Value, json};

use super::{Look, Remark, Report, excerpt};
use crate::{
    explain::{self, page, table},
    validate::{engine::Entry, places::Position, source::Source},
};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub fn render(report: &Report, look: &Look) -> String {
    let codes: BTreeSet<_> = report
        .remarks
        .iter()
        .map(|remark| remark.entry.code)
        .collect();
    let codes: Vec<_> = codes.into_iter().collect();
    let rules: Vec<_> = codes.iter().map(|code| rule(code, look)).collect();
    let remarks = report.remarks.iter();
    let results: Vec<_> = remarks.map(|remark| result(remark, &codes)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(report)],
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&log);
    text.expect("strings and numbers have a JSON form") + "\n"
}

fn rule(code: &str, look: &Look) -> Value {
    let mut rule = json!({"id": code});
    if let Some(row) = table::rule(code) {
        rule["shortDescription"] = json!({"text": row.holds});
        rule["fullDescription"] = json!({"text": row.why});
        let page = page::of(row);
        rule["help"] = json!({"text": explain::plain(&page), "markdown": page});
    }
    if let Some(page) = look.page(code) {
        rule["helpUri"] = json!(page);
    }
    rule
}

fn result(remark: &Remark, codes: &[&str]) -> Value {
    let Entry {
        severity,
        code,
        path,
        message,
        ..
    } = &remark.entry;
    json!({
        "ruleId": code,
        "ruleIndex": codes.binary_search(code).expect("the codes are those of the remarks"),
        "level": severity.as_str(),
        "message": {"text": format!("{path}: {message}")},
        "locations": [{
            "physicalLocation": physical_location(&remark.source, remark.entry.at),
            "logicalLocations": [{"fullyQualifiedName": path.to_string()}],
        }],
    })
}

fn physical_location(source: &Source, at: Position) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(source.relative_name())}});
    // A region starts at line 1 at the least.
    if at.line > 0 {
        location["region"] = json!({"startLine": at.line, "startColumn": at.column});
        if let Some(end) = excerpt::end_of_key(&source.text, at) {
            location["region"]["endColumn"] = json!(end);
        }
    }
    location
}

fn invocation(report: &Report) -> Value {
    let notifications: Vec<_> = report
        .unreadable
        .iter()
        .map(|unreadable| {
            let at = unreadable.at.unwrap_or_default();
            json!({
                "level": "error",
                "message": {"text": unreadable.to_string()},
                "locations": [{"physicalLocation": physical_location(&unreadable.source, at)}],
            })
        })
        .collect();
    json!({
        "executionSuccessful": notifications.is_empty(),
        "toolExecutionNotifications": notifications,
    })
}

/// A file's name as the reference of a URI: relative to where the program ran, unless it is absolute.
fn uri(name: &str) -> String {
    let mut uri = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => write!(uri, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    uri
}
