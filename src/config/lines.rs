//! What would not stay on its own line of `aerospike.conf`. The server knows neither quotes nor escapes: whoever could put
//! a line break into a value could put any statement into the file.

use serde_json::Value;

use crate::{
    api::Tree,
    config::{Problem, name_of, trail::Trail},
    finding::{MOST_TOLD, Reason},
};

/// Bytes of a line that the server reads; what is behind them counts as another line.
const LONGEST_LINE: usize = 1022;
/// What stands between the name and the value of a statement.
const GAP: usize = 4;

/// The keys and values of `tree` that do not stay on their lines. Blanks at the end do no harm.
#[must_use]
pub fn problems(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    members(tree, &Trail::ROOT, &mut problems);
    problems
}

fn members(tree: &Tree, at: &Trail<'_>, problems: &mut Vec<Problem>) {
    for (key, value) in tree {
        let at = at.child(key);
        match why_no_name(key) {
            Some(why) => problems.push(problem(&at, "the name of this parameter", why)),
            None => descend(value, &at, problems),
        }
    }
}

fn descend(value: &Value, at: &Trail<'_>, problems: &mut Vec<Problem>) {
    if problems.len() >= MOST_TOLD {
        return;
    }
    match value {
        Value::Object(tree) => members(tree, at, problems),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                descend(item, &at.item(index, name_of(item)), problems);
            }
        }
        Value::String(text) => {
            let why = why_no_value(text);
            problems.extend(why.map(|why| problem(at, "the value", why)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn why_no_name(key: &str) -> Option<&'static str> {
    let closes = key.trim_start().starts_with('}');
    broken(key).or(closes.then_some("begins with a brace, which would end the section"))
}

fn why_no_value(text: &str) -> Option<&'static str> {
    let text = text.trim_end();
    let before = text.strip_suffix('{');
    // Parts of a value that are joined by a colon are written with a blank between them.
    let opens =
        before.is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t', ':']));
    let is_long = text.len() + GAP > LONGEST_LINE;
    broken(text)
        .or(opens.then_some("ends with a brace of its own, which would begin a section"))
        .or(is_long.then_some("is longer than a line, whose rest would be another line"))
}

fn broken(text: &str) -> Option<&'static str> {
    if text.contains('\n') {
        return Some("holds a line break, behind which another line would begin");
    }
    let is_control = |c: char| c.is_control() && c != '\t';
    text.contains(is_control)
        .then_some("holds a control character, which no server reads as a part of it")
}

/// Values are not shown: they may be secrets.
fn problem(at: &Trail<'_>, what: &str, why: &str) -> Problem {
    Problem {
        code: "CFG-05",
        path: at.path(),
        reason: Reason::Invalid,
        message: format!(
            "{what} {why}: aerospike.conf has a statement a line, and neither quotes nor escapes; write one plain text, at most \
             {LONGEST_LINE} bytes with its name"
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: Value) -> Vec<(String, String)> {
        let problems = problems(&serde_json::from_value(value).unwrap());
        let why = |problem: Problem| {
            let (why, _) = problem.message.split_once(": ").unwrap();
            (problem.path.to_string(), why.to_owned())
        };
        problems.into_iter().map(why).collect()
    }

    #[test]
    fn what_stays_on_its_line_is_fine() {
        let tree = json!({
            "service": {"pidfile": "/run/a b\tc", "n": 5, "flag": true, "none": null},
            "security": {"ldap": {"user-dn-pattern": "uid=$${_DNE}{un},ou=x", "role-query-patterns": ["(a={b})", "{", "x{"]}},
            "logging": [{"name": "/var/log/ä.log", "any": "info\n"}],
        });
        assert_eq!(
            found(tree),
            [(
                "security.ldap.role-query-patterns[1]".to_owned(),
                "the value ends with a brace of its own, which would begin a section".to_owned()
            )]
        );
        let just = "x".repeat(LONGEST_LINE - GAP);
        assert_eq!(found(json!({"a": {"b": just}})), []);
    }

    #[test]
    fn what_would_be_more_lines_is_told_at_its_place() {
        let tree = json!({
            "namespaces": [{"name": "test\n}\nsecurity {", "storage-engine": {"files": ["/a\nfile /b"]}}],
            "service": {"a\nb": 1, "} ": 1, "c": "x\u{0}", "d": "x".repeat(1100), "e": "a:{", "f": "{"},
        });
        let told = [
            (
                "namespaces[0].name",
                "the value holds a line break, behind which another line would begin",
            ),
            (
                "namespaces[0].storage-engine.files[0]",
                "the value holds a line break, behind which another line would begin",
            ),
            (
                "service.a\nb",
                "the name of this parameter holds a line break, behind which another line would begin",
            ),
            (
                "service.c",
                "the value holds a control character, which no server reads as a part of it",
            ),
            (
                "service.d",
                "the value is longer than a line, whose rest would be another line",
            ),
            (
                "service.e",
                "the value ends with a brace of its own, which would begin a section",
            ),
            (
                "service.f",
                "the value ends with a brace of its own, which would begin a section",
            ),
            (
                "service.} ",
                "the name of this parameter begins with a brace, which would end the section",
            ),
        ];
        let told = told.map(|(path, why)| (path.to_owned(), why.to_owned()));
        assert_eq!(found(tree), told);
    }
}
