//! `aerospike.conf`: its grammar, the parameters of each version, and what a server refuses to start with.

pub mod checks;
pub mod lines;
pub mod parser;
pub mod settings;
pub mod table;
pub mod values;

pub use parser::parse;
pub use settings::Settings;

/// Why a server does not start with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CRITICAL ({module}): {}{text}", line.map(|line| format!("line {line} :: ")).unwrap_or_default())]
pub struct Refusal {
    /// The server's module that refused.
    pub module: &'static str,
    /// The line, where one is to blame. Such a refusal goes to the standard error, others only to the log sinks.
    pub line: Option<usize>,
    /// What is wrong.
    pub text: String,
}

impl Refusal {
    /// A refusal of one line of the file.
    #[must_use]
    pub fn at(line: usize, text: String) -> Self {
        let module = "config";
        Self {
            module,
            line: Some(line),
            text,
        }
    }

    /// A refusal of the file as a whole.
    #[must_use]
    pub fn of_all(text: impl Into<String>) -> Self {
        Self::in_module("config", text)
    }

    /// A refusal of the file as a whole, by another module than the reader.
    #[must_use]
    pub fn in_module(module: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            module,
            line: None,
            text,
        }
    }
}
