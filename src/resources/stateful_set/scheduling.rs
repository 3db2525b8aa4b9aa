//! Where a rack's pods may run.

use k8s_openapi::{
    api::core::v1::{
        Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
        PodAffinityTerm,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};

use crate::{
    resolve::{Desired, Rack},
    resources::labels,
};

/// The user's affinity, with what keeps the cluster's pods apart and the rack in its place.
pub fn affinity(desired: &Desired, rack: &Rack) -> Affinity {
    let mut affinity = rack.scheduling.affinity.clone();
    if !desired.network.multi_pod_per_host {
        keep_apart(&mut affinity, &desired.identity.name);
    }
    let required = requirements(desired, rack);
    if !required.is_empty() {
        let node = affinity.node_affinity.get_or_insert_default();
        require(node, &required);
    }
    affinity
}

/// No two pods of a cluster on one node, whatever their racks.
fn keep_apart(affinity: &mut Affinity, cluster: &str) {
    let term = PodAffinityTerm {
        label_selector: Some(LabelSelector {
            match_labels: Some(labels::cluster(cluster)),
            ..LabelSelector::default()
        }),
        topology_key: labels::NODE_HOSTNAME.to_owned(),
        ..PodAffinityTerm::default()
    };
    affinity
        .pod_anti_affinity
        .get_or_insert_default()
        .required_during_scheduling_ignored_during_execution
        .get_or_insert_default()
        .push(term);
}

fn requirements(desired: &Desired, rack: &Rack) -> Vec<NodeSelectorRequirement> {
    let place = &rack.scheduling;
    let places = [
        (labels::NODE_ZONE, &place.zone),
        (labels::NODE_REGION, &place.region),
        (labels::NODE_RACK_LABEL, &place.rack_label),
        (labels::NODE_HOSTNAME, &place.node_name),
    ];
    let given = places.into_iter().filter_map(|(key, value)| {
        let value = value.clone().filter(|value| !value.is_empty())?;
        Some(requirement(key, "In", vec![value]))
    });
    let blocked = desired.spec.k8s_node_block_list.clone();
    let blocked =
        (!blocked.is_empty()).then(|| requirement(labels::NODE_HOSTNAME, "NotIn", blocked));
    given.chain(blocked).collect()
}

fn requirement(key: &str, operator: &str, values: Vec<String>) -> NodeSelectorRequirement {
    NodeSelectorRequirement {
        key: key.to_owned(),
        operator: operator.to_owned(),
        values: Some(values),
    }
}

/// Any one term suffices for a node to qualify, so that each must hold every requirement.
fn require(node: &mut NodeAffinity, required: &[NodeSelectorRequirement]) {
    let NodeSelector {
        node_selector_terms: terms,
    } = node
        .required_during_scheduling_ignored_during_execution
        .get_or_insert_default();
    if terms.is_empty() {
        terms.push(NodeSelectorTerm::default());
    }
    for term in terms {
        let expressions = term.match_expressions.get_or_insert_default();
        expressions.extend_from_slice(required);
    }
}
