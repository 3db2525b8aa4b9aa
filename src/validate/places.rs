//! Where the parts of an object stand in the text that it was read from.

use std::collections::BTreeMap;

use serde_saphyr::Location;

use crate::finding::{FieldPath, Step};

/// A place in a text; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character in the line.
    pub column: u64,
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self {
            line: location.line(),
            column: location.column(),
        }
    }
}

/// Where a value stands, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The key of a member, the beginning of an item.
    pub at: Position,
    /// What is in it.
    pub inside: Inside,
}

/// What is in a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inside {
    /// Nothing that has a place of its own.
    #[default]
    Nothing,
    /// The members of an object.
    Members(BTreeMap<String, Places>),
    /// The items of a list.
    Items(Vec<Places>),
}

impl Places {
    /// Where what `path` names stands, or the nearest that is there of what it is in.
    #[must_use]
    pub fn nearest(&self, path: &FieldPath) -> Position {
        let mut place = self;
        for step in path.steps() {
            match place.inside.get(step) {
                Some(inner) => place = inner,
                None => break,
            }
        }
        place.at
    }

    /// The places in an item of the list that is the member `name`.
    #[must_use]
    pub fn item_of(&self, name: &str, index: usize) -> Self {
        let list = self.inside.get(Step::Name(name));
        let item = list.and_then(|list| list.inside.get(Step::Item { index, key: None }));
        item.cloned().unwrap_or_default()
    }
}

impl Inside {
    fn get(&self, step: Step<'_>) -> Option<&Places> {
        match (self, step) {
            (Self::Members(members), Step::Name(name)) => members.get(name),
            (Self::Items(items), Step::Item { index, .. }) => items.get(index),
            _ => None,
        }
    }
}
