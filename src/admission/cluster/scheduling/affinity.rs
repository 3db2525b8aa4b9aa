//! Affinities: which nodes, near which pods, away from which.

use std::collections::BTreeSet;

use k8s_openapi::{
    api::core::v1::{
        Affinity, NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PodAffinityTerm,
        WeightedPodAffinityTerm,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};

use crate::{
    admission::{
        cluster::{
            name::is_dns_1123,
            pod_template::{KEY, VALUE, bad_label},
            syntax::{is_label_key, is_label_value, is_subdomain, shown},
        },
        rules::Told,
    },
    finding::{FieldPath, Finding},
};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// The one field of a node that a term can ask for.
const NODE_NAME: &str = "metadata.name";
/// What compares a node's label with a number.
const COMPARISONS: [&str; 2] = ["Gt", "Lt"];

/// The terms of a pod affinity, near or away.
struct PodTerms<'a> {
    member: &'static str,
    required: &'a Option<Vec<PodAffinityTerm>>,
    preferred: &'a Option<Vec<WeightedPodAffinityTerm>>,
}

fn pod_terms(affinity: &Affinity) -> impl Iterator<Item = PodTerms<'_>> {
    let near = affinity.pod_affinity.iter().map(|near| PodTerms {
        member: "podAffinity",
        required: &near.required_during_scheduling_ignored_during_execution,
        preferred: &near.preferred_during_scheduling_ignored_during_execution,
    });
    let away = affinity.pod_anti_affinity.iter().map(|away| PodTerms {
        member: "podAntiAffinity",
        required: &away.required_during_scheduling_ignored_during_execution,
        preferred: &away.preferred_during_scheduling_ignored_during_execution,
    });
    near.chain(away)
}

/// Everything that is wrong with the affinity at `path`.
pub(super) fn findings(path: &FieldPath, affinity: &Affinity) -> Vec<Finding> {
    let nodes = affinity.node_affinity.iter();
    let nodes = nodes.flat_map(|nodes| of_nodes(&path.child("nodeAffinity"), nodes));
    let pods = pod_terms(affinity).flat_map(|terms| terms.findings(&path.child(terms.member)));
    nodes.chain(pods).told()
}

fn of_nodes(path: &FieldPath, affinity: &NodeAffinity) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(selector) = &affinity.required_during_scheduling_ignored_during_execution {
        let list = path.children(&[REQUIRED, "nodeSelectorTerms"]);
        if selector.node_selector_terms.is_empty() {
            findings.push(Finding::required(
                "POD-52",
                list.clone(),
                "needs a term, at least one",
            ));
        }
        let terms = selector.node_selector_terms.iter().enumerate();
        let terms = terms.flat_map(|(index, term)| of_term(&list.index(index), term, true));
        findings.extend(terms.told());
    }
    let list = path.child(PREFERRED);
    let preferred = affinity
        .preferred_during_scheduling_ignored_during_execution
        .iter()
        .flatten();
    let preferred = preferred.enumerate().flat_map(|(index, term)| {
        let path = list.index(index);
        let asked = of_term(&path.child("preference"), &term.preference, false);
        weight(&path, term.weight).into_iter().chain(asked)
    });
    findings.extend(preferred.told());
    findings
}

/// A term that is only preferred may ask for values that no label has.
fn of_term(path: &FieldPath, term: &NodeSelectorTerm, is_strict: bool) -> Vec<Finding> {
    let expressions = term.match_expressions.iter().flatten().enumerate();
    let list = path.child("matchExpressions");
    let expressions = expressions.flat_map(|(index, asked)| {
        let values = asked.values.as_deref().unwrap_or_default();
        let requirement = Requirement {
            key: &asked.key,
            operator: &asked.operator,
            values,
        };
        requirement.findings("POD-53", &list.index(index), &COMPARISONS, is_strict)
    });
    let fields = term.match_fields.iter().flatten().enumerate();
    let list = path.child("matchFields");
    let fields = fields.flat_map(|(index, asked)| of_field(&list.index(index), asked));
    expressions.chain(fields).told()
}

fn of_field(path: &FieldPath, asked: &NodeSelectorRequirement) -> Vec<Finding> {
    let values = asked.values.as_deref().unwrap_or_default();
    let is_name = asked.key == NODE_NAME;
    let wrong = [
        (
            !is_name,
            "key",
            format!(
                "{} is no field to choose nodes by, only {NODE_NAME}",
                shown(&asked.key)
            ),
        ),
        (
            !matches!(asked.operator.as_str(), "In" | "NotIn"),
            "operator",
            format!("{} is none of In, NotIn", shown(&asked.operator)),
        ),
        (
            values.len() != 1 || (is_name && !is_subdomain(&values[0])),
            "values",
            "needs the name of one node".to_owned(),
        ),
    ];
    let wrong = wrong.into_iter().filter(|(is_wrong, ..)| *is_wrong);
    wrong
        .map(|(_, member, message)| Finding::invalid("POD-53", path.child(member), message))
        .told()
}

/// What is asked of a label.
struct Requirement<'a> {
    key: &'a str,
    operator: &'a str,
    values: &'a [String],
}

impl Requirement<'_> {
    fn findings(
        &self,
        code: &'static str,
        path: &FieldPath,
        comparisons: &[&str],
        is_strict: bool,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !is_label_key(self.key) {
            let message = format!("{} is no key of a label: {KEY}", shown(self.key));
            findings.push(Finding::invalid(code, path.child("key"), message));
        }
        findings.extend(self.operator_and_values(code, path, comparisons));
        let values = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| is_strict && !is_label_value(value));
        let list = path.child("values");
        let values = values.map(|(index, value)| {
            let message = format!("{} is no value of a label: {VALUE}", shown(value));
            Finding::invalid(code, list.index(index), message)
        });
        findings.extend(values.told());
        findings
    }

    fn operator_and_values(
        &self,
        code: &'static str,
        path: &FieldPath,
        comparisons: &[&str],
    ) -> Option<Finding> {
        let (operator, values) = (self.operator, path.child("values"));
        match operator {
            "In" | "NotIn" if self.values.is_empty() => Some(Finding::required(
                code,
                values,
                format!("operator {operator} needs values"),
            )),
            "Exists" | "DoesNotExist" if !self.values.is_empty() => Some(Finding::forbidden(
                code,
                values,
                format!("operator {operator} takes no values"),
            )),
            "In" | "NotIn" | "Exists" | "DoesNotExist" => None,
            _ if !comparisons.contains(&operator) => {
                let known = ["In", "NotIn", "Exists", "DoesNotExist"]
                    .iter()
                    .chain(comparisons);
                let known: Vec<_> = known.copied().collect();
                let message = format!("{} is none of {}", shown(operator), known.join(", "));
                Some(Finding::invalid(code, path.child("operator"), message))
            }
            _ if self.values.len() != 1 => Some(Finding::required(
                code,
                values,
                format!("operator {operator} needs one value"),
            )),
            _ => None,
        }
    }
}

impl PodTerms<'_> {
    fn findings(&self, path: &FieldPath) -> Vec<Finding> {
        let list = path.child(REQUIRED);
        let required = self.required.iter().flatten().enumerate();
        let required = required.flat_map(|(index, term)| of_pod_term(&list.index(index), term));
        let list = path.child(PREFERRED);
        let preferred = self.preferred.iter().flatten().enumerate();
        let preferred = preferred.flat_map(|(index, term)| {
            let path = list.index(index);
            let asked = of_pod_term(&path.child("podAffinityTerm"), &term.pod_affinity_term);
            weight(&path, term.weight).into_iter().chain(asked)
        });
        required.chain(preferred).told()
    }
}

fn weight(path: &FieldPath, weight: i32) -> Option<Finding> {
    (!(1..=100).contains(&weight)).then(|| {
        let message = format!("{weight} is out of range: must be 1 to 100");
        Finding::invalid("POD-54", path.child("weight"), message)
    })
}

fn of_pod_term(path: &FieldPath, term: &PodAffinityTerm) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = &term.topology_key;
    if !is_label_key(key) {
        let message = format!(
            "{} is no key of a label of nodes such as kubernetes.io/hostname: {KEY}",
            shown(key)
        );
        findings.push(Finding::invalid(
            "POD-55",
            path.child("topologyKey"),
            message,
        ));
    }
    for (member, selector) in [
        ("labelSelector", &term.label_selector),
        ("namespaceSelector", &term.namespace_selector),
    ] {
        findings.extend(
            selector
                .iter()
                .flat_map(|selector| of_selector(&path.child(member), selector)),
        );
    }
    let list = path.child("namespaces");
    let namespaces = term
        .namespaces
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, name)| !is_dns_1123(name));
    let namespaces = namespaces.map(|(index, name)| {
        let message = format!("{} is no name of a namespace", shown(name));
        Finding::invalid("POD-55", list.item(index, name), message)
    });
    findings.extend(namespaces.told());
    findings.extend(label_keys(path, term));
    findings
}

fn of_selector(path: &FieldPath, selector: &LabelSelector) -> Vec<Finding> {
    let labels = selector.match_labels.iter().flatten();
    let place = path.child("matchLabels");
    let labels =
        labels.flat_map(|(key, value)| bad_label("POD-56", &place.map_key(key), key, value));
    let list = path.child("matchExpressions");
    let expressions = selector.match_expressions.iter().flatten().enumerate();
    let expressions = expressions.flat_map(|(index, asked)| {
        let values = asked.values.as_deref().unwrap_or_default();
        let requirement = Requirement {
            key: &asked.key,
            operator: &asked.operator,
            values,
        };
        requirement.findings("POD-56", &list.index(index), &[], true)
    });
    labels.chain(expressions).told()
}

/// Keys whose value a pod shares with those it is compared to; they stand in one list only, beside a selector.
fn label_keys(path: &FieldPath, term: &PodAffinityTerm) -> Vec<Finding> {
    let (same, other) = (
        term.match_label_keys.as_deref(),
        term.mismatch_label_keys.as_deref(),
    );
    let (same, other) = (same.unwrap_or_default(), other.unwrap_or_default());
    let mut findings = Vec::new();
    for (member, keys) in [("matchLabelKeys", same), ("mismatchLabelKeys", other)] {
        let list = path.child(member);
        if !keys.is_empty() && term.label_selector.is_none() {
            findings.push(Finding::forbidden(
                "POD-57",
                list,
                "needs a labelSelector beside it",
            ));
            continue;
        }
        let wrong = keys
            .iter()
            .enumerate()
            .filter(|(_, key)| !is_label_key(key));
        let wrong = wrong.map(|(index, key)| {
            let message = format!("{} is no key of a label: {KEY}", shown(key));
            Finding::invalid("POD-57", list.item(index, key), message)
        });
        findings.extend(wrong.told());
    }
    let others: BTreeSet<_> = other.iter().collect();
    let both = same
        .iter()
        .enumerate()
        .filter(|(_, key)| others.contains(key));
    let list = path.child("matchLabelKeys");
    let both = both.map(|(index, key)| {
        let message = format!(
            "{} is in mismatchLabelKeys too: keep one of the two",
            shown(key)
        );
        Finding::invalid("POD-57", list.item(index, key), message)
    });
    findings.extend(both.told());
    findings
}
