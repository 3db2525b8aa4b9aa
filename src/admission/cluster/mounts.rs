//! Folders and files that the configuration names: whether a volume holds them.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
