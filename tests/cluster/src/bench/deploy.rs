//! Three servers through the operator, beside the same three from a bare `StatefulSet`.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::clusters::{self, READY_WITHIN, manifest, wait_for};
use super::report::{Figure, Outcome};
use super::{Builds, Measurement, Part, ROUNDS, say};
use crate::install::text;
use crate::{Cluster, demo, wait_until};

const SAMPLE: &str = "dim_nostorage_cluster_cr.yaml";
const NAMESPACE: &str = "bench-deploy";
const CLUSTER: &str = "aerospikecluster/aerocluster";
const SIZE: u32 = 3;

/// What is measured, and how.
pub const MEASUREMENT: Measurement = Measurement {
    part: Part::Deploy,
    title: "Three servers, beside a bare StatefulSet",
    method: "Through the operator: `kubectl apply` of `dim_nostorage_cluster_cr.yaml` with `size: 3` until `kubectl wait` \
             sees `Ready` of the `AerospikeCluster` (all servers in one cluster, users declared), in a namespace that has \
             only the Secrets. Bare: the StatefulSet that the operator made, with its ConfigMap, services and rights, which \
             stay; the cluster is paused (`spec.paused`), the set is scaled to 0 and its claims are deleted; then \
             `kubectl scale --replicas=3` until `kubectl wait` sees three ready replicas. Pods, init containers and volumes \
             are the same, and volumes are made anew on both sides. The bare side is favoured: its ConfigMap, services and \
             rights are there before the clock starts, and nobody waits for its servers to find each other. Each round \
             does one, then the other, and the ratio is that of a round.",
    measure: |_: &Builds| clusters::with_operator(measure),
};

/// Seconds that both ways took.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Round {
    operator: f64,
    bare: f64,
}

fn measure(cluster: &Cluster) -> Result<Outcome> {
    clusters::remove(cluster, NAMESPACE);
    let prerequisites = demo::prerequisites(NAMESPACE).to_string();
    cluster.kubectl_apply(&prerequisites).ok()?;
    let rounds: Result<Vec<_>> = (1..=ROUNDS).map(|number| round(cluster, number)).collect();
    clusters::remove(cluster, NAMESPACE);
    Ok(Outcome::Measured(figures(&rounds?), vec![]))
}

fn round(cluster: &Cluster, number: usize) -> Result<Round> {
    let operator = through_operator(cluster)?;
    let bare = bare(cluster)?;
    say(&format!(
        "round {number}: {operator:.1} s through the operator, {bare:.1} s bare"
    ));
    let delete = ["delete", CLUSTER, "-n", NAMESPACE];
    clusters::kubectl(cluster, &delete, READY_WITHIN)?;
    until_gone(cluster, "pods")?;
    until_gone(cluster, "statefulsets")?;
    delete_claims(cluster)?;
    Ok(Round { operator, bare })
}

fn through_operator(cluster: &Cluster) -> Result<f64> {
    let manifest = manifest(SAMPLE, NAMESPACE, Some(SIZE))?.to_string();
    let began = Instant::now();
    cluster.kubectl_apply(&manifest).ok()?;
    wait_for(cluster, "condition=Ready", &[CLUSTER, "-n", NAMESPACE])?;
    Ok(began.elapsed().as_secs_f64())
}

fn bare(cluster: &Cluster) -> Result<f64> {
    let set = empty_set(cluster)?;
    let began = Instant::now();
    scale(cluster, &set, SIZE)?;
    let ready = format!("jsonpath={{.status.readyReplicas}}={SIZE}");
    wait_for(cluster, &ready, &[&set, "-n", NAMESPACE])?;
    Ok(began.elapsed().as_secs_f64())
}

/// Takes the set from the operator, and pods and claims from the set.
fn empty_set(cluster: &Cluster) -> Result<String> {
    let pause = r#"{"spec": {"paused": true}}"#;
    let patch = ["patch", CLUSTER, "-n", NAMESPACE, "--type=merge", "-p"];
    text(cluster, &[&patch[..], &[pause]].concat())?;
    let set = text(
        cluster,
        &["get", "statefulsets", "-n", NAMESPACE, "-o", "name"],
    )?;
    scale(cluster, &set, 0)?;
    until_gone(cluster, "pods")?;
    delete_claims(cluster)?;
    wait_until(&format!("{set} to notice"), READY_WITHIN, || {
        field(cluster, &set, "{.status.readyReplicas}").is_ok_and(|ready| is_none(&ready))
    })?;
    ensure!(
        is_none(&field(cluster, &set, "{.spec.replicas}")?),
        "somebody else scaled {set} while its cluster was paused"
    );
    Ok(set)
}

fn delete_claims(cluster: &Cluster) -> Result<()> {
    let claims = ["delete", "persistentvolumeclaims", "--all", "-n", NAMESPACE];
    clusters::kubectl(cluster, &claims, READY_WITHIN).map(drop)
}

fn field(cluster: &Cluster, object: &str, path: &str) -> Result<String> {
    let output = format!("jsonpath={path}");
    text(cluster, &["get", object, "-n", NAMESPACE, "-o", &output])
}

/// A number that is 0 is often left out.
fn is_none(number: &str) -> bool {
    matches!(number, "" | "0")
}

fn scale(cluster: &Cluster, set: &str, replicas: u32) -> Result<()> {
    let replicas = format!("--replicas={replicas}");
    text(cluster, &["scale", set, "-n", NAMESPACE, &replicas]).map(drop)
}

fn until_gone(cluster: &Cluster, kind: &str) -> Result<()> {
    let list = ["get", kind, "-n", NAMESPACE, "-o", "name"];
    wait_until(&format!("no {kind} in {NAMESPACE}"), READY_WITHIN, || {
        text(cluster, &list).is_ok_and(|names| names.is_empty())
    })
}

fn figures(rounds: &[Round]) -> Vec<Figure> {
    let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect();
    vec![
        Figure::new(
            "`kubectl apply` → `Ready`, three servers",
            "s",
            of(|round| round.operator),
        ),
        Figure::new(
            "bare StatefulSet → three pods ready",
            "s",
            of(|round| round.bare),
        ),
        Figure::new("ratio", "", of(|round| round.operator / round.bare)).aim("≤ 1.3"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_each_round() {
        let round = |operator, bare| Round { operator, bare };
        let figures = figures(&[round(6.0, 4.0), round(5.0, 5.0)]);
        let values: Vec<_> = figures.into_iter().map(|figure| figure.values).collect();
        assert_eq!(values, [vec![6.0, 5.0], vec![4.0, 5.0], vec![1.5, 1.0]]);
    }
}
