//! The server container, and the sidecars after it.

use k8s_openapi::{
    api::core::v1::{Container, ContainerPort, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{
    containers::{IF_NOT_PRESENT, environment, with_attachments},
    mounts,
};
use crate::{
    resolve::{Desired, Network, Rack},
    resources::{filled_list, names, telling},
};

/// All containers that run for as long as the pod.
pub fn containers(desired: &Desired, rack: &Rack) -> Vec<Container> {
    let pod = desired.spec.pod_spec.as_ref();
    let sidecars = pod.map_or(&[][..], |pod| &pod.sidecars);
    let sidecars = sidecars
        .iter()
        .map(|sidecar| with_attachments(sidecar, rack, |volume| &volume.sidecars));
    std::iter::once(server(desired, rack))
        .chain(sidecars)
        .collect()
}

fn server(desired: &Desired, rack: &Rack) -> Container {
    let settings = desired
        .spec
        .pod_spec
        .as_ref()
        .and_then(|pod| pod.aerospike_container.clone())
        .unwrap_or_default();
    Container {
        name: names::SERVER_CONTAINER.to_owned(),
        image: Some(desired.image.reference.clone()),
        image_pull_policy: Some(IF_NOT_PRESENT.to_owned()),
        env: Some(environment(desired)),
        ports: filled_list(ports(&desired.network)),
        readiness_probe: desired.network.client_port().map(readiness),
        resources: telling(settings.resources),
        security_context: telling(settings.security_context),
        volume_mounts: filled_list(mounts::of_server(rack)),
        volume_devices: filled_list(mounts::devices_of_server(rack)),
        ..Container::default()
    }
}

fn readiness(port: u16) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::Int(port.into()),
            host: None,
        }),
        initial_delay_seconds: Some(2),
        period_seconds: Some(5),
        ..Probe::default()
    }
}

/// The ports by name.
fn ports(network: &Network) -> Vec<ContainerPort> {
    let on_node = network.opens_node_ports();
    let ports = network.ports;
    let named = [
        ("admin", ports.admin, on_node),
        ("fabric", ports.fabric, false),
        ("heartbeat", ports.heartbeat, false),
        ("info", ports.info, on_node),
        ("service", ports.service, on_node),
        ("tls-admin", ports.tls_admin, on_node),
        ("tls-fabric", ports.tls_fabric, false),
        ("tls-heartbeat", ports.tls_heartbeat, false),
        ("tls-service", ports.tls_service, on_node),
    ];
    let configured = named
        .into_iter()
        .filter_map(|(name, port, on_node)| Some((name, i32::from(port?), on_node)));
    configured
        .map(|(name, port, on_node)| ContainerPort {
            name: Some(name.to_owned()),
            container_port: port,
            host_port: on_node.then_some(port),
            protocol: Some("TCP".to_owned()),
            host_ip: None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::network::AddressType,
        resolve::{AddressTypes, Ports},
    };

    fn network() -> Network {
        Network {
            ports: Ports {
                service: Some(3000),
                tls_service: Some(4333),
                fabric: Some(3001),
                heartbeat: Some(3002),
                ..Ports::default()
            },
            ..Network::default()
        }
    }

    fn host_ports(network: &Network) -> Vec<(String, Option<i32>)> {
        ports(network)
            .into_iter()
            .map(|port| (port.name.unwrap(), port.host_port))
            .collect()
    }

    fn none() -> Vec<(String, Option<i32>)> {
        ["fabric", "heartbeat", "service", "tls-service"]
            .map(|name| (name.to_owned(), None))
            .to_vec()
    }

    #[test]
    fn client_ports_are_open_on_the_node_and_sorted_by_name() {
        let mut expected = none();
        expected[2].1 = Some(3000);
        expected[3].1 = Some(4333);
        assert_eq!(host_ports(&network()), expected);
    }

    #[test]
    fn pods_that_share_a_node_have_no_port_on_it() {
        let network = Network {
            multi_pod_per_host: true,
            ..network()
        };
        assert_eq!(host_ports(&network), none());
    }

    #[test]
    fn no_port_is_open_on_the_node_where_clients_come_by_pod_addresses() {
        let addresses = |kind| AddressTypes {
            access: kind,
            alternate_access: kind,
            tls_access: kind,
            tls_alternate_access: kind,
        };
        let pod_only = Network {
            addresses: addresses(AddressType::Pod),
            ..network()
        };
        assert_eq!(host_ports(&pod_only), none());
        let custom = Network {
            addresses: addresses(AddressType::CustomInterface),
            ..network()
        };
        assert_ne!(host_ports(&custom), none());
    }
}
