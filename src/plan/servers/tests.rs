//! What keeps servers from being one settled cluster.

use super::*;
use crate::{
    aerospike::node_view::ClusterView,
    plan::world::{World, clusters::Wish},
};

/// A settled cluster of two, after `change` to what its first server says.
fn waits(change: impl FnOnce(&mut ClusterView)) -> Vec<Wait> {
    let mut world = World::settled(&Wish::of(2, 1));
    let mut observed = world.observe();
    let first = observed.servers.values_mut().next();
    if let Some(Server::Answered(view)) = first {
        change(&mut view.cluster);
    }
    await_cluster(&world.desired, &observed).waits
}

fn reasons(waits: &[Wait]) -> Vec<WaitReason> {
    waits.iter().map(|wait| wait.reason).collect()
}

#[test]
fn one_cluster_in_which_nothing_moves_is_not_waited_for() {
    assert_eq!(waits(|_| {}), []);
}

#[test]
fn each_thing_that_falls_short_is_told() {
    type Change = fn(&mut ClusterView);
    let cases: [(Change, WaitReason, &str); 6] = [
        (
            |c| c.duplicate_nodes = vec!["BB9".to_owned()],
            WaitReason::Clustering,
            "BB9",
        ),
        (|c| c.size = 1, WaitReason::Clustering, "sees 1 of 2 nodes"),
        (
            |c| c.integrity = false,
            WaitReason::Clustering,
            "incomplete",
        ),
        (
            |c| c.key = "other".to_owned(),
            WaitReason::Clustering,
            "2 different cluster keys",
        ),
        (
            |c| c.migrate_partitions_remaining = 7,
            WaitReason::Migrations,
            "7 partitions",
        ),
        (|c| c.migrate_allowed = false, WaitReason::Migrations, ""),
    ];
    for (change, reason, text) in cases {
        let waits = waits(change);
        assert_eq!(reasons(&waits), [reason], "{text}");
        assert!(waits[0].message.contains(text), "{waits:?}");
    }
}

#[test]
fn a_server_that_is_silent_is_named_and_hides_what_the_others_think_of_it() {
    let mut world = World::settled(&Wish::of(2, 1));
    let mut observed = world.observe();
    let silent = Server::Silent("timeout".to_owned());
    observed
        .servers
        .insert("aerocluster-1-1".to_owned(), silent);
    let expected = Wait::new(
        WaitReason::Servers,
        "the server of pod aerocluster-1-1 does not answer: timeout",
    );
    assert_eq!(await_cluster(&world.desired, &observed).waits, [expected]);
}

#[test]
fn a_server_that_was_not_asked_counts_as_missing() {
    let mut world = World::settled(&Wish::of(2, 1));
    let mut observed = world.observe();
    observed.servers.clear();
    let waits = await_cluster(&world.desired, &observed).waits;
    assert_eq!(reasons(&waits), [WaitReason::Servers; 2]);
}
