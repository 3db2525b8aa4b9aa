//! The cluster as a whole: up, down, and what tests do with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::control_plane::ControlPlane;
use crate::identity::Identities;
use crate::image::Image;
use crate::node::{NODES, Node};
use crate::process::Daemon;
use crate::programs::Programs;
use crate::run::{self, Output, wait_until};
use crate::{clean, images, lock, machine, network, paths, progress};

const API_ANSWERS: Duration = Duration::from_mins(1);
const NODES_READY: Duration = Duration::from_mins(1);
const RUNTIME_ANSWERS: Duration = Duration::from_secs(20);
const KUBECTL: Duration = Duration::from_mins(1);

/// The storage class that manifests name; no class is the default.
const STORAGE_CLASS: &str = "\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: ssd
provisioner: kubernetes.io/host-path
reclaimPolicy: Delete
volumeBindingMode: Immediate
";

/// A cluster that was started.
#[derive(Clone, Debug)]
pub struct Cluster {
    state: PathBuf,
    programs: Programs,
    identities: Identities,
}

impl Cluster {
    /// Starts the cluster, or what is missing of it. One that cannot be healed is made anew, empty.
    ///
    /// # Errors
    /// If this machine cannot run one.
    pub fn up() -> Result<Self> {
        let since = Instant::now();
        let state = paths::state()?;
        machine::setup()?;
        let _alone = lock::alone(&state)?;
        let programs = Programs::ensure()?;
        lock::check_owner(&state)?;
        network::check_free()?;
        let was_there = state.exists();
        let cluster = Self::start(&state, &programs).or_else(|reason| {
            ensure!(was_there, reason);
            progress(&format!(
                "the cluster could not be healed ({reason:#}); making it anew"
            ));
            clean::remove_all(&state, &programs)?;
            Self::start(&state, &programs)
        })?;
        progress(&format!(
            "ready after {:.1} s",
            since.elapsed().as_secs_f32()
        ));
        Ok(cluster)
    }

    /// Ends the cluster and removes all that it made, its volumes included. Nothing to do if there is none.
    ///
    /// # Errors
    /// If something could not be removed.
    pub fn down() -> Result<()> {
        let since = Instant::now();
        let state = paths::state()?;
        let _alone = lock::alone(&state)?;
        lock::check_owner(&state)?;
        clean::remove_all(&state, &Programs::in_cache(&paths::cache()?))?;
        progress(&format!(
            "down after {:.1} s",
            since.elapsed().as_secs_f32()
        ));
        Ok(())
    }

    /// The cluster that was started before.
    ///
    /// # Errors
    /// If there is none.
    pub fn find() -> Result<Self> {
        let state = paths::state()?;
        ensure!(
            state.join("kubeconfig").exists(),
            "there is no cluster; `cluster up` starts one"
        );
        Ok(Self {
            programs: Programs::in_cache(&paths::cache()?),
            identities: Identities::ensure(&state)?,
            state,
        })
    }

    /// The kubeconfig of an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        self.identities.kubeconfig()
    }

    /// The program `kubectl` that was built with the cluster.
    #[must_use]
    pub fn kubectl_program(&self) -> PathBuf {
        self.programs.path("kubectl").into()
    }

    /// Runs `kubectl`, for a minute at most.
    #[must_use]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_with_input(args, "")
    }

    /// Applies a manifest.
    #[must_use]
    pub fn kubectl_apply(&self, manifest: &str) -> Output {
        self.kubectl_with_input(&["apply", "-f", "-"], manifest)
    }

    /// Runs `kubectl` with `input` on its standard input, for a minute at most.
    #[must_use]
    pub fn kubectl_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut kubectl = run::command(&self.programs.path("kubectl"));
        kubectl
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(args);
        run::output(&mut kubectl, input, KUBECTL)
    }

    /// Loads images into every node that does not have them. Says how many were loaded.
    ///
    /// # Errors
    /// If a node does not take them.
    pub fn load(&self, images: &[Image]) -> Result<usize> {
        let loads = NODES.map(|node| {
            let (images, state) = (images.to_vec(), self.state.clone());
            thread::spawn(move || images::load(&node, &images, &state))
        });
        let mut loaded = 0;
        for load in loads {
            loaded = loaded.max(load.join().ok().context("loading an image panicked")??);
        }
        Ok(loaded)
    }

    /// Kills the API server and starts it again; etcd and the nodes go on.
    ///
    /// # Errors
    /// If it does not answer again.
    pub fn restart_api_server(&self) -> Result<()> {
        let api_server = self.control_plane()?.api_server;
        api_server.stop(&self.state)?;
        api_server.ensure(&self.state)?;
        self.wait_for_api(&api_server)
    }

    /// Kills etcd and the API server, as a crash would; [`Self::up`] starts them again.
    ///
    /// # Errors
    /// If one could not be killed.
    pub fn kill_control_plane(&self) -> Result<()> {
        let control_plane = self.control_plane()?;
        control_plane.etcd.stop(&self.state)?;
        control_plane.api_server.stop(&self.state)
    }

    /// Kills a node's kubelet, and nothing else; [`Self::up`] starts it again.
    ///
    /// # Errors
    /// If it could not be killed.
    pub fn kill_kubelet(&self, node: &Node) -> Result<()> {
        node.kubelet(&self.state, &self.programs, &self.identities)
            .stop(&self.state)
    }

    /// Pulls a node's cable.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn cut_off_node(&self, node: &Node) -> Result<()> {
        network::set_cable(node, false)
    }

    /// Plugs a node's cable in again.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn rejoin_node(&self, node: &Node) -> Result<()> {
        network::set_cable(node, true)
    }

    fn start(state: &Path, programs: &Programs) -> Result<Self> {
        fs::create_dir_all(state)
            .with_context(|| format!("{} could not be made", state.display()))?;
        lock::own(state)?;
        clean::claim_volumes(state)?;
        let cluster = Self {
            state: state.to_owned(),
            programs: programs.clone(),
            identities: Identities::ensure(state)?,
        };
        network::ensure_bridge()?;
        let control_plane = cluster.control_plane()?;
        cluster.start_api(&control_plane)?;
        cluster.start_runtimes()?;
        cluster.wait_for_api(&control_plane.api_server)?;
        cluster.start_nodes(&control_plane)?;
        cluster.wait_for_nodes()?;
        Ok(cluster)
    }

    fn control_plane(&self) -> Result<ControlPlane> {
        ControlPlane::new(&self.state, &self.programs, &self.identities)
    }

    fn start_api(&self, control_plane: &ControlPlane) -> Result<()> {
        control_plane.check_ports(&self.state)?;
        for daemon in [&control_plane.etcd, &control_plane.api_server] {
            self.ensure(daemon)?;
        }
        Ok(())
    }

    /// Needs no API server yet: it starts meanwhile.
    fn start_runtimes(&self) -> Result<()> {
        for node in &NODES {
            if !network::has_space(node) {
                self.end_node(node)?;
            }
            network::ensure_node(node)?;
            node.write_files(&self.state, &self.identities)?;
            self.ensure(&node.runtime(&self.state))?;
        }
        for node in &NODES {
            let what = format!("the container runtime of {} to answer", node.name());
            wait_until(&what, RUNTIME_ANSWERS, || node.runtime_answers())
                .with_context(|| node.runtime(&self.state).last_words(&self.state))?;
        }
        self.load(&[images::pause(&self.programs)?]).map(drop)
    }

    fn start_nodes(&self, control_plane: &ControlPlane) -> Result<()> {
        for daemon in &control_plane.others {
            self.ensure(daemon)?;
        }
        for node in &NODES {
            self.ensure(&node.kubelet(&self.state, &self.programs, &self.identities))?;
            self.ensure(&node.proxy(&self.programs, &self.identities))?;
        }
        self.kubectl_apply(STORAGE_CLASS)
            .ok()
            .context("the storage class could not be made")?;
        Ok(())
    }

    /// A process whose network namespace lost its name would go on in the old one.
    fn end_node(&self, node: &Node) -> Result<()> {
        node.kubelet(&self.state, &self.programs, &self.identities)
            .stop(&self.state)?;
        node.proxy(&self.programs, &self.identities)
            .stop(&self.state)?;
        node.runtime(&self.state).stop(&self.state)
    }

    fn wait_for_api(&self, api_server: &Daemon) -> Result<()> {
        let answers = || {
            self.kubectl(&["get", "--raw", "/readyz", "--request-timeout=2s"])
                .success
        };
        wait_until("the API server to be ready", API_ANSWERS, answers)
            .with_context(|| api_server.last_words(&self.state))
    }

    fn wait_for_nodes(&self) -> Result<()> {
        wait_until("the nodes to be ready", NODES_READY, || {
            let nodes = self
                .kubectl(&["get", "nodes", "--no-headers", "--request-timeout=5s"])
                .stdout;
            let ready = nodes
                .lines()
                .filter(|line| line.split_whitespace().nth(1) == Some("Ready"));
            ready.count() == NODES.len()
        })
        .with_context(|| self.why_not_ready())
    }

    fn why_not_ready(&self) -> String {
        let kubelets =
            NODES.map(|node| node.kubelet(&self.state, &self.programs, &self.identities));
        let dead = kubelets.iter().find(|kubelet| !kubelet.runs(&self.state));
        dead.unwrap_or(&kubelets[0]).last_words(&self.state)
    }

    fn ensure(&self, daemon: &Daemon) -> Result<()> {
        if daemon.ensure(&self.state)? {
            progress(&format!("started {}", daemon.name));
        }
        Ok(())
    }
}
