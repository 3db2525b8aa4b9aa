//! What a server advertises, and to what it binds fabric: address types, node, service and additional networks put together.

use std::{collections::BTreeMap, net::Ipv4Addr};

use k8s_openapi::api::core::v1::{Node, Service};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    api::network::AddressType,
    resources::{
        init_document::{AddressDocument, NetworkDocument},
        labels::{NETWORK_STATUS, NODE_ACCESS_ADDRESS, NODE_ALTERNATE_ACCESS_ADDRESS},
    },
};

/// Why there is no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The node does not say its address.
    #[error(
        "node {node} has no label {label}, which the address type configuredIP needs: label the node with the address"
    )]
    NoLabel {
        /// The node.
        node: String,
        /// The label.
        label: &'static str,
    },
    /// The pod's service has no such node port.
    #[error(
        "the pod's service has no node port named {port}: the operator adds it, look at its log if this lasts"
    )]
    NoNodePort {
        /// Name of the port.
        port: &'static str,
    },
    /// Nothing is known of additional networks.
    #[error(
        "the pod has no annotation {NETWORK_STATUS}, which the address type customInterface needs: name the networks in the annotation k8s.v1.cni.cncf.io/networks of spec.podSpec.metadata, and check that the network plugin runs"
    )]
    NoNetworkStatus,
    /// What is known of additional networks cannot be read.
    #[error("the pod's annotation {NETWORK_STATUS} is not a list of networks: {reason}")]
    BadNetworkStatus {
        /// What the parser says.
        reason: String,
    },
    /// None of the networks is attached.
    #[error("none of the networks {wanted:?} is attached to the pod, which has {attached:?}")]
    NotAttached {
        /// The networks.
        wanted: Vec<String>,
        /// Those that are attached.
        attached: Vec<String>,
    },
    /// A network without an address.
    #[error("the network {network} gave the pod no address")]
    NoNetworkAddress {
        /// The network.
        network: String,
    },
}

/// The four addresses that a server advertises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// `access-address`
    Access,
    /// `alternate-access-address`
    AlternateAccess,
    /// `tls-access-address`
    TlsAccess,
    /// `tls-alternate-access-address`
    TlsAlternateAccess,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Access,
        Self::AlternateAccess,
        Self::TlsAccess,
        Self::TlsAlternateAccess,
    ];

    /// The beginning of its keys in the configuration.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::AlternateAccess => "alternate-access",
            Self::TlsAccess => "tls-access",
            Self::TlsAlternateAccess => "tls-alternate-access",
        }
    }

    /// The server's own port behind it.
    #[must_use]
    pub const fn port(self, network: &NetworkDocument) -> Option<u16> {
        match self {
            Self::Access | Self::AlternateAccess => network.service_port,
            Self::TlsAccess | Self::TlsAlternateAccess => network.tls_service_port,
        }
    }

    const fn document(self, network: &NetworkDocument) -> &AddressDocument {
        match self {
            Self::Access => &network.access,
            Self::AlternateAccess => &network.alternate_access,
            Self::TlsAccess => &network.tls_access,
            Self::TlsAlternateAccess => &network.tls_alternate_access,
        }
    }

    const fn port_name(self) -> &'static str {
        match self {
            Self::Access | Self::AlternateAccess => "service",
            Self::TlsAccess | Self::TlsAlternateAccess => "tls-service",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Access | Self::TlsAccess => NODE_ACCESS_ADDRESS,
            Self::AlternateAccess | Self::TlsAlternateAccess => NODE_ALTERNATE_ACCESS_ADDRESS,
        }
    }
}

/// What is known of the pod's place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// IP of the pod.
    pub pod_ip: String,
    /// IP of the node, as the kubelet says.
    pub host_ip: String,
    /// The node, if it was asked for.
    pub node: NodeFacts,
    /// Node ports of the pod's service by name, if it has one.
    pub node_ports: Option<BTreeMap<String, u16>>,
    /// What the network plugin reports.
    pub network_status: Option<String>,
}

/// What is known of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// Its internal IPv4 address.
    pub internal: Option<String>,
    /// Its external IPv4 address.
    pub external: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl From<&Node> for NodeFacts {
    fn from(node: &Node) -> Self {
        Self {
            name: node.metadata.name.clone().unwrap_or_default(),
            internal: ipv4(node, "InternalIP"),
            external: ipv4(node, "ExternalIP"),
            labels: node.metadata.labels.clone().unwrap_or_default(),
        }
    }
}

fn ipv4(node: &Node, kind: &str) -> Option<String> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    addresses
        .iter()
        .filter(|address| address.type_ == kind)
        .map(|address| address.address.clone())
        .find(|address| address.parse::<Ipv4Addr>().is_ok())
}

/// The node ports of a service, by name.
#[must_use]
pub fn node_ports(service: &Service) -> BTreeMap<String, u16> {
    let ports = service.spec.iter().flat_map(|spec| &spec.ports).flatten();
    ports
        .filter_map(|port| {
            let number = u16::try_from(port.node_port?).ok()?;
            Some((port.name.clone()?, number))
        })
        .collect()
}

/// The addresses of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// What it advertises; only what has a port.
    pub advertised: BTreeMap<Kind, Advertised>,
    /// To what fabric binds; any address if empty.
    pub fabric: Vec<String>,
    /// To what TLS fabric binds; any address if empty.
    pub tls_fabric: Vec<String>,
}

/// Advertised addresses and their port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advertised {
    /// The addresses.
    pub addresses: Vec<String>,
    /// The port of all of them.
    pub port: u16,
}

/// Some advertised address is that of the node, whether its port is used or not.
#[must_use]
pub fn uses_node(network: &NetworkDocument) -> bool {
    Kind::ALL
        .iter()
        .any(|kind| of_node(kind.document(network).kind))
}

const fn of_node(kind: AddressType) -> bool {
    match kind {
        AddressType::HostInternal | AddressType::HostExternal | AddressType::ConfiguredIp => true,
        AddressType::Pod | AddressType::CustomInterface => false,
    }
}

impl Place {
    /// The node's internal address.
    #[must_use]
    pub fn internal(&self) -> &str {
        self.node.internal.as_deref().unwrap_or(&self.host_ip)
    }

    /// The node's external address.
    #[must_use]
    pub fn external(&self) -> &str {
        self.node.external.as_deref().unwrap_or(&self.host_ip)
    }

    /// The port by which the node leads to `port`, which the pod's service calls `name`.
    ///
    /// # Errors
    ///
    /// The service has no such port.
    pub fn mapped(&self, name: &'static str, port: u16) -> Result<u16, AddressError> {
        match &self.node_ports {
            None => Ok(port),
            Some(ports) => ports
                .get(name)
                .copied()
                .ok_or(AddressError::NoNodePort { port: name }),
        }
    }

    /// All addresses of the server.
    ///
    /// # Errors
    ///
    /// What an address type needs is missing.
    pub fn addresses(&self, network: &NetworkDocument) -> Result<Addresses, AddressError> {
        let mut advertised = BTreeMap::new();
        for kind in Kind::ALL {
            if let Some(port) = kind.port(network) {
                advertised.insert(kind, self.advertised(kind, port, kind.document(network))?);
            }
        }
        Ok(Addresses {
            advertised,
            fabric: self.bound(network.fabric_port, &network.fabric_networks)?,
            tls_fabric: self.bound(network.tls_fabric_port, &network.tls_fabric_networks)?,
        })
    }

    fn advertised(
        &self,
        kind: Kind,
        port: u16,
        document: &AddressDocument,
    ) -> Result<Advertised, AddressError> {
        let addresses = match document.kind {
            AddressType::Pod => vec![self.pod_ip.clone()],
            AddressType::HostInternal => vec![self.internal().to_owned()],
            AddressType::HostExternal => vec![self.external().to_owned()],
            AddressType::ConfiguredIp => vec![self.configured(kind.label())?],
            AddressType::CustomInterface => self.on_networks(&document.networks)?,
        };
        let port = if of_node(document.kind) {
            self.mapped(kind.port_name(), port)?
        } else {
            port
        };
        Ok(Advertised { addresses, port })
    }

    fn configured(&self, label: &'static str) -> Result<String, AddressError> {
        let address = self.node.labels.get(label);
        address
            .filter(|address| !address.is_empty())
            .cloned()
            .ok_or_else(|| AddressError::NoLabel {
                node: self.node.name.clone(),
                label,
            })
    }

    fn bound(&self, port: Option<u16>, networks: &[String]) -> Result<Vec<String>, AddressError> {
        if port.is_none() || networks.is_empty() {
            return Ok(Vec::new());
        }
        self.on_networks(networks)
    }

    /// The pod's addresses on `wanted`, in the order of the annotation.
    fn on_networks(&self, wanted: &[String]) -> Result<Vec<String>, AddressError> {
        let attached = self.attached()?;
        let found: Vec<_> = attached
            .iter()
            .filter(|network| wanted.contains(&network.name))
            .collect();
        if found.is_empty() {
            return Err(AddressError::NotAttached {
                wanted: wanted.to_vec(),
                attached: attached.into_iter().map(|network| network.name).collect(),
            });
        }
        if let Some(network) = found.iter().find(|network| network.ips.is_empty()) {
            return Err(AddressError::NoNetworkAddress {
                network: network.name.clone(),
            });
        }
        Ok(found
            .into_iter()
            .flat_map(|network| network.ips.clone())
            .collect())
    }

    fn attached(&self) -> Result<Vec<Attached>, AddressError> {
        let text = self.network_status.as_deref();
        let text = text.ok_or(AddressError::NoNetworkStatus)?;
        serde_json::from_str(text).map_err(|error| AddressError::BadNetworkStatus {
            reason: error.to_string(),
        })
    }
}

/// One network of the annotation.
#[derive(Clone, Debug, Deserialize)]
struct Attached {
    name: String,
    #[serde(default)]
    ips: Vec<String>,
}

#[cfg(test)]
mod tests;
