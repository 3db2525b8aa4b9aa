//! How many pods a rack has while it moves, what comes first, and what is said meanwhile.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;
use crate::plan::world::{World, clusters::Wish};

fn moving(wish: &Wish) -> Wish {
    Wish {
        revision: 1,
        ..wish.clone()
    }
}

/// Pods of the old and the new set of the first rack after each pass, until nothing is left to do.
fn counts(world: &mut World) -> Vec<(i32, i32)> {
    let mut seen = Vec::new();
    world.pass_until(|world, plan| {
        let replicas = world.replicas();
        let of = |set: &str| replicas.get(set).copied().unwrap_or(0);
        seen.push((of("aerocluster-1"), of("aerocluster-1-v1")));
        plan.is_done()
    });
    seen.dedup();
    seen
}

fn counts_of(wish: &Wish) -> Vec<(i32, i32)> {
    let mut world = World::settled(wish);
    world.wish(moving(wish).resolve());
    let seen = counts(&mut world);
    world.converge();
    seen
}

#[test]
fn the_old_pods_make_room_for_the_new_ones() {
    let wish = Wish {
        batch: Some(2),
        copies: 1,
        ..Wish::of(6, 2)
    };
    let seen = counts_of(&wish);
    assert_eq!(seen, [(3, 0), (1, 0), (1, 2), (0, 2), (0, 3)]);
}

#[test]
fn where_there_are_no_more_servers_than_copies_one_more_comes_first() {
    let strong = Wish {
        strong: true,
        device: true,
        ..Wish::of(2, 1)
    };
    let seen = counts_of(&strong);
    assert_eq!(seen, [(2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]);
    let only = Wish {
        copies: 1,
        ..Wish::of(1, 1)
    };
    assert_eq!(counts_of(&only), [(1, 0), (1, 1), (0, 1)]);
}

#[test]
fn as_many_servers_stay_as_there_are_copies_whatever_the_batch() {
    let wish = Wish {
        batch: Some(3),
        racks: 2,
        copies: 3,
        ..Wish::of(4, 2)
    };
    let desired = moving(&wish).resolve();
    let rack = &desired.racks[0];
    assert_eq!(together(&desired, rack), 1);
    assert_eq!(steps(&desired, rack, 0, 2), [0, 1, 1]);
}

#[test]
fn a_share_of_the_rack_moves_together_where_the_user_says_so() {
    let mut desired = moving(&Wish::of(10, 2)).resolve();
    let config = desired.spec.rack_config.as_mut().unwrap();
    config.rolling_update_batch_size = Some(IntOrString::String("50%".to_owned()));
    let rack = &desired.racks[0];
    assert_eq!(together(&desired, rack), 2);
    assert_eq!(steps(&desired, rack, 0, 5), [0, 2, 2, 1]);
    assert_eq!(steps(&desired, rack, 3, 2), [0, 2]);
    assert_eq!(steps(&desired, rack, 5, 0), [0]);
}

#[test]
fn a_rack_that_shrinks_while_it_moves_starts_no_pods_for_those_that_are_too_many() {
    let desired = moving(&Wish::of(3, 1)).resolve();
    assert_eq!(
        steps(&desired, &desired.racks[0], 0, 6),
        [0, 0, 0, 0, 1, 1, 1]
    );
}

#[test]
fn room_is_needed_for_those_that_go_next_and_for_those_that_are_too_many() {
    let leaving_of = |from: &Wish, to: &Wish| {
        let mut world = World::settled(from);
        world.desired = to.resolve();
        let observed = world.observe();
        let racks = members::racks(&world.desired, &observed);
        let ranges = racks
            .iter()
            .map(|state| leaving(&world.desired, &racks, state));
        ranges.map(|it| (it.start, it.end)).collect::<Vec<_>>()
    };
    let wish = Wish::of(6, 1);
    assert_eq!(leaving_of(&wish, &moving(&wish)), [(5, 6)]);
    assert_eq!(leaving_of(&wish, &moving(&Wish::of(2, 1))), [(2, 6)]);
    assert_eq!(leaving_of(&wish, &Wish::of(2, 1)), [(2, 6)]);
    assert_eq!(leaving_of(&wish, &moving(&Wish::of(6, 2))), [(3, 6)]);
    assert_eq!(
        leaving_of(&Wish::of(6, 2), &moving(&Wish::of(6, 1))),
        [(2, 3), (0, 3)]
    );
}

#[test]
fn a_move_is_told_and_taken_back() {
    let wish = Wish::of(3, 1);
    let mut world = World::settled(&wish);
    let before = world.comparable();
    world.wish(moving(&wish).resolve());
    world.pass_until(|world, _| world.replicas().get("aerocluster-1-v1") == Some(&1));
    let told = world.condition("RackRevisionRollingOut");
    assert_eq!(told, ("True".to_owned(), "MovingPods".to_owned()));
    assert_eq!(world.condition("Ready").1, "RackRevisionRollingOut");
    world.wish(wish.resolve());
    world.converge();
    assert_eq!(world.comparable(), before);
    let told = world.condition("RackRevisionRollingOut");
    assert_eq!(told, ("False".to_owned(), "NoPodsToMove".to_owned()));
}
