//! Ports of the servers, addresses that they advertise.

use serde_json::Value;

use crate::api::{AerospikeClusterSpec, Tree, network::AddressType, network::FabricType};

/// Ports that the configuration names. A TLS port counts only beside a `tls-name` in the same section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Ports {
    pub service: Option<u16>,
    pub tls_service: Option<u16>,
    pub admin: Option<u16>,
    pub tls_admin: Option<u16>,
    pub fabric: Option<u16>,
    pub tls_fabric: Option<u16>,
    pub heartbeat: Option<u16>,
    pub tls_heartbeat: Option<u16>,
    pub info: Option<u16>,
}

/// Types of the advertised addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressTypes {
    /// `access-address`
    pub access: AddressType,
    /// `alternate-access-address`
    pub alternate_access: AddressType,
    /// `tls-access-address`
    pub tls_access: AddressType,
    /// `tls-alternate-access-address`
    pub tls_alternate_access: AddressType,
}

impl Default for AddressTypes {
    fn default() -> Self {
        Self {
            access: AddressType::HostInternal,
            alternate_access: AddressType::HostExternal,
            tls_access: AddressType::HostInternal,
            tls_alternate_access: AddressType::HostExternal,
        }
    }
}

impl AddressTypes {
    fn all(self) -> [AddressType; 4] {
        [
            self.access,
            self.alternate_access,
            self.tls_access,
            self.tls_alternate_access,
        ]
    }
}

/// Names of additional networks, each `<namespace>/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomNetworks {
    /// Of `access`.
    pub access: Vec<String>,
    /// Of `alternateAccess`.
    pub alternate_access: Vec<String>,
    /// Of `tlsAccess`.
    pub tls_access: Vec<String>,
    /// Of `tlsAlternateAccess`.
    pub tls_alternate_access: Vec<String>,
    /// Of `fabric`; empty unless fabric is bound to networks.
    pub fabric: Vec<String>,
    /// Of `tlsFabric`; empty unless TLS fabric is bound to networks.
    pub tls_fabric: Vec<String>,
}

/// Ports and addresses of a cluster's servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The ports.
    pub ports: Ports,
    /// `tls-name` of the service section.
    pub tls_name: Option<String>,
    /// Types of the advertised addresses.
    pub addresses: AddressTypes,
    /// Additional networks by use.
    pub custom: CustomNetworks,
    /// Several pods may share a node.
    pub multi_pod_per_host: bool,
    /// Pods use their node's network.
    pub host_network: bool,
}

impl Network {
    /// The port to which clients connect: the TLS one if there is one.
    #[must_use]
    pub fn client_port(&self) -> Option<u16> {
        self.ports.tls_service.or(self.ports.service)
    }

    /// Whether an advertised address is one of the node.
    #[must_use]
    pub fn uses_node_addresses(&self) -> bool {
        self.addresses.all().into_iter().any(|kind| {
            matches!(
                kind,
                AddressType::HostInternal | AddressType::HostExternal | AddressType::ConfiguredIp
            )
        })
    }

    /// Whether each pod has a `NodePort` service of its own.
    #[must_use]
    pub fn has_pod_services(&self) -> bool {
        self.multi_pod_per_host && self.uses_node_addresses()
    }

    /// Whether the ports of clients are opened on the node as well: where clients come by the node's address and no other
    /// pod of the cluster can be in the way.
    #[must_use]
    pub fn opens_node_ports(&self) -> bool {
        !self.multi_pod_per_host && !self.is_pod_only()
    }

    /// Whether clients reach pods by nothing but their own IPs.
    #[must_use]
    pub fn is_pod_only(&self) -> bool {
        let AddressTypes {
            access,
            alternate_access,
            tls_access,
            tls_alternate_access,
        } = self.addresses;
        let pod = |kinds: [AddressType; 2]| kinds == [AddressType::Pod; 2];
        (self.ports.service.is_none() || pod([access, alternate_access]))
            && (self.ports.tls_service.is_none() || pod([tls_access, tls_alternate_access]))
    }
}

/// The whole name of an additional network, `<namespace>/<name>`; one without a namespace is in that of the cluster.
#[must_use]
pub fn whole_name(name: &str, namespace: &str) -> String {
    let bare = name.trim();
    if bare.contains('/') {
        bare.to_owned()
    } else {
        format!("{namespace}/{bare}")
    }
}

/// The network of an effective spec.
#[must_use]
pub fn resolve(spec: &AerospikeClusterSpec) -> Network {
    let policy = spec.aerospike_network_policy.clone().unwrap_or_default();
    let defaults = AddressTypes::default();
    let pod = spec.pod_spec.as_ref();
    let fabric = |kind: Option<FabricType>, names: Vec<String>| {
        kind.map(|FabricType::CustomInterface| names)
            .unwrap_or_default()
    };
    Network {
        ports: ports(&spec.aerospike_config),
        tls_name: text(&spec.aerospike_config, "service", "tls-name"),
        addresses: AddressTypes {
            access: policy.access.unwrap_or(defaults.access),
            alternate_access: policy.alternate_access.unwrap_or(defaults.alternate_access),
            tls_access: policy.tls_access.unwrap_or(defaults.tls_access),
            tls_alternate_access: policy
                .tls_alternate_access
                .unwrap_or(defaults.tls_alternate_access),
        },
        custom: CustomNetworks {
            access: policy.custom_access_network_names,
            alternate_access: policy.custom_alternate_access_network_names,
            tls_access: policy.custom_tls_access_network_names,
            tls_alternate_access: policy.custom_tls_alternate_access_network_names,
            fabric: fabric(policy.fabric, policy.custom_fabric_network_names),
            tls_fabric: fabric(policy.tls_fabric, policy.custom_tls_fabric_network_names),
        },
        multi_pod_per_host: pod.is_some_and(|pod| pod.multi_pod_per_host == Some(true)),
        host_network: pod.is_some_and(|pod| pod.host_network == Some(true)),
    }
}

fn ports(config: &Tree) -> Ports {
    let plain = |section| port(config, section, "port");
    let tls = |section| {
        text(config, section, "tls-name")?;
        port(config, section, "tls-port")
    };
    Ports {
        service: plain("service"),
        tls_service: tls("service"),
        admin: plain("admin"),
        tls_admin: tls("admin"),
        fabric: plain("fabric"),
        tls_fabric: tls("fabric"),
        heartbeat: plain("heartbeat"),
        tls_heartbeat: tls("heartbeat"),
        info: plain("info"),
    }
}

fn member<'a>(config: &'a Tree, section: &str, key: &str) -> Option<&'a Value> {
    config.get("network")?.get(section)?.get(key)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn port(config: &Tree, section: &str, key: &str) -> Option<u16> {
    let number = member(config, section, key)?.as_f64()?;
    (1.0..=65535.0).contains(&number).then_some(number as u16)
}

fn text(config: &Tree, section: &str, key: &str) -> Option<String> {
    let text = member(config, section, key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
