//! Quantities as AKO stores them, so that `1.5Gi` in a manifest equals the `1536Mi` of a stored spec.

use k8s_openapi::{
    api::core::v1::{Container, ResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

use crate::{
    api::{AerospikeClusterSpec, pod::PodSpec, storage::StorageSpec},
    resolve::quantity,
};

/// Rewrites every quantity of `spec`.
pub(super) fn canonical(spec: &mut AerospikeClusterSpec) {
    spec.storage.iter_mut().for_each(storage);
    spec.pod_spec.iter_mut().for_each(pod);
    let racks = spec.rack_config.iter_mut().flat_map(|it| &mut it.racks);
    racks.flat_map(|rack| &mut rack.storage).for_each(storage);
}

fn rewrite(quantity: &mut Quantity) {
    quantity.0 = quantity::canonical(&quantity.0);
}

fn storage(storage: &mut StorageSpec) {
    let sources = storage.volumes.iter_mut().flat_map(|it| &mut it.source);
    for source in sources {
        let claim = source.persistent_volume.as_mut();
        let folder = source.empty_dir.as_mut();
        claim
            .map(|claim| &mut claim.size)
            .into_iter()
            .for_each(rewrite);
        folder
            .and_then(|folder| folder.size_limit.as_mut())
            .into_iter()
            .for_each(rewrite);
    }
}

fn pod(pod: &mut PodSpec) {
    let server = pod
        .aerospike_container
        .iter_mut()
        .flat_map(|it| &mut it.resources);
    let init = pod
        .aerospike_init_container
        .iter_mut()
        .flat_map(|it| &mut it.resources);
    server.chain(init).for_each(resources);
    let containers = pod.sidecars.iter_mut().chain(&mut pod.init_containers);
    containers.for_each(container);
}

fn container(container: &mut Container) {
    container.resources.iter_mut().for_each(resources);
    let variables = container.env.iter_mut().flatten();
    let selectors = variables
        .flat_map(|variable| &mut variable.value_from)
        .flat_map(|source| &mut source.resource_field_ref);
    selectors
        .flat_map(|selector| &mut selector.divisor)
        .for_each(rewrite);
}

fn resources(resources: &mut ResourceRequirements) {
    let limits = resources.limits.iter_mut().flat_map(|it| it.values_mut());
    let requests = resources.requests.iter_mut().flat_map(|it| it.values_mut());
    limits.chain(requests).for_each(rewrite);
}
