//! What the model itself promises.

use super::*;
use proptest::prelude::*;

#[test]
fn taking_down_one_at_a_time_with_care_loses_nothing_and_disturbs_nobody() {
    let mut scene = Scene::settled(&[1, 2, 3, 4], in_memory);
    scene.take_down(4, &[1, 2, 3, 4]);
    scene.take_down(3, &[1, 2, 3]);
    scene.settle(&[1, 2]);
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn a_rolling_restart_with_care_loses_nothing_in_memory() {
    let all = [1, 2, 3];
    let mut scene = Scene::settled(&all, in_memory);
    for number in all {
        scene.take_down(number, &all);
        scene.start(number);
        scene.fleet.advance(3000);
        scene.settle(&all);
        scene.fleet.advance(1500);
    }
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn two_that_stop_at_once_lose_what_only_they_had() {
    let mut scene = Scene::settled(&[1, 2, 3, 4], in_memory);
    scene.stop(1, Stop::Killed);
    scene.stop(2, Stop::Killed);
    assert!(
        scene.harms().contains(&Harm::DataLoss),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn with_disks_two_that_stop_at_once_make_it_unavailable_only() {
    let mut scene = Scene::settled(&[1, 2, 3, 4], on_device);
    scene.stop(1, Stop::Clean);
    scene.stop(2, Stop::Clean);
    scene.fleet.advance(3000);
    assert_eq!(scene.harms(), [Harm::Unavailable, Harm::ClientVisible]);
    scene.start(1);
    scene.start(2);
    scene.fleet.advance(3000);
    scene.settle(&[1, 2, 3, 4]);
    assert!(!scene.harms().contains(&Harm::DataLoss));
    scene.fleet.take_record();
    scene.stop(3, Stop::Clean);
    assert!(
        !scene.harms().contains(&Harm::Unavailable),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn killed_servers_lose_what_was_in_their_buffers() {
    let mut scene = Scene::settled(&[1, 2, 3], on_device);
    scene.stop(1, Stop::Crashed);
    assert_eq!(scene.lines(), Vec::<String>::new());
    scene.fleet.advance(300);
    scene.stop(2, Stop::Crashed);
    assert_eq!(scene.harms(), [Harm::DataLoss]);
}

#[test]
fn a_disk_of_somebody_else_is_refused() {
    let mut scene = Scene::settled(&[1, 2], on_device);
    scene.stop(1, Stop::Clean);
    scene.fleet.advance(200);
    let foreign = Launch::new(0xa3).namespace(on_device(1));
    let renamed = Namespace::new("other").on(Storage::device("claim-1"));
    let renamed = Launch::new(0xa1).namespace(renamed);
    let strong = Launch::new(0xa1).namespace(on_device(1).strong());
    let refusals = [
        (
            foreign,
            "CRITICAL (drv_ssd): {test} /dev/xvdf: belongs to node A1, not A3",
        ),
        (
            renamed,
            "CRITICAL (drv_ssd): /dev/xvdf: previous namespace test now other - check config or erase device",
        ),
        (
            strong,
            "CRITICAL (drv_ssd): {test} /dev/xvdf: strong-consistency changed from false to true",
        ),
    ];
    for (launch, text) in refusals {
        let refusal = scene.fleet.start("node-9", &launch).unwrap_err();
        assert_eq!(refusal.to_string(), text);
    }
    scene.fleet.erase("claim-1");
    let launch = Launch::new(0xa3).namespace(on_device(1));
    assert_eq!(scene.fleet.start("node-9", &launch), Ok(()));
}

#[test]
fn disks_in_another_order_are_refused() {
    let pair = |one: &str, other: &str| {
        let disks = [("/dev/xvdf", one), ("/dev/xvdg", other)];
        let disks = disks.map(|(path, disk)| (path.to_owned(), disk.to_owned()));
        Launch::new(0xa1).namespace(Namespace::new("test").on(Storage::Disks(disks.to_vec())))
    };
    let mut fleet = Fleet::new(1).with_partitions(16);
    fleet.start("node", &pair("one", "other")).unwrap();
    fleet.stop("node", Stop::Killed);
    let refusal = fleet.start("node", &pair("other", "one")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "CRITICAL (drv_ssd): {test} /dev/xvdf: was device 1 and is now 0"
    );
    assert_eq!(fleet.start("node", &pair("one", "other")), Ok(()));
}

#[test]
fn shared_memory_outlives_the_process() {
    fn shared(number: u64) -> Namespace {
        let memory = Storage::SharedMemory(format!("pod-{number}"));
        Namespace::new("test").copies(1).on(memory)
    }
    let mut scene = Scene::settled(&[1], shared);
    scene.stop(1, Stop::Crashed);
    scene.start(1);
    scene.fleet.advance(5000);
    assert_eq!(scene.lines(), Vec::<String>::new());
    scene.stop(1, Stop::Crashed);
    scene.fleet.erase("pod-1");
    assert_eq!(
        scene.lines(),
        ["VIOLATION data-loss ns=test partitions=256 cause=pod-1 was erased"]
    );
}

#[test]
fn copies_that_nobody_needs_are_dropped_only_when_all_has_moved() {
    let mut scene = Scene::settled(&[1, 2], in_memory);
    scene.fleet = scene.fleet.with_slow_migrations(10);
    scene.start(3);
    scene.fleet.advance(4000);
    let surplus = |scene: &mut Scene| {
        let figures = [1, 2].map(|it| scene.figure(it, "namespace/test", "non_replica_objects"));
        figures
            .iter()
            .map(|it| it.parse::<u64>().unwrap())
            .sum::<u64>()
    };
    assert!(surplus(&mut scene) > 0);
    scene.settle(&[1, 2, 3]);
    assert_eq!(surplus(&mut scene), 0);
}

#[test]
fn frozen_migrations_stand_still() {
    let mut scene = Scene::settled(&[1, 2], in_memory);
    for number in [1, 2] {
        scene.ask(number, "set-config:context=service;migrate-threads=0");
    }
    scene.start(3);
    scene.fleet.advance(20_000);
    assert!(!scene.is_stable(3, 3));
    for number in [1, 2] {
        scene.ask(number, "set-config:context=service;migrate-threads=1");
    }
    scene.fleet.advance(5000);
    assert!(scene.is_stable(3, 3));
}

#[test]
fn fills_wait_for_their_delay_and_what_leads_to_a_master_does_not() {
    let mut scene = Scene::settled(&[1, 2], in_memory);
    for number in [1, 2] {
        scene.ask(number, "set-config:context=service;migrate-fill-delay=60");
    }
    scene.start(3);
    scene.fleet.advance(20_000);
    let lead = scene.figure(1, "namespace/test", "migrate_tx_partitions_lead_remaining");
    let all = scene.figure(1, "namespace/test", "migrate_tx_partitions_remaining");
    assert_eq!(lead, "0");
    assert_ne!(all, "0");
    scene.fleet.advance(50_000);
    assert!(scene.is_stable(1, 3));
}

#[test]
fn racks_keep_copies_apart() {
    fn in_racks(number: u64) -> Namespace {
        Namespace::new("test").rack(u32::try_from(number % 2).unwrap() + 1)
    }
    let mut scene = Scene::settled(&[1, 2, 3, 4], in_racks);
    scene.stop(2, Stop::Crashed);
    scene.stop(4, Stop::Crashed);
    assert_eq!(scene.lines(), Vec::<String>::new());
}

#[test]
fn a_cluster_that_was_cut_in_two_keeps_what_both_sides_wrote() {
    let mut scene = Scene::settled(&[1, 2, 3, 4], on_device);
    scene
        .fleet
        .cut(&["node-1", "node-2"], &["node-3", "node-4"]);
    scene.fleet.advance(5000);
    assert!(scene.is_stable(1, 2) && scene.is_stable(4, 2));
    assert_ne!(
        scene.ask(1, "cluster-stable:"),
        scene.ask(4, "cluster-stable:")
    );
    scene.fleet.mend();
    scene.fleet.advance(5000);
    scene.settle(&[1, 2, 3, 4]);
    for number in [1, 2] {
        scene.stop(number, Stop::Crashed);
        scene.fleet.advance(4000);
        scene.settle(&[1, 2, 3, 4][usize::try_from(number).unwrap()..]);
    }
    assert!(
        !scene.harms().contains(&Harm::DataLoss),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn servers_find_each_other_by_their_seeds_and_by_hearsay() {
    let launch = |id, seeds: &[&str]| {
        Launch::new(id)
            .namespace(Namespace::new("test"))
            .seeds(seeds)
    };
    let mut fleet = Fleet::new(3).with_partitions(16);
    fleet.start("one", &launch(0xa1, &["two:3002"])).unwrap();
    fleet
        .start("two", &launch(0xa2, &["three:3002", "gone:3002"]))
        .unwrap();
    fleet.start("three", &launch(0xa3, &[])).unwrap();
    fleet.start("four", &launch(0xa4, &["one:3003"])).unwrap();
    fleet.advance(5000);
    assert_eq!(fleet.info("one", "get-sl"), Ok("A3,A2,A1".to_owned()));
    assert_eq!(fleet.info("four", "get-sl"), Ok("A4".to_owned()));
    assert_eq!(fleet.dead_seeds("two"), ["gone:3002"]);
    let cleared = fleet.info("two", "tip-clear:host-port-list=gone:3002");
    assert_eq!(cleared, Ok("ok".to_owned()));
    assert_eq!(fleet.dead_seeds("two"), Vec::<String>::new());
}

#[test]
fn what_no_server_knows_is_recorded() {
    let mut scene = Scene::settled(&[1], in_memory);
    assert_eq!(scene.ask(1, "nosuch"), "ERROR:4:unrecognized command");
    assert_eq!(
        scene.lines(),
        ["VIOLATION unknown-info 'nosuch' cause=node-1 was asked"]
    );
}

/// What may happen to a cluster that is looked after.
#[derive(Debug, Clone)]
enum Care {
    Add,
    Remove(u64),
    Restart(u64),
    Crash(u64),
}

fn care() -> impl Strategy<Value = Care> {
    prop_oneof![
        Just(Care::Add),
        (0_u64..8).prop_map(Care::Remove),
        (0_u64..8).prop_map(Care::Restart),
        (0_u64..8).prop_map(Care::Crash),
    ]
}

/// One change at a time, each when the one before has settled.
fn look_after(mut scene: Scene, steps: Vec<Care>) -> Scene {
    let mut all = vec![1, 2, 3];
    let mut next = 4;
    for step in steps {
        let pick = |number: u64, all: &[u64]| all[usize::try_from(number).unwrap() % all.len()];
        match step {
            Care::Add if all.len() < 8 => {
                scene.start(next);
                all.push(next);
                next += 1;
            }
            Care::Remove(number) if all.len() > 2 => {
                let number = pick(number, &all);
                scene.take_down(number, &all);
                all.retain(|it| *it != number);
            }
            Care::Restart(number) if all.len() > 1 => {
                let number = pick(number, &all);
                scene.take_down(number, &all);
                scene.start(number);
            }
            Care::Crash(number) if all.len() > 1 => {
                let number = pick(number, &all);
                scene.stop(number, Stop::Crashed);
                scene.start(number);
            }
            _ => continue,
        }
        scene.fleet.advance(4000);
        scene.settle(&all);
        scene.fleet.advance(1500);
    }
    scene
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn care_keeps_all_data_and_all_clients(steps in proptest::collection::vec(care(), 1..12), disks in any::<bool>()) {
        let namespace = if disks { on_device } else { in_memory };
        let mut scene = Scene::settled(&[1, 2, 3], namespace);
        scene.fleet = scene.fleet.with_partitions(256);
        let scene = look_after(scene, steps);
        prop_assert_eq!(scene.lines(), Vec::<String>::new());
    }
}
