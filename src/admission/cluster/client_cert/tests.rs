use std::path::PathBuf;

use serde_json::{Value, json};

use super::{is_allowed_namespace, is_allowed_path};
use crate::{
    admission::cluster::testing::{cluster, created, created_under, text, warned},
    api::AerospikeCluster,
    resolve::Settings,
};

/// A cluster with TLS whose servers ask `clients` for a certificate; `cert` is the operator's.
fn asking(clients: &Value, cert: &Value) -> AerospikeCluster {
    let tls = json!([{"name": "t", "cert-file": "/etc/aerospike/secret/c", "key-file": "/etc/aerospike/secret/k",
        "ca-file": "/etc/aerospike/secret/ca"}]);
    let mut service = json!({"tls-name": "t", "tls-port": 4333});
    json_patch::merge(&mut service, &json!({"tls-authenticate-client": clients}));
    let mut all = cluster(&json!({
        "aerospikeConfig": {"network": {"service": service, "tls": tls}},
        "operatorClientCert": cert,
    }));
    let volume = json!({"name": "secret", "aerospike": {"path": "/etc/aerospike/secret"},
        "source": {"secret": {"secretName": "s"}}});
    let storage = all.spec.storage.get_or_insert_default();
    storage
        .volumes
        .push(serde_json::from_value(volume).unwrap());
    all
}

fn secret(more: &Value) -> Value {
    let mut all = json!({"secretName": "s", "clientCertFilename": "c", "clientKeyFilename": "k"});
    json_patch::merge(&mut all, more);
    json!({"secretCertSource": all})
}

fn allowing() -> Settings {
    Settings {
        secret_namespaces: ["shared".to_owned()].into(),
        client_cert_dir: Some(PathBuf::from("/certs")),
        ..Settings::default()
    }
}

fn found(cert: &Value) -> Vec<String> {
    created_under(&allowing(), &asking(&json!("any"), cert))
}

const PLACE: &str = "spec.operatorClientCert";

#[test]
fn a_certificate_is_needed_where_servers_ask_for_one() {
    for clients in [Value::Null, json!("any"), json!(["a"])] {
        let found = created(&asking(&clients, &Value::Null));
        assert_eq!(found, [format!("CERT-01 {PLACE}")], "{clients}");
    }
    for clients in [json!("false"), json!(false)] {
        assert_eq!(created(&asking(&clients, &Value::Null)), [""; 0]);
    }
    assert_eq!(
        created(&asking(&json!("any"), &secret(&json!({})))),
        [""; 0]
    );
    let text = text(&asking(&json!("any"), &Value::Null));
    assert!(text.contains("operator client cert is not specified"));
}

#[test]
fn a_certificate_rests_where_servers_do_not_ask() {
    let empty = json!({"secretCertSource": {"secretName": "s", "clientCertFilename": "c"}});
    assert_eq!(created(&asking(&json!("false"), &empty)), [""; 0]);
    assert_eq!(
        created(&cluster(&json!({"operatorClientCert": empty}))),
        [""; 0]
    );
}

#[test]
fn a_name_is_needed_where_servers_list_names() {
    let listed = asking(&json!(["a"]), &secret(&json!({})));
    assert_eq!(created(&listed), [format!("CERT-02 {PLACE}.tlsClientName")]);
    let mut named = secret(&json!({}));
    named["tlsClientName"] = json!("operator");
    assert_eq!(created(&asking(&json!(["a"]), &named)), [""; 0]);
}

#[test]
fn a_certificate_comes_from_one_place() {
    let files =
        json!({"clientCertPath": "/certs/c", "clientKeyPath": "/certs/k", "caCertsPath": "/certs"});
    assert_eq!(found(&json!({"certPathInOperator": files})), [""; 0]);
    let mut both = secret(&json!({}));
    both["certPathInOperator"] = files;
    for cert in [both, json!({})] {
        assert_eq!(found(&cert), [format!("CERT-03 {PLACE}")]);
        assert!(text(&asking(&json!("any"), &cert)).contains(
            "either `secretCertSource` or `certPathInOperator` must be set in `operatorClientCertSpec` but not both"
        ));
    }
}

#[test]
fn a_certificate_comes_with_its_key() {
    for missing in ["clientCertFilename", "clientKeyFilename"] {
        let cert = secret(&json!({missing: ""}));
        assert_eq!(found(&cert), [format!("CERT-04 {PLACE}.secretCertSource")]);
        assert!(text(&asking(&json!("any"), &cert)).contains(
            "both `clientCertFilename` and `clientKeyFilename` should be either set or not set in `secretCertSource`"
        ));
    }
    for given in ["clientCertPath", "clientKeyPath"] {
        let cert = json!({"certPathInOperator": {given: "/certs/a"}});
        assert_eq!(
            found(&cert),
            [format!("CERT-06 {PLACE}.certPathInOperator")]
        );
        assert!(text(&asking(&json!("any"), &cert)).contains(
            "both `clientCertPath` and `clientKeyPath` should be either set or not set in `certPathInOperator`"
        ));
    }
}

#[test]
fn authorities_come_from_one_place() {
    let source = json!({"caCertsSource": {"secretName": "ca"}});
    assert_eq!(found(&secret(&source)), [""; 0]);
    let both = secret(&json!({"caCertsSource": {"secretName": "ca"}, "caCertsFilename": "ca"}));
    assert_eq!(found(&both), [format!("CERT-05 {PLACE}.secretCertSource")]);
    assert!(
        text(&asking(&json!("any"), &both)).contains(
            "both `caCertsFilename` or `caCertsSource` cannot be set in `secretCertSource`"
        )
    );
}

#[test]
fn authorities_alone_are_no_certificate() {
    let secret = json!({"secretCertSource": {"secretName": "s", "caCertsFilename": "ca"}});
    let files = json!({"certPathInOperator": {"caCertsPath": "/certs/ca"}});
    for cert in [secret, files] {
        assert_eq!(found(&cert), [format!("CERT-07 {PLACE}")]);
    }
}

#[test]
fn secrets_have_names_wherever_they_are_named() {
    let cert = json!({"secretCertSource": {"secretName": "", "caCertsSource": {"secretName": ""}}});
    assert_eq!(
        created(&cluster(&json!({"operatorClientCert": cert}))),
        [
            format!("CRD-13 {PLACE}.secretCertSource.caCertsSource.secretName"),
            format!("CRD-13 {PLACE}.secretCertSource.secretName"),
        ]
    );
}

#[test]
fn secrets_of_other_namespaces_are_read_where_that_is_allowed() {
    let in_namespace = |name: &str| {
        let other = json!({"secretNamespace": name, "caCertsSource": {"secretName": "ca", "secretNamespace": name}});
        cluster(&json!({"operatorClientCert": secret(&other)}))
    };
    for allowed in ["ns", "shared", ""] {
        assert_eq!(created_under(&allowing(), &in_namespace(allowed)), [""; 0]);
    }
    let foreign = [
        format!("CERT-08 {PLACE}.secretCertSource.caCertsSource.secretNamespace"),
        format!("CERT-08 {PLACE}.secretCertSource.secretNamespace"),
    ];
    assert_eq!(
        created_under(&allowing(), &in_namespace("kube-system")),
        foreign
    );
    assert_eq!(created(&in_namespace("shared")), foreign);
    assert_eq!(warned(&in_namespace("ns")), ["W-05", "W-06"]);
    assert_eq!(warned(&in_namespace("")), [""; 0]);
    let settings = allowing();
    assert!(is_allowed_namespace(&settings, "a", "shared"));
    assert!(!is_allowed_namespace(&settings, "a", "b"));
}

#[test]
fn files_are_read_where_that_is_allowed() {
    let settings = allowing();
    let relative = Settings {
        client_cert_dir: Some(PathBuf::from("certs")),
        ..Settings::default()
    };
    assert!(!is_allowed_path(&relative, "certs/a"));
    let allowed = [
        "/certs/a",
        "/certs/a/b.pem",
        "/certs//a",
        "/certs/./a",
        "/certs",
    ];
    let refused = [
        "/certs/../etc/passwd",
        "/certs/a/..",
        "/certsx/a",
        "certs/a",
        "a",
        "/etc/passwd",
        "/",
        "/certs/..",
    ];
    for path in allowed {
        assert!(is_allowed_path(&settings, path), "{path}");
        assert!(!is_allowed_path(&Settings::default(), path), "{path}");
    }
    for path in refused {
        assert!(!is_allowed_path(&settings, path), "{path}");
        let cert = json!({"certPathInOperator": {"caCertsPath": path, "clientCertPath": path, "clientKeyPath": path}});
        let place = format!("{PLACE}.certPathInOperator");
        assert_eq!(
            found(&cert),
            ["caCertsPath", "clientCertPath", "clientKeyPath"]
                .map(|member| format!("CERT-09 {place}.{member}")),
            "{path}"
        );
    }
}
