//! Situations, and what is told of them.

use super::*;
use crate::plan::{
    Effect, Wait,
    world::{World, clusters::Wish},
};

fn waiting(reasons: &[WaitReason]) -> Plan {
    let waits = reasons
        .iter()
        .map(|reason| Wait::new(*reason, reason.as_str()));
    Plan {
        waits: waits.collect(),
        ..Plan::default()
    }
}

/// The situation of a cluster that was rolled out before, if `plan` is next.
fn situation(plan: &Plan, rolled_out: bool) -> Situation {
    let mut world = World::settled(&Wish::default());
    let observed = world.observe();
    Situation::of(&world.desired, &observed, plan, rolled_out)
}

fn told(situation: &Situation) -> Vec<(String, String, String)> {
    let mut status = AerospikeClusterStatus::default();
    tell(&mut status, situation, Some(3), Timestamp::UNIX_EPOCH);
    let conditions = status.conditions.into_iter();
    conditions
        .map(|condition| (condition.type_, condition.status, condition.reason))
        .collect()
}

fn state(situation: &Situation, kind: &str) -> String {
    let told = told(situation);
    let found = told.iter().find(|(type_, ..)| type_ == kind);
    found
        .map(|(_, status, _)| status.clone())
        .unwrap_or_default()
}

#[test]
fn what_a_person_has_to_do_goes_before_what_time_will_do() {
    let plan = waiting(&[
        WaitReason::Pods,
        WaitReason::SecretMissing,
        WaitReason::NotSupported,
    ]);
    let expected = Situation::Stalled {
        reason: "SecretMissing",
        message: "SecretMissing".to_owned(),
    };
    assert_eq!(situation(&plan, true), expected);
}

#[test]
fn a_lost_pod_degrades_what_was_rolled_out_and_adds_to_what_was_not() {
    let plan = waiting(&[WaitReason::Pods]);
    assert!(matches!(situation(&plan, true), Situation::Degraded { .. }));
    let Situation::Working {
        reason, operation, ..
    } = situation(&plan, false)
    else {
        panic!("it works");
    };
    assert_eq!(
        (reason, operation),
        ("ScalingUp", Some(Operation::ScalingUp))
    );
}

#[test]
fn pods_that_are_removed_are_told_whatever_else_is_waited_for() {
    let plan = waiting(&[
        WaitReason::Pods,
        WaitReason::Migrations,
        WaitReason::ScalingDown,
    ]);
    let down = situation(&plan, false);
    let Situation::Working { reason, .. } = &down else {
        panic!("it works");
    };
    assert_eq!(*reason, "ScalingDown");
    assert_eq!(state(&down, "ScalingDown"), "True");
    assert_eq!(state(&down, "ScalingUp"), "False");
}

#[test]
fn a_restart_is_told_until_the_last_pod_is_back() {
    let rolled_out = Wish::of(2, 1);
    let config = Wish {
        proto_fd_max: 20_000,
        ..rolled_out.clone()
    };
    let image = Wish {
        version: "8.1.0.1",
        ..rolled_out.clone()
    };
    let on_demand = Wish {
        operation: 1,
        ..rolled_out.clone()
    };
    let blocked = Wish {
        blocked: 1,
        ..rolled_out.clone()
    };
    let mut world = World::settled(&rolled_out);
    let observed = world.observe();
    let cases = [
        (&on_demand, WaitReason::Pods, "RollingRestart"),
        (&blocked, WaitReason::Migrations, "RollingRestart"),
        (&config, WaitReason::RollingRestart, "RollingRestart"),
        (&config, WaitReason::Pods, "RollingRestart"),
        (&config, WaitReason::Migrations, "RollingRestart"),
        (&image, WaitReason::Upgrading, "Upgrading"),
        (&image, WaitReason::Pods, "Upgrading"),
    ];
    for (wish, wait, expected) in cases {
        let plan = waiting(&[wait]);
        let situation = Situation::of(&wish.resolve(), &observed, &plan, false);
        let Situation::Working { reason, .. } = &situation else {
            panic!("it works");
        };
        assert_eq!(*reason, expected);
        assert_eq!(state(&situation, expected), "True");
        assert_eq!(state(&situation, "ScalingUp"), "False");
    }
}

#[test]
fn a_pod_that_is_ignored_degrades_what_was_rolled_out() {
    let plan = waiting(&[WaitReason::PodIgnored]);
    assert!(plan.is_rolled_out() && !plan.is_done());
    assert!(matches!(situation(&plan, true), Situation::Degraded { .. }));
}

#[test]
fn moving_data_is_work_and_no_loss() {
    let plan = waiting(&[WaitReason::Migrations]);
    let Situation::Working {
        reason, operation, ..
    } = situation(&plan, true)
    else {
        panic!("it works");
    };
    assert_eq!((reason, operation), ("Migrating", None));
}

#[test]
fn writes_without_waits_are_work() {
    let plan = Plan {
        upkeep: vec![Effect::GrantNodeReader],
        ..Plan::default()
    };
    assert!(matches!(
        situation(&plan, true),
        Situation::Working {
            reason: "Applying",
            ..
        }
    ));
    assert_eq!(situation(&Plan::default(), true), Situation::Done);
}

#[test]
fn each_situation_reads_as_kstatus_has_it() {
    let message = String::new;
    let stalled = Situation::Stalled {
        reason: "R",
        message: message(),
    };
    let working = Situation::Working {
        reason: "R",
        message: message(),
        operation: Some(Operation::ScalingUp),
    };
    let degraded = Situation::Degraded { message: message() };
    let cases = [
        (&Situation::Done, ["True", "False", "False"]),
        (&working, ["False", "True", "False"]),
        (&degraded, ["False", "True", "False"]),
        (&stalled, ["False", "False", "True"]),
        (&Situation::Terminating, ["False", "True", "False"]),
        (&Situation::Paused, ["", "", ""]),
    ];
    for (situation, expected) in cases {
        let states = ["Ready", "Reconciling", "Stalled"].map(|kind| state(situation, kind));
        assert_eq!(states, expected, "{situation:?}");
    }
}

#[test]
fn an_operation_s_condition_returns_when_it_ends_however_it_ends() {
    for situation in [
        Situation::Done,
        Situation::Degraded {
            message: String::new(),
        },
        Situation::Stalled {
            reason: "R",
            message: String::new(),
        },
    ] {
        assert_eq!(state(&situation, "ScalingUp"), "False");
        assert_eq!(state(&situation, "ScalingDown"), "False");
        assert_eq!(state(&situation, "Paused"), "False");
    }
}

#[test]
fn the_time_of_a_transition_moves_only_with_the_state() {
    let mut status = AerospikeClusterStatus::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    let since = |status: &AerospikeClusterStatus| {
        let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
        ready.map(|ready| ready.last_transition_time.0).unwrap()
    };
    let degraded = Situation::Degraded {
        message: "m".to_owned(),
    };
    tell(&mut status, &degraded, Some(1), at(1));
    let stalled = Situation::Stalled {
        reason: "R",
        message: String::new(),
    };
    tell(&mut status, &stalled, Some(2), at(2));
    assert_eq!(since(&status), at(1));
    tell(&mut status, &Situation::Done, Some(2), at(3));
    assert_eq!(since(&status), at(3));
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let plan = waiting(&[WaitReason::Pods; 7]);
    let Situation::Degraded { message } = situation(&plan, true) else {
        panic!("it is degraded");
    };
    assert_eq!(message.matches("PodsNotReady").count(), 5);
    assert!(message.ends_with("; and 2 more"), "{message}");
}

#[test]
fn a_message_fits_and_is_cut_between_letters() {
    let message = "ä".repeat(MESSAGE_LIMIT);
    let mut status = AerospikeClusterStatus::default();
    let degraded = Situation::Degraded { message };
    tell(&mut status, &degraded, None, Timestamp::UNIX_EPOCH);
    let longest = status.conditions.iter().map(|c| c.message.len()).max();
    assert_eq!(longest, Some(MESSAGE_LIMIT));
}

#[test]
fn availability_is_what_the_servers_say() {
    let mut world = World::settled(&Wish::default());
    let mut observed = world.observe();
    let told = |observed: &Observed| {
        let mut status = AerospikeClusterStatus::default();
        tell_available(&mut status, observed, None);
        status.conditions.remove(0).reason
    };
    assert_eq!(told(&observed), "AllPartitionsServed");
    if let Some(crate::plan::Server::Answered(view)) = observed.servers.values_mut().next() {
        view.cluster.key = "other".to_owned();
    }
    assert_eq!(told(&observed), "ServersDisagree");
    observed.servers.clear();
    assert_eq!(told(&observed), "NoServerAnswers");
}
