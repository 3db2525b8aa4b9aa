//! Operators that break one rule each: the simulator tells what they did. So a history without harm means something.

use simulator::fleet::Harm;

use super::{World, clusters::Wish, pods::Stage};
use crate::{
    plan::{
        Renewal, Restart, StopFor,
        outdated::{Change, Remedy},
    },
    resources::names,
};

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
fn two_of_a_roster_that_stop_together_are_noticed_though_they_were_drained() {
    for (strong, harm) in [(false, vec![]), (true, vec![Harm::Unavailable])] {
        let mut world = World::settled(&Wish {
            strong,
            device: true,
            security: false,
            ..Wish::of(4, 1)
        });
        world.drain(BUT_LAST);
        world.drain(LAST);
        world.stop(BUT_LAST);
        world.stop(LAST);
        world.servers.advance(5_000);
        assert_eq!(world.harm(), harm);
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

fn restart_of(world: &mut World, pods: &[&str]) -> Restart {
    let observed = world.observe();
    let renewal = |pod: &&str| Renewal {
        pod: (*pod).to_owned(),
        uid: observed.pods[*pod].uid.clone(),
        resource_version: observed.pods[*pod].resource_version.clone(),
        changes: vec![Change::Configuration(Remedy::PodRestart)],
        remedy: Remedy::PodRestart,
        claims: Vec::new(),
    };
    let (rack, _) = names::parse_pod("aerocluster", pods[0]).unwrap();
    Restart {
        rack,
        stopped_for: StopFor::Restart,
        pods: pods.iter().map(renewal).collect(),
    }
}

/// Of two racks, with another configuration.
fn edited() -> World {
    let wish = Wish::of(4, 2);
    let mut world = World::settled(&wish);
    let edited = Wish {
        proto_fd_max: 20_000,
        ..wish
    };
    world.wish(edited.resolve());
    world.apply_objects();
    world
}

#[test]
fn one_that_restarts_without_quiesce_is_seen_by_clients() {
    let mut world = edited();
    let restart = restart_of(&mut world, &["aerocluster-1-1"]);
    world.restart(&restart).unwrap();
    world.servers.advance(500);
    assert_eq!(world.harm(), [Harm::ClientVisible]);
}

#[test]
#[should_panic(expected = "aerocluster-1-1 is not back while")]
fn one_that_restarts_in_two_racks_at_once_is_caught() {
    let mut world = edited();
    for pod in ["aerocluster-1-1", "aerocluster-2-1"] {
        let restart = restart_of(&mut world, &[pod]);
        world.restart(&restart).unwrap();
    }
}

#[test]
#[should_panic(expected = "is needless")]
fn one_that_restarts_what_is_as_wanted_is_caught() {
    let mut world = World::settled(&Wish::of(4, 2));
    let restart = restart_of(&mut world, &["aerocluster-1-1"]);
    world.restart(&restart).unwrap();
}

#[test]
#[should_panic(expected = "was restarted before")]
fn one_that_restarts_twice_for_one_edit_is_caught() {
    let mut world = edited();
    let restart = restart_of(&mut world, &["aerocluster-1-1"]);
    world.restart(&restart).unwrap();
    let restart = restart_of(&mut world, &["aerocluster-1-1"]);
    world.restart(&restart).unwrap();
}

#[test]
fn one_that_acts_on_what_it_saw_before_is_refused() {
    let mut world = edited();
    let restart = restart_of(&mut world, &["aerocluster-1-1"]);
    world.servers.crash("aerocluster-1-1");
    world.pods.get_mut("aerocluster-1-1").unwrap().stage = Stage::Failed;
    assert!(world.restart(&restart).is_err());
}

#[test]
fn one_that_deletes_a_claim_too_early_loses_data() {
    let mut world = settled(1, true);
    world.stop(LAST);
    world.delete_claim_of(LAST);
    assert!(world.harm().contains(&Harm::DataLoss), "{:?}", world.harm());
}
