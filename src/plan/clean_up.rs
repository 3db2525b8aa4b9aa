//! What removed pods and racks leave behind goes when the others are known to hold all: claims by their policy, then the
//! servers' memory of the nodes and the pods' entries in the status, which mark that a pod may still own data, then the
//! sets of racks that are gone.

use super::{
    Kind, Observed, Order, Share, Step, Wait, WaitReason, deletion::goes_with_its_pod, members,
    observed::Claim, safe_stop::agreement,
};
use crate::{
    aerospike::command,
    api::storage::StorageSpec,
    resolve::{Desired, RackIdentifier},
    resources::names,
};

/// The next thing to clear away. Pods that are wanted back keep all that they have: it may be what the others lack.
#[must_use]
pub fn clear_away(desired: &Desired, observed: &Observed) -> Share {
    let next = claims(desired, observed)
        .or_else(|| entries(desired, observed))
        .or_else(|| rack(desired, observed));
    match next {
        None => Share::default(),
        Some(Err(wait)) => Share {
            waits: vec![wait],
            ..Share::default()
        },
        Some(Ok(step)) => {
            let unsettled = agreement::settled(desired, observed);
            let told = Wait::new(WaitReason::ScalingDown, step.describe());
            Share {
                step: unsettled.is_none().then_some(step),
                waits: unsettled.into_iter().chain([told]).collect(),
                ..Share::default()
            }
        }
    }
}

/// How a pod came to be there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// Its set asks for fewer, which it does only after the pod was drained.
    Drained,
    /// Its set is gone, and says no more about how the pod went.
    WithItsSet,
}

/// How a pod of this name went, if it is not there, nothing makes it anew and it is not wanted back.
fn gone(desired: &Desired, observed: &Observed, pod: &str) -> Option<Gone> {
    let (rack, ordinal) = names::parse_pod(&desired.identity.name, pod)?;
    if observed.pods.contains_key(pod) || ordinal < members::wanted(desired, &rack) {
        return None;
    }
    let set = names::stateful_set(&desired.identity.name, &rack);
    let Some(live) = observed.objects.get(&(Kind::StatefulSet, set)) else {
        return Some(Gone::WithItsSet);
    };
    let ours = live.owner.as_deref() == Some(desired.identity.uid.as_str());
    let fewer = i64::from(live.replicas()) <= i64::from(ordinal);
    (ours && !live.deleting && fewer).then_some(Gone::Drained)
}

type Next = Option<Result<Step, Wait>>;

/// The claims of removed pods that go with them; those on their way out are waited for.
fn claims(desired: &Desired, observed: &Observed) -> Next {
    let going: Vec<_> = observed
        .claims
        .iter()
        .filter(|claim| goes(desired, observed, claim))
        .collect();
    let (leaving, staying): (Vec<_>, Vec<_>) = going.into_iter().partition(|claim| claim.deleting);
    if staying.is_empty() {
        let first = leaving.first()?;
        let message = format!("claim {} is being deleted", first.name);
        return Some(Err(Wait::new(WaitReason::ScalingDown, message)));
    }
    let claims = staying.into_iter();
    Some(Ok(Step::DeleteClaims {
        claims: claims
            .map(|claim| (claim.name.clone(), claim.uid.clone()))
            .collect(),
    }))
}

/// Whether the claim was of a removed pod and goes with it. One that was kept earlier, whose pod is forgotten, stays for
/// good; so does one whose set somebody deleted.
fn goes(desired: &Desired, observed: &Observed, claim: &Claim) -> bool {
    let Some(pod) = pod_of(claim) else {
        return false;
    };
    let Some((rack, _)) = names::parse_pod(&desired.identity.name, pod) else {
        return false;
    };
    let remembered = observed.status.pods.contains_key(pod) || !claim.initialized;
    remembered
        && gone(desired, observed, pod) == Some(Gone::Drained)
        && storage(desired, observed, &rack)
            .is_some_and(|storage| goes_with_its_pod(claim, storage))
}

/// Whether a pod is remembered that is not there, with claims of which none is on its way out.
#[must_use]
pub fn has_data(observed: &Observed, pod: &str) -> bool {
    let mut claims = observed
        .claims
        .iter()
        .filter(|claim| pod_of(claim) == Some(pod))
        .peekable();
    let remembered = observed.status.pods.contains_key(pod) && !observed.pods.contains_key(pod);
    remembered && claims.peek().is_some() && claims.all(|claim| !claim.deleting)
}

fn pod_of(claim: &Claim) -> Option<&str> {
    let volume = claim.volume.as_deref()?;
    claim.name.strip_prefix(volume)?.strip_prefix('-')
}

/// The storage by which a rack's claims are judged: the spec's, else that of the rack as it was rolled out, else the
/// cluster's.
fn storage<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    rack: &RackIdentifier,
) -> Option<&'a StorageSpec> {
    let configs = [
        &desired.spec.rack_config,
        &observed.status.mirror.rack_config,
    ];
    let mut specs = configs.into_iter().filter_map(|it| rack.find(it.as_ref()));
    let own = specs
        .next()
        .and_then(|spec| spec.effective_storage.as_ref());
    own.or(desired.spec.storage.as_ref())
}

/// The others forget the nodes of removed pods, and so does the status.
fn entries(desired: &Desired, observed: &Observed) -> Next {
    let removed = observed.status.pods.iter();
    let removed: Vec<_> = removed
        .filter(|(pod, _)| gone(desired, observed, pod).is_some())
        .map(|(pod, entry)| (pod.clone(), entry.pod_ip.clone()))
        .collect();
    (!removed.is_empty()).then(|| {
        let orders = forget(desired, observed, removed.iter().map(|(pod, _)| pod));
        Ok(Step::Forget {
            pods: removed,
            orders,
        })
    })
}

fn forget<'a>(
    desired: &Desired,
    observed: &Observed,
    removed: impl Iterator<Item = &'a String>,
) -> Vec<Order> {
    let ports = &desired.network.ports;
    let ports: Vec<_> = [ports.heartbeat, ports.tls_heartbeat]
        .into_iter()
        .flatten()
        .collect();
    let everybody = || observed.pods_where(|_| true);
    let clear = |pod: &String| command::tip_clear(&names::fqdn(pod, &desired.identity), &ports);
    removed
        .map(clear)
        .chain([command::ALUMNI_RESET.to_owned()])
        .map(|command| Order {
            pods: everybody(),
            command,
        })
        .collect()
}

/// The set of a rack that the spec no longer has, once it has no pod left.
fn rack(desired: &Desired, observed: &Observed) -> Next {
    let racks = members::racks(desired, observed);
    let empty = racks
        .into_iter()
        .find(|rack| rack.wanted == 0 && rack.replicas == 0)?;
    let has_pods = observed.pods.keys().any(|pod| {
        names::parse_pod(&desired.identity.name, pod).is_some_and(|(rack, _)| rack == empty.rack)
    });
    (!has_pods).then(|| {
        Ok(Step::RemoveRack {
            rack: empty.rack,
            set: empty.set,
            uid: empty.live.uid.clone(),
            resource_version: empty.live.resource_version.clone(),
        })
    })
}

#[cfg(test)]
mod tests;
