//! The command `plan`: what an edit would do to a cluster that runs, before it is made. It reads the cluster with the
//! rights of whoever asks, writes nothing, and asks no server.

pub mod report;

use std::{path::PathBuf, process::ExitCode, rc::Rc};

use anyhow::{Context as _, bail};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use serde_json::Value;

use crate::{
    api::AerospikeCluster,
    cli::SettingsArgs,
    controller::observe,
    plan::{
        self, Wait,
        forecast::{Forecast, forecast},
    },
    resolve::{Settings, resolve},
    stdout,
    validate::{
        engine, gather,
        manifest::Document,
        report::{Remark, Report},
        source::Source,
    },
};
use report::Output;

/// Says what an edit would do to a cluster that runs, before it is made: what becomes of each pod, why, in which order, and
/// what stands in the way.
///
/// The cluster is read with your kubeconfig; nothing is written, and no server is asked. What the manifest leaves out
/// counts as taken out, but for `spec.size`, which an autoscaler may own. Exits with 0 if the edit would be accepted and
/// carried out, 1 if it would be refused or something stands in the way, 2 if something cannot be read.
#[derive(Clone, Debug, clap::Args)]
pub struct PlanArgs {
    /// Manifest of the cluster as it shall be, in YAML or JSON, or `-` for standard input
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// Namespace of clusters whose manifests name none; else the one of your kubeconfig
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// What the installation contributes to every cluster.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// What an edit would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Namespace and name of the cluster.
    pub cluster: (String, String),
    /// There is no such cluster yet.
    pub is_new: bool,
    /// What admission would say.
    pub said: Report,
    /// What becomes of the pods; none if the edit would be refused.
    pub forecast: Option<Forecast>,
    /// What stands in the way until a person acts.
    pub hindrances: Vec<Hindrance>,
}

/// Something that stands in the way until a person acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// A fixed word.
    pub reason: &'static str,
    /// What it is, and what would help.
    pub message: String,
}

impl Hindrance {
    fn paused() -> Self {
        Self {
            reason: "Paused",
            message: "spec.paused is true: the operator changes nothing".to_owned(),
        }
    }

    fn of(wait: Wait) -> Self {
        Self {
            reason: wait.reason.as_str(),
            message: wait.message,
        }
    }
}

impl Preview {
    /// Whether the edit would be accepted, and carried out.
    #[must_use]
    pub fn goes_through(&self) -> bool {
        !self.said.has_errors() && self.hindrances.is_empty()
    }
}

/// Reads the manifest and the cluster, and prints what the edit would do.
///
/// # Errors
///
/// If the manifest holds no cluster, or the API server cannot be read.
pub async fn run(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let clusters = clusters(&args.file)?;
    let client = Client::try_default()
        .await
        .context("no Kubernetes cluster is configured: set KUBECONFIG")?;
    let settings = args.settings.settings();
    let mut previews = Vec::new();
    for (source, document) in clusters {
        let namespace = args.namespace.as_deref();
        let namespace = namespace.unwrap_or(client.default_namespace()).to_owned();
        let preview = preview(&source, document, &namespace, &client, &settings);
        previews.push(Box::pin(preview).await?);
    }
    stdout::print(&report::render(&previews, args.output));
    let goes_through = previews.iter().all(Preview::goes_through);
    Ok(ExitCode::from(u8::from(!goes_through)))
}

fn clusters(file: &PathBuf) -> anyhow::Result<Vec<(Rc<Source>, Document)>> {
    let mut gathered = gather::read(std::slice::from_ref(file), false);
    if let Some(message) = gathered.unreadable.first() {
        bail!("{message}");
    }
    let is_cluster = |it: &(_, Document)| engine::is_cluster(&it.1.value);
    gathered.objects.retain(is_cluster);
    if gathered.objects.is_empty() {
        bail!("{}: it holds no AerospikeCluster", file.display());
    }
    Ok(gathered.objects)
}

async fn preview(
    source: &Rc<Source>,
    mut document: Document,
    namespace: &str,
    client: &Client,
    settings: &Settings,
) -> anyhow::Result<Preview> {
    if document.value["metadata"]["namespace"].is_null() {
        document.value["metadata"]["namespace"] = namespace.into();
    }
    let text = |name: &str| {
        document.value["metadata"][name]
            .as_str()
            .unwrap_or_default()
    };
    let cluster = (text("namespace").to_owned(), text("name").to_owned());
    let live = live(client, &cluster).await?;
    let size = live.as_ref().map(|live| live["spec"]["size"].clone());
    if let (Some(size), Some(spec)) = (size, document.value["spec"].as_object_mut()) {
        spec.entry("size").or_insert(size);
    }
    let mut preview = Preview {
        cluster,
        is_new: live.is_none(),
        said: said(source, &document, live.as_ref(), settings),
        forecast: None,
        hindrances: Vec::new(),
    };
    if !preview.said.has_errors() {
        let (object, live) = (document.value, live.as_ref());
        let look_ahead = look_ahead(&mut preview, object, live, client, settings);
        Box::pin(look_ahead).await?;
    }
    Ok(preview)
}

/// The cluster as the API server has it now.
async fn live(
    client: &Client,
    (namespace, name): &(String, String),
) -> anyhow::Result<Option<Value>> {
    let kind = ApiResource::erase::<AerospikeCluster>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let live = api.get_opt(name).await;
    let live =
        live.with_context(|| format!("failed to read AerospikeCluster {namespace}/{name}"))?;
    Ok(live.map(serde_json::to_value).transpose()?)
}

/// What admission would say about the edit.
fn said(
    source: &Rc<Source>,
    document: &Document,
    live: Option<&Value>,
    settings: &Settings,
) -> Report {
    let opinion = engine::judge(document, live, settings);
    let entries = opinion.entries.into_iter();
    Report {
        clusters: 1,
        partial: usize::from(opinion.is_partial),
        remarks: entries
            .map(|entry| Remark {
                source: Rc::clone(source),
                entry,
            })
            .collect(),
        ..Report::default()
    }
}

async fn look_ahead(
    preview: &mut Preview,
    mut object: Value,
    live: Option<&Value>,
    client: &Client,
    settings: &Settings,
) -> anyhow::Result<()> {
    if let Some(live) = live {
        object["metadata"]["uid"] = live["metadata"]["uid"].clone();
        object["status"] = live["status"].clone();
    }
    let cluster: AerospikeCluster = serde_json::from_value(object)?;
    let desired = resolve(&cluster, settings);
    let desired = desired.map_err(|findings| anyhow::anyhow!("{}", findings[0]))?;
    let observed = observe::without_servers(&cluster, &desired, Timestamp::now(), client).await?;
    preview.forecast = Some(forecast(&desired, &observed));
    if !preview.is_new {
        let paused = desired.spec.paused == Some(true);
        let waits = plan::next(&desired, &observed).waits.into_iter();
        let waits = waits.filter(|wait| wait.reason.needs_a_person());
        let paused = paused.then(Hindrance::paused).into_iter();
        preview.hindrances = paused.chain(waits.map(Hindrance::of)).collect();
    }
    Ok(())
}
