//! What racks and namespaces must be like for several pods of a rack to go at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::replication_factor;
use crate::{
    admission::{rules::Told, subject::Subject},
    api::{Tree, racks::RackConfig},
    finding::{FieldPath, Finding, shortened},
};

/// So many names are told in a message.
const MOST_NAMES: usize = 10;

/// A batch size that is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Batch {
    RollingUpdate,
    ScaleDown,
}

impl Batch {
    const fn member(self) -> &'static str {
        match self {
            Self::RollingUpdate => "rollingUpdateBatchSize",
            Self::ScaleDown => "scaleDownBatchSize",
        }
    }

    fn path(self) -> FieldPath {
        FieldPath::spec().children(&["rackConfig", self.member()])
    }
}

fn batches<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Batch> + use<'a> {
    let config = subject.rack_config();
    let rolling = config.is_some_and(|config| config.rolling_update_batch_size.is_some());
    let down = config.is_some_and(|config| config.scale_down_batch_size.is_some());
    [
        rolling.then_some(Batch::RollingUpdate),
        down.then_some(Batch::ScaleDown),
    ]
    .into_iter()
    .flatten()
}

pub(super) fn batches_suit_the_racks(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .rack_config()
        .map_or_else(Vec::new, |config| unsuited(subject, config))
}

/// The racks that run are those that lose pods, so that a batch size waits for a change of racks to be rolled out.
pub(super) fn batches_suit_the_racks_that_run(subject: &Subject<'_>) -> Vec<Finding> {
    let mirror = subject.status.map(|status| &status.mirror);
    let running = mirror.filter(|mirror| mirror.aerospike_config.is_some());
    let Some(config) = running.and_then(|mirror| mirror.rack_config.as_ref()) else {
        return Vec::new();
    };
    let mut findings = unsuited(subject, config);
    for finding in &mut findings {
        finding.message = format!(
            "status invalid for {}: {}; wait until the change of racks is rolled out, then set it",
            finding.path, finding.message
        );
    }
    findings
}

/// What in `config` keeps several pods of a rack from going at once, for each batch size that `subject` sets.
fn unsuited(subject: &Subject<'_>, config: &RackConfig) -> Vec<Finding> {
    let mut batches = batches(subject).peekable();
    if batches.peek().is_none() {
        return Vec::new();
    }
    let namespaces = placed(config).unwrap_or_default();
    batches
        .flat_map(|batch| {
            let racks = config.racks.len();
            let few_racks = (racks < 2).then(|| few_racks(batch, racks));
            let faults = FAULTS.iter();
            let faults = faults.filter_map(|fault| fault.finding(batch, racks, &namespaces));
            few_racks.into_iter().chain(faults).collect::<Vec<_>>()
        })
        .told()
}

fn few_racks(batch: Batch, count: usize) -> Finding {
    Finding::invalid(
        "BATCH-01",
        batch.path(),
        format!(
            "{} needs two racks at least, and there is {count}: the pods of a batch may hold every copy of a record unless \
             another rack has one",
            batch.member()
        ),
    )
}

/// How a database namespace is spread over racks.
#[derive(Default)]
struct Placed {
    /// It is among the namespaces whose copies are in different racks.
    rack_aware: bool,
    /// So many racks have it.
    racks: usize,
    /// In the last rack that has it; none if it is no number.
    replication_factor: Option<u64>,
    strong_consistency: bool,
}

/// The database namespaces by name; none where a rack's configuration in force is not known.
fn placed(config: &RackConfig) -> Option<BTreeMap<&str, Placed>> {
    let mut namespaces: BTreeMap<&str, Placed> = BTreeMap::new();
    for rack in &config.racks {
        let tree = rack.effective_aerospike_config.as_ref()?;
        let of_rack: BTreeMap<_, _> = named(tree).collect();
        for (name, namespace) in of_rack {
            let placed = namespaces.entry(name).or_default();
            placed.racks += 1;
            placed.replication_factor = replication_factor(namespace);
            placed.strong_consistency |=
                namespace.get("strong-consistency") == Some(&Value::Bool(true));
        }
    }
    for name in &config.namespaces {
        if let Some(placed) = namespaces.get_mut(name.as_str()) {
            placed.rack_aware = true;
        }
    }
    Some(namespaces)
}

fn named(tree: &Tree) -> impl Iterator<Item = (&str, &Tree)> {
    let list = tree.get("namespaces").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|element| {
        let namespace = element.as_object()?;
        Some((namespace.get("name")?.as_str()?, namespace))
    })
}

/// What can be wrong with a namespace.
struct Fault {
    code: &'static str,
    path: fn(Batch) -> FieldPath,
    /// Whether a namespace has it, among so many racks.
    has: fn(Batch, usize, &Placed) -> bool,
    /// What is wrong and what would be right, after the name.
    text: &'static str,
}

const FAULTS: [Fault; 4] = [
    Fault {
        code: "BATCH-02",
        path: |_| FieldPath::spec().children(&["rackConfig", "namespaces"]),
        has: |_, _, placed| !placed.rack_aware,
        text: "is a non-rack-enabled namespace, whose copies may all be in one rack: list it here",
    },
    Fault {
        code: "BATCH-03",
        path: Batch::path,
        has: |_, racks, placed| racks > 1 && placed.racks == 1,
        text: "is configured in only one rack, whose pods hold every copy: configure it in a second rack",
    },
    Fault {
        code: "BATCH-04",
        path: Batch::path,
        has: |_, _, placed| placed.replication_factor.is_some_and(|factor| factor <= 1),
        text: "has replication-factor 1 and so no copy in another rack: raise it to 2",
    },
    Fault {
        code: "BATCH-05",
        path: Batch::path,
        has: |batch, _, placed| batch == Batch::ScaleDown && placed.strong_consistency,
        text: "has strong-consistency, and nodes leave its roster one by one: leave the batch size out",
    },
];

impl Fault {
    /// One finding about all namespaces that have it.
    fn finding(
        &self,
        batch: Batch,
        racks: usize,
        namespaces: &BTreeMap<&str, Placed>,
    ) -> Option<Finding> {
        let faulty = |(_, placed): &(&&str, &Placed)| (self.has)(batch, racks, placed);
        let mut names = namespaces
            .iter()
            .filter(faulty)
            .map(|(name, _)| format!("`{}`", shortened(name, 40)));
        let told: Vec<_> = names.by_ref().take(MOST_NAMES).collect();
        if told.is_empty() {
            return None;
        }
        let more = names.next().map_or("", |_| " and others");
        let message = format!(
            "{} cannot be used while {}{more} {}",
            batch.path(),
            told.join(", "),
            self.text
        );
        Some(Finding::invalid(self.code, (self.path)(batch), message))
    }
}
