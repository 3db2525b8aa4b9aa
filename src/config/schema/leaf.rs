//! Values of parameters that are no sections.

use serde_json::{Number, Value};

use crate::config::parameters::{Kind, Parameter};

/// How a value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It has another type.
    Type,
    /// It is less than this.
    Below(i128),
    /// It is more than this.
    Above(i128),
    /// It is none of the words.
    NoWord,
    /// An item of the list is no text.
    Item(usize),
    /// It, or the item of it, is no host name.
    NoHost(Option<usize>),
}

/// What is wrong with `value` for `parameter`, which is no section.
pub(super) fn wrong(parameter: &Parameter, value: &Value) -> Option<Wrong> {
    let is_right_type = match (parameter.kind, value) {
        (Kind::Integer, Value::Number(number)) => return out_of_range(parameter, whole(number)),
        (Kind::Word, Value::String(word)) => return no_word(parameter, word),
        (Kind::Texts, Value::Array(items)) => return no_text(items),
        (Kind::WordOrHosts, Value::Array(items)) => return no_host(parameter, items),
        (Kind::WordOrHosts, Value::String(text)) => {
            let fits = is_word(parameter, text) || is_host_name(text);
            return (!fits).then_some(Wrong::NoHost(None));
        }
        (Kind::Text | Kind::Texts, value) => value.is_string(),
        (Kind::Flag | Kind::WordOrHosts, value) => value.is_boolean(),
        _ => false,
    };
    (!is_right_type).then_some(Wrong::Type)
}

/// The number that is written: what is behind the point is cut off.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cutting off is what is wanted; values out of range end at the bound"
)]
fn whole(number: &Number) -> i128 {
    let exact = number.as_i64().map(i128::from);
    let exact = exact.or_else(|| number.as_u64().map(i128::from));
    exact.unwrap_or_else(|| number.as_f64().unwrap_or(0.0) as i128)
}

fn out_of_range(parameter: &Parameter, number: i128) -> Option<Wrong> {
    let below = parameter.min.filter(|min| number < *min).map(Wrong::Below);
    below.or_else(|| parameter.max.filter(|max| number > *max).map(Wrong::Above))
}

fn is_word(parameter: &Parameter, text: &str) -> bool {
    parameter.words().any(|word| word == text)
}

fn no_word(parameter: &Parameter, text: &str) -> Option<Wrong> {
    (!is_word(parameter, text)).then_some(Wrong::NoWord)
}

fn no_text(items: &[Value]) -> Option<Wrong> {
    items
        .iter()
        .position(|item| !item.is_string())
        .map(Wrong::Item)
}

fn no_host(parameter: &Parameter, items: &[Value]) -> Option<Wrong> {
    no_text(items).or_else(|| {
        let fits = |text: &str| is_host_name(text) && !is_word(parameter, text);
        let wrong = |item: &Value| !item.as_str().is_some_and(fits);
        items
            .iter()
            .position(wrong)
            .map(|index| Wrong::NoHost(Some(index)))
    })
}

/// Whether `text` is a host name: labels of RFC 1123 with dots between them, 255 characters at most.
#[must_use]
pub fn is_host_name(text: &str) -> bool {
    text.len() <= 255 && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = label.as_bytes();
    bytes.len() <= 63
        && is_end(bytes.first())
        && is_end(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}
