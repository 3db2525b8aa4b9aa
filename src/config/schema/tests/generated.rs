//! Configurations made from the table: right ones are taken, and one mistake is one problem at its place.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    requirements::{alternatives, members},
    *,
};
use crate::config::parameters::releases;

/// Chooses, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Makes values that a release takes.
struct Maker {
    release: Release,
    dice: Dice,
    /// One in so many optional members is there; none if zero.
    rarity: u64,
}

impl Maker {
    /// A section with what it needs, what `wanted` leads to, and some of the rest.
    fn section(
        &mut self,
        node: &'static Node,
        parameter: &'static Parameter,
        wanted: &[&str],
    ) -> Tree {
        let (needed, banned) = self.requirements(parameter, wanted);
        let release = self.release;
        let mut tree = Tree::new();
        for member in node.members_in(release) {
            let is_wanted = wanted.first() == Some(&member.name);
            let is_lucky = self.rarity > 0 && self.dice.below(self.rarity) == 0;
            let is_needed = needed.contains(&member.name) || is_wanted;
            if is_needed || is_lucky && !banned.contains(&member.name) {
                let wanted = if is_wanted { &wanted[1..] } else { &[] };
                let value = self.value(member, wanted);
                tree.insert(member.name.to_owned(), value);
            }
        }
        tree
    }

    /// Members that must be there, and members that must not.
    fn requirements(
        &mut self,
        parameter: &'static Parameter,
        wanted: &[&str],
    ) -> (Vec<&'static str>, Vec<&'static str>) {
        let (mut needed, mut banned) = (Vec::new(), Vec::new());
        for group in parameter
            .values
            .split(' ')
            .filter(|group| !group.is_empty())
        {
            let (rule, names) = group.split_once(':').unwrap();
            if rule == "all" {
                needed.extend(members(names));
                continue;
            }
            let choices: Vec<_> = alternatives(names).collect();
            let asked = choices.iter().find(|names| {
                wanted
                    .first()
                    .is_some_and(|wanted| members(names).any(|it| it == *wanted))
            });
            let index = usize::try_from(self.dice.below(choices.len() as u64)).unwrap();
            let chosen = asked.unwrap_or(&choices[index]);
            needed.extend(members(chosen));
            if rule == "one" {
                let others = choices.iter().flat_map(|names| members(names));
                banned.extend(others.filter(|name| !needed.contains(name)));
            }
        }
        (needed, banned)
    }

    fn value(&mut self, node: &'static Node, wanted: &[&str]) -> Value {
        let parameter = node.parameter(self.release).unwrap();
        match parameter.kind {
            Kind::Section => self.plain(node, parameter, wanted),
            Kind::Sections => self.sections(node, parameter, wanted),
            Kind::Variant => self.variant(node, wanted),
            Kind::Text => json!("text"),
            Kind::Integer => self.integer(parameter),
            Kind::Flag => json!(self.dice.below(2) == 0),
            Kind::Word => self.word(parameter),
            Kind::Texts => [json!([]), json!(["a"]), json!(["a", "b"]), json!("a")]
                [usize::try_from(self.dice.below(4)).unwrap()]
            .clone(),
            Kind::WordOrHosts if self.dice.below(2) == 0 => self.word(parameter),
            Kind::WordOrHosts => json!(["host-1.example", "b"]),
        }
    }

    /// Not empty, which would be wrong in an item of a list.
    fn plain(
        &mut self,
        node: &'static Node,
        parameter: &'static Parameter,
        wanted: &[&str],
    ) -> Value {
        let mut tree = self.section(node, parameter, wanted);
        let first = node.members_in(self.release).next().map(|it| it.name);
        if let Some(first) = first.filter(|_| tree.is_empty()) {
            tree = self.section(node, parameter, &[first]);
        }
        Value::Object(tree)
    }

    fn sections(
        &mut self,
        node: &'static Node,
        parameter: &'static Parameter,
        wanted: &[&str],
    ) -> Value {
        let count = 1 + self.dice.below(2);
        let items = (0..count).map(|index| {
            let mut tree = self.section(node, parameter, wanted);
            tree.insert("name".to_owned(), json!(format!("n{index}")));
            Value::Object(tree)
        });
        items.collect()
    }

    fn variant(&mut self, node: &'static Node, wanted: &[&str]) -> Value {
        let types: Vec<_> = node.members_in(self.release).collect();
        let asked = types.iter().find(|it| wanted.first() == Some(&it.name));
        let index = usize::try_from(self.dice.below(types.len() as u64)).unwrap();
        let chosen = asked.unwrap_or(&types[index]);
        let wanted = wanted.get(1..).unwrap_or_default();
        let mut tree = self.section(chosen, chosen.parameter(self.release).unwrap(), wanted);
        tree.insert(TYPE.to_owned(), json!(chosen.name));
        Value::Object(tree)
    }

    fn integer(&mut self, parameter: &Parameter) -> Value {
        let (min, max) = (parameter.min.unwrap(), parameter.max.unwrap());
        number(
            [
                min,
                max,
                min + i128::from(self.dice.below(1 << 30)).min(max - min),
            ][usize::try_from(self.dice.below(3)).unwrap()],
        )
    }

    fn word(&mut self, parameter: &Parameter) -> Value {
        let words: Vec<_> = parameter.words().collect();
        json!(words[usize::try_from(self.dice.below(words.len() as u64)).unwrap()])
    }
}

fn number(number: i128) -> Value {
    u64::try_from(number)
        .map(Value::from)
        .or_else(|_| i64::try_from(number).map(Value::from))
        .unwrap()
}

fn made(release: Release, seed: u64, rarity: u64, wanted: &[&str]) -> Tree {
    let node = Node::root();
    let mut maker = Maker {
        release,
        dice: Dice(seed),
        rarity,
    };
    maker.section(node, node.parameter(release).unwrap(), wanted)
}

/// Values that a parameter does not take.
fn mistakes(node: &Node, release: Release) -> Vec<Value> {
    let parameter = node.parameter(release).unwrap();
    let beyond = |bound: Option<i128>, step: i128| {
        bound
            .map(|bound| bound + step)
            .filter(|it| u64::try_from(*it).is_ok() || i64::try_from(*it).is_ok())
    };
    match parameter.kind {
        Kind::Variant if node.name == STORAGE_ENGINE => vec![],
        Kind::Integer => {
            let bounds = [beyond(parameter.min, -1), beyond(parameter.max, 1)];
            bounds
                .into_iter()
                .flatten()
                .map(number)
                .chain([json!("1"), json!(true), Value::Null])
                .collect()
        }
        Kind::Word | Kind::WordOrHosts => vec![json!("no such word"), json!(5), Value::Null],
        Kind::Text | Kind::Texts => vec![json!(5), Value::Null, json!({}), json!([1])],
        Kind::Flag => vec![json!("true"), json!(1), Value::Null],
        Kind::Section | Kind::Variant | Kind::Sections => vec![json!(5), json!("x"), Value::Null],
    }
}

/// A place in a configuration: the value there, its node, and its path as it is printed.
fn places(
    tree: &Tree,
    node: &'static Node,
    release: Release,
    path: &str,
    found: &mut Vec<(String, String, &'static Node)>,
) {
    for (key, value) in tree {
        let Some(member) = node.member(key) else {
            continue;
        };
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        found.push((pointer, path.clone(), member));
        match (member.parameter(release).unwrap().kind, value) {
            (Kind::Section, Value::Object(tree)) => places(tree, member, release, &path, found),
            (Kind::Variant, Value::Object(tree)) => {
                let of_type = member.member(tree[TYPE].as_str().unwrap()).unwrap();
                places(tree, of_type, release, &path, found);
            }
            (Kind::Sections, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    places(
                        item.as_object().unwrap(),
                        member,
                        release,
                        &format!("{path}[{index}]"),
                        found,
                    );
                }
            }
            _ => {}
        }
    }
}

/// Paths of the table in a release, by names.
fn rows(
    node: &'static Node,
    release: Release,
    path: &[&'static str],
    found: &mut Vec<Vec<&'static str>>,
) {
    for member in node.members_in(release) {
        let path = [path, &[member.name]].concat();
        rows(member, release, &path, found);
        found.push(path);
    }
}

fn paths(tree: &Tree, release: Release) -> Vec<String> {
    let server = Server {
        release,
        enterprise: true,
    };
    let found = problems(tree, server);
    found.iter().map(|it| it.path.to_string()).collect()
}

/// Where a mistake at `path` is told: of a list of texts it is the item.
fn told_at(path: &str, node: &Node, mistake: &Value, release: Release) -> String {
    let kind = node.parameter(release).map(|it| it.kind);
    match mistake {
        Value::Array(_) if kind == Some(Kind::Texts) => format!("{path}[0]"),
        _ => path.to_owned(),
    }
}

/// What the parameter at the end of `wanted` is called in the configuration that was made for it.
fn named<'a>(
    tree: &Tree,
    release: Release,
    wanted: &[&'static str],
    found: &'a mut Vec<(String, String, &'static Node)>,
) -> Option<&'a (String, String, &'static Node)> {
    let node = wanted
        .iter()
        .try_fold(Node::root(), |node, name| node.member(name))?;
    places(tree, Node::root(), release, "", found);
    found.iter().find(|(_, _, it)| std::ptr::eq(*it, node))
}

#[test]
fn every_parameter_of_every_release_is_taken_right_and_refused_wrong() {
    let mut judged = 0;
    for release in releases() {
        let mut wanted = Vec::new();
        rows(Node::root(), *release, &[], &mut wanted);
        for wanted in wanted {
            let tree = made(*release, 1, 0, &wanted);
            assert_eq!(paths(&tree, *release), [""; 0], "{wanted:?} in {release}");
            let mut found = Vec::new();
            // Types of a variant are no members.
            let Some((pointer, path, node)) = named(&tree, *release, &wanted, &mut found) else {
                continue;
            };
            judged += 1;
            for mistake in mistakes(node, *release) {
                let mut wrong = Value::Object(tree.clone());
                *wrong.pointer_mut(pointer).unwrap() = mistake.clone();
                let wrong = wrong.as_object().unwrap();
                let wanted = told_at(path, node, &mistake, *release);
                assert_eq!(paths(wrong, *release), [wanted], "{mistake} in {release}");
            }
        }
    }
    assert!(judged > 4_700, "{judged}");
}

/// Any JSON, with names that the table has more often than not.
fn anything() -> impl Strategy<Value = Value> {
    let names = [
        "service",
        "network",
        "namespaces",
        "storage-engine",
        "index-type",
        "type",
        "name",
        "devices",
        "logging",
        "tls",
        "xdr",
        "dcs",
        "security",
        "fabric",
        "port",
        "tls-authenticate-client",
        "any",
        "fabric.port",
        "",
        "replication-factor",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(vec!["device", "memory", "flash", "any", "mesh", "ä", ""])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 80, 6, move |inner| {
        let key = prop_oneof![4 => proptest::sample::select(names.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..6).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_the_table_allows_is_taken_and_one_mistake_is_one_problem(
        seed: u64, rarity in 1u64..12, release in proptest::sample::select(releases()), pick: usize, choice: usize,
    ) {
        let tree = made(release, seed, rarity, &[]);
        let server = Server { release, enterprise: true };
        prop_assert_eq!(problems(&tree, server), []);
        let mut found = Vec::new();
        places(&tree, Node::root(), release, "", &mut found);
        let (pointer, path, node) = &found[pick % found.len()];
        let mistakes = mistakes(node, release);
        prop_assume!(!mistakes.is_empty());
        let mistake = &mistakes[choice % mistakes.len()];
        let mut wrong = Value::Object(tree);
        *wrong.pointer_mut(pointer).unwrap() = mistake.clone();
        let wanted = told_at(path, node, mistake, release);
        prop_assert_eq!(paths(wrong.as_object().unwrap(), release), [wanted]);
    }

    #[test]
    fn any_json_is_judged(value in anything(), release in proptest::sample::select(releases()), enterprise: bool) {
        let tree: Tree = value.as_object().cloned().unwrap_or_default();
        for problem in problems(&tree, Server { release, enterprise }) {
            prop_assert!(problem.message.starts_with("aerospikeConfig not valid: ") || problem.code == "CE-02");
            prop_assert!(problem.message.chars().count() < 1000);
        }
    }
}
