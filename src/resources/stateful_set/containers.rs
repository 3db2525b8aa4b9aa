//! The init containers, and what all containers share.

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, ObjectFieldSelector};

use super::mounts;
use crate::{
    api::storage::ContainerAttachment,
    resolve::{Desired, Rack, ResolvedVolume},
    resources::{filled_list, names, telling},
};

/// The pull policy of our two containers.
pub const IF_NOT_PRESENT: &str = "IfNotPresent";
/// What our init container runs.
const INIT_COMMAND: [&str; 3] = ["/manager", "init", "cold-restart"];

/// The init containers in their order: ours where its name stands in the user's list, else first.
pub fn init_containers(desired: &Desired, rack: &Rack) -> Vec<Container> {
    let pod = desired.spec.pod_spec.as_ref();
    let listed = pod.map_or(&[][..], |pod| &pod.init_containers);
    let mut all: Vec<_> = listed
        .iter()
        .map(|container| {
            if is_placeholder(container) {
                init(desired, rack)
            } else {
                with_attachments(container, rack, |volume| &volume.init_containers)
            }
        })
        .collect();
    if !listed.iter().any(is_placeholder) {
        all.insert(0, init(desired, rack));
    }
    all
}

fn is_placeholder(container: &Container) -> bool {
    container.name == names::INIT_CONTAINER
}

fn init(desired: &Desired, rack: &Rack) -> Container {
    let settings = desired
        .spec
        .pod_spec
        .as_ref()
        .and_then(|pod| pod.aerospike_init_container.clone())
        .unwrap_or_default();
    Container {
        name: names::INIT_CONTAINER.to_owned(),
        image: Some(desired.init_image.clone()),
        image_pull_policy: Some(IF_NOT_PRESENT.to_owned()),
        command: Some(INIT_COMMAND.map(str::to_owned).to_vec()),
        env: Some(init_environment(desired, rack)),
        resources: telling(settings.resources),
        security_context: telling(settings.security_context),
        volume_mounts: filled_list(mounts::of_init(rack)),
        volume_devices: filled_list(mounts::devices_of_init(rack)),
        ..Container::default()
    }
}

/// A container of the user's, with the volumes that name it. Where both claim a path the volume wins.
pub fn with_attachments(
    container: &Container,
    rack: &Rack,
    attachments: fn(&ResolvedVolume) -> &[ContainerAttachment],
) -> Container {
    let own = container.clone();
    let mounts = mounts::of_attachments(rack, &own.name, attachments);
    let devices = mounts::devices_of_attachments(rack, &own.name, attachments);
    Container {
        resources: telling(own.resources),
        volume_mounts: filled_list(mounts::merge(own.volume_mounts, mounts)),
        volume_devices: filled_list(mounts::merge_devices(own.volume_devices, devices)),
        ..own
    }
}

/// The environment of server and init container.
pub fn environment(desired: &Desired) -> Vec<EnvVar> {
    let tls_name = desired.network.tls_name.as_deref().unwrap_or_default();
    vec![
        from_field("MY_POD_NAME", "metadata.name"),
        from_field("MY_POD_NAMESPACE", "metadata.namespace"),
        from_field("MY_POD_IP", "status.podIP"),
        from_field("MY_HOST_IP", "status.hostIP"),
        literal("MY_POD_TLS_NAME", tls_name),
        literal("MY_POD_CLUSTER_NAME", &desired.identity.name),
    ]
}

fn init_environment(desired: &Desired, rack: &Rack) -> Vec<EnvVar> {
    let cluster = &desired.identity.name;
    let mut all = environment(desired);
    all.push(literal("SERVICE", &names::headless_service(cluster)));
    let config_map = names::config_map(cluster, &rack.identifier());
    all.push(literal("CONFIG_MAP_NAME", &config_map));
    all.push(literal(
        names::SERVER_IMAGE_VARIABLE,
        &desired.image.reference,
    ));
    all.push(literal(
        names::POD_SPEC_HASH_VARIABLE,
        &rack.hashes.pod_spec,
    ));
    all.push(literal(names::VOLUMES_HASH_VARIABLE, &rack.hashes.volumes));
    all
}

fn literal(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: (!value.is_empty()).then(|| value.to_owned()),
        value_from: None,
    }
}

fn from_field(name: &str, path: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                field_path: path.to_owned(),
                api_version: None,
            }),
            ..EnvVarSource::default()
        }),
    }
}
