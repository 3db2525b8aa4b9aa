//! What is told to servers, and what becomes of it.

use super::*;
use crate::plan::{
    Server,
    world::{World, clusters::Wish},
};

const POD: &str = "aerocluster-1-1";

fn wish() -> Wish {
    Wish {
        dynamic: true,
        security: false,
        ..Wish::of(2, 1)
    }
}

fn edited() -> Wish {
    Wish {
        ttl: 3600,
        proto_fd_max: 15_001,
        ..wish()
    }
}

/// A settled cluster of which something else is wanted, and what is seen then.
fn after(edit: &Wish) -> (Desired, Observed) {
    let mut world = World::settled(&wish());
    world.wish(edit.resolve());
    world.apply_objects();
    (edit.resolve(), world.observe())
}

fn commands(step: Option<Step>) -> Vec<String> {
    match step {
        Some(Step::Configure(to)) => to.commands,
        other => panic!("{other:?} sets nothing"),
    }
}

fn found(desired: &Desired, observed: &Observed) -> Difference {
    let entry = &observed.status.pods[POD];
    difference(desired, &desired.racks[0], observed.pods.get(POD), entry)
}

#[test]
fn what_is_dynamic_is_set_on_one_server_after_the_other_in_a_safe_order() {
    let (desired, observed) = after(&edited());
    let step = update(&desired, &observed).step;
    let Some(Step::Configure(to)) = step.clone() else {
        panic!("{step:?}")
    };
    assert_eq!((to.pod.as_str(), to.begun), (POD, false));
    let noted = [
        "namespace test > default-ttl",
        "namespace test > nsup-period",
        "service > proto-fd-max",
    ];
    assert_eq!(to.note, Some(noted.map(str::to_owned).to_vec()));
    let told = [
        "set-config:context=namespace;namespace=test;nsup-period=120",
        "set-config:context=namespace;namespace=test;default-ttl=3600",
        "set-config:context=service;proto-fd-max=15001",
    ];
    assert_eq!(commands(step), told);
}

#[test]
fn a_change_at_run_time_restarts_nothing_and_is_in_force_in_the_end() {
    let mut world = World::settled(&wish());
    world.wish(edited().resolve());
    world.converge();
    assert!(world.restarted().is_empty());
    world.wish(wish().resolve());
    world.converge();
    assert!(world.restarted().is_empty());
}

#[test]
fn what_is_in_force_already_is_only_confirmed() {
    let (desired, mut observed) = after(&edited());
    let Some(Server::Answered(view)) = observed.servers.get_mut(POD) else {
        panic!("{POD} does not answer")
    };
    for answer in view.configuration.values_mut() {
        let there = ["proto-fd-max=15000", "nsup-period=0", "default-ttl=0"];
        let wanted = ["proto-fd-max=15001", "nsup-period=120", "default-ttl=3600"];
        for (there, wanted) in there.iter().zip(wanted) {
            *answer = answer.replace(&format!("{there};"), &format!("{wanted};"));
        }
    }
    let step = update(&desired, &observed).step;
    assert!(matches!(step, Some(Step::Confirm(_))), "{step:?}");
}

#[test]
fn a_server_that_does_not_tell_what_it_has_is_passed_over_and_waited_for() {
    let (desired, mut observed) = after(&edited());
    let Some(Server::Answered(view)) = observed.servers.get_mut(POD) else {
        panic!("{POD} does not answer")
    };
    view.configuration.clear();
    let Some(Step::Configure(to)) = update(&desired, &observed).step else {
        panic!("the other one is told nothing")
    };
    assert_eq!(to.pod, "aerocluster-1-0");
    observed.servers.clear();
    assert_eq!(update(&desired, &observed), Share::default());
    let waits = await_servers(&desired, &observed).waits;
    assert_eq!(waits[0].reason, WaitReason::DynamicConfiguration);
}

#[test]
fn one_static_parameter_makes_the_whole_change_a_restart() {
    let (mut desired, observed) = after(&edited());
    assert!(matches!(
        found(&desired, &observed),
        Difference::AtRunTime(_)
    ));
    let rack = &mut desired.racks[0];
    let text = rack.template.text();
    let text = text.replace("proto-fd-max", "pidfile    /p\n    proto-fd-max");
    rack.template = text.into();
    assert_eq!(
        found(&desired, &observed),
        Difference::ByRestart(Remedy::WarmRestart)
    );
}

#[test]
fn without_the_switch_every_change_is_a_restart() {
    let off = Wish {
        dynamic: false,
        ..edited()
    };
    let (desired, observed) = after(&off);
    assert_eq!(
        found(&desired, &observed),
        Difference::ByRestart(Remedy::WarmRestart)
    );
    let toggled = Wish {
        dynamic: false,
        ..wish()
    };
    let (desired, observed) = after(&toggled);
    assert_eq!(found(&desired, &observed), Difference::None);
}

#[test]
fn a_template_that_is_not_what_the_entry_names_says_nothing() {
    let (desired, mut observed) = after(&edited());
    let pod = observed.pods.get_mut(POD).unwrap();
    let template = pod.config_template.take();
    assert_eq!(
        found(&desired, &observed),
        Difference::ByRestart(Remedy::PodRestart)
    );
    let pod = observed.pods.get_mut(POD).unwrap();
    pod.config_template = template.map(|it| it.text().replace("15000", "15002").into());
    assert_eq!(
        found(&desired, &observed),
        Difference::ByRestart(Remedy::PodRestart)
    );
}

#[test]
fn a_change_that_was_refused_in_part_ends_in_a_restart_unless_it_is_taken_back() {
    let (desired, mut observed) = after(&edited());
    let entry = observed.status.pods.get_mut(POD).unwrap();
    entry.dynamic_config_parameters = vec!["service > proto-fd-max".to_owned()];
    entry.dynamic_config_update_status = Some(DynamicConfigUpdateStatus::PartiallyFailed);
    assert_eq!(
        found(&desired, &observed),
        Difference::ByRestart(Remedy::WarmRestart)
    );
    let key = Key::parse("service > proto-fd-max");
    let taken_back = Difference::AtRunTime([key].into());
    assert_eq!(found(&wish().resolve(), &observed), taken_back);
}

#[test]
fn a_change_is_partly_refused_if_some_of_it_was_obeyed() {
    let (desired, observed) = after(&edited());
    let Some(Step::Configure(to)) = update(&desired, &observed).step else {
        panic!("nothing is set")
    };
    assert_eq!(to.outcome(0), DynamicConfigUpdateStatus::Failed);
    assert_eq!(to.outcome(1), DynamicConfigUpdateStatus::PartiallyFailed);
    let later = Configure { begun: true, ..to };
    assert_eq!(later.outcome(0), DynamicConfigUpdateStatus::PartiallyFailed);
}

#[test]
fn where_partitions_are_is_decided_anew_with_the_last_server_that_is_confirmed() {
    let edit = Wish {
        active_rack: 1,
        ..wish()
    };
    let mut world = World::settled(&wish());
    world.wish(edit.resolve());
    world.apply_objects();
    let mut told = Vec::new();
    let desired = edit.resolve();
    for _ in 0..20 {
        let Some(step) = update(&desired, &world.observe()).step else {
            break;
        };
        world.take(&step).unwrap();
        if let Step::Confirm(confirm) = step {
            told.push((confirm.pod, confirm.rebalance));
        }
    }
    let order = Order {
        pods: vec!["aerocluster-1-0".to_owned(), POD.to_owned()],
        command: "recluster:".to_owned(),
    };
    let last = ("aerocluster-1-0".to_owned(), Some(order));
    assert_eq!(told, [(POD.to_owned(), None), last]);
    world.converge();
    assert!(world.restarted().is_empty());
}
