//! The line that holds a key, and where in it the key ends.

use crate::validate::places::Position;

/// So many characters of a line are shown.
const WIDTH: usize = 100;
/// So many characters are shown before the key if the line is longer.
const LEAD: usize = 40;
/// Members that may hold a secret: the value of an environment variable, and what is mistaken for a way to give a password.
const SECRETS: [&str; 2] = ["value", "password"];

/// A line of a manifest, fit for a terminal.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of it around the key. What an environment variable or a password is set to is left out.
    pub line: String,
    /// Characters before the key.
    pub before: usize,
    /// Characters of the key.
    pub length: usize,
}

/// The line at `at`; none if there is nothing to show.
pub fn at(text: &str, at: Position) -> Option<Excerpt> {
    let line = line(text, at)?;
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let length = key_length(line.get(column..)?);
    let shown = without_secrets(&line);
    if shown.len() < column + length {
        return None;
    }
    let start = if line.len() > WIDTH {
        column.saturating_sub(LEAD)
    } else {
        0
    };
    let part = shown[start..]
        .iter()
        .take(WIDTH.max(column - start + length));
    Some(Excerpt {
        line: part.copied().map(printable).collect(),
        before: column - start,
        length,
    })
}

/// The column after the key at `at`.
pub fn end_of_key(text: &str, at: Position) -> Option<u64> {
    let line = line(text, at)?;
    let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
    let length = u64::try_from(key_length(line.get(column..)?)).ok()?;
    Some(at.column + length)
}

fn line(text: &str, at: Position) -> Option<Vec<char>> {
    let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
    Some(text.lines().nth(index)?.chars().collect())
}

/// Characters of the key or value with which `rest` begins; one at least.
fn key_length(rest: &[char]) -> usize {
    let end = match rest.first() {
        Some(quote @ ('"' | '\'')) => {
            let closing = rest.iter().skip(1).position(|letter| letter == quote);
            closing.map_or(rest.len(), |inside| inside + 2)
        }
        _ => rest
            .iter()
            .position(|letter| ends_a_key(*letter))
            .unwrap_or(rest.len()),
    };
    end.max(1)
}

const fn ends_a_key(letter: char) -> bool {
    matches!(letter, ':' | ' ' | '\t' | ',' | '{' | '}' | '[' | ']' | '#')
}

/// The line up to what an environment variable or a password is set to.
fn without_secrets(line: &[char]) -> Vec<char> {
    let colons = SECRETS.iter().filter_map(|name| colon_of(name, line));
    match colons.min() {
        Some(colon) if !line[colon + 1..].is_empty() => {
            line[..=colon].iter().copied().chain([' ', '…']).collect()
        }
        _ => line.to_vec(),
    }
}

/// Where in the line the first colon of a member `name` is.
fn colon_of(name: &str, line: &[char]) -> Option<usize> {
    let name: Vec<char> = name.chars().collect();
    let mut starts = (0..line.len()).filter(|start| line[*start..].starts_with(&name));
    starts.find_map(|start| {
        let is_start = start == 0 || !is_word(line[start - 1]);
        let end = start + name.len();
        let skipped = line[end..]
            .iter()
            .take_while(|letter| matches!(letter, '"' | '\'' | ' '));
        let colon = end + skipped.count();
        (is_start && line.get(colon) == Some(&':')).then_some(colon)
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// What stands for `letter` in a terminal: nothing that it would obey.
pub fn printable(letter: char) -> char {
    match letter {
        '\t' => ' ',
        _ if letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, line: u64, column: u64) -> Option<(String, usize, usize)> {
        let excerpt = at(text, Position { line, column })?;
        Some((excerpt.line, excerpt.before, excerpt.length))
    }

    #[test]
    fn a_key_ends_at_its_colon_or_quote() {
        let text = "a:\n  size: 2\n  'odd: key': 1\n  - {x: 1}\n  last\n";
        assert_eq!(shown(text, 2, 3), Some(("  size: 2".to_owned(), 2, 4)));
        assert_eq!(
            shown(text, 3, 3),
            Some(("  'odd: key': 1".to_owned(), 2, 10))
        );
        assert_eq!(shown(text, 4, 5), Some(("  - {x: 1}".to_owned(), 4, 1)));
        assert_eq!(shown(text, 5, 3), Some(("  last".to_owned(), 2, 4)));
        assert_eq!(end_of_key(text, Position { line: 2, column: 3 }), Some(7));
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(
            shown("{ä: 1, größe: 2}\r\n", 1, 8),
            Some(("{ä: 1, größe: 2}".to_owned(), 7, 5))
        );
    }

    #[test]
    fn nothing_is_shown_of_a_place_that_is_not_there() {
        for (line, column) in [(0, 0), (1, 0), (2, 1), (1, 9)] {
            assert_eq!(shown("size: 2", line, column), None, "{line}:{column}");
        }
    }

    #[test]
    fn a_long_line_is_cut_around_the_key() {
        let text = format!(
            "{{a: {}, size: 2, b: {}}}",
            "x".repeat(500),
            "y".repeat(500)
        );
        let (line, before, length) = shown(&text, 1, 507).unwrap();
        assert_eq!((line.chars().count(), before, length), (100, 40, 4));
        assert!(line.contains("x, size: 2, b"), "{line}");
    }

    #[test]
    fn what_a_variable_is_set_to_is_not_shown() {
        let cases = [
            ("- {name: 1, value: hunter2}", "- {name: 1, value: …"),
            ("  \"value\": \"hunter2\"", "  \"value\": …"),
            ("  valueFrom: x", "  valueFrom: x"),
            ("  password: hunter2", "  password: …"),
            ("  my-value: x", "  my-value: x"),
            ("  value:", "  value:"),
        ];
        for (line, told) in cases {
            assert_eq!(shown(line, 1, 3).unwrap().0, told);
        }
        assert_eq!(shown("{value: hunter2, size: 0}", 1, 18), None);
    }

    #[test]
    fn a_terminal_is_told_nothing_that_it_would_obey() {
        assert_eq!(
            shown("a\t: \u{1b}[31m", 1, 1).unwrap().0,
            "a : \u{fffd}[31m"
        );
    }
}
