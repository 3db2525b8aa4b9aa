//! The HTTP side of admission: reviews in, reviews out.

mod live;

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
    admission::{
        self, Answer, BadReview, Outcome, Webhook, eviction, scale,
        wire::{Request as Asked, Response as Verdict},
    },
    resolve::Settings,
};
pub use live::Live;

/// Path of the mutating webhook of `AerospikeCluster`.
pub const MUTATE_CLUSTER: &str = "/mutate-asdb-aerospike-com-v1-aerospikecluster";
/// Path of the validating webhook of `AerospikeCluster`.
pub const VALIDATE_CLUSTER: &str = "/validate-asdb-aerospike-com-v1-aerospikecluster";
/// Path of the validating webhook of `aerospikeclusters/scale`.
pub const VALIDATE_SCALE: &str = "/validate-asdb-aerospike-com-v1-aerospikecluster-scale";
/// Path of the validating webhook of `pods/eviction`.
pub const VALIDATE_EVICTION: &str = "/validate-eviction";

/// A review carries the old and the new object, each up to what etcd stores.
const REVIEW_LIMIT: usize = 8 << 20;
/// The API server waits no longer than 10 s for any of our webhooks.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Takes note of reviews, for metrics.
pub trait Verdicts: Send + Sync {
    /// The eviction of a pod of `namespace` was let through, or blocked because the operator moves the pod.
    fn evicted(&self, namespace: &str, blocked: bool);
    /// A review was answered after `took`.
    fn answered(&self, webhook: Webhook, outcome: &Outcome, took: Duration);
    /// Something that is no review was refused.
    fn refused(&self, webhook: Webhook);
}

/// Takes no note.
impl Verdicts for () {
    fn evicted(&self, _: &str, _: bool) {}
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
    /// The objects that a verdict depends on; without it such reviews are let through.
    pub live: Option<Live>,
    /// Whether evictions of database pods are blocked.
    pub blocks_evictions: bool,
}

impl Context {
    /// A context with the time that the webhook configurations leave.
    #[must_use]
    pub fn new(settings: Settings, verdicts: Arc<dyn Verdicts>) -> Self {
        Self {
            settings: Arc::new(settings),
            verdicts,
            answer_within: ANSWER_WITHIN,
            live: None,
            blocks_evictions: false,
        }
    }
}

/// The routes that the webhook configurations name.
pub fn router(context: Context) -> Router {
    Router::new()
        .route(MUTATE_CLUSTER, post(mutate))
        .route(VALIDATE_CLUSTER, post(validate))
        .route(VALIDATE_SCALE, post(scale))
        .route(VALIDATE_EVICTION, post(evict))
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
    let began = time::Instant::now();
    let answer = admission::mutate(&body);
    respond(&context, Webhook::Mutate, began, answer)
}

async fn validate(State(context): State<Context>, body: Bytes) -> Response {
    let began = time::Instant::now();
    let answer = admission::validate(&body, &context.settings);
    respond(&context, Webhook::Validate, began, answer)
}

async fn scale(State(context): State<Context>, body: Bytes) -> Response {
    let began = time::Instant::now();
    let answer = match Asked::read(&body) {
        Ok(request) => {
            let verdict = judge_scale(&context, &request).await;
            Ok(request.answer(verdict))
        }
        Err(error) => Err(error),
    };
    respond(&context, Webhook::Scale, began, answer)
}

/// Lets through what cannot be checked: the API server's schema and the controller look at the size too.
async fn judge_scale(context: &Context, request: &Asked<'_>) -> Verdict {
    let (Some(size), Some(live)) = (scale::wanted(request), &context.live) else {
        return Verdict::allowed();
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let name = request.name.as_deref().unwrap_or_default();
    match live.cluster(namespace, name).await {
        Ok(Some(cluster)) => scale::judge(&cluster, size, &context.settings),
        Ok(None) => Verdict::allowed(),
        Err(why) => Verdict::warned(format!(
            "aerospike-operator could not check the size: {why}"
        )),
    }
}

async fn evict(State(context): State<Context>, body: Bytes) -> Response {
    let began = time::Instant::now();
    let answer = match Asked::read(&body) {
        Ok(request) => {
            let verdict = judge_eviction(&context, &request).await;
            Ok(request.answer(verdict))
        }
        Err(error) => Err(error),
    };
    respond(&context, Webhook::Evict, began, answer)
}

async fn judge_eviction(context: &Context, request: &Asked<'_>) -> Verdict {
    let Some(live) = context.live.as_ref().filter(|_| context.blocks_evictions) else {
        return Verdict::allowed();
    };
    let Some(asked) = eviction::asked(request) else {
        return eviction::not_asked();
    };
    match live.database_pod(&asked).await {
        Ok(Some((pod, cluster))) => match live.note(&asked, &pod).await {
            Ok(()) => {
                context.verdicts.evicted(&asked.namespace, true);
                eviction::blocked(&asked, &cluster)
            }
            Err(why) => eviction::not_noted(&asked, &why),
        },
        Ok(None) => {
            context.verdicts.evicted(&asked.namespace, false);
            Verdict::allowed()
        }
        Err(why) => eviction::not_checked(&asked, &why),
    }
}

fn respond(
    context: &Context,
    webhook: Webhook,
    began: time::Instant,
    answer: Result<Answer, BadReview>,
) -> Response {
    match answer {
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
