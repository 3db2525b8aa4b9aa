//! Pods that run something else than is wanted. Restarting them is not built yet: they are named, and left as they are.

use super::{Observed, Share, Wait, WaitReason};
use crate::{
    api::status::PodStatus,
    resolve::{Desired, Rack, image::same_image},
    resources::names,
};

/// Names pods whose image, configuration, network policy or pod spec is not the wanted one.
#[must_use]
pub fn name_outdated(desired: &Desired, observed: &Observed) -> Share {
    let mut waits = Vec::new();
    for rack in &desired.racks {
        for pod in names::pods_of(desired, rack) {
            let reported = observed.status.pods.get(&pod);
            let change = reported.and_then(|reported| change(desired, rack, reported));
            waits.extend(change.map(|change| restart_needed(&pod, change)));
        }
    }
    Share {
        waits,
        ..Share::default()
    }
}

/// What differs between a pod as its init container reported it, and as it is wanted.
fn change(desired: &Desired, rack: &Rack, reported: &PodStatus) -> Option<&'static str> {
    let hashes = &rack.hashes;
    let differences = [
        (
            !same_image(&reported.image, &desired.image.reference),
            "image",
        ),
        (
            reported.aerospike_config_hash != hashes.config,
            "configuration",
        ),
        (
            reported.network_policy_hash != hashes.network_policy,
            "network policy",
        ),
        (reported.pod_spec_hash != hashes.pod_spec, "pod spec"),
    ];
    differences
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
}

fn restart_needed(pod: &str, change: &str) -> Wait {
    Wait::new(
        WaitReason::NotSupported,
        format!(
            "pod {pod} runs another {change}, and this version does not restart pods yet: \
             undo the change, or delete the pod when the cluster can do without it"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::next,
        resolve::{Settings, resolve},
    };

    fn desired() -> Desired {
        let yaml = include_str!("../../tests/data/samples/dim_nostorage_cluster_cr.yaml");
        let mut cluster: crate::api::AerospikeCluster = serde_saphyr::from_str(yaml).unwrap();
        cluster.metadata.uid = Some("u".to_owned());
        resolve(&cluster, &Settings::default()).unwrap()
    }

    fn reported(desired: &Desired) -> PodStatus {
        let hashes = desired.racks[0].hashes.clone();
        PodStatus {
            image: format!("docker.io/{}", desired.image.reference),
            aerospike_config_hash: hashes.config,
            network_policy_hash: hashes.network_policy,
            pod_spec_hash: hashes.pod_spec,
            ..PodStatus::default()
        }
    }

    #[test]
    fn a_pod_that_runs_what_is_wanted_is_not_named() {
        let desired = desired();
        let mut observed = Observed::default();
        let pod = "aerocluster-0-0".to_owned();
        observed.status.pods.insert(pod, reported(&desired));
        assert_eq!(name_outdated(&desired, &observed), Share::default());
    }

    #[test]
    fn a_pod_with_another_configuration_is_named_and_the_plan_is_not_done() {
        let desired = desired();
        let mut observed = Observed::default();
        let mut other = reported(&desired);
        other.aerospike_config_hash = "0".to_owned();
        let pod = "aerocluster-0-1".to_owned();
        observed.status.pods.insert(pod, other);
        let share = name_outdated(&desired, &observed);
        assert_eq!(share.waits.len(), 1);
        assert_eq!(share.waits[0].reason, WaitReason::NotSupported);
        assert!(
            share.waits[0]
                .message
                .contains("pod aerocluster-0-1 runs another configuration")
        );
        assert!(!next(&desired, &observed).is_done());
    }
}
