//! The control plane: etcd, API server, controller manager, scheduler, service proxy and DNS, in the root network namespace.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::addresses::{API_PORT, CONTROL_PLANE, SERVICES};
use crate::audit;
use crate::identity::Identities;
use crate::node::{NODES, proxy_command};
use crate::process::Daemon;
use crate::programs::Programs;

/// Where etcd listens, for clients and for peers that it does not have.
const ETCD: [&str; 2] = ["127.0.0.1:12379", "127.0.0.1:12380"];

/// The programs of the control plane.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    /// The store of all objects.
    pub etcd: Daemon,
    /// The API server.
    pub api_server: Daemon,
    /// What needs an API server that answers.
    pub others: Vec<Daemon>,
}

impl ControlPlane {
    /// Writes the files that the control plane reads.
    ///
    /// # Errors
    /// If a file could not be written.
    pub fn new(state: &Path, programs: &Programs, identities: &Identities) -> Result<Self> {
        let zone_file = state.join("Corefile");
        fs::write(&zone_file, corefile(identities.kubeconfig()))
            .context("Corefile could not be written")?;
        let dns = vec![
            programs.path("coredns"),
            format!("-conf={}", zone_file.display()),
        ];
        let manager = controller_manager(programs, identities);
        let proxy = proxy_command(programs, identities, &NODES[0], CONTROL_PLANE);
        let user = [identities.kubeconfig().to_owned()];
        audit::prepare(state)?;
        let served = ["tokens.csv", "apiserver.crt"].map(|name| state.join(name));
        let served = [&served[..], &[audit::policy(state)]].concat();
        Ok(Self {
            etcd: daemon("etcd", etcd(state, programs), &[]),
            api_server: daemon(
                "apiserver",
                api_server(state, programs, identities),
                &served,
            ),
            others: vec![
                daemon("controller-manager", manager, &user),
                daemon("scheduler", scheduler(programs, identities), &user),
                daemon("proxy", proxy, &user),
                daemon("dns", dns, &[user.to_vec(), vec![zone_file]].concat()),
            ],
        })
    }

    /// Says which program that is to be started could not listen, because another has its port.
    ///
    /// # Errors
    /// If a port is taken by something that is not ours.
    pub fn check_ports(&self, state: &Path) -> Result<()> {
        let api = SocketAddr::from((CONTROL_PLANE, API_PORT)).to_string();
        let dns = SocketAddr::from((CONTROL_PLANE, 53)).to_string();
        let ports = [
            (&self.etcd, ETCD[0]),
            (&self.etcd, ETCD[1]),
            (&self.api_server, &api),
            (&self.others[3], &dns),
        ];
        for (daemon, address) in ports {
            if daemon.runs(state) {
                continue;
            }
            daemon.stop(state)?;
            ensure!(
                TcpListener::bind(address).is_ok(),
                "{} must listen on {address}, which something else on this machine holds; `ss -ltnp` says what: end it first",
                daemon.name
            );
        }
        Ok(())
    }
}

fn daemon(name: &str, command: Vec<String>, reads: &[PathBuf]) -> Daemon {
    Daemon {
        name: name.into(),
        space: None,
        command,
        reads: reads.to_vec(),
    }
}

/// Losing the last writes with the machine's power is fine for a test.
fn etcd(state: &Path, programs: &Programs) -> Vec<String> {
    let [clients, peers] = ETCD.map(|address| format!("http://{address}"));
    vec![
        programs.path("etcd"),
        format!("--data-dir={}", state.join("etcd").display()),
        "--unsafe-no-fsync".into(),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
    ]
}

fn api_server(state: &Path, programs: &Programs, identities: &Identities) -> Vec<String> {
    let file = |flag: &str, name: &str| format!("--{flag}={}", identities.file(name));
    let command = vec![
        programs.path("kube-apiserver"),
        format!("--etcd-servers=http://{}", ETCD[0]),
        format!("--bind-address={CONTROL_PLANE}"),
        format!("--advertise-address={CONTROL_PLANE}"),
        format!("--secure-port={API_PORT}"),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--authorization-mode=Node,RBAC".into(),
        file("tls-cert-file", "apiserver.crt"),
        file("tls-private-key-file", "apiserver.key"),
        file("token-auth-file", "tokens.csv"),
        file("service-account-key-file", "service-accounts.pub"),
        file("service-account-signing-key-file", "service-accounts.key"),
        file("kubelet-client-certificate", "kubelet-client.crt"),
        file("kubelet-client-key", "kubelet-client.key"),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
        "--kubelet-preferred-address-types=InternalIP".into(),
        "--allow-privileged=true".into(),
        "--default-not-ready-toleration-seconds=10".into(),
        "--default-unreachable-toleration-seconds=10".into(),
        "--profiling=false".into(),
    ];
    [command, audit::flags(state)].concat()
}

fn controller_manager(programs: &Programs, identities: &Identities) -> Vec<String> {
    vec![
        programs.path("kube-controller-manager"),
        format!("--kubeconfig={}", identities.kubeconfig().display()),
        format!("--root-ca-file={}", identities.authority()),
        format!(
            "--service-account-private-key-file={}",
            identities.file("service-accounts.key")
        ),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--node-monitor-grace-period=20s".into(),
        "--profiling=false".into(),
    ]
}

fn scheduler(programs: &Programs, identities: &Identities) -> Vec<String> {
    vec![
        programs.path("kube-scheduler"),
        format!("--kubeconfig={}", identities.kubeconfig().display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        "--profiling=false".into(),
    ]
}

/// Answers live for a second: a pod that was replaced is found again at once.
fn corefile(kubeconfig: &Path) -> String {
    format!(
        ".:53 {{\n  bind {CONTROL_PLANE}\n  errors\n  kubernetes cluster.local {{\n    kubeconfig {}\n    ttl 1\n  }}\n}}\n",
        kubeconfig.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dns_server_answers_for_the_cluster_and_no_longer_than_a_second() {
        let expected = "\
.:53 {
  bind 172.30.0.1
  errors
  kubernetes cluster.local {
    kubeconfig /state/kubeconfig
    ttl 1
  }
}
";
        assert_eq!(corefile(Path::new("/state/kubeconfig")), expected);
    }

    #[test]
    fn every_program_of_the_control_plane_has_a_name_of_its_own() {
        let state = tempfile::tempdir().unwrap();
        let identities = Identities::ensure(state.path()).unwrap();
        let programs = Programs::in_cache(Path::new("/cache"));
        let plane = ControlPlane::new(state.path(), &programs, &identities).unwrap();
        let names = [&plane.etcd, &plane.api_server]
            .into_iter()
            .chain(&plane.others);
        let names: Vec<_> = names.map(|daemon| daemon.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "etcd",
                "apiserver",
                "controller-manager",
                "scheduler",
                "proxy",
                "dns"
            ]
        );
    }
}
