//! Operations on demand.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lenient;

/// An operation on demand.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// What is done.
    pub kind: OperationKind,

    /// Identity: the same id never runs twice.
    #[schemars(length(min = 1, max = 20))]
    pub id: String,

    /// Names of the pods; all if empty.
    #[serde(
        default,
        deserialize_with = "lenient::null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub pod_list: Vec<String>,
}

/// What an operation does.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub enum OperationKind {
    /// Restarts the server process in its container.
    WarmRestart,
    /// Deletes the pod.
    PodRestart,
}

/// An operation that goes on, with the pods that it found. Each is done when another pod has its name.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationInProgress {
    /// Its id.
    pub id: String,

    /// Uids of the pods that are to be restarted, by name, as they were when it began.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub pods: BTreeMap<String, String>,
}
