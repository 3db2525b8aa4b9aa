//! What Kubernetes would refuse in what says where pods may run: tolerations, node labels, affinities; of the cluster and
//! of each rack.

mod affinity;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Affinity, Toleration};

use crate::{
    admission::{
        cluster::{
            containers::unknown,
            pod_template::{KEY, VALUE, bad_label},
            syntax::{is_label_key, is_label_value, shown},
        },
        rules::{Area, Told},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        tolerations_are_possible,
        node_labels_are_labels,
        affinities_are_possible,
    ],
    changes: &[],
    advice: &[],
};

const EXISTS: &str = "Exists";
const NO_EXECUTE: &str = "NoExecute";

/// What says where pods may run, with its place.
struct Placed<'a> {
    path: FieldPath,
    affinity: Option<&'a Affinity>,
    tolerations: &'a [Toleration],
    node_selector: &'a BTreeMap<String, String>,
}

fn scheduling<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Placed<'a>> + use<'a> {
    let cluster = subject.spec.pod_spec.as_ref().map(|pod| Placed {
        path: FieldPath::spec().child("podSpec"),
        affinity: pod.affinity.as_ref(),
        tolerations: &pod.tolerations,
        node_selector: &pod.node_selector,
    });
    let racks = subject.placed_racks().filter_map(|placed| {
        let pod = placed.rack.pod_spec.as_ref()?;
        Some(Placed {
            path: placed.path().child("podSpec"),
            affinity: pod.affinity.as_ref(),
            tolerations: &pod.tolerations,
            node_selector: &pod.node_selector,
        })
    });
    cluster.into_iter().chain(racks)
}

fn tolerations_are_possible(subject: &Subject<'_>) -> Vec<Finding> {
    let tolerations = scheduling(subject).flat_map(|placed| {
        let list = placed.path.child("tolerations");
        let tolerations = placed.tolerations.iter().enumerate();
        tolerations.map(move |(index, toleration)| {
            let key = toleration.key.as_deref().unwrap_or_default();
            (list.item(index, key), toleration)
        })
    });
    tolerations
        .flat_map(|(path, toleration)| wrong(&path, toleration))
        .told()
}

fn wrong(path: &FieldPath, toleration: &Toleration) -> Vec<Finding> {
    let [key, operator, value, effect] = [
        &toleration.key,
        &toleration.operator,
        &toleration.value,
        &toleration.effect,
    ]
    .map(|text| text.as_deref().unwrap_or_default());
    let mut findings = Vec::new();
    let mut refuse = |member: &str, message: String| {
        findings.push(Finding::invalid("POD-50", path.child(member), message));
    };
    if !key.is_empty() && !is_label_key(key) {
        refuse("key", format!("{} is no key of a taint: {KEY}", shown(key)));
    }
    if key.is_empty() && operator != EXISTS {
        refuse(
            "operator",
            "must be Exists where there is no key: it stands for every taint".to_owned(),
        );
    }
    if operator == EXISTS && !value.is_empty() {
        refuse(
            "value",
            "must not be there with operator Exists, which asks for no value".to_owned(),
        );
    }
    if matches!(operator, "" | "Equal") && !is_label_value(value) {
        refuse(
            "value",
            format!("{} is no value of a taint: {VALUE}", shown(value)),
        );
    }
    if toleration.toleration_seconds.is_some() && effect != NO_EXECUTE {
        refuse(
            "effect",
            "must be NoExecute where tolerationSeconds is given".to_owned(),
        );
    }
    let operators = [EXISTS, "Equal", "Lt", "Gt", ""];
    findings.extend(unknown(
        "POD-50",
        (path, "operator"),
        Some(operator),
        &operators,
    ));
    let effects = ["NoSchedule", "PreferNoSchedule", NO_EXECUTE, ""];
    findings.extend(unknown("POD-50", (path, "effect"), Some(effect), &effects));
    findings
}

fn node_labels_are_labels(subject: &Subject<'_>) -> Vec<Finding> {
    let labels = scheduling(subject).flat_map(|placed| {
        let path = placed.path.child("nodeSelector");
        let labels = placed.node_selector.iter();
        labels.map(move |(key, value)| (path.map_key(key), key, value))
    });
    labels
        .flat_map(|(path, key, value)| bad_label("POD-51", &path, key, value))
        .told()
}

fn affinities_are_possible(subject: &Subject<'_>) -> Vec<Finding> {
    let placed = scheduling(subject)
        .filter_map(|placed| Some((placed.path.child("affinity"), placed.affinity?)));
    placed
        .flat_map(|(path, affinity)| affinity::findings(&path, affinity))
        .told()
}

#[cfg(test)]
mod tests;
