//! Raw arguments, then the settings that they mean.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{
    check::CheckArgs,
    controller::watches::Scope,
    init,
    resolve::{InitImage, Settings},
    validate::ValidateArgs,
};

/// Kubernetes operator for Aerospike.
#[derive(Debug, Parser)]
#[command(version, name = "aerospike-operator")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the admission webhooks, and the controller while this replica leads.
    Run(Box<RunArgs>),
    /// Prepares a database pod; runs as its init container.
    Init(init::Arguments),
    /// Connects to a cluster as an application would, and lists the nodes that a client sees.
    Check(CheckArgs),
    /// Judges manifests as the API server and the webhook would, without a cluster.
    Validate(ValidateArgs),
    /// Prints the custom resource definitions.
    Crds,
}

/// Arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Where admission reviews are taken.
    #[arg(long, env = "WEBHOOK_BIND_ADDRESS", default_value = "0.0.0.0:9443")]
    pub webhook_bind_address: SocketAddr,
    /// Where probes and metrics are served, over plain HTTP.
    #[arg(
        long,
        env = "HEALTH_PROBE_BIND_ADDRESS",
        default_value = "0.0.0.0:8081"
    )]
    pub health_probe_bind_address: SocketAddr,
    /// The folder with `tls.crt` and `tls.key`, as cert-manager mounts it. New files are taken up while running.
    #[arg(
        long,
        env = "WEBHOOK_CERT_DIR",
        default_value = "/tmp/k8s-webhook-server/serving-certs"
    )]
    pub cert_dir: PathBuf,
    /// Namespaces whose clusters are run: empty for all, or names with commas between.
    #[arg(long, env = "WATCH_NAMESPACE", default_value = "")]
    pub watch_namespace: String,
    /// Namespace of the operator itself, where its lease is.
    #[arg(long, env = "POD_NAMESPACE", default_value = "aerospike")]
    pub namespace: String,
    /// Name of this replica among those that may lead.
    #[arg(long, env = "POD_NAME", default_value = "aerospike-operator")]
    pub identity: String,
    /// Answers reviews only; no cluster is run.
    #[arg(long, env = "WEBHOOK_ONLY")]
    pub webhook_only: bool,
    /// What the installation contributes to every cluster.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What the installation contributes to every cluster: what its findings depend on beside the cluster itself.
#[derive(Clone, Debug, clap::Args)]
pub struct SettingsArgs {
    /// The image of database pods' init containers.
    #[command(flatten)]
    pub init_image: InitImageArgs,
}

/// The image of database pods' init containers, which is the operator's own unless the installation says otherwise.
#[derive(Clone, Debug, clap::Args)]
pub struct InitImageArgs {
    /// Registry of the init image.
    #[arg(long, env = "AEROSPIKE_KUBERNETES_INIT_REGISTRY")]
    pub init_registry: Option<String>,
    /// Path of the init image inside the registry; may be empty.
    #[arg(long, env = "AEROSPIKE_KUBERNETES_INIT_REGISTRY_NAMESPACE")]
    pub init_registry_namespace: Option<String>,
    /// Name and tag of the init image.
    #[arg(long, env = "AEROSPIKE_KUBERNETES_INIT_NAME_TAG")]
    pub init_name_tag: Option<String>,
}

impl SettingsArgs {
    /// As the rest of the program takes it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let defaults = InitImage::default();
        let given = self.init_image.clone();
        let filled = |part: Option<String>| part.filter(|part| !part.is_empty());
        Settings {
            init_image: InitImage {
                registry: filled(given.init_registry).unwrap_or(defaults.registry),
                namespace: given.init_registry_namespace.unwrap_or(defaults.namespace),
                name_and_tag: filled(given.init_name_tag).unwrap_or(defaults.name_and_tag),
            },
        }
    }
}

impl RunArgs {
    /// What the installation contributes to every cluster.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.settings()
    }

    /// The namespaces whose clusters are run.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        Scope::parse(&self.watch_namespace)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_empty_part_of_the_init_image_is_the_default_but_for_the_path() {
        let Command::Run(args) = Cli::parse_from([
            "aerospike-operator",
            "run",
            "--init-registry=",
            "--init-registry-namespace=",
        ])
        .command
        else {
            panic!("run was asked for");
        };
        let image = args.settings().init_image;
        assert_eq!(
            (image.registry.as_str(), image.namespace.as_str()),
            ("docker.io", "")
        );
    }
}
