//! Keys such as `fabric.port`, which stand for a member of a section: AKO takes them apart before it checks and writes.

use std::borrow::Cow;

use serde_json::Value;

use crate::api::Tree;

/// No parameter lies deeper; what has more parts is left as it is.
const DEEPEST: usize = 8;

/// The tree with every dotted key taken apart, untouched where there is none.
///
/// A key whose place is taken, or that has an empty part, stays as it is: no parameter has such a name.
#[must_use]
pub fn expanded(tree: &Tree) -> Cow<'_, Tree> {
    if tree
        .iter()
        .any(|(key, value)| is_dotted(key) || holds_dotted(value))
    {
        Cow::Owned(expand(tree.clone()))
    } else {
        Cow::Borrowed(tree)
    }
}

fn is_dotted(key: &str) -> bool {
    key.contains('.')
}

fn holds_dotted(value: &Value) -> bool {
    match value {
        Value::Object(tree) => tree
            .iter()
            .any(|(key, value)| is_dotted(key) || holds_dotted(value)),
        Value::Array(items) => items.iter().any(holds_dotted),
        _ => false,
    }
}

fn expand(tree: Tree) -> Tree {
    let (dotted, mut plain): (Tree, Tree) = tree.into_iter().partition(|(key, _)| is_dotted(key));
    for (key, value) in dotted {
        if let Err(value) = put(&mut plain, &key, value) {
            plain.insert(key, value);
        }
    }
    for value in plain.values_mut() {
        expand_value(value);
    }
    plain
}

fn expand_value(value: &mut Value) {
    match value {
        Value::Object(tree) => *tree = expand(std::mem::take(tree)),
        Value::Array(items) => items.iter_mut().for_each(expand_value),
        _ => {}
    }
}

/// Sets the member at `key`'s parts, or gives the value back.
fn put(tree: &mut Tree, key: &str, value: Value) -> Result<(), Value> {
    let parts: Vec<_> = key.splitn(DEEPEST + 1, '.').collect();
    let Some((last, sections)) = parts.split_last() else {
        return Err(value);
    };
    if parts.len() > DEEPEST || parts.iter().any(|part| part.is_empty()) || !is_free(tree, &parts) {
        return Err(value);
    }
    let mut section = tree;
    for name in sections {
        let member = section
            .entry(*name)
            .or_insert_with(|| Value::Object(Tree::new()));
        let Value::Object(member) = member else {
            return Err(value);
        };
        section = member;
    }
    section.insert((*last).to_owned(), value);
    Ok(())
}

/// Whether nothing but sections stands on the way to `parts`, and nothing there.
fn is_free(tree: &Tree, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return false;
    };
    match tree.get(*first) {
        None => true,
        Some(Value::Object(section)) => is_free(section, rest),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(value: Value) -> Tree {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_dotted_key_is_a_member_of_its_section() {
        let given = tree(
            json!({"network": {"fabric": {"port": 1}, "fabric.send-threads": 8, "a.b.c": 2},
            "xdr": {"dcs": [{"name": "d", "x.y": 1}]}}),
        );
        let wanted = tree(
            json!({"network": {"fabric": {"port": 1, "send-threads": 8}, "a": {"b": {"c": 2}}},
            "xdr": {"dcs": [{"name": "d", "x": {"y": 1}}]}}),
        );
        assert_eq!(*expanded(&given), wanted);
    }

    #[test]
    fn a_key_whose_place_is_taken_stays() {
        let deep = ["a"; 9].join(".");
        for given in [
            json!({"a": 1, "a.b": 2}),
            json!({"a": {"b": 1}, "a.b": 2}),
            json!({"a..b": 1}),
            json!({".": 1}),
            json!({"": 1}),
            json!({deep: 1}),
        ] {
            let given = tree(given);
            assert_eq!(*expanded(&given), given);
        }
    }
}
