//! A refusal as the API server passes it on. `kubectl` prints a bullet for each cause and leaves the message out; Argo CD,
//! Flux and Helm print the message and leave the causes out. So both hold everything.

use std::fmt::Write;

use kube::core::{
    Status,
    response::{StatusCause, StatusDetails, reason},
};

use crate::{
    api::GROUP,
    finding::{Finding, MOST_TOLD, Warning, shortened},
};

/// So many findings are told; of the rest the number.
const MOST_FINDINGS: usize = 50;
/// So many warnings are told; of the rest the number.
const MOST_WARNINGS: usize = 20;
/// Characters of one finding's text.
const FINDING_LENGTH: usize = 500;
/// Characters of a path, a name.
const PLACE_LENGTH: usize = 200;
/// Characters of a warning; the API server cuts and counts them.
const WARNING_LENGTH: usize = 256;

/// The answer about an object of `kind` called `name` that has `findings`.
#[must_use]
pub fn denial(kind: &str, name: &str, findings: &[Finding]) -> Status {
    let mut causes: Vec<_> = findings.iter().take(MOST_FINDINGS).map(cause).collect();
    let message = message(kind, name, findings.len(), &causes);
    if let Some(more) = more(findings.len()) {
        causes.push(StatusCause {
            reason: "FieldValueInvalid".to_owned(),
            message: more,
            field: "spec".to_owned(),
        });
    }
    Status::failure(&message, reason::INVALID)
        .with_code(422)
        .with_details(StatusDetails {
            name: shortened(name, PLACE_LENGTH),
            group: GROUP.to_owned(),
            kind: kind.to_owned(),
            uid: String::new(),
            retry_after_seconds: 0,
            causes,
        })
}

fn cause(finding: &Finding) -> StatusCause {
    let text = shortened(&finding.message, FINDING_LENGTH);
    StatusCause {
        reason: finding.reason.cause().to_owned(),
        message: format!("{text} [{}]", finding.code),
        field: shortened(&finding.path.to_string(), PLACE_LENGTH),
    }
}

/// One finding stays on the line; several get a line each.
fn message(kind: &str, name: &str, count: usize, causes: &[StatusCause]) -> String {
    let name = shortened(name, PLACE_LENGTH);
    let mut text = format!("{kind} {name:?} is invalid: ");
    if let [StatusCause { field, message, .. }] = causes {
        push(&mut text, format_args!("{field}: {message}"));
        return text;
    }
    push(&mut text, format_args!("{count} problems"));
    for StatusCause { field, message, .. } in causes {
        push(&mut text, format_args!("\n* {field}: {message}"));
    }
    if let Some(more) = more(count) {
        push(&mut text, format_args!("\n* {more}"));
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}

/// A rule that found very many has not built all.
fn more(count: usize) -> Option<String> {
    let at_least = if count < MOST_TOLD { "" } else { " at least" };
    (count > MOST_FINDINGS).then(|| format!("and {} more{at_least}", count - MOST_FINDINGS))
}

/// Warnings as a client prints them. The API server passes on no more than these.
#[must_use]
pub fn warnings(warnings: &[Warning]) -> Vec<String> {
    let told = warnings.iter().take(MOST_WARNINGS).map(warning);
    let more = warnings.len().saturating_sub(MOST_WARNINGS);
    let more = (more > 0).then(|| format!("and {more} more warnings"));
    told.chain(more).collect()
}

fn warning(warning: &Warning) -> String {
    let code = format!(" [{}]", warning.code);
    let text = format!("{}: {}", warning.path, warning.message);
    let room = WARNING_LENGTH - code.chars().count();
    shortened(&text, room) + &code
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::FieldPath;

    fn finding(index: usize) -> Finding {
        Finding::invalid("X-1", FieldPath::spec().child("a").index(index), "is bad")
    }

    #[test]
    fn a_single_finding_is_one_line() {
        let status = serde_json::to_value(denial("AerospikeCluster", "db", &[finding(0)])).unwrap();
        assert_eq!(
            status,
            json!({
                "status": "Failure", "code": 422, "reason": "Invalid",
                "message": "AerospikeCluster \"db\" is invalid: spec.a[0]: is bad [X-1]",
                "details": {"name": "db", "group": "asdb.aerospike.com", "kind": "AerospikeCluster", "causes": [
                    {"reason": "FieldValueInvalid", "message": "is bad [X-1]", "field": "spec.a[0]"}]},
            })
        );
    }

    #[test]
    fn several_findings_get_a_line_each() {
        let status = denial("AerospikeCluster", "db", &[finding(0), finding(1)]);
        assert_eq!(
            status.message,
            "AerospikeCluster \"db\" is invalid: 2 problems\n* spec.a[0]: is bad [X-1]\n* spec.a[1]: is bad [X-1]"
        );
    }

    #[test]
    fn beyond_fifty_findings_only_their_number_is_told() {
        let findings: Vec<_> = (0..57).map(finding).collect();
        let status = denial("AerospikeCluster", "db", &findings);
        assert!(status.message.ends_with("\n* and 7 more"));
        let causes = status.details.unwrap().causes;
        assert_eq!(
            (causes.len(), causes[50].message.as_str()),
            (51, "and 7 more")
        );
    }

    #[test]
    fn of_what_was_not_counted_to_the_end_the_number_is_the_least() {
        let findings: Vec<_> = (0..MOST_TOLD).map(finding).collect();
        let status = denial("AerospikeCluster", "db", &findings);
        assert!(status.message.ends_with("\n* and 206 more at least"));
    }

    #[test]
    fn beyond_twenty_warnings_only_their_number_is_told() {
        let warned = |index| Warning {
            code: "W-1",
            path: FieldPath::spec().child("a").index(index),
            message: "is unwise".to_owned(),
        };
        let told = warnings(&(0..23).map(warned).collect::<Vec<_>>());
        let last = told.last().map(String::as_str);
        assert_eq!((told.len(), last), (21, Some("and 3 more warnings")));
    }

    #[test]
    fn long_texts_are_cut_and_keep_their_code() {
        let path = FieldPath::spec().child("image");
        let long = Finding::invalid("X-1", path.clone(), "ä".repeat(9000));
        let status = denial("AerospikeCluster", "db", &[long]);
        assert!(status.message.chars().count() < 600 && status.message.ends_with("… [X-1]"));
        let message = "ä".repeat(9000);
        let text = warning(&Warning {
            code: "W-1",
            path,
            message,
        });
        assert_eq!(text.chars().count(), 256);
        assert!(text.ends_with("… [W-1]"));
    }
}
