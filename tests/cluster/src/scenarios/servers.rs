//! Servers, asked as an application's client would: through the addresses that they advertise.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aerospike::{AdminPolicy, AuthMode, Client, ClientPolicy, Host};
use anyhow::{Context as _, Result, ensure};
use tokio::runtime;
use tokio::time::{sleep, timeout};

use super::stage::Stage;
use crate::demo::PASSWORD;

const WITHIN: Duration = Duration::from_secs(30);

/// Answers of one server by command.
pub type Answers = BTreeMap<String, String>;

/// Asks all servers of a cluster. Keys are the addresses that clients use.
///
/// # Errors
/// If a client does not see `expected` servers, or one does not answer.
pub fn ask(stage: &Stage, expected: usize, commands: &[&str]) -> Result<BTreeMap<String, Answers>> {
    let seeds = advertised(stage)?;
    let user = AuthMode::Internal("admin".to_owned(), PASSWORD.to_owned());
    block_on(async { ask_all(&connect(&seeds, user).await?, expected, commands).await })
}

/// Looks that servers refuse a client that names no user.
///
/// # Errors
/// If one lets it in.
pub fn ensure_strangers_are_refused(stage: &Stage) -> Result<()> {
    let seeds = advertised(stage)?;
    let let_in = block_on(async {
        let client = connect(&seeds, AuthMode::None).await?;
        ask_all(&client, seeds.len(), &["namespaces"]).await
    });
    ensure!(
        let_in.is_err(),
        "a client without a user was let in: {let_in:?}"
    );
    Ok(())
}

/// An answer of the form `a=1;b=2`.
#[must_use]
pub fn pairs(answer: &str) -> BTreeMap<&str, &str> {
    let pairs = answer.split(';');
    pairs.filter_map(|pair| pair.split_once('=')).collect()
}

/// The addresses that clients outside of Kubernetes begin with.
///
/// # Errors
/// If the status names none.
pub fn advertised(stage: &Stage) -> Result<BTreeSet<String>> {
    let object = stage.resource()?;
    let pods = object["status"]["pods"].as_object();
    let pods = pods.context("status.pods is missing")?.values();
    let addresses = pods.filter_map(|pod| pod["aerospike"]["accessEndpoints"][0].as_str());
    Ok(addresses.map(str::to_owned).collect())
}

/// Does something that takes half a minute at most.
///
/// # Errors
/// What went wrong, or that it took longer.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime
        .block_on(async { timeout(WITHIN, work).await })
        .with_context(|| format!("no answer in {} s", WITHIN.as_secs()))?
}

/// A client that finds the cluster by one of its servers.
///
/// # Errors
/// If none lets it in.
pub async fn connect(seeds: &BTreeSet<String>, auth_mode: AuthMode) -> Result<Client> {
    let policy = ClientPolicy {
        auth_mode,
        ..ClientPolicy::default()
    };
    let hosts = seeds.iter().filter_map(|seed| {
        let (host, port) = seed.rsplit_once(':')?;
        Some(Host::new(host, port.parse().ok()?))
    });
    let hosts: Vec<_> = hosts.collect();
    let client = Client::new(&policy, &hosts).await;
    client.with_context(|| format!("no client could connect to {seeds:?}"))
}

async fn ask_all(
    client: &Client,
    expected: usize,
    commands: &[&str],
) -> Result<BTreeMap<String, Answers>> {
    while client.nodes().len() != expected {
        sleep(Duration::from_millis(100)).await;
    }
    let mut all = BTreeMap::new();
    for node in client.nodes() {
        let answers = node.info(&AdminPolicy::default(), commands).await?;
        all.insert(node.address().to_owned(), answers.into_iter().collect());
    }
    let _ = client.close().await;
    Ok(all)
}
