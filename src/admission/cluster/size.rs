//! How big a cluster may be.

use crate::{
    admission::{rules::Area, subject::Subject},
    api::{AerospikeClusterSpec, length, mirror::MIRROR_LIMIT, pod::PodSpec},
    finding::{FieldPath, Finding},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[size_is_in_range, status_can_be_stored],
    changes: &[],
    advice: &[],
};

const SIZES: std::ops::RangeInclusive<i32> = 1..=256;

/// Up to this many racks nothing is measured: the spec itself has a limit.
const FEW_RACKS: usize = 2;
/// What is in force in all racks may take together. AKO stores it twice in one object, and etcd takes 1.5 MiB.
const EXPANDED_LIMIT: usize = 1 << 20;
/// Containers of one list. A kilobyte each, with its status, is what etcd takes of a pod.
const MOST_CONTAINERS: usize = 1500;
/// What a rack takes that has nothing of its own.
const BARE_RACK: usize = 1 << 10;

/// Bytes that a status may take; with the spec it stays below what etcd takes.
const STATUS_LIMIT: usize = 900 << 10;
/// Bytes that a pod takes of it.
const POD_STATUS: usize = 1 << 10;

/// Holds for writers that go past the schema: the scale subresource, an offline check, the controller.
fn size_is_in_range(subject: &Subject<'_>) -> Vec<Finding> {
    let size = subject.spec.size;
    if SIZES.contains(&size) {
        return Vec::new();
    }
    let (least, most) = (SIZES.start(), SIZES.end());
    vec![Finding::invalid(
        "CRD-02",
        FieldPath::spec().child("size"),
        format!(
            "Invalid value: {size}: should be greater than or equal to {least} and less than or equal to {most}"
        ),
    )]
}

/// The status holds a copy of the spec with everything in force, and a few lines about every pod.
fn status_can_be_stored(subject: &Subject<'_>) -> Vec<Finding> {
    let room = STATUS_LIMIT - POD_STATUS * usize::try_from(subject.spec.size).unwrap_or(0).min(256);
    let mut copy = length::json(subject.spec);
    if copy > room && length::json(&subject.spec.rack_config) > MIRROR_LIMIT {
        let left_out = subject
            .configured_racks()
            .map(|rack| length::json(rack.config));
        copy -= left_out.sum::<usize>();
    }
    if copy <= room {
        return Vec::new();
    }
    vec![Finding::invalid(
        "SIZE-02",
        FieldPath::spec(),
        format!(
            "with everything in force the spec takes {} KiB, and its copy in the status has room for {} KiB: \
             use fewer racks with storage or configuration of their own, or less in them",
            copy >> 10,
            room >> 10
        ),
    )]
}

/// Whether the text of a spec is longer than its copy in the status may be.
#[must_use]
pub fn is_too_long(spec: &str) -> bool {
    spec.len() > STATUS_LIMIT
}

/// About a spec whose text is too long: nothing else is said, because nothing else is looked at.
#[must_use]
pub fn too_long(spec: &str) -> Finding {
    Finding::invalid(
        "SIZE-02",
        FieldPath::spec(),
        format!(
            "the spec takes {} KiB, and its copy in the status has room for {} KiB: use less of it",
            spec.len() >> 10,
            STATUS_LIMIT >> 10
        ),
    )
}

/// Every rack has a whole configuration in force; a few kilobytes times many racks would fill the memory.
#[must_use]
pub fn expands_too_far(spec: &AerospikeClusterSpec) -> Option<Finding> {
    let racks = spec.rack_config.as_ref()?.racks.len();
    if racks <= FEW_RACKS {
        return None;
    }
    let a_rack = BARE_RACK
        + length::json(&spec.aerospike_config)
        + length::json(&spec.storage)
        + spec.pod_spec.as_ref().map_or(0, scheduling);
    let expanded = racks.saturating_mul(a_rack);
    (expanded > EXPANDED_LIMIT).then(|| {
        Finding::invalid(
            "SIZE-01",
            FieldPath::spec().children(&["rackConfig", "racks"]),
            format!(
                "configuration, storage and scheduling in force for {racks} racks take {} KiB together, and {} KiB is the \
                 most; use fewer racks",
                expanded >> 10,
                EXPANDED_LIMIT >> 10
            ),
        )
    })
}

/// No pod can have so many containers: with what Kubernetes fills in and their statuses they fit in no object.
#[must_use]
pub fn has_too_many_containers(spec: &AerospikeClusterSpec) -> Option<Finding> {
    let pod = spec.pod_spec.as_ref()?;
    let (list, count) = [
        ("sidecars", pod.sidecars.len()),
        ("initContainers", pod.init_containers.len()),
    ]
    .into_iter()
    .find(|(_, count)| *count > MOST_CONTAINERS)?;
    Some(Finding::invalid(
        "SIZE-04",
        FieldPath::spec().children(&["podSpec", list]),
        format!("{count} containers are more than a pod can have: {MOST_CONTAINERS} is the most"),
    ))
}

/// What of a pod is in force in each rack.
fn scheduling(pod: &PodSpec) -> usize {
    length::json(&(&pod.affinity, &pod.tolerations, &pod.node_selector))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::admission::cluster::testing::{cluster, created};

    #[test]
    fn a_size_is_from_1_to_256() {
        for good in [1, 2, 256] {
            assert_eq!(created(&cluster(&json!({"size": good}))), [""; 0]);
        }
        for bad in [-1, 0, 257] {
            assert_eq!(
                created(&cluster(&json!({"size": bad}))),
                ["CRD-02 spec.size"]
            );
        }
    }

    #[test]
    fn containers_fit_into_a_pod() {
        let sidecars = |count: usize| -> Vec<Value> {
            let sidecar = |n| json!({"name": format!("c{n}"), "image": "i"});
            (0..count).map(sidecar).collect()
        };
        let with = |count| cluster(&json!({"podSpec": {"sidecars": sidecars(count)}}));
        assert_eq!(created(&with(1500)), [""; 0]);
        assert_eq!(created(&with(1501)), ["SIZE-04 spec.podSpec.sidecars"]);
    }

    #[test]
    fn racks_times_configuration_is_limited() {
        let racks: Vec<Value> = (1..=400).map(|id| json!({"id": id})).collect();
        let spec = |bulk: usize| json!({"rackConfig": {"racks": racks}, "aerospikeConfig": {"service": {"pidfile": "x".repeat(bulk)}}});
        assert_eq!(created(&cluster(&spec(1))), [""; 0]);
        assert_eq!(
            created(&cluster(&spec(50_000))),
            ["SIZE-01 spec.rackConfig.racks"]
        );
    }
    #[test]
    fn what_the_status_cannot_hold_is_refused_with_its_size() {
        let volume = |n| json!({"name": format!("v{n}"), "source": {"emptyDir": {}}});
        let racks: Vec<Value> = (1..=20).map(|id| json!({"id": id})).collect();
        let with_volumes = |count: usize| {
            let volumes: Vec<_> = (0..count).map(volume).collect();
            cluster(&json!({"rackConfig": {"racks": racks}, "storage": {"volumes": volumes}}))
        };
        assert!(!created(&with_volumes(40)).contains(&"SIZE-02 spec".to_owned()));
        let findings = created(&with_volumes(500));
        assert!(
            findings.contains(&"SIZE-02 spec".to_owned()),
            "{findings:?}"
        );
    }
}
