//! The wire form of a review: bytes of the API server in, bytes out.

use k8s_openapi::ByteString;
use kube::core::Status;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::admission::{Operation, Verdict, denial};

/// Which webhook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// Adds what is absent, never refuses.
    Mutate,
    /// Accepts or refuses.
    Validate,
    /// Accepts or refuses another number of pods.
    Scale,
    /// Accepts or refuses that a pod is evicted.
    Evict,
}

impl Webhook {
    /// A word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
            Self::Scale => "scale",
            Self::Evict => "evict",
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

/// What is asked about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<'a> {
    uid: String,
    /// What is done.
    pub operation: Operation,
    /// Name of the object, if it is known already.
    #[serde(default)]
    pub name: Option<String>,
    /// Its namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The object as it shall be.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
    /// The object as it is.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
    /// Nothing is to be changed, whatever the answer.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewAnswer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

/// The answer to a request.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    uid: String,
    /// Whether it may happen.
    pub allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<ByteString>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip)]
    findings: usize,
}

impl<'a> Request<'a> {
    /// Reads a review.
    ///
    /// # Errors
    ///
    /// If the bytes are no review, or it asks nothing.
    pub fn read(body: &'a [u8]) -> Result<Self, BadReview> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(BadReview::Empty);
        }
        let Review { request } = serde_json::from_slice(body).map_err(BadReview::Json)?;
        request.ok_or(BadReview::NoRequest)
    }

    /// The bytes of `response`, and what may be noted about it.
    #[must_use]
    pub fn answer(self, response: Response) -> Answer {
        let outcome = Outcome {
            name: self.name.unwrap_or_default(),
            namespace: self.namespace.unwrap_or_default(),
            operation: self.operation,
            allowed: response.allowed,
            findings: response.findings,
            warnings: response.warnings.len(),
        };
        let body = written(&ReviewAnswer {
            api_version: "admission.k8s.io/v1",
            kind: "AdmissionReview",
            response: Response {
                uid: self.uid,
                ..response
            },
        });
        Answer { body, outcome }
    }
}

impl Response {
    /// It may happen.
    #[must_use]
    pub fn allowed() -> Self {
        Self {
            allowed: true,
            ..Self::default()
        }
    }

    /// It may happen, and the client is told something.
    #[must_use]
    pub fn warned(warning: String) -> Self {
        Self {
            warnings: vec![warning],
            ..Self::allowed()
        }
    }

    /// It may happen, with these changes.
    #[must_use]
    pub fn patched(patch: &impl Serialize) -> Self {
        Self {
            patch_type: Some("JSONPatch"),
            patch: Some(ByteString(written(patch))),
            ..Self::allowed()
        }
    }

    /// It may not happen.
    #[must_use]
    pub fn denied(status: Status) -> Self {
        Self {
            status: Some(status),
            findings: 1,
            ..Self::default()
        }
    }

    /// What a verdict about an object of `kind` called `name` comes to.
    #[must_use]
    pub fn of_verdict(kind: &str, name: &str, verdict: &Verdict) -> Self {
        let allowed = verdict.is_accepted();
        Self {
            allowed,
            status: (!allowed).then(|| denial::denial(kind, name, &verdict.findings)),
            warnings: denial::warnings(&verdict.warnings),
            findings: verdict.findings.len(),
            ..Self::default()
        }
    }
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, numbers and booleans have a JSON form")
}
