//! The webhooks of subresources, which look at the live object: evictions of pods, and the scale of a cluster.

use std::sync::{Arc, Mutex};

use aerospike_operator::{
    resolve::Settings,
    webhook::{self, Context, Live, VALIDATE_EVICTION, VALIDATE_SCALE},
};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use kube::Client;
use serde_json::{Value, json};
use tower::ServiceExt;

const POD: &str = "/api/v1/namespaces/ns/pods/db-1-0";
const SET: &str = "/apis/apps/v1/namespaces/ns/statefulsets/db-1";
const CLUSTER: &str = "/apis/asdb.aerospike.com/v1/namespaces/ns/aerospikeclusters/db";

/// What the API server has, and the patches that it got.
#[derive(Clone, Default)]
struct Api {
    objects: Arc<Vec<(&'static str, Value)>>,
    patches: Arc<Mutex<Vec<Value>>>,
    broken: bool,
}

impl Api {
    fn with(objects: Vec<(&'static str, Value)>) -> Self {
        Self {
            objects: Arc::new(objects),
            ..Self::default()
        }
    }

    /// The `response` to a review at `path`.
    async fn asked(&self, path: &str, review: &Value) -> Value {
        let server = Router::new().fallback(serve).with_state(self.clone());
        let router = webhook::router(Context {
            live: Some(Live::new(Client::new(server, "default"))),
            blocks_evictions: true,
            ..Context::new(Settings::default(), Arc::new(()))
        });
        answered(router, path, review).await
    }

    fn patches(&self) -> Vec<Value> {
        self.patches.lock().unwrap().clone()
    }
}

async fn serve(State(api): State<Api>, method: Method, uri: Uri, body: Bytes) -> Response {
    if api.broken {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let found = api.objects.iter().find(|(path, _)| *path == uri.path());
    let Some((_, object)) = found else {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404});
        return (StatusCode::NOT_FOUND, Json(status)).into_response();
    };
    if method == Method::PATCH {
        let patch = serde_json::from_slice(&body).unwrap();
        api.patches.lock().unwrap().push(patch);
    }
    Json(object).into_response()
}

async fn answered(router: Router, path: &str, review: &Value) -> Value {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(review.to_string()))
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
    answer["response"].take()
}

fn owned(by: &str, version: &str, uid: &str) -> Value {
    json!([{"kind": by, "apiVersion": version, "name": if by == "StatefulSet" { "db-1" } else { "db" }, "uid": uid, "controller": true}])
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"}, "metadata": {
        "name": "db-1-0", "namespace": "ns", "uid": "p", "ownerReferences": owned("StatefulSet", "apps/v1", "s")}})
}

fn set(owner: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {
        "name": "db-1", "namespace": "ns", "uid": "s", "ownerReferences": owned(owner, "asdb.aerospike.com/v1", "c")}})
}

fn eviction(dry_run: bool) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-1", "operation": "CREATE", "name": "db-1-0", "namespace": "ns", "dryRun": dry_run,
        "object": {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "db-1-0", "namespace": "ns"}}}})
}

#[tokio::test]
async fn a_database_pod_is_kept_and_its_wish_noted() {
    let api = Api::with(vec![(POD, pod()), (SET, set("AerospikeCluster"))]);
    let answer = api.asked(VALIDATE_EVICTION, &eviction(false)).await;
    assert_eq!(
        (&answer["allowed"], &answer["status"]["code"]),
        (&json!(false), &json!(403))
    );
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("ns/db-1-0 blocked by admission webhook"),
        "{message}"
    );
    let patches = api.patches();
    let noted = &patches[0]["metadata"]["annotations"]["aerospike.com/eviction-blocked"];
    assert!(patches.len() == 1 && noted.is_string(), "{patches:?}");
}

#[tokio::test]
async fn a_dry_run_is_refused_without_a_note() {
    let api = Api::with(vec![(POD, pod()), (SET, set("AerospikeCluster"))]);
    let answer = api.asked(VALIDATE_EVICTION, &eviction(true)).await;
    assert_eq!(
        (answer["allowed"].clone(), api.patches()),
        (json!(false), vec![])
    );
}

#[tokio::test]
async fn what_is_not_ours_passes_at_once() {
    let nobody = Api::default();
    let theirs = Api::with(vec![(POD, pod()), (SET, set("SomethingElse"))]);
    let orphan = Api::with(vec![(POD, pod())]);
    for api in [nobody, theirs, orphan] {
        let answer = api.asked(VALIDATE_EVICTION, &eviction(false)).await;
        assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
        assert_eq!(api.patches(), [Value::Null; 0]);
    }
}

#[tokio::test]
async fn an_api_server_that_fails_holds_up_no_drain_and_no_scaling() {
    let api = Api {
        broken: true,
        ..Api::default()
    };
    for (path, review) in [
        (VALIDATE_EVICTION, eviction(false)),
        (VALIDATE_SCALE, scale(2, 3)),
    ] {
        let answer = api.asked(path, &review).await;
        assert_eq!(answer["allowed"], true);
        assert_eq!(answer["warnings"].as_array().unwrap().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn evictions_pass_where_nobody_asked_for_their_safety() {
    let router = webhook::router(Context::new(Settings::default(), Arc::new(())));
    let answer = answered(router, VALIDATE_EVICTION, &eviction(false)).await;
    assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
}

fn scale(from: i64, to: i64) -> Value {
    let scale = |replicas: i64| json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": replicas}});
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-1", "operation": "UPDATE", "name": "db", "namespace": "ns", "subResource": "scale",
        "object": scale(to), "oldObject": scale(from)}})
}

fn cluster() -> Value {
    let text = include_str!("data/samples/dim_nostorage_cluster_cr.yaml");
    let mut cluster: Value = serde_saphyr::from_str(text).unwrap();
    cluster["metadata"]["name"] = "db".into();
    cluster
}

#[tokio::test]
async fn another_size_is_judged_with_the_rest_of_the_live_object() {
    let api = Api::with(vec![(CLUSTER, cluster())]);
    let answer = api.asked(VALIDATE_SCALE, &scale(2, 3)).await;
    assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
    let answer = api.asked(VALIDATE_SCALE, &scale(2, 300)).await;
    let causes = &answer["status"]["details"]["causes"];
    assert_eq!(
        (&answer["status"]["code"], &causes[0]["field"]),
        (&json!(422), &json!("spec.size"))
    );
}
