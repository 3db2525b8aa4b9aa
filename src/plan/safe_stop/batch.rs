//! Pods that are stopped together, and what for.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::{
    plan::{Observed, Pod, Resize, Restart, Step, StopFor, members},
    resolve::{Desired, Edition, RackIdentifier, int_or_percent::IntOrPercent},
};

/// The pods that are stopped together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Their rack.
    pub rack: RackIdentifier,
    /// What they are stopped for.
    pub why: Why,
    /// The pods.
    pub pods: BTreeSet<String>,
    /// Those of them that are in the cluster.
    pub running: BTreeSet<String>,
}

/// What pods are stopped for, and what stops them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Their rack shall have fewer pods.
    Shrink {
        /// What stops the batch.
        resize: Resize,
        /// How many pods the rack has when all batches are done.
        wanted: u32,
        /// The rack with another revision that gets as many for them.
        successor: Option<RackIdentifier>,
    },
    /// They run something else than is wanted.
    Restart {
        /// What stops the batch.
        restart: Restart,
        /// How many pods of the rack are yet to be restarted, these included.
        left: usize,
    },
}

impl Batch {
    /// Of `pods`, as they are.
    #[must_use]
    pub fn of(rack: RackIdentifier, why: Why, pods: BTreeSet<String>, observed: &Observed) -> Self {
        let serves = |pod: &&String| observed.pods.get(*pod).is_some_and(Pod::serves);
        Self {
            running: pods.iter().filter(serves).cloned().collect(),
            rack,
            why,
            pods,
        }
    }

    /// In a word.
    #[must_use]
    pub const fn stopped_for(&self) -> StopFor {
        match &self.why {
            Why::Shrink { successor, .. } => match successor {
                Some(_) => StopFor::NewRevision,
                None => StopFor::FewerPods,
            },
            Why::Restart { restart, .. } => restart.stopped_for,
        }
    }

    /// What it is part of.
    #[must_use]
    pub fn describe(&self) -> String {
        let rack = &self.rack;
        match &self.why {
            Why::Shrink {
                resize,
                successor: Some(to),
                ..
            } => format!(
                "{} pods of rack {rack} are yet to move to rack {to}",
                resize.from
            ),
            Why::Shrink { resize, wanted, .. } => {
                format!("rack {rack} goes from {} to {wanted} pods", resize.from)
            }
            Why::Restart { restart, left } => {
                let next = restart.describe();
                format!("{left} pods of rack {rack} are yet to be restarted, next: {next}")
            }
        }
    }

    /// What a person can do who does not want to wait for what keeps the batch.
    #[must_use]
    pub fn way_out(&self) -> &'static str {
        match &self.why {
            Why::Shrink {
                successor: Some(_), ..
            } => "set the rack's revision back",
            Why::Shrink { .. } => "set spec.size back",
            Why::Restart { restart, .. } => restart.way_out(),
        }
    }

    /// Whether the claims of its pods are left alone when they stop.
    #[must_use]
    pub fn takes_no_claims(&self) -> bool {
        match &self.why {
            Why::Shrink { .. } => true,
            Why::Restart { restart, .. } => restart.pods.iter().all(|pod| pod.claims.is_empty()),
        }
    }

    /// What stops it.
    #[must_use]
    pub fn stop(self) -> Step {
        match self.why {
            Why::Shrink { resize, .. } => Step::Shrink(resize),
            Why::Restart { restart, .. } => Step::Restart(restart),
        }
    }

    /// Whether its servers can leave the data path before they stop: Community servers cannot, and a cluster's only
    /// server has nobody to leave it to.
    #[must_use]
    pub fn can_be_drained(&self, desired: &Desired, observed: &Observed) -> bool {
        self.has_others(desired, observed) && !self.has_community_servers(desired, observed)
    }

    /// Whether there are servers beside those of the batch.
    #[must_use]
    pub fn has_others(&self, desired: &Desired, observed: &Observed) -> bool {
        let expected = members::expected(desired, observed);
        expected.iter().any(|pod| !self.running.contains(pod))
    }

    /// By what each server says, since they differ while the edition changes.
    fn has_community_servers(&self, desired: &Desired, observed: &Observed) -> bool {
        let edition = |pod: &String| {
            let view = observed.view(pod);
            view.map_or(desired.image.edition, |view| view.edition)
        };
        self.running
            .iter()
            .any(|pod| edition(pod) == Edition::Community)
    }
}

/// How many of a rack's `whole` pods are restarted together, where another rack has pods.
#[must_use]
pub fn restarted(desired: &Desired, whole: u32) -> u32 {
    let config = desired.spec.rack_config.as_ref();
    let given = config.and_then(|config| config.rolling_update_batch_size.as_ref());
    size(desired, given, whole)
}

/// How many of a rack's `whole` pods are removed together.
#[must_use]
pub fn removed(desired: &Desired, whole: u32) -> u32 {
    let config = desired.spec.rack_config.as_ref();
    let given = config.and_then(|config| config.scale_down_batch_size.as_ref());
    size(desired, given, whole)
}

/// How many of a rack's `whole` pods go together, if `given` is configured. Where nothing can be quiesced it is one.
fn size(desired: &Desired, given: Option<&IntOrString>, whole: u32) -> u32 {
    match given {
        Some(size) if desired.image.edition != Edition::Community => {
            IntOrPercent::share(size, whole).max(1)
        }
        _ => 1,
    }
}
