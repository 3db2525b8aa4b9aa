//! Operators that break one rule each: the simulator tells what they did. So a history without harm means something.

use simulator::fleet::Harm;

use super::{World, clusters::Wish};
use crate::resources::names;

const LAST: &str = "aerocluster-1-3";
const BUT_LAST: &str = "aerocluster-1-2";

fn settled(copies: u32, device: bool) -> World {
    World::settled(&Wish {
        copies,
        device,
        ..Wish::of(4, 1)
    })
}

impl World {
    /// Takes a node out of the data path, as it should be done.
    fn drain(&mut self, pod: &str) {
        self.servers.tell(pod, "quiesce:").unwrap();
        let pods: Vec<_> = self.pods.keys().cloned().collect();
        for other in pods {
            self.servers.tell(&other, "recluster:").unwrap();
        }
        self.servers.advance(20_000);
    }

    fn stop(&mut self, pod: &str) {
        self.servers.stop(pod);
        self.servers.advance(500);
    }

    fn delete_claim_of(&mut self, pod: &str) {
        let claim = self.claims[&names::claim("workdir", pod)].uid.clone();
        self.servers.erase(&claim);
    }

    fn harm(&self) -> Vec<Harm> {
        let mut harm: Vec<_> = self.servers.record().iter().map(|it| it.harm).collect();
        harm.sort();
        harm.dedup();
        harm
    }
}

#[test]
fn one_that_drains_before_it_stops_does_no_harm() {
    let mut world = settled(2, true);
    world.drain(LAST);
    world.stop(LAST);
    world.delete_claim_of(LAST);
    assert_eq!(world.harm(), []);
}

#[test]
fn one_that_stops_without_quiesce_is_seen_by_clients() {
    let mut world = settled(2, true);
    world.stop(LAST);
    assert_eq!(world.harm(), [Harm::ClientVisible]);
}

#[test]
fn one_that_trusts_the_survivors_alone_loses_data() {
    let mut world = settled(2, false);
    world.servers.crash(BUT_LAST);
    world.servers.advance(500);
    let said = world
        .servers
        .say("aerocluster-1-0", "cluster-stable:size=4");
    assert!(
        said.is_some_and(|key| !key.starts_with("ERROR")),
        "it is fooled"
    );
    world.stop(LAST);
    assert!(world.harm().contains(&Harm::DataLoss), "{:?}", world.harm());
}

#[test]
fn one_that_stops_two_at_once_takes_data_away() {
    let mut world = settled(2, true);
    world.servers.stop(LAST);
    world.servers.stop(BUT_LAST);
    world.servers.advance(500);
    assert!(
        world.harm().contains(&Harm::Unavailable),
        "{:?}",
        world.harm()
    );
}

#[test]
fn one_that_deletes_a_claim_too_early_loses_data() {
    let mut world = settled(1, true);
    world.stop(LAST);
    world.delete_claim_of(LAST);
    assert!(world.harm().contains(&Harm::DataLoss), "{:?}", world.harm());
}
