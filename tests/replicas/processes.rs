//! Two processes: one leads, stands still for longer than its lease, and wakes.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{api_server::ApiServer, certificate, eventually, lease};

const CLUSTER: &str =
    "/apis/asdb.aerospike.com/v1/namespaces/aerospike/aerospikeclusters/aerocluster";
const SET: &str = "/apis/apps/v1/namespaces/aerospike/statefulsets/aerocluster-0";
const SERVICE: &str = "/api/v1/namespaces/aerospike/services/aerocluster";
const READERS: &str =
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/aerospike-operator-node-reader";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/aerospikeclusters.asdb.aerospike.com";
/// A lease of 15 s and looks at it 3 s apart, on a machine that has other things to do.
const TAKEN_WITHIN: Duration = Duration::from_secs(40);
const SOON: Duration = Duration::from_secs(20);

/// An API server that knows of one cluster, whose pod never comes.
async fn api_server() -> (ApiServer, SocketAddr) {
    let server = ApiServer::default();
    let definition = include_str!("../../crds/aerospikeclusters.asdb.aerospike.com.yaml");
    server.put(DEFINITION, serde_saphyr::from_str(definition).unwrap());
    let sample = include_str!("../data/samples/dim_nostorage_cluster_cr.yaml");
    let mut cluster: Value = serde_saphyr::from_str(sample).unwrap();
    cluster["metadata"]["uid"] = json!("uid-cluster");
    cluster["metadata"]["generation"] = json!(1);
    cluster["metadata"]["finalizers"] = json!(["asdb.aerospike.com/storage-finalizer"]);
    server.put(CLUSTER, cluster);
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "aerospike-operator-node-reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
    });
    server.put(READERS, binding);
    certificate::install(&server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (server, address)
}

struct Replica {
    child: Child,
    probes: SocketAddr,
    _folder: TempDir,
}

impl Replica {
    /// Starts one that shows its name as its token.
    fn start(name: &str, api_server: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: 'http://{api_server}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             users: [{{name: u, user: {{token: {name}}}}}]\n"
        );
        std::fs::write(&kubeconfig, text).unwrap();
        let [reviews, probes] = [(); 2].map(|()| {
            let listener = StdListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        });
        let child = Command::new(env!("CARGO_BIN_EXE_aerospike-operator"))
            .env_remove("RUST_LOG")
            .env("KUBECONFIG", kubeconfig)
            .args([
                "run",
                "--namespace=aerospike",
                "--watch-namespace=aerospike",
            ])
            .arg(format!("--identity={name}"))
            .arg(format!("--webhook-bind-address={reviews}"))
            .arg(format!("--health-probe-bind-address={probes}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            probes,
            _folder: folder,
        }
    }

    async fn is_ready(&self) -> Option<()> {
        let mut stream = TcpStream::connect(self.probes).await.ok()?;
        let request = b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        let child = std::sync::Mutex::new(&mut self.child);
        let ended = || async { child.lock().unwrap().try_wait().unwrap() };
        eventually("it ends", SOON, ended).await
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_leader_that_stood_still_past_its_lease_writes_nothing_when_it_wakes_and_ends() {
    let (server, address) = api_server().await;
    let mut first = Replica::start("first", address);
    let leads = |name: &'static str| {
        let server = &server;
        move || async move { (lease::holder(server)? == name).then_some(()) }
    };
    eventually("the first leads", SOON, leads("first")).await;
    let second = Replica::start("second", address);
    for replica in [&first, &second] {
        eventually("a replica is ready", SOON, || replica.is_ready()).await;
    }
    let scaled = || async { (server.object(SET)?["spec"]["replicas"].as_i64()? > 0).then_some(()) };
    eventually("the cluster is scaled up", SOON, scaled).await;

    first.signal(Signal::STOP);
    eventually("the second leads", TAKEN_WITHIN, leads("second")).await;
    // Both would make it anew.
    server.take(SERVICE);
    server.all_writes();
    first.signal(Signal::CONT);
    assert_eq!(first.ended().await.code(), Some(1));
    let healed = || async { server.object(SERVICE) };
    eventually("the second heals the service", SOON, healed).await;
    let writers: Vec<_> = server
        .all_writes()
        .into_iter()
        .map(|write| format!("{} {}", write.by, write.call))
        .collect();
    assert!(
        !writers.is_empty() && writers.iter().all(|it| it.starts_with("second ")),
        "{writers:?}"
    );
}
