//! Info messages: lines of commands out, lines of answers back.

use std::fmt;

/// What is wrong with a request or an answer as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing to ask; an empty request means something else to the server.
    #[error("an info request needs at least one command")]
    NoCommand,
    /// The text would be read as something else than one command.
    #[error("info command {command:?} holds a line break, a tab or nothing")]
    BadCommand {
        /// The command.
        command: String,
    },
    /// The server answered none of the commands, for example because nobody has logged in.
    #[error("the server refused the info request: {0}")]
    Refused(InfoError),
    /// A line that is no answer.
    #[error("an info answer has a line without a tab: {line:?}")]
    NoTab {
        /// Its beginning.
        line: String,
    },
    /// An answer to a question that was not asked, as after an answer got lost.
    #[error("an info answer names a command that was not asked: {command:?}")]
    NotAsked {
        /// The beginning of what it names.
        command: String,
    },
}

/// What a server says instead of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InfoError {
    /// The result code; servers up to 7.1 mostly give none.
    pub code: Option<u16>,
    /// The text, with spaces from 7.2 on and dashes before.
    pub text: String,
}

impl fmt::Display for InfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.text.as_str()) {
            (Some(code), "") => write!(f, "error {code}"),
            (Some(code), text) => write!(f, "error {code}: {text}"),
            (None, "") => f.write_str("error"),
            (None, text) => write!(f, "error: {text}"),
        }
    }
}

impl InfoError {
    /// Whether the text begins with these words, however this version parts them.
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        let text = self.text.replace(['-', '_'], " ").to_ascii_lowercase();
        text.starts_with(words)
    }

    /// Whether a Community server was asked for what only Enterprise does.
    #[must_use]
    pub fn means_enterprise_only(&self) -> bool {
        self.code == Some(25) || self.says("enterprise only")
    }
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InfoValue {
    /// A value, perhaps empty.
    Ok(String),
    /// An error.
    Failed(InfoError),
    /// No line at all: a server up to 7.0 leaves out what it does not know.
    Missing,
}

/// Why a command has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// The server said so.
    #[error("info command {command:?} failed")]
    Failed {
        /// The command.
        command: String,
        /// What the server said.
        source: InfoError,
    },
    /// The server does not know it, or it was not asked.
    #[error("info command {command:?} was not answered: this server does not know it")]
    Missing {
        /// The command.
        command: String,
    },
    /// Another answer than the `ok` that means success.
    #[error("info command {command:?} answered {value:?} instead of ok")]
    NotOk {
        /// The command.
        command: String,
        /// What came.
        value: String,
    },
}

/// The answers to one request, in the order of the commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers(Vec<(String, InfoValue)>);

impl Answers {
    /// Commands with their answers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &InfoValue)> {
        self.0
            .iter()
            .map(|(command, value)| (command.as_str(), value))
    }

    /// The answer to `command`.
    #[must_use]
    pub fn answer(&self, command: &str) -> &InfoValue {
        let found = self.0.iter().find(|(asked, _)| asked == command);
        found.map_or(&InfoValue::Missing, |(_, value)| value)
    }

    /// The value of `command`.
    ///
    /// # Errors
    ///
    /// When the server answered with an error, or not at all.
    pub fn value(&self, command: &str) -> Result<&str, NoValue> {
        let asked = || command.to_owned();
        match self.answer(command) {
            InfoValue::Ok(value) => Ok(value),
            InfoValue::Failed(source) => Err(NoValue::Failed {
                command: asked(),
                source: source.clone(),
            }),
            InfoValue::Missing => Err(NoValue::Missing { command: asked() }),
        }
    }

    /// Whether `command` was answered by `ok`.
    ///
    /// # Errors
    ///
    /// For every other answer.
    pub fn expect_ok(&self, command: &str) -> Result<(), NoValue> {
        match self.value(command)? {
            value if value.eq_ignore_ascii_case("ok") => Ok(()),
            value => Err(NoValue::NotOk {
                command: command.to_owned(),
                value: value.to_owned(),
            }),
        }
    }
}

/// The body of a request for `commands`.
///
/// # Errors
///
/// When there is no command, or one holds what would end it early: names from outside end up in commands.
pub fn encode(commands: &[&str]) -> Result<Vec<u8>, Error> {
    if commands.is_empty() {
        return Err(Error::NoCommand);
    }
    for command in commands {
        if command.is_empty() || command.contains(['\n', '\r', '\t', '\0']) {
            let command = (*command).to_owned();
            return Err(Error::BadCommand { command });
        }
    }
    Ok(commands
        .iter()
        .flat_map(|command| [command, "\n"])
        .collect::<String>()
        .into_bytes())
}

/// The answers in `body` to a request for `commands`.
///
/// # Errors
///
/// When the server refused the request as a whole, or what came is no answer to it.
pub fn parse(commands: &[&str], body: &[u8]) -> Result<Answers, Error> {
    let asked = commands
        .iter()
        .map(|command| ((*command).to_owned(), InfoValue::Missing));
    let mut answers: Vec<_> = asked.collect();
    let text = String::from_utf8_lossy(body);
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let (command, value) = line.split_once('\t').ok_or_else(|| without_tab(line))?;
        let mut open = answers
            .iter_mut()
            .filter(|(_, value)| *value == InfoValue::Missing);
        let Some((_, slot)) = open.find(|(asked, _)| asked == command) else {
            let command = beginning(command);
            return Err(Error::NotAsked { command });
        };
        *slot = parse_value(value);
    }
    Ok(Answers(answers))
}

/// Before a login, the answer is one line with no echo of the command.
fn without_tab(line: &str) -> Error {
    match parse_value(line) {
        InfoValue::Failed(error) => Error::Refused(error),
        _ => Error::NoTab {
            line: beginning(line),
        },
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(80).collect()
}

fn parse_value(value: &str) -> InfoValue {
    match error_text(value) {
        Some(rest) => InfoValue::Failed(parse_error(rest)),
        None => InfoValue::Ok(value.to_owned()),
    }
}

/// What follows `error` or `fail`, where the value is an error in one of the forms of 6.0 to 8.1.
fn error_text(value: &str) -> Option<&str> {
    ["error", "fail"].iter().find_map(|word| {
        let (start, rest) = value.split_at_checked(word.len())?;
        let ends = rest.is_empty() || rest.starts_with([':', '=', '-', ' ']);
        (start.eq_ignore_ascii_case(word) && ends).then_some(rest)
    })
}

fn parse_error(rest: &str) -> InfoError {
    let Some(rest) = rest.strip_prefix(':') else {
        let text = rest.get(1..).unwrap_or_default();
        return InfoError {
            code: None,
            text: text.trim().to_owned(),
        };
    };
    let (first, text) = rest.split_once(':').unwrap_or((rest, ""));
    match first.parse::<u16>() {
        Ok(code) => InfoError {
            code: Some(code),
            text: text.trim().to_owned(),
        },
        Err(_) => InfoError {
            code: None,
            text: rest.trim_start_matches(':').trim().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
