//! Servers that join one right after the other, while the unmodified client writes and reads.

mod support;

use std::time::Duration;

use aerospike::{Bins, Client, ClientPolicy, ReadPolicy, WritePolicy, as_bin, as_key};
use simulator::version::Edition;
use support::{Fleet, SERVICE};
use tokio::time::{Instant, sleep};

const RECORDS: i64 = 2000;

async fn connect(fleet: &Fleet) -> Client {
    let seed = format!("{}:{SERVICE}", fleet.address(1));
    let client = Client::new(&ClientPolicy::default(), &seed).await;
    client.expect("a client")
}

/// Reads records in turn, and writes one anew after each, for a while; the first request that fails is a panic.
async fn use_all(client: &Client, period: Duration) {
    let end = Instant::now() + period;
    for number in (0..RECORDS).cycle() {
        if Instant::now() > end {
            return;
        }
        let key = as_key!("test", "numbers", number);
        let record = client.get(&ReadPolicy::default(), &key, Bins::All).await;
        assert_eq!(record.expect("a record").bins["n"], number.into());
        let other = as_key!("test", "numbers", (number * 7919) % RECORDS);
        let bins = [as_bin!("n", (number * 7919) % RECORDS)];
        let written = client.put(&WritePolicy::default(), &other, &bins).await;
        written.expect("a write");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_missed_while_servers_join_before_the_ones_before_have_all() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Community, 6);
    for node in [1, 2, 3] {
        fleet.start(node).await;
    }
    fleet.settled(&[1, 2, 3]).await;
    let client = connect(&fleet).await;
    for number in 0..RECORDS {
        let key = as_key!("test", "numbers", number);
        let bins = [as_bin!("n", number)];
        let written = client.put(&WritePolicy::default(), &key, &bins).await;
        written.expect("a write");
    }
    for node in [4, 5, 6] {
        fleet.start(node).await;
        use_all(&client, Duration::from_millis(700)).await;
    }
    use_all(&client, Duration::from_secs(3)).await;
    fleet.settled(&[1, 2, 3, 4, 5, 6]).await;
    sleep(Duration::from_millis(1500)).await;
    use_all(&client, Duration::from_secs(2)).await;
    let _ = client.close().await;
}
