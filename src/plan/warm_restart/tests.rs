//! What may stay in its pod, and when a server is back.

use super::*;
use crate::plan::{
    Step,
    outdated::{self, Change},
    world::{World, clusters::Wish},
};

const POD: &str = "aerocluster-1-1";

fn remedy(keys: &[&str], pod: &Pod) -> Remedy {
    let keys = keys.iter().map(|key| Key::parse(key)).collect();
    of_keys(&keys, Some(pod))
}

fn settled() -> (World, Observed) {
    let mut world = World::settled(&Wish::of(2, 1));
    let observed = world.observe();
    (world, observed)
}

#[test]
fn what_a_pod_is_made_of_takes_another_pod() {
    let (_, observed) = settled();
    let pod = &observed.pods[POD];
    for key in [
        "network > service > port",
        "namespace test > storage-engine device > data-size",
        "namespace test > index-type flash > mounts-budget",
        "namespace other > ",
        "service > work-directory",
    ] {
        let keys = ["service > proto-fd-max", key];
        assert_eq!(remedy(&keys, pod), Remedy::PodRestart, "{key}");
    }
}

#[test]
fn all_else_restarts_the_server_in_its_pod() {
    let (_, observed) = settled();
    let pod = &observed.pods[POD];
    for key in [
        "service > proto-fd-max",
        "namespace test > partition-tree-sprigs",
        "namespace test > set demo > ",
        "security > ",
        "logging > console > any",
    ] {
        assert_eq!(remedy(&[key], pod), Remedy::WarmRestart, "{key}");
    }
    assert_eq!(remedy(&[], pod), Remedy::WarmRestart);
}

#[test]
fn a_pod_without_this_operator_s_program_is_made_anew() {
    let (_, mut observed) = settled();
    let pod = observed.pods.get_mut(POD).unwrap();
    pod.config_template = None;
    assert_eq!(remedy(&["service > proto-fd-max"], pod), Remedy::PodRestart);
    let asked = of_operation(OperationKind::WarmRestart, Some(pod));
    assert_eq!(asked, Remedy::PodRestart);
}

fn with_progress(observed: &mut Observed, progress: WarmRestart, seconds_ago: i64) {
    let entry = observed.status.pods.get_mut(POD).unwrap();
    let time = observed.now.as_second() - seconds_ago;
    entry.last_restart = Some(LastRestart {
        time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            k8s_openapi::jiff::Timestamp::from_second(time).unwrap(),
        ),
        reasons: vec!["configuration".to_owned()],
        warm_restart: Some(progress),
    });
}

fn with_uptime(observed: &mut Observed, uptime: u64) {
    let Some(Server::Answered(view)) = observed.servers.get_mut(POD) else {
        panic!("{POD} does not answer")
    };
    view.cluster.uptime = uptime;
}

#[test]
fn a_server_that_was_told_to_end_and_still_answers_is_not_there() {
    let (world, mut observed) = settled();
    with_progress(&mut observed, WarmRestart::Told, 20);
    with_uptime(&mut observed, 3_600);
    let seen = observed.with_restarting_servers();
    assert_eq!(seen.pods[POD].health, PodHealth::NotReady);
    assert!(seen.view(POD).is_none());
    assert_eq!(note_returns(&world.desired, &seen), Share::default());
}

#[test]
fn a_server_that_started_since_is_back_and_that_is_noted() {
    let (world, mut observed) = settled();
    with_progress(&mut observed, WarmRestart::Told, 20);
    with_uptime(&mut observed, 12);
    let seen = observed.with_restarting_servers();
    assert!(seen.view(POD).is_some());
    let back = Effect::NoteReturn {
        pod: POD.to_owned(),
        pod_ip: seen.status.pods[POD].pod_ip.clone(),
    };
    assert_eq!(note_returns(&world.desired, &seen).upkeep, [back]);
}

#[test]
fn a_server_that_does_not_end_is_in_doubt_after_ten_minutes() {
    let (_, mut observed) = settled();
    with_progress(&mut observed, WarmRestart::Told, END_WITHIN + 1);
    with_uptime(&mut observed, 3_600);
    let seen = observed.with_restarting_servers();
    assert!(is_in_doubt(&seen.status.pods[POD]));
    assert_eq!(seen.pods[POD].health, PodHealth::Ready);
}

#[test]
fn a_server_that_we_ended_is_not_lost() {
    let (_, mut observed) = settled();
    with_progress(&mut observed, WarmRestart::Told, 20);
    let pod = observed.pods.get_mut(POD).unwrap();
    (pod.health, pod.lost) = (PodHealth::NotReady, true);
    assert!(!observed.with_restarting_servers().pods[POD].lost);
}

#[test]
fn a_pod_of_which_nobody_knows_what_it_runs_is_made_anew() {
    let (world, mut observed) = settled();
    with_progress(&mut observed, WarmRestart::Begun, 20);
    let rack = &world.desired.racks[0];
    let changes = outdated::changes(&world.desired, &observed, rack, POD);
    assert_eq!(changes, [Change::Configuration(Remedy::PodRestart)]);
}

#[test]
fn a_server_that_just_started_is_not_told_from_the_next() {
    let (_, mut observed) = settled();
    with_uptime(&mut observed, LONG_ENOUGH - 1);
    let asked = possible(Remedy::WarmRestart, observed.view(POD));
    assert_eq!(asked, Remedy::PodRestart);
    with_uptime(&mut observed, LONG_ENOUGH);
    let asked = possible(Remedy::WarmRestart, observed.view(POD));
    assert_eq!(asked, Remedy::WarmRestart);
}

#[test]
fn another_configuration_keeps_the_pods_and_is_in_force_in_the_end() {
    let wish = Wish::of(3, 1);
    let mut world = World::settled(&wish);
    let before = world.observe();
    let edited = Wish {
        proto_fd_max: 20_000,
        ..wish
    };
    world.wish(edited.resolve());
    world.converge();
    let after = world.observe();
    assert_eq!(world.restarted().len(), 3);
    for (name, pod) in &before.pods {
        assert_eq!(after.pods[name].uid, pod.uid);
        let restart = after.status.pods[name].last_restart.as_ref().unwrap();
        assert_eq!(restart.warm_restart, Some(WarmRestart::Done));
    }
}

#[test]
fn a_warm_restart_on_demand_keeps_the_pods() {
    let wish = Wish::of(2, 1);
    let mut world = World::settled(&wish);
    let before = world.observe();
    let mut desired = wish.resolve();
    desired.spec.operations = vec![crate::api::operations::Operation {
        kind: OperationKind::WarmRestart,
        id: "1".to_owned(),
        pod_list: Vec::new(),
    }];
    world.wish(desired);
    world.converge();
    let after = world.observe();
    assert_eq!(world.restarted().len(), 2);
    for (name, pod) in &before.pods {
        assert_eq!(after.pods[name].uid, pod.uid);
    }
}

#[test]
fn the_step_says_what_is_restarted() {
    let wish = Wish::of(2, 1);
    let mut world = World::settled(&wish);
    let edited = Wish {
        proto_fd_max: 20_000,
        ..wish
    };
    world.wish(edited.resolve());
    let mut told = Vec::new();
    for _ in 0..100 {
        let plan = world.pass();
        if let Some(Step::Restart(restart)) = plan.step {
            told.push(restart.describe());
        }
        world.settle();
    }
    let expected =
        ["1", "0"].map(|pod| format!("the server of aerocluster-1-{pod} (configuration)"));
    assert_eq!(told, expected);
}
