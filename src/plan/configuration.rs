//! Changes of the configuration without a restart: what the table calls dynamic is set on the servers as they run, read
//! back, and only then written into the pods' files and entries.
//!
//! What a pod's file says is known from the template that `init` notes on the pod, and it counts only with the hash of the
//! pod's entry: nobody can change the one without the other being missed. What a server has in force is never remembered, but
//! read from it. Which parameters may differ from the file is noted in the pod's entry before the first of them is set, so
//! that a change that is given up halfway is taken back too.

pub mod order;
pub mod setting;

use std::collections::BTreeSet;

use self::setting::Setting;
use super::{
    Observed, Order, Pod, Share, Step, Wait, WaitReason, access_control,
    members::{self, RackState},
    outdated::{self, Change, Remedy},
    quiesce, warm_restart,
};
use crate::{
    aerospike::{build::Build, node_view::NodeView},
    api::status::{DynamicConfigUpdateStatus, PodStatus},
    config::statements::Key,
    resolve::{Desired, Rack, RackIdentifier, Template, image::version_of},
};

/// Parameters of one server that are set at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configure {
    /// The rack.
    pub rack: RackIdentifier,
    /// The pod.
    pub pod: String,
    /// IP in its entry.
    pub pod_ip: String,
    /// All that may differ from its file from now on; none if its entry says so already.
    pub note: Option<Vec<String>>,
    /// What the server is told, in this order.
    pub commands: Vec<String>,
    /// Some of the change is in force already.
    pub begun: bool,
}

impl Configure {
    /// How it ended if the server obeyed so many commands and refused the next.
    #[must_use]
    pub const fn outcome(&self, obeyed: usize) -> DynamicConfigUpdateStatus {
        if obeyed > 0 || self.begun {
            DynamicConfigUpdateStatus::PartiallyFailed
        } else {
            DynamicConfigUpdateStatus::Failed
        }
    }
}

/// The wanted configuration is in force on a server: it goes into the pod's file, and its hash into the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// The rack.
    pub rack: RackIdentifier,
    /// The pod.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// IP in its entry.
    pub pod_ip: String,
    /// The hash that its entry has.
    pub before: String,
    /// What servers are told before, so that the configuration acts: the last one that is confirmed brings it about.
    pub rebalance: Option<Order>,
}

/// In what the configuration of a pod is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// In nothing.
    None,
    /// In what is set while the server runs; in nothing that it would notice if there is none.
    AtRunTime(BTreeSet<Key>),
    /// In something that needs a restart of this kind, or in what is not known.
    ByRestart(Remedy),
}

impl Difference {
    /// What it takes to do away with it; none where there is none.
    #[must_use]
    pub const fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::None => None,
            Self::AtRunTime(_) => Some(Remedy::AtRunTime),
            Self::ByRestart(remedy) => Some(*remedy),
        }
    }
}

/// Compares what a pod said of itself with what is wanted.
#[must_use]
pub fn difference(
    desired: &Desired,
    rack: &Rack,
    pod: Option<&Pod>,
    entry: &PodStatus,
) -> Difference {
    let is_same = entry.aerospike_config_hash == rack.hashes.config;
    let outcome = entry.dynamic_config_update_status;
    let failed = outcome.is_some_and(|outcome| outcome != DynamicConfigUpdateStatus::Empty);
    let is_clean = entry.dynamic_config_parameters.is_empty() && !failed;
    let template = pod.and_then(|pod| pod.config_template.as_ref());
    if warm_restart::is_in_doubt(entry) {
        return Difference::ByRestart(Remedy::PodRestart);
    }
    // Texts are compared first: to hash one for every pod and pass takes far longer.
    let is_wanted = |it: &Template| *it == rack.template || it.hash() == rack.hashes.config;
    if is_same && is_clean && (!is_dynamic(desired) || template.is_none_or(is_wanted)) {
        return Difference::None;
    }
    let noted = entry.dynamic_config_parameters.iter();
    let mut keys: BTreeSet<_> = noted.map(|text| Key::parse(text)).collect();
    let wanted = rack.template.statements();
    if !is_same {
        let of_entry = |it: &&Template| it.hash() == entry.aerospike_config_hash;
        let Some(template) = template.filter(of_entry) else {
            return Difference::ByRestart(Remedy::PodRestart);
        };
        keys.extend(template.statements().difference(wanted));
    }
    let can_be_set = |build: &Build| {
        let mut keys = keys.iter();
        keys.all(|key| Setting::of(key, build).is_some_and(|it| it.wanted(key, wanted).is_some()))
    };
    let partly = outcome == Some(DynamicConfigUpdateStatus::PartiallyFailed);
    let may_be_set = is_dynamic(desired) && (!partly || is_same);
    if may_be_set && build_of(entry).is_some_and(|build| can_be_set(&build)) {
        Difference::AtRunTime(keys)
    } else {
        Difference::ByRestart(warm_restart::of_keys(&keys, pod))
    }
}

fn is_dynamic(desired: &Desired) -> bool {
    desired.spec.enable_dynamic_config_update == Some(true)
}

/// The version that a pod's server has.
fn build_of(entry: &PodStatus) -> Option<Build> {
    version_of(&entry.image).ok()?.to_string().parse().ok()
}

/// A pod whose server runs and gets its configuration without a restart.
struct Due<'a> {
    rack: &'a Rack,
    name: String,
    pod: &'a Pod,
    entry: &'a PodStatus,
    keys: BTreeSet<Key>,
    build: Build,
}

/// The highest ordinals of the first rack first. Of racks that shrink none is touched.
fn due<'a>(desired: &'a Desired, observed: &'a Observed) -> Vec<Due<'a>> {
    if !is_dynamic(desired) {
        return Vec::new();
    }
    let racks = members::racks(desired, observed);
    let staying = racks.iter().filter(|state| state.leaving().is_empty());
    staying
        .flat_map(|state| due_in(desired, observed, state))
        .collect()
}

fn due_in<'a>(desired: &'a Desired, observed: &'a Observed, state: &RackState<'_>) -> Vec<Due<'a>> {
    let Some(rack) = desired.rack(&state.rack) else {
        return Vec::new();
    };
    let mut names: Vec<_> = state.pods(0..state.replicas).collect();
    names.reverse();
    let due = |name: String| {
        let pod = observed.pods.get(&name).filter(|pod| pod.serves())?;
        let entry = outdated::reported(observed, &name, pod)?;
        let changes = outdated::changes(desired, observed, rack, &name);
        if changes != [Change::Configuration(Remedy::AtRunTime)] {
            return None;
        }
        let Difference::AtRunTime(keys) = difference(desired, rack, Some(pod), entry) else {
            return None;
        };
        Some(Due {
            rack,
            name,
            pod,
            entry,
            keys,
            build: build_of(entry)?,
        })
    };
    names.into_iter().filter_map(due).collect()
}

/// What servers are asked about their configuration, by pod: only those of which something is to be set.
#[must_use]
pub fn questions(desired: &Desired, observed: &Observed) -> Vec<(String, Vec<String>)> {
    let due = due(desired, observed).into_iter();
    due.map(|due| (due.name.clone(), due.questions())).collect()
}

/// Sets what differs on the next server, or confirms what it has. Servers that do not answer are passed over. Users and
/// roles come first: without them the administrator may not set anything.
#[must_use]
pub fn update(desired: &Desired, observed: &Observed) -> Share {
    if !access_control::is_installed(desired, observed) {
        return Share::default();
    }
    let due = due(desired, observed);
    let moving = due.iter().filter(|due| due.acts_with_rebalance()).count();
    let step = due.iter().find_map(|due| {
        let is_last = moving == 1 && due.acts_with_rebalance();
        if is_last && !observed.may_recluster() {
            return None;
        }
        let rebalance = is_last.then(|| quiesce::recluster(observed));
        due.step(observed.view(&due.name)?, rebalance)
    });
    Share {
        waits: if step.is_some() {
            waits(&due)
        } else {
            Vec::new()
        },
        step,
        ..Share::default()
    }
}

/// Waits for servers whose configuration is still to be set, once it can be.
#[must_use]
pub fn await_servers(desired: &Desired, observed: &Observed) -> Share {
    if !access_control::is_installed(desired, observed) {
        return Share::default();
    }
    Share {
        waits: waits(&due(desired, observed)),
        ..Share::default()
    }
}

fn waits(due: &[Due<'_>]) -> Vec<Wait> {
    let names: Vec<_> = due.iter().map(|due| due.name.as_str()).collect();
    let message = format!(
        "configuration to be set while they run: {}",
        names.join(", ")
    );
    let wait = (!due.is_empty()).then(|| Wait::new(WaitReason::DynamicConfiguration, message));
    wait.into_iter().collect()
}

/// A setting that is not as wanted.
struct Deviation {
    place: u8,
    command: String,
}

impl Due<'_> {
    fn settings(&self) -> impl Iterator<Item = (&Key, Setting<'_>)> {
        let setting = |key| Some((key, Setting::of(key, &self.build)?));
        self.keys.iter().filter_map(setting)
    }

    fn questions(&self) -> Vec<String> {
        let questions = self.settings().map(|(_, it)| it.question(&self.build));
        let questions: BTreeSet<_> = questions.collect();
        questions.into_iter().collect()
    }

    fn acts_with_rebalance(&self) -> bool {
        self.settings()
            .any(|(_, setting)| setting.acts_with_rebalance())
    }

    /// None where the server did not tell what it has in force. With the last server comes a rebalance, if the change acts
    /// from one on.
    fn step(&self, view: &NodeView, rebalance: Option<Order>) -> Option<Step> {
        let mut deviations = self.deviations(view)?;
        let rack = self.rack.identifier();
        let (pod, pod_ip) = (self.name.clone(), self.entry.pod_ip.clone());
        if deviations.is_empty() {
            return Some(Step::Confirm(Confirm {
                rack,
                pod,
                uid: self.pod.uid.clone(),
                pod_ip,
                before: self.entry.aerospike_config_hash.clone(),
                rebalance,
            }));
        }
        let noted = &self.entry.dynamic_config_parameters;
        let all: Vec<_> = self.keys.iter().map(Key::to_string).collect();
        deviations.sort_by_key(|deviation| deviation.place);
        Some(Step::Configure(Configure {
            rack,
            pod,
            pod_ip,
            begun: !noted.is_empty() && deviations.len() < self.keys.len(),
            note: (all != *noted).then_some(all),
            commands: deviations.into_iter().map(|it| it.command).collect(),
        }))
    }

    /// What the server has otherwise than wanted; none where it does not tell all.
    fn deviations(&self, view: &NodeView) -> Option<Vec<Deviation>> {
        let wanted = self.rack.template.statements();
        let mut deviations = Vec::new();
        for (key, setting) in self.settings() {
            let to = setting.wanted(key, wanted)?;
            let from = setting.live(&view.configuration, &self.build)?;
            if !setting.is_same(from, to) {
                deviations.push(Deviation {
                    place: order::place(setting.name(), from, to),
                    command: setting.command(to, &self.build),
                });
            }
        }
        Some(deviations)
    }
}

#[cfg(test)]
mod tests;
