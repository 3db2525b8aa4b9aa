//! What the operator keeps its hands off: clusters that AKO still runs, and a definition that lacks our fields.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use k8s_openapi::{
    api::coordination::v1::Lease,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    jiff::Timestamp,
};
use kube::{Api, Client};
use serde_json::Value;

use super::Context;
use crate::{
    api::{AerospikeCluster, crd},
    plan::status::conditions::{ADOPTION_REQUIRED, Situation},
};

/// Lease by which AKO elects its leader.
const AKO_LEASE: &str = "96242fdf.aerospike.com";
/// Name of the definition.
const CRD: &str = "aerospikeclusters.asdb.aerospike.com";
/// How often AKO's lease is looked at.
const PERIOD: Duration = Duration::from_secs(15);
/// What it takes to hand a cluster over.
const HAND_OVER: &str =
    "stop the old operator first; taking over its clusters is not supported yet";

/// Whether AKO leads in our namespace.
#[derive(Debug, Default)]
pub struct AkoLeader(AtomicBool);

impl AkoLeader {
    /// Looks at AKO's lease once.
    pub async fn look(&self, client: &Client, namespace: &str) {
        let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
        match leases.get_opt(AKO_LEASE).await {
            Ok(lease) => {
                let leads = lease.is_some_and(|lease| is_held(&lease, Timestamp::now()));
                self.0.store(leads, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, lease = AKO_LEASE, "Lease cannot be read"),
        }
    }

    /// Looks at AKO's lease for as long as it is polled.
    pub async fn watch(&self, client: &Client, namespace: &str) {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            self.look(client, namespace).await;
        }
    }

    fn leads(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

fn is_held(lease: &Lease, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else {
        return false;
    };
    let held = spec
        .holder_identity
        .as_deref()
        .is_some_and(|id| !id.is_empty());
    let seconds = i64::from(spec.lease_duration_seconds.unwrap_or(15));
    let renewed = spec.renew_time.as_ref().map(|time| time.0.as_second());
    held && renewed.is_some_and(|renewed| renewed + seconds > now.as_second())
}

/// Why the cluster is not to be touched, if so.
#[must_use]
pub fn keep_off(cluster: &AerospikeCluster, context: &Context) -> Option<Situation> {
    let message = if is_akos(cluster) {
        format!("another operator made this cluster: {HAND_OVER}")
    } else if context.ako.leads() {
        format!("the lease {AKO_LEASE} is being renewed by another operator: {HAND_OVER}")
    } else {
        return None;
    };
    Some(Situation::Stalled {
        reason: ADOPTION_REQUIRED,
        message,
    })
}

/// AKO writes a mirror and no generation.
fn is_akos(cluster: &AerospikeCluster) -> bool {
    cluster.status.as_ref().is_some_and(|status| {
        status.mirror.aerospike_config.is_some() && status.observed_generation.is_none()
    })
}

/// Compares the served definition with ours.
///
/// # Errors
///
/// If it cannot be read, or lacks fields that we write.
pub async fn check_definition(client: &Client) -> anyhow::Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let served = definitions.get_opt(CRD).await?;
    let Some(served) = served else {
        anyhow::bail!("the definition {CRD} is not installed: apply crds/{CRD}.yaml");
    };
    let served = serde_json::to_value(&served)?;
    let schema =
        |definition: &Value| definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    let missing = missing_fields(&schema(&crd::aerospike_cluster()), &schema(&served), "");
    if let Some(first) = missing.first() {
        anyhow::bail!(
            "the definition {CRD} lacks {} fields of this version, the first is {first}: apply crds/{CRD}.yaml",
            missing.len()
        );
    }
    Ok(())
}

fn missing_fields(ours: &Value, served: &Value, path: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for (name, schema) in ours["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match served["properties"].get(name) {
            Some(theirs) => missing.extend(missing_fields(schema, theirs, &path)),
            None => missing.push(path),
        }
    }
    for (of_each, mark) in [("items", "[]"), ("additionalProperties", ".*")] {
        if ours[of_each].is_object() {
            let path = format!("{path}{mark}");
            missing.extend(missing_fields(&ours[of_each], &served[of_each], &path));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cluster_of_akos_is_told_by_its_status() {
        let cluster = |status: Value| -> AerospikeCluster {
            serde_json::from_value(json!({
                "metadata": {"name": "c"},
                "spec": {"size": 1, "image": "a:1.2", "aerospikeConfig": {}},
                "status": status,
            }))
            .unwrap()
        };
        assert!(is_akos(&cluster(
            json!({"aerospikeConfig": {}, "pods": {}})
        )));
        assert!(!is_akos(&cluster(json!({"pods": {}}))));
        assert!(!is_akos(&cluster(
            json!({"aerospikeConfig": {}, "observedGeneration": 2, "pods": {}})
        )));
    }

    #[test]
    fn a_definition_that_lacks_a_field_of_ours_is_named_with_the_field() {
        let with = |field: &str| json!({"properties": {field: {}}});
        let ours = json!({"properties": {"a": with("b"), "l": {"items": with("c")}, "m": {"additionalProperties": with("d")}}});
        let theirs = json!({"properties": {"a": {}, "l": {"items": {}}, "m": {"additionalProperties": {}}, "more": {}}});
        assert_eq!(
            missing_fields(&ours, &theirs, ""),
            [".a.b", ".l[].c", ".m.*.d"]
        );
        assert!(missing_fields(&theirs, &theirs, "").is_empty());
    }

    #[test]
    fn a_lease_counts_while_it_is_renewed() {
        let lease: Lease = serde_json::from_value(json!({"spec": {
            "holderIdentity": "ako", "leaseDurationSeconds": 15,
            "renewTime": "2026-01-01T00:00:00.000000Z"}}))
        .unwrap();
        let at = |text: &str| text.parse().unwrap();
        assert!(is_held(&lease, at("2026-01-01T00:00:14Z")));
        assert!(!is_held(&lease, at("2026-01-01T00:00:16Z")));
    }
}
