//! The custom resource definition: the schema of the Rust types, made structural, with the traits of the embedded Kubernetes types.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResourceExt;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

use super::{AerospikeCluster, AerospikeClusterSpec, AerospikeClusterStatus};

mod traits;

const DEFINITIONS: &str = "/$defs/";
const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";

/// The definition of `AerospikeCluster` as JSON, ready for `kubectl apply`.
///
/// # Panics
///
/// If a type in the schema refers to itself, which a structural schema cannot hold.
#[must_use]
pub fn aerospike_cluster() -> Value {
    let mut crd = serde_json::to_value(AerospikeCluster::crd())
        .expect("a definition of plain structs is valid JSON");
    let version = &mut crd["spec"]["versions"][0];
    version["schema"]["openAPIV3Schema"] = root_schema();
    crd
}

fn root_schema() -> Value {
    let mut status = structural::<AerospikeClusterStatus>();
    status["nullable"] = json!(true);
    for member in ["aerospikeConfig", "rackConfig"] {
        status["properties"][member]["nullable"] = json!(true);
    }
    let mut spec = structural::<AerospikeClusterSpec>();
    let racks = "/properties/rackConfig/properties/racks";
    for schema in [&mut spec, &mut status] {
        if let Some(racks) = schema.pointer_mut(racks) {
            racks["nullable"] = json!(true);
        }
    }
    json!({
        "description": "A database cluster.",
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    })
}

/// The schema of `T` without references, `nullable` and the descriptions of Kubernetes' own types.
fn structural<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::openapi3()
        .with(|settings| {
            settings.meta_schema = None;
            settings.transforms.clear();
            settings.definitions_path = DEFINITIONS.into();
        })
        .into_generator();
    let mut root = generator.into_root_schema_for::<T>().to_value();
    let mut definitions = match root.as_object_mut().and_then(|root| root.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    for (name, definition) in &mut definitions {
        if name.starts_with("io.k8s.") {
            strip_descriptions(definition);
        }
        traits::add(name, definition);
    }
    inline(root, &definitions)
}

/// `schema` with every reference replaced by what it refers to; what stands beside the reference stays.
fn inline(schema: Value, definitions: &Map<String, Value>) -> Value {
    match schema {
        Value::Object(mut members) => {
            if let Some(plain) = non_null_variant(&mut members) {
                return inline(merge(plain, members), definitions);
            }
            if let Some(Value::String(reference)) = members.remove("$ref") {
                let target = definition(&reference, definitions);
                return inline(merge(target, members), definitions);
            }
            members.remove("title");
            not_null(&mut members);
            one_enum(&mut members);
            members.retain(|key, value| !(key == "default" && value.is_null()));
            let members = members
                .into_iter()
                .map(|(key, value)| (key, inline(value, definitions)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| inline(item, definitions))
                .collect(),
        ),
        scalar => scalar,
    }
}

fn definition(reference: &str, definitions: &Map<String, Value>) -> Value {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    definitions
        .get(name)
        .unwrap_or_else(|| panic!("schema refers to {name}, which it does not define"))
        .clone()
}

/// Takes `anyOf: [X, null]`, which an optional reference becomes, and gives X.
fn non_null_variant(members: &mut Map<String, Value>) -> Option<Value> {
    let variants = members.get("anyOf")?.as_array()?;
    if variants.len() != 2 || variants[1] != json!({"type": "null"}) {
        return None;
    }
    let Some(Value::Array(mut variants)) = members.remove("anyOf") else {
        return None;
    };
    Some(variants.swap_remove(0))
}

fn merge(base: Value, over: Map<String, Value>) -> Value {
    let Value::Object(mut base) = base else {
        return Value::Object(over);
    };
    base.extend(over);
    Value::Object(base)
}

/// `type: [X, null]` becomes `type: X`: a member that may be left out is not thereby one that may be null.
fn not_null(members: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = members.get_mut("type") else {
        return;
    };
    types.retain(|kind| kind != "null");
    if let [only] = types.as_slice() {
        let only = only.clone();
        members.insert("type".to_owned(), only);
    }
    members.remove("nullable");
}

/// Enums whose variants carry descriptions come as `oneOf: [{const}]`.
fn one_enum(members: &mut Map<String, Value>) {
    let constants = members
        .get("oneOf")
        .and_then(Value::as_array)
        .and_then(|variants| {
            let constants = variants.iter().map(|variant| variant.get("const").cloned());
            constants.collect::<Option<Vec<_>>>()
        });
    if let Some(constants) = constants {
        members.remove("oneOf");
        members.insert("type".to_owned(), json!("string"));
        members.insert("enum".to_owned(), Value::Array(constants));
    }
}

fn strip_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|key, value| !(key == "description" && value.is_string()));
            members.values_mut().for_each(strip_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_descriptions),
        _ => {}
    }
}

/// Any JSON object, kept whole.
pub(super) fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A list whose items are told apart by `name`.
pub(super) fn list_by_name<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": generator.subschema_for::<T>(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    })
}

/// A list of strings, none twice.
pub(super) fn set_of_strings(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"})
}

/// Standard conditions, told apart by `type`.
pub(super) fn conditions(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": generator.subschema_for::<Condition>(),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

/// The id of a rack.
pub(super) fn rack_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "minimum": 0, "maximum": 1_000_000})
}

/// An integer of any size.
pub(super) fn integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer"})
}

/// A number of transactions a second.
pub(super) fn quota(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 0})
}
