//! Which stopped pods come back, and which do not.

use super::*;
use crate::{
    plan::{
        Effect, Kind, Server, next, objects,
        world::{World, clusters::Wish},
    },
    resolve::Edition,
};

const STOPPED: &str = "aerocluster-1-2";

fn community(size: u32) -> Wish {
    Wish {
        community: true,
        security: false,
        ..Wish::of(size, 1)
    }
}

/// A cluster of two whose third pod is gone, and how many seconds ago that was ordered. The others have long been up.
fn stopped() -> (Desired, Observed, u64) {
    let mut world = World::settled(&community(3));
    world.wish(community(2).resolve());
    world.pass_until(|world, _| world.replicas()["aerocluster-1"] == 2);
    for _ in 0..10 {
        world.settle();
    }
    let mut observed = world.observe();
    assert!(!observed.pods.contains_key(STOPPED));
    uptimes(&mut observed, [100_000, 100_000]);
    let set = &observed.objects[&(Kind::StatefulSet, "aerocluster-1".to_owned())];
    let ago = observed.now.as_second() - set.scaled().unwrap().as_second();
    (world.desired, observed, u64::try_from(ago).unwrap())
}

fn uptimes(observed: &mut Observed, seconds: [u64; 2]) {
    for (server, seconds) in observed.servers.values_mut().zip(seconds) {
        let Server::Answered(view) = server else {
            panic!("{server:?}")
        };
        view.cluster.uptime = seconds;
    }
}

fn comes_back(desired: &Desired, observed: &Observed) -> Option<(String, i32, i32)> {
    returning(desired, observed).map(|(pod, to)| (pod, to.from, to.to))
}

#[test]
fn a_pod_comes_back_if_another_was_restarted_since_shortly_before_it_stopped() {
    let (desired, mut observed, ago) = stopped();
    assert_eq!(comes_back(&desired, &observed), None);
    uptimes(&mut observed, [100_000, ago + 30]);
    assert_eq!(comes_back(&desired, &observed), None, "long before");
    let back = Some((STOPPED.to_owned(), 2, 3));
    for seconds in [0, ago, ago + 29] {
        uptimes(&mut observed, [100_000, seconds]);
        assert_eq!(comes_back(&desired, &observed), back, "{seconds} of {ago}");
    }
}

#[test]
fn what_it_reads_is_there_before_it_comes_back() {
    let (desired, mut observed, _) = stopped();
    uptimes(&mut observed, [100_000, 5]);
    observed.objects.retain(|(kind, _), _| *kind != Kind::Role);
    let applied = |effect: &Effect| match effect {
        Effect::Apply { object, .. } => object
            .body
            .to_string()
            .contains(STOPPED)
            .then_some(object.kind),
        _ => None,
    };
    let upkeep = objects::keep(&desired, &observed).upkeep;
    let kinds: Vec<_> = upkeep.iter().filter_map(applied).collect();
    assert!(kinds.contains(&Kind::Role), "{kinds:?}");
    let plan = next(&desired, &observed);
    assert_eq!(plan.step, None, "first its rights");
    assert_eq!(
        call_back(&desired, &observed).step,
        returning(&desired, &observed).map(|(_, to)| Step::Grow(to))
    );
}

#[test]
fn a_pod_of_which_nothing_is_left_or_that_handed_all_over_stays_away() {
    let (desired, mut observed, _) = stopped();
    uptimes(&mut observed, [5, 5]);
    assert!(returning(&desired, &observed).is_some());
    let mut without = observed.clone();
    without
        .claims
        .retain(|claim| !claim.name.ends_with(STOPPED));
    assert_eq!(returning(&desired, &without), None, "no disk");
    let mut going = observed.clone();
    for claim in &mut going.claims {
        claim.deleting = claim.name.ends_with(STOPPED);
    }
    assert_eq!(returning(&desired, &going), None, "its disk goes");
    let mut forgotten = observed.clone();
    forgotten.status.pods.remove(STOPPED);
    assert_eq!(returning(&desired, &forgotten), None, "it is forgotten");
    let mut there = observed.clone();
    there
        .pods
        .insert(STOPPED.to_owned(), there.pods["aerocluster-1-0"].clone());
    assert_eq!(returning(&desired, &there), None, "it is there");
    let mut drained = desired.clone();
    drained.image.edition = Edition::Enterprise;
    assert_eq!(returning(&drained, &observed), None, "it was drained");
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    let set = observed.objects.get_mut(&key).unwrap();
    std::sync::Arc::make_mut(&mut set.body)["metadata"]["managedFields"] = serde_json::json!([]);
    assert_eq!(
        returning(&desired, &observed),
        None,
        "it was not we who stopped it"
    );
}
