//! What Kubernetes itself would refuse or ignore in the pods that are asked for.

use crate::admission::rules::Area;

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[],
    advice: &[],
};
