//! Raw arguments, then the settings that they mean.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{
    check::CheckArgs,
    controller::watches::Scope,
    init,
    resolve::{InitImage, PodPolicy, Settings},
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
    /// The image of database pods' init containers.
    #[command(flatten)]
    pub init_image: InitImageArgs,
    /// What clusters may ask for.
    #[command(flatten)]
    pub limits: LimitArgs,
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

/// What clusters may ask of the operator and of their nodes.
#[derive(Clone, Debug, clap::Args)]
pub struct LimitArgs {
    /// Namespaces beside its own from which a cluster may name Secrets for the operator to read, with commas between.
    #[arg(long, env = "ALLOW_SECRET_NAMESPACES", value_delimiter = ',')]
    pub allow_secret_namespaces: Vec<String>,
    /// The folder of the operator's file system from which a cluster may name certificates; none if unset.
    #[arg(long, env = "CLIENT_CERT_DIR")]
    pub client_cert_dir: Option<OsString>,
    /// The level of the Pod Security standard that the pods of clusters must meet.
    #[arg(long, env = "POD_POLICY", value_enum, default_value_t)]
    pub pod_policy: PodPolicy,
}

impl RunArgs {
    /// What the installation contributes to every cluster.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let defaults = InitImage::default();
        let given = self.init_image.clone();
        let filled = |part: Option<String>| part.filter(|part| !part.is_empty());
        let limits = self.limits.clone();
        let listed = limits.allow_secret_namespaces.into_iter();
        let named = listed.filter(|namespace| !namespace.is_empty());
        let folder = limits.client_cert_dir.filter(|folder| !folder.is_empty());
        Settings {
            init_image: InitImage {
                registry: filled(given.init_registry).unwrap_or(defaults.registry),
                namespace: given.init_registry_namespace.unwrap_or(defaults.namespace),
                name_and_tag: filled(given.init_name_tag).unwrap_or(defaults.name_and_tag),
            },
            secret_namespaces: named.collect(),
            client_cert_dir: folder.map(PathBuf::from),
            pod_policy: limits.pod_policy,
        }
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

    fn settings(arguments: &[&str]) -> Settings {
        let all = ["aerospike-operator", "run"].iter().chain(arguments);
        let Command::Run(args) = Cli::parse_from(all).command else {
            panic!("run was asked for");
        };
        args.settings()
    }

    #[test]
    fn an_empty_part_of_the_init_image_is_the_default_but_for_the_path() {
        let image = settings(&["--init-registry=", "--init-registry-namespace="]).init_image;
        assert_eq!(
            (image.registry.as_str(), image.namespace.as_str()),
            ("docker.io", "")
        );
    }

    #[test]
    fn nothing_is_allowed_that_the_installation_does_not_allow() {
        let none = settings(&["--allow-secret-namespaces=", "--client-cert-dir="]);
        assert_eq!(none, Settings::default());
        let some = settings(&[
            "--allow-secret-namespaces=a,b",
            "--client-cert-dir=/certs",
            "--pod-policy=restricted",
        ]);
        assert_eq!(
            some,
            Settings {
                secret_namespaces: ["a".to_owned(), "b".to_owned()].into(),
                client_cert_dir: Some("/certs".into()),
                pod_policy: PodPolicy::Restricted,
                ..Settings::default()
            }
        );
    }
}
