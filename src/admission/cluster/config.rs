//! The server's configuration against the version of its image: sections, names, types, ranges, required keys.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
