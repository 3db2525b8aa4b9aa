//! What is forecast is what happens, in that order.

use proptest::prelude::*;

use super::*;
use crate::plan::{
    Renewal, Resize, Step,
    world::{
        World,
        clusters::{Wish, edited_wishes, edits},
    },
};

/// What a step does to pods, if it does anything to them.
fn acts_of(step: &Step) -> Vec<Act> {
    let resized = |fate, resize: &Resize, mut pods: Vec<String>| {
        if fate == Fate::Leaves {
            pods.reverse();
        }
        let rack = resize.rack.clone();
        Act { fate, rack, pods }
    };
    let between = |resize: &Resize, from: i32, to: i32| {
        let names = (from..to).map(|ordinal| format!("{}-{ordinal}", resize.set));
        names.collect::<Vec<_>>()
    };
    match step {
        Step::Grow(to) => vec![resized(Fate::Starts, to, between(to, to.from, to.to))],
        Step::Shrink(to) => vec![resized(Fate::Leaves, to, between(to, to.to, to.from))],
        Step::Confirm(confirm) => vec![Act {
            fate: Fate::IsTold,
            rack: confirm.rack.clone(),
            pods: vec![confirm.pod.clone()],
        }],
        Step::Restart(restart) => {
            let alike = restart
                .pods
                .chunk_by(|one, other| one.remedy == other.remedy);
            let act = |pods: &[Renewal]| Act {
                fate: if pods[0].keeps_pod() {
                    Fate::RestartsServer
                } else {
                    Fate::Restarts
                },
                rack: restart.rack.clone(),
                pods: pods.iter().map(|it| it.pod.clone()).collect(),
            };
            alike.map(act).collect()
        }
        _ => Vec::new(),
    }
}

/// All that happens to pods until the world is settled.
fn happens(world: &mut World) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..300 {
        let plan = world.pass();
        acts.extend(plan.step.iter().flat_map(acts_of));
        if plan.is_done() {
            break;
        }
        world.settle();
    }
    acts
}

/// What was forecast for an edit of a settled cluster, and what happened.
fn told_and_seen(before: &Wish, after: &Wish) -> (Forecast, Vec<Act>) {
    let mut world = World::settled(before);
    let told = forecast(&after.resolve(), &world.observe());
    world.wish(after.resolve());
    let seen = happens(&mut world);
    world.converge();
    (told, seen)
}

fn fates(forecast: &Forecast) -> Vec<(&str, Fate)> {
    let pods = forecast.pods();
    pods.map(|pod| (pod.pod.as_str(), pod.fate)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_forecast_happens_in_that_order(wish in edited_wishes(), edit in edits(), size in 2u32..=6, racks in 1u32..=3) {
        let edited = Wish { size, racks, ..edit.of(&wish) };
        let (told, seen) = told_and_seen(&wish, &edited);
        prop_assert_eq!(told.order(), seen);
    }

    #[test]
    fn what_is_set_at_run_time_is_forecast_too(wish in edited_wishes(), more in any::<bool>(), size in 2u32..=6) {
        let wish = Wish { dynamic: true, ..wish };
        let edited = Wish { proto_fd_max: 15_000 + u32::from(more), ttl: 3_600, size, ..wish.clone() };
        let (told, seen) = told_and_seen(&wish, &edited);
        prop_assert_eq!(told.order(), seen);
    }

    #[test]
    fn a_move_to_another_revision_is_forecast_batch_by_batch(
        wish in edited_wishes(), edit in edits(), size in 2u32..=6, racks in 1u32..=3, copies in 1u32..=3
    ) {
        let wish = Wish { copies, ..wish };
        let edited = Wish { size, racks, revision: 1, ..edit.of(&wish) };
        let (told, seen) = told_and_seen(&wish, &edited);
        prop_assert_eq!(told.order(), seen);
    }

    #[test]
    fn an_equal_spec_forecasts_nothing(wish in edited_wishes()) {
        let (told, seen) = told_and_seen(&wish, &wish);
        let quiet = told.pods().all(|pod| pod.fate == Fate::Stays);
        prop_assert!(quiet && seen.is_empty());
    }
}

#[test]
fn a_node_that_is_blocked_is_left() {
    let mut world = World::settled(&Wish::of(3, 1));
    let mut desired = Wish::of(3, 1).resolve();
    let observed = world.observe();
    let (pod, node) = observed
        .pods
        .iter()
        .find_map(|(name, pod)| Some((name, pod.node.clone()?)))
        .unwrap();
    desired.spec.k8s_node_block_list = vec![node];
    let told = forecast(&desired, &observed);
    let told = told.pods().find(|it| it.pod == *pod).unwrap();
    assert_eq!(
        (told.fate, &told.changes),
        (Fate::Restarts, &vec![Change::BlockedNode])
    );
}

#[test]
fn pods_of_the_only_rack_restart_one_by_one_also_when_a_rack_comes() {
    let wish = Wish {
        batch: Some(2),
        ..Wish::of(2, 1)
    };
    let edited = Wish {
        version: "8.1.0.1",
        size: 3,
        racks: 2,
        ..wish.clone()
    };
    let (told, seen) = told_and_seen(&wish, &edited);
    assert_eq!(told.order(), seen);
    assert_eq!(told.order()[0].pods, ["aerocluster-1-1"]);
}

#[test]
fn a_rack_more_takes_a_pod_from_another() {
    let (told, _) = told_and_seen(&Wish::of(3, 2), &Wish::of(3, 3));
    let expected = [
        ("aerocluster-1-0", Fate::Stays),
        ("aerocluster-1-1", Fate::Leaves),
        ("aerocluster-2-0", Fate::Stays),
        ("aerocluster-3-0", Fate::Starts),
    ];
    assert_eq!(fates(&told), expected);
    assert!(told.moves_data());
    let counted = told.counted(Fate::Stays);
    assert_eq!(counted.as_deref(), Some("2 pods stay as they are"));
    let counted = told.counted(Fate::Starts);
    assert_eq!(counted.as_deref(), Some("1 pod starts"));
    assert_eq!(told.counted(Fate::Restarts), None);
}

#[test]
fn the_status_alone_tells_the_same_of_a_settled_cluster() {
    let mut world = World::settled(&Wish::of(5, 2));
    let edited = Wish {
        version: "7.2.0.5",
        ..Wish::of(4, 1)
    };
    let observed = world.observe();
    let status_only = Observed {
        status: observed.status.clone(),
        ..Observed::default()
    };
    let desired = edited.resolve();
    assert_eq!(
        forecast(&desired, &status_only),
        forecast(&desired, &observed)
    );
}
