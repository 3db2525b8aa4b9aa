//! Installs the operator into the cluster as its users do: definition, rights, certificate, Deployment, webhooks.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::{Cluster, images, paths, progress, wait_until};

/// Namespace of the operator.
pub const NAMESPACE: &str = "aerospike";
/// The operator's Deployment.
pub const DEPLOYMENT: &str = "aerospike-operator-controller-manager";
/// The Secret with the webhooks' certificate.
const CERTIFICATE: &str = "webhook-server-cert";
/// Names under which the API server calls the webhooks.
pub(crate) const WEBHOOK_NAMES: [&str; 2] = [
    "aerospike-operator-webhook-service.aerospike.svc",
    "aerospike-operator-webhook-service.aerospike.svc.cluster.local",
];
/// How long the operator may take to be ready.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// Applied in this order; the webhooks come last, since they need the operator.
const MANIFESTS: [&str; 5] = [
    "crds/aerospikeclusters.asdb.aerospike.com.yaml",
    "manifests/namespace.yaml",
    "manifests/rbac.yaml",
    "manifests/service.yaml",
    "manifests/deployment.yaml",
];
const WEBHOOKS: [&str; 2] = [
    "webhook-config/mutating.yaml",
    "webhook-config/validating.yaml",
];

/// A certificate of the webhooks.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The authority, in PEM.
    pub authority: String,
    /// The certificate, in PEM.
    pub certificate: String,
    /// Its key, in PEM.
    pub key: String,
}

impl Certificate {
    /// Makes an authority and a certificate of it.
    ///
    /// # Errors
    /// If the machine has no randomness.
    pub fn generate() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "aerospike-operator test authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Self::signed_by(&authority)
    }

    fn signed_by(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<Self> {
        let key = KeyPair::generate()?;
        let names = WEBHOOK_NAMES.map(str::to_owned).to_vec();
        let certificate = CertificateParams::new(names)?.signed_by(&key, authority)?;
        Ok(Self {
            authority: authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The Secret that the operator mounts, with the authority beside it.
    #[must_use]
    pub fn secret(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE},
            "type": "kubernetes.io/tls",
            "stringData": {
                "ca.crt": self.authority,
                "tls.crt": self.certificate,
                "tls.key": self.key,
            },
        })
    }
}

/// A running cluster with the images and the operator of this checkout in it.
///
/// # Errors
/// The first thing that did not go as it should.
pub fn everything() -> Result<Cluster> {
    let cluster = Cluster::up()?;
    let loaded = cluster.load(&images::build()?)?;
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
    for manifest in MANIFESTS {
        if manifest.ends_with("deployment.yaml") {
            ensure_certificate(cluster)?;
        }
        apply_file(cluster, manifest)?;
    }
    wait_for_operator(cluster)?;
    webhooks(cluster, &authority(cluster)?)?;
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

/// The authority of the webhooks' certificate, in PEM.
///
/// # Errors
/// What Kubernetes said.
pub fn authority(cluster: &Cluster) -> Result<String> {
    let template = r#"go-template={{index .data "ca.crt" | base64decode}}"#;
    let secret = [
        "get",
        "secret",
        CERTIFICATE,
        "-n",
        NAMESPACE,
        "-o",
        template,
    ];
    cluster.kubectl(&secret).ok()
}

/// Registers the webhooks, whose certificates are of `authorities` (PEM).
///
/// # Errors
/// What Kubernetes said.
pub fn webhooks(cluster: &Cluster, authorities: &str) -> Result<()> {
    let bundle = BASE64.encode(authorities);
    for manifest in WEBHOOKS {
        apply_webhooks(cluster, manifest, &bundle)?;
    }
    Ok(())
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

/// Makes the certificate's Secret unless there is one.
fn ensure_certificate(cluster: &Cluster) -> Result<()> {
    let found = cluster.kubectl(&["get", "secret", CERTIFICATE, "-n", NAMESPACE]);
    if found.success {
        return Ok(());
    }
    let secret = Certificate::generate()?.secret();
    cluster.kubectl_apply(&secret.to_string()).ok().map(drop)
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

fn apply_webhooks(cluster: &Cluster, manifest: &str, bundle: &str) -> Result<()> {
    let path = paths::checkout().join(manifest);
    let yaml = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let mut configuration: Value = serde_saphyr::from_str(&yaml)?;
    for webhook in configuration["webhooks"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        webhook["clientConfig"]["caBundle"] = bundle.into();
    }
    cluster
        .kubectl_apply(&configuration.to_string())
        .ok()
        .map(drop)
        .with_context(|| format!("failed to apply {manifest}"))
}

/// What `kubectl` printed.
///
/// # Errors
/// What it complained about.
pub fn text(cluster: &Cluster, args: &[&str]) -> Result<String> {
    Ok(cluster.kubectl(args).ok()?.trim().to_owned())
}
