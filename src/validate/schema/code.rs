//! The codes of what the schema says: those of the constraint's place where it has one, else those of the constraint.

use crate::finding::{FieldPath, Step};

/// An API version or kind that is not served.
pub const SERVED: &str = "SCHEMA-00";
/// A member that the schema does not know.
pub const UNKNOWN: &str = "SCHEMA-08";

/// What a constraint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constraint {
    Type,
    Required,
    Range,
    Length,
    Enum,
    Form,
    Unique,
}

impl Constraint {
    /// Its code where no place has one of its own.
    const fn code(self) -> &'static str {
        match self {
            Self::Type => "SCHEMA-01",
            Self::Required => "SCHEMA-02",
            Self::Range => "SCHEMA-03",
            Self::Length => "SCHEMA-04",
            Self::Enum => "SCHEMA-05",
            Self::Form => "SCHEMA-06",
            Self::Unique => "SCHEMA-07",
        }
    }
}

/// Members that the spec must have.
const REQUIRED: [&[&str]; 3] = [
    &["spec", "aerospikeConfig"],
    &["spec", "image"],
    &["spec", "size"],
];

/// Places that have a code, list items left out. The first that fits counts; `…` stands for everything below.
const PLACES: &[(&[&str], &str)] = &[
    (&["metadata", "name"], "CRD-17"),
    (&["metadata", "generateName"], "CRD-17"),
    (&["spec", "size"], "CRD-02"),
    (&["spec", "image"], "CRD-03"),
    (
        &["spec", "aerospikeAccessControl", "adminPolicy", "…"],
        "CRD-05",
    ),
    (&["spec", "aerospikeAccessControl", "…"], "CRD-04"),
    (&["spec", "aerospikeNetworkPolicy", "…"], "CRD-06"),
    (&["spec", "operations", "…"], "CRD-07"),
    (&["spec", "k8sNodeBlockList"], "CRD-08"),
    (&["spec", "storage", "…"], "CRD-10"),
    (
        &["spec", "seedsFinderServices", "loadBalancer", "…"],
        "CRD-11",
    ),
    (&["spec", "validationPolicy", "…"], "CRD-12"),
    (&["spec", "operatorClientCert", "…"], "CRD-13"),
    (&["spec", "maxUnavailable"], "CRD-14"),
    (&["spec", "rackConfig", "rollingUpdateBatchSize"], "CRD-14"),
    (&["spec", "rackConfig", "scaleDownBatchSize"], "CRD-14"),
    (&["spec", "rackConfig", "maxIgnorablePods"], "CRD-14"),
    (&["spec", "aerospikeConfig"], "CRD-15"),
    (
        &["spec", "rackConfig", "racks", "aerospikeConfig"],
        "CRD-15",
    ),
    (
        &["spec", "rackConfig", "racks", "effectiveAerospikeConfig"],
        "CRD-15",
    ),
    (&["spec", "rackConfig", "racks", "storage", "…"], "CRD-10"),
    (
        &["spec", "rackConfig", "racks", "effectiveStorage", "…"],
        "CRD-10",
    ),
    (&["spec", "rackConfig", "racks", "id"], "CRD-09"),
    (&["spec", "rackConfig", "racks"], "CRD-09"),
];

/// The code of a broken constraint.
pub(super) fn of(constraint: Constraint, path: &FieldPath) -> &'static str {
    let names: Vec<_> = path.steps().filter_map(Step::name).collect();
    if constraint == Constraint::Required && REQUIRED.contains(&names.as_slice()) {
        return "CRD-01";
    }
    let place = PLACES.iter().find(|(place, _)| fits(place, &names));
    place.map_or(constraint.code(), |(_, code)| code)
}

fn fits(place: &[&str], names: &[&str]) -> bool {
    match place.split_last() {
        Some((&"…", above)) => names.starts_with(above),
        _ => place == names,
    }
}
