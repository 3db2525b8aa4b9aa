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
use kube::{Client, runtime::events::Recorder};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::{Outcome, Webhook},
    cli::RunArgs,
    client,
    controller::{self, guards, secrets::Vault, watches},
    leader,
    telemetry::{self, Metrics, Telemetry},
    tls::{self, CertReloader, Limits},
    webhook::{self, Verdicts},
};

/// Component that events name as their source, as AKO does.
const EVENT_SOURCE: &str = "aerospikeCluster-controller";
/// How often the certificate's files are compared with what is in use.
const RELOAD_PERIOD: Duration = Duration::from_secs(5);
/// How long tasks may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(20);

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
    let certificate = CertReloader::load(&args.cert_dir)
        .await
        .context("failed to load the webhook certificate")?;
    let reviews = TcpListener::bind(args.webhook_bind_address)
        .await
        .with_context(|| format!("failed to listen on {}", args.webhook_bind_address))?;
    let probes = TcpListener::bind(args.health_probe_bind_address)
        .await
        .with_context(|| format!("failed to listen on {}", args.health_probe_bind_address))?;

    process.serve_probes(probes, certificate.clone());
    process.serve_reviews(reviews, certificate, &args);
    if !args.webhook_only {
        let client = client::connect()
            .await
            .context("failed to configure the Kubernetes client")?;
        process.lead(client, args);
    }
    process.until_asked(terminate).await
}

impl Process {
    fn serve_probes(&self, listener: TcpListener, certificate: Arc<CertReloader>) {
        let stopping = self.stopping.clone();
        let ready =
            move || !stopping.load(Ordering::Relaxed) && certificate.is_ready(Timestamp::now());
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

    fn serve_reviews(&self, listener: TcpListener, certificate: Arc<CertReloader>, args: &RunArgs) {
        let context = webhook::Context::new(args.settings(), self.metrics.clone());
        let router = webhook::router(context);
        let stop = self.stop.clone();
        let reloaded = certificate.clone();
        self.spawn("certificate", async move {
            stop.run_until_cancelled(reloaded.run(RELOAD_PERIOD)).await;
            Ok(())
        });
        let stop = self.stop.clone();
        self.spawn("webhooks", async move {
            tls::serve(listener, certificate, router, Limits::default(), stop).await;
            Ok(())
        });
    }

    fn lead(&self, client: Client, args: RunArgs) {
        let stop = self.stop.clone();
        let metrics = self.metrics.clone();
        self.spawn("controller", async move {
            let work = control(client.clone(), metrics, &args, stop.clone());
            leader::while_leading(client, &args.namespace, &args.identity, stop.clone(), work).await
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
    client: Client,
    metrics: Arc<Metrics>,
    args: &RunArgs,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    guards::check_definition(&client).await?;
    let context = Arc::new(controller::Context {
        recorder: Recorder::new(client.clone(), EVENT_SOURCE.into()),
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
    fn answered(&self, webhook: Webhook, outcome: &Outcome, _: Duration) {
        self.review(webhook.as_str(), outcome.allowed);
    }

    fn refused(&self, webhook: Webhook) {
        self.review(webhook.as_str(), false);
    }
}
