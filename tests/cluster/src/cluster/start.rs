//! Starting what is missing, in the order in which the parts need each other.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use super::Cluster;
use crate::addresses::API_SERVICE;
use crate::control_plane::ControlPlane;
use crate::identity::Identities;
use crate::node::{NODES, Node};
use crate::process::Daemon;
use crate::programs::Programs;
use crate::run::wait_until;
use crate::{images, lock, network, progress, volumes};

const RUNTIME_ANSWERS: Duration = Duration::from_secs(20);
const API_ANSWERS: Duration = Duration::from_mins(1);
const NODES_READY: Duration = Duration::from_mins(1);
const SERVICES_REACHABLE: Duration = Duration::from_mins(1);

const API_SERVICE_PORT: u16 = 443;

impl Cluster {
    /// Takes the places on this machine that the cluster needs. What stands in the way is not ours to remove.
    pub(super) fn prepare(state: &Path, programs: &Programs) -> Result<Self> {
        lock::check_owner(state)?;
        network::check_free(state)?;
        fs::create_dir_all(state)
            .with_context(|| format!("{} could not be made", state.display()))?;
        lock::own(state)?;
        network::ensure_bridge()?;
        let cluster = Self {
            state: state.to_owned(),
            programs: programs.clone(),
            identities: Identities::ensure(state)?,
        };
        cluster.control_plane()?.check_ports(state)?;
        Ok(cluster)
    }

    /// Starts what does not run.
    pub(super) fn start(&self) -> Result<()> {
        let control_plane = self.control_plane()?;
        self.ensure(&control_plane.etcd)?;
        self.ensure(&control_plane.api_server)?;
        self.start_runtimes()?;
        self.wait_for_api(&control_plane)?;
        self.start_nodes(&control_plane)?;
        self.wait_for_nodes()?;
        self.wait_for_services(&control_plane)
    }

    /// The programs of the control plane.
    pub(super) fn control_plane(&self) -> Result<ControlPlane> {
        ControlPlane::new(&self.state, &self.programs, &self.identities)
    }

    /// The kubelet of a node.
    pub(super) fn kubelet(&self, node: &Node) -> Daemon {
        node.kubelet(&self.state, &self.programs, &self.identities)
    }

    /// What makes volumes.
    fn provisioner(&self) -> Result<Daemon> {
        volumes::daemon(&self.state, &self.programs, self.identities.kubeconfig())
    }

    /// Waits for the API server.
    pub(super) fn wait_for_api(&self, control_plane: &ControlPlane) -> Result<()> {
        let needed = [&control_plane.etcd, &control_plane.api_server];
        let ready = ["get", "--raw", "/readyz", "--request-timeout=2s"];
        self.wait_for("the API server to be ready", API_ANSWERS, &needed, || {
            self.kubectl(&ready).success
        })
    }

    /// Needs no API server yet: it starts meanwhile.
    fn start_runtimes(&self) -> Result<()> {
        for node in &NODES {
            self.start_runtime(node)?;
        }
        for node in &NODES {
            let what = format!("the container runtime of {} to answer", node.name());
            let runtime = node.runtime(&self.state);
            self.wait_for(&what, RUNTIME_ANSWERS, &[&runtime], || {
                node.runtime_answers()
            })?;
        }
        self.load(&[images::pause(&self.programs)?]).map(drop)
    }

    /// Programs and pods in a namespace without a name cannot be led into a new one.
    fn start_runtime(&self, node: &Node) -> Result<()> {
        let runtime = node.runtime(&self.state);
        ensure!(
            network::has_space(node) || !runtime.runs(&self.state),
            "the pods of {} lost their network",
            node.name()
        );
        network::ensure_node(node)?;
        node.write_files(&self.state, &self.identities)?;
        self.ensure(&runtime)
    }

    fn start_nodes(&self, control_plane: &ControlPlane) -> Result<()> {
        for daemon in &control_plane.others {
            self.ensure(daemon)?;
        }
        for node in &NODES {
            self.ensure(&self.kubelet(node))?;
            self.ensure(&node.proxy(&self.programs, &self.identities))?;
        }
        let applied = self.kubectl_apply(&volumes::storage_classes()).ok();
        applied.context("the storage class could not be made")?;
        self.ensure(&self.provisioner()?)
    }

    fn wait_for_nodes(&self) -> Result<()> {
        let kubelets = NODES.map(|node| self.kubelet(&node));
        let list = ["get", "nodes", "--no-headers", "--request-timeout=5s"];
        let kubelets: Vec<_> = kubelets.iter().collect();
        self.wait_for("the nodes to be ready", NODES_READY, &kubelets, || {
            ready_nodes(&self.kubectl(&list).stdout) == NODES.len()
        })?;
        self.wait_for("the first service account", NODES_READY, &kubelets, || {
            self.kubectl(&["get", "serviceaccount", "default"]).success
        })
    }

    /// From here, as the API server calls webhooks.
    fn wait_for_services(&self, control_plane: &ControlPlane) -> Result<()> {
        let needed: Vec<_> = control_plane.others.iter().collect();
        let api = SocketAddr::from((API_SERVICE, API_SERVICE_PORT));
        self.wait_for(
            "services to be reachable",
            SERVICES_REACHABLE,
            &needed,
            || TcpStream::connect_timeout(&api, Duration::from_secs(1)).is_ok(),
        )
    }

    fn ensure(&self, daemon: &Daemon) -> Result<()> {
        if daemon.ensure(&self.state)? {
            progress(&format!("started {}", daemon.name));
        }
        Ok(())
    }

    /// Waits, and gives up as soon as a program that is needed has ended.
    fn wait_for(
        &self,
        what: &str,
        deadline: Duration,
        needed: &[&Daemon],
        holds: impl Fn() -> bool,
    ) -> Result<()> {
        let dead = || needed.iter().find(|daemon| !daemon.runs(&self.state));
        let waited = wait_until(what, deadline, || dead().is_some() || holds());
        if let Some(daemon) = dead() {
            let last_words = daemon.last_words(&self.state);
            return Err(anyhow!("{} ended; {last_words}", daemon.name));
        }
        let slowest = needed.last().map(|daemon| daemon.last_words(&self.state));
        waited.map_err(|error| anyhow!("{error}; {}", slowest.unwrap_or_default()))
    }
}

/// How many rows of the table of nodes say that the node is ready.
fn ready_nodes(table: &str) -> usize {
    let states = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1));
    states.filter(|state| *state == "Ready").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_that_are_ready_count() {
        let table = "node1 Ready <none> 1s v1\nnode2 NotReady <none> 1s v1\n";
        assert_eq!(ready_nodes(table), 1);
        assert_eq!(ready_nodes(""), 0);
    }
    /// A program is found again by its arguments when it was not noted.
    #[test]
    fn no_two_programs_have_the_same_arguments() {
        let state = tempfile::tempdir().unwrap();
        let cluster = Cluster {
            state: state.path().to_owned(),
            programs: Programs::in_cache(Path::new("/cache")),
            identities: Identities::ensure(state.path()).unwrap(),
        };
        let plane = cluster.control_plane().unwrap();
        let of_nodes = NODES.map(|node| {
            let proxy = node.proxy(&cluster.programs, &cluster.identities);
            [node.runtime(state.path()), cluster.kubelet(&node), proxy]
        });
        let mut all = [
            vec![plane.etcd, plane.api_server],
            plane.others,
            of_nodes.concat(),
            vec![cluster.provisioner().unwrap()],
        ]
        .concat();
        let count = all.len();
        all.sort_by(|a, b| a.command.cmp(&b.command));
        all.dedup_by(|a, b| a.command == b.command);
        assert_eq!((all.len(), count), (16, 16));
    }
}
