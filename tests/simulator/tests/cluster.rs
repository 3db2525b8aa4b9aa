//! Clusters over real sockets.

mod support;

use simulator::version::Edition;
use support::Fleet;

#[tokio::test]
async fn three_nodes_form_a_cluster_and_answer_as_the_server_does() {
    let fleet = Fleet::new("8.1.2.0", Edition::Community, 3).started().await;
    fleet.settled(&[1, 2, 3]).await;
    assert_eq!(fleet.info(1, "build").await, "8.1.2.0");
    assert_eq!(fleet.info(2, "node").await, "A2");
    assert_eq!(
        fleet.info(1, "cluster-stable:size=2").await,
        "ERROR:7:cluster not specified size"
    );
    assert_eq!(
        fleet.info(1, "recluster:").await,
        "ignored-by-non-principal"
    );
    assert_eq!(fleet.info(3, "recluster:").await, "ok");
    let peers = fleet.info(1, "peers-clear-std").await;
    let expected = format!(
        ",3000,[[A2,,[{}]],[A3,,[{}]]]",
        fleet.address(2),
        fleet.address(3)
    );
    assert!(peers.ends_with(&expected), "{peers}");
    assert_eq!(
        fleet.raw(1, 3003, 1, b"connection\n").await,
        b"connection\tadmin=true\n"
    );
    assert_eq!(fleet.raw(1, 3000, 1, b"build").await, b"");
}

#[tokio::test]
async fn nodes_that_know_one_seed_find_the_others_and_a_lost_one_is_dropped() {
    let mut fleet = Fleet::new("7.2.0.1", Edition::Enterprise, 4)
        .started()
        .await;
    fleet.settled(&[1, 2, 3, 4]).await;
    fleet.stop(2).await;
    fleet.settled(&[1, 3, 4]).await;
    fleet.start(2).await;
    fleet.settled(&[1, 2, 3, 4]).await;
}

#[tokio::test]
async fn what_is_no_message_closes_the_connection() {
    let fleet = Fleet::new("8.1.2.0", Edition::Community, 1).started().await;
    let frames: [(u16, &[u8]); 6] = [
        (3000, &[9, 1, 0, 0, 0, 0, 0, 6]),
        (3000, &[2, 7, 0, 0, 0, 0, 0, 0]),
        (3000, &[2, 1, 0, 0, 12, 128, 0, 0]),
        (3000, b"GET / HTTP/1.1\r\n\r\n"),
        (3003, &[2, 3, 0, 0, 0, 0, 0, 0]),
        (3000, &[2, 4, 0, 0, 0, 0, 0, 0]),
    ];
    for (port, frame) in frames {
        assert!(fleet.is_closed_by(1, port, frame).await, "{frame:?}");
    }
    let answer = fleet
        .raw(
            1,
            3000,
            3,
            &[
                22, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            ],
        )
        .await;
    assert_eq!(answer[5], 20, "no namespace");
    let answer = fleet.raw(1, 3000, 2, &[0; 16]).await;
    assert_eq!((answer.len(), answer[1]), (16, 51), "no security");
}

#[tokio::test]
async fn a_roster_set_on_one_node_reaches_the_others_and_stays() {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Enterprise, 3);
    fleet.namespace = "strong-consistency true";
    let mut fleet = fleet.started().await;
    fleet.settled(&[1, 2, 3]).await;
    assert!(
        fleet
            .info(1, "namespace/test")
            .await
            .starts_with("ns_cluster_size=0;")
    );
    assert_eq!(
        fleet
            .info(1, "roster-set:namespace=test;nodes=A3,A2,A1")
            .await,
        "ok"
    );
    fleet
        .until(3, "roster:namespace=test", |answer| {
            answer.contains("pending_roster=A3,A2,A1:")
        })
        .await;
    assert_eq!(fleet.info(3, "recluster:").await, "ok");
    fleet
        .until(2, "namespace/test", |answer| {
            answer.starts_with("ns_cluster_size=3;")
        })
        .await;
    for node in [1, 2, 3] {
        fleet.stop(node).await;
    }
    for node in [1, 2, 3] {
        fleet.start(node).await;
    }
    fleet.settled(&[1, 2, 3]).await;
    let roster = fleet.info(1, "roster:namespace=test").await;
    assert!(roster.starts_with("roster=A3,A2,A1:"), "{roster}");
}
