//! The HTTP side of admission: reviews in, reviews out.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use tokio::time;

use crate::{
    admission::{self, Outcome, Webhook},
    resolve::Settings,
};

/// Path of the mutating webhook of `AerospikeCluster`.
pub const MUTATE_CLUSTER: &str = "/mutate-asdb-aerospike-com-v1-aerospikecluster";
/// Path of the validating webhook of `AerospikeCluster`.
pub const VALIDATE_CLUSTER: &str = "/validate-asdb-aerospike-com-v1-aerospikecluster";

/// A review carries the old and the new object, each up to what etcd stores.
const REVIEW_LIMIT: usize = 8 << 20;
/// The API server waits no longer than 10 s for any of our webhooks.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Takes note of reviews, for metrics.
pub trait Verdicts: Send + Sync {
    /// A review was answered after `took`.
    fn answered(&self, webhook: Webhook, outcome: &Outcome, took: Duration);
    /// Something that is no review was refused.
    fn refused(&self, webhook: Webhook);
}

/// Takes no note.
impl Verdicts for () {
    fn answered(&self, _: Webhook, _: &Outcome, _: Duration) {}
    fn refused(&self, _: Webhook) {}
}

/// What the handlers share.
#[derive(Clone)]
pub struct Context {
    /// What the installation contributes.
    pub settings: Arc<Settings>,
    /// Who takes note.
    pub verdicts: Arc<dyn Verdicts>,
    /// When a request is given up, a body that trickles in included.
    pub answer_within: Duration,
}

impl Context {
    /// A context with the time that the webhook configurations leave.
    #[must_use]
    pub fn new(settings: Settings, verdicts: Arc<dyn Verdicts>) -> Self {
        Self {
            settings: Arc::new(settings),
            verdicts,
            answer_within: ANSWER_WITHIN,
        }
    }
}

/// The routes that the webhook configurations name.
pub fn router(context: Context) -> Router {
    Router::new()
        .route(MUTATE_CLUSTER, post(mutate))
        .route(VALIDATE_CLUSTER, post(validate))
        .layer(DefaultBodyLimit::max(REVIEW_LIMIT))
        .layer(middleware::from_fn_with_state(context.clone(), deadline))
        .with_state(context)
}

async fn deadline(State(context): State<Context>, request: Request, next: Next) -> Response {
    match time::timeout(context.answer_within, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    }
}

async fn mutate(State(context): State<Context>, body: Bytes) -> Response {
    answer(&context, Webhook::Mutate, &body)
}

async fn validate(State(context): State<Context>, body: Bytes) -> Response {
    answer(&context, Webhook::Validate, &body)
}

fn answer(context: &Context, webhook: Webhook, body: &[u8]) -> Response {
    let began = time::Instant::now();
    match admission::review(body, webhook, &context.settings) {
        Ok(answer) => {
            note(webhook, &answer.outcome);
            let took = began.elapsed();
            context.verdicts.answered(webhook, &answer.outcome, took);
            ([(header::CONTENT_TYPE, "application/json")], answer.body).into_response()
        }
        Err(error) => {
            tracing::warn!(webhook = webhook.as_str(), %error, "Refused what is no review");
            context.verdicts.refused(webhook);
            (StatusCode::BAD_REQUEST, error.to_string()).into_response()
        }
    }
}

/// One line a review, with nothing of the object in it.
fn note(webhook: Webhook, outcome: &Outcome) {
    tracing::info!(
        webhook = webhook.as_str(),
        name = outcome.name,
        namespace = outcome.namespace,
        operation = outcome.operation.as_str(),
        allowed = outcome.allowed,
        findings = outcome.findings,
        warnings = outcome.warnings,
        "Answered review"
    );
}
