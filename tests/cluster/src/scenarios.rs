//! Scenarios on a real Kubernetes, each in a namespace that nobody prepared, and the runner that plays them.

mod api_server;
mod application;
mod certificate;
mod cut_off;
mod deletion;
mod dynamic;
mod eviction;
mod foretold;
mod gitops;
mod healing;
mod in_use;
mod interruptions;
mod inventory;
mod leader;
mod lost_node;
mod on_demand;
mod refusals;
mod revisions;
mod roll_out;
mod samples;
mod scaling;
mod servers;
mod snapshot;
mod stage;
mod stalls;
mod strong;
mod upgrade;
mod warm;

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Error, Result};

use crate::{Cluster, install, machine};
use stage::Stage;

/// A story with an end that must come true.
struct Scenario {
    /// A sentence that holds if it passes.
    name: &'static str,
    /// It disturbs the operator or a node, so that no other may run beside it.
    alone: bool,
    /// It is one of the few that every change is tested with.
    always: bool,
    play: fn(&Stage) -> Result<()>,
}

const fn beside_others(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario {
        name,
        alone: false,
        always: true,
        play,
    }
}

const fn alone(name: &'static str, play: fn(&Stage) -> Result<()>) -> Scenario {
    Scenario {
        alone: true,
        ..beside_others(name, play)
    }
}

impl Scenario {
    /// What it shows is shown by others too, or takes long.
    const fn not_always(self) -> Self {
        Self {
            always: false,
            ..self
        }
    }
}

/// The longest come first.
const SCENARIOS: &[Scenario] = &[
    beside_others(
        "from three to six to four no request is refused and no record lost",
        in_use::sizes_change,
    ),
    beside_others(
        "a rack is added and removed, no request is refused and no record lost",
        in_use::racks_change,
    ),
    beside_others(
        "a settled cluster is not written to",
        healing::a_settled_cluster_is_not_written_to,
    )
    .not_always(),
    beside_others(
        "kept claims are not initialised again",
        deletion::kept_claims_are_not_initialised_again,
    ),
    beside_others(
        "a missing secret is named, and a made one heals",
        stalls::a_missing_secret_is_named,
    )
    .not_always(),
    beside_others(
        "a foreign service is named and left alone",
        stalls::a_foreign_service_is_named,
    )
    .not_always(),
    beside_others(
        "a scale-down takes the highest pod and no other",
        scaling::a_scale_down_takes_the_highest_pod,
    )
    .not_always(),
    beside_others(
        "a dynamic change restarts nothing",
        dynamic::a_dynamic_change_restarts_nothing,
    ),
    beside_others(
        "an upgrade restarts each pod once",
        upgrade::an_upgrade_restarts_each_pod_once,
    ),
    beside_others(
        "from 6.4 over 7.2 to 8.1 and a step back no request is refused and no record lost",
        roll_out::versions_change_step_by_step,
    )
    .not_always(),
    beside_others(
        "six pods in three racks restart by two, no request is refused and no record lost",
        roll_out::batches_stay_within_a_rack,
    )
    .not_always(),
    beside_others(
        "an image that does not exist is taken back, no request is refused and no record lost",
        roll_out::a_bad_image_is_taken_back,
    )
    .not_always(),
    beside_others(
        "a paused cluster is left alone",
        roll_out::a_paused_cluster_is_left_alone,
    )
    .not_always(),
    beside_others(
        "another configuration restarts servers in their pods, no request is refused and no record lost",
        warm::another_configuration_leaves_the_pods,
    )
    .not_always(),
    beside_others(
        "a configuration that no server takes is taken back",
        warm::a_configuration_that_no_server_takes_is_taken_back,
    )
    .not_always(),
    beside_others(
        "a strongly consistent cluster grows, restarts and shrinks, no request is refused and no record lost",
        strong::rosters_follow_the_nodes,
    )
    .not_always(),
    beside_others(
        "blocked nodes leave the roster, no request is refused and no record lost",
        strong::blocked_nodes_leave_the_roster,
    )
    .not_always(),
    beside_others(
        "a Secret that pods see comes and goes, no request is refused and no record lost",
        roll_out::volumes_come_and_go,
    )
    .not_always(),
    beside_others(
        "a rack moves to other storage and back, no request is refused and no record lost",
        revisions::a_rack_moves_to_other_storage,
    )
    .not_always(),
    beside_others(
        "a move of a strongly consistent rack is taken back, no request is refused and no record lost",
        revisions::a_move_is_taken_back,
    )
    .not_always(),
    beside_others(
        "what is deleted or changed comes back",
        healing::what_is_changed_comes_back,
    ),
    beside_others(
        "a cascading deletion leaves nothing",
        deletion::a_cascading_deletion_leaves_nothing,
    ),
    beside_others(
        "the sample dim_nostorage runs as it says",
        samples::dim_nostorage_runs,
    ),
    beside_others(
        "the sample hdd_dim_storage runs as it says",
        samples::hdd_dim_storage_runs,
    ),
    beside_others(
        "the sample dim_nostorage stays as it was applied",
        gitops::dim_nostorage_stays,
    )
    .not_always(),
    beside_others(
        "the sample hdd_dim_storage stays as it was applied",
        gitops::hdd_dim_storage_stays,
    ),
    beside_others(
        "refusals tell everything, however one asks",
        refusals::refusals_tell_everything,
    ),
    beside_others(
        "a refused change changes nothing",
        refusals::a_refused_change_changes_nothing,
    )
    .not_always(),
    beside_others(
        "a size that breaks a rule is refused",
        refusals::a_size_that_breaks_a_rule_is_refused,
    )
    .not_always(),
    beside_others(
        "a cluster of another operator is not touched",
        stalls::a_cluster_of_another_operator_is_not_touched,
    ),
    alone(
        "a scale-up ends the same when the operator is killed",
        scaling::a_scale_up_survives_the_operators_death,
    ),
    alone(
        "a scale-down ends the same when the operator is killed in any phase",
        interruptions::a_scale_down_survives_the_operators_death,
    )
    .not_always(),
    alone(
        "a roll-out ends the same when the operator is killed",
        roll_out::a_roll_out_survives_the_operators_death,
    )
    .not_always(),
    alone(
        "a scale-down waits for a node that is cut off",
        cut_off::a_scale_down_waits_for_the_node,
    )
    .not_always(),
    alone(
        "a roll-out waits for a node that is cut off",
        cut_off::a_roll_out_waits_for_the_node,
    )
    .not_always(),
    alone(
        "sizes change all the same when the API server is killed",
        api_server::sizes_change_all_the_same,
    )
    .not_always(),
    alone(
        "servers are not evicted but moved",
        eviction::servers_are_not_evicted_but_moved,
    )
    .not_always(),
    beside_others(
        "an operation restarts the pods that it is for",
        on_demand::an_operation_restarts_its_pods,
    )
    .not_always(),
    beside_others(
        "pods leave a node that is blocked",
        on_demand::pods_leave_a_blocked_node,
    )
    .not_always(),
    alone(
        "a pod leaves its disk on a lost node where the user says so",
        lost_node::a_pod_leaves_its_disk_on_a_lost_node,
    )
    .not_always(),
    alone(
        "no review is lost while the certificate's authority changes",
        certificate::no_review_is_lost,
    )
    .not_always(),
    alone(
        "a leader that ends hands over at once",
        leader::the_lead_is_handed_over,
    ),
    alone(
        "a leader that was stopped and woken writes nothing",
        leader::a_woken_leader_writes_nothing,
    ),
];

/// Which scenarios are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// The few that every change is tested with.
    Always,
    /// Those whose names hold a text; an empty one is in all of them.
    Named(&'a str),
}

impl Choice<'_> {
    fn holds(self, scenario: &Scenario) -> bool {
        match self {
            Self::Always => scenario.always,
            Self::Named(text) => scenario.name.contains(text),
        }
    }
}

/// Scenarios that run at the same time.
const WORKERS: usize = 3;

/// Plays scenarios, and says whether all is well.
#[must_use]
pub fn run(choice: Choice<'_>) -> bool {
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|scenario| choice.holds(scenario))
        .collect();
    if let Some(reason) = why_skipped() {
        return skip(&reason, chosen.len());
    }
    match install::everything() {
        Ok(cluster) => play_all(&cluster, &chosen),
        Err(error) => {
            println!("the scenarios cannot begin: {error:#}");
            println!("0 passed, {} failed, 0 skipped", chosen.len());
            false
        }
    }
}

fn is_set(variable: &str) -> bool {
    env::var(variable).is_ok_and(|value| value == "1")
}

fn why_skipped() -> Option<String> {
    if is_set("SKIP_CLUSTER") {
        return Some("SKIP_CLUSTER is 1".to_owned());
    }
    machine::why_not_here()
}

fn skip(reason: &str, count: usize) -> bool {
    println!("skipped: {reason}");
    println!("0 passed, 0 failed, {count} skipped");
    let required = is_set("REQUIRE_SCENARIOS");
    if required {
        println!("Here scenarios must not be skipped, because REQUIRE_SCENARIOS is 1.");
    }
    !required
}

fn play_all(cluster: &Cluster, chosen: &[&Scenario]) -> bool {
    stage::sweep(cluster);
    let (alone, together): (Vec<&Scenario>, _) = chosen.iter().partition(|s| s.alone);
    let failed = play(cluster, &together, WORKERS) + play(cluster, &alone, 1);
    println!(
        "{} passed, {failed} failed, 0 skipped",
        chosen.len() - failed
    );
    failed == 0
}

/// Plays scenarios on some threads, and says how many failed.
fn play(cluster: &Cluster, scenarios: &[&Scenario], workers: usize) -> usize {
    let queue = Mutex::new(scenarios.iter());
    let failed = AtomicUsize::new(0);
    let next = || queue.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..workers.min(scenarios.len()) {
            scope.spawn(|| {
                while let Some(scenario) = next() {
                    if !play_one(cluster, scenario) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    failed.into_inner()
}

fn play_one(cluster: &Cluster, scenario: &Scenario) -> bool {
    let began = Instant::now();
    let stage = match Stage::set(cluster, &namespace(scenario)) {
        Ok(stage) => stage,
        Err(error) => return tell(scenario, began, Err(error), String::new),
    };
    let ended = (scenario.play)(&stage);
    let passed = tell(scenario, began, ended, || stage.evidence());
    stage.strike();
    passed
}

fn tell(
    scenario: &Scenario,
    began: Instant,
    ended: Result<(), Error>,
    evidence: impl FnOnce() -> String,
) -> bool {
    let (name, seconds) = (scenario.name, began.elapsed().as_secs_f32());
    match ended {
        Ok(()) => {
            println!("passed {seconds:>6.1} s  {name}");
            true
        }
        Err(error) => {
            println!(
                "FAILED {seconds:>6.1} s  {name}\n    {error:#}\n{}",
                evidence()
            );
            false
        }
    }
}

/// A name that no earlier run used: its namespace may still be on its way out.
fn namespace(scenario: &Scenario) -> String {
    let letters = scenario
        .name
        .split(' ')
        .filter_map(|word| word.chars().next());
    let initials: String = letters.filter(char::is_ascii_lowercase).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |now| now.as_secs() % 1_000_000);
    format!("s-{initials}-{seconds}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_has_a_namespace_of_its_own() {
        let names: BTreeSet<_> = SCENARIOS.iter().map(namespace).collect();
        assert_eq!(names.len(), SCENARIOS.len());
    }

    #[test]
    fn no_more_than_fifteen_are_always_played() {
        let always = SCENARIOS.iter().filter(|scenario| scenario.always);
        assert!(always.count() <= 15);
    }

    #[test]
    fn an_empty_name_is_in_all() {
        assert!(SCENARIOS.iter().all(|it| Choice::Named("").holds(it)));
        assert!(!SCENARIOS.iter().any(|it| Choice::Named("?").holds(it)));
    }
}
