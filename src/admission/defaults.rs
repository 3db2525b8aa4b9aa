//! What the mutating webhook adds: absent keys only, outside lists, outside `aerospikeConfig`, with values that every
//! version of the operator would give. So a manifest that is applied again still equals what is stored.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::api::{API_VERSION_LABEL, Tree};

static WANTED: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "metadata": {"labels": {API_VERSION_LABEL: "v1"}},
        "spec": {
            "validationPolicy": {"skipWorkDirValidate": false},
            "aerospikeNetworkPolicy": {
                "access": "hostInternal", "alternateAccess": "hostExternal",
                "tlsAccess": "hostInternal", "tlsAlternateAccess": "hostExternal",
            },
            "storage": {
                "filesystemVolumePolicy": {"initMethod": "none", "wipeMethod": "deleteFiles", "cascadeDelete": false},
                "blockVolumePolicy": {"initMethod": "none", "wipeMethod": "dd", "cascadeDelete": false},
            },
        },
    })
});

/// An `add` of RFC 6902, the only operation that is ever needed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Addition {
    op: &'static str,
    path: String,
    value: &'static Value,
}

/// What is to be added to a cluster. Never refuses: where the JSON type is not the expected one, nothing is added, and
/// the schema of the API server has its say.
#[must_use]
pub fn additions(object: &RawValue) -> Vec<Addition> {
    let mut found = Vec::new();
    let (Some(parts), Some(wanted)) = (members(object), WANTED.as_object()) else {
        return found;
    };
    for (part, wanted) in wanted {
        if let (Some(present), Some(wanted)) = (parts.get(part), wanted.as_object()) {
            complete(present, wanted, &format!("/{part}"), &mut found);
        }
    }
    found
}

fn complete(present: &RawValue, wanted: &'static Tree, place: &str, found: &mut Vec<Addition>) {
    let Some(present) = members(present) else {
        return;
    };
    for (key, value) in wanted {
        let path = format!("{place}/{}", escaped(key));
        match (present.get(key), value) {
            (None, value) => found.push(Addition {
                op: "add",
                path,
                value,
            }),
            (Some(inner), Value::Object(wanted)) => complete(inner, wanted, &path, found),
            (Some(_), _) => {}
        }
    }
}

fn members(object: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(object.get()).ok()
}

/// A key as a JSON pointer writes it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
