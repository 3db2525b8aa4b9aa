//! The program of the init container against an API server that is a router, in folders of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aerospike_operator::{
    api::AerospikeCluster,
    init::{
        self,
        addresses::{NodeFacts, Place},
        environment::Environment,
        live::{Live, Patience},
        paths::Paths,
        render,
    },
    resolve::{Desired, Rack, Settings, resolve},
    resources::config_map::init_document,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use kube::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

const CLUSTER: &str = "/apis/asdb.aerospike.com/v1/namespaces/ns/aerospikeclusters/c";
const STATUS: &str = "/apis/asdb.aerospike.com/v1/namespaces/ns/aerospikeclusters/c/status";
const POD: &str = "/api/v1/namespaces/ns/pods/c-1-0";
const SERVICE: &str = "/api/v1/namespaces/ns/services/c-1-0";
const NODE: &str = "/api/v1/nodes/n1";
const DATA: &str = "/api/v1/namespaces/ns/persistentvolumeclaims/data-c-1-0";
const FILES: &str = "/api/v1/namespaces/ns/persistentvolumeclaims/files-c-1-0";

const TEMPLATE: &str = "
service {
    node-id    ENV_NODE_ID
}

network {

    heartbeat {
        mode    mesh
        port    3002
    }

    service {
        access-address    <access-address>
        access-port    3000
        alternate-access-address    <alternate-access-address>
        alternate-access-port    3000
        port    3000
    }
}
";

const RENDERED: &str = "
service {
    node-id    1a0
}

network {

    heartbeat {
        mesh-seed-address-port c-1-1.c.ns 3002
        mode    mesh
        port    3002
    }

    service {
        access-address    192.168.0.1
        access-port    31000
        alternate-access-address    192.168.0.9
        alternate-access-port    31000
        port    3000
    }
}
";

/// The objects of the API server, how often it fails, and what it was asked.
#[derive(Default)]
struct World {
    cluster: Value,
    pod: Value,
    node: Value,
    refusals: Vec<(String, StatusCode, u32)>,
    calls: Vec<String>,
}

type Shared = Arc<Mutex<World>>;

fn world() -> World {
    World {
        cluster: json!({
            "apiVersion": "asdb.aerospike.com/v1", "kind": "AerospikeCluster",
            "metadata": {"name": "c", "namespace": "ns", "resourceVersion": "1"},
            "status": {"pods": {"c-1-1": {"aerospike": {"nodeID": "1a1"}, "unheard": "of"}}},
        }),
        pod: json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "c-1-0", "namespace": "ns"},
            "spec": {
                "nodeName": "n1",
                "containers": [
                    {"name": "sidecar", "image": "sidecar:1"},
                    {"name": "aerospike-server", "image": "server:1"},
                ],
                "initContainers": [{"name": "aerospike-init", "image": "init:1"}],
                "volumes": [
                    {"name": "confdir", "emptyDir": {}},
                    {"name": "data", "persistentVolumeClaim": {"claimName": "data-c-1-0"}},
                    {"name": "files", "persistentVolumeClaim": {"claimName": "files-c-1-0"}},
                ],
            },
        }),
        node: json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
        }),
        ..World::default()
    }
}

impl World {
    fn answer(&mut self, method: &Method, path: &str, sent: &[u8]) -> Response {
        self.calls.push(format!("{method} {path}"));
        let refusal = self
            .refusals
            .iter_mut()
            .find(|(call, _, left)| *left > 0 && *call == format!("{method} {path}"));
        if let Some((_, code, left)) = refusal {
            *left -= 1;
            return failure(*code);
        }
        match (method.as_str(), path) {
            ("GET", CLUSTER) => Json(self.cluster.clone()).into_response(),
            ("GET", POD) => Json(self.pod.clone()).into_response(),
            ("GET", NODE) => Json(self.node.clone()).into_response(),
            ("GET", SERVICE) => Json(service()).into_response(),
            ("GET", DATA) => Json(claim("data-c-1-0", "uid-data")).into_response(),
            ("GET", FILES) => Json(claim("files-c-1-0", "uid-files")).into_response(),
            ("PATCH", POD) => {
                let change: Value = serde_json::from_slice(sent).unwrap();
                json_patch::merge(&mut self.pod, &change);
                Json(self.pod.clone()).into_response()
            }
            ("PATCH", STATUS) => {
                let change: json_patch::Patch = serde_json::from_slice(sent).unwrap();
                match json_patch::patch(&mut self.cluster, &change) {
                    Ok(()) => Json(self.cluster.clone()).into_response(),
                    Err(_) => failure(StatusCode::UNPROCESSABLE_ENTITY),
                }
            }
            _ => failure(StatusCode::NOT_FOUND),
        }
    }
}

fn failure(code: StatusCode) -> Response {
    let reason = match code {
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        _ => "Invalid",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "refused", "reason": reason, "code": code.as_u16(),
    });
    (code, Json(body)).into_response()
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "c-1-0", "namespace": "ns"},
        "spec": {"ports": [{"name": "service", "port": 3000, "nodePort": 31000}]},
    })
}

fn claim(name: &str, uid: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "ns", "uid": uid},
    })
}

fn document() -> Value {
    json!({
        "version": 1, "cluster": "c", "serverImage": "server:1", "rackId": 1,
        "network": {
            "servicePort": 3000, "heartbeatPort": 3002, "podService": true,
            "access": {"type": "hostInternal"}, "alternateAccess": {"type": "hostExternal"},
            "tlsAccess": {"type": "hostInternal"}, "tlsAlternateAccess": {"type": "hostExternal"},
        },
        "workDirectory": "/opt/aerospike", "cleanupThreads": 2,
        "volumes": [
            {"name": "data", "kind": "block", "init": "dd", "wipe": "dd", "serverPath": "/dev/data"},
            {"name": "files", "kind": "filesystem", "init": "deleteFiles", "wipe": "deleteFiles", "serverPath": "/opt/aerospike"},
            {"name": "secret", "kind": "other", "init": "none", "wipe": "deleteFiles", "serverPath": "/etc/secret"},
        ],
        "devices": ["/dev/data"],
        "fromLater": "unknown members are ignored",
    })
}

/// A pod on this machine.
struct Stage {
    world: Shared,
    folder: TempDir,
    paths: Paths,
    patience: Patience,
    /// Of the pod's template, if that says it.
    pod_spec_hash: Option<String>,
}

impl Stage {
    fn new(world: World, document: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let paths = Paths {
            configs: at("configs"),
            etc: at("etc"),
            volumes: at("workdir"),
            proc: at("proc"),
        };
        let stage = Self {
            world: Arc::new(Mutex::new(world)),
            folder,
            paths,
            patience: Patience {
                reads: Duration::from_mins(1),
                report: Duration::from_mins(1),
                first_wait: Duration::ZERO,
            },
            pod_spec_hash: None,
        };
        stage.furnish(document);
        stage
    }

    fn furnish(&self, document: &Value) {
        // As the kubelet mounts a ConfigMap: links into a folder that begins with two dots.
        for (name, content) in [
            ("aerospike.template.conf", TEMPLATE),
            ("peers", "c-1-0.c.ns\nc-1-1.c.ns"),
            ("init.json", &document.to_string()),
            ("aerospikeConfHash", "h1"),
            ("networkPolicyHash", "h2"),
            ("podSpecHash", "h3"),
        ] {
            self.write(&format!("configs/..data/{name}"), content.as_bytes());
            let link = self.paths.configs.join(name);
            std::os::unix::fs::symlink(format!("..data/{name}"), link).unwrap();
        }
        self.write("proc/self/exe", b"program");
        self.write("workdir/block-volumes/data", &[1; 5000]);
        self.write("workdir/filesystem-volumes/files/old/file", b"old");
        self.write("workdir/filesystem-volumes/secret/key", b"key");
        fs::create_dir(&self.paths.etc).unwrap();
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(path)).unwrap()
    }

    async fn run(&self) -> anyhow::Result<()> {
        let environment = Environment {
            pod: "c-1-0".to_owned(),
            namespace: "ns".to_owned(),
            pod_ip: "10.1.0.5".to_owned(),
            host_ip: "192.168.0.9".to_owned(),
            cluster: "c".to_owned(),
            pod_spec_hash: self.pod_spec_hash.clone(),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.world));
        let live = Live::new(
            Client::new(router, "default"),
            environment.clone(),
            self.patience,
        );
        init::cold_restart(&live, &environment, &self.paths).await
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().calls)
    }

    fn entry(&self) -> Value {
        self.world.lock().unwrap().cluster["status"]["pods"]["c-1-0"].clone()
    }

    fn refuse(&self, call: &str, code: StatusCode, times: u32) {
        let refusal = (call.to_owned(), code, times);
        self.world.lock().unwrap().refusals.push(refusal);
    }
}

async fn answer(State(world): State<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    world.lock().unwrap().answer(&method, uri.path(), &body)
}

fn expected_entry() -> Value {
    json!({
        "image": "server:1", "initImage": "init:1", "podIP": "10.1.0.5",
        "hostInternalIP": "192.168.0.1", "hostExternalIP": "192.168.0.9",
        "podPort": 3000, "servicePort": 31000,
        "aerospike": {
            "clusterName": "c", "nodeID": "1a0", "rackID": 1,
            "accessEndpoints": ["192.168.0.1:31000"],
            "alternateAccessEndpoints": ["192.168.0.9:31000"],
        },
        "initializedVolumes": ["data@uid-data", "files@uid-files"],
        "aerospikeConfigHash": "h1", "networkPolicyHash": "h2", "podSpecHash": "h3",
    })
}

#[tokio::test]
async fn a_new_pod_is_prepared_and_reported() {
    let stage = Stage::new(world(), &document());
    stage.run().await.unwrap();

    assert_eq!(stage.entry(), expected_entry());
    assert_eq!(
        stage.calls(),
        [
            format!("GET {CLUSTER}"),
            format!("GET {POD}"),
            format!("GET {NODE}"),
            format!("GET {SERVICE}"),
            format!("GET {DATA}"),
            format!("GET {FILES}"),
            format!("GET {CLUSTER}"),
            format!("PATCH {STATUS}"),
            format!("PATCH {POD}"),
        ]
    );
    let world = stage.world.lock().unwrap();
    assert_eq!(
        world.pod["metadata"]["annotations"],
        json!({"aerospikeConf": RENDERED, "aerospike.com/config-template": TEMPLATE})
    );
    assert_eq!(world.cluster["status"]["pods"]["c-1-1"]["unheard"], "of");
}

#[tokio::test]
async fn a_pod_reports_the_pod_spec_that_its_own_template_was_made_of() {
    let mut stage = Stage::new(world(), &document());
    stage.pod_spec_hash = Some("of its template".to_owned());
    stage.run().await.unwrap();
    assert_eq!(stage.entry()["podSpecHash"], "of its template");
}

#[tokio::test]
async fn the_server_finds_its_files() {
    let stage = Stage::new(world(), &document());
    stage.write("configs/..data/features.conf", b"features");
    stage.run().await.unwrap();

    assert_eq!(
        names(&stage.paths.etc),
        [
            "aerospike.conf",
            "akoinit",
            "configmap",
            "features.conf",
            "filling.json",
            "peers"
        ]
    );
    assert_eq!(
        names(&stage.paths.etc.join("configmap")),
        [
            "aerospike.template.conf",
            "aerospikeConfHash",
            "features.conf",
            "init.json",
            "networkPolicyHash",
            "peers",
            "podSpecHash",
        ]
    );
    assert_eq!(stage.read("etc/aerospike.conf"), RENDERED.as_bytes());
    assert_eq!(stage.read("etc/akoinit"), b"program");
    assert_eq!(mode(&stage.paths.etc.join("aerospike.conf")), 0o644);
    assert_eq!(mode(&stage.paths.etc.join("akoinit")), 0o755);
}

#[tokio::test]
async fn another_configuration_is_filled_in_without_the_api() {
    let stage = Stage::new(world(), &document());
    stage.run().await.unwrap();
    stage.calls();
    let changed =
        |text: &str| text.replace("mode    mesh", "interval    200\n        mode    mesh");
    let sent = json!({"template": changed(TEMPLATE), "peers": "c-1-0.c.ns\nc-1-1.c.ns"});

    let printed = init::update::update_config(&sent.to_string(), &stage.paths).unwrap();
    assert_eq!(printed, changed(RENDERED));
    assert_eq!(stage.read("etc/aerospike.conf"), printed.as_bytes());
    assert_eq!(stage.calls(), [""; 0]);
    // What the pod started with is what its hashes are of.
    assert_eq!(
        stage.read("etc/configmap/aerospike.template.conf"),
        TEMPLATE.as_bytes()
    );
}

#[tokio::test]
async fn an_update_that_cannot_be_read_changes_nothing() {
    let stage = Stage::new(world(), &document());
    let sent = json!({"template": TEMPLATE, "peers": ""}).to_string();
    assert!(init::update::update_config(&sent, &stage.paths).is_err());
    stage.run().await.unwrap();
    assert!(init::update::update_config("{}", &stage.paths).is_err());
    assert_eq!(stage.read("etc/aerospike.conf"), RENDERED.as_bytes());
}

#[tokio::test]
async fn new_volumes_are_prepared_and_others_left_alone() {
    let stage = Stage::new(world(), &document());
    stage.run().await.unwrap();

    let files = stage.paths.volumes.join("filesystem-volumes/files");
    assert_eq!(stage.read("workdir/block-volumes/data"), [0; 5000]);
    assert_eq!(stage.read("workdir/filesystem-volumes/secret/key"), b"key");
    assert_eq!(names(&files.join("old")), [] as [&str; 0]);
    assert!(files.join("smd").is_dir());
    assert!(files.join("usr/udf/lua").is_dir());
}

#[tokio::test]
async fn a_second_run_ends_the_same_and_touches_no_volume() {
    let stage = Stage::new(world(), &document());
    stage.run().await.unwrap();
    let config = stage.read("etc/aerospike.conf");
    stage.write("workdir/block-volumes/data", &[2; 5000]);
    stage.write("workdir/filesystem-volumes/files/new", b"new");
    stage.run().await.unwrap();

    assert_eq!(stage.entry(), expected_entry());
    assert_eq!(stage.read("etc/aerospike.conf"), config);
    assert_eq!(stage.read("workdir/block-volumes/data"), [2; 5000]);
    assert_eq!(stage.read("workdir/filesystem-volumes/files/new"), b"new");
}

#[tokio::test]
async fn nothing_is_read_that_is_not_needed() {
    let mut document = document();
    for kind in [
        "access",
        "alternateAccess",
        "tlsAccess",
        "tlsAlternateAccess",
    ] {
        document["network"][kind]["type"] = json!("pod");
    }
    document["volumes"] = json!([]);
    let stage = Stage::new(world(), &document);
    stage.run().await.unwrap();
    assert_eq!(
        stage.calls(),
        [
            format!("GET {CLUSTER}"),
            format!("GET {POD}"),
            format!("GET {CLUSTER}"),
            format!("PATCH {STATUS}"),
            format!("PATCH {POD}"),
        ]
    );
}

#[tokio::test]
async fn rights_that_come_late_are_waited_for() {
    let stage = Stage::new(world(), &document());
    for call in [
        format!("GET {CLUSTER}"),
        format!("GET {SERVICE}"),
        format!("GET {DATA}"),
        format!("PATCH {POD}"),
        format!("PATCH {STATUS}"),
    ] {
        stage.refuse(&call, StatusCode::FORBIDDEN, 3);
    }
    stage.run().await.unwrap();
    assert_eq!(stage.entry(), expected_entry());
}

#[tokio::test]
async fn rights_that_never_come_are_named() {
    for (call, expected) in [
        (format!("GET {NODE}"), "aerospike-operator-node-reader"),
        (format!("GET {DATA}"), "PersistentVolumeClaim data-c-1-0"),
        (
            format!("PATCH {STATUS}"),
            "the status of AerospikeCluster c",
        ),
    ] {
        let mut stage = Stage::new(world(), &document());
        stage.patience.reads = Duration::ZERO;
        stage.patience.report = Duration::ZERO;
        stage.refuse(&call, StatusCode::FORBIDDEN, u32::MAX);
        let error = stage.run().await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_report_that_fails_is_made_again_from_a_fresh_read() {
    let stage = Stage::new(world(), &document());
    let call = format!("PATCH {STATUS}");
    stage.refuse(&call, StatusCode::UNPROCESSABLE_ENTITY, 2);
    stage.run().await.unwrap();
    assert_eq!(stage.entry(), expected_entry());
    let read = format!("GET {CLUSTER}");
    let calls = stage.calls();
    let (pod, calls) = calls.split_last().unwrap();
    assert_eq!(*pod, format!("PATCH {POD}"));
    let last = &calls[calls.len() - 6..];
    assert_eq!(
        last.iter().collect::<Vec<_>>(),
        [&read, &call, &read, &call, &read, &call]
    );
}

#[tokio::test]
async fn a_cluster_that_is_gone_ends_the_report_at_once() {
    let stage = Stage::new(world(), &document());
    stage.refuse(&format!("PATCH {STATUS}"), StatusCode::NOT_FOUND, 1);
    assert!(stage.run().await.is_err());
    assert_eq!(stage.entry(), Value::Null);
}

#[tokio::test]
async fn a_status_without_pods_gets_them() {
    for status in [json!({}), json!({"phase": "InProgress"})] {
        let mut world = world();
        world.cluster["status"] = status;
        let stage = Stage::new(world, &document());
        stage.run().await.unwrap();
        assert_eq!(stage.entry(), expected_entry());
    }
}

#[tokio::test]
async fn a_configuration_too_large_to_show_stops_nothing() {
    let shown = json!({"aerospikeConf": RENDERED});
    for (refusals, expected) in [(1, shown), (2, json!({}))] {
        let mut world = world();
        let older = json!({"aerospikeConf": "an older one", "aerospike.com/config-template": "and its template"});
        world.pod["metadata"]["annotations"] = older;
        let stage = Stage::new(world, &document());
        let call = format!("PATCH {POD}");
        stage.refuse(&call, StatusCode::UNPROCESSABLE_ENTITY, refusals);
        stage.run().await.unwrap();
        assert_eq!(stage.entry(), expected_entry());
        let world = stage.world.lock().unwrap();
        assert_eq!(world.pod["metadata"]["annotations"], expected);
    }
}

#[tokio::test]
async fn a_missing_service_is_named_and_nothing_is_reported() {
    let stage = Stage::new(world(), &document());
    stage.refuse(&format!("GET {SERVICE}"), StatusCode::NOT_FOUND, 1);
    let error = stage.run().await.unwrap_err().to_string();
    assert!(error.contains("read Service c-1-0"), "{error}");
    assert!(error.contains("multiPodPerHost"), "{error}");
    assert_eq!(stage.entry(), Value::Null);
    assert_eq!(stage.read("workdir/block-volumes/data"), [1; 5000]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_initialises_nothing() {
    let mut world = world();
    world.cluster["status"]["pods"]["c-1-0"] = json!({"image": 7});
    let stage = Stage::new(world, &document());
    let error = stage.run().await.unwrap_err().to_string();
    assert!(error.contains("status.pods.c-1-0"), "{error}");
    assert_eq!(stage.read("workdir/block-volumes/data"), [1; 5000]);
}

#[tokio::test]
async fn the_rack_id_of_the_annotation_is_needed_and_checked() {
    let mut document = document();
    document["rackIdOverride"] = json!(true);
    for annotations in [
        json!({}),
        json!({"aerospike.com/override-rack-id": "1000001"}),
    ] {
        let mut world = world();
        world.pod["metadata"]["annotations"] = annotations;
        let error = Stage::new(world, &document).run().await.unwrap_err();
        assert!(error.to_string().contains("override-rack-id"), "{error}");
    }
    let mut world = world();
    world.pod["metadata"]["annotations"] = json!({"aerospike.com/override-rack-id": "12"});
    let stage = Stage::new(world, &document);
    stage.run().await.unwrap();
    let entry = stage.entry();
    assert_eq!(entry["aerospike"]["rackID"], 12);
    assert_eq!(entry["aerospike"]["nodeID"], "1a0");
    assert_eq!(entry["rackIDOverridden"], true);
}

#[tokio::test]
async fn a_failing_volume_leaves_no_report() {
    let stage = Stage::new(world(), &document());
    fs::remove_file(stage.paths.volumes.join("block-volumes/data")).unwrap();
    let error = stage.run().await.unwrap_err().to_string();
    assert!(error.contains("block-volumes/data"), "{error}");
    assert_eq!(stage.entry(), Value::Null);
}

const SAMPLES: [&str; 8] = [
    "dim_nostorage_cluster",
    "hdd_dim_storage_cluster",
    "podspec",
    "rack_enabled_cluster",
    "sc_mode_cluster",
    "shadow_device_cluster",
    "ssd_storage_cluster",
    "tls_cluster",
];

fn sample(name: &str) -> Desired {
    let path = format!(
        "{}/tests/data/samples/{name}_cr.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let cluster: AerospikeCluster =
        serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    resolve(&cluster, &Settings::default()).unwrap()
}

/// What the first server of `rack` reads, alone on a node without addresses of its own.
fn rendered(desired: &Desired, rack: &Rack) -> String {
    let document = init_document(desired, rack);
    let ports = ["service", "tls-service"].map(|name| (name.to_owned(), 31000));
    let place = Place {
        pod_ip: "10.1.0.5".to_owned(),
        host_ip: "192.168.0.9".to_owned(),
        node: NodeFacts::default(),
        node_ports: document.network.pod_service.then(|| ports.into()),
        network_status: None,
    };
    let values = render::Values {
        node_id: "1a0",
        network: &document.network,
        addresses: &place.addresses(&document.network).unwrap(),
        pod_ip: "10.1.0.5",
        peers: &[],
        rack_id: None,
    };
    render::render(rack.template.text(), &values).unwrap()
}

#[test]
fn the_samples_differ_from_their_templates_in_placeholders_and_ports_only() {
    for name in SAMPLES {
        let desired = sample(name);
        for rack in &desired.racks {
            let text = rendered(&desired, rack);
            assert!(
                !text.contains("ENV_NODE_ID") && !text.contains('<'),
                "{text}"
            );
            assert_eq!(
                text.lines().count(),
                rack.template.text().lines().count(),
                "{name}"
            );
            for (before, after) in rack.template.text().lines().zip(text.lines()) {
                let ours = before.contains("ENV_NODE_ID")
                    || before.contains("access-address    <")
                    || before.contains("access-port    ");
                assert!(
                    before == after || ours,
                    "{name}: {before:?} became {after:?}"
                );
            }
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
