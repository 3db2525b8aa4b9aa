//! Whether an apply would change anything: what was built against what lives in the API server, which adds defaults,
//! drops what is empty, and writes quantities its own way.

mod owned;
mod quantity;

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Members of lists by which the API server tells items apart. All other lists are compared item by item.
const LIST_KEYS: [(&str, &[&str]); 10] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("ports", &["containerPort", "port", "protocol"]),
    ("ownerReferences", &["uid"]),
    ("hostAliases", &["ip"]),
];

/// Lists with keys whose order means something.
const ORDERED: [&str; 3] = ["containers", "initContainers", "env"];

/// Members that the API server does not store when they are false, zero or empty text.
const DROPPED_WHEN_ZERO: [&str; 18] = [
    "effect",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "initialDelaySeconds",
    "key",
    "medium",
    "namespace",
    "operator",
    "publishNotReadyAddresses",
    "readOnly",
    "stdin",
    "stdinOnce",
    "subPath",
    "tty",
    "value",
    "workingDir",
];

/// Members whose keys are the user's.
const MAPS: [&str; 6] = [
    "annotations",
    "data",
    "labels",
    "matchLabels",
    "nodeSelector",
    "selector",
];

/// Members whose members are quantities.
const QUANTITY_MAPS: [&str; 2] = ["limits", "requests"];
/// Members that are quantities.
const QUANTITIES: [&str; 2] = ["divisor", "sizeLimit"];

/// Whether `built` has to be applied as `manager`: it is not contained in `live`, or `live` still holds something that
/// `manager` once applied and that is not in `built` any more.
#[must_use]
pub fn needs_apply(built: &Value, live: &Value, manager: &str) -> bool {
    !is_contained(built, live) || owned::has_leftovers(built, live, manager)
}

/// Whether `live` says all that `built` says.
#[must_use]
pub fn is_contained(built: &Value, live: &Value) -> bool {
    within(Place::default(), built, live)
}

/// The names of the member that is compared, and of the one around it.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    around: &'a str,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn child(self, name: &'a str) -> Self {
        Self {
            around: self.name,
            name,
        }
    }

    fn is_quantity(self) -> bool {
        QUANTITIES.contains(&self.name) || QUANTITY_MAPS.contains(&self.around)
    }

    fn may_be_dropped(self) -> bool {
        DROPPED_WHEN_ZERO.contains(&self.name) && !MAPS.contains(&self.around)
    }
}

fn within(place: Place<'_>, built: &Value, live: &Value) -> bool {
    match (built, live) {
        (Value::Object(built), Value::Object(live)) => object_within(place, built, live),
        (Value::Array(built), Value::Array(live)) => list_within(place, built, live),
        (_, Value::Null) => is_nothing(place, built),
        _ => built == live || (place.is_quantity() && quantity::same(built, live)),
    }
}

fn object_within(place: Place<'_>, built: &Map<String, Value>, live: &Map<String, Value>) -> bool {
    built.iter().all(|(name, value)| {
        let live = live.get(name).unwrap_or(&Value::Null);
        within(place.child(name), value, live)
    })
}

/// Whether `built` says no more than its absence does.
fn is_nothing(place: Place<'_>, built: &Value) -> bool {
    match built {
        Value::Null => true,
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| is_nothing(place.child(name), value)),
        Value::Array(items) => items.is_empty(),
        Value::Bool(value) => !value && place.may_be_dropped(),
        Value::Number(number) => number.as_i64() == Some(0) && place.may_be_dropped(),
        Value::String(text) => text.is_empty() && place.may_be_dropped(),
    }
}

fn list_within(place: Place<'_>, built: &[Value], live: &[Value]) -> bool {
    let Some(keys) = keys_of(place.name) else {
        return built.len() == live.len()
            && built.iter().zip(live).all(|(a, b)| within(place, a, b));
    };
    let found: Option<Vec<_>> = built
        .iter()
        .map(|item| {
            let mut others = live.iter();
            let index = others.position(|other| have_one_key(item, other, keys))?;
            within(place, item, &live[index]).then_some(index)
        })
        .collect();
    found.is_some_and(|indices| !ORDERED.contains(&place.name) || indices.is_sorted())
}

fn keys_of(list: &str) -> Option<&'static [&'static str]> {
    let found = LIST_KEYS.iter().find(|(name, _)| *name == list);
    found.map(|(_, keys)| *keys)
}

/// Whether nothing tells two items of a list apart.
fn have_one_key(one: &Value, other: &Value, keys: &[&str]) -> bool {
    keys.iter()
        .all(|key| member(one, key) == member(other, key))
}

/// A member of an item; the protocol of a port has a default that counts as written.
fn member<'a>(item: &'a Value, key: &str) -> &'a Value {
    static TCP: LazyLock<Value> = LazyLock::new(|| "TCP".into());
    match (key, item.get(key)) {
        (_, Some(value)) => value,
        ("protocol", None) => &TCP,
        (_, None) => &Value::Null,
    }
}

#[cfg(test)]
mod tests;
