//! The fields of the custom resource, from its definition.

use serde_json::Value;

use super::cell;
use crate::api::crd;

const ROOT: &str = "/spec/versions/0/schema/openAPIV3Schema/properties";
const HEAD: &str = "| field | type | default | must be | what it is |\n|---|---|---|---|---|\n";

/// The page of every field of spec and status.
///
/// # Panics
///
/// Never: the definition has both.
#[must_use]
pub fn page() -> String {
    let crd = crd::aerospike_cluster();
    let root = crd.pointer(ROOT).expect("the definition has fields");
    let mut page = String::from(
        "# Fields of `AerospikeCluster`\n\nEvery field, from the definition in `crds/`. `[]` stands for an item of a list, `*` for \
         a key of your choice. Fields of `podSpec` that are Kubernetes' own are described in its reference. What \
         `aerospikeConfig` takes is told by [parameters](parameters.md).\n\n## `spec`\n\nWhat you write.\n\n",
    );
    page.push_str(HEAD);
    members("spec", &root["spec"], &mut page);
    page.push_str("\n## `status`\n\nWhat the operator writes: the last spec that was rolled out completely, and what is seen.\n\n");
    page.push_str(HEAD);
    members(
        "status",
        &without_twins(&root["status"], &root["spec"]),
        &mut page,
    );
    page
}

/// The status, with a word in the place of the fields of what the spec has too.
fn without_twins(status: &Value, spec: &Value) -> Value {
    let mut status = status.clone();
    let members = status["properties"].as_object_mut();
    for (name, member) in members.into_iter().flatten() {
        if let Some(twin) = twin(name, member, spec) {
            let told = member["description"].as_str().unwrap_or_default();
            member["description"] = format!("{told} Its fields are those of `spec.{twin}`.").into();
            for part in ["/properties", "/items/properties"] {
                if let Some(fields) = member.pointer_mut(part) {
                    *fields = Value::Null;
                }
            }
        }
    }
    status
}

/// The member of the spec that has the same fields, the one of the same name before others.
fn twin<'a>(name: &str, member: &Value, spec: &'a Value) -> Option<&'a str> {
    let inside = |schema: &Value| {
        let parts = ["/properties", "/items/properties"].map(|part| schema.pointer(part).cloned());
        parts.iter().any(Option::is_some).then_some(parts)
    };
    let wanted = inside(member)?;
    let members = spec["properties"].as_object()?;
    let namesake = members.get_key_value(name);
    let mut candidates = namesake.into_iter().chain(members);
    let found = candidates.find(|(_, known)| inside(known).as_ref() == Some(&wanted));
    found.map(|(name, _)| name.as_str())
}

fn members(path: &str, schema: &Value, page: &mut String) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = has(&schema["required"], name);
        field(&format!("{path}.{name}"), member, is_required, page);
    }
}

fn has(names: &Value, name: &str) -> bool {
    let mut names = names.as_array().into_iter().flatten();
    names.any(|known| known == name)
}

fn field(path: &str, schema: &Value, is_required: bool, page: &mut String) {
    let default = schema
        .get("default")
        .map_or_else(String::new, |value| format!("`{value}`"));
    let told = schema["description"].as_str().unwrap_or_default();
    let cells = [
        format!("`{path}`"),
        kind(schema),
        default,
        constraints(schema, is_required),
        cell(told),
    ];
    page.extend(["| ", &cells.join(" | "), " |\n"]);
    below(path, schema, page);
}

fn below(path: &str, schema: &Value, page: &mut String) {
    members(path, schema, page);
    if let Some(items) = schema.get("items") {
        below(&format!("{path}[]"), items, page);
    }
    if let Some(values) = schema.get("additionalProperties") {
        below(&format!("{path}.*"), values, page);
    }
}

fn kind(schema: &Value) -> String {
    if schema["x-kubernetes-int-or-string"] == true {
        return "integer or string".to_owned();
    }
    match (
        schema["type"].as_str(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ) {
        (_, Some(items), _) => format!("list of {}", kind(items)),
        (_, _, Some(values)) => format!("map of {}", kind(values)),
        (Some(kind), ..) => kind.to_owned(),
        (None, ..) => "anything".to_owned(),
    }
}

fn constraints(schema: &Value, is_required: bool) -> String {
    let mut told = Vec::new();
    if is_required {
        told.push("given".to_owned());
    }
    let words = schema["enum"].as_array().into_iter().flatten();
    let words: Vec<_> = words
        .map(|word| match word.as_str() {
            Some("") | None => "empty".to_owned(),
            Some(word) => format!("`{word}`"),
        })
        .collect();
    if !words.is_empty() {
        told.push(format!("one of {}", words.join(", ")));
    }
    for (keyword, words) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters at least"),
        ("maxLength", "characters at most"),
        ("minItems", "items at least"),
        ("maxItems", "items at most"),
    ] {
        if let Some(number) = schema.get(keyword) {
            told.push(format!("{words} {number}"));
        }
    }
    let keys = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten();
    let keys: Vec<_> = keys.filter_map(Value::as_str).collect();
    if !keys.is_empty() {
        told.push(format!("unique by {}", keys.join(", ")));
    }
    if schema["x-kubernetes-list-type"] == "set" {
        told.push("without repetition".to_owned());
    }
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_listed_with_all_that_the_definition_says() {
        let page = page();
        assert!(
            page.contains("| `spec.size` | integer |  | given; at least 1; at most 256 | "),
            "{page}"
        );
        assert!(page.contains("| `spec.rackConfig.racks[].id` | integer |"));
        assert!(page.contains(
            "| `spec.aerospikeNetworkPolicy.access` | string | `\"hostInternal\"` | one of `pod`"
        ));
    }

    #[test]
    fn the_status_is_listed_and_refers_to_the_spec_for_what_both_have() {
        let page = page();
        assert!(
            page.contains("| `status.pods.*.image` | string |"),
            "{page}"
        );
        assert!(page.contains("| `status.conditions[].lastTransitionTime` |"));
        assert!(page.contains("Its fields are those of `spec.rackConfig`."));
        assert!(!page.contains("`status.rackConfig.racks"));
    }
}
