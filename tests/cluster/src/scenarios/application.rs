//! An application that uses a cluster all the time, with the client that applications have: it writes a record, reads it
//! back, and reads one that it wrote before. Its policies are those that the client has by default: a write is not
//! repeated, and everything has to be answered within a second.

use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aerospike::{AuthMode, Bins, Client, Key, ReadPolicy, WritePolicy, as_bin, as_key};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::time::sleep;

use super::servers;
use super::stage::{Stage, eventually};
use crate::demo::PASSWORD;

/// Its user.
const USER: &str = "application";
/// Records of each of its parts, which work at the same time.
const RECORDS: i64 = 400;
/// Between two rounds of a part.
const PAUSE: Duration = Duration::from_millis(10);
/// How soon it must be served when it may be.
const SERVED_WITHIN: Duration = Duration::from_secs(15);
/// So many requests say that it is served.
const SERVED: u64 = 50;
/// So many failed requests are told.
const SHOWN: usize = 20;

/// The sample `dim_nostorage` with a user for the application.
///
/// # Errors
/// If there is no such sample.
pub fn sample(stage: &Stage) -> Result<Value> {
    used(stage.sample_object("dim_nostorage")?)
}

/// A cluster with a user for the application.
///
/// # Errors
/// If it has no users.
pub fn used(mut object: Value) -> Result<Value> {
    let users = object["spec"]["aerospikeAccessControl"]["users"].as_array_mut();
    let user = json!({"name": USER, "secretName": "auth-secret", "roles": ["read-write"]});
    users.context("the sample has no users")?.push(user);
    Ok(object)
}

/// Creates a cluster of `size` for the application, and waits until it is ready.
///
/// # Errors
/// If it is not.
pub fn cluster_of(stage: &Stage, size: usize) -> Result<()> {
    let mut object = sample(stage)?;
    object["spec"]["size"] = size.into();
    stage.apply(&object.to_string())?;
    stage.wait_until_ready(size)
}

/// Runs a story through which the application must be served: no request is refused, and at the end each record that
/// was acknowledged is there.
///
/// # Errors
/// What went wrong in the story, the first request that was refused, or the first record that is lost.
pub fn is_served_throughout(
    stage: &Stage,
    story: impl FnOnce(&Application) -> Result<()>,
) -> Result<()> {
    let (told, records) = uses(stage, story)?;
    let kept = records.ensure_kept(stage);
    let Some(refused) = records.account() else {
        return told.and(kept);
    };
    let kept = kept.map_or_else(
        |lost| format!("{lost:#}"),
        |()| "nothing is lost".to_owned(),
    );
    let account = format!("{refused}after all {kept}");
    match told {
        Ok(()) => bail!("{account}"),
        Err(error) => Err(error.context(account)),
    }
}

/// Runs a story while the application uses the cluster, and says what became of both.
///
/// # Errors
/// If the application cannot begin.
pub fn uses<T>(
    stage: &Stage,
    story: impl FnOnce(&Application) -> Result<T>,
) -> Result<(Result<T>, Records)> {
    let seeds = servers::advertised(stage)?;
    let application = Application::default();
    thread::scope(|scope| {
        let work = scope.spawn(|| application.work(&seeds));
        let told = application.is_served().and_then(|()| story(&application));
        application.stop.store(true, Ordering::Relaxed);
        let records = work
            .join()
            .unwrap_or_else(|fault| panic::resume_unwind(fault));
        Ok((told, records?))
    })
}

/// An application at work.
#[derive(Debug, Default)]
pub struct Application {
    stop: AtomicBool,
    served: AtomicU64,
}

impl Application {
    /// Waits until it was served some times more.
    ///
    /// # Errors
    /// If it is not served.
    pub fn is_served(&self) -> Result<()> {
        let before = self.served.load(Ordering::Relaxed);
        eventually("the application is served", SERVED_WITHIN, || {
            let served = self.served.load(Ordering::Relaxed) - before;
            ensure!(served > SERVED, "{served} requests were answered");
            Ok(())
        })
    }

    fn work(&self, seeds: &BTreeSet<String>) -> Result<Records> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let client = servers::connect(seeds, login()).await?;
            let part = |number| self.work_on(&client, number);
            let (first, second, third) = tokio::join!(part(0), part(1), part(2));
            let _ = client.close().await;
            Ok(Records {
                served: self.served.load(Ordering::Relaxed),
                parts: vec![first, second, third],
            })
        })
    }

    async fn work_on(&self, client: &Client, number: i64) -> Part {
        let mut part = Part::default();
        for round in 0_i64.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let key = |place: i64| number * RECORDS + place;
            let now = key(round % RECORDS);
            let earlier = key(round * 7919 % RECORDS.min(round + 1));
            let outcomes = [
                part.write(client, now, round).await,
                part.read(client, now).await,
                part.read(client, earlier).await,
            ];
            for outcome in outcomes {
                match outcome {
                    Ok(()) => drop(self.served.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => part.troubles.push((Instant::now(), format!("{error:#}"))),
                }
            }
            sleep(PAUSE).await;
        }
        part
    }
}

fn login() -> AuthMode {
    AuthMode::Internal(USER.to_owned(), PASSWORD.to_owned())
}

fn key(number: i64) -> Key {
    as_key!("test", "numbers", number)
}

/// What became of the requests of a part.
#[derive(Debug, Default)]
struct Part {
    /// The last value of each record that was acknowledged.
    acknowledged: BTreeMap<i64, i64>,
    /// Values that were written later, and may have arrived.
    doubtful: BTreeMap<i64, Vec<i64>>,
    troubles: Vec<(Instant, String)>,
}

impl Part {
    async fn write(&mut self, client: &Client, number: i64, value: i64) -> Result<()> {
        let written = client
            .put(
                &WritePolicy::default(),
                &key(number),
                &[as_bin!("n", value)],
            )
            .await;
        if let Err(error) = written {
            self.doubtful.entry(number).or_default().push(value);
            return Err(error).with_context(|| format!("record {number} was not written"));
        }
        self.doubtful.remove(&number);
        self.acknowledged.insert(number, value);
        Ok(())
    }

    /// Reads a record, which must be as it was acknowledged.
    async fn read(&self, client: &Client, number: i64) -> Result<()> {
        let Some(acknowledged) = self.acknowledged.get(&number) else {
            return Ok(());
        };
        let record = client
            .get(&ReadPolicy::default(), &key(number), Bins::All)
            .await;
        let record = record.with_context(|| format!("record {number} was not read"))?;
        let value = record.bins.get("n");
        let doubtful = self.doubtful.get(&number).into_iter().flatten();
        let mut possible = doubtful.chain([acknowledged]);
        ensure!(
            possible.any(|possible| value == Some(&aerospike::Value::from(*possible))),
            "record {number} is {value:?}, and {acknowledged} was acknowledged"
        );
        Ok(())
    }
}

/// What the application has written, and the requests that failed.
#[derive(Debug)]
pub struct Records {
    served: u64,
    parts: Vec<Part>,
}

impl Records {
    /// When requests were refused, or answered with something else than what was acknowledged, and which.
    pub fn troubles(&self) -> impl Iterator<Item = (Instant, &str)> {
        let troubles = self.parts.iter().flat_map(|part| &part.troubles);
        troubles.map(|(when, text)| (*when, text.as_str()))
    }

    /// The first requests that failed, a line each, with the seconds from the first one.
    fn account(&self) -> Option<String> {
        let mut troubles: Vec<_> = self.troubles().collect();
        troubles.sort();
        let (begin, _) = troubles.first()?;
        let lines = troubles.iter().take(SHOWN).map(|(when, text)| {
            let after = when.duration_since(*begin).as_secs_f32();
            format!("  {after:7.3} s  {text}\n")
        });
        let (count, served) = (troubles.len(), self.served);
        let lines: String = lines.collect();
        Some(format!(
            "{count} requests were refused, {served} were not:\n{lines}"
        ))
    }

    /// Reads every record that was acknowledged, with a new client.
    ///
    /// # Errors
    /// The first one that is lost.
    pub fn ensure_kept(&self, stage: &Stage) -> Result<()> {
        let seeds = servers::advertised(stage)?;
        servers::block_on(async {
            let client = servers::connect(&seeds, login()).await?;
            for part in &self.parts {
                for number in part.acknowledged.keys() {
                    part.read(&client, *number).await.context("after all")?;
                }
            }
            let _ = client.close().await;
            Ok(())
        })
    }
}
