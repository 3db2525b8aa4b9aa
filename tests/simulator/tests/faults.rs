//! The fault plan over real sockets, told over the control port.

mod support;

use std::time::Duration;

use simulator::version::Edition;
use support::{Fleet, SERVICE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DONE: &str = r#""done""#;

async fn alone() -> Fleet {
    let fleet = Fleet::new("8.1.2.0", Edition::Enterprise, 1)
        .started()
        .await;
    fleet.settled(&[1]).await;
    fleet
}

/// The bytes that come back to `build`; none if nothing comes in half a second.
async fn answer(fleet: &Fleet, command: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect((fleet.address(1), SERVICE))
        .await
        .unwrap();
    let body = format!("{command}\n");
    let mut message = vec![2, 1];
    message.extend_from_slice(&(body.len() as u64).to_be_bytes()[2..]);
    message.extend_from_slice(body.as_bytes());
    let _ = stream.write_all(&message).await;
    let mut bytes = Vec::new();
    let mut chunk = [0; 64];
    loop {
        match timeout(Duration::from_millis(500), stream.read(&mut chunk)).await {
            Ok(Ok(0) | Err(_)) => return Some(bytes),
            Ok(Ok(read)) => bytes.extend_from_slice(&chunk[..read]),
            Err(_) if bytes.is_empty() => return None,
            Err(_) => return Some(bytes),
        }
    }
}

#[tokio::test]
async fn a_server_goes_wrong_as_often_as_told_and_heals() {
    let fleet = alone().await;
    let whole = answer(&fleet, "node").await.unwrap();
    let mut garbled = whole.clone();
    garbled[0] = u8::MAX;
    let inject = |fault: &str| format!(r#"{{"inject": {{"fault": "{fault}", "calls": 1}}}}"#);
    let expected: [(&str, Option<&[u8]>); 4] = [
        ("refuse", Some(&[])),
        ("stall", None),
        ("truncate", Some(&whole[..whole.len() / 2])),
        ("garble", Some(&garbled)),
    ];
    for (fault, seen) in expected {
        assert_eq!(fleet.order(1, &inject(fault)).await, DONE);
        assert_eq!(answer(&fleet, "node").await.as_deref(), seen, "{fault}");
        assert_eq!(answer(&fleet, "node").await, Some(whole.clone()), "{fault}");
    }
}

#[tokio::test]
async fn an_order_is_carried_out_though_its_reply_is_lost() {
    let fleet = alone().await;
    let order = r#"{"inject": {"fault": "lose-reply", "command": "quiesce", "calls": 1}}"#;
    assert_eq!(fleet.order(1, order).await, DONE);
    assert_eq!(answer(&fleet, "quiesce:").await, Some(Vec::new()));
    let figures = fleet.info(1, "namespace/test").await;
    assert!(figures.contains(";pending_quiesce=true;"), "{figures}");
}

#[tokio::test]
async fn errors_denials_and_full_disks_show_until_they_are_healed() {
    let fleet = alone().await;
    let orders = [
        r#"{"inject": {"fault": "error", "command": "quiesce-undo", "text": "ERROR:4:no"}}"#,
        r#"{"inject": {"fault": "deny-principal"}}"#,
        r#"{"inject": {"fault": "full-disk"}}"#,
    ];
    for order in orders {
        assert_eq!(fleet.order(1, order).await, DONE);
    }
    assert_eq!(fleet.info(1, "quiesce-undo:").await, "ERROR:4:no");
    assert_eq!(
        fleet.info(1, "recluster:").await,
        "ignored-by-non-principal"
    );
    assert!(
        fleet
            .info(1, "namespace/test")
            .await
            .contains(";stop_writes=true;")
    );
    assert_eq!(fleet.order(1, r#""heal""#).await, DONE);
    assert_eq!(fleet.info(1, "quiesce-undo:").await, "ok");
    assert_eq!(fleet.info(1, "recluster:").await, "ok");
    assert!(
        fleet
            .info(1, "namespace/test")
            .await
            .contains(";stop_writes=false;")
    );
}

#[tokio::test]
async fn the_control_port_tells_how_the_server_is_and_refuses_nonsense() {
    let fleet = alone().await;
    fleet.info(1, "nosuch").await;
    let told = fleet.order(1, r#""inspect""#).await;
    let start = r#"{"inspection":{"node":"A1","size":1,"key":""#;
    assert!(told.starts_with(start), "{told}");
    assert!(
        told.ends_with(r#""quiesced":false,"moving":0,"unknown_info":1,"faults":[]}}"#),
        "{told}"
    );
    assert!(
        fleet
            .order(1, "nonsense")
            .await
            .starts_with(r#"{"refused":"#)
    );
}
