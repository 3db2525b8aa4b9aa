//! The self-managed certificate: made once, served by all, trusted by both configurations.

use std::{sync::Arc, time::Duration};

use aerospike_operator::tls::{
    Served,
    self_managed::{
        Replica, Settings,
        leader::Rotation,
        pair::{Authority, authorities},
        rotation::Schedule,
    },
};
use k8s_openapi::{ByteString, jiff::Timestamp};
use kube::Client;
use serde_json::{Value, json};

use crate::api_server::ApiServer;

pub const SECRET: &str = "/api/v1/namespaces/aerospike/secrets/webhook-server-cert";
const CONFIGURATIONS: [&str; 2] = [
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/aerospike-operator-mutating-webhook-configuration",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/aerospike-operator-validating-webhook-configuration",
];

fn settings() -> Settings {
    Settings {
        namespace: "aerospike".to_owned(),
        secret: "webhook-server-cert".to_owned(),
        service: "aerospike-operator-webhook-service".to_owned(),
        schedule: Schedule::default(),
    }
}

fn replica(server: &ApiServer) -> (Replica, Arc<Served>) {
    let in_use = Arc::new(Served::default());
    let client = Client::new(server.router(), "aerospike");
    (Replica::new(settings(), client, in_use.clone()), in_use)
}

fn rotation<'a>(server: &ApiServer, replica: &'a Replica) -> Rotation<'a> {
    Rotation::new(replica, Client::new(server.router(), "aerospike"))
}

/// Both configurations as they are installed, without a bundle.
pub fn install(server: &ApiServer) {
    let manifests = [
        include_str!("../../webhook-config/mutating.yaml"),
        include_str!("../../webhook-config/validating.yaml"),
    ];
    for (path, manifest) in CONFIGURATIONS.into_iter().zip(manifests) {
        server.put(path, serde_saphyr::from_str(manifest).unwrap());
    }
}

fn decoded(value: &Value) -> String {
    let bytes: ByteString = serde_json::from_value(value.clone()).unwrap();
    String::from_utf8(bytes.0).unwrap()
}

/// What the webhooks of both configurations trust, which is the same.
fn trusted(server: &ApiServer) -> Vec<Authority> {
    let bundles = CONFIGURATIONS.map(|path| {
        let object = server.object(path).unwrap();
        decoded(&object["webhooks"][0]["clientConfig"]["caBundle"])
    });
    assert_eq!(bundles[0], bundles[1]);
    authorities(&bundles[0])
}

fn break_item(server: &ApiServer, item: &str) {
    let mut secret = server.object(SECRET).unwrap();
    secret["data"][item] = json!(ByteString(b"broken".to_vec()));
    server.put(SECRET, secret);
}

/// As many writes as are needed now.
async fn settle(rotation: &mut Rotation<'_>) -> usize {
    let mut writes = 0;
    while rotation.step().await.unwrap() {
        writes += 1;
    }
    writes
}

#[tokio::test]
async fn the_first_replica_makes_the_certificate_and_the_others_serve_the_same() {
    let server = ApiServer::default();
    let ((first, _), (second, in_use)) = (replica(&server), replica(&server));
    first.look().await;
    second.look().await;
    assert_eq!(server.writes().len(), 1);
    assert!(in_use.is_ready(Timestamp::now()));
    assert_eq!(first.held(), second.held());
    assert_eq!((first.wrong(), second.wrong()), (None, None));
    first.look().await;
    assert_eq!(server.writes(), []);
}

#[tokio::test]
async fn the_leader_writes_the_bundles_and_nothing_else_of_the_configurations() {
    let server = ApiServer::default();
    install(&server);
    let before = CONFIGURATIONS.map(|path| server.object(path).unwrap());
    let (replica, _) = replica(&server);
    replica.look().await;
    let mut rotation = rotation(&server, &replica);
    server.writes();
    assert_eq!(settle(&mut rotation).await, 2);
    let writes = server.writes();
    for ((write, path), before) in writes.iter().zip(CONFIGURATIONS).zip(before) {
        assert_eq!(write.call, format!("PATCH {path}"));
        let version = &before["metadata"]["resourceVersion"];
        let bundle = &write.body[1]["value"];
        let mut expected =
            vec![json!({"op": "test", "path": "/metadata/resourceVersion", "value": version})];
        let webhooks = before["webhooks"].as_array().unwrap().len();
        expected.extend((0..webhooks).map(|index| {
            let path = format!("/webhooks/{index}/clientConfig/caBundle");
            json!({"op": "add", "path": path, "value": bundle})
        }));
        assert_eq!(write.body, json!(expected));
    }
    assert_eq!(trusted(&server), [replica.held().unwrap().authority]);
    assert_eq!(settle(&mut rotation).await, 0);
}

#[tokio::test]
async fn a_bundle_that_somebody_took_away_comes_back() {
    let server = ApiServer::default();
    install(&server);
    let (replica, _) = replica(&server);
    replica.look().await;
    let mut rotation = rotation(&server, &replica);
    settle(&mut rotation).await;
    let before = trusted(&server);
    install(&server);
    assert_eq!(settle(&mut rotation).await, 2);
    assert_eq!(trusted(&server), before);
}

#[tokio::test]
async fn a_broken_secret_is_told_and_healed_with_what_is_served() {
    let server = ApiServer::default();
    install(&server);
    let (replica, in_use) = replica(&server);
    replica.look().await;
    let mut rotation = rotation(&server, &replica);
    settle(&mut rotation).await;
    let served_before = replica.held();
    for (item, told) in [
        (
            "next.crt",
            "next.crt cannot be used: the certificate is not PEM",
        ),
        ("tls.key", "tls.crt cannot be used: the key is not PEM"),
    ] {
        break_item(&server, item);
        replica.look().await;
        let wrong = replica.wrong().unwrap();
        let begin = format!("Secret aerospike/webhook-server-cert is broken: {told}");
        assert!(wrong.starts_with(&begin), "{wrong}");
        assert!(in_use.is_ready(Timestamp::now()));
        settle(&mut rotation).await;
        replica.look().await;
        assert_eq!(replica.wrong(), None);
        assert_eq!(replica.held(), served_before);
        assert_eq!(trusted(&server).len(), 2, "its successor is trusted too");
    }
}

#[tokio::test]
async fn a_deleted_secret_comes_back_with_what_is_served_and_a_successor() {
    let server = ApiServer::default();
    install(&server);
    let (replica, _) = replica(&server);
    replica.look().await;
    let mut rotation = rotation(&server, &replica);
    settle(&mut rotation).await;
    server.take(SECRET);
    replica.look().await;
    assert!(replica.wrong().unwrap().contains("is gone"));
    settle(&mut rotation).await;
    let data = server.object(SECRET).unwrap()["data"].clone();
    let in_use = replica.held().unwrap();
    assert_eq!(decoded(&data["tls.crt"]), in_use.chain);
    assert_ne!(decoded(&data["next.crt"]), in_use.chain);
    assert_eq!(authorities(&decoded(&data["ca.crt"])), trusted(&server));
}

#[tokio::test]
async fn a_secret_that_another_made_is_told_and_not_touched() {
    let server = ApiServer::default();
    install(&server);
    let theirs = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webhook-server-cert"},
        "data": {"tls.crt": "", "tls.key": ""},
    });
    server.put(SECRET, theirs);
    let (replica, in_use) = replica(&server);
    replica.look().await;
    assert!(!in_use.is_ready(Timestamp::now()));
    let told = replica.wrong().unwrap();
    assert!(told.contains("--cert-mode=files"), "{told}");
    assert_eq!(settle(&mut rotation(&server, &replica)).await, 0);
    assert_eq!(server.writes(), []);
}

#[tokio::test]
async fn a_certificate_for_other_names_is_replaced() {
    let server = ApiServer::default();
    let (before, _) = replica(&server);
    before.look().await;
    let renamed = Settings {
        service: "other".to_owned(),
        ..settings()
    };
    let in_use = Arc::new(Served::default());
    let client = Client::new(server.router(), "aerospike");
    let replica = Replica::new(renamed, client, in_use.clone());
    replica.look().await;
    let told = replica.wrong().unwrap();
    assert!(
        told.ends_with("the certificate does not hold for other.aerospike.svc"),
        "{told}"
    );
    settle(&mut rotation(&server, &replica)).await;
    replica.look().await;
    assert_eq!(replica.wrong(), None);
    assert!(in_use.is_ready(Timestamp::now() + Duration::from_mins(1)));
}
