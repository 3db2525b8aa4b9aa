//! The program of the init container of every database pod: it prepares the volumes, renders the configuration for this
//! one server, and reports the pod in the status of its cluster. A core of decisions, and [`cold_restart`] around it.

pub mod addresses;
pub mod disks;
pub mod environment;
pub mod files;
pub mod live;
pub mod node_id;
pub mod paths;
pub mod peers;
pub mod quick_restart;
pub mod render;
#[cfg(test)]
mod samples;
pub mod status;
pub mod update;
pub mod volumes;
pub mod work_directory;

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, Config, ResourceExt};
use serde_json::Value;

use self::{
    addresses::{Addresses, NodeFacts, Place},
    environment::Environment,
    live::{Live, Patience},
    paths::Paths,
    status::{Facts, Hashes, Images},
    update::Filling,
    volumes::{Claim, Decision},
};
use crate::{
    api::status::PodStatus,
    resources::{
        config_map::{CONFIG_HASH, NETWORK_POLICY_HASH, PEERS, POD_SPEC_HASH, TEMPLATE},
        init_document::{self, InitDocument},
        labels::{INITIALIZED, NETWORK_STATUS, OVERRIDE_RACK_ID},
        names::{INIT_CONTAINER, SERVER_CONTAINER},
    },
};

/// The largest rack id.
const LARGEST_RACK_ID: i64 = 1_000_000;
/// How long the API may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Arguments of `init`.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub mode: Mode,
}

/// What to do. What is not for the init container is for the server container, where a copy of this program lies as
/// `akoinit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Mode {
    /// Prepares a pod before its server starts.
    ColdRestart,
    /// Reads an update on standard input, and writes the configuration without a sign to the server. It prints what it wrote.
    UpdateConf,
    /// Does the same, and has process 1 of the container end the server and start it anew.
    QuickRestart,
}

/// Runs in a pod.
///
/// # Errors
///
/// Anything that keeps the server from starting as it should; the kubelet tries again.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    log_to_stderr();
    match arguments.mode {
        Mode::ColdRestart => {
            let environment = Environment::read(|name| std::env::var(name).ok())?;
            let live = Live::new(client()?, environment.clone(), Patience::default());
            cold_restart(&live, &environment, &Paths::default()).await
        }
        Mode::UpdateConf => in_server_container(update::update_config),
        Mode::QuickRestart => in_server_container(quick_restart::quick_restart),
    }
}

/// Reads what the operator sends on standard input, and prints what was written.
fn in_server_container(act: impl Fn(&str, &Paths) -> anyhow::Result<String>) -> anyhow::Result<()> {
    let sent = std::io::read_to_string(std::io::stdin())?;
    let config = act(&sent, &Paths::default())?;
    std::io::stdout().write_all(config.as_bytes())?;
    Ok(())
}

fn log_to_stderr() {
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    // Somebody who set up logging before keeps it.
    drop(lines.try_init());
}

fn client() -> anyhow::Result<Client> {
    // It fails only where one is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut config = Config::incluster().context("failed to find the API server of this pod")?;
    config.read_timeout = Some(ANSWER_WITHIN);
    Client::try_from(config).context("failed to make a client of the API server")
}

/// Prepares the pod before its server starts. May be repeated at any point.
///
/// # Errors
///
/// Anything that keeps the server from starting as it should.
pub async fn cold_restart(
    live: &Live,
    environment: &Environment,
    paths: &Paths,
) -> anyhow::Result<()> {
    files::install(paths)?;
    let document = read_document(paths)?;
    let world = observe(live, environment, &document).await?;
    let template = files::read(paths, TEMPLATE)?;
    let filling = filling(environment, &document, &world);
    let config = filling.fill(&template, &files::read(paths, PEERS)?)?;

    for folder in work_directory::folders(&document) {
        files::make_folder(&paths.volumes.join(folder))?;
    }
    files::note_filling(paths, &serde_json::to_string(&filling)?)?;
    files::write_config(paths, &config)?;
    tracing::info!("wrote the configuration of node {}", world.node_id);

    let decision = prepare_volumes(live, &document, &world, paths).await?;
    let entry = entry(environment, &document, &world, &decision, paths)?;
    live.report(&entry).await?;
    // It tells that the entry is of this life.
    live.annotate(&config, &template).await?;
    tracing::info!("pod {} is ready for its server", environment.pod);
    Ok(())
}

fn read_document(paths: &Paths) -> anyhow::Result<InitDocument> {
    let text = files::read(paths, init_document::KEY)?;
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader)
        .with_context(|| format!("{} in the ConfigMap cannot be read", init_document::KEY))
}

/// What was read of the world, and what follows from it.
#[derive(Debug)]
struct World {
    pod: Pod,
    entry: Option<PodStatus>,
    place: Place,
    addresses: Addresses,
    node_id: String,
    override_id: Option<i64>,
}

async fn observe(
    live: &Live,
    environment: &Environment,
    document: &InitDocument,
) -> anyhow::Result<World> {
    let cluster = live.cluster().await?;
    let pod = live.pod().await?;
    let override_id = override_id(document, &pod)?;
    let node_id = node_id::node_id(&environment.cluster, &environment.pod, &node_ids(&cluster))?;
    let place = place(live, environment, document, &pod).await?;
    let addresses = place.addresses(&document.network)?;
    Ok(World {
        entry: own_entry(&cluster, &environment.pod)?,
        pod,
        place,
        addresses,
        node_id,
        override_id,
    })
}

/// The node ids of the status, by pod.
fn node_ids(cluster: &Value) -> BTreeMap<String, String> {
    let pods = cluster.pointer("/status/pods").and_then(Value::as_object);
    let ids = pods.into_iter().flatten().filter_map(|(pod, entry)| {
        let id = entry.pointer("/aerospike/nodeID")?.as_str()?;
        Some((pod.clone(), id.to_owned()))
    });
    ids.collect()
}

/// An entry that cannot be read is an error: taken for none, volumes would be initialised again.
fn own_entry(cluster: &Value, pod: &str) -> anyhow::Result<Option<PodStatus>> {
    let entry = cluster
        .pointer("/status/pods")
        .and_then(|pods| pods.get(pod))
        .filter(|entry| !entry.is_null());
    entry
        .map(serde_path_to_error::deserialize)
        .transpose()
        .with_context(|| format!("status.pods.{pod} of the cluster cannot be read"))
}

fn override_id(document: &InitDocument, pod: &Pod) -> anyhow::Result<Option<i64>> {
    if !document.rack_id_override {
        return Ok(None);
    }
    let text = pod.annotations().get(OVERRIDE_RACK_ID).with_context(|| {
        format!(
            "the pod has no annotation {OVERRIDE_RACK_ID}, which spec.enableRackIDOverride needs"
        )
    })?;
    let id = text.parse::<i64>().ok();
    let id = id.filter(|id| (0..=LARGEST_RACK_ID).contains(id));
    id.map(Some).with_context(|| {
        format!("the pod's annotation {OVERRIDE_RACK_ID} is {text:?}; it must be a number from 0 to {LARGEST_RACK_ID}")
    })
}

async fn place(
    live: &Live,
    environment: &Environment,
    document: &InitDocument,
    pod: &Pod,
) -> anyhow::Result<Place> {
    let on_node = addresses::uses_node(&document.network);
    let node = if on_node {
        let name = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        let name = name.context("the pod has no spec.nodeName")?;
        NodeFacts::from(&live.node(name).await?)
    } else {
        NodeFacts::default()
    };
    let node_ports = if on_node && document.network.pod_service {
        Some(addresses::node_ports(&live.service().await?))
    } else {
        None
    };
    Ok(Place {
        pod_ip: environment.pod_ip.clone(),
        host_ip: environment.host_ip.clone(),
        node,
        node_ports,
        network_status: pod.annotations().get(NETWORK_STATUS).cloned(),
    })
}

fn filling(environment: &Environment, document: &InitDocument, world: &World) -> Filling {
    Filling {
        pod: environment.pod.clone(),
        pod_ip: environment.pod_ip.clone(),
        node_id: world.node_id.clone(),
        rack_id: world.override_id,
        network: document.network.clone(),
        addresses: world.addresses.clone(),
    }
}

async fn prepare_volumes(
    live: &Live,
    document: &InitDocument,
    world: &World,
    paths: &Paths,
) -> anyhow::Result<Decision> {
    let mut claims = BTreeMap::new();
    for volume in volumes::claimed(document) {
        if let Some(name) = claim_name(&world.pod, &volume.name) {
            claims.insert(volume.name.clone(), claim(live, name).await?);
        }
    }
    let decision = volumes::decide(document, world.entry.as_ref(), &claims)?;
    let threads = usize::try_from(document.cleanup_threads)?;
    disks::carry_out(&paths.volumes, decision.jobs.clone(), threads).await?;
    Ok(decision)
}

async fn claim(live: &Live, name: &str) -> anyhow::Result<Claim> {
    let claim = live.claim(name).await?;
    let uid = claim.uid();
    Ok(Claim {
        uid: uid.with_context(|| format!("the claim {name} has no uid"))?,
        initialized: claim.annotations().contains_key(INITIALIZED),
    })
}

fn claim_name<'a>(pod: &'a Pod, volume: &str) -> Option<&'a str> {
    let volumes = pod.spec.as_ref()?.volumes.as_ref()?;
    let volume = volumes.iter().find(|candidate| candidate.name == volume)?;
    Some(&volume.persistent_volume_claim.as_ref()?.claim_name)
}

fn entry(
    environment: &Environment,
    document: &InitDocument,
    world: &World,
    decision: &Decision,
    paths: &Paths,
) -> anyhow::Result<PodStatus> {
    let of_template = environment.pod_spec_hash.clone();
    let hashes = Hashes {
        config: files::read(paths, CONFIG_HASH)?,
        network_policy: files::read(paths, NETWORK_POLICY_HASH)?,
        pod_spec: of_template.map_or_else(|| files::read(paths, POD_SPEC_HASH), Ok)?,
    };
    let facts = Facts {
        document,
        environment,
        place: &world.place,
        addresses: &world.addresses,
        node_id: &world.node_id,
        rack_id: world.override_id.unwrap_or(document.rack_id),
        images: &images(&world.pod, document),
        hashes: &hashes,
        volumes: decision,
        before: world.entry.as_ref(),
    };
    Ok(status::entry(&facts)?)
}

fn images(pod: &Pod, document: &InitDocument) -> Images {
    let spec = pod.spec.as_ref();
    let server = spec.map(|spec| spec.containers.as_slice());
    let init = spec.and_then(|spec| spec.init_containers.as_deref());
    let image = |containers: Option<&[k8s_openapi::api::core::v1::Container]>, name: &str| {
        let container = containers?
            .iter()
            .find(|container| container.name == name)?;
        container.image.clone()
    };
    Images {
        server: image(server, SERVER_CONTAINER).unwrap_or_else(|| document.server_image.clone()),
        init: image(init, INIT_CONTAINER),
    }
}
