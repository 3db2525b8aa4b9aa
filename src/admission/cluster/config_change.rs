//! What of the server's configuration may change in a running cluster, and how: for the cluster's own configuration, and
//! for what is in force in each rack.

mod namespaces;
mod network;

use std::collections::{BTreeMap, HashSet};

use crate::{
    admission::{
        rules::{Area, Change, Told},
        subject::{ConfiguredRack, Subject},
    },
    api::Tree,
    config::Problem,
    finding::{FieldPath, Finding, Reason, shortened},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[configuration_changes_are_possible],
    advice: &[],
};

/// A configuration before and after, and as it was last rolled out.
#[derive(Clone, Copy)]
struct Trees<'a> {
    old: &'a Tree,
    new: &'a Tree,
    rolled_out: Option<&'a Tree>,
}

/// Looks at one thing; paths are relative to the configuration.
type Check = fn(&Trees<'_>) -> Vec<Problem>;

const CHECKS: [Check; 6] = [
    network::used_authorities_stay,
    network::tls_names_stay,
    network::ports_stay,
    network::plain_and_tls_do_not_swap,
    namespaces::consistency_stays,
    namespaces::disks_stay_with_their_namespace,
];

fn problems<'a>(trees: &'a Trees<'a>) -> impl Iterator<Item = Problem> + 'a {
    CHECKS.iter().flat_map(|check| check(trees))
}

/// What stands in the cluster's own configuration is reported there, once, and not again for each rack.
fn configuration_changes_are_possible(change: &Change<'_>) -> Vec<Finding> {
    let own = FieldPath::spec().child("aerospikeConfig");
    let trees = Trees {
        old: &change.old.spec.aerospike_config,
        new: &change.new.spec.aerospike_config,
        rolled_out: change
            .rolled_out
            .map(|running| &running.spec.aerospike_config),
    };
    let problems = problems(&trees);
    let mut findings = problems
        .map(|problem| problem.into_finding(|path| own.join(path)))
        .told();
    let reported: HashSet<_> = findings
        .iter()
        .map(|finding| (finding.code, finding.path.clone()))
        .collect();
    findings.extend(of_racks(change, &reported));
    findings
}

/// What is wrong in a rack, unless it is `reported`, with the code that it would have in the cluster's own configuration.
fn of_racks(change: &Change<'_>, reported: &HashSet<(&'static str, FieldPath)>) -> Vec<Finding> {
    let old = by_id(change.old);
    let running = change.rolled_out.map(by_id).unwrap_or_default();
    let racks = change.new.configured_racks();
    racks
        .flat_map(|rack| {
            let id = rack.placed.rack.id;
            let trees = old.get(&id).map(|old| Trees {
                old,
                new: rack.config,
                rolled_out: running.get(&id).copied(),
            });
            let problems = trees.iter().flat_map(problems);
            let told = problems.filter_map(|problem| {
                let code = problem.code;
                let finding = of_rack(&rack, problem);
                (!reported.contains(&(code, finding.path.clone()))).then_some(finding)
            });
            told.told()
        })
        .told()
}

/// Of several racks with one id, which is a finding of its own, the first counts.
fn by_id<'a>(subject: &Subject<'a>) -> BTreeMap<i64, &'a Tree> {
    let mut trees = BTreeMap::new();
    for rack in subject.configured_racks() {
        trees.entry(rack.placed.rack.id).or_insert(rack.config);
    }
    trees
}

fn of_rack(rack: &ConfiguredRack<'_>, problem: Problem) -> Finding {
    let finding = problem.into_finding(|path| rack.place(path));
    Finding {
        code: "UPD-29",
        message: format!("rack {}: {}", rack.placed.rack.id, finding.message),
        ..finding
    }
}

/// Characters of a user's text that a message shows.
const QUOTED: usize = 80;

fn quoted(text: &str) -> String {
    shortened(text, QUOTED)
}

/// The section at members one below the other.
fn section<'a>(tree: &'a Tree, members: &[&str]) -> Option<&'a Tree> {
    members
        .iter()
        .try_fold(tree, |tree, member| tree.get(*member)?.as_object())
}

/// A change that is not possible.
fn refused(code: &'static str, path: FieldPath, message: impl Into<String>) -> Problem {
    Problem {
        code,
        path,
        reason: Reason::Forbidden,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
