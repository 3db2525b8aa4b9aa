use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text},
    api::AerospikeCluster,
};

/// A cluster with TLS beside the plain ports, with `network` merged over it.
fn network(network: &Value) -> AerospikeCluster {
    let tls = json!({
        "service": {"tls-name": "a", "tls-port": 4333},
        "heartbeat": {"tls-name": "a", "tls-port": 3012},
        "fabric": {"tls-name": "a", "tls-port": 3011},
        "tls": [{"name": "a", "cert-file": "/c", "key-file": "/k", "ca-file": "/a"}],
    });
    let mut cluster = cluster(
        &json!({"operatorClientCert": {"tlsClientName": "b", "secretCertSource": {"secretName": "s", "clientCertFilename": "c", "clientKeyFilename": "k"}},
        "aerospikeConfig": {"network": tls}, "storage": {"volumes": [
        {"name": "tls", "source": {"secret": {"secretName": "s"}}, "aerospike": {"path": "/"}}]}}),
    );
    json_patch::merge(
        cluster.spec.aerospike_config.get_mut("network").unwrap(),
        network,
    );
    cluster
}

fn entries(entries: &Value) -> AerospikeCluster {
    network(&json!({ "tls": entries }))
}

fn clients(clients: &Value) -> Vec<String> {
    created(&network(
        &json!({"service": {"tls-authenticate-client": clients}}),
    ))
}

#[test]
fn tls_on_every_connection_is_accepted() {
    assert_eq!(created(&network(&json!({}))), [""; 0]);
}

#[test]
fn authorities_come_from_a_file_or_a_folder() {
    let both = entries(
        &json!([{"name": "a", "cert-file": "/c", "key-file": "/k", "ca-file": "/a", "ca-path": "/b"}]),
    );
    assert_eq!(
        created(&both),
        ["TLS-01 spec.aerospikeConfig.network.tls[0]"]
    );
    assert!(text(&both).contains("both `ca-path` and `ca-file` cannot be set in `tls`"));
}

#[test]
fn a_certificate_has_a_key() {
    for half in ["cert-file", "key-file"] {
        let given = entries(&json!([{"name": "a", "ca-file": "/a"}, {"name": "b", half: "/x"}]));
        assert_eq!(
            created(&given),
            ["TLS-02 spec.aerospikeConfig.network.tls[1]"]
        );
        assert!(
            text(&given)
                .contains("both `cert-file` and `key-file` must be set together in tlsConf map")
        );
    }
}

#[test]
fn clients_are_checked_by_any_false_or_names() {
    for good in [
        json!("any"),
        json!("false"),
        json!(false),
        json!(["b", "c.d"]),
    ] {
        assert_eq!(clients(&good), [""; 0], "{good}");
    }
    let place = "spec.aerospikeConfig.network.service.tls-authenticate-client";
    for bad in [json!("b"), json!(true)] {
        assert_eq!(clients(&bad), [format!("TLS-03 {place}")], "{bad}");
    }
    for bad in [json!("no host"), json!(1), json!({})] {
        assert_eq!(clients(&bad), [format!("SCH-04 {place}")], "{bad}");
    }
    for bad in [
        json!(["b", 1]),
        json!(["b", "any"]),
        json!(["b", "c d"]),
        json!(["b", "c_d"]),
    ] {
        assert_eq!(clients(&bad), [format!("SCH-04 {place}[1]")], "{bad}");
    }
    assert_eq!(
        clients(&json!(["b", "10.0.0.1"])),
        [format!("TLS-04 {place}[1]")]
    );
}

#[test]
fn a_tls_name_needs_a_port() {
    for name in ["service", "heartbeat", "fabric"] {
        let given = network(&json!({name: {"tls-port": null}}));
        assert_eq!(
            created(&given),
            [format!(
                "TLS-05 spec.aerospikeConfig.network.{name}.tls-port"
            )]
        );
    }
    let admin = network(&json!({"admin": {"port": 3008, "tls-name": "a"}}));
    assert_eq!(
        created(&admin),
        ["TLS-05 spec.aerospikeConfig.network.admin.tls-port"]
    );
}

#[test]
fn a_tls_name_is_configured() {
    let given = network(
        &json!({"fabric": {"tls-name": "b"}, "admin": {"tls-name": "c", "tls-port": 3009}}),
    );
    assert_eq!(
        created(&given),
        [
            "TLS-06 spec.aerospikeConfig.network.admin.tls-name",
            "TLS-06 spec.aerospikeConfig.network.fabric.tls-name",
        ]
    );
}

#[test]
fn tls_parameters_need_a_tls_name() {
    let given = network(
        &json!({"service": {"tls-name": null}, "heartbeat": {"tls-name": null, "tls-addresses": ["x"]}}),
    );
    assert_eq!(
        created(&given),
        [
            "TLS-07 spec.aerospikeConfig.network.heartbeat.tls-addresses",
            "TLS-07 spec.aerospikeConfig.network.heartbeat.tls-port",
            "TLS-07 spec.aerospikeConfig.network.service.tls-port",
        ]
    );
}

#[test]
fn a_connection_that_nobody_can_reach_is_told_once() {
    let given = network(
        &json!({"fabric": {"port": null, "tls-port": null}, "heartbeat": {"port": null, "tls-name": null}}),
    );
    assert_eq!(
        created(&given),
        [
            "SCH-04 spec.aerospikeConfig.network.fabric",
            "SCH-04 spec.aerospikeConfig.network.heartbeat",
        ]
    );
    assert!(text(&given).contains("fabric needs port, or tls-port"));
}
