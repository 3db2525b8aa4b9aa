//! Strong consistency: rosters, and what is not served.

use super::*;
use crate::faults::Fault;

fn strong(number: u64) -> Namespace {
    on_device(number).strong()
}

fn with_roster(numbers: &[u64]) -> Scene {
    let mut scene = Scene::settled(numbers, strong);
    set_roster(&mut scene, numbers, numbers);
    scene.fleet.advance(2000);
    scene
}

fn set_roster(scene: &mut Scene, roster: &[u64], all: &[u64]) {
    let ids: Vec<_> = roster.iter().map(|it| format!("{:X}", 0xa0 + it)).collect();
    let set = format!("roster-set:namespace=test;nodes={}", ids.join(","));
    assert_eq!(scene.ask(all[0], &set), "ok");
    scene.recluster(all);
    scene.fleet.advance(500);
    scene.settle(all);
}

fn unserved(scene: &mut Scene, number: u64) -> (usize, usize) {
    let mut count = |key: &str| {
        let text = scene.figure(number, "namespace/test", key);
        text.parse::<usize>().unwrap()
    };
    (count("unavailable_partitions"), count("dead_partitions"))
}

#[test]
fn without_a_roster_nobody_holds_anything_and_nothing_is_unavailable() {
    let mut scene = Scene::settled(&[1, 2, 3], strong);
    assert_eq!(unserved(&mut scene, 1), (0, 0));
    assert_eq!(scene.figure(1, "namespace/test", "ns_cluster_size"), "0");
    scene.stop(2, Stop::Clean);
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn a_roster_reaches_all_and_counts_after_a_recluster() {
    let mut scene = with_roster(&[1, 2, 3]);
    let expected = "roster=A1,A2,A3:pending_roster=A1,A2,A3:observed_nodes=A3,A2,A1";
    assert_eq!(scene.ask(3, "roster:namespace=test"), expected);
    assert_eq!(scene.figure(2, "namespace/test", "ns_cluster_size"), "3");
}

#[test]
fn one_missing_of_three_harms_nothing_and_two_make_partitions_unavailable() {
    let mut scene = with_roster(&[1, 2, 3]);
    scene.stop(3, Stop::Crashed);
    scene.fleet.advance(4000);
    scene.settle(&[1, 2]);
    assert_eq!(unserved(&mut scene, 1), (0, 0));
    scene.stop(2, Stop::Clean);
    scene.fleet.advance(4000);
    let (unavailable, dead) = unserved(&mut scene, 1);
    assert!(unavailable > 200 && dead == 0, "{unavailable} {dead}");
    assert_eq!(scene.ask(1, "cluster-stable:"), "ERROR:7:unstable cluster");
    scene.start(2);
    scene.start(3);
    scene.fleet.advance(5000);
    scene.settle(&[1, 2, 3]);
    assert_eq!(unserved(&mut scene, 1), (0, 0));
    assert!(
        !scene.harms().contains(&Harm::DataLoss),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn all_copies_that_ended_uncleanly_are_dead_until_they_are_revived() {
    let all = [1, 2, 3];
    let mut scene = with_roster(&all);
    for number in [1, 2] {
        scene.stop(number, Stop::Crashed);
    }
    scene.fleet.advance(4000);
    scene.start(1);
    scene.start(2);
    scene.fleet.advance(5000);
    let (unavailable, dead) = unserved(&mut scene, 3);
    // both replicas of a third of the partitions were killed
    assert!(
        unavailable == 0 && (60..110).contains(&dead),
        "{unavailable} {dead}"
    );
    scene.fleet.take_record();
    assert_eq!(scene.ask(3, "revive:namespace=test"), "ok");
    scene.recluster(&all);
    scene.fleet.advance(500);
    scene.settle(&all);
    assert_eq!(unserved(&mut scene, 3), (0, 0));
    let line = format!(
        "VIOLATION data-loss ns=test partitions={dead} cause=dead partitions were revived on node-3"
    );
    assert_eq!(scene.lines(), [line]);
}

#[test]
fn one_that_ended_uncleanly_is_filled_from_the_others() {
    let mut scene = with_roster(&[1, 2, 3]);
    scene.stop(1, Stop::Crashed);
    scene.fleet.advance(500);
    scene.start(1);
    scene.fleet.advance(5000);
    scene.settle(&[1, 2, 3]);
    assert_eq!(unserved(&mut scene, 3), (0, 0));
    scene.stop(2, Stop::Crashed);
    scene.fleet.advance(500);
    scene.start(2);
    scene.fleet.advance(5000);
    scene.settle(&[1, 2, 3]);
    assert_eq!(unserved(&mut scene, 3), (0, 0));
}

#[test]
fn who_is_taken_off_the_roster_first_may_go() {
    let all = [1, 2, 3, 4];
    let mut scene = with_roster(&all);
    scene.fleet.take_record();
    set_roster(&mut scene, &[1, 2, 3], &all);
    scene.take_down(4, &all);
    scene.settle(&[1, 2, 3]);
    scene.fleet.erase("claim-4");
    assert_eq!(unserved(&mut scene, 1), (0, 0));
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn a_roster_without_two_of_its_nodes_at_once_is_noticed() {
    let all = [1, 2, 3, 4];
    let mut scene = with_roster(&all);
    let set = "roster-set:namespace=test;nodes=A1,A2";
    assert_eq!(scene.ask(1, set), "ok");
    scene.recluster(&all);
    scene.fleet.advance(200);
    for number in [3, 4] {
        scene.stop(number, Stop::Clean);
    }
    assert!(
        scene.harms().contains(&Harm::Unavailable),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn rosters_outlive_servers_that_have_a_work_directory() {
    let launch = |number: u64| {
        let work = format!("work-{number}");
        Launch::new(0xa0 + number)
            .namespace(strong(number))
            .work(&work)
    };
    let mut fleet = Fleet::new(5).with_partitions(64);
    for number in [1, 2] {
        fleet.start(&name(number), &launch(number)).unwrap();
    }
    fleet.advance(4000);
    let set = "roster-set:namespace=test;nodes=A2,A1";
    assert_eq!(fleet.info("node-1", set).as_deref(), Ok("ok"));
    assert_eq!(fleet.info("node-2", "recluster:").as_deref(), Ok("ok"));
    fleet.advance(1000);
    for number in [1, 2] {
        fleet.stop(&name(number), Stop::Clean);
    }
    fleet.advance(1000);
    for number in [1, 2] {
        fleet.start(&name(number), &launch(number)).unwrap();
    }
    fleet.advance(4000);
    let roster = fleet.info("node-1", "roster:namespace=test").unwrap();
    assert!(roster.starts_with("roster=A2,A1:"), "{roster}");
}

#[test]
fn a_node_that_joins_follows_the_newest_roster_of_all() {
    let mut scene = with_roster(&[1, 2, 3]);
    scene.stop(3, Stop::Clean);
    scene.fleet.advance(4000);
    // It starts without the metadata that it shared before.
    scene.start(3);
    scene.fleet.advance(5000);
    scene.settle(&[1, 2, 3]);
    let expected = "roster=A1,A2,A3:pending_roster=A1,A2,A3:observed_nodes=A3,A2,A1";
    for number in [1, 2, 3] {
        assert_eq!(scene.ask(number, "roster:namespace=test"), expected);
    }
    assert_eq!(scene.figure(3, "namespace/test", "ns_cluster_size"), "3");
}

#[test]
fn who_is_cut_off_serves_nothing_and_takes_nothing_from_the_others() {
    let mut scene = with_roster(&[1, 2, 3]);
    scene.fleet.take_record();
    scene.fleet.cut(&["node-3"], &["node-1", "node-2"]);
    scene.fleet.advance(8000);
    assert!(unserved(&mut scene, 3).0 > 0);
    assert_eq!(unserved(&mut scene, 1), (0, 0));
    let unavailable = scene.harms().contains(&Harm::Unavailable);
    assert!(!unavailable, "{:?}", scene.lines());
}

#[test]
fn a_copy_that_is_yet_to_be_filled_is_not_trusted() {
    let mut scene = with_roster(&[1, 2]);
    scene.stop(2, Stop::Clean);
    scene.fleet.advance(4000);
    scene.fleet.erase("claim-2");
    scene.fleet.inject("node-1", Fault::FreezeMigrations, None);
    scene.start(2);
    scene.fleet.advance(5000);
    scene.stop(1, Stop::Clean);
    scene.fleet.advance(5000);
    let (unavailable, dead) = unserved(&mut scene, 2);
    assert_eq!((unavailable, dead), (256, 0));
}

#[test]
fn writes_that_only_a_mistrusted_copy_has_are_passed_over() {
    let all = [1, 2, 3];
    let mut scene = Scene::settled(&all, |number| strong(number).copies(3));
    set_roster(&mut scene, &all, &all);
    scene.stop(2, Stop::Crashed);
    scene.fleet.advance(4000);
    for node in ["node-1", "node-3"] {
        scene.fleet.inject(node, Fault::FreezeMigrations, None);
    }
    scene.start(2);
    scene.fleet.advance(5000);
    scene.fleet.cut(&["node-1"], &["node-2", "node-3"]);
    scene.fleet.advance(8000);
    scene.stop(3, Stop::Crashed);
    scene.fleet.advance(500);
    assert_eq!(scene.lines(), [""; 0]);
    scene.fleet.mend();
    scene.fleet.advance(5000);
    let line = "VIOLATION unavailable ns=test partitions=256 cause=the cluster was balanced anew";
    assert_eq!(scene.lines(), [line]);
}
