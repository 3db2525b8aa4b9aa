//! What goes wrong when it is told to.

use super::*;
use crate::faults::{Fault, Point};

const ALL: [u64; 3] = [1, 2, 3];

fn scene_with(fault: Fault, calls: Option<u32>) -> Scene {
    let mut scene = Scene::settled(&ALL, on_device);
    scene.fleet.inject("node-2", fault, calls);
    scene
}

#[test]
fn a_server_is_silent_as_often_as_it_shall_be() {
    let silences = [
        (Fault::Refuse, Silence::Refused),
        (Fault::Stall, Silence::Stalled),
        (Fault::Truncate, Silence::Broken),
        (Fault::Garble, Silence::Broken),
    ];
    for (fault, silence) in silences {
        let mut scene = scene_with(fault, Some(2));
        assert_eq!(scene.fleet.info("node-2", "node"), Err(silence));
        assert_eq!(scene.fleet.info("node-2", "node"), Err(silence));
        assert_eq!(scene.fleet.info("node-2", "node"), Ok("A2".to_owned()));
    }
}

#[test]
fn an_order_is_carried_out_though_its_reply_is_lost() {
    let command = "quiesce".to_owned();
    let mut scene = scene_with(Fault::LoseReply { command }, Some(1));
    assert_eq!(
        scene.fleet.info("node-2", "quiesce:"),
        Err(Silence::Stalled)
    );
    assert_eq!(scene.figure(2, "namespace/test", "pending_quiesce"), "true");
}

#[test]
fn an_error_is_answered_in_the_place_of_doing_it() {
    let fault = Fault::Error {
        command: "quiesce:".to_owned(),
        text: "ERROR:4:not now".to_owned(),
    };
    let mut scene = scene_with(fault, Some(1));
    assert_eq!(scene.ask(2, "quiesce:"), "ERROR:4:not now");
    assert_eq!(
        scene.figure(2, "namespace/test", "pending_quiesce"),
        "false"
    );
}

#[test]
fn a_principal_may_change_while_all_are_asked() {
    let mut scene = Scene::settled(&ALL, on_device);
    scene.fleet.inject("node-3", Fault::DenyPrincipal, Some(1));
    let key = scene.ask(1, "cluster-stable:");
    for number in ALL {
        assert_eq!(scene.ask(number, "recluster:"), "ignored-by-non-principal");
    }
    assert_eq!(scene.ask(1, "cluster-stable:"), key);
    assert_eq!(scene.ask(3, "recluster:"), "ok");
}

#[test]
fn a_stale_view_outlives_the_cluster_that_it_shows() {
    let mut scene = Scene::settled(&ALL, on_device);
    scene.fleet.inject("node-1", Fault::StaleView, None);
    scene.stop(2, Stop::Crashed);
    scene.fleet.advance(10_000);
    assert!(scene.is_stable(1, 3) && scene.is_stable(3, 2));
    scene.fleet.heal("node-1");
    assert!(scene.is_stable(1, 2));
}

#[test]
fn a_full_disk_stops_writes() {
    let mut scene = scene_with(Fault::FullDisk, None);
    assert_eq!(scene.figure(2, "namespace/test", "stop_writes"), "true");
    assert_eq!(scene.figure(1, "namespace/test", "stop_writes"), "false");
}

#[test]
fn frozen_migrations_go_on_when_healed() {
    let mut scene = scene_with(Fault::FreezeMigrations, None);
    scene.stop(3, Stop::Crashed);
    scene.fleet.advance(20_000);
    assert!(!scene.is_stable(2, 2));
    scene.fleet.heal("node-2");
    scene.fleet.advance(5000);
    assert!(scene.is_stable(2, 2));
}

#[test]
fn a_server_crashes_at_the_point_that_was_named() {
    let point = Point::AfterQuiesce;
    let mut scene = scene_with(Fault::Crash { point }, Some(1));
    assert_eq!(scene.ask(2, "build"), "8.1.2.0");
    assert_eq!(scene.fleet.info("node-2", "quiesce:"), Err(Silence::Broken));
    assert!(!scene.fleet.runs("node-2"));
    let point = Point::DuringMigration;
    scene
        .fleet
        .inject("node-1", Fault::Crash { point }, Some(1));
    scene.fleet.advance(4000);
    assert!(!scene.fleet.runs("node-1"));
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn a_roster_that_was_not_kept_is_forgotten() {
    let strong = |number: u64| {
        let work = format!("work-{number}");
        let namespace = on_device(number).strong();
        Launch::new(0xa0 + number).namespace(namespace).work(&work)
    };
    let mut fleet = Fleet::new(5).with_partitions(64);
    fleet.start("node-1", &strong(1)).unwrap();
    fleet.advance(4000);
    let point = Point::BeforeMetadataIsKept;
    fleet.inject("node-1", Fault::Crash { point }, Some(1));
    let set = "roster-set:namespace=test;nodes=A1";
    assert_eq!(fleet.info("node-1", set), Err(Silence::Broken));
    fleet.start("node-1", &strong(1)).unwrap();
    fleet.advance(4000);
    let roster = fleet.info("node-1", "roster:namespace=test");
    assert_eq!(
        roster.as_deref(),
        Ok("roster=null:pending_roster=null:observed_nodes=A1")
    );
}
