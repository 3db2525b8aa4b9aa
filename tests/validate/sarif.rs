//! A log against the published schema of SARIF 2.1.0 (`sarif-2.1.0-rtm.5.json` of the Schema Store), of which
//! `sarif-2.1.0.schema.json` holds the definitions that are used here, without descriptions. A member of a definition that
//! is left out is refused.

use std::collections::BTreeSet;

use serde_json::Value;

use super::data;

/// Everything in which `log` breaks the schema.
pub fn breaches(log: &str) -> Vec<String> {
    let log: Value = serde_json::from_str(log).unwrap();
    let schema = std::fs::read_to_string(data("validate/sarif-2.1.0.schema.json")).unwrap();
    let root: Value = serde_json::from_str(&schema).unwrap();
    let mut judge = Judge {
        root: &root,
        breaches: Vec::new(),
    };
    judge.check(&root, &log, "");
    judge.breaches
}

struct Judge<'a> {
    root: &'a Value,
    breaches: Vec<String>,
}

impl Judge<'_> {
    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        for (keyword, rule) in schema.as_object().unwrap() {
            if !self.holds(keyword, rule, schema, value, path) {
                self.breaches
                    .push(format!("{path}: {keyword} {rule}: {value}"));
            }
        }
    }

    fn holds(
        &mut self,
        keyword: &str,
        rule: &Value,
        schema: &Value,
        value: &Value,
        path: &str,
    ) -> bool {
        let number = |value: &Value| value.as_f64().unwrap();
        match keyword {
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                let target = self.root.pointer(pointer).unwrap();
                self.check(target, value, path);
                true
            }
            "type" => has_type(value, rule.as_str().unwrap()),
            "enum" => rule.as_array().unwrap().contains(value),
            "required" => is_whole(rule, value),
            "anyOf" => rule
                .as_array()
                .unwrap()
                .iter()
                .any(|rule| is_whole(&rule["required"], value)),
            "minimum" => value.as_f64().is_none_or(|value| value >= number(rule)),
            "maximum" => value.as_f64().is_none_or(|value| value <= number(rule)),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "uniqueItems" => *rule == false || is_unique(value),
            "format" => has_form(value, rule.as_str().unwrap()),
            "properties" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(name) {
                        self.check(rule, value, &format!("{path}/{name}"));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = |name: &String| schema["properties"].get(name).is_some();
                let others: Vec<_> = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(name, _)| !known(name))
                    .collect();
                if rule.is_object() {
                    for (name, value) in &others {
                        self.check(rule, value, &format!("{path}/{name}"));
                    }
                }
                *rule != false || others.is_empty()
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, value, &format!("{path}/{index}"));
                }
                true
            }
            "$schema" | "id" | "definitions" => true,
            other => panic!("{path}: nobody here understands {other}"),
        }
    }
}

fn has_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("nobody here understands the type {other}"),
    }
}

fn is_whole(required: &Value, value: &Value) -> bool {
    let mut names = required.as_array().unwrap().iter();
    value.is_object() && names.all(|name| value.get(name.as_str().unwrap()).is_some())
}

fn is_unique(value: &Value) -> bool {
    let items = value.as_array().into_iter().flatten();
    let texts: Vec<_> = items.map(ToString::to_string).collect();
    texts.iter().collect::<BTreeSet<_>>().len() == texts.len()
}

fn has_form(value: &Value, form: &str) -> bool {
    let text = value.as_str().unwrap_or_default();
    let is_plain = text.chars().all(|c| c.is_ascii_graphic());
    match form {
        "uri" => {
            is_plain
                && text
                    .split_once(':')
                    .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        }
        "uri-reference" => is_plain,
        other => panic!("nobody here understands the format {other}"),
    }
}

#[test]
fn a_log_that_breaks_the_schema_is_found() {
    let broken = |log: &str| breaches(log).len();
    assert_eq!(broken(r#"{"version": "2.1.0", "runs": []}"#), 0);
    assert_eq!(broken(r#"{"version": "2.2.0", "runs": []}"#), 1);
    assert_eq!(broken(r#"{"version": "2.1.0"}"#), 1);
    assert_eq!(
        broken(r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "x": 1}]}"#),
        2
    );
    let result = |result: &str| {
        let tool = r#""tool": {"driver": {"name": "a"}}"#;
        broken(&format!(
            r#"{{"version": "2.1.0", "runs": [{{{tool}, "results": [{result}]}}]}}"#
        ))
    };
    assert_eq!(result(r#"{"message": {"text": "a"}}"#), 0);
    assert_eq!(result(r#"{"message": {}}"#), 1);
    assert_eq!(result(r#"{"message": {"text": "a"}, "level": "fatal"}"#), 1);
    let region = |region: &str| {
        result(&format!(
            r#"{{"message": {{"text": "a"}}, "locations": [{{"physicalLocation": {{"artifactLocation": {{"uri": "a"}},
            "region": {region}}}}}]}}"#
        ))
    };
    assert_eq!(region(r#"{"startLine": 1}"#), 0);
    assert_eq!(region(r#"{"startLine": 0}"#), 1);
}
