//! Objects that differ, that are left over, and that are somebody else's.

use serde_json::json;

use super::*;
use crate::plan::world::{World, clusters::Wish};

const LOAD_BALANCER: &str = "aerocluster-lb";

fn with_load_balancer() -> Wish {
    Wish {
        load_balancer: true,
        ..Wish::default()
    }
}

/// What is observed of a cluster with a load balancer when none is wanted any more.
fn unwanted_load_balancer() -> (Desired, Observed) {
    let observed = World::settled(&with_load_balancer()).observe();
    (Wish::default().resolve(), observed)
}

fn live(observed: &mut Observed, kind: Kind, name: &str) -> Live {
    let key = (kind, name.to_owned());
    observed.objects.get(&key).cloned().unwrap()
}

fn change(observed: &mut Observed, kind: Kind, name: &str, change: impl FnOnce(&mut Value)) {
    let mut body = (*live(observed, kind, name).body).clone();
    change(&mut body);
    observed
        .objects
        .insert((kind, name.to_owned()), Live::of(body));
}

#[test]
fn a_service_that_is_wanted_no_more_goes_as_the_one_that_was_seen() {
    let (desired, mut observed) = unwanted_load_balancer();
    let uid = live(&mut observed, Kind::Service, LOAD_BALANCER).uid;
    let expected = Effect::Delete {
        kind: Kind::Service,
        name: LOAD_BALANCER.to_owned(),
        uid,
    };
    assert_eq!(keep(&desired, &observed).upkeep, [expected]);
}

#[test]
fn a_left_over_of_somebody_else_stays() {
    let (desired, mut observed) = unwanted_load_balancer();
    change(&mut observed, Kind::Service, LOAD_BALANCER, |body| {
        body["metadata"]["ownerReferences"][0]["uid"] = json!("theirs");
    });
    assert_eq!(keep(&desired, &observed), Share::default());
}

#[test]
fn what_is_on_its_way_out_is_not_deleted_again() {
    let (desired, mut observed) = unwanted_load_balancer();
    change(&mut observed, Kind::Service, LOAD_BALANCER, |body| {
        body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    assert_eq!(keep(&desired, &observed), Share::default());
}

#[test]
fn services_of_pods_stay_for_as_long_as_the_pods() {
    let mut observed = World::settled(&Wish::of(2, 1)).observe();
    let desired = Wish {
        multi_pod_per_host: false,
        ..Wish::of(2, 1)
    }
    .resolve();
    let deleted = |observed: &Observed| -> Vec<_> {
        let upkeep = keep(&desired, observed).upkeep.into_iter();
        upkeep
            .filter_map(|effect| match effect {
                Effect::Delete { name, .. } => Some(name),
                _ => None,
            })
            .collect()
    };
    assert_eq!(deleted(&observed), [""; 0]);
    observed.pods.remove("aerocluster-1-1");
    assert_eq!(deleted(&observed), ["aerocluster-1-1"]);
}

#[test]
fn a_needed_object_that_is_being_deleted_is_waited_for() {
    let desired = Wish::default().resolve();
    let mut observed = World::settled(&Wish::default()).observe();
    change(&mut observed, Kind::Service, "aerocluster", |body| {
        body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    let expected = Share::wait(WaitReason::Pods, "Service aerocluster is being deleted");
    assert_eq!(keep(&desired, &observed), expected);
}

#[test]
fn a_needed_object_of_somebody_else_is_named_and_left_alone() {
    let desired = Wish::default().resolve();
    let mut observed = World::settled(&Wish::default()).observe();
    change(&mut observed, Kind::ConfigMap, "aerocluster-1", |body| {
        *body = json!({"metadata": {"name": "aerocluster-1", "uid": "theirs"}});
    });
    let share = keep(&desired, &observed);
    assert_eq!(share.upkeep, []);
    assert_eq!(share.waits[0].reason, WaitReason::ForeignObject);
    assert!(share.waits[0].message.contains("ConfigMap aerocluster-1"));
}

#[test]
fn a_set_is_applied_over_what_was_seen_with_the_replicas_and_claims_that_it_has() {
    let desired = Wish::default().resolve();
    let mut observed = World::settled(&Wish::default()).observe();
    change(&mut observed, Kind::StatefulSet, "aerocluster-1", |body| {
        body["spec"]["replicas"] = json!(7);
        body["spec"]["template"]["spec"]["containers"][0]["image"] = json!("old");
        body["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] =
            json!("1Gi");
    });
    let live = live(&mut observed, Kind::StatefulSet, "aerocluster-1");
    let upkeep = keep(&desired, &observed).upkeep;
    let applied = upkeep.iter().find_map(|effect| match effect {
        Effect::Apply { object, new: false } if object.kind == Kind::StatefulSet => Some(object),
        _ => None,
    });
    let body = &applied.unwrap().body;
    assert_eq!(
        body["metadata"]["resourceVersion"],
        live.resource_version.as_str()
    );
    assert_eq!(body["spec"]["replicas"], 7);
    let claims = |body: &Value| body["spec"]["volumeClaimTemplates"].clone();
    assert_eq!(claims(body), claims(&live.body));
}

#[test]
fn everything_that_is_read_by_name_is_wanted() {
    let desired = with_load_balancer().resolve();
    let names: Vec<_> = wanted(&desired)
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::Service)
        .map(|(_, name)| name)
        .collect();
    let expected = [
        "aerocluster",
        "aerocluster-1-0",
        "aerocluster-1-1",
        LOAD_BALANCER,
    ];
    assert_eq!(names, expected);
}
