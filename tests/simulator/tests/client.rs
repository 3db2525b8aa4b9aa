//! The published client crate against the simulator: another reading of the same protocol.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aerospike::{
    AdminPolicy, AuthMode, Bins, Client, ClientPolicy, Error, ReadPolicy, ResultCode, WritePolicy,
    as_bin, as_key,
};
use simulator::version::Edition;
use support::{Fleet, SERVICE};
use tokio::time::sleep;

async fn connect(fleet: &Fleet, auth_mode: AuthMode) -> Result<Client, Error> {
    let policy = ClientPolicy {
        auth_mode,
        ..ClientPolicy::default()
    };
    Client::new(&policy, &format!("{}:{SERVICE}", fleet.address(1))).await
}

fn internal(user: &str, password: &str) -> AuthMode {
    AuthMode::Internal(user.to_owned(), password.to_owned())
}

async fn sees_all(client: &Client, nodes: usize) {
    for _ in 0..100 {
        if client.nodes().len() == nodes {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the client sees {:?}", client.node_names());
}

#[tokio::test]
async fn a_client_finds_all_nodes_by_one_and_its_records_survive_a_lost_node() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Community, 3).started().await;
    fleet.settled(&[1, 2, 3]).await;
    let client = connect(&fleet, AuthMode::None).await.expect("a client");
    sees_all(&client, 3).await;
    let (read, write) = (ReadPolicy::default(), WritePolicy::default());
    for number in 0..100 {
        let key = as_key!("test", "people", number);
        let bins = [
            as_bin!("n", number),
            as_bin!("name", "somebody"),
            as_bin!("blob", vec![1_u8, 2, 3]),
        ];
        client.put(&write, &key, &bins).await.expect("a write");
    }
    let key = as_key!("test", "people", 7);
    let record = client.get(&read, &key, Bins::All).await.expect("a record");
    assert_eq!((record.generation, record.bins["n"].clone()), (1, 7.into()));
    assert_eq!(record.bins["name"], "somebody".into());
    assert!(client.exists(&read, &key).await.expect("an answer"));
    assert!(client.delete(&write, &key).await.expect("an answer"));
    assert!(!client.exists(&read, &key).await.expect("an answer"));
    let missing = client
        .get(&read, &as_key!("nope", "people", 7), Bins::All)
        .await;
    assert!(missing.is_err());
    client.close().await.expect("closed");

    fleet.stop(2).await;
    fleet.settled(&[1, 3]).await;
    let client = connect(&fleet, AuthMode::None).await.expect("a client");
    sees_all(&client, 2).await;
    for number in (0..100).filter(|number| *number != 7) {
        let key = as_key!("test", "people", number);
        client
            .get(&read, &key, Bins::All)
            .await
            .expect("a record on the nodes that are left");
    }
    fleet.start(2).await;
    fleet.settled(&[1, 2, 3]).await;
    let objects = fleet.info(2, "namespace/test").await;
    assert!(!objects.contains(";objects=0;"), "{objects}");
    assert!(
        fleet
            .info(1, "namespace/test")
            .await
            .contains(";non_replica_objects=0;")
    );
    client.close().await.expect("closed");
}

/// Writes numbers one after the other, and reads each back at once; returns how many there were when told to stop.
async fn write_and_read(client: &Client, stop: &AtomicBool) -> Result<i64, Error> {
    let (read, write) = (ReadPolicy::default(), WritePolicy::default());
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let key = as_key!("test", "numbers", number);
        client.put(&write, &key, &[as_bin!("n", number)]).await?;
        client.get(&read, &key, Bins::All).await?;
        number += 1;
        sleep(Duration::from_millis(1)).await;
    }
    Ok(number)
}

/// As an operator takes a server away: quiesced, migrated, without requests of clients, stopped.
async fn drain_and_stop(fleet: &mut Fleet, node: u8, all: &[u8]) {
    fleet.info(node, "quiesce:").await;
    for node in all {
        fleet.info(*node, "recluster:").await;
    }
    let quiesced = |figures: &str| figures.contains("effective_is_quiesced=true");
    fleet.until(node, "namespace/test", quiesced).await;
    fleet.settled(all).await;
    loop {
        let before = requests(fleet, node).await;
        sleep(Duration::from_secs(2)).await;
        if requests(fleet, node).await == before {
            break;
        }
    }
    fleet.stop(node).await;
}

/// Reads and writes of clients that a server answered for them or passed on.
async fn requests(fleet: &Fleet, node: u8) -> Vec<String> {
    let figures = fleet.info(node, "namespace/test").await;
    let counted = ["client_read_", "client_write_", "client_proxy_"];
    let is_counted = |figure: &&str| counted.iter().any(|start| figure.starts_with(start));
    figures
        .split(';')
        .filter(is_counted)
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_follows_the_partitions_while_servers_are_drained_and_nothing_is_refused() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Enterprise, 4)
        .started()
        .await;
    fleet.settled(&[1, 2, 3, 4]).await;
    let client = Arc::new(connect(&fleet, AuthMode::None).await.expect("a client"));
    sees_all(&client, 4).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (client, stop) = (client.clone(), stop.clone());
        async move { write_and_read(&client, &stop).await }
    });
    drain_and_stop(&mut fleet, 4, &[1, 2, 3, 4]).await;
    fleet.settled(&[1, 2, 3]).await;
    drain_and_stop(&mut fleet, 3, &[1, 2, 3]).await;
    fleet.settled(&[1, 2]).await;
    sees_all(&client, 2).await;
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.expect("a task that ends");
    let written = written.expect("no request that is refused");
    assert!(written > 100, "{written} records in all this time");
    let read = ReadPolicy::default();
    for number in 0..written {
        let key = as_key!("test", "numbers", number);
        let record = client.get(&read, &key, Bins::All).await;
        assert_eq!(record.expect("a record").bins["n"], number.into());
    }
}

#[tokio::test]
async fn a_community_server_has_no_users() {
    let fleet = Fleet::new("8.1.2.0", Edition::Community, 1).started().await;
    fleet.settled(&[1]).await;
    let refused = connect(&fleet, internal("admin", "admin"))
        .await
        .err()
        .expect("a refusal");
    assert!(
        format!("{refused}").contains("51")
            || format!("{refused:?}").contains("SecurityNotSupported"),
        "{refused}"
    );
}

#[tokio::test]
async fn users_are_made_by_one_node_known_by_all_and_kept() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Enterprise, 2);
    fleet.more = "security {\n}\n";
    let mut fleet = fleet.started().await;
    let admin = wait_for_login(&fleet, "admin", "admin").await;
    let policy = AdminPolicy::default();
    admin
        .create_user(&policy, "app", "secret", &["read-write", "sys-admin"])
        .await
        .expect("a user");
    let again = admin.create_user(&policy, "app", "secret", &["read"]).await;
    assert!(matches!(again, Err(error) if format!("{error:?}").contains("UserAlreadyExists")));
    admin
        .change_password(&policy, "admin", "changed")
        .await
        .expect("a password");
    let users = admin.query_users(&policy, None).await.expect("users");
    assert_eq!(users.len(), 2);
    admin.close().await.expect("closed");

    for node in [1, 2] {
        fleet.stop(node).await;
    }
    for node in [1, 2] {
        fleet.start(node).await;
    }
    assert!(
        fleet
            .info(1, "build")
            .await
            .starts_with("ERROR:80:not authenticated")
    );
    let app = wait_for_login(&fleet, "app", "secret").await;
    let key = as_key!("test", "s", "k");
    app.put(&WritePolicy::default(), &key, &[as_bin!("n", 1)])
        .await
        .expect("a write");
    let denied = app.create_user(&policy, "other", "secret", &["read"]).await;
    assert!(
        matches!(denied, Err(error) if format!("{error:?}").contains(&format!("{:?}", ResultCode::RoleViolation)))
    );
    app.close().await.expect("closed");
}

async fn wait_for_login(fleet: &Fleet, user: &str, password: &str) -> Client {
    for _ in 0..100 {
        if let Ok(client) = connect(fleet, internal(user, password)).await {
            return client;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("no login as {user}");
}

#[tokio::test]
async fn records_in_files_outlive_a_stop_of_all_nodes() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Community, 2);
    fleet.storage = "device {\n file WORK/data\n filesize 128M\n }";
    let mut fleet = fleet.started().await;
    fleet.settled(&[1, 2]).await;
    let client = connect(&fleet, AuthMode::None).await.expect("a client");
    sees_all(&client, 2).await;
    for number in 0..20 {
        let key = as_key!("test", "people", number);
        client
            .put(&WritePolicy::default(), &key, &[as_bin!("n", number)])
            .await
            .expect("a write");
    }
    assert!(
        fleet
            .info(1, "latencies:")
            .await
            .contains("{test}-write:msec,")
    );
    client.close().await.expect("closed");
    fleet.stop(1).await;
    fleet.stop(2).await;
    std::fs::remove_file(format!("{}/data", fleet.work(1))).expect("a wiped node");
    fleet.start(1).await;
    fleet.start(2).await;
    fleet.settled(&[1, 2]).await;
    for node in [1, 2] {
        fleet
            .until(node, "namespace/test", |answer| {
                answer.contains(";objects=20;")
            })
            .await;
    }
}
