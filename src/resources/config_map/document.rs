//! What `init` needs to know of the resolved spec.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    api::{Tree, network::AddressType},
    resolve::{Desired, Network, Rack, ResolvedVolume, VolumeKind},
    resources::init_document::{
        AddressDocument, InitDocument, NetworkDocument, VERSION, VolumeDocument, VolumeKindDocument,
    },
};

/// What the init containers of `rack` need to know.
#[must_use]
pub fn init_document(desired: &Desired, rack: &Rack) -> InitDocument {
    InitDocument {
        version: VERSION,
        cluster: desired.identity.name.clone(),
        server_image: desired.image.reference.clone(),
        rack_id: rack.id.0,
        rack_revision: rack.revision.0.clone(),
        rack_id_override: desired.spec.enable_rack_id_override == Some(true),
        network: network(&desired.network),
        work_directory: rack.work_directory.clone(),
        cleanup_threads: rack.storage.cleanup_threads,
        volumes: rack.storage.volumes.iter().map(volume).collect(),
        devices: devices(&rack.config),
    }
}

fn network(network: &Network) -> NetworkDocument {
    let ports = network.ports;
    let types = network.addresses;
    let custom = &network.custom;
    NetworkDocument {
        service_port: ports.service,
        tls_service_port: ports.tls_service,
        admin_port: ports.admin,
        tls_admin_port: ports.tls_admin,
        heartbeat_port: ports.heartbeat,
        tls_heartbeat_port: ports.tls_heartbeat,
        fabric_port: ports.fabric,
        tls_fabric_port: ports.tls_fabric,
        tls_name: network.tls_name.clone(),
        access: address(types.access, &custom.access),
        alternate_access: address(types.alternate_access, &custom.alternate_access),
        tls_access: address(types.tls_access, &custom.tls_access),
        tls_alternate_access: address(types.tls_alternate_access, &custom.tls_alternate_access),
        fabric_networks: custom.fabric.clone(),
        tls_fabric_networks: custom.tls_fabric.clone(),
        host_network: network.host_network,
        pod_service: network.has_pod_services(),
    }
}

fn address(kind: AddressType, networks: &[String]) -> AddressDocument {
    let networks = if kind == AddressType::CustomInterface {
        networks.to_vec()
    } else {
        Vec::new()
    };
    AddressDocument { kind, networks }
}

fn volume(volume: &ResolvedVolume) -> VolumeDocument {
    VolumeDocument {
        name: volume.name.clone(),
        kind: match volume.kind {
            VolumeKind::Block(_) => VolumeKindDocument::Block,
            VolumeKind::Filesystem(_) => VolumeKindDocument::Filesystem,
            VolumeKind::EmptyDir(_)
            | VolumeKind::Secret(_)
            | VolumeKind::ConfigMap(_)
            | VolumeKind::HostPath(_) => VolumeKindDocument::Other,
        },
        init: volume.init,
        wipe: volume.wipe,
        server_path: volume.server.as_ref().map(|server| server.path.clone()),
    }
}

/// The devices of all namespaces. A device and its shadow share a line, with blanks between them.
fn devices(config: &Tree) -> Vec<String> {
    let namespaces = config.get("namespaces").and_then(Value::as_array);
    let devices = namespaces
        .into_iter()
        .flatten()
        .filter_map(|namespace| namespace.get("storage-engine")?.get("devices")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .flat_map(str::split_whitespace);
    let sorted: BTreeSet<_> = devices.map(str::to_owned).collect();
    sorted.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn devices_and_their_shadows_are_listed_once() {
        let config = json!({"namespaces": [
            {"name": "a", "storage-engine": {"type": "device", "devices": ["/dev/b  /dev/s", "/dev/a"]}},
            {"name": "b", "storage-engine": {"type": "device", "files": ["/opt/b"]}},
            {"name": "c", "storage-engine": {"type": "pmem", "devices": ["/dev/a"]}},
            {"name": "d"},
        ]});
        let config = config.as_object().unwrap();
        assert_eq!(devices(config), ["/dev/a", "/dev/b", "/dev/s"]);
        assert_eq!(devices(&Tree::new()), [""; 0]);
    }

    #[test]
    fn networks_are_named_only_where_an_address_comes_from_them() {
        let names = ["ns/one".to_owned()];
        assert_eq!(address(AddressType::Pod, &names).networks, [""; 0]);
        assert_eq!(
            address(AddressType::CustomInterface, &names).networks,
            names
        );
    }
}
