//! The rendered configuration of a rack, with what is worked out of it once, when it is first asked for.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use super::hash;
use crate::config::statements::Statements;

/// `aerospike.template.conf`, its placeholders not yet filled in. Copies share all.
#[derive(Clone, Default)]
pub struct Template(Arc<Rendered>);

#[derive(Default)]
struct Rendered {
    text: String,
    hash: OnceLock<String>,
    statements: OnceLock<Statements>,
}

impl Template {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// What tells it from others: `aerospikeConfHash`.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.0.hash.get_or_init(|| hash::of_config(self.text()))
    }

    /// What it says.
    #[must_use]
    pub fn statements(&self) -> &Statements {
        let read = || Statements::read(self.text());
        self.0.statements.get_or_init(read)
    }
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self(Arc::new(Rendered {
            text,
            ..Rendered::default()
        }))
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.text() == other.text()
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}
