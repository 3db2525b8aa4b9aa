//! What goes after a pod, in which order, and what stays.

use serde_json::json;

use super::*;
use crate::{
    api::status::PodStatus,
    plan::{
        Live, Pod, PodHealth, Server,
        world::{World, clusters::Wish},
    },
};

const REMOVED: &str = "aerocluster-1-2";
const CLAIM: &str = "workdir-aerocluster-1-2";

/// A settled cluster of two that had a third pod.
fn after_removal() -> (Desired, Observed) {
    let wish = Wish::of(2, 1);
    let mut observed = World::settled(&wish).observe();
    let entry = PodStatus {
        pod_ip: "10.1.0.77".to_owned(),
        ..PodStatus::default()
    };
    observed.status.pods.insert(REMOVED.to_owned(), entry);
    observed.claims.push(Claim {
        name: CLAIM.to_owned(),
        uid: "uid-claim".to_owned(),
        volume: Some("workdir".to_owned()),
        initialized: true,
        ..Claim::default()
    });
    (wish.resolve(), observed)
}

fn claim(observed: &mut Observed) -> &mut Claim {
    observed
        .claims
        .iter_mut()
        .find(|claim| claim.name == CLAIM)
        .unwrap()
}

fn set(observed: &mut Observed) -> &mut Live {
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    observed.objects.get_mut(&key).unwrap()
}

fn set_replicas(set: &mut Live, replicas: i32) {
    std::sync::Arc::make_mut(&mut set.body)["spec"]["replicas"] = json!(replicas);
}

fn deletes_claim() -> Step {
    Step::DeleteClaims {
        claims: vec![(CLAIM.to_owned(), "uid-claim".to_owned())],
    }
}

#[test]
fn claims_go_first_then_the_entry_with_what_servers_remember() {
    let (desired, mut observed) = after_removal();
    assert_eq!(clear_away(&desired, &observed).step, Some(deletes_claim()));
    claim(&mut observed).deleting = true;
    let share = clear_away(&desired, &observed);
    assert_eq!((share.step, share.waits.len()), (None, 1));
    observed.claims.retain(|claim| claim.name != CLAIM);
    let everybody = vec!["aerocluster-1-0".to_owned(), "aerocluster-1-1".to_owned()];
    let order = |command: &str| Order {
        pods: everybody.clone(),
        command: command.to_owned(),
    };
    let forgets = Step::Forget {
        pods: vec![(REMOVED.to_owned(), "10.1.0.77".to_owned())],
        orders: vec![
            order("tip-clear:host-port-list=aerocluster-1-2.aerocluster.aerospike:3002"),
            order("services-alumni-reset"),
        ],
    };
    assert_eq!(clear_away(&desired, &observed).step, Some(forgets));
    observed.status.pods.remove(REMOVED);
    assert_eq!(clear_away(&desired, &observed), Share::default());
}

#[test]
fn nothing_goes_until_the_others_are_known_to_hold_all() {
    let (desired, mut observed) = after_removal();
    let silent = Server::Silent("timeout".to_owned());
    observed
        .servers
        .insert("aerocluster-1-0".to_owned(), silent);
    let share = clear_away(&desired, &observed);
    assert_eq!(share.step, None);
    let reasons: Vec<_> = share.waits.iter().map(|wait| wait.reason).collect();
    assert_eq!(reasons, [WaitReason::Servers, WaitReason::ScalingDown]);
}

#[test]
fn what_is_there_or_will_be_again_keeps_all() {
    let (_, mut observed) = after_removal();
    let desired = Wish::of(2, 1).resolve();
    let pod = Pod {
        health: PodHealth::Terminating,
        ..observed.pods["aerocluster-1-0"].clone()
    };
    observed.pods.insert(REMOVED.to_owned(), pod);
    assert_eq!(clear_away(&desired, &observed), Share::default());
    observed.pods.remove(REMOVED);
    set_replicas(set(&mut observed), 3);
    assert_eq!(clear_away(&desired, &observed), Share::default());
    set_replicas(set(&mut observed), 2);
    let wanted_back = Wish::of(3, 1).resolve();
    assert_eq!(clear_away(&wanted_back, &observed), Share::default());
    assert_eq!(clear_away(&desired, &observed).step, Some(deletes_claim()));
}

#[test]
fn a_set_that_is_somebody_else_s_or_on_its_way_out_says_nothing() {
    let (desired, mut observed) = after_removal();
    set(&mut observed).deleting = true;
    assert_eq!(clear_away(&desired, &observed), Share::default());
    set(&mut observed).deleting = false;
    set(&mut observed).owner = Some("theirs".to_owned());
    assert_eq!(clear_away(&desired, &observed), Share::default());
}

#[test]
fn claims_of_a_set_that_somebody_deleted_stay_and_its_pods_are_forgotten() {
    let (desired, mut observed) = after_removal();
    let entry = observed.status.pods.remove(REMOVED).unwrap();
    observed
        .status
        .pods
        .insert("aerocluster-9-0".to_owned(), entry);
    claim(&mut observed).name = "workdir-aerocluster-9-0".to_owned();
    let Some(Step::Forget { pods, .. }) = clear_away(&desired, &observed).step else {
        panic!("the entry goes");
    };
    assert_eq!(pods[0].0, "aerocluster-9-0");
}

#[test]
fn a_claim_is_kept_by_its_policy_or_because_its_pod_was_forgotten_before() {
    let (mut desired, mut observed) = after_removal();
    observed.status.pods.remove(REMOVED);
    assert_eq!(clear_away(&desired, &observed), Share::default());
    claim(&mut observed).initialized = false;
    let step = clear_away(&desired, &observed).step;
    assert_eq!(step, Some(deletes_claim()), "it was never used");
    let racks = &mut desired.spec.rack_config.as_mut().unwrap().racks;
    let storage = racks[0].effective_storage.as_mut().unwrap();
    for volume in &mut storage.volumes {
        volume.policy.effective_cascade_delete = Some(false);
    }
    assert_eq!(clear_away(&desired, &observed), Share::default());
}

#[test]
fn a_claim_that_is_not_of_a_pod_of_ours_stays() {
    let (desired, mut observed) = after_removal();
    for name in [
        "workdir-other-1-2",
        "other-aerocluster-1-2",
        "workdir-aerocluster-1-02",
    ] {
        let mut other = observed.clone();
        claim(&mut other).name = name.to_owned();
        assert!(
            matches!(clear_away(&desired, &other).step, Some(Step::Forget { .. })),
            "{name}"
        );
    }
    claim(&mut observed).volume = None;
    assert!(matches!(
        clear_away(&desired, &observed).step,
        Some(Step::Forget { .. })
    ));
}

#[test]
fn the_set_of_a_rack_goes_when_its_pods_are_gone() {
    let mut observed = World::settled(&Wish::of(3, 2)).observe();
    let desired = Wish::of(2, 1).resolve();
    assert_eq!(clear_away(&desired, &observed), Share::default());
    let key = (Kind::StatefulSet, "aerocluster-2".to_owned());
    let live = observed.objects.get_mut(&key).unwrap();
    set_replicas(live, 0);
    let expected = Step::RemoveRack {
        rack: RackIdentifier::parse("2").unwrap(),
        set: "aerocluster-2".to_owned(),
        uid: live.uid.clone(),
        resource_version: live.resource_version.clone(),
    };
    assert_eq!(
        clear_away(&desired, &observed),
        Share::default(),
        "its pod is there"
    );
    observed.pods.remove("aerocluster-2-0");
    observed.servers.remove("aerocluster-2-0");
    observed.status.pods.remove("aerocluster-2-0");
    observed
        .claims
        .retain(|claim| !claim.name.ends_with("aerocluster-2-0"));
    let told = clear_away(&desired, &observed);
    assert_eq!(told.waits.last().unwrap().message, expected.describe());
    for server in observed.servers.values_mut() {
        if let Server::Answered(view) = server {
            view.cluster.size = 2;
        }
    }
    assert_eq!(clear_away(&desired, &observed).step, Some(expected));
}
