//! What outlives a pod: namespaces whose devices and files are on claims.

use serde_json::Value;

use crate::{
    api::{AerospikeClusterStatus, Tree},
    resolve::{Desired, Rack, RackIdentifier},
};

/// Whether the rack's pods have all of the namespace on volumes that outlive them, both as it is wanted and as it was
/// rolled out: a pod may run either.
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
    let mut configs = rolled_out
        .flat_map(|config| &config.racks)
        .filter(|it| it.id == rack.id.0)
        .filter_map(|it| it.effective_aerospike_config.as_ref())
        .chain([&wanted.config])
        .filter_map(|config| of_name(config, namespace));
    configs.all(|config| is_on_claims(wanted, config))
}

fn of_name<'a>(config: &'a Tree, name: &str) -> Option<&'a Value> {
    let mut namespaces = config.get("namespaces")?.as_array()?.iter();
    namespaces.find(|namespace| namespace["name"] == name)
}

fn is_on_claims(rack: &Rack, namespace: &Value) -> bool {
    let engine = &namespace["storage-engine"];
    let places = ["devices", "files"].map(|kind| engine[kind].as_array());
    let mut places = places.into_iter().flatten().flatten().peekable();
    let any = places.peek().is_some();
    any && places.all(|place| {
        place
            .as_str()
            .is_some_and(|text| text.split_whitespace().all(|path| is_on_claim(rack, path)))
    })
}

/// Of the folder of the server's own state only parts are on its volume, and none of them holds records.
fn is_on_claim(rack: &Rack, path: &str) -> bool {
    let is_below = |folder: &str| {
        let rest = path.strip_prefix(folder.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let volumes = rack.storage.volumes.iter();
    let attached = volumes.filter_map(|volume| Some((volume, volume.server.as_ref()?)));
    let nearest = attached
        .filter(|(_, attachment)| is_below(&attachment.path))
        .max_by_key(|(_, attachment)| attachment.path.len());
    nearest.is_some_and(|(volume, attachment)| {
        let is_work_directory =
            attachment.path.trim_end_matches('/') == rack.work_directory.trim_end_matches('/');
        volume.kind.claim().is_some() && !is_work_directory
    })
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
}
