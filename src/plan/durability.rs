//! What outlives a pod: namespaces whose devices and files are on claims.

use std::iter;

use serde_json::Value;

use crate::{
    api::{AerospikeClusterStatus, Tree, storage::StorageSpec},
    resolve::{Desired, Rack, RackIdentifier},
};

/// Whether the rack's pods have all of the namespace on volumes that outlive them, both as it is wanted and as it was
/// rolled out, and on the same ones: a pod may run either.
#[must_use]
pub fn outlives_pod(
    desired: &Desired,
    status: &AerospikeClusterStatus,
    rack: &RackIdentifier,
    namespace: &str,
) -> bool {
    let Some(wanted) = desired.rack(rack) else {
        return false;
    };
    let rolled_out = status.mirror.rack_config.iter();
    let rolled_out = rolled_out.flat_map(|config| &config.racks);
    let rolled_out: Vec<_> = rolled_out.filter(|it| it.id == rack.id.0).collect();
    let storages = rolled_out.iter();
    let storages = storages.filter_map(|it| it.effective_storage.as_ref());
    let mounts = iter::once(mounts(wanted)).chain(storages.map(mounts_of_spec));
    let mounts: Vec<_> = mounts.collect();
    let configs = rolled_out.iter();
    let mut configs = configs
        .filter_map(|it| it.effective_aerospike_config.as_ref())
        .chain([&wanted.config])
        .filter_map(|config| of_name(config, namespace));
    configs.all(|config| is_on_claims(&mounts, &wanted.work_directory, config))
}

/// Where servers see volumes, each with its name if it is a claim.
type Mounts<'a> = Vec<(&'a str, Option<&'a str>)>;

fn mounts(rack: &Rack) -> Mounts<'_> {
    let volumes = rack.storage.volumes.iter();
    let mounts = volumes.filter_map(|volume| {
        let claim = volume.kind.claim().map(|_| volume.name.as_str());
        Some((volume.server.as_ref()?.path.as_str(), claim))
    });
    mounts.collect()
}

fn mounts_of_spec(storage: &StorageSpec) -> Mounts<'_> {
    let volumes = storage.volumes.iter();
    let mounts = volumes.filter_map(|volume| {
        let claim = volume
            .source
            .as_ref()
            .and_then(|it| it.persistent_volume.as_ref());
        let claim = claim.map(|_| volume.name.as_str());
        Some((volume.aerospike.as_ref()?.path.as_str(), claim))
    });
    mounts.collect()
}

fn of_name<'a>(config: &'a Tree, name: &str) -> Option<&'a Value> {
    let mut namespaces = config.get("namespaces")?.as_array()?.iter();
    namespaces.find(|namespace| namespace["name"] == name)
}

fn is_on_claims(mounts: &[Mounts<'_>], work_directory: &str, namespace: &Value) -> bool {
    let engine = &namespace["storage-engine"];
    let places = ["devices", "files"].map(|kind| engine[kind].as_array());
    let mut places = places.into_iter().flatten().flatten().peekable();
    let any = places.peek().is_some();
    let is_on_one = |path: &str| {
        let mut claims = mounts.iter().map(|it| claim_at(it, work_directory, path));
        let first = claims.next().flatten();
        first.is_some() && claims.all(|claim| claim == first)
    };
    any && places.all(|place| {
        place
            .as_str()
            .is_some_and(|text| text.split_whitespace().all(is_on_one))
    })
}

/// The claim that has a path. Of the folder of the server's own state only parts are on its volume, and none of them holds
/// records.
fn claim_at<'a>(mounts: &Mounts<'a>, work_directory: &str, path: &str) -> Option<&'a str> {
    let is_below = |folder: &str| {
        let rest = path.strip_prefix(folder.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let nearest = mounts
        .iter()
        .filter(|(mount, _)| is_below(mount))
        .max_by_key(|(mount, _)| mount.len());
    let (mount, claim) = nearest?;
    claim.filter(|_| mount.trim_end_matches('/') != work_directory.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::testing;

    fn outlives(sample: &str, place: impl Fn(&mut Value), rolled_out: Option<&Desired>) -> bool {
        let desired = testing::sample_with(sample, |object| {
            let namespace = &mut object["spec"]["aerospikeConfig"]["namespaces"][0];
            place(&mut namespace["storage-engine"]);
        });
        let mut status = AerospikeClusterStatus::default();
        status.mirror.rack_config = rolled_out.and_then(|old| old.spec.rack_config.clone());
        let rack = desired.racks[0].identifier();
        outlives_pod(&desired, &status, &rack, "test")
    }

    #[test]
    fn files_and_devices_on_claims_outlive_a_pod() {
        for sample in ["hdd_dim_storage_cluster", "shadow_device_cluster"] {
            assert!(outlives(sample, |_| {}, None), "{sample}");
        }
    }

    #[test]
    fn memory_and_what_is_beside_the_claims_does_not() {
        assert!(!outlives("dim_nostorage_cluster", |_| {}, None));
        // The folder itself is the container's own; of its volume only parts are seen in it.
        for file in [
            "/opt/aerospike/other/test.dat",
            "/var/test.dat",
            "/opt/aerospike/database",
        ] {
            let place = |engine: &mut Value| engine["files"] = serde_json::json!([file]);
            assert!(!outlives("hdd_dim_storage_cluster", place, None), "{file}");
        }
        let half = |engine: &mut Value| {
            engine["devices"] = serde_json::json!(["/dev/nvme0n1 /dev/elsewhere"]);
        };
        assert!(!outlives("shadow_device_cluster", half, None));
    }

    #[test]
    fn a_pod_may_still_run_what_was_rolled_out_before() {
        let memory = testing::sample("dim_nostorage_cluster");
        assert!(!outlives("hdd_dim_storage_cluster", |_| {}, Some(&memory)));
    }

    #[test]
    fn what_another_claim_holds_is_not_there_after_the_change() {
        let sample = "hdd_dim_storage_cluster";
        let same = testing::sample(sample);
        assert!(outlives(sample, |_| {}, Some(&same)));
        let other = testing::sample_with(sample, |object| {
            let volumes = object["spec"]["storage"]["volumes"].as_array_mut();
            let mut volumes = volumes.unwrap().iter_mut();
            volumes.find(|it| it["name"] == "ns").unwrap()["name"] = "other".into();
        });
        assert!(!outlives(sample, |_| {}, Some(&other)));
    }
}
