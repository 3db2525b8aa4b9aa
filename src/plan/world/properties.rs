//! What holds for every wish in every world.

use proptest::prelude::*;

use super::{
    World,
    clusters::{Wish, edited_wishes, edits, throws, wishes},
};
use crate::{
    api::status::Phase,
    plan::{self, Effect, Kind, WaitReason, objects},
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
    fn another_size_can_be_taken_back_at_any_time(wish in wishes(), other in 1u32..8, racks in 1u32..4, passes in 1usize..30, throws in throws()) {
        let mut world = World::settled(&wish);
        world.dice = super::Dice { thrown: throws, used: 0 };
        let before = world.comparable();
        world.wish(Wish { size: other, racks, ..wish.clone() }.resolve());
        for _ in 0..passes {
            world.pass();
            world.settle();
        }
        world.wish(wish.resolve());
        world.converge();
        prop_assert_eq!(world.comparable(), before);
    }

    #[test]
    fn an_edit_restarts_each_pod_once_and_all_converge(wish in edited_wishes(), edit in edits(), throws in throws()) {
        let mut world = World::settled(&wish);
        world.dice = super::Dice { thrown: throws, used: 0 };
        let edited = edit.of(&wish);
        world.wish(edited.resolve());
        world.converge();
        prop_assert!(world.restarted().values().all(|count| *count == 1));
        let mut after = world.comparable();
        let expected = World::settled(&edited).comparable();
        // Services that pods may have been told about stay as long as the pods.
        after.retain(|key, _| expected.contains_key(key));
        prop_assert_eq!(after, expected);
    }

    #[test]
    fn an_operation_restarts_each_pod_once_whatever_happens(wish in edited_wishes(), operation in 1u32..3, edit in prop::option::of(edits()), throws in throws()) {
        let mut world = World::settled(&wish);
        world.dice = super::Dice { thrown: throws, used: 0 };
        let edited = edit.map_or_else(|| wish.clone(), |edit| edit.of(&wish));
        world.wish(Wish { operation, ..edited }.resolve());
        world.converge();
        prop_assert!(world.restarted().values().all(|count| *count == 1));
        world.assert_operation_done();
    }

    #[test]
    fn without_mishaps_exactly_the_outdated_pods_restart(wish in edited_wishes(), edit in edits()) {
        let mut world = World::settled(&wish);
        let before = uids(&world);
        let edited = edit.of(&wish);
        world.wish(edited.resolve());
        world.converge();
        let restarted = world.restarted();
        let kept: Vec<_> = uids(&world).into_iter().filter(|uid| before.contains(uid)).collect();
        if edited == wish {
            prop_assert!(restarted.is_empty());
            prop_assert_eq!(kept, before);
        } else {
            prop_assert_eq!(restarted.len(), before.len());
            // The configuration alone takes the server only.
            let only_config = Wish { proto_fd_max: wish.proto_fd_max, ..edited } == wish;
            prop_assert_eq!(kept.len(), if only_config { before.len() } else { 0 });
        }
    }

    #[test]
    fn a_change_at_run_time_comes_about_or_is_taken_back_whatever_gets_lost(wish in edited_wishes(), taken_back in 0usize..12, throws in throws()) {
        let wish = Wish { dynamic: true, ..wish };
        let mut world = World::settled(&wish);
        let edited = Wish { proto_fd_max: 15_001, ttl: 3_600, ..wish.clone() };
        world.dice = super::Dice { thrown: throws, used: 0 };
        world.wish(edited.resolve());
        for _ in 0..taken_back {
            world.pass();
            world.settle();
        }
        if taken_back > 0 {
            world.wish(wish.resolve());
        }
        world.converge();
        world.assert_configured();
    }

    #[test]
    fn an_edit_can_be_taken_back_at_any_time(wish in edited_wishes(), edit in edits(), passes in 1usize..40, throws in throws()) {
        let mut world = World::settled(&wish);
        world.dice = super::Dice { thrown: throws, used: 0 };
        let before = world.comparable();
        world.wish(edit.of(&wish).resolve());
        for _ in 0..passes {
            world.pass();
            world.settle();
        }
        world.wish(wish.resolve());
        world.converge();
        let mut after = world.comparable();
        after.retain(|key, _| before.contains_key(key));
        prop_assert_eq!(after, before);
    }

    #[test]
    fn an_upgrade_of_the_operator_restarts_nothing_and_its_pods_are_told_apart(wish in edited_wishes(), edit in edits()) {
        let mut world = World::settled(&wish);
        let before = (uids(&world), world.comparable());
        world.age();
        world.converge();
        prop_assert_eq!((uids(&world), world.comparable()), before);
        let edited = edit.of(&wish);
        world.wish(edited.resolve());
        world.converge();
        let restarted = if edited == wish { 0 } else { world.pods.len() };
        prop_assert_eq!(world.restarted().len(), restarted);
    }

    #[test]
    fn an_image_that_does_not_exist_takes_one_batch_and_is_taken_back(wish in edited_wishes()) {
        let mut world = World::settled(&wish);
        let before = uids(&world);
        world.faults.image_missing = true;
        world.wish(Wish { version: "8.1.0.1", ..wish.clone() }.resolve());
        for _ in 0..100 {
            world.pass();
            world.settle();
        }
        let batch = usize::try_from(wish.batch.filter(|_| wish.racks > 1).unwrap_or(1)).unwrap();
        let lost = before.iter().filter(|uid| !uids(&world).contains(uid)).count();
        prop_assert!((1..=batch).contains(&lost), "{} pods are lost", lost);
        world.faults.image_missing = false;
        world.wish(wish.resolve());
        world.converge();
        let kept = before.iter().filter(|uid| uids(&world).contains(uid)).count();
        prop_assert_eq!(kept, before.len() - lost);
    }

    #[test]
    fn a_pod_that_is_lost_later_is_told_and_comes_back(wish in wishes(), which in any::<prop::sample::Index>()) {
        prop_assume!(wish.size > 1);
        let mut world = World::settled(&wish);
        let names: Vec<_> = world.pods.keys().cloned().collect();
        let lost = which.get(&names);
        world.pods.remove(lost);
        world.servers.crash(lost);
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
fn a_server_that_was_drained_to_be_removed_stays_so_however_slow_its_set_is() {
    let mut world = World::settled(&Wish::of(4, 1));
    world.faults.sets_stand_still = true;
    world.wish(Wish::of(2, 1).resolve());
    let mut passes = 0;
    while world.replicas().into_values().sum::<i32>() == 4 && passes < 60 {
        world.pass();
        world.settle();
        passes += 1;
    }
    for _ in 0..10 {
        world.pass();
        world.settle();
    }
    assert_eq!(
        (
            world.replicas().into_values().sum::<i32>(),
            world.pods.len()
        ),
        (3, 4)
    );
    world.faults.sets_stand_still = false;
    world.converge();
    assert_eq!(world.pods.len(), 2);
}

#[test]
fn restarts_and_another_size_in_one_edit_go_in_the_order_of_safety() {
    let mut world = World::settled(&Wish::of(5, 2));
    let after = Wish {
        proto_fd_max: 20_000,
        ..Wish::of(5, 3)
    };
    world.wish(after.resolve());
    let restarted = |world: &World| world.restarted().into_keys().collect::<Vec<_>>();
    let second_rack = ["aerocluster-2-0", "aerocluster-2-1"];
    let mut sizes = vec![3, 2];
    for _ in 0..200 {
        world.pass();
        let replicas: Vec<_> = world.replicas().into_values().collect();
        if sizes != replicas {
            let expected = if replicas.last() == Some(&0) {
                &second_rack[..0]
            } else {
                &second_rack
            };
            assert_eq!(restarted(&world), expected, "at {replicas:?}");
            sizes = replicas;
        }
        world.settle();
    }
    world.converge();
    let staying = [
        "aerocluster-1-0",
        "aerocluster-1-1",
        "aerocluster-2-0",
        "aerocluster-2-1",
    ];
    assert_eq!(
        restarted(&world),
        staying,
        "what is removed is not restarted before"
    );
    let replicas: Vec<_> = world.replicas().into_values().collect();
    assert_eq!(replicas, [2, 2, 1]);
}

#[test]
fn a_pod_of_the_older_template_that_starts_anew_by_itself_is_restarted_all_the_same() {
    let wish = Wish::of(3, 1);
    let mut world = World::settled(&wish);
    world.wish(
        Wish {
            pod_label: 1,
            ..wish
        }
        .resolve(),
    );
    world.apply_objects();
    // Its init container finds the newer ConfigMap.
    world.servers.crash("aerocluster-1-1");
    world.start_anew("aerocluster-1-1");
    world.converge();
    assert_eq!(world.restarted().len(), 3);
}

#[test]
fn a_pod_that_was_made_for_an_edit_that_is_taken_back_is_restarted() {
    let wish = Wish::of(2, 1);
    let edited = Wish {
        pod_label: 1,
        ..wish.clone()
    };
    let mut world = World::settled(&wish);
    world.wish(edited.resolve());
    world.apply_objects();
    world.pods.remove("aerocluster-1-1");
    world.servers.crash("aerocluster-1-1");
    world.run_stateful_sets();
    world.wish(wish.resolve());
    // The controller died before it wrote the set.
    let observed = world.observe();
    for effect in plan::next(&world.desired, &observed).upkeep {
        if !matches!(&effect, Effect::Apply { object, .. } if object.kind == Kind::StatefulSet) {
            world.carry_out(&effect).unwrap();
        }
    }
    for _ in 0..5 {
        world.settle();
    }
    world.converge();
    assert_eq!(
        world.restarted().into_keys().collect::<Vec<_>>(),
        ["aerocluster-1-1"]
    );
}

#[test]
fn a_rack_grows_before_another_shrinks() {
    let mut world = World::settled(&Wish::of(5, 2));
    world.wish(Wish::of(5, 3).resolve());
    let mut most = 0;
    for _ in 0..60 {
        world.pass();
        world.settle();
        most = most.max(world.replicas().values().sum());
    }
    assert_eq!(most, 6, "the third rack comes on top");
    world.converge();
    let replicas: Vec<_> = world.replicas().into_values().collect();
    assert_eq!(replicas, [2, 2, 1]);
}

#[test]
fn a_pod_that_is_too_many_comes_back_when_it_is_lost_before_it_was_drained() {
    let mut world = World::settled(&Wish::of(3, 1));
    world.pods.remove("aerocluster-1-2");
    world.servers.crash("aerocluster-1-2");
    world.wish(Wish::of(2, 1).resolve());
    world.pass();
    assert_eq!(world.replicas()["aerocluster-1"], 3);
    world.converge();
    assert_eq!(world.replicas()["aerocluster-1"], 2);
}

#[test]
fn a_rack_that_is_gone_from_the_spec_goes_with_all_that_it_has() {
    let mut world = World::settled(&Wish::of(4, 2));
    world.wish(Wish::of(4, 1).resolve());
    world.converge();
    assert_eq!(
        world.comparable(),
        World::settled(&Wish::of(4, 1)).comparable()
    );
    assert_eq!(world.claims.len(), 4);
}

#[test]
fn claims_that_are_to_be_kept_are_kept_and_used_again() {
    let wish = |size| Wish {
        keeps_claims: true,
        device: true,
        ..Wish::of(size, 1)
    };
    let mut world = World::settled(&wish(3));
    let claims = world.claims.clone();
    for size in [2, 3] {
        world.wish(wish(size).resolve());
        world.converge();
        assert_eq!(world.claims, claims);
    }
}

#[test]
fn the_delay_of_fills_is_borrowed_and_given_back() {
    let wish = |size| Wish {
        fill_delay: 3600,
        ..Wish::of(size, 1)
    };
    let mut world = World::settled(&wish(4));
    world.wish(wish(2).resolve());
    world.converge();
}

#[test]
fn a_community_cluster_shrinks_one_by_one() {
    let wish = |size| Wish {
        community: true,
        security: false,
        ..Wish::of(size, 1)
    };
    let mut world = World::settled(&wish(4));
    world.wish(wish(1).resolve());
    world.converge();
}

#[test]
fn a_community_cluster_with_one_copy_keeps_its_nodes() {
    let wish = |size| Wish {
        community: true,
        security: false,
        copies: 1,
        ..Wish::of(size, 1)
    };
    let mut world = World::settled(&wish(3));
    world.wish(wish(2).resolve());
    let plan = world.converge_to_wait(WaitReason::WouldLoseData);
    assert_eq!(world.condition("Stalled").0, "True", "{plan:?}");
    assert_eq!(world.replicas()["aerocluster-1"], 3);
}

#[test]
fn a_community_pod_comes_back_if_another_crashed_when_it_was_stopped() {
    let wish = |size| Wish {
        community: true,
        device: true,
        security: false,
        ..Wish::of(size, 1)
    };
    let mut world = World::settled(&wish(3));
    world.wish(wish(2).resolve());
    world.pass_until(|world, _| world.replicas()["aerocluster-1"] == 2);
    world.run_stateful_sets();
    world.servers.crash("aerocluster-1-0");
    let mut most = 0;
    for _ in 0..40 {
        world.settle();
        world.pass();
        most = most.max(world.replicas()["aerocluster-1"]);
    }
    assert_eq!(most, 3, "the last writes are on the disk of the third");
    world.converge();
    assert_eq!(world.replicas()["aerocluster-1"], 2);
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

/// A settled cluster whose claims are bound to nodes, and the uids of these.
fn bound(recycled: bool) -> (Wish, World, std::collections::BTreeMap<String, String>) {
    let wish = Wish {
        local: Some(recycled),
        device: true,
        ..Wish::of(4, 2)
    };
    let world = World::settled(&wish);
    let claims = claim_uids(&world);
    (wish, world, claims)
}

fn claim_uids(world: &World) -> std::collections::BTreeMap<String, String> {
    let claims = world.claims.iter();
    claims
        .map(|(name, claim)| (name.clone(), claim.uid.clone()))
        .collect()
}

#[test]
fn a_pod_of_a_drained_node_goes_to_another_and_leaves_its_claim() {
    let (_, mut world, before) = bound(false);
    let node = world.pods["aerocluster-2-1"].node.unwrap();
    world.evict_from(node);
    let evicted = world.pods.iter().filter(|(_, pod)| pod.evicted);
    let evicted: Vec<_> = evicted.map(|(name, _)| name.clone()).collect();
    world.converge();
    for (pod, now) in &world.pods {
        let claim = names::claim("workdir", pod);
        let is_kept = before[&claim] == world.claims[&claim].uid;
        assert_eq!(is_kept, !evicted.contains(pod), "{pod}");
        assert_ne!(now.node, Some(node), "{pod}");
    }
}

#[test]
fn pods_leave_blocked_nodes_with_all_that_they_hold() {
    let (wish, mut world, before) = bound(false);
    let blocked = Wish { blocked: 4, ..wish };
    let nodes = ["node-0", "node-1", "node-2", "node-3"];
    let on_blocked = world.pods.values();
    let count = on_blocked
        .filter(|pod| nodes.contains(&pod.node.unwrap()))
        .count();
    assert!((1..4).contains(&count), "{count}");
    world.wish(blocked.resolve());
    world.converge();
    assert_eq!(world.restarted().len(), count);
    let kept = claim_uids(&world)
        .into_iter()
        .filter(|(name, uid)| before[name] == *uid);
    assert_eq!(kept.count(), 4 - count);
}

#[test]
fn the_status_tells_why_each_pod_was_restarted_last() {
    let wish = Wish::of(3, 1);
    let mut world = World::settled(&wish);
    let reasons = |world: &World| {
        let pods = world.status.as_ref().unwrap().pods.values();
        let told = pods.map(|pod| pod.last_restart.as_ref().map(|it| it.reasons.clone()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(reasons(&world), vec![None; 3]);
    let labelled = Wish {
        pod_label: 1,
        ..wish
    };
    world.wish(labelled.resolve());
    world.converge();
    let expected = Some(vec!["pod spec".to_owned()]);
    assert_eq!(reasons(&world), vec![expected; 3]);
}

const LOST: &str = "aerocluster-2-0";

/// A settled cluster of so many, bound to their nodes, of which one lost its own, and the uid of its claim.
fn with_a_lost_node(recovers: bool, size: u32) -> (World, String) {
    let wish = Wish {
        local: Some(false),
        device: true,
        recovers,
        ..Wish::of(size, 2)
    };
    let mut world = World::settled(&wish);
    let claim = world.claims[&names::claim("workdir", LOST)].uid.clone();
    world.cordoned.insert(world.pods[LOST].node.unwrap());
    world.servers.crash(LOST);
    world.pods.remove(LOST);
    (world, claim)
}

#[test]
fn a_pod_whose_volumes_are_on_a_lost_node_is_made_anew_without_them_where_the_user_says_so() {
    let (mut world, lost) = with_a_lost_node(true, 4);
    world.converge();
    assert_ne!(world.claims[&names::claim("workdir", LOST)].uid, lost);
    let entry = &world.status.as_ref().unwrap().pods[LOST];
    let told = entry.last_restart.as_ref().unwrap();
    assert_eq!(told.reasons, ["lost node"]);
    assert_eq!(world.claims.len(), 4);
}

#[test]
fn volumes_on_a_lost_node_are_kept_otherwise() {
    for (recovers, size) in [(false, 4), (true, 2)] {
        let (mut world, lost) = with_a_lost_node(recovers, size);
        world.converge_to_wait(WaitReason::Unschedulable);
        let claim = &world.claims[&names::claim("workdir", LOST)];
        assert_eq!((&claim.uid, claim.deleting), (&lost, false));
    }
}

#[test]
fn a_server_that_nobody_told_to_end_is_told_once_its_node_is_back() {
    let wish = Wish {
        security: false,
        multi_pod_per_host: false,
        ..Wish::of(2, 1)
    };
    let mut world = World::settled(&wish);
    let thrown = vec![
        134, 240, 56, 97, 153, 24, 233, 148, 250, 200, 222, 85, 94, 29, 103, 58, 22, 216, 119, 63,
        1, 167, 113, 16, 247, 168, 126, 243, 229, 142, 224, 73, 10, 213, 28, 64, 232, 200, 99, 19,
        245, 234, 213, 42, 95, 223, 163, 157, 30, 9, 110, 250, 82, 243, 245, 120, 161, 105, 187,
        27, 162, 99, 162, 12, 141, 200, 61, 222, 92, 1, 211, 130, 55, 123, 190, 79, 144, 89, 112,
        243, 133, 16, 98, 96, 239, 10, 255, 82, 120, 170, 160, 191, 162, 200, 104, 29, 68, 239,
        254, 140, 149, 236, 213, 52, 21, 92, 58, 30, 192, 124, 68, 83, 215, 75, 216, 228, 183, 15,
        148, 223, 46, 4, 84, 119, 94, 179, 38, 92,
    ];
    world.dice = super::Dice { thrown, used: 0 };
    let asked = Wish {
        operation: 2,
        ..wish
    };
    world.wish(asked.resolve());
    world.converge();
    assert!(world.restarted().values().all(|count| *count == 1));
}

#[test]
fn a_server_that_may_have_been_told_is_restarted_for_its_operation_once_more() {
    let wish = Wish {
        security: false,
        multi_pod_per_host: false,
        ..Wish::of(2, 2)
    };
    let mut world = World::settled(&wish);
    let thrown = vec![
        22, 111, 124, 183, 126, 186, 17, 106, 222, 225, 98, 116, 49, 195, 199, 209, 141, 81, 128,
        178, 184, 49, 26, 38, 213, 116, 4, 215, 7, 60, 99, 14, 59, 214, 2, 36, 49, 213, 30, 25,
        105, 208, 121, 23, 119, 110, 82, 29, 152, 50, 1, 77, 241, 217, 217, 129, 230, 196, 136, 59,
        20, 248, 225, 63, 68, 212, 177, 158, 33, 12, 214, 88, 103, 136, 14, 171, 66, 84, 39, 248,
        41, 189, 208, 79, 66, 29, 210, 142, 5, 82, 76, 33, 115, 222, 187, 166, 228, 227, 114, 152,
        100, 85,
    ];
    world.dice = super::Dice { thrown, used: 0 };
    let asked = Wish {
        operation: 2,
        proto_fd_max: 15_001,
        ..wish
    };
    world.wish(asked.resolve());
    world.converge();
    assert!(world.restarted().values().all(|count| *count == 1));
    world.assert_operation_done();
}

#[test]
fn a_move_to_another_revision_goes_no_further_than_the_first_pod_that_no_node_takes() {
    let wish = Wish::of(4, 2);
    let mut world = World::settled(&wish);
    let moved = Wish {
        revision: 1,
        ..wish.clone()
    };
    world.wish(moved.resolve());
    world.faults.no_node = true;
    world.converge_to_wait(WaitReason::Unschedulable);
    let replicas = world.replicas();
    assert_eq!(
        (replicas["aerocluster-1"], replicas["aerocluster-2"]),
        (1, 2)
    );
    world.faults.no_node = false;
    world.wish(wish.resolve());
    world.converge();
}

#[test]
fn a_node_of_a_rack_that_moves_comes_on_the_roster_while_it_is_needed() {
    let strong = Wish {
        strong: true,
        device: true,
        ..Wish::of(4, 2)
    };
    let blocked = Wish {
        off_roster: &["1A0"],
        ..strong.clone()
    };
    let mut world = World::settled(&blocked);
    let moved = Wish {
        size: 2,
        revision: 1,
        ..strong
    };
    world.wish(moved.resolve());
    world.converge();
    assert_eq!(world.roster(), ["1B0", "2A0"]);
}
