//! An API server that keeps objects by their paths and notes every write.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A write, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Method and path.
    pub call: String,
    /// The body.
    pub body: Value,
    /// The token of who made it.
    pub by: String,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Value>,
    writes: Vec<Write>,
    version: u64,
    meanwhile: Option<(String, Value)>,
    refused: Option<String>,
}

/// The server, shared with the test.
#[derive(Clone, Default)]
pub struct ApiServer(Arc<Mutex<Kept>>);

impl ApiServer {
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Puts an object there without anybody noticing.
    pub fn put(&self, path: &str, object: Value) {
        let mut kept = self.0.lock().unwrap();
        let stamped = kept.stamped(object);
        kept.objects.insert(path.to_owned(), stamped);
    }

    /// Takes an object away without anybody noticing.
    pub fn remove(&self, path: &str) {
        self.0.lock().unwrap().objects.remove(path);
    }

    pub fn object(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// Takes an object away without anybody noticing.
    pub fn take(&self, path: &str) {
        self.0.lock().unwrap().objects.remove(path);
    }

    /// No write of the object succeeds from now on.
    pub fn refuse(&self, path: &str) {
        self.0.lock().unwrap().refused = Some(path.to_owned());
    }

    /// Somebody else writes the object between our reads and our next patch of it.
    pub fn put_meanwhile(&self, path: &str, object: Value) {
        self.0.lock().unwrap().meanwhile = Some((path.to_owned(), object));
    }

    /// The writes since the last look, events left out.
    pub fn writes(&self) -> Vec<Write> {
        let event = |write: &Write| write.call.contains("/events");
        let writes = self.all_writes().into_iter();
        writes.filter(|write| !event(write)).collect()
    }

    /// The writes since the last look.
    pub fn all_writes(&self) -> Vec<Write> {
        std::mem::take(&mut self.0.lock().unwrap().writes)
    }
}

impl Kept {
    fn stamped(&mut self, mut object: Value) -> Value {
        self.version += 1;
        let metadata = &mut object["metadata"];
        if metadata["uid"].is_null() {
            metadata["uid"] = format!("uid-{}", self.version).into();
        }
        metadata["resourceVersion"] = self.version.to_string().into();
        object
    }

    fn let_others_write(&mut self, path: &str) {
        if let Some((path, object)) = self.meanwhile.take_if(|(due, _)| due == path) {
            let stamped = self.stamped(object);
            self.objects.insert(path, stamped);
        }
    }
}

async fn answer(
    State(server): State<ApiServer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = server.0.lock().unwrap();
    let path = uri.path().trim_end_matches("/status").to_owned();
    if method == Method::GET {
        return read(&kept, &path, uri.query().unwrap_or_default());
    }
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let by = token
        .and_then(|token| token.strip_prefix("Bearer "))
        .unwrap_or_default()
        .to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let call = format!("{method} {}", uri.path());
    kept.writes.push(Write {
        call,
        body: body.clone(),
        by,
    });
    if kept.refused.as_ref() == Some(&path) {
        return failure(StatusCode::INTERNAL_SERVER_ERROR, "InternalError");
    }
    match method {
        Method::POST => create(&mut kept, &path, body),
        Method::PUT => replace(&mut kept, path, body),
        Method::DELETE => delete(&mut kept, &path, &body),
        _ => {
            kept.let_others_write(&path);
            let unforced = !uri.query().unwrap_or_default().contains("force=true");
            if unforced && has_other_replicas(&kept, &path, &body) {
                return failure(StatusCode::CONFLICT, "Conflict");
            }
            let kind = headers["content-type"].to_str().unwrap();
            patch(&mut kept, path, kind, &body)
        }
    }
}

fn create(kept: &mut Kept, path: &str, body: Value) -> Response {
    let name = body["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("{path}/{name}");
    if kept.objects.contains_key(&path) {
        return failure(StatusCode::CONFLICT, "AlreadyExists");
    }
    let new = kept.stamped(body);
    kept.objects.insert(path, new.clone());
    (StatusCode::CREATED, Json(new)).into_response()
}

fn replace(kept: &mut Kept, path: String, body: Value) -> Response {
    let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
    match kept.objects.get(&path) {
        None => failure(StatusCode::NOT_FOUND, "NotFound"),
        Some(old) if version(old) != version(&body) => failure(StatusCode::CONFLICT, "Conflict"),
        Some(_) => {
            let new = kept.stamped(body);
            kept.objects.insert(path, new.clone());
            Json(new).into_response()
        }
    }
}

fn failure(code: StatusCode, reason: &str) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16(),
    });
    (code, Json(status)).into_response()
}

fn read(kept: &Kept, path: &str, query: &str) -> Response {
    if let Some(object) = kept.objects.get(path) {
        return Json(object).into_response();
    }
    if query.contains("watch=") {
        // Nothing ever happens.
        let silence = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        return Body::from_stream(silence).into_response();
    }
    // /api/v1/namespaces/n/pods, /apis/group/v1/namespaces/n/things
    let parts = path.split('/').count();
    if parts != if path.starts_with("/apis/") { 7 } else { 6 } {
        return failure(StatusCode::NOT_FOUND, "NotFound");
    }
    let below = format!("{path}/");
    let selected = |object: &Value| !query.contains("labelSelector") || has_labels(object);
    let items: Vec<_> = kept
        .objects
        .iter()
        .filter(|(name, object)| name.starts_with(&below) && selected(object))
        .map(|(_, object)| item(object))
        .collect();
    let list = json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items});
    Json(list).into_response()
}

/// The items of a list come without version and kind.
fn item(object: &Value) -> Value {
    let mut item = object.clone();
    for member in ["apiVersion", "kind"] {
        item.as_object_mut().unwrap().remove(member);
    }
    item
}

fn has_labels(object: &Value) -> bool {
    object["metadata"]["labels"]["aerospike.com/cr"] == "aerocluster"
}

/// Whether an apply would change the replicas that another write gave a set.
fn has_other_replicas(kept: &Kept, path: &str, body: &Value) -> bool {
    let replicas = |object: &Value| object["spec"]["replicas"].as_i64();
    let live = kept.objects.get(path).and_then(replicas);
    body.is_object() && live.is_some() && live != replicas(body)
}

fn delete(kept: &mut Kept, path: &str, body: &Value) -> Response {
    let Some(object) = kept.objects.get(path) else {
        return failure(StatusCode::NOT_FOUND, "NotFound");
    };
    let differs = |member: &str| {
        let expected = &body["preconditions"][member];
        !expected.is_null() && object["metadata"][member] != *expected
    };
    if body["preconditions"]["uid"].is_null() || differs("uid") || differs("resourceVersion") {
        return failure(StatusCode::CONFLICT, "Conflict");
    }
    let object = kept.objects.remove(path);
    Json(object).into_response()
}

fn patch(kept: &mut Kept, path: String, kind: &str, body: &Value) -> Response {
    let old = kept.objects.get(&path).cloned();
    let new = match (kind, old) {
        ("application/json-patch+json", Some(mut object)) => {
            // The real server takes a missing list for null.
            if object["metadata"].get("finalizers").is_none() {
                object["metadata"]["finalizers"] = Value::Null;
            }
            let changes: json_patch::Patch = serde_json::from_value(body.clone()).unwrap();
            match json_patch::patch(&mut object, &changes) {
                Ok(()) => object,
                Err(_) => return failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
            }
        }
        ("application/apply-patch+yaml", old) => merged(old.unwrap_or(json!({})), body),
        (_, Some(object)) => merged(object, body),
        (_, None) => return failure(StatusCode::NOT_FOUND, "NotFound"),
    };
    let new = kept.stamped(new);
    kept.objects.insert(path, new.clone());
    Json(new).into_response()
}

fn merged(mut object: Value, change: &Value) -> Value {
    json_patch::merge(&mut object, change);
    object
}
