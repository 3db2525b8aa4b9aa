//! The schema that the API server holds objects against, read from our own definition, and what the API server does with
//! it: unknown members are dropped, defaults filled in, and then every constraint is checked.

mod check;
mod code;
mod complete;
mod meant;

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    api::crd,
    finding::{FieldPath, Finding, Warning},
};
pub use code::{SERVED, UNKNOWN};

/// A structural schema. Keywords that nobody here interprets are refused when it is read.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Schema {
    r#type: Option<Kind>,
    nullable: bool,
    r#default: Option<Value>,
    properties: BTreeMap<String, Schema>,
    additional_properties: Option<Box<Schema>>,
    items: Option<Box<Schema>>,
    required: Vec<String>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    r#enum: Vec<Value>,
    format: Option<Format>,
    pattern: Option<Pattern>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserve_unknown: bool,
    #[serde(rename = "x-kubernetes-list-type")]
    list: ListKind,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    _map: Silent,
    #[serde(rename = "anyOf")]
    _any_of: Silent,
    #[serde(rename = "description")]
    _description: Silent,
}

/// A keyword that constrains nothing, or nothing that another does not.
type Silent = serde::de::IgnoredAny;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Format {
    #[serde(rename = "int32")]
    Int32,
    #[serde(rename = "int64")]
    Int64,
    #[serde(rename = "date-time")]
    DateTime,
}

/// The one pattern that the schema uses.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Pattern {
    #[serde(
        rename = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
    )]
    Quantity,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum ListKind {
    #[default]
    Atomic,
    Set,
    Map,
}

/// The whole schema, with that of the metadata, which every kind shares.
static CLUSTER: LazyLock<Schema> = LazyLock::new(|| {
    let crd = crd::aerospike_cluster();
    let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let mut schema: Schema = read(root);
    schema
        .properties
        .insert("metadata".to_owned(), read(&crd::object_meta()));
    schema
});

fn read(schema: &Value) -> Schema {
    Schema::deserialize(schema).expect("our own definition uses the keywords that are known here")
}

/// Brings a cluster into the form in which the API server judges it: members that the schema does not know are dropped,
/// nulls where none may be are dropped, and defaults are filled in. What was dropped unread is told.
pub fn complete(object: &mut Value) -> Vec<Warning> {
    let mut unknown = Vec::new();
    complete::complete(&CLUSTER, object, &FieldPath::default(), &mut unknown);
    unknown
}

/// Replaces scalars of a wrong type that only stand in quotes, or lack them, by what was meant: what else is wrong can be told
/// then too.
pub fn mend_quotes(object: &mut Value) {
    meant::mend(&CLUSTER, object);
}

/// Every constraint of the schema that a cluster breaks, in the order of the members' names.
#[must_use]
pub fn check(object: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    check::check(&CLUSTER, object, &FieldPath::default(), &mut findings);
    findings
}

#[cfg(test)]
mod tests;
