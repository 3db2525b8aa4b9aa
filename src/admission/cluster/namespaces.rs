//! Database namespaces: consistency, storage engines, devices, files, indexes.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
