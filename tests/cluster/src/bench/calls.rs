//! How many calls to the API server a pass makes that has nothing to do.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::clusters::{self, Settled};
use super::report::{Figure, Outcome};
use super::{Builds, Measurement, Part, ROUNDS, counters};
use crate::install::{DEPLOYMENT, NAMESPACE, text};
use crate::operators::leader;
use crate::{Cluster, wait_until};

/// Longer than a settled cluster rests between two passes.
const WINDOW: Duration = Duration::from_secs(90);
/// How long the API server may take to sort calls anew.
const SORTED_WITHIN: Duration = Duration::from_mins(1);
/// What the API server counts by flow schema.
const DISPATCHED: &str = "apiserver_flowcontrol_dispatched_requests_total";
/// What the operator counts.
const PASSES: &str = "aerospike_operator_passes_total";
/// Flow schemas are tried in the order of these numbers: before that of all service accounts, after those of nodes.
const PRECEDENCE: usize = 700;

/// What is measured, and how.
pub const MEASUREMENT: Measurement = Measurement {
    part: Part::Calls,
    title: "Calls of a pass without anything to do",
    method: "Settled clusters are looked at again about once a minute each. Flow schemas (API priority and fairness) that \
             match nobody but the operator's service account sort its calls by what they are, so that the API server's \
             counter of dispatched requests is exact and holds nobody else's. In windows of 90 s at rest: that counter, and \
             the counter of passes of the replica that leads. Renewals of leases (of both replicas), begun watches and looks at \
             the webhooks' certificate are counted, but belong to no pass.",
    measure: |_: &Builds| clusters::with_operator(measure),
};

/// A kind of call that is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
}

/// In the order in which they are tried: what is left for the last one writes.
const KINDS: [Kind; 7] = [
    kind("leases", "*", "coordination.k8s.io", "leases"),
    kind("bundles", "get", "admissionregistration.k8s.io", "*"),
    kind("secrets", "get", "", "secrets"),
    kind("watches", "watch", "*", "*"),
    kind("lists", "list", "*", "*"),
    kind("gets", "get", "*", "*"),
    kind("writes", "*", "*", "*"),
];
/// Those of [`KINDS`] that belong to no pass.
const APART: usize = 4;

const fn kind(
    name: &'static str,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
) -> Kind {
    Kind {
        name,
        verb,
        group,
        resource,
    }
}

impl Kind {
    fn schema_name(self) -> String {
        format!("bench-operator-{}", self.name)
    }

    fn schema(self, place: usize) -> Value {
        let subject = json!({"kind": "ServiceAccount", "serviceAccount": {"name": DEPLOYMENT, "namespace": NAMESPACE}});
        let resources = json!({"verbs": [self.verb], "apiGroups": [self.group], "resources": [self.resource],
            "clusterScope": true, "namespaces": ["*"]});
        json!({"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
            "metadata": {"name": self.schema_name()},
            "spec": {
                "priorityLevelConfiguration": {"name": "workload-low"},
                "matchingPrecedence": PRECEDENCE + place,
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [{"subjects": [subject], "resourceRules": [resources]}]}})
    }
}

/// The flow schemas, which go with this value.
struct Sorted<'a>(&'a Cluster);

impl<'a> Sorted<'a> {
    fn begin(cluster: &'a Cluster) -> Result<Self> {
        let sorted = Self(cluster);
        let schemas: Vec<_> = KINDS
            .iter()
            .enumerate()
            .map(|(place, kind)| kind.schema(place))
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": schemas});
        cluster.kubectl_apply(&list.to_string()).ok()?;
        // Leases are renewed all the time.
        wait_until("calls to be sorted", SORTED_WITHIN, || {
            sorted.calls().is_ok_and(|calls| calls[0] > 0.0)
        })?;
        Ok(sorted)
    }

    /// Calls of each kind so far.
    fn calls(&self) -> Result<[f64; KINDS.len()]> {
        let metrics = text(self.0, &["get", "--raw", "/metrics"])?;
        let count = |kind: Kind| {
            counters::sum(
                &metrics,
                DISPATCHED,
                &[("flow_schema", &kind.schema_name())],
            )
        };
        Ok(KINDS.map(count))
    }
}

impl Drop for Sorted<'_> {
    fn drop(&mut self) {
        for kind in KINDS {
            let _ = text(self.0, &["delete", "flowschema", &kind.schema_name()]);
        }
    }
}

/// What happened in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    passes: f64,
    calls: [f64; KINDS.len()],
}

impl Window {
    fn calls_a_pass(&self) -> f64 {
        self.calls[APART..].iter().sum::<f64>() / self.passes
    }
}

fn measure(cluster: &Cluster) -> Result<Outcome> {
    let settled = Settled::ensure(cluster)?;
    let sorted = Sorted::begin(cluster)?;
    let windows: Result<Vec<_>> = (0..ROUNDS).map(|_| window(&sorted)).collect();
    Ok(Outcome::Measured(figures(&windows?), vec![settled.note()]))
}

fn window(sorted: &Sorted) -> Result<Window> {
    let pod = leader(sorted.0)?;
    let before = (sorted.calls()?, passes(sorted.0, &pod)?);
    thread::sleep(WINDOW);
    let after = (sorted.calls()?, passes(sorted.0, &pod)?);
    let made = after.1 - before.1;
    ensure!(leader(sorted.0)? == pod, "another replica leads now");
    ensure!(made > 0.0, "{pod} made no pass in {} s", WINDOW.as_secs());
    Ok(Window {
        passes: made,
        calls: std::array::from_fn(|kind| after.0[kind] - before.0[kind]),
    })
}

fn passes(cluster: &Cluster, pod: &str) -> Result<f64> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8081/proxy/metrics");
    let metrics = text(cluster, &["get", "--raw", &path])?;
    Ok(counters::sum(&metrics, PASSES, &[]))
}

fn figures(windows: &[Window]) -> Vec<Figure> {
    let a_pass = windows.iter().map(Window::calls_a_pass).collect();
    let passes = windows.iter().map(|window| window.passes).collect();
    let mut figures = vec![
        Figure::new("calls a pass", "", a_pass),
        Figure::new("passes in 90 s", "", passes),
    ];
    for (place, kind) in KINDS.iter().enumerate().rev() {
        let apart = if place < APART { " (of no pass)" } else { "" };
        let counts = windows.iter().map(|window| window.calls[place]).collect();
        let figure = Figure::new(format!("{} in 90 s{apart}", kind.name), "", counts);
        figures.push(match kind.name {
            "writes" => figure.aim("0"),
            _ => figure,
        });
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_and_watches_belong_to_no_pass() {
        let window = Window {
            passes: 2.0,
            calls: [9.0, 36.0, 54.0, 3.0, 10.0, 4.0, 0.0],
        };
        let figures = figures(&[window]);
        let shown: Vec<_> = figures
            .iter()
            .map(|figure| (figure.what.as_str(), figure.values[0], figure.aim))
            .collect();
        assert_eq!(
            shown,
            [
                ("calls a pass", 7.0, ""),
                ("passes in 90 s", 2.0, ""),
                ("writes in 90 s", 0.0, "0"),
                ("gets in 90 s", 4.0, ""),
                ("lists in 90 s", 10.0, ""),
                ("watches in 90 s (of no pass)", 3.0, ""),
                ("secrets in 90 s (of no pass)", 54.0, ""),
                ("bundles in 90 s (of no pass)", 36.0, ""),
                ("leases in 90 s (of no pass)", 9.0, ""),
            ]
        );
    }

    #[test]
    fn a_schema_matches_the_operator_alone() {
        let schema = KINDS[0].schema(0);
        assert_eq!(schema["metadata"]["name"], "bench-operator-leases");
        assert_eq!(
            schema["spec"]["rules"],
            json!([{
                "subjects": [{"kind": "ServiceAccount", "serviceAccount":
                    {"name": "aerospike-operator-controller-manager", "namespace": "aerospike"}}],
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
                    "clusterScope": true, "namespaces": ["*"]}],
            }])
        );
    }
}
