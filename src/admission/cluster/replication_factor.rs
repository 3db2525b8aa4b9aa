//! Changes of the replication factor.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
