//! Reviews of `AerospikeCluster`. The object is read once, from the request's own text.

use kube::core::ObjectMeta;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, value::RawValue};
use serde_path_to_error::{Path, Segment};

use crate::{
    admission::{
        Operation, Proposal, Verdict, answer,
        cluster::size,
        defaults,
        wire::{Answer, BadReview, Request, Response},
    },
    api::{AerospikeCluster, AerospikeClusterSpec, KIND},
    finding::{FieldPath, Finding, Warning},
    resolve::Settings,
};

/// The parts of an object that admission reads; all else is skipped unread.
#[derive(Deserialize)]
struct Object<Part> {
    #[serde(default)]
    metadata: Metadata,
    spec: Option<Part>,
    status: Option<Part>,
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

/// Adds what is absent to an `AerospikeCluster`; never refuses.
///
/// # Errors
///
/// If the bytes are no review.
pub fn mutate(body: &[u8]) -> Result<Answer, BadReview> {
    let request = Request::read(body)?;
    let patch = match (request.operation, request.object) {
        (Operation::Create | Operation::Update, Some(object)) if !is_going(object) => {
            defaults::additions(object)
        }
        _ => Vec::new(),
    };
    let response = if patch.is_empty() {
        Response::allowed()
    } else {
        Response::patched(&patch)
    };
    Ok(request.answer(response))
}

/// Accepts or refuses an `AerospikeCluster`.
///
/// # Errors
///
/// If the bytes are no review. Whatever is wrong with the object in it is an answer.
pub fn validate(body: &[u8], settings: &Settings) -> Result<Answer, BadReview> {
    let request = Request::read(body)?;
    let verdict = match (request.operation, request.object) {
        (Operation::Create | Operation::Update, Some(object)) => {
            judge(request.operation, object, request.old_object, settings)
        }
        _ => Verdict::default(),
    };
    let name = request.name.as_deref().unwrap_or_default();
    let response = Response::of_verdict(KIND, name, &verdict);
    Ok(request.answer(response))
}

fn is_going(object: &RawValue) -> bool {
    Object::read(object).is_ok_and(|object| object.metadata.deletion_timestamp.is_some())
}

/// The verdict about `object`. One that is being deleted passes, and so does one whose spec stays as it is.
#[must_use]
pub fn judge(
    operation: Operation,
    object: &RawValue,
    old_object: Option<&RawValue>,
    settings: &Settings,
) -> Verdict {
    let new = match Object::read(object) {
        Ok(new) => new,
        Err(finding) => return refusal(finding),
    };
    let old = match (operation, old_object) {
        (Operation::Update, Some(old)) => Object::read(old).ok(),
        _ => None,
    };
    let unchanged = |old: &Object<_>| old.text() == new.text();
    if new.metadata.deletion_timestamp.is_some() || old.as_ref().is_some_and(unchanged) {
        return Verdict::default();
    }
    let was_too_long = old.as_ref().is_some_and(Object::is_too_long);
    if new.is_too_long() && !was_too_long {
        return refusal(size::too_long(new.text().unwrap_or_default()));
    }
    let old = old.map(|old| old.cluster());
    match (new.cluster(), old) {
        (Ok(new), Some(Ok(old))) if new.spec == old.spec => Verdict::default(),
        (Ok(new), old) => answer(&Proposal {
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

impl<'a> Object<&'a RawValue> {
    fn read(raw: &'a RawValue) -> Result<Self, Finding> {
        let text = raw.get();
        serde_json::from_str(text)
            .map_err(|_| mistake::<Object<IgnoredAny>>(text, &FieldPath::default()))
    }

    fn text(&self) -> Option<&'a str> {
        self.spec.map(RawValue::get)
    }

    fn is_too_long(&self) -> bool {
        self.text().is_some_and(size::is_too_long)
    }

    /// The object in its types. A status that cannot be read counts as none: it is not the user's.
    fn cluster(&self) -> Result<AerospikeCluster, Finding> {
        let Some(text) = self.text() else {
            let path = FieldPath::spec();
            return Err(Finding::required("SHAPE-01", path, "spec is missing"));
        };
        Ok(AerospikeCluster {
            metadata: ObjectMeta {
                name: self.metadata.name.clone(),
                namespace: self.metadata.namespace.clone(),
                ..ObjectMeta::default()
            },
            spec: spec(text)?,
            status: self
                .status
                .and_then(|status| serde_json::from_str(status.get()).ok()),
        })
    }
}

fn spec(text: &str) -> Result<AerospikeClusterSpec, Finding> {
    serde_json::from_str(text)
        .map_err(|_| mistake::<AerospikeClusterSpec>(text, &FieldPath::spec()))
}

/// Why `text`, which stands at `root`, is no `T`. Of several mistakes it is the same one in whatever order the members are.
fn mistake<T: DeserializeOwned>(text: &str, root: &FieldPath) -> Finding {
    let sorted = serde_json::from_str::<Value>(text).ok();
    let told = sorted.and_then(|sorted| serde_path_to_error::deserialize::<_, T>(&sorted).err());
    // What is wrong with the text itself, a member that is there twice or too deep a tower, is gone from its value.
    let told = told.or_else(|| {
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize::<_, T>(&mut json).err()
    });
    told.map_or_else(
        || Finding::invalid("SHAPE-01", root.clone(), "wrong shape"),
        |error| misfit(&error, root),
    )
}

fn misfit(error: &serde_path_to_error::Error<serde_json::Error>, root: &FieldPath) -> Finding {
    let path = root.join(&place(error.path()));
    let text = error.inner().to_string();
    match missing_member(&text) {
        Some(member) => {
            let path = path.child(member);
            Finding::required("SHAPE-01", path, "Required value: it is missing")
        }
        None => Finding::invalid("SHAPE-01", path, explained(&text)),
    }
}

/// The member that an object lacks, if that is what the error says.
fn missing_member(error: &str) -> Option<&str> {
    let (member, _) = error.strip_prefix("missing field `")?.split_once('`')?;
    Some(member)
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
fn explained(error: &str) -> String {
    let text = error.split(" at line ").next().unwrap_or_default();
    format!("wrong shape: {text}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_member_is_required_at_its_place() {
        let claim = json!({"persistentVolume": {"volumeMode": "Block"}});
        let text = json!({"size": 1, "image": "i", "aerospikeConfig": {},
            "storage": {"volumes": [{"name": "a", "source": claim}]}})
        .to_string();
        assert_eq!(
            spec(&text).unwrap_err().to_string(),
            "spec.storage.volumes[0].source.persistentVolume.size: Required value: it is missing [SHAPE-01]"
        );
    }

    #[test]
    fn of_several_wrong_shapes_the_first_by_name_is_told() {
        let texts = [
            r#"{"size": "two", "image": 5}"#,
            r#"{"image": 5, "size": "two"}"#,
        ];
        for text in texts {
            assert_eq!(
                spec(text).unwrap_err().path.to_string(),
                "spec.image",
                "{text}"
            );
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_a_wrong_shape() {
        let text = r#"{"size": 1, "image": "i", "aerospikeConfig": {}, "size": 2}"#;
        let twice = spec(text).unwrap_err();
        assert_eq!(
            twice.to_string(),
            "spec: wrong shape: duplicate field `size` [SHAPE-01]"
        );
    }
}
