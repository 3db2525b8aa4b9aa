//! A configuration against the parameters of one server release and edition: names, types, ranges, what is required.
//!
//! The user's tree and the table's are walked side by side; a path is built only for what is wrong. AKO's notations pass
//! as they do there: a text for a list of one, a fraction for the whole number below it, a dotted key for a member.

mod ako;
mod leaf;
mod nearest;
mod requirements;
#[cfg(test)]
mod tests;
mod text;

use serde_json::Value;

use crate::{
    api::Tree,
    config::{
        Problem, dotted, name_of,
        parameters::{Kind, Node, Parameter, Release},
        render::only_level,
        trail::Trail,
    },
};
pub use leaf::is_host_name;
use requirements::Lack;

/// So many problems of one configuration are told: an answer shows fewer, and telling them takes time.
pub const MOST_PROBLEMS: usize = 256;

/// What a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// A release of the table.
    pub release: Release,
    /// The edition has everything; Community has not.
    pub enterprise: bool,
}

/// Everything that `server` would not take of `config`, up to [`MOST_PROBLEMS`].
///
/// Silent about items of one name, about namespaces without one, and about a storage engine without a type that the
/// release has; other rules look at those.
#[must_use]
pub fn problems(config: &Tree, server: Server) -> Vec<Problem> {
    let config = dotted::expanded(config);
    let mut judge = Judge {
        server,
        problems: Vec::new(),
    };
    let node = Node::root();
    if let Some(parameter) = node.parameter(server.release) {
        let root = Place {
            trail: &Trail::ROOT,
            node,
            parameter,
            variant: None,
        };
        judge.section(root, &config);
    }
    judge.problems
}

/// A value's place in the user's tree and in the table.
#[derive(Clone, Copy)]
struct Place<'a> {
    trail: &'a Trail<'a>,
    node: &'static Node,
    parameter: &'static Parameter,
    /// The section with a type that holds it.
    variant: Option<Variant<'a>>,
}

#[derive(Clone, Copy)]
struct Variant<'a> {
    trail: &'a Trail<'a>,
    tree: &'a Tree,
    /// Its type.
    node: &'static Node,
}

/// Characters that are shown of a value or of a name that the user chose.
const LONGEST: usize = 48;
/// The member that tells the type of a variant.
const TYPE: &str = "type";
/// The member that tells the items of a list apart.
const NAME: &str = "name";
const NAMESPACES: &str = "namespaces";
const STORAGE_ENGINE: &str = "storage-engine";

struct Judge {
    server: Server,
    problems: Vec<Problem>,
}

impl Judge {
    fn push(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    /// The node and its parameter, if this release has it.
    fn known(&self, node: Option<&'static Node>) -> Option<(&'static Node, &'static Parameter)> {
        let node = node?;
        Some((node, node.parameter(self.server.release)?))
    }

    fn section(&mut self, at: Place<'_>, tree: &Tree) {
        let has = |member: &str| self.is_given(at.node, tree, member);
        // A null counts as given, so that it is told alone.
        let is_null_told =
            |lack: &Lack| matches!(lack, Lack::TooMany(_)) && tree.values().any(Value::is_null);
        let lacks = requirements::lacks(at.parameter.values, has).into_iter();
        for lack in lacks.filter(|lack| !is_null_told(lack)) {
            self.push(text::lacking(at, lack, self.server, tree));
        }
        for (key, value) in tree {
            if self.is_full() {
                return;
            }
            if at.variant.is_none() || key != TYPE {
                self.member(at, key, value);
            }
        }
    }

    /// An empty list of sections is as good as none.
    fn is_given(&self, section: &'static Node, tree: &Tree, member: &str) -> bool {
        match tree.get(member) {
            None => false,
            Some(Value::Array(items)) if items.is_empty() => {
                let known = self.known(section.member(member));
                known.is_none_or(|(_, parameter)| parameter.kind != Kind::Sections)
            }
            Some(_) => true,
        }
    }

    fn member(&mut self, section: Place<'_>, key: &str, value: &Value) {
        let trail = section.trail.child(key);
        match self.known(section.node.member(key)) {
            Some((node, parameter)) => self.value(
                Place {
                    trail: &trail,
                    node,
                    parameter,
                    variant: section.variant,
                },
                value,
            ),
            None => self.push(text::unknown(section, &trail, key, self.server)),
        }
    }

    fn value(&mut self, at: Place<'_>, value: &Value) {
        if self.lacks_edition(at.parameter) {
            return self.push(text::needs_enterprise(at.trail, at.node.name));
        }
        match (at.parameter.kind, value) {
            (Kind::Section, Value::Object(tree)) if tree.is_empty() && at.trail.is_in_list() => {
                self.push(text::empty(at));
            }
            (Kind::Section, Value::Object(tree)) => self.section(at, tree),
            (Kind::Sections, Value::Array(items)) => self.sections(at, items),
            (Kind::Variant, Value::Object(tree)) => self.variant(at, tree),
            (Kind::Variant, _) if at.node.name == STORAGE_ENGINE => {}
            (Kind::Section | Kind::Sections | Kind::Variant, _) => {
                self.push(text::wrong(at, value, leaf::Wrong::Type));
            }
            (Kind::Word, _) => self.leaf(at, only_level(at.node.name, value)),
            _ => self.leaf(at, value),
        }
    }

    fn lacks_edition(&self, parameter: &Parameter) -> bool {
        !self.server.enterprise && parameter.enterprise == Some(true)
    }

    fn leaf(&mut self, at: Place<'_>, value: &Value) {
        if let Some(wrong) = leaf::wrong(at.parameter, value) {
            self.push(text::wrong(at, value, wrong));
        }
    }

    fn sections(&mut self, at: Place<'_>, items: &[Value]) {
        for (index, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            let trail = at.trail.item(index, name_of(item));
            let item_at = Place {
                trail: &trail,
                ..at
            };
            match item {
                Value::Object(tree) => self.item(item_at, tree),
                other => self.push(text::no_section(item_at, other)),
            }
        }
    }

    fn item(&mut self, at: Place<'_>, tree: &Tree) {
        // A name that is no text has a finding of its own.
        let is_named = tree.get(NAME).is_some_and(|name| name != "");
        if !is_named && !is_database_namespace(at.node) {
            self.push(text::nameless(at));
        }
        self.section(at, tree);
    }

    fn variant(&mut self, at: Place<'_>, tree: &Tree) {
        let trail = at.trail.child(TYPE);
        let given = tree.get(TYPE);
        let of_type = given
            .and_then(Value::as_str)
            .and_then(|it| at.node.member(it));
        match self.known(of_type) {
            None if at.node.name == STORAGE_ENGINE => {}
            None => self.push(text::no_type(at, &trail, given, self.server)),
            Some((node, parameter)) if self.lacks_edition(parameter) => {
                self.push(text::needs_enterprise(&trail, node.name));
            }
            Some((node, parameter)) => {
                let variant = Some(Variant {
                    trail: at.trail,
                    tree,
                    node,
                });
                let trail = at.trail;
                self.section(
                    Place {
                        trail,
                        node,
                        parameter,
                        variant,
                    },
                    tree,
                );
            }
        }
    }
}

/// Whether the items are database namespaces, for whose names a rule of their own asks.
fn is_database_namespace(node: &Node) -> bool {
    let list = Node::root().member(NAMESPACES);
    list.is_some_and(|list| std::ptr::eq(list, node))
}
