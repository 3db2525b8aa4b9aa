//! Who counts.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;
use crate::plan::{
    PodHealth,
    world::{World, clusters::Wish},
};

fn with_budget(size: u32, racks: u32, budget: IntOrString) -> (Desired, Observed) {
    let wish = Wish::of(size, racks);
    let observed = World::settled(&wish).observe();
    let mut desired = wish.resolve();
    desired
        .spec
        .rack_config
        .as_mut()
        .unwrap()
        .max_ignorable_pods = Some(budget);
    (desired, observed)
}

fn break_pods(observed: &mut Observed, names: &[&str]) {
    for name in names {
        let pod = observed.pods.get_mut(*name).unwrap();
        (pod.health, pod.lost) = (PodHealth::NotReady, true);
    }
}

fn named(pods: &BTreeSet<String>) -> Vec<&str> {
    pods.iter().map(String::as_str).collect()
}

#[test]
fn broken_pods_are_ignored_up_to_the_budget_of_each_rack() {
    let (desired, mut observed) = with_budget(4, 2, IntOrString::Int(1));
    break_pods(
        &mut observed,
        &["aerocluster-1-0", "aerocluster-1-1", "aerocluster-2-1"],
    );
    let ignored = ignorable(&desired, &observed);
    assert_eq!(named(&ignored), ["aerocluster-1-0", "aerocluster-2-1"]);
    let expected = expected(&desired, &observed);
    assert_eq!(named(&expected), ["aerocluster-1-1", "aerocluster-2-0"]);
}

#[test]
fn pods_that_stop_or_start_are_not_broken() {
    let (desired, mut observed) = with_budget(4, 2, IntOrString::Int(1));
    for health in [PodHealth::NotReady, PodHealth::Terminating] {
        let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
        pod.health = health;
        assert_eq!(ignorable(&desired, &observed), BTreeSet::new());
        let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
        pod.lost = true;
        assert_eq!(named(&ignorable(&desired, &observed)), ["aerocluster-1-1"]);
        observed.pods.get_mut("aerocluster-1-1").unwrap().lost = false;
    }
}

#[test]
fn a_budget_may_be_a_percentage_of_the_rack() {
    let half = IntOrString::String("50%".to_owned());
    let (desired, mut observed) = with_budget(4, 1, half);
    break_pods(
        &mut observed,
        &["aerocluster-1-0", "aerocluster-1-1", "aerocluster-1-2"],
    );
    assert_eq!(ignorable(&desired, &observed).len(), 2);
}

#[test]
fn pods_that_no_node_takes_are_ignored_first() {
    let (desired, mut observed) = with_budget(2, 1, IntOrString::Int(1));
    break_pods(&mut observed, &["aerocluster-1-0"]);
    let stuck = PodHealth::Unschedulable {
        reason: String::new(),
        since: observed.now,
    };
    observed.pods.get_mut("aerocluster-1-1").unwrap().health = stuck;
    assert_eq!(named(&ignorable(&desired, &observed)), ["aerocluster-1-1"]);
}

#[test]
fn a_pod_whose_server_is_ready_is_never_ignored() {
    let (desired, mut observed) = with_budget(2, 1, IntOrString::Int(2));
    observed.pods.get_mut("aerocluster-1-0").unwrap().health = PodHealth::SidecarNotReady {
        container: "exporter".to_owned(),
        failure: Some("it crashes".to_owned()),
        since: observed.now,
    };
    assert_eq!(ignorable(&desired, &observed), BTreeSet::new());
}

#[test]
fn a_rack_that_is_gone_from_the_spec_has_the_same_budget() {
    let (_, mut observed) = with_budget(4, 2, IntOrString::Int(0));
    let (desired, _) = with_budget(2, 1, IntOrString::Int(1));
    break_pods(&mut observed, &["aerocluster-2-0", "aerocluster-2-1"]);
    assert_eq!(named(&ignorable(&desired, &observed)), ["aerocluster-2-0"]);
}

#[test]
fn a_pod_that_is_wanted_counts_though_it_never_was_there() {
    let mut observed = World::settled(&Wish::of(2, 1)).observe();
    observed.status.pods.clear();
    break_pods(&mut observed, &["aerocluster-1-1"]);
    let wanted = Wish::of(2, 1).resolve();
    assert_eq!(absent(&wanted, &observed), BTreeSet::new());
    let fewer = Wish::of(1, 1).resolve();
    assert_eq!(named(&absent(&fewer, &observed)), ["aerocluster-1-1"]);
    assert_eq!(named(&expected(&fewer, &observed)), ["aerocluster-1-0"]);
}

#[test]
fn sets_of_others_and_on_their_way_out_are_no_racks() {
    let mut observed = World::settled(&Wish::of(2, 2)).observe();
    let desired = Wish::of(2, 2).resolve();
    let sets = |observed: &Observed| -> Vec<_> {
        racks(&desired, observed)
            .into_iter()
            .map(|rack| rack.set)
            .collect()
    };
    assert_eq!(sets(&observed), ["aerocluster-1", "aerocluster-2"]);
    let set = |name: &str| (Kind::StatefulSet, name.to_owned());
    observed
        .objects
        .get_mut(&set("aerocluster-1"))
        .unwrap()
        .deleting = true;
    assert_eq!(sets(&observed), ["aerocluster-2"]);
    observed
        .objects
        .get_mut(&set("aerocluster-2"))
        .unwrap()
        .owner = Some("theirs".to_owned());
    assert_eq!(sets(&observed), [""; 0]);
}
