//! What holds for every wish in every world.

use proptest::prelude::*;

use super::{
    World,
    clusters::{Wish, throws, wishes},
};
use crate::{
    api::status::Phase,
    plan::{self, Kind, WaitReason, objects},
    resources::names,
};

fn phase(world: &World) -> Option<Phase> {
    world.status.as_ref().unwrap().phase
}

fn ready(world: &World) -> String {
    world.condition("Ready").0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_converges_whatever_happens_and_stays(wish in wishes(), throws in throws()) {
        let mut world = World::new(wish.resolve(), throws);
        world.converge();
        let replicas: i32 = world.replicas().values().sum();
        prop_assert_eq!(replicas, i32::try_from(wish.size).unwrap());
        prop_assert_eq!(world.servers.has_declared_password, wish.security);
        prop_assert!(world.claims.values().all(|claim| claim.initialized));
    }

    #[test]
    fn chance_leaves_no_trace(wish in wishes(), throws in throws()) {
        let mut world = World::new(wish.resolve(), throws);
        world.converge();
        prop_assert_eq!(world.comparable(), World::settled(&wish).comparable());
    }

    #[test]
    fn the_way_to_a_size_does_not_matter(wish in wishes(), less in 1u32..8, throws in throws()) {
        let first = Wish { size: less.min(wish.size).max(wish.racks.min(wish.size)), ..wish.clone() };
        let mut world = World::new(first.resolve(), throws);
        for _ in 0..less {
            world.pass();
            world.settle();
        }
        world.wish(wish.resolve());
        world.converge();
        prop_assert_eq!(world.comparable(), World::settled(&wish).comparable());
    }

    #[test]
    fn errors_heal(wish in wishes(), faults in any::<[bool; 3]>(), foreign in any::<prop::sample::Index>(), throws in throws()) {
        let desired = wish.resolve();
        let wanted: Vec<_> = objects::wanted(&desired).into_iter().collect();
        let (kind, name) = foreign.get(&wanted).clone();
        let mut world = World::new(desired, throws);
        [world.faults.secret_missing, world.faults.image_missing, world.faults.no_node] = faults;
        world.plant(kind, &name);
        let theirs = world.objects[&(kind, name.clone())].clone();
        world.converge_to_wait(WaitReason::ForeignObject);
        prop_assert_eq!(world.condition("Stalled").0, "True");
        prop_assert!(world.pods.is_empty(), "pods come before what they need");
        prop_assert_eq!(world.objects.remove(&(kind, name)), Some(theirs));
        world.faults = super::Faults::default();
        world.converge();
        prop_assert_eq!(world.comparable(), World::settled(&wish).comparable());
    }

    #[test]
    fn a_smaller_size_is_reported_and_can_be_taken_back(wish in wishes(), less in 1u32..8, throws in throws()) {
        prop_assume!(less < wish.size);
        let mut world = World::settled(&wish);
        world.dice.thrown = throws;
        world.dice.used = 0;
        let (before, replicas) = (world.comparable(), world.replicas());
        world.wish(Wish { size: less, ..wish.clone() }.resolve());
        world.converge_to_wait(WaitReason::NotSupported);
        prop_assert_eq!(phase(&world), Some(Phase::InProgress));
        prop_assert_eq!(world.replicas(), replicas);
        world.wish(wish.resolve());
        world.converge();
        prop_assert_eq!(world.comparable(), before);
    }

    #[test]
    fn a_changed_configuration_is_reported_and_can_be_taken_back(wish in wishes(), port in any::<bool>()) {
        let mut world = World::settled(&wish);
        let (before, pods) = (world.comparable(), uids(&world));
        let changed = Wish {
            proto_fd_max: 20000 - u32::from(port),
            multi_pod_per_host: wish.multi_pod_per_host != port,
            ..wish.clone()
        };
        world.wish(changed.resolve());
        world.converge_to_wait(WaitReason::NotSupported);
        prop_assert_eq!(phase(&world), Some(Phase::InProgress));
        prop_assert_eq!(uids(&world), pods);
        world.wish(wish.resolve());
        world.converge();
        // Services that pods may have been told about stay as long as the pods.
        let mut after = world.comparable();
        after.retain(|key, _| before.contains_key(key));
        prop_assert_eq!(after, before);
    }

    #[test]
    fn a_pod_that_is_lost_later_is_told_and_comes_back(wish in wishes(), which in any::<prop::sample::Index>()) {
        let mut world = World::settled(&wish);
        let names: Vec<_> = world.pods.keys().cloned().collect();
        world.pods.remove(which.get(&names));
        world.pass();
        prop_assert_eq!((phase(&world), ready(&world)), (Some(Phase::Completed), "False".to_owned()));
        world.settle();
        world.converge();
        prop_assert_eq!(ready(&world), "True");
    }

    #[test]
    fn what_was_decided_on_an_older_world_does_no_harm(wish in wishes(), more in 1u32..4, throws in throws()) {
        let mut world = World::new(wish.resolve(), throws);
        let mut plans = Vec::new();
        for _ in 0..6 {
            plans.push(world.pass());
            world.settle();
        }
        let wish = Wish { size: wish.size + more, ..wish };
        world.wish(wish.resolve());
        world.converge();
        let replicas = world.replicas();
        for plan in plans {
            prop_assert!(plan.step.is_none_or(|step| world.take(&step).is_err()));
            for effect in &plan.upkeep {
                let _ = world.carry_out(effect);
            }
        }
        prop_assert_eq!(world.replicas(), replicas);
        world.converge();
        prop_assert_eq!(world.comparable(), World::settled(&wish).comparable());
    }
}

fn uids(world: &World) -> Vec<String> {
    world.pods.values().map(|pod| pod.uid.clone()).collect()
}

#[test]
fn a_rack_that_must_shrink_keeps_its_pods_while_another_grows() {
    let mut world = World::settled(&Wish::of(5, 2));
    let before = uids(&world);
    world.wish(Wish::of(5, 3).resolve());
    world.converge_to_wait(WaitReason::NotSupported);
    let replicas: Vec<_> = world.replicas().into_values().collect();
    assert_eq!(replicas, [3, 2, 1]);
    assert!(before.iter().all(|uid| uids(&world).contains(uid)));
}

#[test]
fn a_pod_of_a_rack_that_must_shrink_comes_back_when_it_is_lost() {
    let mut world = World::settled(&Wish::of(3, 1));
    world.wish(Wish::of(2, 1).resolve());
    world.converge_to_wait(WaitReason::NotSupported);
    world.pods.remove("aerocluster-1-2");
    for _ in 0..10 {
        world.pass();
        world.settle();
    }
    assert!(world.pods["aerocluster-1-2"].serves());
}

#[test]
fn a_rack_that_is_gone_from_the_spec_is_reported() {
    let mut world = World::settled(&Wish::of(4, 2));
    let before = uids(&world);
    world.wish(Wish::of(4, 1).resolve());
    let plan = world.converge_to_wait(WaitReason::NotSupported);
    assert!(
        plan.waits
            .iter()
            .any(|wait| wait.message.contains("aerocluster-2")),
        "{plan:?}"
    );
    assert_eq!(world.replicas()["aerocluster-2"], 2);
    assert!(before.iter().all(|uid| uids(&world).contains(uid)));
}

#[test]
fn a_controller_that_died_before_the_first_status_raises_no_replicas() {
    let mut world = World::new(Wish::default().resolve(), Vec::new());
    let observed = world.observe();
    for effect in plan::next(&world.desired, &observed).upkeep {
        world.carry_out(&effect).unwrap();
    }
    let plan = world.pass();
    assert_eq!(plan.step, None);
    world.settle();
    world.converge();
}

#[test]
fn the_secret_of_a_settled_cluster_is_named_when_it_goes() {
    let mut world = World::settled(&Wish::default());
    world.faults.secret_missing = true;
    world.converge_to_wait(WaitReason::SecretMissing);
    world.faults.secret_missing = false;
    world.converge();
}

#[test]
fn an_object_with_a_rack_s_name_that_is_not_ours_is_left_alone() {
    let desired = Wish::of(2, 2).resolve();
    let set = names::stateful_set(&desired.identity.name, &desired.racks[1].identifier());
    let mut world = World::new(desired, Vec::new());
    world.plant(Kind::StatefulSet, &set);
    world.converge_to_wait(WaitReason::ForeignObject);
    assert_eq!(world.replicas()[&set], 1);
}
