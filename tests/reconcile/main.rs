//! The controller against an API server that is a router: which calls a pass makes, in which order.

#[expect(dead_code, reason = "the tests of replicas use the rest")]
mod api_server;
mod server;

use std::{collections::HashMap, sync::Arc, sync::Mutex, time::Duration};

use aerospike_operator::{
    api::AerospikeCluster,
    controller::{self, Context, guards::AkoLeader, secrets::Vault},
    leader::{
        Lease,
        gate::Gate,
        lease::{DURATION, since_boot},
    },
    resolve::Settings,
    telemetry::Metrics,
};
use api_server::{ApiServer, Write};
use kube::{Client, core::DeserializeGuard, runtime::events::Recorder};
use serde_json::{Value, json};
use tower::Layer;

const CLUSTER: &str =
    "/apis/asdb.aerospike.com/v1/namespaces/aerospike/aerospikeclusters/aerocluster";
const STATUS: &str =
    "PATCH /apis/asdb.aerospike.com/v1/namespaces/aerospike/aerospikeclusters/aerocluster/status";
const SET: &str = "/apis/apps/v1/namespaces/aerospike/statefulsets/aerocluster-0";
const READERS: &str =
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/aerospike-operator-node-reader";
const PODS: &str = "/api/v1/namespaces/aerospike/pods/";
const CLAIM: &str = "/api/v1/namespaces/aerospike/persistentvolumeclaims/";

/// A cluster of one without security, whose server listens on `port`.
fn cluster(port: u16) -> Value {
    json!({
        "apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
        "metadata": {
            "name": "aerocluster", "namespace": "aerospike", "uid": "uid-cluster", "generation": 1,
            "finalizers": ["asdb.aerospike.com/storage-finalizer"],
        },
        "spec": {
            "size": 1,
            "image": "aerospike/aerospike-server-enterprise:8.1.2.0",
            "podSpec": {"multiPodPerHost": true},
            "storage": {
                "localStorageClasses": ["ssd"],
                "filesystemVolumePolicy": {"cascadeDelete": true, "initMethod": "deleteFiles"},
                "volumes": [
                    {
                        "name": "workdir", "aerospike": {"path": "/opt/aerospike"},
                        "source": {"persistentVolume": {
                            "storageClass": "ssd", "volumeMode": "Filesystem", "size": "1Gi"}},
                    },
                    {
                        "name": "features", "aerospike": {"path": "/etc/aerospike/secret"},
                        "source": {"secret": {"secretName": "features"}},
                    },
                ],
            },
            "aerospikeConfig": {
                "service": {"feature-key-file": "/etc/aerospike/secret/features.conf"},
                "network": {
                    "service": {"port": port}, "fabric": {"port": 3001}, "heartbeat": {"port": 3002},
                },
                "namespaces": [{
                    "name": "test", "replication-factor": 1,
                    "storage-engine": {"type": "memory", "data-size": 1_073_741_824},
                }],
            },
        },
    })
}

fn start(cluster: Value) -> (ApiServer, Arc<Context>) {
    let server = ApiServer::default();
    server.put(CLUSTER, cluster);
    server.put(
        READERS,
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "aerospike-operator-node-reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        }),
    );
    let lease = Lease::default();
    lease.renewed(since_boot());
    let client = Client::new(Gate(lease.clone()).layer(server.router()), "aerospike");
    let context = Context {
        lease,
        recorder: Recorder::new(client.clone(), "test".into()),
        client,
        settings: Settings::default(),
        metrics: Arc::new(Metrics::default()),
        secrets: Vault::default(),
        ako: AkoLeader::default(),
        failures: Mutex::new(HashMap::new()),
    };
    (server, Arc::new(context))
}

/// One pass; what it wrote.
async fn pass(server: &ApiServer, context: &Arc<Context>) -> Vec<Write> {
    let cluster: AerospikeCluster =
        serde_json::from_value(server.object(CLUSTER).unwrap()).unwrap();
    let guarded = Arc::new(DeserializeGuard(Ok(cluster)));
    controller::reconcile(guarded, context.clone())
        .await
        .unwrap();
    server.writes()
}

fn calls(writes: &[Write]) -> Vec<String> {
    let short = |write: &Write| {
        let (method, path) = write.call.split_once(' ').unwrap();
        let parts: Vec<_> = path.rsplit('/').take(2).collect();
        format!("{method} {}/{}", parts[1], parts[0])
    };
    writes.iter().map(short).collect()
}

/// What the stateful set controller, the kubelet and the init container would do.
fn bring_the_pod_up(server: &ApiServer) {
    bring_up(server, 0);
}

fn bring_up(server: &ApiServer, ordinal: u8) {
    let labels = json!({"app": "aerospike-cluster", "aerospike.com/cr": "aerocluster"});
    let name = format!("aerocluster-0-{ordinal}");
    let ip = format!("127.0.0.{}", ordinal + 1);
    put_claim(server, &format!("workdir-{name}"), Some("workdir"));
    server.put(
        &format!("{PODS}{name}"),
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "uid": format!("uid-{name}"), "labels": labels},
            "status": {
                "phase": "Running", "podIP": ip,
                "containerStatuses": [{
                    "name": "aerospike-server", "ready": true, "image": "i", "imageID": "i", "restartCount": 0,
                }],
            },
        }),
    );
    let config = server
        .object("/api/v1/namespaces/aerospike/configmaps/aerocluster-0")
        .unwrap();
    let mut cluster = server.object(CLUSTER).unwrap();
    cluster["status"]["pods"][&name] = json!({
        "image": cluster["spec"]["image"], "podIP": ip, "podPort": 3000,
        "initializedVolumes": [format!("workdir@uid-workdir-{name}")],
        "aerospikeConfigHash": config["data"]["aerospikeConfHash"],
        "networkPolicyHash": config["data"]["networkPolicyHash"],
        "podSpecHash": config["data"]["podSpecHash"],
    });
    server.put(CLUSTER, cluster);
}

fn condition(server: &ApiServer, kind: &str) -> (String, String) {
    let cluster = server.object(CLUSTER).unwrap();
    let mut conditions = cluster["status"]["conditions"].as_array().unwrap().iter();
    let found = conditions
        .find(|condition| condition["type"] == kind)
        .unwrap();
    let text = |member: &str| found[member].as_str().unwrap().to_owned();
    (text("status"), text("reason"))
}

#[tokio::test]
async fn the_first_pass_makes_what_pods_need_and_the_status_that_they_write_to() {
    let (server, context) = start(cluster(3000));
    let writes = pass(&server, &context).await;
    let expected = [
        "PATCH serviceaccounts/aerocluster-aerospike-pod",
        "PATCH roles/aerocluster-aerospike-pod",
        "PATCH rolebindings/aerocluster-aerospike-pod",
        "PATCH services/aerocluster",
        "PATCH services/aerocluster-0-0",
        "PATCH statefulsets/aerocluster-0",
        "PATCH configmaps/aerocluster-0",
        "PATCH poddisruptionbudgets/aerocluster",
        "PATCH clusterrolebindings/aerospike-operator-node-reader",
        "PATCH aerocluster/status",
    ];
    assert_eq!(calls(&writes), expected);
    let status = &writes.last().unwrap().body["status"];
    assert_eq!(
        (&status["pods"], &status["phase"]),
        (&json!({}), &json!("InProgress"))
    );
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 0);
}

#[tokio::test]
async fn replicas_are_written_alone_and_only_over_what_was_seen() {
    let (server, context) = start(cluster(3000));
    pass(&server, &context).await;
    let seen = server.object(SET).unwrap()["metadata"].clone();
    let writes = pass(&server, &context).await;
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": seen["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": seen["resourceVersion"]},
        {"op": "test", "path": "/spec/replicas", "value": 0},
        {"op": "replace", "path": "/spec/replicas", "value": 1},
    ]);
    assert_eq!(
        (writes[0].call.as_str(), &writes[0].body),
        (format!("PATCH {SET}").as_str(), &expected)
    );
    assert!(
        writes[1..].iter().all(|write| write.call == STATUS),
        "{writes:?}"
    );
}

#[tokio::test]
async fn a_cluster_comes_up_and_then_nothing_is_written_any_more() {
    let (server, context) = start(cluster(server::start().await));
    pass(&server, &context).await;
    pass(&server, &context).await;
    bring_the_pod_up(&server);
    let mut writes = pass(&server, &context).await;
    let marked = writes.remove(0);
    assert_eq!(marked.call, format!("PATCH {CLAIM}workdir-aerocluster-0-0"));
    assert_eq!(
        marked.body["metadata"]["uid"],
        "uid-workdir-aerocluster-0-0"
    );
    writes.extend(pass(&server, &context).await);
    let status = server.object(CLUSTER).unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["size"]),
        (&json!("Completed"), &json!(1)),
        "{status}"
    );
    assert_eq!(condition(&server, "Ready").0, "True");
    for write in &writes {
        assert_eq!(write.call, STATUS);
        assert!(
            !write.body.to_string().contains("/status/pods"),
            "{write:?}"
        );
    }
    for _ in 0..2 {
        assert_eq!(pass(&server, &context).await, []);
    }
}

/// A claim of the cluster's pod, of `volume` if that is one of ours.
fn put_claim(server: &ApiServer, name: &str, volume: Option<&str>) {
    let annotations = volume.map_or(json!({}), |volume| json!({"storage-volume": volume}));
    server.put(
        &format!("{CLAIM}{name}"),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "annotations": annotations,
                "labels": {"app": "aerospike-cluster", "aerospike.com/cr": "aerocluster"},
            },
            "spec": {"volumeMode": "Filesystem", "storageClassName": "ssd"},
        }),
    );
}

#[tokio::test]
async fn deletion_takes_the_claims_that_may_go_and_the_finalizer_last() {
    let mut object = cluster(3000);
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let (server, context) = start(object);
    put_claim(&server, "workdir-aerocluster-0-0", Some("workdir"));
    put_claim(&server, "by-hand", None);
    let mut binding = server.object(READERS).unwrap();
    let others = json!({"kind": "ServiceAccount", "name": "other", "namespace": "aerospike"});
    let own = json!({
        "kind": "ServiceAccount", "name": "aerocluster-aerospike-pod", "namespace": "aerospike",
    });
    binding["subjects"] = json!([own, others]);
    server.put(READERS, binding);
    let writes = pass(&server, &context).await;
    let expected = [
        "PATCH aerocluster/status",
        "DELETE persistentvolumeclaims/workdir-aerocluster-0-0",
        "PATCH clusterrolebindings/aerospike-operator-node-reader",
        "PATCH aerospikeclusters/aerocluster",
    ];
    assert_eq!(calls(&writes), expected);
    let precondition = json!({"uid": "uid-workdir-aerocluster-0-0"});
    assert_eq!(writes[1].body["preconditions"], precondition);
    assert_eq!(writes[2].body["subjects"], json!([others]));
    assert_eq!(writes[3].body[1]["path"], "/metadata/finalizers/0");
    assert_eq!(condition(&server, "Ready").1, "Terminating");
    assert!(server.object(&format!("{CLAIM}by-hand")).is_some());
}

#[tokio::test]
async fn deletion_writes_nothing_that_is_so_already() {
    let mut object = cluster(3000);
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let (server, context) = start(object);
    let writes = pass(&server, &context).await;
    let expected = [
        "PATCH aerocluster/status",
        "PATCH aerospikeclusters/aerocluster",
    ];
    assert_eq!(calls(&writes), expected);
}

#[tokio::test]
async fn a_paused_cluster_gets_a_status_and_nothing_else() {
    let mut object = cluster(3000);
    object["spec"]["paused"] = json!(true);
    let (server, context) = start(object);
    assert_eq!(
        calls(&pass(&server, &context).await),
        ["PATCH aerocluster/status"]
    );
    assert_eq!(condition(&server, "Paused").0, "True");
    assert_eq!(pass(&server, &context).await, []);
}

#[tokio::test]
async fn a_cluster_of_another_operator_is_never_touched_however_often_it_is_seen() {
    let mut object = cluster(3000);
    object["status"] = json!({"aerospikeConfig": {}, "size": 1, "image": "i:1.1", "pods": {}});
    let (server, context) = start(object);
    assert_eq!(
        calls(&pass(&server, &context).await),
        ["PATCH aerocluster/status"]
    );
    for _ in 0..2 {
        assert_eq!(pass(&server, &context).await, []);
        let stalled = ("True".to_owned(), "AdoptionRequired".to_owned());
        assert_eq!(condition(&server, "Stalled"), stalled);
    }
}

#[tokio::test]
async fn a_spec_that_breaks_rules_is_told_and_not_rolled_out() {
    let mut object = cluster(3000);
    object["spec"]["image"] = json!("aerospike/aerospike-server-enterprise");
    let (server, context) = start(object);
    assert_eq!(
        calls(&pass(&server, &context).await),
        ["PATCH aerocluster/status"]
    );
    assert_eq!(condition(&server, "Stalled").1, "InvalidSpec");
    assert_eq!(pass(&server, &context).await, []);
}

#[tokio::test]
async fn the_finalizer_is_there_before_anything_that_it_cleans_up() {
    let mut object = cluster(3000);
    object["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("finalizers");
    let (server, context) = start(object);
    let writes = pass(&server, &context).await;
    assert_eq!(calls(&writes), ["PATCH aerospikeclusters/aerocluster"]);
    let finalizers = server.object(CLUSTER).unwrap()["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!(["asdb.aerospike.com/storage-finalizer"]));
    assert_eq!(pass(&server, &context).await.len(), 10);
}

#[tokio::test]
async fn an_object_of_somebody_else_is_named_and_never_written_to() {
    let (server, context) = start(cluster(3000));
    let path = "/api/v1/namespaces/aerospike/services/aerocluster";
    let theirs = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "aerocluster", "namespace": "aerospike"},
        "spec": {"selector": {"app": "theirs"}},
    });
    server.put(path, theirs);
    let before = server.object(path);
    for _ in 0..3 {
        for write in pass(&server, &context).await {
            assert!(!write.call.ends_with(path), "{write:?}");
        }
    }
    assert_eq!(server.object(path), before);
    assert_eq!(condition(&server, "Stalled").1, "ForeignObject");
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 0);
    assert_eq!(pass(&server, &context).await, []);
}

#[tokio::test]
async fn a_set_that_was_touched_meanwhile_is_not_scaled() {
    let (server, context) = start(cluster(3000));
    pass(&server, &context).await;
    server.put_meanwhile(SET, server.object(SET).unwrap());
    pass(&server, &context).await;
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 0);
    let status = server.object(CLUSTER).unwrap()["status"].clone();
    assert_eq!(status["phase"], "InProgress", "being second is no failure");
    pass(&server, &context).await;
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 1);
}

#[tokio::test]
async fn a_set_that_somebody_made_and_scaled_meanwhile_keeps_its_pods() {
    let (server, context) = start(cluster(3000));
    let made = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "aerocluster-0", "namespace": "aerospike"},
        "spec": {"replicas": 3},
    });
    server.put_meanwhile(SET, made);
    pass(&server, &context).await;
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 3);
}

#[tokio::test]
async fn without_the_lease_a_pass_writes_nothing_not_even_that_it_failed() {
    let (server, context) = start(cluster(3000));
    context.lease.give_up();
    let cluster = serde_json::from_value(server.object(CLUSTER).unwrap()).unwrap();
    let guarded = Arc::new(DeserializeGuard(Ok(cluster)));
    let refused = controller::reconcile(guarded, context.clone()).await;
    assert_eq!(refused.unwrap_err().reason(), "LeaseLost");
    assert_eq!(server.all_writes(), []);
}

#[tokio::test]
async fn what_disrupts_is_left_to_the_next_leader_when_the_lease_is_about_to_end() {
    let (server, context) = start(cluster(3000));
    pass(&server, &context).await;
    let four_seconds_left = (since_boot() + Duration::from_secs(4)).saturating_sub(DURATION);
    context.lease.renewed(four_seconds_left);
    let cluster = serde_json::from_value(server.object(CLUSTER).unwrap()).unwrap();
    let guarded = Arc::new(DeserializeGuard(Ok(cluster)));
    let refused = controller::reconcile(guarded, context.clone()).await;
    assert_eq!(refused.unwrap_err().reason(), "LeaseLost");
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 0);
}

type Several = (ApiServer, Arc<Context>, Arc<Mutex<server::Told>>);

/// A settled cluster of two, of which the second shall go.
async fn shrinking() -> Several {
    edited(|spec| spec["size"] = json!(1)).await
}

/// A settled cluster of two, with an edit.
async fn edited(edit: impl FnOnce(&mut Value)) -> Several {
    let (port, told) = server::start_several(2).await;
    let mut object = cluster(port);
    object["spec"]["size"] = json!(2);
    let (server, context) = start(object);
    pass(&server, &context).await;
    pass(&server, &context).await;
    bring_up(&server, 0);
    bring_up(&server, 1);
    for _ in 0..3 {
        pass(&server, &context).await;
    }
    let mut object = server.object(CLUSTER).unwrap();
    assert_eq!(object["status"]["phase"], "Completed");
    edit(&mut object["spec"]);
    object["metadata"]["generation"] = json!(2);
    server.put(CLUSTER, object);
    (server, context, told)
}

/// What the controller of sets does when it saw the newest template.
fn note_template(server: &ApiServer) {
    let mut set = server.object(SET).unwrap();
    set["metadata"]["generation"] = json!(1);
    set["status"] = json!({"observedGeneration": 1, "updateRevision": "r"});
    server.put(SET, set);
}

fn commands(told: &Mutex<server::Told>) -> Vec<(String, String)> {
    let commands = std::mem::take(&mut told.lock().unwrap().commands);
    let text = commands
        .into_iter()
        .map(|(ip, command)| (ip.to_string(), command));
    let mut text: Vec<_> = text.collect();
    text.sort();
    text
}

fn command(last: u8, command: &str) -> (String, String) {
    (format!("127.0.0.{last}"), command.to_owned())
}

#[tokio::test]
async fn a_server_is_quiesced_before_its_pod_is_taken_away() {
    let (server, context, told) = shrinking().await;
    pass(&server, &context).await;
    assert_eq!(commands(&told), [command(2, "quiesce:")]);
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 2);
    assert_eq!(condition(&server, "ScalingDown").0, "True");
    let seen = server.object(SET).unwrap()["metadata"].clone();
    let writes = pass(&server, &context).await;
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": seen["uid"]},
        {"op": "test", "path": "/metadata/resourceVersion", "value": seen["resourceVersion"]},
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "replace", "path": "/spec/replicas", "value": 1},
    ]);
    let patch = writes
        .iter()
        .find(|write| write.call == format!("PATCH {SET}"));
    assert_eq!(patch.unwrap().body, expected);
    assert_eq!(commands(&told), []);
}

#[tokio::test]
async fn a_server_is_quiesced_before_its_pod_is_made_anew_if_nobody_touched_it() {
    let config =
        |spec: &mut Value| spec["aerospikeConfig"]["service"]["proto-fd-max"] = json!(20_000);
    let (server, context, told) = edited(config).await;
    note_template(&server);
    pass(&server, &context).await;
    assert_eq!(commands(&told), [], "its configuration is written first");
    pass(&server, &context).await;
    assert_eq!(commands(&told), [command(2, "quiesce:")]);
    assert_eq!(condition(&server, "RollingRestart").0, "True");
    let path = format!("{PODS}aerocluster-0-1");
    let seen = server.object(&path).unwrap()["metadata"].clone();
    let writes = pass(&server, &context).await;
    let deleted = writes
        .iter()
        .find(|write| write.call == format!("DELETE {path}"));
    let expected = json!({"uid": seen["uid"], "resourceVersion": seen["resourceVersion"]});
    assert_eq!(deleted.unwrap().body["preconditions"], expected);
    assert!(server.object(&format!("{PODS}aerocluster-0-0")).is_some());
    assert!(server.object(&path).is_none());
}

#[tokio::test]
async fn the_pods_of_an_operation_are_noted_before_the_first_is_touched_and_the_end_is_told_last() {
    let operation = json!([{"kind": "PodRestart", "id": "now", "podList": ["aerocluster-0-1"]}]);
    let (server, context, told) = edited(|spec| spec["operations"] = operation.clone()).await;
    note_template(&server);
    let status = |member: &str| server.object(CLUSTER).unwrap()["status"][member].clone();
    pass(&server, &context).await;
    assert_eq!(commands(&told), []);
    let path = format!("{PODS}aerocluster-0-1");
    let mut pod = server.object(&path).unwrap();
    let noted = json!({"id": "now", "pods": {"aerocluster-0-1": pod["metadata"]["uid"]}});
    assert_eq!(status("operationInProgress"), noted);
    assert_eq!(status("phase"), "InProgress");
    pass(&server, &context).await;
    assert_eq!(commands(&told), [command(2, "quiesce:")]);
    let writes = calls(&pass(&server, &context).await);
    assert!(
        writes.contains(&"DELETE pods/aerocluster-0-1".to_owned()),
        "{writes:?}"
    );
    pass(&server, &context).await;
    assert_eq!(status("operations"), Value::Null);
    pod["metadata"]["uid"] = json!("another");
    server.put(&path, pod);
    told.lock().unwrap().come_back();
    for _ in 0..3 {
        pass(&server, &context).await;
    }
    assert_eq!(status("operations"), operation);
    assert_eq!(status("operationInProgress"), Value::Null);
    assert_eq!(status("phase"), "Completed");
    assert_eq!(pass(&server, &context).await, []);
}

#[tokio::test]
async fn a_pod_that_is_evicted_goes_after_the_claim_that_keeps_it_on_its_node() {
    let (server, context, told) = edited(|_| {}).await;
    note_template(&server);
    pass(&server, &context).await;
    let path = format!("{PODS}aerocluster-0-0");
    let mut pod = server.object(&path).unwrap();
    pod["metadata"]["annotations"] =
        json!({"aerospike.com/eviction-blocked": "2026-01-01T00:00:00Z"});
    server.put(&path, pod);
    pass(&server, &context).await;
    assert_eq!(commands(&told), [command(1, "quiesce:")]);
    let writes = calls(&pass(&server, &context).await);
    let deleted: Vec<_> = writes
        .iter()
        .filter(|call| call.starts_with("DELETE"))
        .collect();
    let expected = [
        "DELETE persistentvolumeclaims/workdir-aerocluster-0-0",
        "DELETE pods/aerocluster-0-0",
    ];
    assert_eq!(deleted, expected);
    assert_eq!(
        server.object(CLUSTER).unwrap()["status"]["phase"],
        "Completed"
    );
}

#[tokio::test]
async fn a_removed_pod_s_claim_goes_by_its_uid_and_its_entry_last() {
    let (server, context, told) = shrinking().await;
    pass(&server, &context).await;
    pass(&server, &context).await;
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 1);
    pass(&server, &context).await;
    let claim = "workdir-aerocluster-0-1";
    assert!(
        server.object(&format!("{CLAIM}{claim}")).is_some(),
        "its pod is there"
    );
    server.remove(&format!("{PODS}aerocluster-0-1"));
    told.lock().unwrap().leave();
    commands(&told);
    let mut writes = Vec::new();
    for _ in 0..6 {
        writes.extend(pass(&server, &context).await);
    }
    let deleted = writes
        .iter()
        .position(|write| write.call == format!("DELETE {CLAIM}{claim}"));
    let precondition = json!({"uid": format!("uid-{claim}")});
    assert_eq!(writes[deleted.unwrap()].body["preconditions"], precondition);
    let entry = "/status/pods/aerocluster-0-1";
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-cluster"},
        {"op": "test", "path": format!("{entry}/podIP"), "value": "127.0.0.2"},
        {"op": "remove", "path": entry},
    ]);
    let forgotten = writes.iter().position(|write| write.body == expected);
    assert!(forgotten > deleted);
    let tip = "tip-clear:host-port-list=aerocluster-0-1.aerocluster.aerospike:3002";
    let reminded = [command(1, "services-alumni-reset"), command(1, tip)];
    assert_eq!(commands(&told), reminded);
    let status = server.object(CLUSTER).unwrap()["status"].clone();
    assert_eq!(
        (&status["phase"], &status["size"]),
        (&json!("Completed"), &json!(1))
    );
    assert_eq!(pass(&server, &context).await, []);
}

#[tokio::test]
async fn a_size_that_is_set_back_takes_quiesce_back() {
    let (server, context, told) = shrinking().await;
    pass(&server, &context).await;
    let mut object = server.object(CLUSTER).unwrap();
    object["spec"]["size"] = json!(2);
    server.put(CLUSTER, object);
    commands(&told);
    pass(&server, &context).await;
    let expected = [
        command(1, "recluster:"),
        command(2, "quiesce-undo:"),
        command(2, "recluster:"),
    ];
    assert_eq!(commands(&told), expected);
    assert_eq!(server.object(SET).unwrap()["spec"]["replicas"], 2);
}
