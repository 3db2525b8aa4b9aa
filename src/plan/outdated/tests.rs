//! What is told from what a pod reports.

use super::*;
use crate::plan::{
    Kind,
    world::{World, clusters::Wish},
};

const POD: &str = "aerocluster-1-0";

fn settled() -> (Desired, Observed) {
    let wish = Wish::of(2, 1);
    (wish.resolve(), World::settled(&wish).observe())
}

fn found(desired: &Desired, observed: &Observed) -> Vec<Change> {
    assert!(reported(observed, POD, &observed.pods[POD]).is_some());
    changes(desired, observed, &desired.racks[0], POD)
}

/// The pod's template did not tell it what it was made for.
fn age(observed: &mut Observed) {
    let pod = observed.pods.get_mut(POD).unwrap();
    (pod.image, pod.pod_spec_hash, pod.volumes_hash) = (None, None, None);
}

#[test]
fn a_pod_that_runs_what_is_wanted_is_not_outdated() {
    let (desired, mut observed) = settled();
    assert_eq!(found(&desired, &observed), []);
    let pod = observed.pods.get_mut(POD).unwrap();
    pod.image = pod.image.as_ref().map(|it| format!("docker.io/{it}"));
    assert_eq!(found(&desired, &observed), []);
    age(&mut observed);
    assert_eq!(found(&desired, &observed), []);
}

const OTHER_IMAGE: &str = "aerospike/aerospike-server-enterprise:7.2.0.1";

#[test]
fn each_thing_that_a_pod_of_an_older_template_reports_is_compared() {
    type Spoil = fn(&mut PodStatus);
    let cases: [(Spoil, Change); 4] = [
        (|pod| pod.image = OTHER_IMAGE.to_owned(), Change::Image),
        (
            |pod| pod.aerospike_config_hash = "0".to_owned(),
            Change::Configuration(Remedy::PodRestart),
        ),
        (
            |pod| pod.network_policy_hash = "0".to_owned(),
            Change::NetworkPolicy,
        ),
        (|pod| pod.pod_spec_hash = "0".to_owned(), Change::PodSpec),
    ];
    for (spoil, change) in cases {
        let (desired, mut observed) = settled();
        age(&mut observed);
        spoil(observed.status.pods.get_mut(POD).unwrap());
        assert_eq!(found(&desired, &observed), [change]);
    }
}

#[test]
fn image_pod_spec_and_volumes_are_those_that_a_pod_was_made_for_whatever_it_reported() {
    let (desired, mut observed) = settled();
    let settled = observed.clone();
    let entry = observed.status.pods.get_mut(POD).unwrap();
    (entry.image, entry.pod_spec_hash) = (OTHER_IMAGE.to_owned(), "0".to_owned());
    assert_eq!(found(&desired, &observed), []);
    let mut observed = settled;
    let pod = observed.pods.get_mut(POD).unwrap();
    pod.image = Some(OTHER_IMAGE.to_owned());
    pod.pod_spec_hash = Some("0".to_owned());
    pod.volumes_hash = Some("0".to_owned());
    let all = [Change::Image, Change::PodSpec, Change::Volumes];
    assert_eq!(found(&desired, &observed), all);
}

#[test]
fn an_entry_of_an_earlier_life_counts_until_the_pod_reports_itself() {
    let (desired, mut observed) = settled();
    let rack = desired.racks[0].identifier();
    let is_outdated =
        |observed: &Observed| !as_last_known(&desired, &rack, observed, POD).is_empty();
    assert!(!is_outdated(&observed));
    observed.status.pods.get_mut(POD).unwrap().pod_spec_hash = "0".to_owned();
    assert!(!is_outdated(&observed));
    observed.status.pods.get_mut(POD).unwrap().pod_ip = "10.9.9.9".to_owned();
    assert!(is_outdated(&observed));
    observed.pods.remove(POD);
    assert!(is_outdated(&observed));
}

#[test]
fn an_entry_of_an_earlier_life_says_nothing_of_the_pod() {
    let (_, mut observed) = settled();
    let pod = observed.pods.get_mut(POD).unwrap();
    pod.ip = Some("10.9.9.9".parse().unwrap());
    let pod = pod.clone();
    assert_eq!(reported(&observed, POD, &pod), None);
}

#[test]
fn on_the_network_of_its_node_a_pod_is_known_when_it_reports_itself() {
    let (_, observed) = settled();
    let mut pod = observed.pods[POD].clone();
    pod.health = crate::plan::PodHealth::NotReady;
    assert!(reported(&observed, POD, &pod).is_some());
    pod.reported = false;
    assert_eq!(reported(&observed, POD, &pod), None);
}

#[test]
fn a_template_is_older_only_if_the_set_s_controller_has_the_newer_one() {
    let (_, mut observed) = settled();
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    let mut pod = observed.pods[POD].clone();
    let set = observed.objects.get_mut(&key).unwrap();
    assert_eq!(is_of_older_template(set, &pod), Some(false));
    pod.template_revision = Some("older".to_owned());
    assert_eq!(is_of_older_template(set, &pod), Some(true));
    std::sync::Arc::make_mut(&mut set.body)["metadata"]["generation"] = 99.into();
    assert_eq!(is_of_older_template(set, &pod), None);
}
