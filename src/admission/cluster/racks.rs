//! Racks: ids, revisions, placement, who is in the roster, and what must be equal in all of them.

mod changes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    admission::{
        cluster::name::is_dns_1123,
        rules::{Area, Told},
        subject::Subject,
    },
    api::racks::RackConfig,
    finding::{FieldPath, Finding, Warning, shortened},
    nearest_name::nearest_name,
    resolve::racks::rack_path,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        override_means_one_rack,
        namespaces_have_no_spaces,
        ids_are_unique,
        revisions_are_labels,
        network_and_security_are_common,
        blocked_racks_leave_a_roster,
        migrate_fill_delay_is_uniform,
        replication_factor_is_uniform,
    ],
    changes: &[
        changes::placement_stays,
        changes::racks_leave_the_roster_one_by_one,
        changes::revisions_change_one_by_one,
    ],
    advice: &[override_without_namespaces, spread_namespaces_are_there],
};

/// The server's replication factor where none is configured.
const REPLICATION_FACTOR: u64 = 2;

/// So many characters of names are quoted.
const QUOTED: usize = 200;
/// As many namespaces as a server takes; among more nobody's slip is looked for.
const MOST_NAMESPACES: usize = 32;
/// So many characters of a name are quoted in a warning, which is short.
const MOST_OF_A_NAME: usize = 40;

const NO_RACK: &str = "all racks cannot have forceBlockFromRoster enabled. At least one rack must remain in the roster";
const ONE_RACK: &str = "with only one rack in roster, cannot use rollingUpdateBatchSize or scaleDownBatchSize: \
                        the only rack must not lose several nodes at once";

fn in_config(member: &str) -> FieldPath {
    FieldPath::spec().children(&["rackConfig", member])
}

fn override_means_one_rack(subject: &Subject<'_>) -> Vec<Finding> {
    let count = subject.racks().len();
    if subject.spec.enable_rack_id_override != Some(true) || count <= 1 {
        return Vec::new();
    }
    vec![Finding::invalid(
        "RACK-01",
        FieldPath::spec().child("enableRackIDOverride"),
        format!(
            "enableRackIDOverride needs a single rack, and there are {count}: the pods' annotations name the racks"
        ),
    )]
}

fn override_without_namespaces(subject: &Subject<'_>) -> Vec<Warning> {
    let config = subject.spec.rack_config.as_ref();
    let none = config.is_none_or(|config| config.namespaces.is_empty());
    if subject.spec.enable_rack_id_override != Some(true) || !none {
        return Vec::new();
    }
    vec![Warning {
        code: "W-03",
        path: in_config("namespaces"),
        message: "no namespace is spread over the overridden racks: list those that shall be"
            .to_owned(),
    }]
}

/// Silent where a rack's configuration could not be worked out: the namespace may stand there.
fn spread_namespaces_are_there(subject: &Subject<'_>) -> Vec<Warning> {
    let Some(RackConfig { namespaces, .. }) = &subject.spec.rack_config else {
        return Vec::new();
    };
    if namespaces.is_empty() || subject.configured_racks().count() < subject.racks().len() {
        return Vec::new();
    }
    let known: BTreeSet<_> = subject.namespaces().map(|known| known.name).collect();
    let missing = namespaces.iter().enumerate();
    missing
        .filter(|(_, name)| !name.contains(' ') && !known.contains(name.as_str()))
        .map(|(index, name)| Warning {
            code: "W-08",
            path: in_config("namespaces").item(index, name),
            message: format!(
                "no rack has a namespace {:?}{}: name those of spec.aerospikeConfig.namespaces that shall be spread over racks",
                shortened(name, MOST_OF_A_NAME),
                meant(name, &known)
            ),
        })
        .told()
}

fn meant(name: &str, known: &BTreeSet<&str>) -> String {
    let nearest = nearest_name(name, known.iter().copied().take(MOST_NAMESPACES));
    let nearest = nearest.map(|nearest| shortened(nearest, MOST_OF_A_NAME));
    nearest.map_or_else(String::new, |nearest| {
        format!(", did you mean {nearest:?}?")
    })
}

fn namespaces_have_no_spaces(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(RackConfig { namespaces, .. }) = &subject.spec.rack_config else {
        return Vec::new();
    };
    let mut spaced = namespaces
        .iter()
        .enumerate()
        .filter(|(_, n)| n.contains(' '))
        .peekable();
    if spaced.peek().is_none() {
        return Vec::new();
    }
    let all = shortened(&namespaces.join(" "), QUOTED);
    spaced
        .map(|(index, name)| {
            Finding::invalid(
                "RACK-02",
                in_config("namespaces").item(index, name),
                format!(
                    "namespace name `{}` cannot have spaces, Namespaces [{all}]",
                    shortened(name, QUOTED)
                ),
            )
        })
        .told()
}

fn ids_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let racks = subject.racks().iter().enumerate();
    racks
        .filter(|(_, rack)| !seen.insert(rack.id))
        .map(|(index, rack)| {
            Finding::duplicate(
                "RACK-03",
                rack_path(index, rack).child("id"),
                format!(
                    "duplicate rackID {} not allowed: give each rack an id of its own",
                    rack.id
                ),
            )
        })
        .told()
}

fn revisions_are_labels(subject: &Subject<'_>) -> Vec<Finding> {
    let racks = subject.racks().iter().enumerate();
    let given = racks.filter_map(|(index, rack)| {
        let revision = rack.revision.as_deref().filter(|text| !text.is_empty())?;
        Some((index, rack, revision))
    });
    given
        .filter(|(_, _, revision)| !is_dns_1123(revision))
        .map(|(index, rack, revision)| {
            Finding::invalid(
                "RACK-04",
                rack_path(index, rack).child("revision"),
                format!(
                    "rack revision {:?} for rack ID {} is invalid: {}",
                    shortened(revision, QUOTED),
                    rack.id,
                    why_no_label(revision)
                ),
            )
        })
        .told()
}

fn why_no_label(text: &str) -> &'static str {
    if text.len() > 63 {
        "must be no more than 63 characters"
    } else if text.contains('.') && text.split('.').all(is_dns_1123) {
        "must not contain dots"
    } else {
        "must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
    }
}

fn network_and_security_are_common(subject: &Subject<'_>) -> Vec<Finding> {
    let racks = subject.racks().iter().enumerate();
    let own =
        racks.filter_map(|(index, rack)| Some((index, rack, rack.aerospike_config.as_ref()?)));
    own.flat_map(|(index, rack, config)| {
        ["network", "security"]
            .into_iter()
            .filter(|section| config.contains_key(*section))
            .map(move |section| {
                Finding::forbidden(
                    "RACK-05",
                    rack_path(index, rack).children(&["aerospikeConfig", section]),
                    format!(
                        "{section} must be common to all racks: set it in spec.aerospikeConfig"
                    ),
                )
            })
    })
    .told()
}

fn blocked_racks_leave_a_roster(subject: &Subject<'_>) -> Vec<Finding> {
    let racks = subject.racks();
    let blocked = racks
        .iter()
        .filter(|rack| rack.force_block_from_roster == Some(true));
    let (count, blocked) = (racks.len(), blocked.count());
    let Some(config) = subject.spec.rack_config.as_ref().filter(|_| blocked > 0) else {
        return Vec::new();
    };
    let mut findings = conflicts_of_blocking(config, &subject.spec.roster_node_block_list);
    match count - blocked {
        0 => findings.push(Finding::invalid("RACK-08", in_config("racks"), NO_RACK)),
        1 => findings.extend(
            batches_with_one_rack(config).map(|path| Finding::forbidden("RACK-09", path, ONE_RACK)),
        ),
        _ => {}
    }
    findings
}

fn conflicts_of_blocking(config: &RackConfig, node_ids: &[String]) -> Vec<Finding> {
    let pods = config.max_ignorable_pods.is_some().then(|| {
        Finding::forbidden(
            "RACK-06",
            in_config("maxIgnorablePods"),
            "forceBlockFromRoster cannot be used together with maxIgnorablePods: leave one out",
        )
    });
    let nodes = (!node_ids.is_empty()).then(|| {
        Finding::forbidden(
            "RACK-07",
            FieldPath::spec().child("rosterNodeBlockList"),
            "forceBlockFromRoster cannot be used together with RosterNodeBlockList: leave one out",
        )
    });
    pods.into_iter().chain(nodes).told()
}

/// The places of batch sizes, which a roster of one rack does not allow.
fn batches_with_one_rack(config: &RackConfig) -> impl Iterator<Item = FieldPath> + use<> {
    let batches = [
        (
            "rollingUpdateBatchSize",
            config.rolling_update_batch_size.is_some(),
        ),
        ("scaleDownBatchSize", config.scale_down_batch_size.is_some()),
    ];
    let given = batches.into_iter().filter(|(_, given)| *given);
    given.map(|(member, _)| in_config(member))
}

fn migrate_fill_delay_is_uniform(subject: &Subject<'_>) -> Vec<Finding> {
    let key = "migrate-fill-delay";
    let mut first: Option<f64> = None;
    let differing = subject.configurations().filter_map(|rack| {
        let value = rack.get(&["service", key]);
        let delay = value.map_or(Some(0.0), Value::as_f64)?;
        let common = *first.get_or_insert(delay);
        ((delay - common).abs() > f64::EPSILON).then_some((rack, delay, common))
    });
    differing
        .map(|(rack, delay, common)| {
            Finding::invalid(
                "RACK-10",
                rack.place_of(&["service", key]),
                format!("{key} must be same on all racks: it is {delay} here and {common} before"),
            )
        })
        .told()
}

fn replication_factor_is_uniform(subject: &Subject<'_>) -> Vec<Finding> {
    let key = "replication-factor";
    let mut first: BTreeMap<&str, u64> = BTreeMap::new();
    let differing = subject.namespaces().filter_map(|namespace| {
        let given = namespace.config.get(key);
        let factor = given.map_or(Some(REPLICATION_FACTOR), Value::as_u64)?;
        let common = *first.entry(namespace.name).or_insert(factor);
        (factor != common).then_some((namespace, factor, common))
    });
    differing
        .map(|(namespace, factor, common)| {
            Finding::invalid(
                "RACK-11",
                namespace.place_of(&[key]),
                format!(
                    "namespace {} has different replication-factor values across racks, {factor} in rack {} and {common} \
                     before: replication-factor must be the same in every rack",
                    namespace.name, namespace.rack.placed.rack.id
                ),
            )
        })
        .told()
}

#[cfg(test)]
mod tests;
