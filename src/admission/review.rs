//! A review: bytes of the API server in, bytes out. The object is read once, from the request's own text.

use std::fmt;

use k8s_openapi::ByteString;
use kube::core::{ObjectMeta, Status};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use crate::{
    admission::{Operation, Proposal, Verdict, check, defaults, denial},
    api::AerospikeCluster,
    finding::{FieldPath, Finding, Warning},
    resolve::Settings,
};

/// The kind that is reviewed here.
const KIND: &str = "AerospikeCluster";

/// Which webhook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// Adds what is absent, never refuses.
    Mutate,
    /// Accepts or refuses.
    Validate,
}

impl Webhook {
    /// A word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// Why bytes are no review.
#[derive(Debug, thiserror::Error)]
pub enum BadReview {
    /// There are none.
    #[error("empty body: expected an AdmissionReview of admission.k8s.io/v1")]
    Empty,
    /// They are not the JSON of one.
    #[error("no AdmissionReview of admission.k8s.io/v1")]
    Json(#[source] serde_json::Error),
    /// It asks nothing.
    #[error("AdmissionReview without a request")]
    NoRequest,
}

/// A review's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What goes back to the API server.
    pub body: Vec<u8>,
    /// What logs and metrics may say about it.
    pub outcome: Outcome,
}

/// What logs and metrics may say about a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Name of the object; empty while it is to be generated.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What was to be done with it.
    pub operation: Operation,
    /// The verdict.
    pub allowed: bool,
    /// Number of findings.
    pub findings: usize,
    /// Number of warnings.
    pub warnings: usize,
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow, default)]
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    uid: String,
    operation: Operation,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewAnswer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<ByteString>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// The parts of an object that admission reads; all else is skipped unread.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow, default)]
    spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

/// Answers a review.
///
/// # Errors
///
/// If the bytes are no review. Whatever is wrong with the object in it is an answer.
pub fn review(body: &[u8], webhook: Webhook, settings: &Settings) -> Result<Answer, BadReview> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(BadReview::Empty);
    }
    let Review { request } = serde_json::from_slice(body).map_err(BadReview::Json)?;
    let request = request.ok_or(BadReview::NoRequest)?;
    let (response, findings) = match webhook {
        Webhook::Mutate => (mutate(&request), 0),
        Webhook::Validate => validate(&request, settings),
    };
    let outcome = Outcome {
        name: request.name.clone().unwrap_or_default(),
        namespace: request.namespace.clone().unwrap_or_default(),
        operation: request.operation,
        allowed: response.allowed,
        findings,
        warnings: response.warnings.len(),
    };
    let answer = ReviewAnswer {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Response {
            uid: request.uid,
            ..response
        },
    };
    let body = written(&answer);
    Ok(Answer { body, outcome })
}

fn written(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("strings, numbers and booleans have a JSON form")
}

fn mutate(request: &Request<'_>) -> Response {
    let patch = match (request.operation, request.object) {
        (Operation::Create | Operation::Update, Some(object)) if !is_going(object) => {
            defaults::additions(object)
        }
        _ => Vec::new(),
    };
    let patch = (!patch.is_empty()).then(|| ByteString(written(&patch)));
    Response {
        allowed: true,
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch,
        ..Response::default()
    }
}

fn is_going(object: &RawValue) -> bool {
    read::<Object<'_>>(object, &FieldPath::default())
        .is_ok_and(|object| object.metadata.deletion_timestamp.is_some())
}

fn validate(request: &Request<'_>, settings: &Settings) -> (Response, usize) {
    let verdict = match (request.operation, request.object) {
        (Operation::Create | Operation::Update, Some(object)) => {
            judge(request.operation, object, request.old_object, settings)
        }
        _ => Verdict::default(),
    };
    let name = request.name.as_deref().unwrap_or_default();
    let status = (!verdict.is_accepted()).then(|| denial::denial(KIND, name, &verdict.findings));
    let response = Response {
        allowed: verdict.is_accepted(),
        status,
        warnings: verdict.warnings.iter().map(denial::warning).collect(),
        ..Response::default()
    };
    (response, verdict.findings.len())
}

/// The verdict about `object`. One that is being deleted passes, and so does one whose spec stays as it is.
#[must_use]
pub fn judge(
    operation: Operation,
    object: &RawValue,
    old_object: Option<&RawValue>,
    settings: &Settings,
) -> Verdict {
    let new = match read::<Object<'_>>(object, &FieldPath::default()) {
        Ok(new) => new,
        Err(finding) => return refusal(finding),
    };
    let old = match (operation, old_object) {
        (Operation::Update, Some(old)) => read::<Object<'_>>(old, &FieldPath::default()).ok(),
        _ => None,
    };
    let unchanged = |old: &Object<'_>| old.text() == new.text();
    if new.metadata.deletion_timestamp.is_some() || old.as_ref().is_some_and(unchanged) {
        return Verdict::default();
    }
    let old = old.map(|old| old.cluster());
    match (new.cluster(), old) {
        (Ok(new), Some(Ok(old))) if new.spec == old.spec => Verdict::default(),
        (Ok(new), old) => check(&Proposal {
            operation,
            new: &new,
            old: old.and_then(Result::ok).as_ref(),
            settings,
        }),
        (Err(finding), Some(Err(before))) if is_same(&finding, &before) => tolerated(finding),
        (Err(finding), _) => refusal(finding),
    }
}

fn is_same(finding: &Finding, before: &Finding) -> bool {
    (finding.code, finding.path.identity()) == (before.code, before.path.identity())
}

fn refusal(finding: Finding) -> Verdict {
    Verdict {
        findings: vec![finding],
        warnings: Vec::new(),
    }
}

/// A shape that was wrong before is no reason to refuse another change.
fn tolerated(finding: Finding) -> Verdict {
    let warning = Warning {
        code: finding.code,
        path: finding.path,
        message: finding.message,
    };
    Verdict {
        findings: Vec::new(),
        warnings: vec![warning],
    }
}

impl<'a> Object<'a> {
    fn text(&self) -> Option<&'a str> {
        self.spec.map(RawValue::get)
    }

    /// The object in its types. A status that cannot be read counts as none: it is not the user's.
    fn cluster(&self) -> Result<AerospikeCluster, Finding> {
        let spec = FieldPath::spec();
        let Some(text) = self.spec else {
            return Err(Finding::required("SHAPE-01", spec, "spec is missing"));
        };
        Ok(AerospikeCluster {
            metadata: ObjectMeta {
                name: self.metadata.name.clone(),
                namespace: self.metadata.namespace.clone(),
                ..ObjectMeta::default()
            },
            spec: read(text, &spec)?,
            status: self
                .status
                .and_then(|status| serde_json::from_str(status.get()).ok()),
        })
    }
}

/// Reads `raw`, which stands at `root`. The place of a mistake is only looked for when there is one.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, root: &FieldPath) -> Result<T, Finding> {
    if let Ok(value) = serde_json::from_str(raw.get()) {
        return Ok(value);
    }
    let mut json = serde_json::Deserializer::from_str(raw.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = root.join(&place(error.path()));
        Finding::invalid("SHAPE-01", path, explained(error.inner()))
    })
}

fn place(path: &Path) -> FieldPath {
    path.iter()
        .fold(FieldPath::default(), |place, segment| match segment {
            Segment::Seq { index } => place.index(*index),
            Segment::Map { key } => place.child(key),
            Segment::Enum { variant } => place.child(variant),
            Segment::Unknown => place,
        })
}

/// Without the line and column, which count in a text that nobody sees.
fn explained(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    format!("wrong shape: {text}")
}
