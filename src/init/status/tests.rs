use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::{
    api::{network::AddressType, status::LastRestart},
    init::{
        addresses::{Advertised, NodeFacts},
        samples::{address, document},
    },
};

fn environment() -> Environment {
    Environment {
        pod: "c-1-0".to_owned(),
        namespace: "ns".to_owned(),
        pod_ip: "10.1.0.5".to_owned(),
        host_ip: "192.168.0.9".to_owned(),
        cluster: "c".to_owned(),
        pod_spec_hash: None,
    }
}

fn place() -> Place {
    Place {
        pod_ip: "10.1.0.5".to_owned(),
        host_ip: "192.168.0.9".to_owned(),
        node: NodeFacts {
            internal: Some("192.168.0.1".to_owned()),
            ..NodeFacts::default()
        },
        node_ports: Some(
            [("tls-service", 31043), ("admin", 31008)]
                .map(|(name, port)| (name.to_owned(), port))
                .into(),
        ),
        network_status: None,
    }
}

fn restart() -> LastRestart {
    LastRestart {
        time: Time("2026-01-02T03:04:05Z".parse().unwrap()),
        reasons: vec!["image".to_owned()],
        warm_restart: None,
    }
}

fn reported(document: &InitDocument, place: &Place) -> Result<Value, AddressError> {
    let advertised = Advertised {
        addresses: ["192.168.0.1", "fd00::5", "a.example"]
            .map(ToOwned::to_owned)
            .to_vec(),
        port: 31043,
    };
    let addresses = Addresses {
        advertised: [(Kind::TlsAccess, advertised)].into(),
        ..Addresses::default()
    };
    let facts = Facts {
        document,
        environment: &environment(),
        place,
        addresses: &addresses,
        node_id: "1a0",
        rack_id: 1,
        images: &Images {
            server: "server:1".to_owned(),
            init: Some("init:1".to_owned()),
        },
        hashes: &Hashes {
            config: "h1".to_owned(),
            network_policy: "h2".to_owned(),
            pod_spec: "h3".to_owned(),
        },
        volumes: &Decision {
            initialized: vec!["v@1".to_owned()],
            dirty: vec!["w".to_owned()],
            ..Decision::default()
        },
        before: Some(&PodStatus {
            pod_ip: "10.0.0.1".to_owned(),
            last_restart: Some(restart()),
            ..PodStatus::default()
        }),
    };
    entry(&facts).map(|entry| json!(entry))
}

#[test]
fn a_pod_behind_its_node_reports_both_sides() {
    let mut document = document();
    document.network.access = address(AddressType::HostInternal);
    document.network.tls_service_port = Some(4333);
    document.network.tls_name = Some("c.example".to_owned());
    document.network.admin_port = Some(3008);
    document.rack_id_override = true;
    let expected = json!({
        "image": "server:1", "initImage": "init:1", "podIP": "10.1.0.5",
        "hostInternalIP": "192.168.0.1", "hostExternalIP": "192.168.0.9",
        "podPort": 4333, "servicePort": 31043, "podAdminPort": 3008, "serviceAdminPort": 31008,
        "aerospike": {
            "clusterName": "c", "nodeID": "1a0", "rackID": 1, "tlsName": "c.example",
            "tlsAccessEndpoints": ["192.168.0.1:31043", "[fd00::5]:31043"],
        },
        "initializedVolumes": ["v@1"], "dirtyVolumes": ["w"],
        "aerospikeConfigHash": "h1", "networkPolicyHash": "h2", "podSpecHash": "h3",
        "rackIDOverridden": true,
        "lastRestart": {"time": "2026-01-02T03:04:05Z", "reasons": ["image"]},
    });
    assert_eq!(reported(&document, &place()), Ok(expected));
}

#[test]
fn a_pod_by_itself_reports_no_node_ports() {
    let place = Place {
        node: NodeFacts::default(),
        node_ports: None,
        ..place()
    };
    let report = reported(&document(), &place).unwrap();
    assert_eq!(report["hostInternalIP"], "192.168.0.9");
    assert_eq!(report["podPort"], 3000);
    for absent in [
        "hostExternalIP",
        "servicePort",
        "serviceAdminPort",
        "rackIDOverridden",
    ] {
        assert_eq!(report.get(absent), None, "{absent}");
    }
}

#[test]
fn a_missing_node_port_is_an_error() {
    let mut document = document();
    document.network.access = address(AddressType::HostInternal);
    let missing = reported(&document, &place());
    assert_eq!(missing, Err(AddressError::NoNodePort { port: "service" }));
}

/// `cluster` after the patch for it.
fn patched(mut cluster: Value) -> Value {
    let patch = patch(&cluster, "c-1-0", &PodStatus::default());
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    json_patch::patch(&mut cluster, &patch).unwrap();
    cluster["status"]["pods"].clone()
}

#[test]
fn the_entry_is_put_beside_those_of_others() {
    let entry = json!(PodStatus::default());
    let metadata = json!({"resourceVersion": "5"});
    let other = json!({"c-1-1": 1});
    let both = json!({"c-1-0": entry, "c-1-1": 1});
    let alone = json!({"c-1-0": entry});
    for (status, expected) in [
        (json!({"pods": other}), &both),
        (json!({"pods": {"c-1-0": 7, "c-1-1": 1}}), &both),
        (json!({"pods": {}}), &alone),
        (json!({}), &alone),
        (Value::Null, &alone),
    ] {
        let cluster = json!({"metadata": metadata, "status": status});
        assert_eq!(&patched(cluster), expected, "{status}");
    }
}

#[test]
fn the_map_is_made_only_in_the_version_that_lacks_it() {
    let cluster = json!({"metadata": {"resourceVersion": "5"}, "status": {}});
    let patch = patch(&cluster, "c-1-0", &PodStatus::default());
    assert_eq!(
        patch[0],
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "5"})
    );
}
