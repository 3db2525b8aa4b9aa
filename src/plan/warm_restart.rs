//! Servers that start anew in their pods, with another configuration in the file: what they keep in shared memory stays, and
//! the pod is not scheduled again. They are stopped as safely as pods are.
//!
//! A restart is noted in the pod's entry before it begins, and again when the server was told to end. Whatever happens in
//! between leaves in doubt what the server runs; such a pod is made anew. That the server is back is known from its uptime,
//! since Kubernetes sees neither its end nor its start.

use std::collections::BTreeSet;

use super::{Effect, Observed, Pod, PodHealth, Server, Share, outdated::Remedy};
use crate::{
    aerospike::node_view::NodeView,
    api::{
        operations::OperationKind,
        status::{LastRestart, PodStatus, WarmRestart},
    },
    config::statements::Key,
    resolve::Desired,
};

/// By so much, in seconds, the start of a server is known: it tells whole seconds, and is asked a while after a pass began.
const BLUR: i64 = 5;
/// So long a server must have run before it is restarted in its pod, so that the next one is told from it: seconds.
const LONG_ENOUGH: u64 = 15;
/// So long a server may take to end: seconds, as pods are given.
const END_WITHIN: i64 = 600;

/// Sections whose statements belong to what a pod is made of: its ports, and its volumes as `init` prepares them.
const OF_POD: [&str; 4] = ["network", "storage-engine", "index-type", "sindex-type"];
/// Statements that do.
const OF_POD_TOO: [&str; 1] = ["work-directory"];

/// What it takes to change these statements of a pod's file.
#[must_use]
pub fn of_keys(keys: &BTreeSet<Key>, pod: Option<&Pod>) -> Remedy {
    if pod.is_some_and(can_be_told) && !keys.iter().any(needs_new_pod) {
        Remedy::WarmRestart
    } else {
        Remedy::PodRestart
    }
}

fn needs_new_pod(key: &Key) -> bool {
    let kind = |title: &String| title.split(' ').next().unwrap_or_default().to_owned();
    let mut kinds = key.sections.iter().map(kind);
    let is_namespace = key.sections.len() == 1 && key.sections[0].starts_with("namespace ");
    let comes_or_goes = is_namespace && key.name.is_empty();
    let of_pod = kinds.any(|kind| OF_POD.contains(&kind.as_str()));
    comes_or_goes || of_pod || OF_POD_TOO.contains(&key.name.as_str())
}

/// What it takes to carry out an operation of this kind.
#[must_use]
pub fn of_operation(kind: OperationKind, pod: Option<&Pod>) -> Remedy {
    match kind {
        OperationKind::WarmRestart if pod.is_some_and(can_be_told) => Remedy::WarmRestart,
        OperationKind::WarmRestart | OperationKind::PodRestart => Remedy::PodRestart,
    }
}

/// Whether this operator's program lies in the server container: none but it notes the template.
const fn can_be_told(pod: &Pod) -> bool {
    pod.config_template.is_some()
}

/// Whether a restart of the server began, and nobody knows how it went on.
#[must_use]
pub fn is_in_doubt(entry: &PodStatus) -> bool {
    progress(entry) == Some(WarmRestart::Begun)
}

fn progress(entry: &PodStatus) -> Option<WarmRestart> {
    entry.last_restart.as_ref()?.warm_restart
}

/// Whether the pod, or the server in it, was restarted for the operation of this name.
#[must_use]
pub fn was_for(entry: &PodStatus, operation: &str) -> bool {
    let restart = entry.last_restart.as_ref();
    restart.is_some_and(|restart| {
        let began = [None, Some(WarmRestart::Begun)].contains(&restart.warm_restart);
        !began && restart.reasons.iter().any(|reason| reason == operation)
    })
}

/// How a pod that is due a warm restart is restarted: one whose server is too young to tell its successor from it is made anew.
#[must_use]
pub fn possible(remedy: Remedy, view: Option<&NodeView>) -> Remedy {
    let is_old_enough = view.is_some_and(|view| view.cluster.uptime >= LONG_ENOUGH);
    if remedy == Remedy::WarmRestart && !is_old_enough {
        return Remedy::PodRestart;
    }
    remedy
}

impl Observed {
    /// Takes servers that were told to end, and still answer, for what they are: on their way out. Kubernetes does not know.
    /// One that does not end in time is in doubt.
    #[must_use]
    pub fn with_restarting_servers(mut self) -> Self {
        for (name, entry) in &mut self.status.pods {
            let Some(restart) = told(entry) else {
                continue;
            };
            let Some(pod) = self.pods.get_mut(name) else {
                continue;
            };
            if !pod.serves() {
                // It is we who ended it.
                pod.lost = false;
                continue;
            }
            let Some(Server::Answered(view)) = self.servers.get(name) else {
                continue;
            };
            let age = self.now.as_second() - restart.time.0.as_second();
            match (is_back(age, view), age > END_WITHIN) {
                (true, _) => {}
                (false, true) => restart.warm_restart = Some(WarmRestart::Begun),
                (false, false) => {
                    pod.health = PodHealth::NotReady;
                    let why = "its server was told to end".to_owned();
                    self.servers.insert(name.clone(), Server::Silent(why));
                }
            }
        }
        self
    }
}

fn told(entry: &mut PodStatus) -> Option<&mut LastRestart> {
    let restart = entry.last_restart.as_mut();
    restart.filter(|restart| restart.warm_restart == Some(WarmRestart::Told))
}

/// Whether a server started after it was told to end, `age` seconds ago.
fn is_back(age: i64, view: &NodeView) -> bool {
    let uptime = i64::try_from(view.cluster.uptime).unwrap_or(i64::MAX);
    uptime.saturating_sub(BLUR) <= age
}

/// Notes which servers are back.
#[must_use]
pub fn note_returns(_: &Desired, observed: &Observed) -> Share {
    let is_told = |entry: &PodStatus| progress(entry) == Some(WarmRestart::Told);
    let entries = observed.status.pods.iter();
    let told = entries.filter(|(_, entry)| is_told(entry));
    let back = told.filter(|(name, _)| observed.view(name).is_some());
    Share {
        upkeep: back
            .map(|(name, entry)| Effect::NoteReturn {
                pod: name.clone(),
                pod_ip: entry.pod_ip.clone(),
            })
            .collect(),
        ..Share::default()
    }
}

#[cfg(test)]
mod tests;
