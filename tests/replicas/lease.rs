//! Who leads, who follows, and how the lead is lost.

use std::{future::pending, time::Duration};

use aerospike_operator::leader::{Candidate, Lease, Write, lease::DURATION};
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{api_server::ApiServer, eventually};

pub const LEASE: &str =
    "/apis/coordination.k8s.io/v1/namespaces/aerospike/leases/aerospike-operator";
/// A little more than the time between two looks.
const SOON: Duration = Duration::from_secs(5);

struct Leading {
    lease: Lease,
    stop: CancellationToken,
    ended: JoinHandle<anyhow::Result<()>>,
}

fn candidate(server: &ApiServer, name: &str) -> Leading {
    let client = Client::new(server.router(), "aerospike");
    let lease = Lease::default();
    let stop = CancellationToken::new();
    let candidate = Candidate::new(client, "aerospike", name, lease.clone());
    let token = stop.clone();
    let ended = tokio::spawn(async move { candidate.while_leading(&token, pending()).await });
    Leading { lease, stop, ended }
}

pub fn holder(server: &ApiServer) -> Option<String> {
    let holder = server.object(LEASE)?["spec"]["holderIdentity"].clone();
    Some(holder.as_str()?.split('_').next()?.to_owned())
}

async fn until_held_by(server: &ApiServer, name: &str) {
    let held = || async { (holder(server)? == name).then_some(()) };
    eventually(&format!("{name} leads"), SOON, held).await;
}

#[tokio::test]
async fn one_leads_and_renews_and_hands_over_when_it_is_asked_to_stop() {
    let server = ApiServer::default();
    let first = candidate(&server, "first");
    until_held_by(&server, "first").await;
    let spec = || server.object(LEASE).unwrap()["spec"].clone();
    let before = spec();
    assert_eq!(
        (&before["leaseDurationSeconds"], &before["leaseTransitions"]),
        (&json!(15), &json!(0))
    );
    let second = candidate(&server, "second");
    let renewed = || async { (spec()["renewTime"] != before["renewTime"]).then(spec) };
    let renewed = eventually("the lease is renewed", SOON, renewed).await;
    assert_eq!(renewed["acquireTime"], before["acquireTime"]);
    assert!(second.lease.permit(Write::Upkeep).is_err());
    assert!(first.lease.permit(Write::Disruptive).is_ok());
    first.stop.cancel();
    assert!(first.ended.await.unwrap().is_ok());
    assert!(first.lease.permit(Write::Upkeep).is_err());
    until_held_by(&server, "second").await;
    assert_eq!(spec()["leaseTransitions"], 1);
}

#[tokio::test]
async fn who_was_replaced_learns_it_at_the_next_renewal_and_writes_no_more() {
    let server = ApiServer::default();
    let first = candidate(&server, "first");
    until_held_by(&server, "first").await;
    let mut theirs = server.object(LEASE).unwrap();
    theirs["spec"]["holderIdentity"] = json!("other_1");
    server.put(LEASE, theirs);
    let error = first.ended.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), r#"lost the lease to "other_1""#);
    assert!(first.lease.permit(Write::Upkeep).is_err());
    assert_eq!(
        holder(&server).unwrap(),
        "other",
        "what is not ours is not released"
    );
}

#[tokio::test]
async fn an_annotation_of_somebody_else_loses_no_lease() {
    let server = ApiServer::default();
    let first = candidate(&server, "first");
    until_held_by(&server, "first").await;
    let mut annotated = server.object(LEASE).unwrap();
    annotated["metadata"]["annotations"] = json!({"seen": "true"});
    server.put(LEASE, annotated.clone());
    let renewed = || async {
        let now: Value = server.object(LEASE)?;
        (now["spec"]["renewTime"] != annotated["spec"]["renewTime"]).then_some(now)
    };
    let now = eventually("the lease is renewed", 2 * SOON, renewed).await;
    assert_eq!(
        now["metadata"]["annotations"],
        annotated["metadata"]["annotations"]
    );
    assert!(!first.ended.is_finished());
    first.stop.cancel();
}

#[tokio::test]
async fn who_cannot_renew_writes_no_more_before_the_lease_ends_for_the_others() {
    let server = ApiServer::default();
    let first = candidate(&server, "first");
    until_held_by(&server, "first").await;
    let began = std::time::Instant::now();
    server.refuse(LEASE);
    let error = first.ended.await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "lost the lease: it was not renewed in time"
    );
    assert!(first.lease.permit(Write::Upkeep).is_err());
    assert!(began.elapsed() + Duration::from_secs(1) < DURATION);
}
