//! YAML or JSON text → objects, each value with its place. Anchors, aliases and merge keys are resolved; scalars are read
//! as `kubectl` reads them (YAML 1.1: `0644` is octal, `yes` is true).

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_saphyr::{Options, Spanned};

use super::{
    bad_yaml::BadYaml,
    places::{Inside, Places},
};
use crate::api::KIND;

/// An object of a manifest.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object.
    pub value: Value,
    /// Where its parts stand.
    pub places: Places,
}

/// Reads every object of `text`; empty documents are none, and the items of a `List` are objects of their own.
///
/// # Errors
///
/// If it is not YAML, or a key stands twice in one place.
pub fn read(text: &str) -> Result<Vec<Document>, BadYaml> {
    let documents: Vec<Spanned<Node>> = serde_saphyr::from_multiple_with_options(text, options())
        .map_err(|error| BadYaml::of(&error, text))?;
    let documents = documents.into_iter().map(|node| Document {
        places: Places {
            at: node.defined.into(),
            inside: node.value.inside,
        },
        value: node.value.value,
    });
    Ok(documents.flat_map(objects).collect())
}

/// The output of a whole chart, or of a namespace, is one text.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 100_000,
            max_events: 20_000_000,
            max_nodes: 5_000_000,
        },
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// The items of what `kubectl get -o yaml` prints for several objects, else the object itself.
fn objects(document: Document) -> Vec<Document> {
    let Document { mut value, places } = document;
    let is_list = value["kind"].as_str().is_some_and(is_list);
    let items = match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        Some(other) => {
            value["items"] = other;
            return vec![Document { value, places }];
        }
        None => return vec![Document { value, places }],
    };
    let place = |index| places.item_of("items", index);
    let items = items.into_iter().enumerate();
    items
        .flat_map(|(index, value)| {
            objects(Document {
                value,
                places: place(index),
            })
        })
        .collect()
}

/// A list of any kind, or of clusters, as a client gets it from the API.
fn is_list(kind: &str) -> bool {
    kind == "List" || kind.strip_suffix("List") == Some(KIND)
}

/// A value while it is read.
struct Node {
    value: Value,
    inside: Inside,
}

impl Node {
    fn scalar(value: impl Into<Value>) -> Self {
        Self {
            value: value.into(),
            inside: Inside::Nothing,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Node, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::scalar(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::scalar(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::scalar(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(Node::scalar(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::scalar(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::scalar(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let (mut values, mut places) = (Vec::new(), Vec::new());
        while let Some(item) = list.next_element::<Spanned<Node>>()? {
            values.push(item.value.value);
            places.push(Places {
                at: item.referenced.into(),
                inside: item.value.inside,
            });
        }
        Ok(Node {
            value: Value::Array(values),
            inside: Inside::Items(places),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let (mut values, mut places) = (serde_json::Map::new(), BTreeMap::new());
        while let Some((key, member)) = map.next_entry::<Spanned<String>, Node>()? {
            if values.insert(key.value.clone(), member.value).is_some() {
                return Err(A::Error::custom(format!("{:?} is there twice", key.value)));
            }
            let at = key.defined.into();
            let inside = member.inside;
            places.insert(key.value, Places { at, inside });
        }
        Ok(Node {
            value: Value::Object(values),
            inside: Inside::Members(places),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{finding::FieldPath, validate::places::Position};

    fn only(text: &str) -> Document {
        let mut documents = read(text).unwrap();
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    fn line(document: &Document, path: &FieldPath) -> (u64, u64) {
        let Position { line, column } = document.places.nearest(path);
        (line, column)
    }

    #[test]
    fn a_member_stands_at_its_key_and_an_item_at_its_beginning() {
        let document = only("spec:\n  size: 2\n  list:\n  - name: a\n  - {name: b,\n     x: 1}\n");
        let list = FieldPath::spec().child("list");
        assert_eq!(line(&document, &FieldPath::spec().child("size")), (2, 3));
        assert_eq!(line(&document, &list), (3, 3));
        assert_eq!(line(&document, &list.index(0)), (4, 5));
        assert_eq!(line(&document, &list.index(1).child("x")), (6, 6));
    }

    #[test]
    fn what_is_missing_stands_where_it_would_be() {
        let document = only("a: 1\nspec:\n  list:\n  - 1\n");
        assert_eq!(line(&document, &FieldPath::spec().child("size")), (2, 1));
        let beyond = FieldPath::spec().child("list").index(7).child("x");
        assert_eq!(line(&document, &beyond), (3, 3));
        assert_eq!(line(&document, &FieldPath::metadata()), (1, 1));
    }

    #[test]
    fn what_comes_from_an_anchor_or_a_merge_stands_where_it_was_written() {
        let text = "base: &base\n  size: 2\nspec:\n  <<: *base\n  image: x\n  copy: *base\n  list: [*base]\n";
        let document = only(text);
        assert_eq!(
            document.value["spec"],
            json!({"size": 2, "image": "x", "copy": {"size": 2}, "list": [{"size": 2}]})
        );
        let spec = FieldPath::spec();
        assert_eq!(line(&document, &spec.child("size")), (2, 3));
        assert_eq!(line(&document, &spec.child("copy")), (6, 3));
        assert_eq!(line(&document, &spec.children(&["copy", "size"])), (2, 3));
        assert_eq!(line(&document, &spec.child("list").index(0)), (7, 10));
    }

    #[test]
    fn documents_and_items_of_lists_are_objects_of_their_own() {
        let text = "---\n---\n# nothing\n---\nkind: A\n---\napiVersion: v1\nkind: List\nitems:\n- kind: B\n- kind: C\n";
        let documents = read(text).unwrap();
        let kinds: Vec<_> = documents
            .iter()
            .map(|document| {
                let line = document.places.nearest(&FieldPath::default()).line;
                (document.value["kind"].as_str().unwrap(), line)
            })
            .collect();
        assert_eq!(kinds, [("A", 5), ("B", 10), ("C", 11)]);
    }

    #[test]
    fn scalars_are_those_of_kubectl() {
        let text = "a: 0644\nb: yes\nc: '1'\nd: ~\ne: 1.5\nf: 18446744073709551615\n1: x\ntrue: x\ng: |\n  z\n";
        let expected = json!({"a": 420, "b": true, "c": "1", "d": null, "e": 1.5, "f": u64::MAX, "1": "x", "true": "x",
            "g": "z\n"});
        assert_eq!(only(text).value, expected);
    }

    #[test]
    fn the_output_of_a_large_chart_is_read() {
        assert_eq!(read(&"---\nkind: A\n".repeat(5000)).unwrap().len(), 5000);
    }

    #[test]
    fn json_is_read_too() {
        let document = only("{\n\t\"spec\": {\n\t\t\"size\": 2}}");
        assert_eq!(document.value, json!({"spec": {"size": 2}}));
        assert_eq!(line(&document, &FieldPath::spec().child("size")), (3, 3));
    }

    #[test]
    fn a_bad_text_is_told_with_its_place() {
        for (text, at) in [("a: 1\na: 2\n", 2), ("a: [1\nb: 2\n", 2), ("a: *x\n", 1)] {
            let bad = read(text).unwrap_err();
            assert_eq!(bad.at.map(|at| at.line), Some(at), "{bad}");
            assert!(!bad.message.is_empty());
        }
    }
}
