//! The stateful set of a rack.

mod claims;
mod containers;
mod mounts;
mod pod_template;
mod scheduling;
mod server;
mod volumes;

use k8s_openapi::{
    api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy},
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};

use super::{filled_list, labels, metadata, names};
use crate::resolve::{Desired, Rack};

/// The stateful set of `rack` with `replicas` pods.
#[must_use]
pub fn stateful_set(desired: &Desired, rack: &Rack, replicas: i32) -> StatefulSet {
    let cluster = &desired.identity.name;
    let identifier = rack.identifier();
    let own_labels = labels::rack(cluster, &identifier);
    let name = names::stateful_set(cluster, &identifier);
    StatefulSet {
        metadata: metadata(desired, name, own_labels.clone()),
        spec: Some(StatefulSetSpec {
            replicas: Some(replicas),
            service_name: Some(names::headless_service(cluster)),
            pod_management_policy: Some("Parallel".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                ..StatefulSetUpdateStrategy::default()
            }),
            selector: LabelSelector {
                match_labels: Some(own_labels),
                ..LabelSelector::default()
            },
            template: pod_template::pod_template(desired, rack),
            volume_claim_templates: filled_list(claims::templates(desired, rack)),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

#[cfg(test)]
mod tests;
