//! How many pods go at once: batch sizes, ignorable pods, the disruption budget.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
