//! Values for tests.

use crate::{
    api::{
        network::AddressType,
        storage::{InitMethod, WipeMethod},
    },
    resources::init_document::{
        AddressDocument, InitDocument, NetworkDocument, VERSION, VolumeDocument, VolumeKindDocument,
    },
};

/// An address of a type without networks.
pub fn address(kind: AddressType) -> AddressDocument {
    AddressDocument {
        kind,
        networks: Vec::new(),
    }
}

/// Plain ports only, all addresses those of the pod.
pub fn network() -> NetworkDocument {
    NetworkDocument {
        service_port: Some(3000),
        tls_service_port: None,
        admin_port: None,
        tls_admin_port: None,
        heartbeat_port: Some(3002),
        tls_heartbeat_port: None,
        fabric_port: Some(3001),
        tls_fabric_port: None,
        tls_name: None,
        access: address(AddressType::Pod),
        alternate_access: address(AddressType::Pod),
        tls_access: address(AddressType::Pod),
        tls_alternate_access: address(AddressType::Pod),
        fabric_networks: Vec::new(),
        tls_fabric_networks: Vec::new(),
        host_network: false,
        pod_service: false,
    }
}

/// A cluster without volumes.
pub fn document() -> InitDocument {
    InitDocument {
        version: VERSION,
        cluster: "c".to_owned(),
        server_image: "aerospike/aerospike-server-enterprise:8.1.2.0".to_owned(),
        rack_id: 1,
        rack_revision: String::new(),
        rack_id_override: false,
        network: network(),
        work_directory: "/opt/aerospike".to_owned(),
        cleanup_threads: 1,
        volumes: Vec::new(),
        devices: Vec::new(),
    }
}

/// A volume that is not prepared.
pub fn volume(name: &str, kind: VolumeKindDocument, path: &str) -> VolumeDocument {
    VolumeDocument {
        name: name.to_owned(),
        kind,
        init: InitMethod::None,
        wipe: match kind {
            VolumeKindDocument::Block => WipeMethod::Dd,
            VolumeKindDocument::Filesystem | VolumeKindDocument::Other => WipeMethod::DeleteFiles,
        },
        server_path: Some(path.to_owned()),
    }
}
