//! What is put back when nothing is about to stop.

use super::*;
use crate::plan::{
    Kind, Server,
    world::{World, clusters::Wish},
};

fn settled(wish: &Wish) -> Observed {
    World::settled(wish).observe()
}

fn change(observed: &mut Observed, pod: &str, change: impl FnOnce(&mut NodeView)) {
    match observed.servers.get_mut(pod) {
        Some(Server::Answered(view)) => change(view),
        other => panic!("{other:?}"),
    }
}

fn commands(share: &Share) -> Vec<(String, Vec<String>)> {
    let orders = share.upkeep.iter().map(|effect| match effect {
        Effect::Command(order) => (order.command.clone(), order.pods.clone()),
        other => panic!("{other:?} is no command"),
    });
    orders.collect()
}

const LAST: &str = "aerocluster-1-1";

fn quiesce(observed: &mut Observed, pending: bool, in_effect: bool) {
    change(observed, LAST, |view| {
        let namespace = view.namespaces.get_mut("test").unwrap();
        namespace.pending_quiesce = pending;
        namespace.is_quiesced = in_effect;
    });
}

#[test]
fn a_quiesced_node_that_stays_returns_to_the_data_path() {
    let desired = Wish::of(2, 1).resolve();
    let mut observed = settled(&Wish::of(2, 1));
    assert_eq!(undo(&desired, &observed), Share::default());
    let both = vec!["aerocluster-1-0".to_owned(), LAST.to_owned()];
    let recluster = ("recluster:".to_owned(), both);
    quiesce(&mut observed, true, true);
    let share = undo(&desired, &observed);
    let undo_it = ("quiesce-undo:".to_owned(), vec![LAST.to_owned()]);
    assert_eq!(commands(&share), [undo_it, recluster.clone()]);
    assert_eq!(
        share.waits[0].message,
        "aerocluster-1-1 return to the data path"
    );
    quiesce(&mut observed, false, true);
    assert_eq!(commands(&undo(&desired, &observed)), [recluster]);
}

#[test]
fn a_rebalance_that_is_under_way_is_not_begun_anew() {
    let desired = Wish::of(2, 1).resolve();
    let mut observed = settled(&Wish::of(2, 1));
    quiesce(&mut observed, false, true);
    change(&mut observed, LAST, |view| {
        view.cluster.migrate_allowed = false;
    });
    let share = undo(&desired, &observed);
    assert_eq!((share.upkeep.len(), share.waits.len()), (0, 1));
    change(&mut observed, LAST, |view| {
        view.cluster.migrate_allowed = true;
        view.cluster.key = "other".to_owned();
    });
    assert_eq!(undo(&desired, &observed).upkeep, []);
}

#[test]
fn a_node_that_is_about_to_stop_stays_quiesced() {
    let mut observed = settled(&Wish::of(2, 1));
    quiesce(&mut observed, true, true);
    assert_eq!(undo(&Wish::of(1, 1).resolve(), &observed), Share::default());
}

#[test]
fn a_node_that_the_user_keeps_quiesced_stays_so() {
    let mut desired = Wish::of(2, 1).resolve();
    let mut observed = settled(&Wish::of(2, 1));
    quiesce(&mut observed, true, true);
    desired.racks[0].config["service"]["stay-quiesced"] = true.into();
    assert_eq!(undo(&desired, &observed), Share::default());
}

#[test]
fn a_borrowed_delay_is_given_back_when_nothing_shrinks() {
    let wish = |size| Wish {
        fill_delay: 60,
        ..Wish::of(size, 1)
    };
    let mut observed = settled(&wish(2));
    let desired = wish(2).resolve();
    assert_eq!(give_back_fill_delay(&desired, &observed), Share::default());
    change(&mut observed, LAST, |view| view.fill_delay = Some(0));
    let command = "set-config:context=service;migrate-fill-delay=60".to_owned();
    let given_back = [(command, vec![LAST.to_owned()])];
    assert_eq!(
        commands(&give_back_fill_delay(&desired, &observed)),
        given_back
    );
    let smaller = wish(1).resolve();
    assert_eq!(give_back_fill_delay(&smaller, &observed), Share::default());
}

#[test]
fn a_server_whose_pod_no_set_asks_for_is_not_called_back() {
    let desired = Wish::of(3, 1).resolve();
    let mut observed = settled(&Wish::of(4, 1));
    let set = (Kind::StatefulSet, "aerocluster-1".to_owned());
    let mut body = observed.objects[&set].body.as_ref().clone();
    body["spec"]["replicas"] = 3.into();
    observed.objects.get_mut(&set).unwrap().body = body.into();
    change(&mut observed, "aerocluster-1-3", |view| {
        let namespace = view.namespaces.get_mut("test").unwrap();
        (namespace.pending_quiesce, namespace.is_quiesced) = (true, true);
    });
    assert_eq!(undo(&desired, &observed), Share::default());
}
