//! Raw arguments, then the settings that they mean.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use k8s_openapi::jiff::SignedDuration;

use crate::{
    check::CheckArgs,
    controller::watches::Scope,
    docs::{DocsArgs, SchemaArgs},
    explain::RulesArgs,
    init,
    preview::PlanArgs,
    resolve::{InitImage, PodPolicy, Settings},
    tls::self_managed::{
        self,
        rotation::{OutOfRange, Schedule},
    },
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
    Validate(Box<ValidateArgs>),
    /// Says what an edit would do to a cluster that runs, before it is made.
    Plan(Box<PlanArgs>),
    /// Explains the rules by which clusters are judged.
    Rules(RulesArgs),
    /// Prints the JSON schema of the custom resource, for editors.
    Schema(SchemaArgs),
    /// Writes the generated pages of the documentation.
    #[command(hide = true)]
    Docs(DocsArgs),
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
    /// The webhooks' certificate.
    #[command(flatten)]
    pub certificate: CertificateArgs,
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
    /// Blocks evictions of database pods, and moves each pod once no data depends on it.
    #[arg(long, env = "ENABLE_SAFE_POD_EVICTION")]
    pub enable_safe_pod_eviction: bool,
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
    /// What clusters may ask for.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// The certificate of the webhooks.
#[derive(Clone, Debug, clap::Args)]
pub struct CertificateArgs {
    /// Where it comes from.
    #[arg(long, env = "CERT_MODE", value_enum, default_value_t = CertMode::SelfManaged)]
    pub cert_mode: CertMode,
    /// The folder with `tls.crt` and `tls.key`, as cert-manager's Secret is mounted; for the mode `files`. New files are taken
    /// up while running.
    #[arg(
        long,
        env = "WEBHOOK_CERT_DIR",
        default_value = "/tmp/k8s-webhook-server/serving-certs"
    )]
    pub cert_dir: PathBuf,
    /// The Secret of the self-managed certificate, in the operator's own namespace.
    #[arg(long, env = "CERT_SECRET", default_value = "webhook-server-cert")]
    pub cert_secret: String,
    /// The webhooks' service, for which the self-managed certificate is.
    #[arg(
        long,
        env = "WEBHOOK_SERVICE",
        default_value = "aerospike-operator-webhook-service"
    )]
    pub webhook_service: String,
    /// How long a self-managed certificate lives, such as 2160h or 30m.
    #[arg(long, env = "CERT_LIFETIME", default_value = "2160h", value_parser = duration)]
    pub cert_lifetime: Duration,
    /// How long before its end a self-managed certificate is replaced; at least 90s.
    #[arg(long, env = "CERT_RENEW_BEFORE", default_value = "720h", value_parser = duration)]
    pub cert_renew_before: Duration,
}

/// Where the webhooks' certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CertMode {
    /// Made and replaced by the operator itself, which keeps `caBundle` of the webhook configurations.
    SelfManaged,
    /// Read from files that another makes, such as cert-manager; webhook configurations are not touched.
    Files,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<SignedDuration, _> = text.parse();
    let positive = parsed
        .ok()
        .and_then(|parsed| Duration::try_from(parsed).ok());
    positive.ok_or_else(|| "expected a duration such as 2160h, 30m or 90s".to_owned())
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

impl SettingsArgs {
    /// As the rest of the program takes it.
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
}

impl RunArgs {
    /// What the installation contributes to every cluster.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.settings()
    }

    /// The self-managed certificate.
    ///
    /// # Errors
    ///
    /// If it would end before its successor is served, or live too long.
    pub fn self_managed(&self) -> Result<self_managed::Settings, OutOfRange> {
        let given = &self.certificate;
        Ok(self_managed::Settings {
            namespace: self.namespace.clone(),
            secret: given.cert_secret.clone(),
            service: given.webhook_service.clone(),
            schedule: Schedule::new(given.cert_lifetime, given.cert_renew_before)?,
        })
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

    fn run(arguments: &[&str]) -> Result<RunArgs, clap::Error> {
        let all = [&["aerospike-operator", "run"], arguments].concat();
        match Cli::try_parse_from(all)?.command {
            Command::Run(args) => Ok(*args),
            _ => panic!("run was asked for"),
        }
    }

    #[test]
    fn certificates_live_as_long_as_is_said_and_never_end_before_their_successors() {
        let schedule =
            |arguments: &[&str]| run(arguments).unwrap().self_managed().map(|s| s.schedule);
        assert_eq!(schedule(&[]).unwrap(), Schedule::default());
        let short = schedule(&["--cert-lifetime=3m", "--cert-renew-before=100s"]).unwrap();
        assert_eq!(short.lifetime(), Duration::from_mins(3));
        let told = schedule(&["--cert-renew-before=89s"])
            .unwrap_err()
            .to_string();
        assert!(
            told.ends_with("--cert-renew-before is 89 s, --cert-lifetime 7776000 s"),
            "{told}"
        );
        assert!(schedule(&["--cert-lifetime=150s", "--cert-renew-before=90s"]).is_err());
        for lifetime in ["720h", "87601h", "999999999h"] {
            assert!(schedule(&[&format!("--cert-lifetime={lifetime}")]).is_err());
        }
        for text in ["", "90", "-3h", "soon"] {
            let argument = format!("--cert-lifetime={text}");
            assert!(run(&[&argument]).is_err(), "{text}");
        }
    }

    fn settings(arguments: &[&str]) -> Settings {
        run(arguments).unwrap().settings()
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
