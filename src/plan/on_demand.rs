//! Operations on demand: which pods are still to be restarted for the one that is asked for, and what is remembered of it.
//!
//! When an operation is seen first, the uids of the pods that it is for are noted in the status, before any is touched. A
//! pod is done when it is another one than was noted, however it came to that, or when its entry says that its server was
//! restarted for it: whoever dies in between, none is restarted twice and none is left out.

use super::{
    Observed, Pod, PodHealth, Share, WaitReason, members, outdated::operation_name, warm_restart,
};
use crate::{
    api::{
        AerospikeClusterStatus,
        operations::{Operation, OperationInProgress},
    },
    resolve::Desired,
};

/// The operation that is asked for and not yet told as done.
#[must_use]
pub fn pending<'a>(desired: &'a Desired, status: &AerospikeClusterStatus) -> Option<&'a Operation> {
    let operation = desired.spec.operations.first()?;
    let mirror = &status.mirror;
    mirror.aerospike_config.as_ref()?;
    (mirror.operations != desired.spec.operations && !is_told_as_done(operation, status))
        .then_some(operation)
}

/// An entry without pods stands for all of them.
fn is_told_as_done(operation: &Operation, status: &AerospikeClusterStatus) -> bool {
    told(operation, status).is_some_and(|it| it.pod_list.is_empty())
}

fn told<'a>(operation: &Operation, status: &'a AerospikeClusterStatus) -> Option<&'a Operation> {
    let mut told = status.mirror.operations.iter();
    told.find(|it| it.id == operation.id)
}

fn noted<'a>(
    operation: &Operation,
    status: &'a AerospikeClusterStatus,
) -> Option<&'a OperationInProgress> {
    let noted = status.operation_in_progress.as_ref();
    noted.filter(|noted| noted.id == operation.id)
}

/// The operation for which the pod is still to be restarted.
#[must_use]
pub fn restarting<'a>(
    desired: &'a Desired,
    observed: &Observed,
    pod: &str,
) -> Option<&'a Operation> {
    let operation = pending(desired, &observed.status)?;
    let noted = noted(operation, &observed.status)?;
    is_the_same(noted, observed, pod).then_some(operation)
}

/// Whether the pod is the one that was noted, and so is its server. One that is on its way out is done: another one comes.
fn is_the_same(noted: &OperationInProgress, observed: &Observed, pod: &str) -> bool {
    let entry = observed.status.pods.get(pod);
    if entry.is_some_and(|entry| warm_restart::was_for(entry, &operation_name(&noted.id))) {
        return false;
    }
    let live = observed.pods.get(pod);
    let live = live.filter(|live| live.health != PodHealth::Terminating);
    live.is_some_and(|live| noted.pods.get(pod) == Some(&live.uid))
}

/// Waits until the pods of an operation are noted.
#[must_use]
pub fn begin(desired: &Desired, observed: &Observed) -> Share {
    let operation = pending(desired, &observed.status);
    match operation.filter(|it| noted(it, &observed.status).is_none()) {
        Some(operation) => Share::wait(
            WaitReason::RollingRestart,
            format!("operation {} begins", operation.id),
        ),
        None => Share::default(),
    }
}

/// Writes into `status` what is remembered of the operation that goes on, and in its mirror which pods are done, as AKO
/// does. The last of these is entered with the end of all: the whole list would say that nothing is left to wait for.
pub fn note(desired: &Desired, observed: &Observed, status: &mut AerospikeClusterStatus) {
    let operation = pending(desired, status);
    status.operation_in_progress = operation.map(|operation| in_progress(operation, observed));
    let Some((operation, noted)) = operation.zip(status.operation_in_progress.as_ref()) else {
        return;
    };
    let wanted: Vec<_> = if operation.pod_list.is_empty() {
        noted.pods.keys().cloned().collect()
    } else {
        operation.pod_list.clone()
    };
    let is_done = |pod: &&String| !is_the_same(noted, observed, pod);
    let mut done: Vec<_> = wanted.iter().filter(is_done).cloned().collect();
    done.truncate(wanted.len().saturating_sub(1));
    if !done.is_empty() {
        status.mirror.operations = vec![Operation {
            pod_list: done,
            ..operation.clone()
        }];
    }
}

/// As it was noted, or as it will be.
#[must_use]
pub fn in_progress(operation: &Operation, observed: &Observed) -> OperationInProgress {
    let noted = noted(operation, &observed.status).cloned();
    noted.unwrap_or_else(|| begun(operation, observed))
}

/// With the pods that it is for, as they are now. One whose server is yet to start for the first time needs no restart,
/// and neither does one that the status tells as done.
fn begun(operation: &Operation, observed: &Observed) -> OperationInProgress {
    let done = told(operation, &observed.status);
    let is_asked_for = |name: &String| {
        let listed = operation.pod_list.is_empty() || operation.pod_list.contains(name);
        listed && !done.is_some_and(|done| done.pod_list.contains(name))
    };
    let has_run = |pod: &Pod| {
        pod.health != PodHealth::Terminating
            && (pod.serves() || pod.server_runs || members::is_broken(pod))
    };
    let pods = observed.pods.iter();
    let pods = pods.filter(|(name, pod)| is_asked_for(name) && has_run(pod));
    OperationInProgress {
        id: operation.id.clone(),
        pods: pods
            .map(|(name, pod)| (name.clone(), pod.uid.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
