//! What can be wrong with an object: where, what, and what would be right. Pure data, shared by every rule.

use std::{
    cmp::Ordering,
    fmt::{self, Write},
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Where in an object a value sits, in the notation of `kubectl`. Paths share what they have in common, so that one step
/// more costs the same however long the way to it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldPath(Option<Arc<Node>>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Node {
    /// Steps from the root.
    depth: usize,
    segment: Segment,
    up: FieldPath,
}

#[derive(Clone, Debug)]
enum Segment {
    Member(String),
    Item { index: usize, key: Option<String> },
    MapKey(String),
}

/// What tells segments below one place apart, in the order of the document.
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place<'a> {
    Member(&'a str),
    Item(usize),
    MapKey(&'a str),
}

impl Segment {
    /// An item is the same one whether the rule that speaks of it knows its key or not.
    fn place(&self) -> Place<'_> {
        match self {
            Self::Member(name) => Place::Member(name),
            Self::Item { index, .. } => Place::Item(*index),
            Self::MapKey(key) => Place::MapKey(key),
        }
    }
}

impl PartialEq for Segment {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Segment {}

impl Hash for Segment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

/// Bytes of a key that tells items of a list apart. What is longer is no name of anything, and goes by its beginning and
/// its length.
const LONGEST_KEY: usize = 253;
/// Bytes of that beginning; with the length the text fits into a key, so that it is its own.
const BEGINNING: usize = 200;

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
    /// Whether this is the step to the item of a list that is named `name`.
    #[must_use]
    pub fn is_to(self, name: &str) -> bool {
        let Step::Item { key: Some(key), .. } = self else {
            return false;
        };
        name == key || name.len() > LONGEST_KEY && item_key(name) == key
    }

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
        let key = Some(item_key(key));
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
        let segments = rest.segments().into_iter();
        segments.fold(self.clone(), |path, segment| path.with(segment.clone()))
    }

    /// The path with list items by their key, so that it survives a change of order.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut text = String::new();
        for segment in self.segments() {
            match segment {
                Segment::Item { key: Some(key), .. } => text.extend(["[=", key, "]"]),
                other => push(&mut text, other),
            }
        }
        text
    }

    /// The steps from the root.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        self.segments().into_iter().map(|segment| match segment {
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
            Step::Item { index: asked, key } => {
                let index = index.unwrap_or(asked);
                key.map_or_else(|| self.index(index), |key| self.item(index, key))
            }
        }
    }

    fn with(&self, segment: Segment) -> Self {
        Self(Some(Arc::new(Node {
            depth: self.depth() + 1,
            segment,
            up: self.clone(),
        })))
    }

    /// The number of steps from the root.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.as_ref().map_or(0, |node| node.depth)
    }

    /// From the root.
    fn segments(&self) -> Vec<&Segment> {
        let nodes = std::iter::successors(self.0.as_deref(), |node| node.up.0.as_deref());
        let mut segments: Vec<_> = nodes.map(|node| &node.segment).collect();
        segments.reverse();
        segments
    }
}

/// In the order of the document: what is inside follows what it is in, lists go by index and members by name.
impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        let (Some(a), Some(b)) = (&self.0, &other.0) else {
            return self.depth().cmp(&other.depth());
        };
        match a.depth.cmp(&b.depth) {
            _ if Arc::ptr_eq(a, b) => Ordering::Equal,
            Ordering::Equal => {
                a.up.cmp(&b.up)
                    .then_with(|| a.segment.place().cmp(&b.segment.place()))
            }
            Ordering::Less => self.cmp(&b.up).then(Ordering::Less),
            Ordering::Greater => a.up.cmp(other).then(Ordering::Greater),
        }
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What stands for `key` in the step to an item: itself, or its beginning and its length if it is too long to be a name.
fn item_key(key: impl fmt::Display) -> String {
    let mut text = Key::default();
    write!(text, "{key}").expect("a key takes everything");
    if text.length > LONGEST_KEY {
        let end = text.beginning.floor_char_boundary(BEGINNING);
        text.beginning.truncate(end);
        write!(text.beginning, "…{}", text.length).expect("a String takes everything");
    }
    text.beginning
}

/// The beginning of a text, and how long it is.
#[derive(Default)]
struct Key {
    beginning: String,
    length: usize,
}

impl fmt::Write for Key {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST_KEY - self.beginning.len();
        self.beginning
            .push_str(&text[..text.floor_char_boundary(room)]);
        self.length += text.len();
        Ok(())
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
        for segment in self.segments() {
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

/// So many findings of one kind are built. An answer shows fewer, and an object with a hundred thousand mistakes of one
/// kind is answered as soon as another one.
pub const MOST_TOLD: usize = 256;

/// What is told of everything that was found: the first [`MOST_TOLD`].
pub trait Told: Iterator + Sized {
    /// Builds them.
    fn told(self) -> Vec<Self::Item> {
        self.take(MOST_TOLD).collect()
    }
}

impl<I: Iterator> Told for I {}

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
    fn paths_are_in_the_order_of_the_document() {
        let list = FieldPath::spec().child("list");
        let wanted = [
            FieldPath::default(),
            FieldPath::metadata().child("name"),
            FieldPath::spec(),
            list.clone(),
            list.index(2),
            list.index(2).child("a"),
            list.index(2).child("b"),
            list.index(10),
            FieldPath::spec().child("size"),
        ];
        let mut sorted = wanted.clone();
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted, wanted);
        assert_eq!(list.index(2), FieldPath::spec().child("list").index(2));
    }

    #[test]
    fn what_is_too_long_to_be_a_key_is_known_by_its_beginning_and_its_length() {
        let list = FieldPath::spec().child("list");
        let [fits, long] = [253, 1 << 20].map(|length| list.item(1, "x".repeat(length)));
        assert!(fits.identity().ends_with("x]") && fits.to_string() == "spec.list[1]");
        assert!(long.identity().ends_with("x…1048576]") && long.identity().len() < 300);
        assert_eq!(long, list.item(1, "ß".repeat(1000)));
        let step = long.steps().last().unwrap();
        assert!(step.is_to(&"x".repeat(1 << 20)) && !step.is_to(&"x".repeat(253)));
        assert_eq!(list.step(step, None).identity(), long.identity());
    }

    #[test]
    fn an_item_is_the_same_with_its_key_and_without() {
        let list = FieldPath::spec().child("list");
        let [with, without] = [list.item(1, "a"), list.index(1)];
        assert_eq!((&with, with.cmp(&without)), (&without, Ordering::Equal));
        assert_ne!(with, list.item(2, "a"));
    }

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
