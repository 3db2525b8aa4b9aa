//! Admission over HTTP, without sockets.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use aerospike_operator::{
    admission::{Outcome, Webhook},
    resolve::Settings,
    webhook::{
        self, Context, MUTATE_CLUSTER, VALIDATE_CLUSTER, VALIDATE_EVICTION, VALIDATE_SCALE,
        Verdicts,
    },
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Verdicts for Notes {
    fn evicted(&self, namespace: &str, blocked: bool) {
        let note = format!("evict {namespace} {blocked}");
        self.0.lock().unwrap().push(note);
    }

    fn answered(&self, webhook: Webhook, outcome: &Outcome, _: Duration) {
        let Outcome {
            allowed, findings, ..
        } = outcome;
        let note = format!("{} {allowed} {findings}", webhook.as_str());
        self.0.lock().unwrap().push(note);
    }

    fn refused(&self, webhook: Webhook) {
        self.0.lock().unwrap().push(webhook.as_str().to_owned());
    }
}

fn router() -> Router {
    noted(Arc::new(()))
}

fn noted(verdicts: Arc<dyn Verdicts>) -> Router {
    webhook::router(Context::new(Settings::default(), verdicts))
}

async fn send(
    router: Router,
    path: &str,
    kind: &str,
    body: impl Into<Body>,
) -> (StatusCode, Vec<u8>) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, kind)
        .body(body.into())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, bytes.to_vec())
}

/// The `response` of an answered review.
async fn asked(path: &str, review: &Value) -> Value {
    let (status, body) = send(router(), path, "application/json", review.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&answer["apiVersion"], &answer["kind"]),
        (&json!("admission.k8s.io/v1"), &json!("AdmissionReview"))
    );
    answer["response"].take()
}

fn review(operation: &str, object: &Value, old: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "u-1", "operation": operation, "name": "db", "namespace": "ns", "userInfo": {}, "dryRun": false,
            "kind": {"group": "asdb.aerospike.com", "version": "v1", "kind": "AerospikeCluster"},
            "resource": {"group": "asdb.aerospike.com", "version": "v1", "resource": "aerospikeclusters"},
            "object": object, "oldObject": old,
        }
    })
}

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name]
        .iter()
        .collect()
}

fn sample(name: &str) -> Value {
    let text = fs::read_to_string(folder("samples").join(name)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn plain() -> Value {
    sample("dim_nostorage_cluster_cr.yaml")
}

/// The plain sample with `changes` merged over it.
fn changed(changes: &Value) -> Value {
    let mut object = plain();
    json_patch::merge(&mut object, changes);
    object
}

#[tokio::test]
async fn every_sample_is_completed_and_accepted() {
    for file in fs::read_dir(folder("samples")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let object = sample(&name);
        let answer = asked(MUTATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
        assert_eq!(answer["allowed"], true);
        let completed = patched(&object, &answer);
        assert_ne!(completed, object);
        let answer = asked(MUTATE_CLUSTER, &review("CREATE", &completed, &Value::Null)).await;
        assert_eq!(answer, json!({"uid": "u-1", "allowed": true}), "{name}");
        for object in [object, completed] {
            let answer = asked(VALIDATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
            assert_eq!(answer["allowed"], true, "{name}: {answer:#}");
        }
    }
}

fn patched(object: &Value, answer: &Value) -> Value {
    assert_eq!(answer["patchType"], "JSONPatch");
    let patch: k8s_openapi::ByteString = serde_json::from_value(answer["patch"].clone()).unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch.0).unwrap();
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

/// Reviews as an API server writes them: `<name>.request.json` and what is answered, `<name>.response.json`.
#[tokio::test]
async fn whole_reviews_are_answered_as_written_down() {
    let mut count = 0;
    for file in fs::read_dir(folder("reviews")).unwrap() {
        let path = file.unwrap().path();
        let Some(name) = path.to_str().unwrap().strip_suffix(".request.json") else {
            continue;
        };
        let request: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let (status, body) = send(
            router(),
            VALIDATE_CLUSTER,
            "application/json",
            request.to_string(),
        )
        .await;
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let recorded = format!("{name}.response.json");
        let recorded: Value = serde_json::from_str(&fs::read_to_string(recorded).unwrap()).unwrap();
        assert_eq!(answer, recorded, "{name}: {answer:#}");
        count += 1;
    }
    assert!(count >= 4);
}

#[tokio::test]
async fn all_findings_come_at_once_as_causes_and_as_text() {
    let object = changed(&json!({"metadata": {"name": "1db"}, "spec": {
        "image": "aerospike/aerospike-server-enterprise:5.7.0.1",
        "operations": [{"id": "1", "kind": "PodRestart"}],
        "rackConfig": {"racks": [{"id": 1}, {"id": 1}]},
    }}));
    let answer = asked(VALIDATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
    let status = &answer["status"];
    assert_eq!(
        (&answer["allowed"], &status["code"], &status["reason"]),
        (&json!(false), &json!(422), &json!("Invalid"))
    );
    let causes = status["details"]["causes"].as_array().unwrap();
    let fields: Vec<_> = causes
        .iter()
        .map(|cause| cause["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "metadata.name",
            "spec.image",
            "spec.operations",
            "spec.rackConfig.racks[1].id"
        ]
    );
    let message = status["message"].as_str().unwrap();
    assert!(
        message.starts_with("AerospikeCluster \"db\" is invalid: 4 problems\n* metadata.name: ")
    );
    assert_eq!(message.lines().count(), 5);
}

#[tokio::test]
async fn a_wrong_shape_is_a_finding_at_its_place() {
    let cases = [
        (json!({"spec": {"size": "two"}}), "spec.size"),
        (
            json!({"spec": {"rackConfig": {"racks": [{"id": 1}, {"id": "a"}]}}}),
            "spec.rackConfig.racks[1].id",
        ),
        (
            json!({"spec": {"ignoreSidecarFailure": "yes"}}),
            "spec.ignoreSidecarFailure",
        ),
        (json!({"spec": null}), "spec"),
        (json!({"metadata": {"name": 7}}), "metadata.name"),
    ];
    for (changes, field) in cases {
        let object = changed(&changes);
        let answer = asked(VALIDATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
        assert_eq!(answer["status"]["code"], 422);
        assert_eq!(answer["status"]["details"]["causes"][0]["field"], field);
        let answer = asked(MUTATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
        assert_eq!(answer["allowed"], true);
    }
}

#[tokio::test]
async fn an_object_that_is_no_object_is_a_finding() {
    for object in [json!("x"), json!([1]), json!(7)] {
        let answer = asked(VALIDATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
        assert_eq!(answer["status"]["code"], 422, "{object}");
        let answer = asked(MUTATE_CLUSTER, &review("CREATE", &object, &Value::Null)).await;
        assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
    }
}

#[tokio::test]
async fn a_finding_that_was_there_before_is_a_warning() {
    let old = changed(&json!({"spec": {"image": "aerospike/aerospike-server-enterprise:5.7.0.1"}}));
    let mut new = old.clone();
    new["spec"]["paused"] = json!(true);
    let answer = asked(VALIDATE_CLUSTER, &review("UPDATE", &new, &old)).await;
    assert_eq!(
        answer,
        json!({"uid": "u-1", "allowed": true, "warnings": [
            "spec.image: accepted because it was so before: image version 5.7.0.1 not supported. Base version 6.0.0.0 [IMG-04]"
        ]})
    );
    new["spec"]["size"] = json!(300);
    let answer = asked(VALIDATE_CLUSTER, &review("UPDATE", &new, &old)).await;
    let causes = answer["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(
        (causes.len(), &causes[0]["field"]),
        (1, &json!("spec.size"))
    );
}

#[tokio::test]
async fn a_shape_that_was_wrong_before_is_a_warning() {
    let old = changed(&json!({"spec": {"paused": "yes"}}));
    let mut new = old.clone();
    new["spec"]["size"] = json!(3);
    let answer = asked(VALIDATE_CLUSTER, &review("UPDATE", &new, &old)).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_forbidden_change_is_refused_however_often_it_is_tried() {
    let old = plain();
    let new = changed(&json!({"spec": {"podSpec": {"multiPodPerHost": false}}}));
    let answer = asked(VALIDATE_CLUSTER, &review("UPDATE", &new, &old)).await;
    let causes = &answer["status"]["details"]["causes"];
    assert_eq!(causes[0]["field"], "spec.podSpec.multiPodPerHost");
}

#[tokio::test]
async fn an_unchanged_spec_and_an_object_under_deletion_pass() {
    let bad = changed(&json!({"spec": {"size": "two"}}));
    let mut labelled = bad.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let mut going = changed(&json!({"spec": {"size": -4}}));
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    for (new, old) in [(labelled, bad), (going.clone(), plain())] {
        let answer = asked(VALIDATE_CLUSTER, &review("UPDATE", &new, &old)).await;
        assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
    }
    let answer = asked(MUTATE_CLUSTER, &review("UPDATE", &going, &plain())).await;
    assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
}

#[tokio::test]
async fn deletion_and_connections_pass() {
    for operation in ["DELETE", "CONNECT"] {
        for path in [MUTATE_CLUSTER, VALIDATE_CLUSTER] {
            let answer = asked(path, &review(operation, &Value::Null, &plain())).await;
            assert_eq!(answer, json!({"uid": "u-1", "allowed": true}));
        }
    }
}

#[tokio::test]
async fn what_is_no_review_is_a_bad_request() {
    let empty = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}).to_string();
    let notes = Arc::new(Notes::default());
    for body in [
        "",
        "  ",
        "{",
        "[]",
        "7",
        r#"{"request": 1}"#,
        empty.as_str(),
    ] {
        let router = noted(notes.clone());
        let (status, _) = send(
            router,
            VALIDATE_CLUSTER,
            "application/json",
            body.to_owned(),
        )
        .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(*notes.0.lock().unwrap(), ["validate"; 7]);
}

#[tokio::test]
async fn a_charset_is_fine() {
    let body = review("CREATE", &plain(), &Value::Null).to_string();
    let (status, _) = send(
        router(),
        VALIDATE_CLUSTER,
        "application/json; charset=utf-8",
        body,
    )
    .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_review_of_8_mib_is_read_and_a_larger_one_refused() {
    let review_of = |bulk: usize| {
        let bulk = "x".repeat(bulk);
        let object = changed(&json!({"metadata": {"annotations": {"bulk": bulk}}}));
        review("CREATE", &object, &Value::Null).to_string()
    };
    for (bulk, expected) in [
        (7_900_000, StatusCode::OK),
        (8_500_000, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, _) = send(
            router(),
            VALIDATE_CLUSTER,
            "application/json",
            review_of(bulk),
        )
        .await;
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn a_body_that_trickles_in_is_given_up() {
    let (sender, body) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, std::io::Error>>();
    sender.unbounded_send(Ok(b"{".to_vec())).unwrap();
    let impatient = webhook::router(Context {
        answer_within: Duration::from_millis(50),
        ..Context::new(Settings::default(), Arc::new(()))
    });
    let body = Body::from_stream(body);
    let (status, _) = send(impatient, VALIDATE_CLUSTER, "application/json", body).await;
    assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
    drop(sender);
}

#[tokio::test]
async fn each_verdict_is_noted() {
    let notes = Arc::new(Notes::default());
    let bad = changed(&json!({"spec": {"size": 0}}));
    for (path, object) in [
        (MUTATE_CLUSTER, &bad),
        (VALIDATE_CLUSTER, &bad),
        (VALIDATE_CLUSTER, &plain()),
    ] {
        let body = review("CREATE", object, &Value::Null).to_string();
        send(noted(notes.clone()), path, "application/json", body).await;
    }
    assert_eq!(
        *notes.0.lock().unwrap(),
        ["mutate true 0", "validate false 1", "validate true 0"]
    );
}

#[test]
fn the_webhook_configurations_name_the_routes() {
    for (file, index, path, policy, timeout) in [
        ("mutating.yaml", 0, MUTATE_CLUSTER, "Ignore", 5),
        ("validating.yaml", 0, VALIDATE_CLUSTER, "Fail", 10),
        ("validating.yaml", 1, VALIDATE_SCALE, "Ignore", 5),
        ("validating.yaml", 2, VALIDATE_EVICTION, "Ignore", 5),
    ] {
        let file = [env!("CARGO_MANIFEST_DIR"), "webhook-config", file]
            .iter()
            .collect::<PathBuf>();
        let config: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let webhook = &config["webhooks"][index];
        assert_eq!(
            webhook["clientConfig"],
            json!({"service": {"name": "aerospike-operator-webhook-service", "namespace": "aerospike",
                "path": path, "port": 443}})
        );
        assert_eq!(
            (&webhook["failurePolicy"], &webhook["timeoutSeconds"]),
            (&json!(policy), &json!(timeout))
        );
    }
}
