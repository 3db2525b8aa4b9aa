//! What an accepted edit does to the pods that run, told with the answer: at most three warnings, from both specs and the
//! status alone. The command `plan` tells more.

use std::collections::BTreeSet;

use crate::{
    admission::WorkedOut,
    api::{AerospikeClusterStatus, status::PodStatus},
    finding::{FieldPath, Warning},
    plan::{
        Observed, Pod, PodHealth,
        forecast::{Fate, Forecast, forecast},
    },
    resolve::{self, Desired, Rack, Settings},
    resources::names,
};

/// What the edit from `old` to `new` does; nothing where no pod is known, or where nothing can be said.
#[must_use]
pub fn warnings(old: WorkedOut<'_>, new: WorkedOut<'_>, settings: &Settings) -> Vec<Warning> {
    let status = new.0.status.as_ref();
    let Some(status) = status.filter(|status| !status.pods.is_empty()) else {
        return Vec::new();
    };
    let resolved = |(cluster, effective)| resolve::of_effective(cluster, effective, settings);
    let (Ok(before), Ok(desired)) = (resolved(old), resolved(new)) else {
        return Vec::new();
    };
    let forecast = forecast(&desired, &as_reported(status, &before));
    let told = [
        restarts(&forecast),
        at_run_time(&forecast),
        sizes(&forecast),
    ];
    told.into_iter().flatten().collect()
}

/// The cluster as its pods reported themselves, where they run what was asked for before.
fn as_reported(status: &AerospikeClusterStatus, before: &Desired) -> Observed {
    let pod = |(name, entry): (&String, &PodStatus)| {
        let (rack, _) = names::parse_pod(&before.identity.name, name)?;
        Some((name.clone(), stand_in(entry, before.rack(&rack))))
    };
    Observed {
        pods: status.pods.iter().filter_map(pod).collect(),
        status: status.clone(),
        ..Observed::default()
    }
}

/// A pod of which nothing is known but its entry, and what was asked for before of its rack.
fn stand_in(entry: &PodStatus, before: Option<&Rack>) -> Pod {
    Pod {
        uid: String::new(),
        resource_version: String::new(),
        ip: entry.pod_ip.parse().ok(),
        node: None,
        health: PodHealth::Ready,
        created: Observed::default().now,
        image: None,
        pod_spec_hash: None,
        volumes_hash: before.map(|rack| rack.hashes.volumes.clone()),
        init_image: None,
        template_revision: None,
        config_template: before.map(|rack| rack.template.clone()),
        eviction_asked: None,
        reported: true,
        server_runs: true,
        lost: false,
    }
}

fn warning(code: &'static str, message: String) -> Warning {
    Warning {
        code,
        path: FieldPath::spec(),
        message,
    }
}

/// Restarts of pods, and of servers in them.
fn restarts(forecast: &Forecast) -> Option<Warning> {
    let kinds = [Fate::Restarts, Fate::RestartsServer];
    let told: Vec<_> = kinds
        .iter()
        .filter_map(|kind| forecast.counted(*kind))
        .collect();
    if told.is_empty() {
        return None;
    }
    let told = told.join(", ");
    let restarted = forecast.pods().filter(|pod| kinds.contains(&pod.fate));
    let why: BTreeSet<_> = restarted.flat_map(|pod| &pod.changes).collect();
    let mut why: Vec<_> = why.into_iter().map(ToString::to_string).collect();
    why.dedup();
    let message = format!(
        "{told} because of this change, batch by batch: {}",
        why.join(", ")
    );
    Some(warning("PLAN-01", message))
}

fn at_run_time(forecast: &Forecast) -> Option<Warning> {
    let told = forecast.counted(Fate::IsTold)?;
    Some(warning(
        "PLAN-02",
        format!("{told} what this change sets, without a restart"),
    ))
}

fn sizes(forecast: &Forecast) -> Option<Warning> {
    let parts = [Fate::Starts, Fate::Leaves].into_iter();
    let told: Vec<_> = parts.filter_map(|fate| forecast.counted(fate)).collect();
    let message = format!("{}; partitions move", told.join(", "));
    (!told.is_empty()).then(|| warning("PLAN-03", message))
}

#[cfg(test)]
mod tests;
