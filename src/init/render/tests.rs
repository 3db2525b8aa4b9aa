use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::init::samples;

const TEMPLATE: &str = include_str!("template.conf");
const RENDERED: &str = include_str!("rendered.conf");

fn network() -> NetworkDocument {
    NetworkDocument {
        tls_service_port: Some(4333),
        tls_heartbeat_port: Some(3012),
        tls_fabric_port: Some(3011),
        tls_name: Some("c.example".to_owned()),
        ..samples::network()
    }
}

fn advertised(addresses: &[&str], port: u16) -> Advertised {
    Advertised {
        addresses: addresses.iter().map(|ip| (*ip).to_owned()).collect(),
        port,
    }
}

fn addresses() -> Addresses {
    Addresses {
        advertised: BTreeMap::from([
            (Kind::Access, advertised(&["192.168.0.1"], 31000)),
            (Kind::AlternateAccess, advertised(&["34.0.0.1"], 31000)),
            (Kind::TlsAccess, advertised(&["10.2.0.5", "fd00::5"], 4333)),
            (Kind::TlsAlternateAccess, advertised(&["b.example"], 31043)),
        ]),
        fabric: vec!["10.3.0.5".to_owned(), "10.3.0.6".to_owned()],
        tls_fabric: vec!["10.4.0.5".to_owned()],
    }
}

fn rendered(network: &NetworkDocument, addresses: &Addresses, rack_id: Option<i64>) -> String {
    let values = Values {
        node_id: "1a1",
        network,
        addresses,
        pod_ip: "10.1.0.5",
        peers: &["c-1-0.c.ns", "c-1-10.c.ns"],
        rack_id,
    };
    render(TEMPLATE, &values).unwrap()
}

#[test]
fn everything_at_once_is_rendered_as_documented() {
    let network = NetworkDocument {
        host_network: true,
        ..network()
    };
    assert_eq!(rendered(&network, &addresses(), Some(7)), RENDERED);
}

#[test]
fn without_host_network_and_override_their_lines_stay_away() {
    let text = rendered(&network(), &addresses(), None);
    let expected = RENDERED
        .replace("        tls-address 10.1.0.5\n", "")
        .replace("        address 10.1.0.5\n", "")
        .replace("rack-id    7", "rack-id    1");
    assert_eq!(text, expected);
}

#[test]
fn rendering_again_with_nothing_to_insert_changes_nothing() {
    let quiet = NetworkDocument {
        heartbeat_port: None,
        tls_heartbeat_port: None,
        ..network()
    };
    let addresses = Addresses {
        fabric: Vec::new(),
        tls_fabric: Vec::new(),
        ..addresses()
    };
    let values = Values {
        node_id: "1a1",
        network: &quiet,
        addresses: &addresses,
        pod_ip: "10.1.0.5",
        peers: &[],
        rack_id: None,
    };
    assert_eq!(render(RENDERED, &values).as_deref(), Ok(RENDERED));
}

#[test]
fn equal_plain_and_tls_ports_are_told_apart() {
    let network = NetworkDocument {
        tls_service_port: Some(3000),
        ..network()
    };
    let template = "\nnetwork {\n\n    service {\n        access-port    3000\n        tls-access-port    3000\n        port    3000\n    }\n}\n";
    let mut addresses = addresses();
    addresses
        .advertised
        .insert(Kind::TlsAccess, advertised(&[], 31043));
    let values = Values {
        node_id: "1a1",
        network: &network,
        addresses: &addresses,
        pod_ip: "10.1.0.5",
        peers: &[],
        rack_id: None,
    };
    let expected = template
        .replace(
            "        access-port    3000",
            "        access-port    31000",
        )
        .replace("tls-access-port    3000", "tls-access-port    31043");
    assert_eq!(render(template, &values), Ok(expected));
}

#[test]
fn an_address_without_a_port_is_refused() {
    let addresses = Addresses::default();
    let network = network();
    let values = Values {
        node_id: "1a1",
        network: &network,
        addresses: &addresses,
        pod_ip: "10.1.0.5",
        peers: &[],
        rack_id: None,
    };
    let unfilled = render(TEMPLATE, &values).unwrap_err();
    assert_eq!(unfilled.placeholder, "<access-address>");
}

/// A line of a user's namespace, with keys that look like those of the network.
fn foreign_line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "access-port",
        "tls-access-port",
        "address",
        "replication-factor",
        "fabric",
        "heartbeat",
        "rack-idle",
    ]);
    (key, "[a-z0-9.]{1,8}").prop_map(|(key, value)| format!("    {key}    {value}"))
}

proptest! {
    #[test]
    fn no_placeholder_is_left_and_foreign_lines_are_kept(
        foreign in prop::collection::vec(foreign_line(), 0..8),
        peers in prop::collection::vec("c-1-[0-9]{1,2}\\.c\\.ns", 0..5),
        host_network: bool,
        rack_id in prop::option::of(0_i64..1_000_000),
    ) {
        let body = foreign.join("\n");
        let template = format!("{TEMPLATE}\nnamespace foreign {{\n{body}\n}}\n");
        let network = NetworkDocument { host_network, ..network() };
        let peers: Vec<_> = peers.iter().map(String::as_str).collect();
        let values = Values {
            node_id: "1a1",
            network: &network,
            addresses: &addresses(),
            pod_ip: "10.1.0.5",
            peers: &peers,
            rack_id,
        };
        let text = render(&template, &values).unwrap();
        prop_assert!(!text.contains("ENV_NODE_ID") && !text.contains('<') && !text.contains("_DNE"));
        let tail = format!("\nnamespace foreign {{\n{body}\n}}\n");
        prop_assert!(text.ends_with(&tail), "{text}");
        prop_assert_eq!(text.matches("mesh-seed-address-port ").count(), 2 * peers.len());
    }

    #[test]
    fn any_text_is_taken_without_a_panic(template in "(\\PC|\n|\\{|\\}| ){0,200}") {
        let network = network();
        let values = Values {
            node_id: "1a1",
            network: &network,
            addresses: &addresses(),
            pod_ip: "10.1.0.5",
            peers: &[],
            rack_id: Some(3),
        };
        drop(render(&template, &values));
    }
}
