//! How many pods go at once: batch sizes, ignorable pods, the disruption budget.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::{
    admission::{rules::Area, subject::Subject},
    api::{Tree, racks::RackConfig},
    finding::{FieldPath, Finding, Warning, shortened},
    resolve::{IntOrPercent, IntOrPercentError},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        portions_are_counts_or_percentages,
        batches_suit_the_racks,
        batches_suit_the_racks_that_run,
        disruptions_leave_a_copy,
    ],
    changes: &[],
    advice: &[the_budget_is_off],
};

/// The server's replication factor where none is configured.
const REPLICATION_FACTOR: u64 = 2;
/// So many names are told in a message.
const MOST_NAMES: usize = 10;

/// A member of `spec` that takes a number or a percentage.
type Portion<'a> = (&'static [&'static str], Option<&'a IntOrString>);

fn portions<'a>(subject: &Subject<'a>) -> [Portion<'a>; 4] {
    let racks = subject.rack_config();
    let budget = subject.spec.max_unavailable.as_ref();
    let has_budget = subject.spec.disable_pdb != Some(true);
    [
        (
            &["rackConfig", "rollingUpdateBatchSize"],
            racks.and_then(|racks| racks.rolling_update_batch_size.as_ref()),
        ),
        (
            &["rackConfig", "scaleDownBatchSize"],
            racks.and_then(|racks| racks.scale_down_batch_size.as_ref()),
        ),
        (
            &["rackConfig", "maxIgnorablePods"],
            racks.and_then(|racks| racks.max_ignorable_pods.as_ref()),
        ),
        (&["maxUnavailable"], budget.filter(|_| has_budget)),
    ]
}

fn portions_are_counts_or_percentages(subject: &Subject<'_>) -> Vec<Finding> {
    let given = portions(subject).into_iter();
    given
        .filter_map(|(members, value)| {
            let value = value?;
            let error = IntOrPercent::parse(value).err()?;
            let path = FieldPath::spec().children(members);
            Some(no_portion(path, value, error))
        })
        .collect()
}

fn no_portion(path: FieldPath, value: &IntOrString, error: IntOrPercentError) -> Finding {
    let value = match value {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(text) => shortened(text, 40),
    };
    let (code, message) = match error {
        IntOrPercentError::NotAPercentage => (
            "IOS-01",
            format!(
                "invalid value for IntOrString: invalid type: string is not a percentage: {value:?}; write a number such \
                 as 2 or a percentage such as \"30%\""
            ),
        ),
        IntOrPercentError::Negative => (
            "IOS-02",
            format!("can not use negative {path}: {value}; 0 is the least"),
        ),
        IntOrPercentError::AboveHundredPercent => (
            "IOS-03",
            format!("{path}: {value} must not be greater than 100 percent"),
        ),
    };
    Finding::invalid(code, path, message)
}

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

fn batches_suit_the_racks(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .rack_config()
        .map_or_else(Vec::new, |config| unsuited(subject, config))
}

/// A batch size may be set before the racks that it needs are there; it must not be in force before.
fn batches_suit_the_racks_that_run(subject: &Subject<'_>) -> Vec<Finding> {
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
    let spread = Spread::of(config);
    batches
        .flat_map(|batch| {
            let too_few = (config.racks.len() < 2).then(|| few_racks(batch, config.racks.len()));
            let of_namespaces = spread
                .as_ref()
                .map_or_else(Vec::new, |spread| spread.unsuited(batch, config));
            too_few.into_iter().chain(of_namespaces).collect::<Vec<_>>()
        })
        .collect()
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

/// How the database namespaces are spread over racks.
struct Spread<'a> {
    racks: usize,
    namespaces: BTreeMap<&'a str, Placed>,
}

#[derive(Default)]
struct Placed {
    racks: usize,
    /// In the last rack that has it; none if it is no number.
    replication_factor: Option<u64>,
    strong_consistency: bool,
}

impl<'a> Spread<'a> {
    /// None where a rack's configuration in force is not known.
    fn of(config: &'a RackConfig) -> Option<Self> {
        let mut namespaces: BTreeMap<&str, Placed> = BTreeMap::new();
        for rack in &config.racks {
            let tree = rack.effective_aerospike_config.as_ref()?;
            let mut seen = BTreeSet::new();
            for (name, namespace) in named(tree) {
                let placed = namespaces.entry(name).or_default();
                placed.racks += usize::from(seen.insert(name));
                placed.replication_factor = replication_factor(namespace);
                placed.strong_consistency |=
                    namespace.get("strong-consistency") == Some(&Value::Bool(true));
            }
        }
        let racks = config.racks.len();
        Some(Self { racks, namespaces })
    }

    fn unsuited(&self, batch: Batch, config: &RackConfig) -> Vec<Finding> {
        let spread: BTreeSet<_> = config.namespaces.iter().map(String::as_str).collect();
        let (path, member) = (batch.path(), batch.member());
        let finding =
            |code, path: &FieldPath, message| Finding::invalid(code, path.clone(), message);
        [
            self.that(|name, _| !spread.contains(name)).map(|names| {
                let listed = FieldPath::spec().children(&["rackConfig", "namespaces"]);
                let message = format!(
                    "{member} is not for a non-rack-enabled namespace, which has its copies in any rack: list {names} here"
                );
                finding("BATCH-02", &listed, message)
            }),
            self.that(|_, placed| self.racks > 1 && placed.racks == 1).map(|names| {
                let message = format!(
                    "{path} cannot be used while {names} is configured in only one rack, whose pods hold every copy: \
                     configure it in a second rack"
                );
                finding("BATCH-03", &path, message)
            }),
            self.that(|_, placed| placed.replication_factor.is_some_and(|factor| factor <= 1)).map(|names| {
                let message = format!(
                    "{path} cannot be used while {names} has replication-factor 1 and so no copy in another rack: raise it \
                     to 2"
                );
                finding("BATCH-04", &path, message)
            }),
            self.that(|_, placed| batch == Batch::ScaleDown && placed.strong_consistency).map(|names| {
                let message = format!(
                    "{member} cannot be used with strong-consistency, as {names} has: nodes leave the roster one by one"
                );
                finding("BATCH-05", &path, message)
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The names of the namespaces with a fault, if there is any.
    fn that(&self, faulty: impl Fn(&str, &Placed) -> bool) -> Option<String> {
        let all = self.namespaces.iter();
        let mut names = all.filter(|(name, placed)| faulty(name, placed));
        let told: Vec<_> = names
            .by_ref()
            .take(MOST_NAMES)
            .map(|(name, _)| format!("`{}`", shortened(name, 40)))
            .collect();
        let more = names.next().map_or("", |_| " and others");
        (!told.is_empty()).then(|| told.join(", ") + more)
    }
}

fn named(tree: &Tree) -> impl Iterator<Item = (&str, &Tree)> {
    let list = tree.get("namespaces").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|element| {
        let namespace = element.as_object()?;
        Some((namespace.get("name")?.as_str()?, namespace))
    })
}

fn replication_factor(namespace: &Tree) -> Option<u64> {
    let given = namespace.get("replication-factor");
    given.map_or(Some(REPLICATION_FACTOR), Value::as_u64)
}

fn disruptions_leave_a_copy(subject: &Subject<'_>) -> Vec<Finding> {
    let spec = subject.spec;
    let (Some(IntOrString::Int(budget)), Ok(size)) =
        (&spec.max_unavailable, u64::try_from(spec.size))
    else {
        return Vec::new();
    };
    let factors = subject
        .namespaces()
        .filter_map(|namespace| replication_factor(namespace.config));
    let copies = factors.filter(|factor| *factor > 1).min();
    let safe = copies.map_or(size, |copies| copies.min(size));
    let is_off = spec.disable_pdb == Some(true);
    if is_off || size <= 1 || u64::try_from(*budget).unwrap_or(0) < safe {
        return Vec::new();
    }
    vec![Finding::invalid(
        "PDB-01",
        FieldPath::spec().child("maxUnavailable"),
        format!(
            "maxUnavailable {budget} is invalid: value must be less than the minimum replication factor and less than size, \
             so that a copy of every record is left; {} is the most",
            safe - 1
        ),
    )]
}

fn the_budget_is_off(subject: &Subject<'_>) -> Vec<Warning> {
    if subject.spec.disable_pdb != Some(true) {
        return Vec::new();
    }
    vec![Warning {
        code: "W-02",
        path: FieldPath::spec().child("maxUnavailable"),
        message: "spec.maxUnavailable is of no effect while disablePDB is true: leave it out"
            .to_owned(),
    }]
}

#[cfg(test)]
mod tests;
