//! The cluster as a whole: up, down, and what tests do with it.

mod start;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::identity::Identities;
use crate::image::Image;
use crate::node::{NODES, Node};
use crate::programs::Programs;
use crate::run::{self, Output};
use crate::{clean, images, lock, machine, network, paths, progress};

const KUBECTL: Duration = Duration::from_mins(1);

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
        lock::check_owner(&state)?;
        let programs = Programs::ensure()?;
        let was_there = state.exists();
        let cluster = Self::prepare(&state, &programs)?;
        cluster.start().or_else(|reason| {
            ensure!(was_there, reason);
            progress(&format!(
                "the cluster could not be healed ({reason:#}); making it anew"
            ));
            clean::remove_all(&state, &programs)?;
            Self::prepare(&state, &programs)?.start()
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

    /// The folder of its programs' files and logs.
    pub(crate) fn state(&self) -> &Path {
        &self.state
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

    /// Kills the API server; etcd and the nodes go on.
    ///
    /// # Errors
    /// If it could not be killed.
    pub fn kill_api_server(&self) -> Result<()> {
        self.control_plane()?.api_server.stop(&self.state)
    }

    /// Starts the API server again.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn start_api_server(&self) -> Result<()> {
        let control_plane = self.control_plane()?;
        control_plane.api_server.ensure(&self.state)?;
        self.wait_for_api(&control_plane)
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
        self.kubelet(node).stop(&self.state)
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
}
