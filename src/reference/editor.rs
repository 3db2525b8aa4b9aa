//! The custom resource as a JSON schema (draft 7), for editors: completion and marks while a manifest is written. With
//! what `aerospikeConfig` takes in one release.

use serde_json::{Map, Value, json};

use crate::{
    api::{GROUP, KIND, VERSION, crd},
    config::parameters::{Kind, Node, Parameter, Release},
};

const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
/// Where a configuration of the server stands.
const CONFIGURATIONS: [&str; 2] = [
    "/properties/spec/properties/aerospikeConfig",
    "/properties/spec/properties/rackConfig/properties/racks/items/properties/aerospikeConfig",
];

/// The schema, with the parameters of `release`.
///
/// # Panics
///
/// Never: the definition has a spec.
#[must_use]
pub fn schema(release: Release) -> Value {
    let crd = crd::aerospike_cluster();
    let spec = crd.pointer(SPEC).expect("the definition has a spec");
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": format!("AerospikeCluster with a server {release}"),
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": format!("{GROUP}/{VERSION}")},
            "kind": {"const": KIND},
            "metadata": {"type": "object"},
            "spec": plain(spec),
            "status": {"type": "object"},
        },
    });
    for (place, is_whole) in CONFIGURATIONS.into_iter().zip([true, false]) {
        if let Some(config) = schema.pointer_mut(place) {
            *config = section(Node::root(), release, is_whole);
        }
    }
    schema
}

/// A schema of the definition in the words of JSON Schema.
fn plain(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return schema.clone();
    };
    if members.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        return json!({"type": ["integer", "string"]});
    }
    let is_open = members.contains_key("x-kubernetes-preserve-unknown-fields");
    let mut out = Map::new();
    for (keyword, value) in members {
        let value = match keyword.as_str() {
            "properties" => each(value, plain),
            "items" | "additionalProperties" => plain(value),
            "nullable" | "format" => continue,
            name if name.starts_with("x-kubernetes-") => continue,
            _ => value.clone(),
        };
        out.insert(keyword.clone(), value);
    }
    if members.get("nullable") == Some(&json!(true)) {
        out.insert("type".to_owned(), json!([members["type"], "null"]));
    }
    if out.contains_key("properties") && !is_open {
        out.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(out)
}

fn each(properties: &Value, change: fn(&Value) -> Value) -> Value {
    let members = properties.as_object().into_iter().flatten();
    Value::Object(
        members
            .map(|(name, value)| (name.clone(), change(value)))
            .collect(),
    )
}

/// A section of the configuration. One of a rack is merged over the cluster's, so that nothing in it is required.
fn section(node: &Node, release: Release, is_whole: bool) -> Value {
    let members = node.members_in(release);
    let members = members.filter_map(|member| {
        let row = member.parameter(release)?;
        Some((
            member.name.to_owned(),
            parameter(member, row, release, is_whole),
        ))
    });
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": members.collect::<Map<_, _>>(),
    });
    let required: Vec<_> = node.parameter(release).map_or_else(Vec::new, required);
    if is_whole && !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Members that the operator fills in.
const FILLED_IN: [&str; 2] = ["service", "cluster-name"];

/// The members that a section must have, as far as they must be written.
fn required(row: &Parameter) -> Vec<&'static str> {
    let groups = row.values.split(' ');
    let all = groups.filter_map(|group| group.strip_prefix("all:"));
    let names = all.flat_map(|names| names.split(','));
    names.filter(|name| !FILLED_IN.contains(name)).collect()
}

fn parameter(node: &Node, row: &Parameter, release: Release, is_whole: bool) -> Value {
    let mut schema = match row.kind {
        Kind::Section => section(node, release, is_whole),
        Kind::Sections => json!({"type": "array", "items": section(node, release, is_whole)}),
        Kind::Variant => variant(node, release),
        Kind::Text => json!({"type": "string"}),
        Kind::Integer => integer(row),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word => json!({"enum": row.words().collect::<Vec<_>>()}),
        Kind::Texts => json!({"type": ["array", "string"], "items": {"type": "string"}}),
        Kind::WordOrHosts => {
            json!({"type": ["array", "string", "boolean"], "items": {"type": "string"}})
        }
    };
    let default = row.default.filter(|default| !default.trim().is_empty());
    let change = if row.dynamic {
        "changes at run time"
    } else {
        "changes with a restart"
    };
    let told = default.map_or_else(
        || change.to_owned(),
        |default| format!("default {default}; {change}"),
    );
    schema["description"] = json!(told);
    schema
}

/// AKO takes a fraction for the whole number below it.
fn integer(row: &Parameter) -> Value {
    let mut schema = json!({"type": "number"});
    let bounds = [("minimum", row.min), ("maximum", row.max)];
    for (keyword, bound) in bounds {
        // Greater numbers than JSON's readers take exactly bound nothing that anybody writes.
        if let Some(bound) = bound.and_then(|bound| i64::try_from(bound).ok()) {
            schema[keyword] = json!(bound);
        }
    }
    schema
}

/// A section whose members depend on its type; a rack's may leave the type to the cluster's.
fn variant(node: &Node, release: Release) -> Value {
    let mut properties = Map::new();
    let mut types = Vec::new();
    for of_type in node.members_in(release) {
        types.push(of_type.name);
        let section = section(of_type, release, false);
        let members = section["properties"].as_object().into_iter().flatten();
        for (name, schema) in members {
            properties
                .entry(name.clone())
                .or_insert_with(|| schema.clone());
        }
    }
    properties.insert("type".to_owned(), json!({"enum": types}));
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_of(release: &str) -> Value {
        schema(Release::parse(release).unwrap())
    }

    #[test]
    fn parameters_are_those_of_the_release() {
        let namespace =
            "/properties/spec/properties/aerospikeConfig/properties/namespaces/items/properties";
        let (old, new) = (schema_of("6.4.0"), schema_of("8.1.2"));
        let has =
            |schema: &Value, name: &str| schema.pointer(namespace).unwrap().get(name).is_some();
        assert!(has(&old, "memory-size") && !has(&new, "memory-size"));
        assert!(has(&new, "active-rack") && !has(&old, "active-rack"));
    }

    #[test]
    fn what_the_operator_fills_in_need_not_be_written() {
        let text = schema_of("8.1.2").to_string();
        assert!(
            text.contains(r#""required":["namespaces","network"]"#),
            "{text}"
        );
        assert!(!text.contains(r#""required":["cluster-name"]"#));
    }

    #[test]
    fn what_is_kubernetes_own_notation_is_not_in_it() {
        let text = schema_of("8.1.2").to_string();
        assert!(!text.contains("x-kubernetes") && !text.contains("nullable"));
    }
}
