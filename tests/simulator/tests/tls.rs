//! TLS on the service port, with certificates made for the test.

mod support;

use std::fs;
use std::sync::Arc;

use aerospike::{AuthMode, Client, ClientPolicy, Error, Host, TlsPolicy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use simulator::version::Edition;
use support::Fleet;

const NAME: &str = "cluster.test";

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    /// A certificate and its key.
    fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn equip(&self, fleet: &Fleet) {
        for node in 1..=fleet.size {
            let work = fleet.work(node);
            let (certificate, key) = self.certify(NAME);
            fs::create_dir_all(&work).unwrap();
            fs::write(format!("{work}/ca.pem"), self.issuer.pem()).unwrap();
            fs::write(format!("{work}/cert.pem"), certificate).unwrap();
            fs::write(format!("{work}/key.pem"), key).unwrap();
        }
    }

    fn client(&self, own: Option<&str>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = builder.with_root_certificates(roots);
        let Some(name) = own else {
            return builder.with_no_client_auth();
        };
        let (certificate, key) = self.certify(name);
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        builder
            .with_client_auth_cert(vec![certificate], key)
            .unwrap()
    }
}

fn fleet(service: &'static str, size: u8) -> Fleet {
    let mut fleet = Fleet::new("8.1.2.0", Edition::Enterprise, size);
    fleet.service = service;
    fleet.network = "tls cluster.test {\n cert-file WORK/cert.pem\n key-file WORK/key.pem\n ca-file WORK/ca.pem\n }\n";
    fleet
}

async fn connect(fleet: &Fleet, config: ClientConfig) -> Result<Client, Error> {
    let policy = ClientPolicy {
        auth_mode: AuthMode::None,
        tls_policy: Some(TlsPolicy::new(config)),
        ..ClientPolicy::default()
    };
    let host = Host::new_tls(&fleet.address(1).to_string(), NAME, 4333);
    Client::new(&policy, &vec![host]).await
}

#[tokio::test]
async fn a_client_finds_all_nodes_over_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new();
    let fleet = fleet(
        "tls-address IP\n tls-port 4333\n tls-name cluster.test\n tls-authenticate-client false",
        2,
    );
    authority.equip(&fleet);
    let fleet = fleet.started().await;
    fleet.settled(&[1, 2]).await;
    let peers = fleet.info(1, "peers-tls-std").await;
    assert!(
        peers.ends_with(&format!(",4333,[[A2,cluster.test,[{}]]]", fleet.address(2))),
        "{peers}"
    );
    let client = connect(&fleet, authority.client(None))
        .await
        .expect("a client");
    assert_eq!(client.nodes().len(), 2);
    client.close().await.expect("closed");
}

#[tokio::test]
async fn only_clients_with_one_of_the_names_come_in() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = Authority::new();
    let fleet = fleet(
        "tls-address IP\n tls-port 4333\n tls-name cluster.test\n tls-authenticate-client app.test",
        1,
    );
    authority.equip(&fleet);
    let fleet = fleet.started().await;
    fleet.settled(&[1]).await;
    assert!(connect(&fleet, authority.client(None)).await.is_err());
    assert!(
        connect(&fleet, authority.client(Some("other.test")))
            .await
            .is_err()
    );
    let client = connect(&fleet, authority.client(Some("app.test")))
        .await
        .expect("a client");
    client.close().await.expect("closed");
}

#[tokio::test]
async fn a_new_certificate_is_used_after_the_refresh_period() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (old, new) = (Authority::new(), Authority::new());
    let mut fleet = fleet(
        "tls-address IP\n tls-port 4333\n tls-name cluster.test\n tls-authenticate-client false",
        1,
    );
    fleet.more = "service {\n tls-refresh-period 1\n}\n";
    old.equip(&fleet);
    let fleet = fleet.started().await;
    fleet.settled(&[1]).await;
    new.equip(&fleet);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let client = connect(&fleet, new.client(None)).await.expect("a client");
    client.close().await.expect("closed");
}
