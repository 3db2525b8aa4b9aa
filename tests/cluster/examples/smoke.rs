//! Tries on a running machine what scenarios rely on: volumes, init containers, names of pods, tokens, webhooks behind services, healing.
//! `cargo run -p cluster --example smoke`

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::node::NODES;
use cluster::{Cluster, Output, images, wait_until};

const MINUTE: Duration = Duration::from_mins(1);

const IMAGE: &str = "docker.io/aerospike-operator-test/kubectl:1";

const MANIFEST: &str = include_str!("smoke.yaml");

fn main() -> Result<()> {
    if let Some(reason) = cluster::why_not_here() {
        eprintln!("skipped: {reason}");
        return Ok(());
    }
    Cluster::down()?;
    let cluster = Cluster::up()?;
    scenario(&cluster)?;
    Cluster::down()?;
    let cluster = Cluster::up()?;
    crash(&cluster)?;
    scenario(&Cluster::up()?)?;
    cut_off(&cluster)?;
    eprintln!("smoke: all is well");
    Ok(())
}

fn scenario(cluster: &Cluster) -> Result<()> {
    let program = vec![(cluster.kubectl_program(), "/kubectl".to_owned())];
    let image = images::of_files(IMAGE, &program, &["/kubectl"])?;
    step(
        "loads an image once",
        cluster.load(std::slice::from_ref(&image))? == 1,
    )?;
    step("does not load it again", cluster.load(&[image])? == 0)?;
    cluster.kubectl_apply(MANIFEST).ok()?;
    wait_until("three pods to be ready", MINUTE, || ready(cluster) == "3")?;
    let exec = |args: &[&str]| {
        cluster.kubectl(
            &[
                &[
                    "exec", "-n", "smoke", "web-0", "-c", "web", "--", "/kubectl",
                ],
                args,
            ]
            .concat(),
        )
    };
    step(
        "the init container wrote the volume",
        exec(&["config", "view", "--kubeconfig=/data/written"])
            .stdout
            .contains("init"),
    )?;
    step(
        "a pod calls the API with its token",
        exec(&["get", "--raw", "/version"]).stdout.contains("v1.35"),
    )?;
    for name in [
        "web-0.web.smoke",
        "web-1.web.smoke",
        "web-2.web",
        "web.smoke.svc.cluster.local",
        "balanced",
    ] {
        let answer = exec(&[
            &format!("--server=http://{name}:8001"),
            "get",
            "--raw",
            "/version",
        ]);
        step(
            &format!("{name} answers a pod"),
            answer.stdout.contains("v1.35"),
        )
        .with_context(|| answer.stderr.clone())?;
    }
    webhook(cluster)?;
    cluster
        .kubectl(&["delete", "namespace", "smoke", "--wait=false"])
        .ok()?;
    cluster
        .kubectl(&["delete", "validatingwebhookconfiguration", "smoke"])
        .ok()?;
    wait_until("the namespace and its volumes to go", MINUTE, || {
        cluster
            .kubectl(&["get", "persistentvolumes,namespaces", "-o", "name"])
            .stdout
            .matches("smoke")
            .count()
            == 0
    })
}

/// The server behind the service speaks no TLS: that the API server says so shows that it got there.
fn webhook(cluster: &Cluster) -> Result<()> {
    let mut answer = Output {
        success: true,
        stdout: String::new(),
        stderr: String::new(),
    };
    let reached = wait_until("the API server to call the webhook", MINUTE, || {
        let create = [
            "create",
            "configmap",
            "refused",
            "-n",
            "smoke",
            "--dry-run=server",
        ];
        answer = cluster.kubectl(&create);
        answer
            .stderr
            .contains("server gave HTTP response to HTTPS client")
    });
    step(
        "the API server reaches a webhook by its cluster IP",
        reached.is_ok(),
    )
    .with_context(|| answer.stderr)
}

fn crash(cluster: &Cluster) -> Result<()> {
    cluster.kill_control_plane()?;
    step(
        "a crashed control plane does not answer",
        !cluster
            .kubectl(&["get", "nodes", "--request-timeout=2s"])
            .success,
    )
}

fn cut_off(cluster: &Cluster) -> Result<()> {
    cluster.kill_api_server()?;
    cluster.start_api_server()?;
    cluster.cut_off_node(&NODES[2])?;
    wait_until("node3 to be lost", MINUTE, || status(cluster) == "Unknown")?;
    cluster.rejoin_node(&NODES[2])?;
    wait_until("node3 to be back", MINUTE, || status(cluster) == "True")
}

fn status(cluster: &Cluster) -> String {
    let path = r#"-ojsonpath={.status.conditions[?(@.type=="Ready")].status}"#;
    cluster.kubectl(&["get", "node", "node3", path]).stdout
}

fn ready(cluster: &Cluster) -> String {
    cluster
        .kubectl(&[
            "get",
            "statefulset",
            "web",
            "-n",
            "smoke",
            "-ojsonpath={.status.readyReplicas}",
        ])
        .stdout
}

fn step(what: &str, holds: bool) -> Result<()> {
    ensure!(holds, "not so: {what}");
    eprintln!("smoke: {what}");
    Ok(())
}
