use serde_json::{Value, json};

use super::*;
use crate::{
    finding::{FieldPath, Reason},
    validate::places::Position,
};

fn remark(severity: Severity, reason: Option<Reason>) -> Remark {
    let text = "metadata: {}\nspec:\n    size: 0\n";
    Remark {
        source: Rc::new(Source {
            name: "./a, b:\u{1b}.yaml".to_owned(),
            text: text.to_owned(),
            is_found: false,
        }),
        entry: Entry {
            severity,
            code: "CRD-02",
            path: FieldPath::spec().child("size"),
            reason,
            message: "is\n100% bad\u{1b}[31m".to_owned(),
            at: Position { line: 3, column: 5 },
        },
    }
}

fn unreadable() -> Unreadable {
    Unreadable {
        source: Rc::new(Source {
            name: "b.yaml".to_owned(),
            text: "a: 1\na: 2\n".to_owned(),
            is_found: false,
        }),
        at: Some(Position { line: 2, column: 1 }),
        message: "twice".to_owned(),
    }
}

fn report() -> Report {
    Report {
        remarks: vec![
            remark(Severity::Error, Some(Reason::Invalid)),
            remark(Severity::Warning, None),
        ],
        unreadable: vec![unreadable()],
        clusters: 2,
        partial: 1,
        others: 4,
    }
}

fn with_pages() -> Look {
    Look {
        colours: false,
        docs: Some("https://example.com/docs/".to_owned()),
    }
}

fn parsed(output: Output, look: &Look) -> Value {
    serde_json::from_str(&report().render(output, look)).unwrap()
}

#[test]
fn text_is_a_line_a_finding_and_the_line_that_it_is_about() {
    assert_eq!(
        report().render(Output::Text, &Look::default()),
        "./a, b:\u{fffd}.yaml:3:5: error: spec.size: is\u{fffd}100% bad\u{fffd}[31m [CRD-02]\n\
         \x20 3 |     size: 0\n\
         \x20   |     ^^^^\n\
         ./a, b:\u{fffd}.yaml:3:5: warning: spec.size: is\u{fffd}100% bad\u{fffd}[31m [CRD-02]\n\
         \x20 3 |     size: 0\n\
         \x20   |     ^^^^\n"
    );
}

#[test]
fn colours_are_all_that_a_terminal_has_more() {
    let look = Look {
        colours: true,
        docs: None,
    };
    let mut text = report().render(Output::Text, &look);
    assert!(
        text.contains("\u{1b}[1;31merror:\u{1b}[0m spec.size"),
        "{text}"
    );
    for code in ["0", "1", "1;31", "1;32", "1;33"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, report().render(Output::Text, &Look::default()));
}

#[test]
fn the_summary_says_what_to_do_next() {
    assert_eq!(
        report().summary(),
        "2 clusters: 1 error, 1 warning; 1 text cannot be read; the shape of 1 cluster is wrong: mend that first, then the other rules can be \
         asked; `aerospike-operator rules CRD-02` explains the first error"
    );
    assert_eq!(
        Report::default().summary(),
        "0 clusters: 0 errors, 0 warnings"
    );
}

#[test]
fn json_is_an_array_of_findings() {
    let record = |severity: &str, reason: Value| {
        json!({"severity": severity, "code": "CRD-02", "field": "spec.size", "reason": reason,
            "message": "is\n100% bad\u{1b}[31m", "file": "./a, b:\u{1b}.yaml", "line": 3, "column": 5,
            "help": "https://example.com/docs/rules/CRD-02.md"})
    };
    assert_eq!(
        parsed(Output::Json, &with_pages()),
        json!([
            record("error", json!("FieldValueInvalid")),
            record("warning", Value::Null)
        ])
    );
    assert_eq!(
        parsed(Output::Json, &Look::default())[0]["help"],
        "aerospike-operator rules CRD-02"
    );
    assert_eq!(
        Report::default().render(Output::Json, &Look::default()),
        "[]\n"
    );
}

#[test]
fn sarif_names_rule_place_and_page() {
    let log = parsed(Output::Sarif, &with_pages());
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["id"], "CRD-02");
    assert_eq!(
        rules[0]["helpUri"],
        "https://example.com/docs/rules/CRD-02.md"
    );
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let result = &run["results"][1];
    assert_eq!(
        (&result["level"], &result["ruleIndex"]),
        (&json!("warning"), &json!(0))
    );
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({"artifactLocation": {"uri": "a%2C%20b%3A%1B.yaml"},
            "region": {"startLine": 3, "startColumn": 5, "endColumn": 9}})
    );
}

#[test]
fn commands_of_github_cannot_be_forged_by_a_text() {
    let text = report().render(Output::Github, &with_pages());
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "::error file=a%2C b%3A\u{1b}.yaml,line=3,col=5,endColumn=9,title=CRD-02 spec.size::\
         spec.size: is%0A100%25 bad\u{1b}[31m [CRD-02]%0Ahttps://example.com/docs/rules/CRD-02.md"
    );
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    assert_eq!(
        text::unreadable(&unreadable()),
        "b.yaml:2:1: twice\n  2 | a: 2\n    | ^\n"
    );
    let text = report().render(Output::Github, &Look::default());
    let first = "::error file=b.yaml,line=2,col=1,endColumn=2,title=no manifest::twice\n";
    assert!(text.starts_with(first), "{text}");
    let log = parsed(Output::Sarif, &Look::default());
    let told = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(told["message"]["text"], "b.yaml:2:1: twice");
    let place = &told["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 2);
}
