//! Growth, and how long a pod may take.

use k8s_openapi::jiff::Timestamp;

use super::*;
use crate::plan::{
    Resize,
    world::{World, clusters::Wish},
};

fn settled(size: u32) -> Observed {
    World::settled(&Wish::of(size, 1)).observe()
}

fn waits_for(health: PodHealth) -> Vec<(WaitReason, String)> {
    let mut observed = settled(1);
    let pod = observed.pods.get_mut("aerocluster-1-0").unwrap();
    pod.health = health;
    let waits = await_pods(&Wish::of(1, 1).resolve(), &observed).waits;
    let told = waits.into_iter();
    told.map(|wait| (wait.reason, wait.message)).collect()
}

fn seconds_ago(seconds: i64) -> Timestamp {
    let now = settled(1).now.as_second();
    Timestamp::from_second(now - seconds).unwrap()
}

#[test]
fn the_first_rack_that_has_too_few_grows_to_its_full_size_at_once() {
    let observed = World::settled(&Wish::of(2, 2)).observe();
    let Some(Step::Grow(Resize { set, from, to, .. })) =
        grow(&Wish::of(7, 2).resolve(), &observed).step
    else {
        panic!("a rack grows");
    };
    assert_eq!((set.as_str(), from, to), ("aerocluster-1", 1, 4));
}

#[test]
fn a_pod_of_an_earlier_life_is_waited_for() {
    let mut observed = settled(1);
    let pod = observed.pods["aerocluster-1-0"].clone();
    observed.pods.insert("aerocluster-1-1".to_owned(), pod);
    let expected = Share::wait(
        WaitReason::Pods,
        "pod aerocluster-1-1 of before is still there",
    );
    assert_eq!(grow(&Wish::of(2, 1).resolve(), &observed), expected);
}

#[test]
fn a_claim_of_an_earlier_life_that_goes_is_waited_for() {
    let mut observed = settled(1);
    let mut claim = observed.claims[0].clone();
    claim.name = "workdir-aerocluster-1-1".to_owned();
    claim.deleting = true;
    observed.claims.push(claim);
    let message = "claim workdir-aerocluster-1-1 of before is being deleted";
    let expected = Share::wait(WaitReason::Pods, message);
    assert_eq!(grow(&Wish::of(2, 1).resolve(), &observed), expected);
    observed.claims[1].deleting = false;
    assert!(grow(&Wish::of(2, 1).resolve(), &observed).step.is_some());
}

#[test]
fn a_pod_that_may_be_ignored_is_named_and_holds_nothing_up() {
    let mut observed = settled(2);
    let broken = observed.pods.get_mut("aerocluster-1-1").unwrap();
    (broken.health, broken.lost) = (PodHealth::NotReady, true);
    let mut desired = Wish::of(2, 1).resolve();
    let reason = |desired: &Desired| await_pods(desired, &observed).waits[0].reason;
    assert_eq!(reason(&desired), WaitReason::Pods);
    let config = desired.spec.rack_config.as_mut().unwrap();
    config.max_ignorable_pods =
        Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(1));
    assert_eq!(reason(&desired), WaitReason::PodIgnored);
    assert!(!WaitReason::PodIgnored.holds_up_steps() && WaitReason::Pods.holds_up_steps());
}

#[test]
fn a_failing_pod_is_a_matter_for_a_person_after_a_minute() {
    let failed = |seconds| PodHealth::Failed {
        reason: "no such image".to_owned(),
        since: seconds_ago(seconds),
    };
    let told = |seconds| waits_for(failed(seconds))[0].0;
    assert_eq!(
        [told(59), told(60)],
        [WaitReason::Pods, WaitReason::PodFailed]
    );
    let message = &waits_for(failed(60))[0].1;
    assert_eq!(message, "pod aerocluster-1-0 fails: no such image");
}

#[test]
fn a_pod_that_no_node_takes_is_a_matter_for_a_person_after_a_minute() {
    let stuck = |seconds| PodHealth::Unschedulable {
        reason: "too little memory".to_owned(),
        since: seconds_ago(seconds),
    };
    let told = |seconds| waits_for(stuck(seconds))[0].0;
    assert_eq!(
        [told(59), told(60)],
        [WaitReason::Pods, WaitReason::Unschedulable]
    );
}

#[test]
fn a_container_beside_the_server_is_named() {
    let waits = |failure: Option<&str>| {
        waits_for(PodHealth::SidecarNotReady {
            container: "exporter".to_owned(),
            failure: failure.map(str::to_owned),
            since: seconds_ago(60),
        })
    };
    let message = "container exporter of pod aerocluster-1-0 is not ready".to_owned();
    assert_eq!(waits(None), [(WaitReason::Pods, message)]);
    let message = "pod aerocluster-1-0 fails: it crashes".to_owned();
    assert_eq!(
        waits(Some("it crashes")),
        [(WaitReason::PodFailed, message)]
    );
}
