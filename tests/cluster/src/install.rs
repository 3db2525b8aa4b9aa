//! Installs the operator into the cluster as its users do: definition, rights, Deployment, webhooks. The certificate is its
//! own business.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{Cluster, images, paths, progress, wait_until};

/// Namespace of the operator.
pub const NAMESPACE: &str = "aerospike";
/// The name by which the API server calls the webhooks.
pub const WEBHOOK: &str = "aerospike-operator-webhook-service.aerospike.svc";
/// The operator's Deployment.
pub const DEPLOYMENT: &str = "aerospike-operator-controller-manager";
/// The Secret with the webhooks' certificate.
const CERTIFICATE: &str = "webhook-server-cert";
/// How long the operator may take to be ready.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// The webhook configuration that refuses; the other one trusts the same.
const VALIDATING: &str =
    "validatingwebhookconfiguration/aerospike-operator-validating-webhook-configuration";

/// Applied in this order; the webhooks come last, since they need the operator.
const MANIFESTS: [&str; 7] = [
    "crds/aerospikeclusters.asdb.aerospike.com.yaml",
    "manifests/namespace.yaml",
    "manifests/rbac.yaml",
    "manifests/service.yaml",
    "manifests/deployment.yaml",
    "webhook-config/mutating.yaml",
    "webhook-config/validating.yaml",
];

/// A running cluster with the images and the operator of this checkout in it.
///
/// # Errors
/// The first thing that did not go as it should.
pub fn everything() -> Result<Cluster> {
    let cluster = Cluster::up()?;
    let loaded = cluster.load(&images::build(images::Make::Quick)?)?;
    operator(&cluster)?;
    if loaded > 0 {
        restart_operator(&cluster)?;
    }
    Ok(cluster)
}

/// Installs the operator, or brings an installed one up to date, and waits until it answers reviews.
///
/// # Errors
/// What Kubernetes said, or that the operator did not come up.
pub fn operator(cluster: &Cluster) -> Result<()> {
    progress("installing definition, rights, webhooks and operator");
    // One that is not the operator's own, from before it made one, it would not touch.
    let _ = cluster.kubectl(&[
        "delete",
        "secret",
        "-n",
        NAMESPACE,
        "--field-selector=metadata.name=webhook-server-cert",
        "--selector=app.kubernetes.io/managed-by!=aerospike-operator",
    ]);
    for manifest in MANIFESTS {
        apply_file(cluster, manifest)?;
    }
    wait_for_operator(cluster)?;
    wait_for_reviews(cluster)
}

/// Waits until the API server asks the operator, and is answered.
///
/// # Errors
/// If it is not.
pub fn wait_for_reviews(cluster: &Cluster) -> Result<()> {
    wait_until("a review is answered", READY_WITHIN, || {
        let probe = json!({"apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
            "metadata": {"name": "probe", "namespace": NAMESPACE},
            "spec": {"size": 1, "image": "x", "aerospikeConfig": {}}});
        let answer = cluster.kubectl_with_input(
            &["create", "--dry-run=server", "-f", "-"],
            &probe.to_string(),
        );
        answer.stderr.contains("is invalid")
    })
}

/// What the API server trusts of the webhooks, in PEM.
///
/// # Errors
/// What Kubernetes said.
pub fn trusted(cluster: &Cluster) -> Result<String> {
    let template =
        "go-template={{range .webhooks}}{{.clientConfig.caBundle | base64decode}}{{end}}";
    text(cluster, &["get", VALIDATING, "-o", template])
}

/// An item of the Secret with the webhooks' certificate; empty if there is none.
///
/// # Errors
/// What Kubernetes said.
pub fn certificate(cluster: &Cluster, item: &str) -> Result<String> {
    let template = format!(
        r#"go-template={{{{with index .data "{item}"}}}}{{{{base64decode .}}}}{{{{end}}}}"#
    );
    text(
        cluster,
        &[
            "get",
            "secret",
            CERTIFICATE,
            "-n",
            NAMESPACE,
            "-o",
            &template,
        ],
    )
}

/// Deletes the Secret with the webhooks' certificate, so that the operator makes a new certificate.
///
/// # Errors
/// What Kubernetes said.
pub fn delete_certificate(cluster: &Cluster) -> Result<()> {
    text(cluster, &["delete", "secret", CERTIFICATE, "-n", NAMESPACE]).map(drop)
}

/// Waits until every replica of the operator is ready.
///
/// # Errors
/// What keeps it from it.
pub fn wait_for_operator(cluster: &Cluster) -> Result<()> {
    let deployment = format!("deployment/{DEPLOYMENT}");
    let within = format!("--timeout={}s", READY_WITHIN.as_secs() / 2);
    text(
        cluster,
        &["rollout", "status", &deployment, "-n", NAMESPACE, &within],
    )
    .context("the operator did not become ready")?;
    Ok(())
}

/// Restarts the operator's pods, as after a new image under the same name.
///
/// # Errors
/// What Kubernetes said.
pub fn restart_operator(cluster: &Cluster) -> Result<()> {
    let deployment = format!("deployment/{DEPLOYMENT}");
    text(
        cluster,
        &["rollout", "restart", &deployment, "-n", NAMESPACE],
    )?;
    wait_for_operator(cluster)
}

/// Applies a manifest of the checkout.
///
/// # Errors
/// What Kubernetes said.
pub fn apply_file(cluster: &Cluster, manifest: &str) -> Result<String> {
    let path = paths::checkout().join(manifest);
    let yaml = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    cluster
        .kubectl_apply(&yaml)
        .ok()
        .with_context(|| format!("failed to apply {manifest}"))
}

/// What `kubectl` printed.
///
/// # Errors
/// What it complained about.
pub fn text(cluster: &Cluster, args: &[&str]) -> Result<String> {
    Ok(cluster.kubectl(args).ok()?.trim().to_owned())
}
