//! Sizes that change up and down while the unmodified client writes the same records again and again.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aerospike::{Bins, Client, ClientPolicy, ReadPolicy, Value, WritePolicy, as_bin, as_key};
use simulator::version::Edition;
use support::{Fleet, SERVICE};
use tokio::time::sleep;

const RECORDS: i64 = 400;
const FREEZE: &str = r#"{"inject": {"fault": "freeze-migrations"}}"#;
const DEAF: &str = r#"{"inject": {"fault": "deaf-fabric", "calls": 20}}"#;
const HEAL: &str = r#""heal""#;
/// A client looks for changes of the partitions once a second.
const CLIENTS_FOLLOW: Duration = Duration::from_secs(3);

/// What was answered with something else than was acknowledged, and when.
type Troubles = Vec<String>;

struct Application {
    client: Client,
    stop: AtomicBool,
    begun: Instant,
}

impl Application {
    /// Writes records in turn, reads each back, and one that was written before.
    async fn work(&self, part: i64) -> Troubles {
        let mut acknowledged = BTreeMap::new();
        let mut troubles = Vec::new();
        for round in 0_i64.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let now = part * RECORDS + round % RECORDS;
            let earlier = part * RECORDS + round * 7919 % RECORDS.min(round + 1);
            let key = as_key!("test", "numbers", now);
            let bins = [as_bin!("n", round)];
            match self.client.put(&WritePolicy::default(), &key, &bins).await {
                Ok(()) => drop(acknowledged.insert(now, round)),
                Err(error) => troubles.push(self.trouble(now, &error.to_string())),
            }
            for number in [now, earlier] {
                if let Some(value) = acknowledged.get(&number) {
                    troubles.extend(self.check(number, *value).await);
                }
            }
            sleep(Duration::from_millis(3)).await;
        }
        troubles
    }

    async fn check(&self, number: i64, value: i64) -> Option<String> {
        let key = as_key!("test", "numbers", number);
        let record = self
            .client
            .get(&ReadPolicy::default(), &key, Bins::All)
            .await;
        match record {
            Ok(record) if record.bins.get("n") == Some(&Value::from(value)) => None,
            Ok(record) => Some(self.trouble(number, &format!("{:?}, not {value}", record.bins))),
            Err(error) => Some(self.trouble(number, &error.to_string())),
        }
    }

    fn trouble(&self, number: i64, text: &str) -> String {
        let after = self.begun.elapsed().as_millis();
        format!("record {number} after {after} ms: {text}")
    }
}

async fn quiesce(fleet: &Fleet, node: u8, all: &[u8]) {
    fleet.info(node, "quiesce:").await;
    for node in all {
        fleet.info(*node, "recluster:").await;
    }
    let quiesced = |figures: &str| figures.contains("effective_is_quiesced=true");
    fleet.until(node, "namespace/test", quiesced).await;
}

/// Two servers come, and go as an operator lets them go. Some of what the servers ask of each other gets lost.
async fn grow_and_shrink(fleet: &mut Fleet) {
    fleet.start(3).await;
    fleet.start(4).await;
    fleet.settled(&[1, 2, 3, 4]).await;
    for node in 1..=4 {
        fleet.order(node, DEAF).await;
    }
    sleep(Duration::from_secs(1)).await;
    for node in 1..=4 {
        fleet.order(node, FREEZE).await;
    }
    quiesce(fleet, 4, &[1, 2, 3, 4]).await;
    sleep(Duration::from_secs(1)).await;
    for node in 1..=4 {
        fleet.order(node, HEAL).await;
    }
    fleet.settled(&[1, 2, 3, 4]).await;
    sleep(CLIENTS_FOLLOW).await;
    fleet.stop(4).await;
    fleet.settled(&[1, 2, 3]).await;
    quiesce(fleet, 3, &[1, 2, 3]).await;
    fleet.settled(&[1, 2, 3]).await;
    sleep(CLIENTS_FOLLOW).await;
    fleet.stop(3).await;
    fleet.settled(&[1, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_older_than_what_was_acknowledged_while_sizes_change() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Enterprise, 4);
    for node in [1, 2] {
        fleet.start(node).await;
    }
    fleet.settled(&[1, 2]).await;
    let seed = format!("{}:{SERVICE}", fleet.address(1));
    let client = Client::new(&ClientPolicy::default(), &seed).await;
    let application = Arc::new(Application {
        client: client.expect("a client"),
        stop: AtomicBool::new(false),
        begun: Instant::now(),
    });
    let parts: Vec<_> = (0..3)
        .map(|part| {
            let application = Arc::clone(&application);
            tokio::spawn(async move { application.work(part).await })
        })
        .collect();
    grow_and_shrink(&mut fleet).await;
    application.stop.store(true, Ordering::Relaxed);
    let mut troubles = Vec::new();
    for part in parts {
        troubles.extend(part.await.expect("a task that ends"));
    }
    assert!(troubles.is_empty(), "{troubles:#?}");
}
