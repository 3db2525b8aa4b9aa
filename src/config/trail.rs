//! The way from the root of a configuration to a value, kept on the stack: a path is built only for what is wrong.

use crate::finding::{FieldPath, Step};

/// A place in a tree that is being walked, linked to the place above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail<'a> {
    up: Option<(&'a Trail<'a>, Step<'a>)>,
}

impl<'a> Trail<'a> {
    /// The root.
    pub(super) const ROOT: Self = Self { up: None };

    /// The member `name`.
    pub(super) const fn child(&'a self, name: &'a str) -> Self {
        self.step(Step::Name(name))
    }

    /// An item of a list, told apart by `key`.
    pub(super) const fn item(&'a self, index: usize, key: Option<&'a str>) -> Self {
        self.step(Step::Item { index, key })
    }

    const fn step(&'a self, step: Step<'a>) -> Self {
        Self {
            up: Some((self, step)),
        }
    }

    /// From the root.
    pub(super) fn path(&self) -> FieldPath {
        let steps = self.steps().into_iter();
        steps.fold(FieldPath::default(), |path, step| path.step(step, None))
    }

    /// The steps from the root.
    pub(super) fn steps(&self) -> Vec<Step<'a>> {
        let up = |trail: &Self| trail.up.map(|(trail, step)| (*trail, step));
        let mut steps: Vec<_> = std::iter::successors(up(self), |(trail, _)| up(trail))
            .map(|(_, step)| step)
            .collect();
        steps.reverse();
        steps
    }

    /// The name of the member that this is, or that this is an item of; none at the root.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self.up? {
            (_, Step::Name(name)) => Some(name),
            (list, Step::Item { .. }) => list.name(),
        }
    }

    /// Whether an item of a list is above.
    pub(super) fn is_in_list(&self) -> bool {
        self.up
            .is_some_and(|(up, step)| step.name().is_none() || up.is_in_list())
    }
}
