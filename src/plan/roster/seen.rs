//! Rosters as the servers tell them.

use crate::{
    aerospike::roster::RosterView,
    plan::{Observed, Wait, WaitReason, members, namespaces},
    resolve::Desired,
    resources::names,
};

/// The roster of a namespace by the word of all servers that have it; none while it is not everywhere where it shall be.
///
/// # Errors
///
/// What is missing before they are of one mind.
pub fn agreed<'a>(
    desired: &Desired,
    observed: &'a Observed,
    namespace: &str,
) -> Result<Option<&'a RosterView>, Wait> {
    match views(desired, observed, namespace)? {
        Some(views) => unanimous(&views, namespace),
        None => Ok(None),
    }
}

/// What all say alike; none if nobody says anything.
///
/// # Errors
///
/// That they differ.
pub(super) fn unanimous<'a>(
    views: &[&'a RosterView],
    namespace: &str,
) -> Result<Option<&'a RosterView>, Wait> {
    let first = views.first().copied();
    if views.iter().all(|view| Some(*view) == first) {
        return Ok(first);
    }
    let message = format!("the servers name different rosters of namespace {namespace}");
    Err(Wait::new(WaitReason::Clustering, message))
}

/// What each server says of the roster; none while the namespace is not everywhere where it shall be.
pub(super) fn views<'a>(
    desired: &Desired,
    observed: &'a Observed,
    namespace: &str,
) -> Result<Option<Vec<&'a RosterView>>, Wait> {
    let mut views = Vec::new();
    for pod in members::expected(desired, observed) {
        let Some(view) = observed.view(&pod) else {
            let message = format!("the server of pod {pod} has not answered");
            return Err(Wait::new(WaitReason::Servers, message));
        };
        let has = view.namespaces.get(namespace);
        let Some(namespace_view) = has.filter(|it| it.strong_consistency) else {
            if is_to_have(desired, &pod, namespace) {
                return Ok(None);
            }
            continue;
        };
        let Some(roster) = &namespace_view.roster else {
            let message =
                format!("the server of pod {pod} does not say the roster of namespace {namespace}");
            return Err(Wait::new(WaitReason::Servers, message));
        };
        if !roster.observed.has(&view.node) {
            let message = format!("node {} is yet to be observed by the others", view.node);
            return Err(Wait::new(WaitReason::Clustering, message));
        }
        views.push(roster);
    }
    Ok(Some(views))
}

/// How many copies of a namespace there shall be.
#[must_use]
pub fn copies(observed: &Observed, namespace: &str) -> usize {
    let factors = observed
        .views()
        .filter_map(|view| view.namespaces.get(namespace)?.replication_factor);
    factors
        .max()
        .map_or(2, |copies| usize::try_from(copies).unwrap_or(usize::MAX))
}

fn is_to_have(desired: &Desired, pod: &str, namespace: &str) -> bool {
    let rack = names::parse_pod(&desired.identity.name, pod);
    let rack = rack.and_then(|(rack, _)| desired.rack(&rack));
    rack.is_some_and(|rack| namespaces::is_in(rack, namespace))
}
