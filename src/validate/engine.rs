//! What the API server and the webhook would say about one object of a manifest: the schema's constraints, and the rules.

use serde_json::{Value, json, value::to_raw_value};

use super::{
    manifest::Document,
    places::{Places, Position},
    schema,
};
use crate::{
    admission::{self, Operation, Verdict, cluster::syntax::is_subdomain},
    api::{GROUP, KIND, VERSION},
    finding::{FieldPath, Finding, Reason, Warning, shortened},
    resolve::Settings,
};

/// So many characters of a value are repeated in a message.
const SHOWN: usize = 60;
/// As many letters as the API server appends to `generateName`.
const GENERATED: &str = "xxxxx";
/// The webhook's word for an object that does not fit into its types.
const SHAPE: &str = "SHAPE-01";

/// How much an entry weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The object is refused.
    Error,
    /// It is accepted but unwise.
    Warning,
}

/// One thing that is said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How much it weighs.
    pub severity: Severity,
    /// The rule's id, stable over releases.
    pub code: &'static str,
    /// The field.
    pub path: FieldPath,
    /// How it is wrong; none for a warning.
    pub reason: Option<Reason>,
    /// What is wrong and what would be right.
    pub message: String,
    /// Where the field stands in the text, or the nearest that is there of what it is in.
    pub at: Position,
}

/// All that is said about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// In the order of the text.
    pub entries: Vec<Entry>,
    /// The rules could not be asked, because the object has not the shape of the schema.
    pub is_partial: bool,
}

/// Kinds of the group that are judged by others.
const OTHER_KINDS: [&str; 3] = [
    "AerospikeBackup",
    "AerospikeBackupService",
    "AerospikeRestore",
];

/// Whether an object is a cluster, or was meant to be one: its kind may stand in another group or version, and a kind of
/// the group that nobody knows is a slip.
#[must_use]
pub fn is_cluster(object: &Value) -> bool {
    let group = object["apiVersion"]
        .as_str()
        .map(|version| version.split('/').next().unwrap_or(version));
    let kind = object["kind"].as_str();
    kind == Some(KIND)
        || group == Some(GROUP) && !kind.is_some_and(|kind| OTHER_KINDS.contains(&kind))
}

/// Whether `old` is what `new` replaces. A manifest may leave its namespace to whoever applies it.
#[must_use]
pub fn is_same(old: &Value, new: &Value) -> bool {
    let member = |object: &Value, name: &str| {
        let text = object["metadata"][name].as_str();
        text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    let namespaces = (member(old, "namespace"), member(new, "namespace"));
    let same_namespace = !matches!(namespaces, (Some(old), Some(new)) if old != new);
    same_namespace && member(new, "name").is_some() && member(old, "name") == member(new, "name")
}

/// Judges the cluster `document`, new, or in the place of `old`.
#[must_use]
pub fn judge(document: &Document, old: Option<&Value>, settings: &Settings) -> Opinion {
    if let Some(finding) = not_served(&document.value) {
        return Opinion::of(&document.places, vec![finding], Vec::new());
    }
    let mut object = as_sent(&document.value, old);
    let unknown = schema::complete(&mut object);
    let mut findings = schema::check(&object);
    findings.extend(name_is_given(&object));
    schema::mend_quotes(&mut object);
    let verdict = ask_the_rules(&object, old, settings);
    let has_shape = findings.is_empty() || verdict.findings.iter().all(|f| f.code != SHAPE);
    let more = verdict.findings.into_iter();
    let more: Vec<_> = more
        .filter(|finding| says_more(finding, &findings))
        .collect();
    findings.extend(more);
    let warnings = unknown.into_iter().chain(verdict.warnings).collect();
    Opinion {
        is_partial: !has_shape,
        ..Opinion::of(&document.places, findings, warnings)
    }
}

fn not_served(object: &Value) -> Option<Finding> {
    let served = json!(format!("{GROUP}/{VERSION}"));
    let expected = [("apiVersion", &served), ("kind", &json!(KIND))];
    expected.into_iter().find_map(|(name, expected)| {
        let path = FieldPath::default().child(name);
        let message = format!("must be {expected}");
        match object.get(name).filter(|given| !given.is_null()) {
            None => Some(Finding::required(schema::SERVED, path, message)),
            Some(given) if given != expected => {
                let given = shortened(&given.to_string(), SHOWN);
                Some(Finding::invalid(
                    schema::SERVED,
                    path,
                    format!("{given} is not served, {message}"),
                ))
            }
            Some(_) => None,
        }
    })
}

/// The object as the API server takes it: status and deletion are not the sender's to say.
fn as_sent(object: &Value, old: Option<&Value>) -> Value {
    let mut object = object.clone();
    let kept = |path: &str| old.and_then(|old| old.pointer(path)).cloned();
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
        members.extend(kept("/status").map(|status| ("status".to_owned(), status)));
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        let since = "deletionTimestamp";
        metadata.remove(since);
        metadata.extend(kept("/metadata/deletionTimestamp").map(|time| (since.to_owned(), time)));
        let is_nameless = metadata.get("name").is_none_or(|name| name == "");
        if let Some(prefix) = metadata.get("generateName").and_then(Value::as_str)
            && is_nameless
            && !prefix.is_empty()
        {
            let name = format!("{prefix}{GENERATED}");
            metadata.insert("name".to_owned(), json!(name));
        }
    }
    object
}

fn name_is_given(object: &Value) -> Option<Finding> {
    let path = FieldPath::metadata().child("name");
    match object["metadata"].get("name") {
        None => Some(Finding::required(
            "CRD-17",
            path,
            "name or generateName is required",
        )),
        Some(Value::String(name)) if !is_subdomain(name) => {
            let message = "must be a lowercase RFC 1123 subdomain: at most 253 lower case letters, digits, '-' and '.', \
                           each part beginning and ending with a letter or digit";
            Some(Finding::invalid("CRD-17", path, message))
        }
        Some(_) => None,
    }
}

/// What the webhook says, asked as the API server asks it.
fn ask_the_rules(object: &Value, old: Option<&Value>, settings: &Settings) -> Verdict {
    let raw = |object: &Value| to_raw_value(object).expect("a JSON value has a JSON form");
    let old = old.map(|old| {
        let mut old = old.clone();
        schema::complete(&mut old);
        raw(&old)
    });
    let operation = match old {
        Some(_) => Operation::Update,
        None => Operation::Create,
    };
    admission::judge(operation, &raw(object), old.as_deref(), settings)
}

/// Whether a finding of the rules tells what the schema has not told.
fn says_more(finding: &Finding, told: &[Finding]) -> bool {
    let is_told = told.iter().any(|told| told.path == finding.path);
    told.is_empty() || (finding.code != SHAPE && !is_told)
}

impl Opinion {
    fn of(places: &Places, findings: Vec<Finding>, warnings: Vec<Warning>) -> Self {
        let findings = findings.into_iter().map(Entry::error);
        let warnings = warnings.into_iter().map(Entry::warning);
        let mut entries: Vec<_> = findings.chain(warnings).collect();
        for entry in &mut entries {
            entry.at = places.nearest(&entry.path);
        }
        entries.sort_by_key(|entry| entry.at);
        Self {
            entries,
            is_partial: false,
        }
    }
}

impl Entry {
    fn error(finding: Finding) -> Self {
        Self {
            severity: Severity::Error,
            code: finding.code,
            path: finding.path,
            reason: Some(finding.reason),
            message: finding.message,
            at: Position::default(),
        }
    }

    fn warning(warning: Warning) -> Self {
        Self {
            severity: Severity::Warning,
            code: warning.code,
            path: warning.path,
            reason: None,
            message: warning.message,
            at: Position::default(),
        }
    }
}

#[cfg(test)]
mod tests;
