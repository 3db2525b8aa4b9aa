//! What a rule is, and the runner: every rule is asked, none hides another. A rule whose precondition does not hold is
//! silent, because the finding about the precondition stands already.

use serde::Deserialize;

pub use crate::finding::{MOST_TOLD, Told};
use crate::{
    admission::{
        cluster::{AREAS, CHANGE_ADVICE},
        subject::Subject,
    },
    finding::{Finding, Warning},
};

/// What is done with an object.
#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// It is new.
    Create,
    /// It replaces an older one.
    Update,
    /// It goes.
    Delete,
    /// A subresource is opened.
    Connect,
}

impl Operation {
    /// As the API server writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// An object before and after.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Before.
    pub old: &'a Subject<'a>,
    /// After.
    pub new: &'a Subject<'a>,
    /// What was last rolled out completely: `old`, or something older while that is on its way; none before the first
    /// roll-out.
    pub rolled_out: Option<&'a Subject<'a>>,
}

/// Looks at one thing of an object and returns everything that is wrong with it, up to [`MOST_TOLD`].
pub type Rule = fn(&Subject<'_>) -> Vec<Finding>;
/// Looks at one thing that must not change, or not like this.
pub type ChangeRule = fn(&Change<'_>) -> Vec<Finding>;
/// Looks for one thing that is allowed but unwise.
pub type Advice = fn(&Subject<'_>) -> Vec<Warning>;
/// Looks for one change that is allowed but unwise.
pub type ChangeAdvice = fn(&Change<'_>) -> Vec<Warning>;

/// The rules of one part of the spec.
pub struct Area {
    /// About the object.
    pub rules: &'static [Rule],
    /// About the change.
    pub changes: &'static [ChangeRule],
    /// About what is unwise.
    pub advice: &'static [Advice],
}

/// Everything that is wrong with the object itself.
#[must_use]
pub fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    let rules = AREAS.iter().flat_map(|area| area.rules);
    rules.flat_map(|rule| bounded(rule(subject))).collect()
}

/// A rule that builds more works longer than it is listened to.
fn bounded<T>(mut told: Vec<T>) -> Vec<T> {
    told.truncate(MOST_TOLD);
    told
}

/// Everything that is wrong with the change.
#[must_use]
pub fn changes(change: &Change<'_>) -> Vec<Finding> {
    let rules = AREAS.iter().flat_map(|area| area.changes);
    rules.flat_map(|rule| bounded(rule(change))).collect()
}

/// Everything that is unwise.
#[must_use]
pub fn advice(subject: &Subject<'_>) -> Vec<Warning> {
    let advice = AREAS.iter().flat_map(|area| area.advice);
    advice.flat_map(|advice| bounded(advice(subject))).collect()
}

/// Everything that is unwise about the change.
#[must_use]
pub fn change_advice(change: &Change<'_>) -> Vec<Warning> {
    let advice = CHANGE_ADVICE.iter();
    advice.flat_map(|advice| bounded(advice(change))).collect()
}

#[cfg(test)]
mod table;
