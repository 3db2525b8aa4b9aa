//! Which pods go, what comes before, and what keeps them.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::*;
use crate::{
    aerospike::{node_view::NodeView, room::Room, stability::Stability},
    plan::{
        DrainStage, Kind, Live, PodHealth, Resize, Server, Step, next,
        safe_stop::{Batch, Why},
        world::{World, clusters::Wish},
    },
};

fn set_replicas(set: &mut Live, replicas: i32) {
    std::sync::Arc::make_mut(&mut set.body)["spec"]["replicas"] = json!(replicas);
}

fn shrinkage(batch: &Batch) -> (&Resize, u32) {
    match &batch.why {
        Why::Shrink { resize, wanted, .. } => (resize, *wanted),
        other @ Why::Restart { .. } => panic!("{other:?} is no shrinking"),
    }
}

fn resize_of(batch: &Batch) -> &Resize {
    shrinkage(batch).0
}

fn wanted_of(batch: &Batch) -> u32 {
    shrinkage(batch).1
}

/// A settled cluster of one rack that shall have fewer pods.
fn shrinking(from: u32, to: u32) -> (Desired, Observed) {
    from_to(&Wish::of(from, 1), &Wish::of(to, 1))
}

fn from_to(from: &Wish, to: &Wish) -> (Desired, Observed) {
    let mut world = World::settled(from);
    world.desired = to.resolve();
    let observed = world.observe();
    (world.desired, observed)
}

fn views(observed: &mut Observed) -> impl Iterator<Item = (&String, &mut NodeView)> {
    observed
        .servers
        .iter_mut()
        .filter_map(|(pod, server)| match server {
            Server::Answered(view) => Some((pod, view.as_mut())),
            Server::Silent(_) => None,
        })
}

/// Changes what one server says of its namespace.
fn quiesced(observed: &mut Observed, victims: &[&str], in_effect: bool) {
    let count = u32::try_from(victims.len()).unwrap();
    for (pod, view) in views(observed) {
        let namespace = view.namespaces.get_mut("test").unwrap();
        if victims.contains(&pod.as_str()) {
            namespace.pending_quiesce = true;
            namespace.is_quiesced = in_effect;
            view.traffic = Some(Vec::new());
        }
        namespace.nodes_quiesced = Some(if in_effect { count } else { 0 });
    }
}

fn pods(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn drained(share: &Share) -> (DrainStage, Vec<String>, String) {
    match &share.step {
        Some(Step::Drain(drain)) => (
            drain.stage,
            drain.order.pods.clone(),
            drain.order.command.clone(),
        ),
        other => panic!("{other:?} drains nothing: {share:?}"),
    }
}

/// Why the batch stays.
fn kept(desired: &Desired, observed: &Observed) -> (WaitReason, String) {
    let share = shrink(desired, observed);
    assert_eq!(share.step, None);
    let first = share.waits[0].clone();
    (first.reason, first.message)
}

#[test]
fn the_highest_ordinals_go_whatever_pods_there_are() {
    let (desired, mut observed) = shrinking(4, 1);
    observed.pods.remove("aerocluster-1-1");
    let batch = victims::batch(&desired, &observed).unwrap();
    assert_eq!(batch.pods, pods(&["aerocluster-1-3"]));
    assert_eq!(
        (
            resize_of(&batch).from,
            resize_of(&batch).to,
            wanted_of(&batch)
        ),
        (4, 3, 1)
    );
}

#[test]
fn as_many_go_together_as_the_user_says() {
    let racks = |size, batch: IntOrString| {
        let (mut desired, observed) = from_to(&Wish::of(8, 2), &Wish::of(size, 2));
        let config = desired.spec.rack_config.as_mut().unwrap();
        config.scale_down_batch_size = Some(batch);
        let batch = victims::batch(&desired, &observed).unwrap();
        resize_of(&batch).from - resize_of(&batch).to
    };
    let percent = |text: &str| IntOrString::String(text.to_owned());
    assert_eq!(racks(2, IntOrString::Int(2)), 2);
    assert_eq!(racks(2, percent("50%")), 2);
    assert_eq!(racks(2, percent("10%")), 1, "at least one");
    assert_eq!(
        racks(6, IntOrString::Int(3)),
        1,
        "no more than are too many"
    );
}

#[test]
fn racks_of_the_spec_shrink_before_those_that_it_no_longer_has() {
    let (desired, mut observed) = from_to(&Wish::of(6, 2), &Wish::of(2, 1));
    let batch = |observed: &Observed| victims::batch(&desired, observed).unwrap();
    let rack = |observed: &Observed| resize_of(&batch(observed)).set.clone();
    assert_eq!(rack(&observed), "aerocluster-1");
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    set_replicas(observed.objects.get_mut(&key).unwrap(), 2);
    assert_eq!(rack(&observed), "aerocluster-2");
    assert_eq!(wanted_of(&batch(&observed)), 0);
}

#[test]
fn a_batch_is_quiesced_then_the_cluster_balanced_then_the_pod_stopped() {
    let (desired, mut observed) = shrinking(3, 2);
    let victim = "aerocluster-1-2";
    let order = drained(&shrink(&desired, &observed));
    assert_eq!(
        order,
        (
            DrainStage::Quiesce,
            vec![victim.to_owned()],
            "quiesce:".to_owned()
        )
    );
    quiesced(&mut observed, &[victim], false);
    let everybody = observed.pods.keys().cloned().collect();
    let order = drained(&shrink(&desired, &observed));
    assert_eq!(
        order,
        (DrainStage::Recluster, everybody, "recluster:".to_owned())
    );
    quiesced(&mut observed, &[victim], true);
    let Some(Step::Shrink(Resize { set, from, to, .. })) = shrink(&desired, &observed).step else {
        panic!("it is drained");
    };
    assert_eq!((set.as_str(), from, to), ("aerocluster-1", 3, 2));
}

#[test]
fn quiesce_that_not_everybody_knows_of_is_not_in_effect() {
    let (desired, mut observed) = shrinking(3, 2);
    quiesced(&mut observed, &["aerocluster-1-2"], true);
    let (_, view) = views(&mut observed).next().unwrap();
    view.namespaces.get_mut("test").unwrap().nodes_quiesced = Some(0);
    assert_eq!(
        drained(&shrink(&desired, &observed)).0,
        DrainStage::Recluster
    );
}

#[test]
fn fills_are_not_delayed_while_data_leaves() {
    let wish = |size| Wish {
        fill_delay: 60,
        ..Wish::of(size, 1)
    };
    let (desired, mut observed) = from_to(&wish(3), &wish(2));
    let everybody = observed.pods.keys().cloned().collect();
    let command = "set-config:context=service;migrate-fill-delay=0".to_owned();
    let order = drained(&shrink(&desired, &observed));
    assert_eq!(order, (DrainStage::BorrowFillDelay, everybody, command));
    views(&mut observed).for_each(|(_, view)| view.fill_delay = Some(0));
    assert_eq!(drained(&shrink(&desired, &observed)).0, DrainStage::Quiesce);
}

#[test]
fn a_server_that_does_not_tell_of_its_clients_is_not_taken_for_idle() {
    let (desired, mut observed) = shrinking(3, 2);
    quiesced(&mut observed, &["aerocluster-1-2"], true);
    views(&mut observed).for_each(|(_, view)| view.traffic = None);
    let message =
        "clients still use the server of pod aerocluster-1-2: it does not say that they do not";
    let expected = (WaitReason::Traffic, message.to_owned());
    assert_eq!(kept(&desired, &observed), expected);
}

#[test]
fn clients_that_still_use_a_server_are_waited_for() {
    let (desired, mut observed) = shrinking(3, 2);
    quiesced(&mut observed, &["aerocluster-1-2"], true);
    let busy = Some(vec!["{test}-write".to_owned()]);
    for (pod, view) in views(&mut observed) {
        view.traffic = if pod == "aerocluster-1-2" {
            busy.clone()
        } else {
            None
        };
    }
    let message = "clients still use the server of pod aerocluster-1-2: {test}-write".to_owned();
    assert_eq!(kept(&desired, &observed), (WaitReason::Traffic, message));
    for (pod, view) in views(&mut observed) {
        view.traffic = if pod == "aerocluster-1-2" {
            Some(Vec::new())
        } else {
            busy.clone()
        };
    }
    assert!(matches!(
        shrink(&desired, &observed).step,
        Some(Step::Shrink(_))
    ));
}

#[test]
fn nothing_happens_while_one_server_of_all_sees_it_otherwise() {
    type Change = fn(&mut NodeView);
    let cases: [(Change, WaitReason); 6] = [
        (
            |view| view.stability = Stability::Unstable,
            WaitReason::Clustering,
        ),
        (
            |view| {
                view.stability = Stability::Stable {
                    key: "AB".to_owned(),
                }
            },
            WaitReason::Clustering,
        ),
        (
            |view| {
                view.cluster.key = "AB".to_owned();
                view.stability = Stability::Stable {
                    key: "AB".to_owned(),
                };
            },
            WaitReason::Clustering,
        ),
        (
            |view| view.namespaces.get_mut("test").unwrap().dead_partitions = 1,
            WaitReason::PartitionsDead,
        ),
        (
            |view| {
                let namespace = view.namespaces.get_mut("test").unwrap();
                namespace.unavailable_partitions = 1;
            },
            WaitReason::PartitionsNotServed,
        ),
        (
            |view| {
                let namespace = view.namespaces.get_mut("test").unwrap();
                namespace.unreplicated_records = Some(1);
            },
            WaitReason::Migrations,
        ),
    ];
    for (index, (change, reason)) in cases.into_iter().enumerate() {
        let (desired, mut observed) = shrinking(3, 2);
        quiesced(&mut observed, &["aerocluster-1-2"], true);
        change(views(&mut observed).next().unwrap().1);
        assert_eq!(kept(&desired, &observed).0, reason, "case {index}");
    }
}

#[test]
fn a_server_that_does_not_answer_keeps_all() {
    for silent in [true, false] {
        let (desired, mut observed) = shrinking(3, 2);
        quiesced(&mut observed, &["aerocluster-1-2"], true);
        let pod = "aerocluster-1-0".to_owned();
        if silent {
            observed
                .servers
                .insert(pod, Server::Silent("timeout".to_owned()));
        } else {
            observed.servers.remove(&pod);
        }
        assert_eq!(kept(&desired, &observed).0, WaitReason::Servers);
    }
}

#[test]
fn a_pod_that_may_hold_data_has_to_be_back_first() {
    for broken in ["aerocluster-1-0", "aerocluster-1-2"] {
        let (desired, mut observed) = shrinking(3, 2);
        observed.pods.get_mut(broken).unwrap().health = PodHealth::NotReady;
        observed.servers.remove(broken);
        let (reason, message) = kept(&desired, &observed);
        assert_eq!(reason, WaitReason::Pods);
        assert!(message.starts_with(&format!("pod {broken} is not ready and may hold data")));
    }
}

/// What the others say when one is gone from their cluster.
fn without(observed: &mut Observed, pod: &str) {
    let broken = observed.pods.get_mut(pod).unwrap();
    (broken.health, broken.lost) = (PodHealth::NotReady, true);
    observed.servers.remove(pod);
    let size = u32::try_from(observed.servers.len()).unwrap();
    views(observed).for_each(|(_, view)| view.cluster.size = size);
}

#[test]
fn a_pod_that_never_was_in_the_cluster_goes_undrained() {
    let (desired, mut observed) = shrinking(3, 2);
    without(&mut observed, "aerocluster-1-2");
    observed.status.pods.remove("aerocluster-1-2");
    assert!(matches!(
        next(&desired, &observed).step,
        Some(Step::Shrink(_))
    ));
}

#[test]
fn a_broken_pod_that_the_user_lets_us_ignore_goes_undrained() {
    let (mut desired, mut observed) = shrinking(3, 2);
    let config = desired.spec.rack_config.as_mut().unwrap();
    config.max_ignorable_pods = Some(IntOrString::Int(1));
    without(&mut observed, "aerocluster-1-2");
    assert!(matches!(
        next(&desired, &observed).step,
        Some(Step::Shrink(_))
    ));
}

#[test]
fn a_lone_survivor_is_not_trusted() {
    let (mut desired, mut observed) = shrinking(2, 1);
    let config = desired.spec.rack_config.as_mut().unwrap();
    config.max_ignorable_pods = Some(IntOrString::Int(1));
    without(&mut observed, "aerocluster-1-1");
    let (reason, message) = kept(&desired, &observed);
    assert_eq!(reason, WaitReason::Servers);
    assert!(message.contains("fewer than two servers"), "{message}");
}

/// Of each server.
fn rooms(observed: &mut Observed, used: u64, limit: u64) {
    for (_, view) in views(observed) {
        let namespace = view.namespaces.get_mut("test").unwrap();
        namespace.room = Some(Room { used, limit });
    }
}

#[test]
fn what_does_not_fit_into_the_rest_stays() {
    let (desired, mut observed) = shrinking(4, 2);
    rooms(&mut observed, 50 << 20, 99 << 20);
    let expected = "namespace test needs 200 MiB, and the nodes that stay take 198 MiB before they refuse writes: \
                    set spec.size back, or make room first";
    assert_eq!(
        kept(&desired, &observed),
        (WaitReason::NotEnoughRoom, expected.to_owned())
    );
    rooms(&mut observed, 50 << 20, 100 << 20);
    assert_eq!(drained(&shrink(&desired, &observed)).0, DrainStage::Quiesce);
}

#[test]
fn fewer_nodes_than_copies_hold_fewer_copies() {
    let (desired, mut observed) = shrinking(2, 1);
    rooms(&mut observed, 90 << 20, 99 << 20);
    assert_eq!(drained(&shrink(&desired, &observed)).0, DrainStage::Quiesce);
}

#[test]
fn what_was_begun_is_not_given_up_for_the_copies_that_it_makes() {
    let (desired, mut observed) = shrinking(4, 2);
    rooms(&mut observed, 90 << 20, 99 << 20);
    quiesced(&mut observed, &["aerocluster-1-3"], true);
    assert!(matches!(
        shrink(&desired, &observed).step,
        Some(Step::Shrink(_))
    ));
}

#[test]
fn a_node_that_refuses_writes_takes_no_more() {
    let (desired, mut observed) = shrinking(3, 2);
    let refuses = |observed: &mut Observed, pod: &str| {
        for (name, view) in views(observed) {
            view.namespaces.get_mut("test").unwrap().stop_writes = name == pod;
        }
    };
    refuses(&mut observed, "aerocluster-1-0");
    assert_eq!(kept(&desired, &observed).0, WaitReason::NotEnoughRoom);
    refuses(&mut observed, "aerocluster-1-2");
    assert_eq!(drained(&shrink(&desired, &observed)).0, DrainStage::Quiesce);
}

#[test]
fn a_namespace_that_only_those_have_that_leave_stays() {
    let (desired, mut observed) = shrinking(3, 2);
    for (pod, view) in views(&mut observed) {
        if pod == "aerocluster-1-2" {
            let alone = view.namespaces["test"].clone();
            view.namespaces.insert("alone".to_owned(), alone);
        }
    }
    let (reason, message) = kept(&desired, &observed);
    assert_eq!(reason, WaitReason::NotEnoughRoom);
    assert!(
        message.starts_with("no node that stays has namespace alone"),
        "{message}"
    );
}

fn community(size: u32, copies: u32) -> Wish {
    Wish {
        community: true,
        security: false,
        copies,
        ..Wish::of(size, 1)
    }
}

#[test]
fn community_servers_stop_undrained_if_another_has_what_they_have() {
    let (desired, observed) = from_to(&community(3, 2), &community(1, 2));
    assert!(matches!(
        shrink(&desired, &observed).step,
        Some(Step::Shrink(Resize { from: 3, to: 2, .. }))
    ));
    let (desired, observed) = from_to(&community(3, 1), &community(1, 1));
    let (reason, message) = kept(&desired, &observed);
    assert_eq!(reason, WaitReason::WouldLoseData);
    assert!(message.contains("keeps one copy"), "{message}");
}

#[test]
fn a_pod_that_no_set_asks_for_is_waited_for() {
    let (desired, mut observed) = shrinking(3, 3);
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    set_replicas(observed.objects.get_mut(&key).unwrap(), 2);
    let told = await_departures(&desired, &observed).waits;
    let expected = Wait::new(
        WaitReason::ScalingDown,
        "pod aerocluster-1-2 is being removed",
    );
    assert_eq!(told, [expected]);
}
