//! Where two specs differ, what goes together with a change of the replication factor left out.

use serde_json::Value;

use crate::{api::AerospikeClusterSpec, finding::FieldPath};

/// Differences in these do not count, wherever they stand.
const IGNORED: [&str; 3] = ["replication-factor", "enableDynamicConfigUpdate", "paused"];

/// What is computed from other members differs only if those do.
const COMPUTED: &str = "effective";

/// The first place where the resolved specs `old` and `new` differ, replication factors left out.
pub(super) fn first_besides_factors(
    old: &AerospikeClusterSpec,
    new: &AerospikeClusterSpec,
) -> Option<FieldPath> {
    let json = |spec| serde_json::to_value(spec).expect("a spec has a JSON form");
    first(&json(old), &json(new), &FieldPath::spec())
}

fn first(old: &Value, new: &Value, at: &FieldPath) -> Option<FieldPath> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let members = old
                .keys()
                .chain(new.keys().filter(|key| !old.contains_key(*key)));
            let mut members = members.filter(|key| counts(key));
            members.find_map(|key| {
                let place = at.child(key);
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => first(old, new, &place),
                    _ => Some(place),
                }
            })
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let mut items = old.iter().zip(new).enumerate();
            items.find_map(|(index, (old, new))| first(old, new, &at.index(index)))
        }
        (old, new) => (old != new).then(|| at.clone()),
    }
}

fn counts(member: &str) -> bool {
    !IGNORED.contains(&member) && !member.starts_with(COMPUTED)
}
