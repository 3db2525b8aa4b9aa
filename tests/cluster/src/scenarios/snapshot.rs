//! The objects of a cluster as they are, to be compared with those of another time or place.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use super::stage::Stage;
use crate::demo::NAME;

/// Every kind that the operator makes.
pub const OWNED: &str =
    "statefulset,service,configmap,poddisruptionbudget,role,rolebinding,serviceaccount";
/// Given by Kubernetes, and different each time.
const GIVEN: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "status",
];

/// The owned objects by kind and name, without what Kubernetes gives each anew and without the namespace's name.
///
/// # Errors
/// What `kubectl` complained about.
pub fn normalised(stage: &Stage) -> Result<BTreeMap<String, Value>> {
    let mut objects = BTreeMap::new();
    for mut object in owned(stage)? {
        let name = name_of(&object);
        strip(&mut object, &stage.namespace);
        objects.insert(name, object);
    }
    Ok(objects)
}

/// The owned objects as they are.
///
/// # Errors
/// What `kubectl` complained about.
pub fn owned(stage: &Stage) -> Result<Vec<Value>> {
    let all = stage.list(&[OWNED])?;
    let ours = |object: &Value| object["metadata"]["ownerReferences"][0]["name"] == NAME;
    Ok(all.into_iter().filter(ours).collect())
}

/// Kind and name.
#[must_use]
pub fn name_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{} {}",
        text(&object["kind"]),
        text(&object["metadata"]["name"])
    )
}

/// Says how two listings differ; nothing if they are equal.
#[must_use]
pub fn difference(
    expected: &BTreeMap<String, Value>,
    found: &BTreeMap<String, Value>,
) -> Option<String> {
    let mut lines = Vec::new();
    for name in expected.keys().chain(found.keys()) {
        let (one, other) = (expected.get(name), found.get(name));
        if one != other {
            let text = |object: Option<&Value>| object.map_or("nothing".into(), Value::to_string);
            lines.push(format!(
                "{name}: expected {}\n      found {}",
                text(one),
                text(other)
            ));
        }
    }
    lines.dedup();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn strip(value: &mut Value, namespace: &str) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !GIVEN.contains(&name.as_str()));
            members
                .values_mut()
                .for_each(|member| strip(member, namespace));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, namespace)),
        Value::String(text) => *text = text.replace(namespace, "NAMESPACE"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_kubernetes_gives_and_the_namespace_are_left_out() {
        let mut object =
            json!({"metadata": {"uid": "1", "namespace": "here"}, "list": [{"a": "x.here.svc"}]});
        strip(&mut object, "here");
        let expected =
            json!({"metadata": {"namespace": "NAMESPACE"}, "list": [{"a": "x.NAMESPACE.svc"}]});
        assert_eq!(object, expected);
    }

    #[test]
    fn a_missing_object_is_a_difference() {
        let listing = BTreeMap::from([("Role a".to_owned(), json!({}))]);
        assert_eq!(difference(&listing, &listing), None);
        let told = difference(&listing, &BTreeMap::new()).unwrap();
        assert_eq!(told, "Role a: expected {}\n      found nothing");
    }
}
