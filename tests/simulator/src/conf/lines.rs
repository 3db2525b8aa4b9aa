//! The file as lines of tokens.

/// The server reads into a buffer of 1024 bytes; the rest of a longer line counts as another line.
const LONGEST_LINE: usize = 1023;

/// One line with something on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from one.
    pub number: usize,
    /// The words on it, at least one.
    pub words: Vec<&'a str>,
}

/// The lines that say something.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let pieces = text.split('\n').flat_map(pieces);
    pieces.enumerate().filter_map(|(index, piece)| {
        let statement = piece.split('#').next().unwrap_or_default();
        let words: Vec<_> = statement
            .split(is_blank)
            .filter(|word| !word.is_empty())
            .collect();
        let number = index + 1;
        (!words.is_empty()).then_some(Line { number, words })
    })
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}')
}

fn pieces(line: &str) -> Vec<&str> {
    let mut rest = line;
    let mut pieces = Vec::new();
    while rest.len() > LONGEST_LINE {
        let (piece, tail) = rest.split_at(boundary_before(rest, LONGEST_LINE));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

fn boundary_before(text: &str, at: usize) -> usize {
    (1..=at)
        .rev()
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blanks_and_carriage_returns_say_nothing() {
        let words: Vec<_> = lines("\r\n# all\n a\tb # c\r\n")
            .map(|line| (line.number, line.words))
            .collect();
        assert_eq!(words, vec![(3, vec!["a", "b"])]);
    }

    #[test]
    fn a_long_line_is_cut_and_its_rest_is_another_line() {
        let text = format!("name {}", "x".repeat(1100));
        let numbers: Vec<_> = lines(&text)
            .map(|line| (line.number, line.words.len()))
            .collect();
        assert_eq!(numbers, vec![(1, 2), (2, 1)]);
    }
}
