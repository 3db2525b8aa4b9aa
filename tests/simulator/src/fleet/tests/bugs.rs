//! Operators that get it wrong: the record says what they did.

use super::*;

#[test]
fn one_that_stops_a_server_without_quiesce_is_seen_by_clients() {
    let mut scene = Scene::settled(&[1, 2, 3], on_device);
    scene.stop(2, Stop::Clean);
    assert_eq!(scene.harms(), [Harm::ClientVisible]);
    let line = &scene.lines()[0];
    assert!(
        line.starts_with("VIOLATION client-visible ns=test partitions="),
        "{line}"
    );
    assert!(line.ends_with("cause=node-2 was stopped"), "{line}");
}

#[test]
fn one_that_does_not_wait_until_clients_have_looked_is_seen_by_them() {
    let mut scene = Scene::settled(&[1, 2, 3], on_device);
    scene.ask(2, "quiesce:");
    scene.recluster(&[1, 2, 3]);
    scene.fleet.advance(500);
    assert_eq!(
        scene.figure(2, "namespace/test", "effective_is_quiesced"),
        "true"
    );
    scene.stop(2, Stop::Clean);
    assert_eq!(scene.harms(), [Harm::ClientVisible]);
}

#[test]
fn one_that_trusts_survivors_alone_loses_data() {
    let mut scene = Scene::settled(&[1, 2, 3], in_memory);
    scene.stop(2, Stop::Crashed);
    scene.start(2);
    scene.fleet.advance(500);
    assert!(scene.is_stable(1, 3) && scene.is_stable(3, 3));
    assert_eq!(
        scene.ask(2, "cluster-stable:size=3"),
        "ERROR:7:unstable cluster"
    );
    assert_eq!(scene.lines(), Vec::<String>::new());
    scene.stop(3, Stop::Clean);
    scene.fleet.advance(200);
    assert!(scene.harms().contains(&Harm::DataLoss));
    assert!(
        scene
            .lines()
            .last()
            .unwrap()
            .ends_with("cause=node-3 was stopped")
    );
}

#[test]
fn one_that_removes_two_at_once_loses_data() {
    let mut scene = Scene::settled(&[1, 2, 3, 4], in_memory);
    for number in [3, 4] {
        scene.ask(number, "quiesce:");
    }
    scene.recluster(&[1, 2, 3, 4]);
    scene.fleet.advance(300);
    scene.stop(3, Stop::Clean);
    scene.stop(4, Stop::Clean);
    scene.fleet.advance(200);
    assert!(
        scene.harms().contains(&Harm::DataLoss),
        "{:?}",
        scene.lines()
    );
}

#[test]
fn one_that_deletes_a_claim_too_early_loses_data() {
    fn once(number: u64) -> Namespace {
        on_device(number).copies(1)
    }
    let mut scene = Scene::settled(&[1, 2, 3], once);
    scene.ask(3, "quiesce:");
    scene.recluster(&[1, 2, 3]);
    scene.fleet.advance(500);
    scene.stop(3, Stop::Clean);
    scene.fleet.advance(500);
    let last = scene.fleet.last_holder("claim-3");
    assert!(last["test"] > 0, "{last:?}");
    scene.fleet.take_record();
    scene.fleet.erase("claim-3");
    let line = format!(
        "VIOLATION data-loss ns=test partitions={} cause=claim-3 was erased",
        last["test"]
    );
    assert_eq!(scene.lines(), [line]);
}

#[test]
fn one_that_waits_for_migrations_may_delete_the_claim() {
    fn once(number: u64) -> Namespace {
        on_device(number).copies(1)
    }
    let mut scene = Scene::settled(&[1, 2, 3], once);
    scene.take_down(3, &[1, 2, 3]);
    assert!(scene.fleet.last_holder("claim-3").is_empty());
    scene.fleet.erase("claim-3");
    assert_eq!(scene.lines(), Vec::<String>::new());
}
