//! What a namespace stores on: its engine, the devices and files, and the volumes that these need.

use std::collections::HashMap;

use serde_json::Value;

use super::{QUOTED, named, namespaces};
use crate::{
    admission::{
        rules::Told,
        subject::{ConfiguredRack, Namespace, Subject},
        volumes::{ServerVolumes, folder_of},
    },
    api::Tree,
    config::go_text,
    finding::{Finding, shortened},
};

const ENGINE: &str = "storage-engine";
const ENGINES: [&str; 3] = ["memory", "device", "pmem"];
/// So many devices or files are the most that the server takes.
const MOST: usize = 128;
/// So many characters of a namespace are quoted.
const QUOTED_NAMESPACE: usize = 300;

/// A list that says what an engine stores on, and the rules about it.
struct List {
    key: &'static str,
    /// What one of its entries names.
    noun: &'static str,
    empty: &'static str,
    shape: &'static str,
    text: &'static str,
    too_many: &'static str,
    shared: &'static str,
}

const LISTS: [List; 2] = [
    List {
        key: "devices",
        noun: "device",
        empty: "NS-13",
        shape: "NS-14",
        text: "NS-15",
        too_many: "NS-16",
        shared: "NS-21",
    },
    List {
        key: "files",
        noun: "file",
        empty: "NS-17",
        shape: "NS-18",
        text: "NS-19",
        too_many: "NS-20",
        shared: "NS-22",
    },
];

fn engine<'a>(namespace: &Namespace<'a>) -> Option<&'a Tree> {
    namespace.config.get(ENGINE)?.as_object()
}

fn get<'a>(namespace: &Namespace<'a>, [section, member]: [&str; 2]) -> Option<&'a Value> {
    namespace.config.get(section)?.as_object()?.get(member)
}

pub(super) fn is_given(subject: &Subject<'_>) -> Vec<Finding> {
    namespaces(subject)
        .filter_map(|namespace| {
            let (code, what) = match namespace.config.get(ENGINE) {
                None => ("NS-10", format!("{ENGINE} is required")),
                Some(Value::Null) => ("NS-11", format!("{ENGINE} cannot be nil")),
                Some(_) => return None,
            };
            let config = go_text::tree(namespace.config);
            Some(Finding::required(
                code,
                namespace.place_of(&[ENGINE]),
                format!(
                    "{what} for namespace {}: say where it stores its data, such as {{type: memory, data-size: 1073741824}}",
                    shortened(&config, QUOTED_NAMESPACE)
                ),
            ))
        })
        .told()
}

pub(super) fn is_known(subject: &Subject<'_>) -> Vec<Finding> {
    namespaces(subject)
        .filter_map(|namespace| {
            let (members, wrong) = why_unknown(namespace.config.get(ENGINE)?)?;
            Some(Finding::invalid(
                "NS-12",
                namespace.place_of(members),
                format!("{wrong}: give it the type memory, device or pmem"),
            ))
        })
        .told()
}

/// What is wrong with an engine that is given, and where.
fn why_unknown(engine: &Value) -> Option<(&'static [&'static str], String)> {
    const WHOLE: &[&str] = &[ENGINE];
    const TYPE: &[&str] = &[ENGINE, "type"];
    let engine = match engine {
        Value::Null => return None,
        Value::Object(engine) => engine,
        other => {
            let wrong = format!("{ENGINE} is not a map, but {}", go_text::type_name(other));
            return Some((WHOLE, wrong));
        }
    };
    match engine.get("type") {
        Some(Value::String(name)) if ENGINES.contains(&name.as_str()) => None,
        Some(other) => {
            let name = shortened(&go_text::value(other), QUOTED);
            Some((TYPE, format!("{ENGINE} {name} is not supported")))
        }
        None => Some((TYPE, format!("{ENGINE} has no type"))),
    }
}

pub(super) fn keeps_what_is_strongly_consistent(subject: &Subject<'_>) -> Vec<Finding> {
    let strong = namespaces(subject).filter(Namespace::is_strongly_consistent);
    let in_memory = strong.filter(|namespace| {
        let engine = get(namespace, [ENGINE, "type"]);
        engine.and_then(Value::as_str) == Some("memory")
    });
    in_memory
        .map(|namespace| {
            Finding::invalid(
                "NS-27",
                namespace.place_of(&[ENGINE, "type"]),
                format!(
                    "in-memory strong-consistency namespace {} is not supported: nothing would be left after a restart; use \
                     type device or pmem, or no strong-consistency",
                    namespace.name
                ),
            )
        })
        .told()
}

fn lists<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (Namespace<'a>, &'static List)> + use<'a> {
    namespaces(subject).flat_map(|namespace| LISTS.iter().map(move |list| (namespace, list)))
}

pub(super) fn lists_have_entries(subject: &Subject<'_>) -> Vec<Finding> {
    lists(subject)
        .filter_map(|(namespace, list)| {
            let List { key, noun, .. } = list;
            let path = || namespace.place_of(&[ENGINE, key]);
            match engine(&namespace)?.get(*key)? {
                Value::Array(items) if items.len() > MOST => Some(Finding::invalid(
                    list.shape,
                    path(),
                    format!("namespace storage {key} has {} entries, and the server takes {MOST} at most", items.len()),
                )),
                Value::Array(items) if !items.is_empty() => None,
                // Null is of the wrong type, which the table of parameters says.
                Value::Null => None,
                Value::Array(_) => Some(Finding::required(
                    list.empty,
                    path(),
                    format!("namespace storage {key} cannot be empty: list at least one {noun}, or leave {key} out"),
                )),
                other => Some(Finding::invalid(
                    list.shape,
                    path(),
                    format!(
                        "namespace storage {key} must be a list, got {}: write each {noun} as an item of its own",
                        go_text::type_name(other)
                    ),
                )),
            }
        })
        .told()
}

/// What is wrong with the entries of a list, one by one, as far as a server would read it.
fn at_entries<'a>(
    namespace: &Namespace<'a>,
    members: [&str; 2],
    code: &'static str,
    mut wrong: impl FnMut(&'a str) -> Option<String>,
) -> Vec<Finding> {
    let texts =
        entries(namespace, members).filter_map(|(index, item)| Some((index, item.as_str()?)));
    let told = texts.filter_map(|(index, text)| Some((index, text, wrong(text)?)));
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Vec::new();
    }
    let list = namespace.place_of(&members);
    told.into_iter()
        .map(|(index, text, message)| Finding::invalid(code, list.item(index, text), message))
        .told()
}

fn entries<'a>(
    namespace: &Namespace<'a>,
    members: [&str; 2],
) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    let items = get(namespace, members).and_then(Value::as_array);
    items.into_iter().flatten().enumerate().take(MOST)
}

/// The names in an entry: of a device or file, and of its shadow.
fn fields(entry: &str) -> impl Iterator<Item = &str> {
    entry.split_whitespace()
}

pub(super) fn entries_are_texts(subject: &Subject<'_>) -> Vec<Finding> {
    lists(subject)
        .flat_map(|(namespace, list)| {
            let is_blank = |item: &Value| item.as_str().is_none_or(|text| text.trim().is_empty());
            let items = entries(&namespace, [ENGINE, list.key]);
            let blank = items.filter(|(_, item)| is_blank(item));
            let told = blank.map(|(index, _)| {
                let path = namespace.place_of(&[ENGINE, list.key]).index(index);
                let message = format!(
                    "namespace storage {0} must be a string: name a {0} by its path",
                    list.noun
                );
                Finding::invalid(list.text, path, message)
            });
            told.told()
        })
        .told()
}

pub(super) fn entries_name_one_and_its_shadow(subject: &Subject<'_>) -> Vec<Finding> {
    lists(subject)
        .flat_map(|(namespace, list)| {
            let noun = list.noun;
            at_entries(&namespace, [ENGINE, list.key], list.too_many, |entry| {
                fields(entry).nth(2)?;
                Some(format!(
                    "invalid {noun} name {}. Max 2 {noun} can be mentioned in single line (Shadow {noun} config): write each \
                     {noun} as an item of its own",
                    shortened(entry.trim(), QUOTED)
                ))
            })
        })
        .told()
}

pub(super) fn entries_are_used_once(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .configurations()
        .flat_map(|rack| LISTS.each_ref().map(|list| used_again(rack, list)))
        .flatten()
        .told()
}

fn used_again(rack: ConfiguredRack<'_>, list: &List) -> Vec<Finding> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    let namespaces = named(rack);
    let used_again = namespaces.flat_map(|namespace| {
        at_entries(&namespace, [ENGINE, list.key], list.shared, |entry| {
            let taken = |field| Some((field, owners.insert(field, namespace.name)?));
            let taken: Vec<_> = fields(entry).filter_map(taken).collect();
            let (field, owner) = taken.first()?;
            Some(format!(
                "{} {} is already being referenced in multiple namespaces ({owner}, {}): it can hold the data of one only, and \
                 once",
                list.noun,
                shortened(field, QUOTED),
                namespace.name
            ))
        })
    });
    used_again.told()
}

/// The mounts of an index that is not in shared memory.
fn index_mounts<'a>(namespace: &Namespace<'a>) -> Option<&'a Value> {
    let index = namespace.config.get("index-type")?.as_object()?;
    let kind = index.get("type")?.as_str()?;
    index.get("mounts").filter(|_| kind != "shmem")
}

pub(super) fn index_mounts_are_given(subject: &Subject<'_>) -> Vec<Finding> {
    let is_path = |item: &Value| item.as_str().is_some_and(|text| !text.is_empty());
    let is_given = |mounts: &Value| {
        let mounts = mounts.as_array();
        mounts.is_some_and(|mounts| !mounts.is_empty() && mounts.iter().all(is_path))
    };
    namespaces(subject)
        .filter(|namespace| index_mounts(namespace).is_some_and(|mounts| !is_given(mounts)))
        .map(|namespace| {
            Finding::invalid(
                "NS-23",
                namespace.place_of(&["index-type", "mounts"]),
                "mounts of an index must be a list of at least one path, each that of a volume",
            )
        })
        .told()
}

pub(super) fn stands_on_volumes(subject: &Subject<'_>) -> Vec<Finding> {
    let racks = subject.stored_configurations();
    let racks = racks.filter_map(|rack| Some((rack, ServerVolumes::of(rack.placed.storage()?))));
    racks
        .flat_map(|(rack, volumes)| {
            let checks = [
                devices_are_claimed,
                files_are_kept,
                index_mounts_are_claimed,
            ];
            let namespaces = named(rack);
            let told =
                namespaces.flat_map(|namespace| checks.map(|check| check(&namespace, &volumes)));
            told.flatten().told()
        })
        .told()
}

fn devices_are_claimed(namespace: &Namespace<'_>, volumes: &ServerVolumes<'_>) -> Vec<Finding> {
    at_entries(namespace, [ENGINE, "devices"], "NS-24", |entry| {
        let missing = missing(entry, |device| !volumes.is_device(device))?;
        Some(format!(
            "namespace storage device related devicePath {missing} not found in Storage config: add a volume with \
             persistentVolume, volumeMode Block and that aerospike.path"
        ))
    })
}

fn files_are_kept(namespace: &Namespace<'_>, volumes: &ServerVolumes<'_>) -> Vec<Finding> {
    at_entries(namespace, [ENGINE, "files"], "NS-25", |entry| {
        let missing = missing(entry, |file| !volumes.keep(folder_of(file)))?;
        Some(format!(
            "namespace storage file related mountPath of {missing} not found in Storage config: add a volume with \
             persistentVolume, volumeMode Filesystem and an aerospike.path above the file"
        ))
    })
}

fn index_mounts_are_claimed(
    namespace: &Namespace<'_>,
    volumes: &ServerVolumes<'_>,
) -> Vec<Finding> {
    if index_mounts(namespace).is_none() {
        return Vec::new();
    }
    at_entries(namespace, ["index-type", "mounts"], "NS-26", |mount| {
        let is_wrong = !mount.is_empty() && !volumes.is_filesystem(mount);
        is_wrong.then(|| {
            format!(
                "index-type mount {} not found in Storage config: add a volume with persistentVolume, volumeMode Filesystem and \
                 that aerospike.path",
                shortened(mount, QUOTED)
            )
        })
    })
}

/// The names in an entry that are wrong. An entry with too many names is wrong in itself.
fn missing(entry: &str, is_wrong: impl Fn(&str) -> bool) -> Option<String> {
    if fields(entry).nth(2).is_some() {
        return None;
    }
    let wrong: Vec<_> = fields(entry).filter(|name| is_wrong(name)).collect();
    (!wrong.is_empty()).then(|| shortened(&wrong.join(", "), QUOTED))
}
