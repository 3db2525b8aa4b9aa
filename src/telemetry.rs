//! Logging, metrics and probes.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::api::status::Phase;

/// Starts structured logging; `RUST_LOG` chooses what is logged.
pub fn start_logging() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| "info,kube=warn".into()),
        )
        .init();
}

/// The error and everything under it, in one line: the JSON log format shows no sources.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterPhase {
    cluster_name: String,
    cluster_namespace: String,
    phase: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    webhook: &'static str,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Eviction {
    eviction_namespace: String,
    decision: &'static str,
}

/// What the process counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    phases: Family<ClusterPhase, Gauge>,
    passes: Counter,
    failures: Family<Reason, Counter>,
    effects: Family<Reason, Counter>,
    seconds: Histogram,
    reviews: Family<Verdict, Counter>,
    evictions: Family<Eviction, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let phases = Family::default();
        let passes = Counter::default();
        let failures = Family::default();
        let effects = Family::default();
        let reviews = Family::default();
        let evictions = Family::default();
        let seconds = Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
        registry.register(
            "aerospike_ako_aerospikecluster_phase",
            "1 for the phase that a cluster is in, 0 for the others",
            phases.clone(),
        );
        registry.register(
            "aerospike_operator_passes",
            "Passes over a cluster",
            passes.clone(),
        );
        registry.register(
            "aerospike_operator_pass_failures",
            "Passes that failed",
            failures.clone(),
        );
        registry.register(
            "aerospike_operator_effects",
            "Effects carried out",
            effects.clone(),
        );
        registry.register(
            "aerospike_operator_pass_seconds",
            "Duration of a pass",
            seconds.clone(),
        );
        registry.register(
            "aerospike_operator_reviews",
            "Admission reviews answered",
            reviews.clone(),
        );
        registry.register(
            "aerospike_ako_eviction_webhook_requests",
            "Evictions of pods that were let through, or blocked because the operator moves the pod",
            evictions.clone(),
        );
        Self {
            registry,
            phases,
            passes,
            failures,
            effects,
            seconds,
            reviews,
            evictions,
        }
    }
}

const PHASES: [(Phase, &str); 3] = [
    (Phase::InProgress, "InProgress"),
    (Phase::Completed, "Completed"),
    (Phase::Error, "Error"),
];

impl Metrics {
    /// Notes the phase of a cluster.
    pub fn phase(&self, namespace: &str, name: &str, current: Option<Phase>) {
        for (phase, label) in PHASES {
            let gauge = self
                .phases
                .get_or_create(&cluster_phase(namespace, name, label));
            gauge.set(i64::from(current == Some(phase)));
        }
    }

    /// Forgets a cluster that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        for (_, label) in PHASES {
            self.phases.remove(&cluster_phase(namespace, name, label));
        }
    }

    /// Notes a pass, and why it failed if it did.
    pub fn pass(&self, seconds: f64, failure: Option<&'static str>) {
        self.passes.inc();
        self.seconds.observe(seconds);
        if let Some(reason) = failure {
            self.failures.get_or_create(&Reason { reason }).inc();
        }
    }

    /// Notes an effect.
    pub fn effect(&self, reason: &'static str) {
        self.effects.get_or_create(&Reason { reason }).inc();
    }

    /// Notes an answer about the eviction of a pod of `namespace`.
    pub fn eviction(&self, namespace: &str, blocked: bool) {
        let decision = if blocked { "blocked" } else { "allowed" };
        let eviction_namespace = namespace.to_owned();
        self.evictions
            .get_or_create(&Eviction {
                eviction_namespace,
                decision,
            })
            .inc();
    }

    /// Notes an answered review.
    pub fn review(&self, webhook: &'static str, allowed: bool) {
        let verdict = if allowed { "allowed" } else { "denied" };
        self.reviews
            .get_or_create(&Verdict { webhook, verdict })
            .inc();
    }
}

fn cluster_phase(namespace: &str, name: &str, phase: &'static str) -> ClusterPhase {
    ClusterPhase {
        cluster_name: name.to_owned(),
        cluster_namespace: namespace.to_owned(),
        phase,
    }
}

/// What the probes and `/metrics` answer from.
#[derive(Clone)]
pub struct Telemetry {
    /// What the process counts.
    pub metrics: Arc<Metrics>,
    /// Whether a review would be answered.
    pub ready: Arc<dyn Fn() -> Readiness + Send + Sync>,
}

/// What `/readyz` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether a review would be answered.
    pub ready: bool,
    /// What is wrong, be it that or not.
    pub wrong: Option<String>,
}

/// `/healthz`, `/readyz` and `/metrics`, over plain HTTP.
pub fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(telemetry)
}

async fn readyz(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let Readiness { ready, wrong } = (telemetry.ready)();
    let (code, word) = if ready {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    (
        code,
        wrong.map_or_else(|| word.to_owned(), |wrong| format!("{word}: {wrong}")),
    )
}

async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &telemetry.metrics.registry) {
        Ok(()) => (
            [(
                "content-type",
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
