//! How many pods go at once: batch sizes, ignorable pods, the disruption budget.

mod suited;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    api::Tree,
    finding::{FieldPath, Finding, Warning, shortened},
    resolve::{IntOrPercent, IntOrPercentError},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        portions_are_counts_or_percentages,
        suited::batches_suit_the_racks,
        suited::batches_suit_the_racks_that_run,
        disruptions_leave_a_copy,
    ],
    changes: &[],
    advice: &[the_budget_is_off],
};

/// The server's replication factor where none is configured.
const REPLICATION_FACTOR: u64 = 2;

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
        .told()
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

/// None if it is no number.
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
