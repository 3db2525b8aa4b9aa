//! What can be wrong with an object: where, what, and what would be right. Pure data, shared by every rule.

use std::fmt;

/// Where in an object a value sits, in the notation of `kubectl`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Segment {
    Member(String),
    Item { index: usize, key: Option<String> },
    MapKey(String),
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// To a member or the value of a map's key.
    Name(&'a str),
    /// To an item of a list.
    Item {
        /// Its place.
        index: usize,
        /// What tells it apart, whatever its place.
        key: Option<&'a str>,
    },
}

impl<'a> Step<'a> {
    /// The name, if the step is one to a name.
    #[must_use]
    pub const fn name(self) -> Option<&'a str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Item { .. } => None,
        }
    }
}

impl FieldPath {
    /// The path of `spec`.
    #[must_use]
    pub fn spec() -> Self {
        Self::default().child("spec")
    }

    /// The path of `metadata`.
    #[must_use]
    pub fn metadata() -> Self {
        Self::default().child("metadata")
    }

    /// `self.name`
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        self.with(Segment::Member(name.to_owned()))
    }

    /// `self.a.b` for `["a", "b"]`
    #[must_use]
    pub fn children(&self, names: &[&str]) -> Self {
        names
            .iter()
            .fold(self.clone(), |path, name| path.child(name))
    }

    /// `self[index]`
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Item { index, key: None })
    }

    /// `self[index]` of a list whose items are told apart by `key`, whatever their order.
    #[must_use]
    pub fn item(&self, index: usize, key: impl fmt::Display) -> Self {
        let key = Some(key.to_string());
        self.with(Segment::Item { index, key })
    }

    /// `self[key]` of a map with keys of the user's choice.
    #[must_use]
    pub fn map_key(&self, key: &str) -> Self {
        self.with(Segment::MapKey(key.to_owned()))
    }

    /// `self` followed by `rest`.
    #[must_use]
    pub fn join(&self, rest: &Self) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// The path with list items by their key, so that it survives a change of order.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Item { key: Some(key), .. } => text.extend(["[=", key, "]"]),
                other => push(&mut text, other),
            }
        }
        text
    }

    /// The steps from the root.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.0.iter().map(|segment| match segment {
            Segment::Member(name) | Segment::MapKey(name) => Step::Name(name),
            Segment::Item { index, key } => Step::Item {
                index: *index,
                key: key.as_deref(),
            },
        })
    }

    /// `self` followed by `step`; an item's place is `index` where that is given.
    #[must_use]
    pub fn step(&self, step: Step<'_>, index: Option<usize>) -> Self {
        match step {
            Step::Name(name) => self.child(name),
            Step::Item { index: asked, key } => self.with(Segment::Item {
                index: index.unwrap_or(asked),
                key: key.map(ToOwned::to_owned),
            }),
        }
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

fn push(text: &mut String, segment: &Segment) {
    match segment {
        Segment::Member(name) if text.is_empty() => text.push_str(name),
        Segment::Member(name) => {
            text.push('.');
            text.push_str(name);
        }
        Segment::Item { index, .. } => text.extend(["[", &index.to_string(), "]"]),
        Segment::MapKey(key) => text.extend(["[", key, "]"]),
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for segment in &self.0 {
            push(&mut text, segment);
        }
        f.write_str(&text)
    }
}

/// How a value is wrong, in the words of the Kubernetes API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is missing.
    Required,
    /// It breaks a rule.
    Invalid,
    /// It must not be there, or must not change.
    Forbidden,
    /// It is there twice.
    Duplicate,
}

impl Reason {
    /// The `reason` of a status cause.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::Forbidden => "FieldValueForbidden",
            Self::Duplicate => "FieldValueDuplicate",
        }
    }
}

/// One thing that is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message} [{code}]")]
pub struct Finding {
    /// The rule's id, stable over releases.
    pub code: &'static str,
    /// The field.
    pub path: FieldPath,
    /// How it is wrong.
    pub reason: Reason,
    /// What is wrong and what would be right. Never holds a secret.
    pub message: String,
}

impl Finding {
    /// A missing value.
    #[must_use]
    pub fn required(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self::new(code, path, Reason::Required, message.into())
    }

    /// A value that breaks a rule.
    #[must_use]
    pub fn invalid(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self::new(code, path, Reason::Invalid, message.into())
    }

    /// A value that must not be there, or must not change.
    #[must_use]
    pub fn forbidden(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self::new(code, path, Reason::Forbidden, message.into())
    }

    /// A value that is there twice.
    #[must_use]
    pub fn duplicate(code: &'static str, path: FieldPath, message: impl Into<String>) -> Self {
        Self::new(code, path, Reason::Duplicate, message.into())
    }

    fn new(code: &'static str, path: FieldPath, reason: Reason, message: String) -> Self {
        Self {
            code,
            path,
            reason,
            message,
        }
    }
}

/// Something allowed but unwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The rule's id, stable over releases.
    pub code: &'static str,
    /// The field.
    pub path: FieldPath,
    /// What is unwise and what would be better.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.path, self.message, self.code)
    }
}

/// `text`, cut to `most` characters, the last of them an ellipsis if it is cut.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_kubectl_and_its_identity_goes_by_key() {
        let path = FieldPath::spec()
            .children(&["rackConfig", "racks"])
            .item(1, 7)
            .child("id");
        assert_eq!(path.to_string(), "spec.rackConfig.racks[1].id");
        assert_eq!(path.identity(), "spec.rackConfig.racks[=7].id");
        assert_eq!(
            FieldPath::metadata()
                .child("labels")
                .map_key("a/b")
                .to_string(),
            "metadata.labels[a/b]"
        );
    }
}
