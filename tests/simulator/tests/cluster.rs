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
