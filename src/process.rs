//! The running process: webhooks on every replica, the controller on the leader, probes and metrics. A task that ends
//! for any reason ends the process.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use anyhow::Context as _;
use k8s_openapi::jiff::Timestamp;
use kube::runtime::events::Recorder;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::{Outcome, Webhook},
    cli::{CertMode, RunArgs},
    client::Clients,
    controller::{self, guards, secrets::Vault, watches},
    leader::{Candidate, Lease},
    telemetry::{self, Metrics, Readiness, Telemetry},
    tls::{
        self, Files, Limits, Served,
        self_managed::{Replica, leader::Rotation},
    },
    webhook::{self, Live, Verdicts},
};

/// Component that events name as their source, as AKO does.
const EVENT_SOURCE: &str = "aerospikeCluster-controller";
/// How often the certificate's files are compared with what is in use.
const RELOAD_PERIOD: Duration = Duration::from_secs(5);
/// How long tasks may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Where the certificate comes from.
#[derive(Clone)]
enum Source {
    Files(Arc<Files>),
    SelfManaged(Arc<Replica>),
}

/// The certificate's source, and the ways to the API server if any is needed.
async fn source(
    args: &RunArgs,
    served: Arc<Served>,
    lease: &Lease,
) -> anyhow::Result<(Source, Option<Clients>)> {
    let connect = async || {
        let clients = Clients::connect(lease.clone()).await;
        clients.context("failed to configure the Kubernetes client")
    };
    match args.certificate.cert_mode {
        CertMode::Files => {
            let files = Files::load(&args.certificate.cert_dir, served).await;
            let files = files.context("failed to load the webhook certificate")?;
            let clients = if args.webhook_only {
                None
            } else {
                Some(connect().await?)
            };
            Ok((Source::Files(Arc::new(files)), clients))
        }
        CertMode::SelfManaged => {
            let settings = args.self_managed()?;
            let clients = connect().await?;
            let replica = Replica::new(settings, clients.own.clone(), served);
            Ok((Source::SelfManaged(Arc::new(replica)), Some(clients)))
        }
    }
}

impl Source {
    /// Keeps the certificate in use the newest, for as long as it is polled.
    async fn follow(&self) {
        match self {
            Self::Files(files) => files.follow(RELOAD_PERIOD).await,
            Self::SelfManaged(replica) => replica.follow().await,
        }
    }

    fn wrong(&self) -> Option<String> {
        match self {
            Self::Files(_) => None,
            Self::SelfManaged(replica) => replica.wrong(),
        }
    }

    /// What is left to the leader, for as long as it is polled.
    async fn keep(&self, clients: &Clients) {
        match self {
            Self::Files(_) => std::future::pending().await,
            Self::SelfManaged(replica) => Rotation::new(replica, clients.work.clone()).run().await,
        }
    }
}

struct Process {
    tasks: TaskTracker,
    stop: CancellationToken,
    stopping: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// Runs until a signal asks for the end.
///
/// # Errors
///
/// If a part cannot start, or ended by itself.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    // From here on a signal waits until it is looked at; before, the first process of a container would miss it.
    let terminate = signal(SignalKind::terminate())?;
    let process = Process {
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        stopping: Arc::new(AtomicBool::new(false)),
        metrics: Arc::new(Metrics::default()),
    };
    let lease = Lease::default();
    let served = Arc::new(Served::default());
    let (source, clients) = source(&args, served.clone(), &lease).await?;
    let reviews = TcpListener::bind(args.webhook_bind_address)
        .await
        .with_context(|| format!("failed to listen on {}", args.webhook_bind_address))?;
    let probes = TcpListener::bind(args.health_probe_bind_address)
        .await
        .with_context(|| format!("failed to listen on {}", args.health_probe_bind_address))?;
    process.serve_probes(probes, served.clone(), source.clone());
    let context = reviewing(&args, process.metrics.clone(), clients.as_ref());
    process.serve_reviews(reviews, served, source.clone(), context);
    if let Some(clients) = clients.filter(|_| !args.webhook_only) {
        process.lead(clients, lease, source, args);
    }
    process.until_asked(terminate).await
}

/// What the webhooks answer from. Every replica answers, so nothing waits for the lease here.
fn reviewing(args: &RunArgs, metrics: Arc<Metrics>, clients: Option<&Clients>) -> webhook::Context {
    webhook::Context {
        live: clients.map(|clients| Live::new(clients.own.clone())),
        blocks_evictions: args.enable_safe_pod_eviction,
        ..webhook::Context::new(args.settings(), metrics)
    }
}

impl Process {
    fn serve_probes(&self, listener: TcpListener, served: Arc<Served>, source: Source) {
        let stopping = self.stopping.clone();
        let ready = move || Readiness {
            ready: !stopping.load(Ordering::Relaxed) && served.is_ready(Timestamp::now()),
            wrong: source.wrong(),
        };
        let router = telemetry::router(Telemetry {
            metrics: self.metrics.clone(),
            ready: Arc::new(ready),
        });
        let stop = self.stop.clone();
        self.spawn("probes", async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await?;
            Ok(())
        });
    }

    fn serve_reviews(
        &self,
        listener: TcpListener,
        served: Arc<Served>,
        source: Source,
        context: webhook::Context,
    ) {
        let router = webhook::router(context);
        let stop = self.stop.clone();
        self.spawn("certificate", async move {
            stop.run_until_cancelled(source.follow()).await;
            Ok(())
        });
        let stop = self.stop.clone();
        self.spawn("webhooks", async move {
            tls::serve(listener, served, router, Limits::default(), stop).await;
            Ok(())
        });
    }

    fn lead(&self, clients: Clients, lease: Lease, source: Source, args: RunArgs) {
        let stop = self.stop.clone();
        let metrics = self.metrics.clone();
        self.spawn("controller", async move {
            let own = clients.own.clone();
            let candidate = Candidate::new(own, &args.namespace, &args.identity, lease.clone());
            let work = async {
                tokio::select! {
                    ended = control(&clients, lease, metrics, &args, stop.clone()) => ended,
                    () = source.keep(&clients) => Ok(()),
                }
            };
            Box::pin(candidate.while_leading(&stop, work)).await
        });
    }

    /// Runs `task`; when it ends, for whatever reason, the whole process stops.
    fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let guard = self.stop.clone().drop_guard();
        self.tasks.spawn(async move {
            let _guard = guard;
            if let Err(error) = task.await {
                tracing::error!(task = name, error = format!("{error:#}"), "Task failed");
            }
        });
    }

    async fn until_asked(self, mut terminate: Signal) -> anyhow::Result<()> {
        let asked = tokio::select! {
            _ = terminate.recv() => true,
            _ = tokio::signal::ctrl_c() => true,
            () = self.stop.cancelled() => false,
        };
        tracing::info!(asked, "Stopping");
        self.stopping.store(true, Ordering::Relaxed);
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(STOP_WITHIN, self.tasks.wait())
            .await
            .context("tasks did not stop in time")?;
        anyhow::ensure!(asked, "a task ended early");
        Ok(())
    }
}

/// Runs the controller, once the definition has all that it writes.
async fn control(
    clients: &Clients,
    lease: Lease,
    metrics: Arc<Metrics>,
    args: &RunArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let client = clients.work.clone();
    guards::check_definition(&client).await?;
    let context = Arc::new(controller::Context {
        recorder: Recorder::new(client.clone(), EVENT_SOURCE.into()),
        lease,
        settings: args.settings(),
        metrics,
        secrets: Vault::default(),
        ako: guards::AkoLeader::default(),
        failures: Mutex::new(HashMap::new()),
        client: client.clone(),
    });
    context.ako.look(&client, &args.namespace).await;
    tokio::select! {
        () = watches::run(context.clone(), args.scopes(), stop) => {}
        () = context.ako.watch(&client, &args.namespace) => {}
    }
    Ok(())
}

impl Verdicts for Metrics {
    fn evicted(&self, namespace: &str, blocked: bool) {
        self.eviction(namespace, blocked);
    }

    fn answered(&self, webhook: Webhook, outcome: &Outcome, _: Duration) {
        self.review(webhook.as_str(), outcome.allowed);
    }

    fn refused(&self, webhook: Webhook) {
        self.review(webhook.as_str(), false);
    }
}
