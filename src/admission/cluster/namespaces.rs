//! Database namespaces: names, replication, strong consistency. What they store on is looked at in `storage_engine`.

mod storage_engine;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::{ConfiguredRack, Namespace, Subject},
    },
    config::go_text,
    finding::{FieldPath, Finding, Warning, shortened},
};

/// The rules of this part. That there is a list of namespaces, `NS-01` to `NS-05`, is told where defaults are put into it.
pub const AREA: Area = Area {
    rules: &[
        namespaces_have_names,
        replication_factor_is_a_number,
        strong_consistency_has_enough_nodes,
        transactions_are_strongly_consistent,
        strong_consistency_is_uniform,
        storage_engine::is_given,
        storage_engine::is_known,
        storage_engine::keeps_what_is_strongly_consistent,
        storage_engine::lists_have_entries,
        storage_engine::entries_are_texts,
        storage_engine::entries_name_one_and_its_shadow,
        storage_engine::entries_are_used_once,
        storage_engine::index_mounts_are_given,
        storage_engine::stands_on_volumes,
    ],
    changes: &[],
    advice: &[copies_have_nodes],
};

/// Characters that the server allows a name to have.
const NAME_LIMIT: usize = 31;
/// The server's replication factor where none is configured.
const REPLICATION_FACTOR: f64 = 2.0;
/// The largest that the server takes.
const MOST_COPIES: i64 = 256;
/// So many characters of a value are quoted.
const QUOTED: usize = 100;

fn namespaces_have_names(subject: &Subject<'_>) -> Vec<Finding> {
    subject.configurations().flat_map(unnamed).told()
}

fn unnamed(rack: ConfiguredRack<'_>) -> Vec<Finding> {
    let list = rack.config.get("namespaces").and_then(Value::as_array);
    let elements = list.into_iter().flatten().enumerate();
    let namespaces = elements.filter_map(|(index, element)| Some((index, element.as_object()?)));
    let list = FieldPath::default().child("namespaces");
    let wrong = namespaces.filter_map(|(index, namespace)| {
        let name = namespace.get("name");
        let at = match name.and_then(Value::as_str) {
            Some(name) => list.item(index, name),
            None => list.index(index),
        };
        Some((at, why_no_name(name)?))
    });
    wrong
        .map(|(at, why)| {
            let path = rack.place(&at.child("name"));
            Finding::required("NS-06", path, format!("namespace name not found: {why}"))
        })
        .told()
}

fn why_no_name(name: Option<&Value>) -> Option<&'static str> {
    match name {
        None => Some("name is required"),
        Some(Value::String(name)) if name.is_empty() => Some("name is empty"),
        Some(Value::String(name)) if name.len() > NAME_LIMIT => {
            Some("a name has at most 31 characters")
        }
        Some(Value::String(_)) => None,
        Some(_) => Some("a name is a text"),
    }
}

/// The namespaces whose name a server takes.
fn named(rack: ConfiguredRack<'_>) -> impl Iterator<Item = Namespace<'_>> {
    let is_named = |namespace: &Namespace<'_>| (1..=NAME_LIMIT).contains(&namespace.name.len());
    rack.namespaces().filter(is_named)
}

fn namespaces<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Namespace<'a>> + use<'a> {
    subject.configurations().flat_map(named)
}

fn replication_factor_is_a_number(subject: &Subject<'_>) -> Vec<Finding> {
    let key = "replication-factor";
    let wrong = namespaces(subject).filter_map(|namespace| {
        let factor = namespace.config.get(key)?;
        (!factor.is_number()).then_some((namespace, factor))
    });
    wrong
        .map(|(namespace, factor)| {
            Finding::invalid(
                "NS-07",
                namespace.place_of(&[key]),
                format!(
                    "namespace {key} is not a number, but {}: give the number of copies, such as 2",
                    go_text::type_name(factor)
                ),
            )
        })
        .told()
}

fn strong_consistency_has_enough_nodes(subject: &Subject<'_>) -> Vec<Finding> {
    let (key, size) = ("replication-factor", subject.spec.size);
    let strong = namespaces(subject).filter(Namespace::is_strongly_consistent);
    let factors = strong.filter_map(|namespace| {
        let given = namespace.config.get(key);
        let factor = given.map_or(Some(REPLICATION_FACTOR), Value::as_f64)?;
        (size > 0 && factor > f64::from(size)).then_some((namespace, factor))
    });
    factors
        .map(|(namespace, factor)| {
            Finding::invalid(
                "NS-08",
                namespace.place_of(&[key]),
                format!(
                    "strong-consistency namespace replication-factor {factor} cannot be more than cluster size {size}: lower \
                     it, or raise spec.size"
                ),
            )
        })
        .told()
}

/// About a factor that is written and in range, of a namespace that runs with fewer copies; with too few nodes a strongly
/// consistent one does not. Of a single node nobody expects copies.
fn copies_have_nodes(subject: &Subject<'_>) -> Vec<Warning> {
    let (key, size) = ("replication-factor", subject.spec.size);
    let weak = namespaces(subject).filter(|namespace| !namespace.is_strongly_consistent());
    let factors = weak.filter_map(|namespace| {
        let factor = namespace.config.get(key)?.as_i64()?;
        let is_more = factor > i64::from(size) && factor <= MOST_COPIES;
        (size > 1 && is_more).then_some((namespace, factor))
    });
    factors
        .map(|(namespace, factor)| Warning {
            code: "W-10",
            path: namespace.place_of(&[key]),
            message: format!(
                "{factor} copies need as many nodes, and spec.size is {size}: there are only {size} until it is raised"
            ),
        })
        .told()
}

fn transactions_are_strongly_consistent(subject: &Subject<'_>) -> Vec<Finding> {
    let weak = namespaces(subject).filter(|namespace| !namespace.is_strongly_consistent());
    weak.flat_map(|namespace| {
        let keys = ["mrt-duration", "disable-mrt-writes"].into_iter();
        let given = keys.filter(|key| namespace.config.contains_key(*key));
        let told = given.map(|key| {
            Finding::forbidden(
                "NS-09",
                namespace.place_of(&[key]),
                format!(
                    "{key} is not allowed in namespace {} without strong-consistency: transactions need it; leave {key} out",
                    namespace.name
                ),
            )
        });
        told.told()
    })
    .told()
}

fn strong_consistency_is_uniform(subject: &Subject<'_>) -> Vec<Finding> {
    let mut racks = subject.configured_racks();
    let Some(first) = racks.next() else {
        return Vec::new();
    };
    let common = strong(first);
    racks
        .map(|rack| (rack, strong(rack)))
        .filter(|(_, own)| *own != common)
        .map(|(rack, own)| {
            Finding::invalid(
                "NS-28",
                rack.placed.path(),
                format!(
                    "strong-consistency namespaces must be identical in all racks: {} in rack {}, but {} in rack {}",
                    listed(&own),
                    rack.placed.rack.id,
                    listed(&common),
                    first.placed.rack.id
                ),
            )
        })
        .told()
}

fn strong(rack: ConfiguredRack<'_>) -> BTreeSet<&str> {
    let namespaces = rack.namespaces().filter(Namespace::is_strongly_consistent);
    namespaces.map(|namespace| namespace.name).collect()
}

fn listed(names: &BTreeSet<&str>) -> String {
    let names: Vec<_> = names.iter().copied().collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    shortened(&names.join(", "), QUOTED)
}
