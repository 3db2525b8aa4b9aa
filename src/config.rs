//! The server's configuration as a tree: what is put into it, how a rack's changes are merged, how it is rendered.

pub mod inject;
pub mod merge;
pub mod render;

use crate::{
    api::Tree,
    finding::{FieldPath, Finding, Reason},
};

/// A finding whose path is relative to the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule's id.
    pub code: &'static str,
    /// Where, below `aerospikeConfig`.
    pub path: FieldPath,
    /// How it is wrong.
    pub reason: Reason,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// The finding at the place that `place` gives for the relative path.
    pub fn into_finding(self, place: impl Fn(&FieldPath) -> FieldPath) -> Finding {
        Finding {
            code: self.code,
            path: place(&self.path),
            reason: self.reason,
            message: self.message,
        }
    }
}

/// Whether `tree` itself holds a value at `path`; list items are found by their `name`.
#[must_use]
pub fn supplies(_tree: &Tree, _path: &FieldPath) -> bool {
    false
}
