//! Ports of containers.

use std::collections::BTreeSet;

use k8s_openapi::{api::core::v1::ContainerPort, apimachinery::pkg::util::intstr::IntOrString};

use super::{PlacedContainer, Role, containers, unknown};
use crate::{
    admission::{
        cluster::syntax::{is_port_name, shown},
        rules::Told,
        subject::Subject,
    },
    finding::{FieldPath, Finding},
};

const TCP: &str = "TCP";
const WHAT_A_NAME_IS: &str =
    "at most 15 lower case letters, digits and single hyphens, at least one of them a letter";

fn ports<'a>(
    placed: &PlacedContainer<'a>,
) -> impl Iterator<Item = (FieldPath, &'a ContainerPort)> + use<'a> {
    let list = placed.path.child("ports");
    let ports = placed.container.ports.iter().flatten().enumerate();
    ports.map(move |(index, port)| {
        let key = format!("{}/{}", port.container_port, protocol(port));
        (list.item(index, key), port)
    })
}

fn protocol(port: &ContainerPort) -> &str {
    port.protocol.as_deref().unwrap_or(TCP)
}

fn is_port(number: i32) -> bool {
    (1..=65535).contains(&number)
}

pub(super) fn ports_are_numbers_of_ports(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let numbers = ports(placed).flat_map(|(path, port)| {
        let host = port.host_port.filter(|number| *number != 0);
        [
            ("containerPort", Some(port.container_port)),
            ("hostPort", host),
        ]
        .map(|(name, number)| Some((path.child(name), number?)))
    });
    let wrong = numbers.flatten().filter(|(_, number)| !is_port(*number));
    wrong
        .map(|(path, number)| {
            Finding::invalid(
                "POD-13",
                path,
                format!("{number} is no port: must be 1 to 65535"),
            )
        })
        .told()
}

pub(super) fn ports_have_names_of_their_own(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let named = ports(placed).filter_map(|(path, port)| {
        let name = port.name.as_deref().filter(|name| !name.is_empty())?;
        Some((path.child("name"), name))
    });
    named
        .filter_map(|(path, name)| {
            if !is_port_name(name) {
                let message = format!("{} is no name of a port: {WHAT_A_NAME_IS}", shown(name));
                return Some(Finding::invalid("POD-14", path, message));
            }
            let message = || format!("port name {name:?} is there twice in this container");
            (!seen.insert(name)).then(|| Finding::duplicate("POD-14", path, message()))
        })
        .told()
}

pub(super) fn protocols_are_known(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let known = &[TCP, "UDP", "SCTP"];
    let unknown = ports(placed).filter_map(|(path, port)| {
        unknown(
            "POD-15",
            (&path, "protocol"),
            port.protocol.as_deref(),
            known,
        )
    });
    unknown.told()
}

/// Containers that run at the same time cannot have one port of the node. On the node's network every port is one of it.
pub(super) fn host_ports_are_free(subject: &Subject<'_>) -> Vec<Finding> {
    let on_host = subject
        .spec
        .pod_spec
        .as_ref()
        .is_some_and(|pod| pod.host_network == Some(true));
    let mut taken = BTreeSet::new();
    let sidecars = containers(subject).filter(|placed| placed.role == Role::Sidecar);
    let ports = sidecars.flat_map(|placed| ports(&placed));
    ports
        .flat_map(|(path, port)| {
            let given = port.host_port.filter(|number| *number != 0);
            let other = given.filter(|host| on_host && *host != port.container_port);
            let other = other.map(|host| {
                let message = format!(
                    "hostPort {host} must be containerPort {} because hostNetwork is on",
                    port.container_port
                );
                Finding::invalid("POD-16", path.child("hostPort"), message)
            });
            let used = given.or_else(|| on_host.then_some(port.container_port));
            let address = port.host_ip.as_deref().unwrap_or_default();
            let again = used.filter(|used| !taken.insert((*used, protocol(port), address)));
            let again = again.map(|number| {
                let member = if given.is_some() {
                    "hostPort"
                } else {
                    "containerPort"
                };
                let message = format!(
                    "port {number} of the node is taken by another port of these containers"
                );
                Finding::duplicate("POD-16", path.child(member), message)
            });
            [other, again]
        })
        .flatten()
        .told()
}

/// A finding if `port` is neither a number nor a name of a port.
pub(super) fn reachable(
    code: &'static str,
    path: &FieldPath,
    port: &IntOrString,
) -> Option<Finding> {
    let message = match port {
        IntOrString::Int(number) if !is_port(*number) => {
            format!("{number} is no port: must be 1 to 65535")
        }
        IntOrString::String(name) if !is_port_name(name) => {
            format!("{} is no name of a port: {WHAT_A_NAME_IS}", shown(name))
        }
        _ => return None,
    };
    Some(Finding::invalid(code, path.clone(), message))
}
