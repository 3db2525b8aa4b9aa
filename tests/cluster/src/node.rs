//! A node: its network namespace, its container runtime, its kubelet and its service proxy.

mod files;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::addresses;
use crate::identity::Identities;
use crate::paths::{NAME, RUN};
use crate::process::Daemon;
use crate::programs::Programs;
use crate::run::{self, SHORT};

/// The region of all nodes.
pub const REGION: &str = "us-west1";

/// The image of the container that holds a pod's namespaces.
pub const PAUSE: &str = "docker.io/aerospike-operator-test/pause:1";

/// The nodes of the cluster.
pub const NODES: [Node; 3] = [
    Node {
        number: 1,
        zone: "us-west1-a",
    },
    Node {
        number: 2,
        zone: "us-west1-b",
    },
    Node {
        number: 3,
        zone: "us-west1-c",
    },
];

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Counted from 1.
    pub number: u8,
    /// The zone that its label names.
    pub zone: &'static str,
}

impl Node {
    /// Its name in the cluster.
    #[must_use]
    pub fn name(&self) -> String {
        format!("node{}", self.number)
    }

    /// Its network namespace.
    #[must_use]
    pub fn space(&self) -> String {
        format!("{NAME}-node{}", self.number)
    }

    /// Its end of the cable at the bridge.
    #[must_use]
    pub fn cable(&self) -> String {
        format!("{NAME}{}", self.number)
    }

    /// Its runtime's socket.
    #[must_use]
    pub fn socket(&self) -> String {
        format!("{RUN}/{}.sock", self.name())
    }

    /// A command to its runtime about Kubernetes' images and containers.
    #[must_use]
    pub fn ctr(&self, args: &[&str]) -> Command {
        let mut command = run::command("ctr");
        command
            .args(["--address", &self.socket(), "--namespace", "k8s.io"])
            .args(args);
        command
    }

    /// Whether its runtime answers.
    #[must_use]
    pub fn runtime_answers(&self) -> bool {
        run::output(&mut self.ctr(&["version"]), "", SHORT).success
    }

    /// Writes what its programs read.
    ///
    /// # Errors
    /// If a file could not be written.
    pub fn write_files(&self, state: &Path, identities: &Identities) -> Result<()> {
        let folder = self.folder(state);
        let network = files::cni(&folder, *self);
        let kubelet = files::kubelet(&folder, &self.socket(), &identities.authority());
        let runtime = files::containerd(&folder, *self);
        let files = [
            ("cni/10-pods.conflist", format!("{network:#}\n")),
            ("kubelet.json", format!("{kubelet:#}\n")),
            ("containerd.toml", runtime),
        ];
        fs::create_dir_all(folder.join("cni"))?;
        for (name, text) in files {
            fs::write(folder.join(name), text)
                .with_context(|| format!("{name} of {} could not be written", self.name()))?;
        }
        Ok(())
    }

    /// Its container runtime.
    #[must_use]
    pub fn runtime(&self, state: &Path) -> Daemon {
        let config = self.folder(state).join("containerd.toml");
        let command = ["containerd".into(), "--config".into(), text(&config)];
        self.daemon("containerd", command.to_vec(), vec![config])
    }

    /// Its kubelet.
    #[must_use]
    pub fn kubelet(&self, state: &Path, programs: &Programs, identities: &Identities) -> Daemon {
        let folder = self.folder(state);
        let config = folder.join("kubelet.json");
        let kubeconfig = identities.kubeconfig_of(self);
        let zone = format!("topology.kubernetes.io/zone={}", self.zone);
        let command = vec![
            programs.path("kubelet"),
            format!("--config={}", config.display()),
            format!("--kubeconfig={kubeconfig}"),
            format!("--root-dir={}", folder.join("kubelet").display()),
            format!("--cert-dir={}", folder.join("pki").display()),
            format!("--hostname-override={}", self.name()),
            format!("--node-ip={}", addresses::node(self.number)),
            format!("--node-labels={zone},topology.kubernetes.io/region={REGION}"),
        ];
        self.daemon("kubelet", command, vec![config, kubeconfig.into()])
    }

    /// Its service proxy.
    #[must_use]
    pub fn proxy(&self, programs: &Programs, identities: &Identities) -> Daemon {
        let command = proxy_command(programs, identities, self, addresses::node(self.number));
        self.daemon("proxy", command, vec![identities.kubeconfig().to_owned()])
    }

    /// Everything it keeps on disk.
    #[must_use]
    pub fn folder(&self, state: &Path) -> PathBuf {
        state.join(self.name())
    }

    fn daemon(&self, name: &str, command: Vec<String>, reads: Vec<PathBuf>) -> Daemon {
        Daemon {
            name: format!("{}/{name}", self.name()),
            space: Some(self.space()),
            command,
            reads,
        }
    }
}

/// The service proxy of a network namespace. It is told to leave alone what the whole machine shares. It serves nothing before it
/// has seen the node whose name it is given, so the control plane's, which has no node, is given that of another.
#[must_use]
pub fn proxy_command(
    programs: &Programs,
    identities: &Identities,
    node: &Node,
    address: Ipv4Addr,
) -> Vec<String> {
    vec![
        programs.path("kube-proxy"),
        format!("--kubeconfig={}", identities.kubeconfig().display()),
        format!("--hostname-override={}", node.name()),
        format!("--cluster-cidr={}", addresses::PODS),
        "--proxy-mode=iptables".into(),
        format!("--bind-address={address}"),
        format!("--nodeport-addresses={}", addresses::MACHINES),
        "--iptables-localhost-nodeports=false".into(),
        "--conntrack-max-per-core=0".into(),
        "--conntrack-tcp-timeout-established=0s".into(),
        "--conntrack-tcp-timeout-close-wait=0s".into(),
        "--healthz-bind-address=".into(),
        "--metrics-bind-address=".into(),
    ]
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
