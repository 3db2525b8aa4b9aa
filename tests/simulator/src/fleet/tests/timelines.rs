//! What three servers of 8.1.2 were seen to do, in milliseconds from the event (heartbeat 150 ms × 10).

use super::*;

const ALL: [u64; 3] = [1, 2, 3];

fn whole() -> Scene {
    let fleet = Fleet::new(11);
    let mut scene = Scene {
        fleet,
        namespace: in_memory,
    };
    ALL.iter().for_each(|it| scene.start(*it));
    scene.settle(&ALL);
    scene.fleet.advance(2000);
    scene
}

fn remaining(scene: &mut Scene, number: u64) -> u64 {
    let text = scene.figure(number, "statistics", "migrate_partitions_remaining");
    text.parse().unwrap()
}

#[test]
fn three_servers_started_together_are_stable_after_one_and_a_half_to_two_seconds() {
    let mut scene = Scene::of(&ALL, in_memory);
    let took = scene.settle(&ALL);
    assert!((1400..2200).contains(&took), "{took}");
}

#[test]
fn survivors_report_a_lost_server_for_two_seconds_and_call_that_stable() {
    let mut scene = whole();
    scene.stop(2, Stop::Killed);
    scene.fleet.advance(1800);
    for number in [1, 3] {
        assert!(scene.is_stable(number, 3));
        assert_eq!(scene.figure(number, "statistics", "cluster_size"), "3");
        assert_eq!(
            scene.figure(number, "statistics", "cluster_integrity"),
            "true"
        );
    }
    assert_eq!(scene.ask(2, "build"), "connection refused");
    scene.fleet.advance(400);
    for number in [1, 3] {
        assert_eq!(scene.figure(number, "statistics", "cluster_size"), "2");
        assert!(!scene.is_stable(number, 2));
        let command = "cluster-stable:size=2;ignore-migrations=true";
        assert!(!scene.ask(number, command).starts_with("ERROR"));
    }
    // 2747 of 4096 partitions had a copy on the lost one
    let left = remaining(&mut scene, 1);
    assert!((2000..2800).contains(&left), "{left}");
    assert_eq!(remaining(&mut scene, 3), left);
    let took = scene.settle(&[1, 3]);
    assert!((500..12_000).contains(&took), "{took}");
}

#[test]
fn asking_to_stop_is_noticed_no_sooner_than_killing() {
    let mut scene = whole();
    scene.stop(2, Stop::Clean);
    scene.fleet.advance(1800);
    assert!(scene.is_stable(1, 3));
    scene.fleet.advance(500);
    assert_eq!(scene.figure(1, "statistics", "cluster_size"), "2");
}

#[test]
fn a_server_that_restarts_at_once_is_the_only_one_that_tells() {
    let mut scene = whole();
    let key = scene.ask(1, "cluster-stable:size=3");
    scene.stop(2, Stop::Killed);
    scene.fleet.advance(70);
    scene.start(2);
    for _ in 0..17 {
        scene.fleet.advance(100);
        assert_eq!(scene.ask(1, "cluster-stable:size=3"), key);
        assert_eq!(scene.ask(3, "cluster-stable:size=3"), key);
    }
    assert_eq!(scene.figure(2, "statistics", "cluster_size"), "0");
    assert_eq!(scene.figure(2, "statistics", "cluster_key"), "0");
    assert_eq!(scene.ask(2, "cluster-stable:"), "ERROR:7:unstable cluster");
    scene.fleet.advance(900);
    let keys = ALL.map(|it| scene.figure(it, "statistics", "cluster_key"));
    assert!(keys.iter().all(|it| *it == keys[0] && *it != key));
    assert!(remaining(&mut scene, 2) > 1500);
    scene.settle(&ALL);
}

#[test]
fn an_empty_server_that_joins_receives_two_thirds_of_the_partitions() {
    let mut scene = whole();
    scene.stop(2, Stop::Killed);
    scene.fleet.advance(5000);
    scene.settle(&[1, 3]);
    scene.fleet = scene.fleet.with_slow_migrations(4);
    scene.start(2);
    scene.fleet.advance(1300);
    assert!(scene.is_stable(1, 2));
    assert_eq!(scene.ask(2, "cluster-stable:"), "ERROR:7:unstable cluster");
    scene.fleet.advance(500);
    let [one, two, three] = ALL.map(|it| {
        let left = |kind: &str| format!("migrate_{kind}_partitions_initial");
        let sends = scene.figure(it, "namespace/test", &left("tx"));
        let receives = scene.figure(it, "namespace/test", &left("rx"));
        (
            sends.parse::<u64>().unwrap(),
            receives.parse::<u64>().unwrap(),
        )
    });
    assert_eq!((two.0, one.1, three.1), (0, 0, 0));
    assert_eq!(one.0 + three.0, two.1);
    assert!((2650..2820).contains(&two.1), "{two:?}");
    assert!((1250..1500).contains(&one.0), "{one:?}");
    let surplus = scene.figure(1, "namespace/test", "non_replica_objects");
    assert_ne!(surplus, "0");
    scene.settle(&ALL);
    assert_eq!(
        scene.figure(1, "namespace/test", "non_replica_objects"),
        "0"
    );
}

#[test]
fn without_their_principal_servers_are_orphans_for_half_a_second() {
    let mut scene = whole();
    scene.stop(3, Stop::Killed);
    scene.fleet.advance(1300);
    for number in [1, 2] {
        assert_eq!(scene.ask(number, "recluster:"), "ignored-by-non-principal");
        assert!(scene.is_stable(number, 3));
    }
    scene.fleet.advance(400);
    for number in [1, 2] {
        assert_eq!(
            scene.figure(number, "statistics", "cluster_integrity"),
            "false"
        );
        assert_eq!(
            scene.figure(number, "statistics", "migrate_allowed"),
            "false"
        );
        assert_eq!(
            scene.figure(number, "namespace/test", "unavailable_partitions"),
            "4096"
        );
    }
    scene.fleet.advance(600);
    assert_eq!(scene.figure(1, "statistics", "cluster_principal"), "A2");
    assert_eq!(scene.figure(1, "statistics", "cluster_size"), "2");
}

#[test]
fn the_last_of_three_is_stable_alone_and_its_statistics_do_not_show_what_is_lost() {
    let mut scene = whole();
    scene.stop(2, Stop::Killed);
    scene.stop(3, Stop::Killed);
    scene.fleet.advance(2400);
    assert!(scene.is_stable(1, 1));
    for (key, value) in [
        ("dead_partitions", "0"),
        ("unavailable_partitions", "0"),
        ("stop_writes", "false"),
    ] {
        assert_eq!(scene.figure(1, "namespace/test", key), value);
    }
    let loss = scene
        .fleet
        .record()
        .iter()
        .find(|it| it.harm == Harm::DataLoss)
        .unwrap();
    // 7009 of 20000 records were gone
    assert!((1250..1480).contains(&loss.partitions), "{loss}");
}

#[test]
fn a_frozen_server_wakes_up_alone() {
    let mut scene = whole();
    scene.fleet.freeze("node-2");
    assert_eq!(scene.ask(2, "build"), "no answer in time");
    scene.fleet.advance(2200);
    assert_eq!(scene.figure(1, "statistics", "cluster_size"), "2");
    scene.fleet.advance(3000);
    scene.fleet.thaw("node-2");
    scene.fleet.advance(100);
    assert_eq!(scene.figure(2, "statistics", "cluster_size"), "1");
    scene.fleet.advance(2600);
    assert_eq!(scene.figure(2, "statistics", "cluster_size"), "3");
}

#[test]
fn unequal_replication_factors_wedge_the_cluster() {
    let mut scene = Scene::settled(&[1, 2], in_memory);
    let launch = Launch::new(0xa3).namespace(Namespace::new("test").copies(3));
    scene.fleet.start("node-3", &launch).unwrap();
    scene.fleet.advance(6000);
    for number in [1, 2] {
        assert_eq!(
            scene.ask(number, "cluster-stable:"),
            "ERROR:7:unstable cluster"
        );
        assert_eq!(
            scene.figure(number, "statistics", "migrate_allowed"),
            "false"
        );
        assert_eq!(scene.figure(number, "statistics", "cluster_size"), "2");
    }
    assert_eq!(scene.figure(3, "statistics", "cluster_size"), "0");
    assert_eq!(scene.ask(3, "recluster:"), "ERROR::unknown");
}

#[test]
fn two_servers_with_one_id_are_reported_by_all() {
    let mut scene = Scene::settled(&[1, 2, 3], in_memory);
    let launch = Launch::new(0xa2).namespace(Namespace::new("test"));
    scene.fleet.start("other-2", &launch).unwrap();
    scene.fleet.advance(3000);
    for number in ALL {
        assert_eq!(
            scene.figure(number, "statistics", "cluster_duplicate_nodes"),
            "A2"
        );
    }
}

#[test]
fn another_cluster_name_is_another_cluster_that_calls_itself_stable() {
    let mut scene = Scene::settled(&[1, 2], in_memory);
    let launch = Launch::new(0xa4).namespace(Namespace::new("test"));
    scene
        .fleet
        .start("node-4", &launch.cluster_name("other"))
        .unwrap();
    scene.fleet.advance(4000);
    assert!(scene.is_stable(4, 1) && scene.is_stable(1, 2));
}

#[test]
fn who_left_stays_among_the_alumni_until_they_are_reset() {
    let mut scene = Scene::settled(&[1, 2, 3], in_memory);
    scene.stop(2, Stop::Clean);
    scene.fleet.advance(3000);
    assert!(!scene.ask(1, "peers-clear-std").contains("A2"));
    assert!(scene.ask(1, "alumni-clear-std").contains("A2"));
    assert_eq!(scene.ask(1, "services-alumni-reset"), "ok");
    assert!(!scene.ask(1, "alumni-clear-std").contains("A2"));
}
