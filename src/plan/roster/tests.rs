//! Who comes on rosters and who leaves them, in which order, and what keeps them as they are.

use super::*;
use crate::{
    aerospike::{node_view::NamespaceView, stability::Stability},
    plan::{
        PodHealth, Server, next,
        world::{World, clusters::Wish},
    },
};

fn strong(size: u32, racks: u32) -> Wish {
    Wish {
        strong: true,
        device: true,
        security: false,
        ..Wish::of(size, racks)
    }
}

/// The same with something that restarts each pod.
fn labelled(wish: &Wish) -> Wish {
    Wish {
        pod_label: 1,
        ..wish.clone()
    }
}

#[test]
fn a_new_cluster_gets_a_roster_of_all_its_nodes() {
    let mut world = World::settled(&strong(3, 1));
    assert_eq!(world.roster(), ["1A0", "1A1", "1A2"]);
    let observed = world.observe();
    assert_eq!(next(&world.desired, &observed).step, None);
}

#[test]
fn new_nodes_come_on_it_and_removed_ones_leave_it() {
    let mut world = World::settled(&strong(3, 1));
    for (size, racks) in [(5, 1), (3, 1), (4, 2), (3, 1)] {
        world.wish(strong(size, racks).resolve());
        world.converge();
        assert_eq!(world.roster().len(), size as usize);
    }
}

#[test]
fn each_node_is_restarted_and_stays_on_it() {
    for batch in [None, Some(2)] {
        let wish = Wish {
            batch,
            ..strong(6, 2)
        };
        let mut world = World::settled(&wish);
        world.wish(labelled(&wish).resolve());
        world.converge();
        assert_eq!(world.restarted().len(), 6);
    }
}

#[test]
fn blocked_nodes_leave_it_and_come_back() {
    let mut world = World::settled(&strong(4, 1));
    let wish = Wish {
        off_roster: &["1A0", "1A3"],
        ..strong(4, 1)
    };
    world.wish(wish.resolve());
    world.converge();
    assert_eq!(world.roster(), ["1A1", "1A2"]);
    world.wish(strong(4, 1).resolve());
    world.converge();
    assert_eq!(world.roster().len(), 4);
}

/// A settled cluster as it is seen after an edit.
fn edited(from: &Wish, to: &Wish) -> (Desired, Observed) {
    let mut world = World::settled(from);
    world.wish(to.resolve());
    world.apply_objects();
    let observed = world.observe();
    (world.desired, observed)
}

fn views(observed: &mut Observed) -> impl Iterator<Item = &mut RosterView> {
    observed.servers.values_mut().filter_map(|it| match it {
        Server::Answered(view) => view.namespaces.get_mut("test")?.roster.as_mut(),
        Server::Silent(_) => None,
    })
}

/// What is told to which servers.
fn told(share: &Share) -> Vec<(usize, String)> {
    match &share.step {
        Some(Step::SetRoster(to)) => to
            .orders
            .iter()
            .map(|order| (order.pods.len(), order.command.clone()))
            .collect(),
        other => panic!("{other:?} sets no roster: {share:?}"),
    }
}

fn waits(share: &Share) -> (Option<&Step>, WaitReason, &str) {
    let first = &share.waits[0];
    (share.step.as_ref(), first.reason, &first.message)
}

#[test]
fn one_server_takes_the_roster_and_all_are_asked_for_a_rebalance() {
    let blocked = Wish {
        off_roster: &["1A0", "1A1"],
        ..strong(4, 1)
    };
    let (desired, observed) = edited(&strong(4, 1), &blocked);
    let share = keep(&desired, &observed);
    let set = "roster-set:namespace=test;nodes=1A3@1,1A2@1,1A0@1";
    let expected = [(1, set.to_owned()), (4, "recluster:".to_owned())];
    assert_eq!(told(&share), expected, "one leaves at a time");
    let message = "the roster of namespace test does without 1A1";
    assert_eq!(share.waits[0].message, message);
}

#[test]
fn what_all_know_of_is_only_brought_into_force() {
    let blocked = Wish {
        off_roster: &["1A0"],
        ..strong(3, 1)
    };
    let (desired, mut observed) = edited(&strong(3, 1), &blocked);
    for view in views(&mut observed) {
        view.pending = view.pending.without(|node| node.id == "1A0");
    }
    let recluster = [(3, "recluster:".to_owned())];
    assert_eq!(told(&keep(&desired, &observed)), recluster);
    let (desired, mut observed) = edited(&strong(3, 1), &strong(3, 1));
    let view = views(&mut observed).next().unwrap();
    view.current = Roster::default();
    assert_eq!(told(&keep(&desired, &observed)), recluster);
}

#[test]
fn servers_that_differ_are_waited_for() {
    let (desired, mut observed) = edited(&strong(3, 1), &strong(3, 1));
    let view = views(&mut observed).next().unwrap();
    view.pending = view.pending.without(|node| node.id == "1A0");
    let share = keep(&desired, &observed);
    let message = "the servers name different rosters of namespace test";
    assert_eq!(waits(&share), (None, WaitReason::Clustering, message));
}

#[test]
fn a_node_that_is_not_observed_yet_is_waited_for() {
    let (desired, mut observed) = edited(&strong(3, 1), &strong(3, 1));
    for view in views(&mut observed) {
        view.observed = view.observed.without(|node| node.id == "1A1");
    }
    let share = keep(&desired, &observed);
    let message = "node 1A1 is yet to be observed by the others";
    assert_eq!(waits(&share), (None, WaitReason::Clustering, message));
}

#[test]
fn a_roster_is_changed_when_all_is_served_and_nothing_moves() {
    let blocked = Wish {
        off_roster: &["1A0"],
        ..strong(3, 1)
    };
    let (desired, observed) = edited(&strong(3, 1), &blocked);
    let spoil: [fn(&mut NodeView, &mut NamespaceView); 3] = [
        |_, namespace| namespace.dead_partitions = 1,
        |_, namespace| namespace.unavailable_partitions = 1,
        |view, _| view.stability = Stability::Unstable,
    ];
    for spoil in spoil {
        let mut observed = observed.clone();
        let view = observed.servers.values_mut().find_map(|it| match it {
            Server::Answered(view) => Some(view),
            Server::Silent(_) => None,
        });
        let view = view.unwrap();
        let mut namespace = view.namespaces["test"].clone();
        spoil(view, &mut namespace);
        view.namespaces.insert("test".to_owned(), namespace);
        assert_eq!(keep(&desired, &observed).step, None);
    }
}

/// One pod's node is gone for good.
fn lose(observed: &mut Observed, pod: &str, node: &str) {
    observed.servers.remove(pod);
    let lost = observed.pods.get_mut(pod).unwrap();
    (lost.lost, lost.health) = (true, PodHealth::NotReady);
    for server in observed.servers.values_mut() {
        if let Server::Answered(view) = server {
            view.cluster.size -= 1;
        }
    }
    for view in views(observed) {
        view.observed = view.observed.without(|it| it.id == node);
    }
}

#[test]
fn a_node_that_is_only_away_stays_on_it() {
    let wish = Wish {
        ignorable: Some(1),
        ..strong(4, 1)
    };
    let (desired, mut observed) = edited(&wish, &wish);
    lose(&mut observed, "aerocluster-1-3", "1A3");
    assert_eq!(keep(&desired, &observed), Share::default());
}

#[test]
fn a_rack_that_is_lost_leaves_it_at_once_where_the_user_says_so_whatever_is_not_served() {
    let (mut desired, mut observed) = edited(&strong(4, 2), &strong(4, 2));
    lose(&mut observed, "aerocluster-2-0", "2A0");
    lose(&mut observed, "aerocluster-2-1", "2A1");
    for server in observed.servers.values_mut() {
        if let Server::Answered(view) = server {
            view.namespaces
                .get_mut("test")
                .unwrap()
                .unavailable_partitions = 17;
        }
    }
    let set = |desired: &Desired| match next(desired, &observed).step {
        Some(Step::SetRoster(to)) => Some(to.orders[0].command.clone()),
        _ => None,
    };
    assert_eq!(set(&desired), None);
    let racks = &mut desired.spec.rack_config.as_mut().unwrap().racks;
    racks[1].force_block_from_roster = Some(true);
    let expected = "roster-set:namespace=test;nodes=1A1@1,1A0@1";
    assert_eq!(set(&desired).as_deref(), Some(expected));
}

#[test]
fn blocked_nodes_do_not_hold_up_the_restart_of_others() {
    let blocked = Wish {
        off_roster: &["1A0"],
        ..strong(4, 1)
    };
    let mut world = World::settled(&blocked);
    world.wish(labelled(&blocked).resolve());
    world.converge();
    assert_eq!(world.restarted().len(), 4);
}

#[test]
fn a_roster_that_would_not_serve_all_while_nodes_are_away_is_refused() {
    let wish = Wish {
        ignorable: Some(2),
        ..strong(5, 2)
    };
    let blocked = Wish {
        off_roster: &["1A2"],
        ..wish.clone()
    };
    let (desired, mut observed) = edited(&wish, &blocked);
    lose(&mut observed, "aerocluster-2-0", "2A0");
    lose(&mut observed, "aerocluster-2-1", "2A1");
    let share = keep(&desired, &observed);
    let message = "partitions of namespace test would not be served while nodes of its roster are away: add pods, wait \
                   for those that are away, or block fewer nodes and racks";
    assert_eq!(waits(&share), (None, WaitReason::RosterTooSmall, message));
}

#[test]
fn dead_partitions_are_a_person_s_to_decide_on() {
    let (desired, mut observed) = edited(&strong(3, 1), &strong(3, 1));
    for server in observed.servers.values_mut() {
        if let Server::Answered(view) = server {
            view.namespaces.get_mut("test").unwrap().dead_partitions = 3;
        }
    }
    let plan = next(&desired, &observed);
    assert_eq!(plan.step, None);
    let wait = &plan.waits[0];
    assert_eq!(wait.reason, WaitReason::PartitionsDead);
    let message =
        "3 partitions of namespace test are dead, says the server of pod aerocluster-1-0: ";
    assert!(wait.message.starts_with(message), "{}", wait.message);
}

#[test]
fn fewer_nodes_than_copies_are_refused_and_hold_up_nothing_else() {
    let blocked = Wish {
        off_roster: &["1A0", "1A1"],
        pod_label: 1,
        ..strong(3, 1)
    };
    let mut world = World::settled(&strong(3, 1));
    world.wish(blocked.resolve());
    for _ in 0..100 {
        world.pass();
        world.settle();
    }
    assert_eq!(world.restarted().len(), 3);
    world.converge_to_wait(WaitReason::RosterTooSmall);
    assert_eq!(world.roster().len(), 3);
    assert_eq!(world.condition("Stalled").0, "True");
}

#[test]
fn nodes_that_are_yet_to_come_may_be_enough() {
    let mut world = World::settled(&strong(2, 1));
    let wish = Wish {
        off_roster: &["1A0"],
        pod_label: 1,
        ..strong(3, 1)
    };
    world.wish(wish.resolve());
    world.pass_until(|world, plan| {
        assert_eq!(world.condition("Stalled").0, "False");
        plan.is_done()
    });
    assert_eq!(world.roster(), ["1A1", "1A2"]);
}

#[test]
fn a_namespace_with_one_copy_keeps_its_nodes() {
    let wish = Wish {
        copies: 1,
        ..strong(3, 1)
    };
    let mut world = World::settled(&wish);
    world.wish(labelled(&wish).resolve());
    let plan = world.converge_to_wait(WaitReason::WouldNotServe);
    assert_eq!(world.condition("Stalled").0, "True", "{plan:?}");
    assert!(world.restarted().is_empty());
}
