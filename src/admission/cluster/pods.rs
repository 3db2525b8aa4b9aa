//! Settings of the pods: host network, DNS, reserved names and labels, resources.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
