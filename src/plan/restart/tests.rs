//! Which pods are restarted, in which order, and what keeps them.

use k8s_openapi::{apimachinery::pkg::util::intstr::IntOrString, jiff::Timestamp};

use super::*;
use crate::{
    aerospike::{access::Installed, password::Password},
    plan::{
        Access, Effect, Kind, Server, next,
        world::{World, clusters::Wish},
    },
};

/// A settled cluster whose spec was edited, with all objects applied.
fn edited(from: &Wish, to: &Wish) -> (Desired, Observed) {
    let mut world = World::settled(from);
    world.desired = to.resolve();
    world.apply_objects();
    let observed = world.observe();
    (world.desired, observed)
}

fn other_config(wish: &Wish) -> Wish {
    Wish {
        proto_fd_max: 20_000,
        ..wish.clone()
    }
}

fn other_image(wish: &Wish) -> Wish {
    Wish {
        version: "7.2.0.5",
        ..wish.clone()
    }
}

fn names_of(batch: &Batch) -> Vec<&str> {
    match &batch.why {
        Why::Restart { restart, .. } => restart.pods.iter().map(|it| it.pod.as_str()).collect(),
        other @ Why::Shrink { .. } => panic!("{other:?} is no restart"),
    }
}

fn fail(observed: &mut Observed, pod: &str) {
    let now = observed.now;
    let pod_ = observed.pods.get_mut(pod).unwrap();
    pod_.health = PodHealth::Failed {
        reason: "no such image".to_owned(),
        since: now,
    };
    pod_.server_runs = false;
    observed.servers.remove(pod);
}

#[test]
fn an_equal_spec_restarts_nothing() {
    let wish = Wish::of(4, 2);
    let (desired, observed) = edited(&wish, &wish);
    assert_eq!(batch(&desired, &observed), None);
    assert_eq!(roll(&desired, &observed), Share::default());
    assert_eq!(replace_dead(&desired, &observed), Share::default());
}

#[test]
fn the_highest_ordinal_of_the_first_rack_goes_first_and_alone() {
    let wish = Wish::of(4, 2);
    let (desired, observed) = edited(&wish, &other_config(&wish));
    let batch = batch(&desired, &observed).unwrap();
    assert_eq!(names_of(&batch), ["aerocluster-1-1"]);
    assert_eq!(
        batch.describe(),
        "2 pods of rack 1 are yet to be restarted, next: the server of aerocluster-1-1 (configuration)"
    );
    assert_eq!(batch.stopped_for(), StopFor::Restart);
}

#[test]
fn as_many_go_together_as_the_user_says_and_none_of_another_rack() {
    let wish = Wish::of(8, 2);
    let of = |size: IntOrString| {
        let (mut desired, observed) = edited(&wish, &other_image(&wish));
        let config = desired.spec.rack_config.as_mut().unwrap();
        config.rolling_update_batch_size = Some(size);
        let batch = batch(&desired, &observed).unwrap();
        assert_eq!(batch.stopped_for(), StopFor::Upgrade);
        names_of(&batch)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let percent = |text: &str| IntOrString::String(text.to_owned());
    let two = ["aerocluster-1-3", "aerocluster-1-2"];
    assert_eq!(of(IntOrString::Int(2)), two);
    assert_eq!(of(percent("50%")), two);
    assert_eq!(of(percent("10%")).len(), 1, "at least one");
    assert_eq!(
        of(IntOrString::Int(9)).len(),
        4,
        "no more than the rack has"
    );
}

#[test]
fn pods_go_one_by_one_while_no_other_rack_serves() {
    let wish = Wish::of(8, 2);
    let (mut desired, mut observed) = edited(&wish, &other_image(&wish));
    let config = desired.spec.rack_config.as_mut().unwrap();
    config.rolling_update_batch_size = Some(IntOrString::Int(4));
    for ordinal in 0..4 {
        fail(&mut observed, &format!("aerocluster-2-{ordinal}"));
    }
    let batch = batch(&desired, &observed).unwrap();
    assert_eq!(names_of(&batch), ["aerocluster-1-3"]);
}

#[test]
fn the_only_pod_restarts_when_it_is_not_alone_any_more() {
    let (desired, observed) = edited(&Wish::of(1, 1), &other_config(&Wish::of(2, 1)));
    let step = next(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Grow(_))), "{step:?}");
    let mut world = World::settled(&Wish::of(1, 1));
    world.wish(other_config(&Wish::of(2, 1)).resolve());
    world.converge();
    let restarted: Vec<_> = world.restarted().into_keys().collect();
    assert_eq!(restarted, ["aerocluster-1-0"]);
}

#[test]
fn a_rack_that_shrinks_does_so_first() {
    let (desired, observed) = edited(&Wish::of(4, 2), &other_config(&Wish::of(3, 2)));
    let batch = batch(&desired, &observed).unwrap();
    assert_eq!(batch.rack.to_string(), "1");
    let (desired, observed) = edited(&Wish::of(4, 1), &other_config(&Wish::of(3, 1)));
    assert_eq!(super::batch(&desired, &observed), None);
}

#[test]
fn a_rack_grows_when_its_pods_were_restarted() {
    let (desired, mut observed) = edited(&Wish::of(2, 1), &other_config(&Wish::of(3, 1)));
    let step = next(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Drain(_))), "{step:?}");
    for entry in observed.status.pods.values_mut() {
        entry.aerospike_config_hash = desired.racks[0].hashes.config.clone();
    }
    let step = next(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Grow(_))), "{step:?}");
}

#[test]
fn no_pod_is_added_to_a_rack_whose_last_change_broke_one() {
    let (desired, mut observed) = edited(&Wish::of(2, 1), &other_config(&Wish::of(3, 1)));
    for entry in observed.status.pods.values_mut() {
        entry.aerospike_config_hash = desired.racks[0].hashes.config.clone();
    }
    fail(&mut observed, "aerocluster-1-1");
    assert_eq!(next(&desired, &observed).step, None);
    let (desired, mut observed) = edited(&Wish::of(2, 1), &Wish::of(3, 1));
    fail(&mut observed, "aerocluster-1-1");
    let step = next(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Grow(_))), "{step:?}");
}

#[test]
fn a_batch_is_drained_before_it_is_stopped() {
    let wish = Wish::of(3, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let Some(Step::Drain(drain)) = roll(&desired, &observed).step else {
        panic!("it is not drained");
    };
    assert_eq!(drain.pods, ["aerocluster-1-2"]);
    assert_eq!(drain.stopped_for, StopFor::Restart);
    for (name, server) in &mut observed.servers {
        let Server::Answered(view) = server else {
            panic!("{name} does not answer");
        };
        let namespace = view.namespaces.get_mut("test").unwrap();
        let victim = name == "aerocluster-1-2";
        (namespace.pending_quiesce, namespace.is_quiesced) = (victim, victim);
        namespace.nodes_quiesced = Some(1);
        view.traffic = Some(Vec::new());
    }
    let pod = observed.pods["aerocluster-1-2"].clone();
    let renewal = Renewal {
        pod: "aerocluster-1-2".to_owned(),
        uid: pod.uid,
        resource_version: pod.resource_version,
        changes: vec![Change::Configuration(Remedy::WarmRestart)],
        remedy: Remedy::WarmRestart,
        claims: Vec::new(),
    };
    let rack = desired.racks[0].identifier();
    let restart = Restart::of(rack, vec![renewal]);
    assert_eq!(roll(&desired, &observed).step, Some(Step::Restart(restart)));
}

#[test]
fn nothing_is_restarted_while_the_set_s_controller_does_not_know_the_template() {
    let wish = Wish::of(3, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    let set = observed.objects.get_mut(&key).unwrap();
    std::sync::Arc::make_mut(&mut set.body)["metadata"]["generation"] = 99.into();
    let share = roll(&desired, &observed);
    assert_eq!(share.step, None);
    assert!(
        share.waits[0].message.contains("has not taken note"),
        "{share:?}"
    );
}

#[test]
fn a_broken_pod_that_is_not_outdated_holds_up_all_restarts() {
    let wish = Wish::of(3, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let entry = observed.status.pods.get_mut("aerocluster-1-0").unwrap();
    entry.aerospike_config_hash = desired.racks[0].hashes.config.clone();
    fail(&mut observed, "aerocluster-1-0");
    let plan = next(&desired, &observed);
    assert_eq!(plan.step, None, "{plan:?}");
}

#[test]
fn outdated_pods_that_do_not_run_are_made_anew_at_once_whatever_else_is_waited_for() {
    let wish = Wish::of(4, 2);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    fail(&mut observed, "aerocluster-2-1");
    let Some(Step::Restart(restart)) = next(&desired, &observed).step else {
        panic!("it is not made anew");
    };
    assert_eq!(restart.describe(), "aerocluster-2-1 (configuration)");
}

#[test]
fn users_and_roles_are_made_before_a_broken_pod_is_made_anew() {
    let wish = Wish::of(2, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let entry = observed.status.pods.get_mut("aerocluster-1-0").unwrap();
    entry.aerospike_config_hash = desired.racks[0].hashes.config.clone();
    fail(&mut observed, "aerocluster-1-1");
    let step = next(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Restart(_))), "{step:?}");
    observed.status.mirror.aerospike_access_control = None;
    let hash = Password::new("p".to_owned()).hash();
    observed.access = Access::Known {
        installed: Installed::default(),
        passwords: ["admin", "app"]
            .map(|user| (user.to_owned(), hash.clone()))
            .into(),
        first_password: None,
    };
    let plan = next(&desired, &observed);
    assert!(
        matches!(plan.upkeep[..], [Effect::Administer { .. }]),
        "{plan:?}"
    );
    assert_eq!(plan.step, None);
}

#[test]
fn a_pod_that_fails_with_what_is_wanted_is_left_to_the_kubelet() {
    let wish = Wish::of(2, 1);
    let (desired, mut observed) = edited(&wish, &wish);
    fail(&mut observed, "aerocluster-1-1");
    assert_eq!(replace_dead(&desired, &observed), Share::default());
}

#[test]
fn a_pod_that_never_reported_is_judged_by_its_template() {
    let wish = Wish::of(2, 1);
    let (desired, mut observed) = edited(&wish, &wish);
    fail(&mut observed, "aerocluster-1-1");
    let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
    pod.reported = false;
    assert_eq!(replace_dead(&desired, &observed).step, None);
    let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
    pod.template_revision = Some("older".to_owned());
    let Some(Step::Restart(restart)) = replace_dead(&desired, &observed).step else {
        panic!("it is not made anew");
    };
    assert_eq!(restart.describe(), "aerocluster-1-1 (pod template)");
    let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
    pod.health = PodHealth::NotReady;
    assert_eq!(replace_dead(&desired, &observed).step, None, "it starts");
    let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
    pod.node = None;
    let step = replace_dead(&desired, &observed).step;
    assert!(
        matches!(step, Some(Step::Restart(_))),
        "it finds no node: {step:?}"
    );
}

#[test]
fn a_server_that_runs_is_never_taken_for_dead() {
    let wish = Wish::of(2, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    fail(&mut observed, "aerocluster-1-1");
    observed
        .pods
        .get_mut("aerocluster-1-1")
        .unwrap()
        .server_runs = true;
    assert_eq!(replace_dead(&desired, &observed).step, None);
}

#[test]
fn a_pod_whose_sidecar_fails_goes_first_and_is_drained_as_any_other() {
    let wish = Wish::of(4, 2);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    observed.pods.get_mut("aerocluster-2-0").unwrap().health = PodHealth::SidecarNotReady {
        container: "exporter".to_owned(),
        failure: Some("no such image".to_owned()),
        since: Timestamp::UNIX_EPOCH,
    };
    let found = batch(&desired, &observed).unwrap();
    assert_eq!(names_of(&found), ["aerocluster-2-0"]);
    let Some(Step::Drain(drain)) = next(&desired, &observed).step else {
        panic!("it is not drained");
    };
    assert_eq!(drain.pods, ["aerocluster-2-0"]);
}

fn verdict(desired: &Desired, observed: &Observed) -> (Option<Step>, WaitReason) {
    let share = roll(desired, observed);
    (share.step, share.waits[0].reason)
}

#[test]
fn the_only_server_keeps_what_is_in_memory_only() {
    let wish = Wish::of(1, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let lost = (None, WaitReason::WouldLoseData);
    assert_eq!(verdict(&desired, &observed), lost);
    let message = &roll(&desired, &observed).waits[0].message;
    assert!(
        message.contains("delete the pod yourself to accept the loss"),
        "{message}"
    );
    for server in observed.servers.values_mut() {
        if let Server::Answered(view) = server {
            view.namespaces.get_mut("test").unwrap().objects = Some(0);
        }
    }
    let (step, _) = verdict(&desired, &observed);
    assert!(matches!(step, Some(Step::Restart(_))), "{step:?}");
}

#[test]
fn community_servers_restart_undrained_if_another_has_what_they_have() {
    let of = |copies| Wish {
        community: true,
        security: false,
        copies,
        ..Wish::of(3, 1)
    };
    let (desired, observed) = edited(&of(2), &other_config(&of(2)));
    assert!(matches!(
        roll(&desired, &observed).step,
        Some(Step::Restart(_))
    ));
    let (desired, observed) = edited(&of(1), &other_config(&of(1)));
    let lost = (None, WaitReason::WouldLoseData);
    assert_eq!(verdict(&desired, &observed), lost);
}

/// What keeps restarts when a namespace's configuration becomes `to`, and what did before, if it was rolled out as `from`.
fn kept(from: &serde_json::Value, to: &serde_json::Value) -> Option<String> {
    let wish = Wish::of(3, 1);
    let (mut desired, mut observed) = edited(&wish, &other_config(&wish));
    let config = observed.status.mirror.rack_config.as_mut().unwrap();
    let old = config.racks[0].effective_aerospike_config.as_mut().unwrap();
    old["namespaces"] = from.clone();
    desired.racks[0].config["namespaces"] = to.clone();
    let share = roll(&desired, &observed);
    let first = &share.waits[0];
    let told = (first.reason == WaitReason::NotSupported).then(|| first.message.clone());
    assert!(told.is_none() || share.step.is_none());
    told
}

#[test]
fn a_replication_factor_does_not_change_server_by_server() {
    let of = |factor: u32| serde_json::json!([{"name": "test", "replication-factor": factor}]);
    let default = serde_json::json!([{"name": "test"}]);
    assert_eq!(kept(&of(2), &of(2)), None);
    assert_eq!(kept(&of(2), &default), None);
    let message = kept(&of(2), &of(3)).unwrap();
    assert!(
        message.starts_with("the replication factor of namespace test"),
        "{message}"
    );
}

#[test]
fn no_pod_comes_with_another_replication_factor() {
    let mut world = World::settled(&Wish::of(4, 2));
    let wish = Wish {
        copies: 3,
        revision: 1,
        ..Wish::of(4, 2)
    };
    world.wish(wish.resolve());
    let plan = world.converge_to_wait(WaitReason::NotSupported);
    assert!(plan.waits[0].message.ends_with("undo the change"));
    assert_eq!(world.replicas()["aerocluster-1-v1"], 0);
    world.wish(Wish::of(4, 2).resolve());
    world.converge();
}

#[test]
fn a_disk_is_taken_and_not_given_up() {
    let of = |devices: &[&str]| serde_json::json!([{"name": "test", "storage-engine": {"type": "device", "devices": devices}}]);
    assert_eq!(kept(&of(&["/dev/a"]), &of(&["/dev/a", "/dev/b"])), None);
    let message = kept(&of(&["/dev/a /dev/shadow"]), &of(&["/dev/a"])).unwrap();
    assert!(
        message.starts_with("namespace test gives up /dev/shadow"),
        "{message}"
    );
    let gone = kept(&of(&["/dev/a"]), &serde_json::json!([])).unwrap();
    assert!(gone.contains("gives up /dev/a"), "{gone}");
}

fn evict(observed: &mut Observed, pod: &str) {
    let pod = observed.pods.get_mut(pod).unwrap();
    pod.eviction_asked = Some("2026-01-01T00:00:00Z".to_owned());
}

fn next_restart(desired: &Desired, observed: &Observed) -> Restart {
    match batch(desired, observed).unwrap().why {
        Why::Restart { restart, .. } => restart,
        other @ Why::Shrink { .. } => panic!("{other:?} is no restart"),
    }
}

#[test]
fn a_pod_that_somebody_wants_to_evict_goes_first_and_is_drained_as_any_other() {
    let wish = Wish::of(6, 2);
    let (desired, mut observed) = edited(&wish, &wish);
    evict(&mut observed, "aerocluster-2-1");
    let told = next_restart(&desired, &observed).describe();
    assert_eq!(told, "aerocluster-2-1 (eviction)");
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    evict(&mut observed, "aerocluster-2-1");
    let told = next_restart(&desired, &observed).describe();
    assert_eq!(told, "aerocluster-2-1 (configuration, eviction)");
    let Some(Step::Drain(drain)) = next(&desired, &observed).step else {
        panic!("it is not drained");
    };
    assert_eq!(drain.pods, ["aerocluster-2-1"]);
}

#[test]
fn of_a_spec_that_breaks_rules_nothing_comes_about_but_evictions() {
    let wish = Wish::of(3, 1);
    let (desired, mut observed) = edited(&wish, &other_config(&wish));
    let kept = |observed: &Observed| next(&desired, observed).keeping_up(observed).step;
    assert_eq!(kept(&observed), None);
    evict(&mut observed, "aerocluster-1-0");
    let step = kept(&observed);
    assert!(matches!(step, Some(Step::Drain(_))), "{step:?}");
}

#[test]
fn a_pod_that_starts_is_not_moved_before_it_runs_unless_it_fails() {
    let wish = Wish::of(2, 1);
    let (desired, mut observed) = edited(&wish, &wish);
    evict(&mut observed, "aerocluster-1-1");
    let pod = observed.pods.get_mut("aerocluster-1-1").unwrap();
    (pod.health, pod.server_runs) = (PodHealth::NotReady, false);
    assert_eq!(replace_dead(&desired, &observed), Share::default());
    fail(&mut observed, "aerocluster-1-1");
    let Some(Step::Restart(restart)) = replace_dead(&desired, &observed).step else {
        panic!("it is not moved");
    };
    assert_eq!(restart.describe(), "aerocluster-1-1 (eviction)");
}

/// The claims that go with the pod that is restarted next, of a rack whose claims are bound to nodes.
fn claims_that_go(to: &Wish, ask: impl Fn(&mut Observed)) -> Vec<String> {
    let from = Wish {
        local: to.local,
        ..Wish::of(2, 1)
    };
    let (desired, mut observed) = edited(&from, to);
    ask(&mut observed);
    let restart = next_restart(&desired, &observed);
    let claims = restart.pods.into_iter().flat_map(|pod| pod.claims);
    claims.map(|(name, _)| name).collect()
}

#[test]
fn claims_that_are_bound_to_a_node_go_where_a_pod_shall_leave_it_and_where_the_user_says_so() {
    let of = |local| Wish {
        local,
        ..Wish::of(2, 1)
    };
    let evicted = |observed: &mut Observed| evict(observed, "aerocluster-1-1");
    let claim = ["workdir-aerocluster-1-1"];
    assert_eq!(claims_that_go(&of(None), evicted), [""; 0]);
    assert_eq!(claims_that_go(&of(Some(false)), evicted), claim);
    let blocked = Wish {
        blocked: 8,
        ..of(Some(false))
    };
    assert_eq!(claims_that_go(&blocked, |_| {}), claim);
    let stays = other_image(&of(Some(false)));
    assert_eq!(claims_that_go(&stays, |_| {}), [""; 0]);
    let recycled = other_image(&of(Some(true)));
    assert_eq!(claims_that_go(&recycled, |_| {}), claim);
    let in_its_pod = other_config(&of(Some(true)));
    assert_eq!(claims_that_go(&in_its_pod, |_| {}), [""; 0]);
}

#[test]
fn the_only_server_keeps_its_claims() {
    let wish = Wish {
        local: Some(false),
        ..Wish::of(1, 1)
    };
    let (desired, mut observed) = edited(&wish, &wish);
    evict(&mut observed, "aerocluster-1-0");
    let lost = (None, WaitReason::WouldLoseData);
    assert_eq!(verdict(&desired, &observed), lost);
    let message = &roll(&desired, &observed).waits[0].message;
    assert!(
        message.contains("remove annotation aerospike.com/eviction-blocked"),
        "{message}"
    );
}

#[test]
fn pods_leave_blocked_nodes_unless_they_came_there_in_spite_of_their_template() {
    let wish = Wish::of(2, 1);
    let blocked = Wish {
        blocked: 8,
        ..wish.clone()
    };
    let (desired, mut observed) = edited(&wish, &blocked);
    let told = next_restart(&desired, &observed).describe();
    assert_eq!(told, "aerocluster-1-1 (blocked node)");
    let key = (Kind::StatefulSet, "aerocluster-1".to_owned());
    let revision = observed.objects[&key]
        .template_revision()
        .unwrap()
        .to_owned();
    for pod in observed.pods.values_mut() {
        pod.template_revision = Some(revision.clone());
    }
    assert_eq!(batch(&desired, &observed), None);
    let three = Wish {
        blocked: 3,
        ..wish.clone()
    };
    let (desired, observed) = edited(&three, &wish);
    assert_eq!(batch(&desired, &observed), None);
}
