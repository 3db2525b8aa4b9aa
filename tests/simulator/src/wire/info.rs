//! Info requests: lines of text.

/// The commands of a request; what has no line end is no command.
pub fn commands(body: &[u8]) -> impl Iterator<Item = String> {
    let end = body.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = body[..end]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line).into_owned())
}

/// One line of an answer.
#[must_use]
pub fn answer(command: &str, value: &str) -> String {
    format!("{command}\t{value}\n")
}

/// A command taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command<'a> {
    /// Up to the first `:` or `/`.
    pub name: &'a str,
    /// What separates the name from the rest.
    pub separator: Option<char>,
    /// What follows.
    pub rest: &'a str,
}

impl<'a> Command<'a> {
    /// `text` taken apart.
    #[must_use]
    pub fn read(text: &'a str) -> Self {
        match text.find([':', '/']) {
            Some(at) => {
                let separator = text[at..].chars().next();
                Self {
                    name: &text[..at],
                    separator,
                    rest: &text[at + 1..],
                }
            }
            None => Self {
                name: text,
                separator: None,
                rest: "",
            },
        }
    }

    /// The value of `name=…` among the arguments.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&'a str> {
        self.arguments()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The arguments of the form `name=value;…`.
    pub fn arguments(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.rest.split(';').filter_map(|part| part.split_once('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_ends_in_a_line_end_is_a_command() {
        assert_eq!(commands(b"build").count(), 0);
        assert!(commands(b"build\nedition\n").eq(["build", "edition"]));
        assert!(commands(b"build\r\n").eq(["build\r"]));
        assert_eq!(commands(b"").count(), 0);
    }

    #[test]
    fn arguments_are_separated_by_semicolons() {
        let command = Command::read("cluster-stable:size=3:ignore-migrations=false");
        assert_eq!(command.argument("size"), Some("3:ignore-migrations=false"));
        assert_eq!(Command::read("namespace/test").rest, "test");
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            for command in commands(&body) {
                let read = Command::read(&command);
                prop_assert!(read.name.len() <= command.len());
                let _ = read.argument("size");
            }
        }
    }
}
