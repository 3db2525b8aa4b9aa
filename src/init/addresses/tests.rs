use k8s_openapi::api::core::v1::{NodeAddress, NodeStatus, ServicePort, ServiceSpec};
use kube::api::ObjectMeta;

use super::*;
use crate::init::samples::{address, network};

const STATUS: &str = r#"[
    {"name": "cbr0", "interface": "eth0", "ips": ["10.1.0.5"], "default": true},
    {"name": "ns/two", "interface": "net2", "ips": ["10.2.0.5", "fd00::5"]},
    {"name": "ns/one", "interface": "net1", "ips": ["10.3.0.5"]},
    {"name": "ns/mute", "interface": "net3"}
]"#;

fn place() -> Place {
    Place {
        pod_ip: "10.1.0.5".to_owned(),
        host_ip: "192.168.0.9".to_owned(),
        node: NodeFacts {
            name: "n1".to_owned(),
            internal: Some("192.168.0.1".to_owned()),
            external: Some("34.0.0.1".to_owned()),
            labels: BTreeMap::from([
                (NODE_ACCESS_ADDRESS.to_owned(), "a.example".to_owned()),
                (
                    NODE_ALTERNATE_ACCESS_ADDRESS.to_owned(),
                    "b.example".to_owned(),
                ),
            ]),
        },
        node_ports: None,
        network_status: Some(STATUS.to_owned()),
    }
}

fn behind_service() -> Place {
    Place {
        node_ports: Some(BTreeMap::from([("service".to_owned(), 31000)])),
        ..place()
    }
}

fn advertised(place: &Place, kind: AddressType) -> (Vec<String>, u16) {
    let mut network = network();
    network.access = AddressDocument {
        kind,
        networks: vec!["ns/one".to_owned(), "ns/two".to_owned()],
    };
    let addresses = place.addresses(&network).unwrap();
    let access = &addresses.advertised[&Kind::Access];
    (access.addresses.clone(), access.port)
}

#[test]
fn each_type_has_its_address_and_port() {
    let table: [(AddressType, &[&str], u16); 5] = [
        (AddressType::Pod, &["10.1.0.5"], 3000),
        (AddressType::HostInternal, &["192.168.0.1"], 31000),
        (AddressType::HostExternal, &["34.0.0.1"], 31000),
        (AddressType::ConfiguredIp, &["a.example"], 31000),
        (
            AddressType::CustomInterface,
            &["10.2.0.5", "fd00::5", "10.3.0.5"],
            3000,
        ),
    ];
    for (kind, ips, port) in table {
        let ips: Vec<_> = ips.iter().map(|ip| (*ip).to_owned()).collect();
        assert_eq!(
            advertised(&behind_service(), kind),
            (ips.clone(), port),
            "{kind:?}"
        );
        assert_eq!(advertised(&place(), kind), (ips, 3000), "{kind:?}");
    }
}

#[test]
fn alternates_have_their_own_label() {
    let mut network = network();
    network.alternate_access = address(AddressType::ConfiguredIp);
    let addresses = place().addresses(&network).unwrap();
    assert_eq!(
        addresses.advertised[&Kind::AlternateAccess].addresses,
        ["b.example"]
    );
}

#[test]
fn a_node_without_addresses_is_reached_by_the_host_ip() {
    let node = Node {
        status: Some(NodeStatus {
            addresses: Some(vec![
                NodeAddress {
                    type_: "InternalIP".to_owned(),
                    address: "fd00::1".to_owned(),
                },
                NodeAddress {
                    type_: "ExternalIP".to_owned(),
                    address: "34.0.0.7".to_owned(),
                },
            ]),
            ..NodeStatus::default()
        }),
        ..Node::default()
    };
    let place = Place {
        node: NodeFacts::from(&node),
        ..place()
    };
    assert_eq!(place.internal(), "192.168.0.9");
    assert_eq!(place.external(), "34.0.0.7");
}

#[test]
fn what_is_missing_is_named() {
    let mut configured = network();
    configured.access = address(AddressType::ConfiguredIp);
    let mut custom = network();
    custom.access = AddressDocument {
        kind: AddressType::CustomInterface,
        networks: vec!["ns/absent".to_owned()],
    };
    let mut mute = network();
    mute.fabric_networks = vec!["ns/mute".to_owned()];
    let mut node = network();
    node.access = address(AddressType::HostInternal);

    let mut bare = place();
    bare.node.labels.clear();
    bare.network_status = None;
    bare.node_ports = Some(BTreeMap::new());

    assert_eq!(
        bare.addresses(&configured),
        Err(AddressError::NoLabel {
            node: "n1".to_owned(),
            label: NODE_ACCESS_ADDRESS
        })
    );
    assert_eq!(bare.addresses(&custom), Err(AddressError::NoNetworkStatus));
    assert_eq!(
        bare.addresses(&node),
        Err(AddressError::NoNodePort { port: "service" })
    );
    assert!(matches!(
        place().addresses(&custom),
        Err(AddressError::NotAttached { .. })
    ));
    assert_eq!(
        place().addresses(&mute),
        Err(AddressError::NoNetworkAddress {
            network: "ns/mute".to_owned()
        })
    );
    bare.network_status = Some("{}".to_owned());
    assert!(matches!(
        bare.addresses(&custom),
        Err(AddressError::BadNetworkStatus { .. })
    ));
}

#[test]
fn what_has_no_port_needs_no_address() {
    let mut network = network();
    network.tls_access = address(AddressType::ConfiguredIp);
    network.tls_fabric_networks = vec!["ns/absent".to_owned()];
    let addresses = place().addresses(&network).unwrap();
    assert_eq!(
        addresses.advertised.into_keys().collect::<Vec<_>>(),
        [Kind::Access, Kind::AlternateAccess]
    );
    assert!(uses_node(&network), "unused types count");
}

#[test]
fn node_ports_are_found_by_name() {
    let port = |name: Option<&str>, node_port| ServicePort {
        name: name.map(ToOwned::to_owned),
        node_port,
        ..ServicePort::default()
    };
    let service = Service {
        metadata: ObjectMeta::default(),
        spec: Some(ServiceSpec {
            ports: Some(vec![
                port(Some("service"), Some(31000)),
                port(Some("admin"), None),
                port(None, Some(31001)),
            ]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    assert_eq!(
        node_ports(&service),
        BTreeMap::from([("service".to_owned(), 31000)])
    );
}
