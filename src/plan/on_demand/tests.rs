//! What an operation finds, what it restarts, and what is told of it.

use serde_json::json;

use super::*;
use crate::plan::{
    Step, next, restart,
    safe_stop::Why,
    status,
    world::{World, clusters::Wish},
};

const FIRST: &str = "aerocluster-1-0";
const SECOND: &str = "aerocluster-1-1";

/// A settled cluster of two racks whose user asks for an operation.
fn asked(number: u32) -> World {
    let wish = Wish::of(4, 2);
    let mut world = World::settled(&wish);
    let operation = Wish {
        operation: number,
        ..wish
    };
    world.wish(operation.resolve());
    world
}

fn told(world: &mut World, observed: &Observed) -> AerospikeClusterStatus {
    let plan = next(&world.desired, observed);
    status::after_pass(&world.desired, observed, &plan, None)
}

fn batch(world: &World, observed: &Observed) -> Option<String> {
    match restart::batch(&world.desired, observed)?.why {
        Why::Restart { restart, .. } => Some(restart.describe()),
        Why::Shrink { .. } => None,
    }
}

#[test]
fn its_pods_are_noted_before_any_is_touched() {
    let mut world = asked(1);
    let mut observed = world.observe();
    assert_eq!(batch(&world, &observed), None);
    let plan = next(&world.desired, &observed);
    assert_eq!((&plan.step, plan.is_rolled_out()), (&None, false));
    assert_eq!(plan.waits[0].message, "operation restart-1 begins");
    let status = told(&mut world, &observed);
    let uid = |pod: &str| observed.pods[pod].uid.clone();
    let expected = OperationInProgress {
        id: "restart-1".to_owned(),
        pods: [FIRST, SECOND].map(|pod| (pod.to_owned(), uid(pod))).into(),
    };
    assert_eq!(status.operation_in_progress, Some(expected));
    assert_eq!(status.mirror.operations, []);
    observed.status = status;
    let next_one = "aerocluster-1-1 (operation restart-1)";
    assert_eq!(batch(&world, &observed).as_deref(), Some(next_one));
    let step = next(&world.desired, &observed).step;
    assert!(matches!(step, Some(Step::Drain(_))), "{step:?}");
}

#[test]
fn a_pod_that_has_another_uid_is_done_whoever_restarted_it() {
    let mut world = asked(1);
    let mut observed = world.observe();
    observed.status = told(&mut world, &observed);
    observed.pods.get_mut(SECOND).unwrap().uid = "another".to_owned();
    assert_eq!(
        batch(&world, &observed).unwrap(),
        "aerocluster-1-0 (operation restart-1)"
    );
    let status = told(&mut world, &observed);
    assert_eq!(status.mirror.operations[0].pod_list, [SECOND]);
    assert_eq!(
        status.operation_in_progress,
        observed.status.operation_in_progress
    );
}

#[test]
fn the_whole_list_is_told_when_all_is_over_and_not_before() {
    let mut world = asked(1);
    let mut observed = world.observe();
    observed.status = told(&mut world, &observed);
    observed.pods.get_mut(SECOND).unwrap().uid = "another".to_owned();
    observed.pods.get_mut(FIRST).unwrap().health = PodHealth::Terminating;
    assert_eq!(batch(&world, &observed), None);
    let status = told(&mut world, &observed);
    assert_eq!(status.mirror.operations[0].pod_list, [SECOND]);
    observed.status = status;
    let first = observed.pods.get_mut(FIRST).unwrap();
    (first.health, first.uid) = (PodHealth::Ready, "another".to_owned());
    let status = told(&mut world, &observed);
    assert_eq!(status.mirror.operations, world.desired.spec.operations);
    assert_eq!(status.operation_in_progress, None);
}

#[test]
fn an_operation_that_is_removed_or_replaced_ends() {
    let mut world = asked(1);
    let mut observed = world.observe();
    observed.status = told(&mut world, &observed);
    let status = |operation| {
        let wish = Wish {
            operation,
            ..Wish::of(4, 2)
        };
        let desired = wish.resolve();
        let plan = next(&desired, &observed);
        status::after_pass(&desired, &observed, &plan, None)
    };
    assert_eq!(status(0).operation_in_progress, None);
    assert_eq!(status(2).operation_in_progress.unwrap().id, "restart-2");
}

#[test]
fn what_another_operator_told_as_done_is_not_done_again() {
    let mut world = asked(1);
    let mut observed = world.observe();
    let entry = |pods: serde_json::Value| {
        let entry = json!({"kind": "PodRestart", "id": "restart-1", "podList": pods});
        vec![serde_json::from_value(entry).unwrap()]
    };
    observed.status.mirror.operations = entry(json!([FIRST]));
    let noted = told(&mut world, &observed).operation_in_progress.unwrap();
    assert_eq!(noted.pods.keys().collect::<Vec<_>>(), [SECOND]);
    observed.status.mirror.operations = entry(json!([]));
    assert_eq!(told(&mut world, &observed).operation_in_progress, None);
}

#[test]
fn a_server_that_is_yet_to_start_needs_no_restart() {
    let mut world = asked(1);
    let mut observed = world.observe();
    let pod = observed.pods.get_mut(SECOND).unwrap();
    (pod.health, pod.server_runs) = (PodHealth::NotReady, false);
    let noted = told(&mut world, &observed).operation_in_progress.unwrap();
    assert_eq!(noted.pods.keys().collect::<Vec<_>>(), [FIRST]);
}

#[test]
fn a_cluster_that_was_never_rolled_out_has_nothing_to_restart() {
    let wish = Wish {
        operation: 2,
        ..Wish::of(2, 1)
    };
    let mut world = World::settled(&wish);
    assert_eq!(
        world.observe().status.mirror.operations,
        world.desired.spec.operations
    );
    assert!(world.restarted().is_empty());
}

#[test]
fn exactly_the_pods_that_it_is_for_are_restarted() {
    for (number, expected) in [(1, 2), (2, 4)] {
        let mut world = asked(number);
        world.converge();
        assert_eq!(world.restarted().len(), expected);
        assert_eq!(
            world.observe().status.mirror.operations,
            world.desired.spec.operations
        );
    }
}

#[test]
fn one_restart_serves_a_change_too() {
    let wish = Wish::of(4, 2);
    let mut world = World::settled(&wish);
    let both = Wish {
        operation: 1,
        pod_label: 1,
        ..wish
    };
    world.wish(both.resolve());
    world.converge();
    assert!(world.restarted().into_values().eq([1, 1, 1, 1]));
}

#[test]
fn a_controller_that_dies_after_a_restart_does_not_repeat_it() {
    let mut world = asked(1);
    world.pass_until(|world, plan| {
        let restart = plan.step.iter().find(|it| matches!(it, Step::Restart(_)));
        if let Some(step) = restart {
            assert!(world.take(step).is_err(), "it is gone already");
        }
        restart.is_some()
    });
    // Nothing of it was written down.
    world.settle();
    world.converge();
    assert_eq!(world.restarted().len(), 2);
}
