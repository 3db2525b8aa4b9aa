//! How big a cluster may be.

use crate::{
    admission::{rules::Area, subject::Subject},
    api::AerospikeClusterSpec,
    finding::{FieldPath, Finding},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[size_is_in_range],
    changes: &[],
    advice: &[],
};

const SIZES: std::ops::RangeInclusive<i32> = 1..=256;

/// Up to this many racks nothing is measured.
const FEW_RACKS: usize = 32;
/// What the configurations of all racks may take together.
const EXPANDED_LIMIT: usize = 16 << 20;

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

/// Every rack has a whole configuration in force; a few kilobytes times many racks would fill the memory.
#[must_use]
pub fn expands_too_far(spec: &AerospikeClusterSpec) -> Option<Finding> {
    let racks = spec.rack_config.as_ref()?.racks.len();
    if racks <= FEW_RACKS {
        return None;
    }
    let length = |value: Option<String>| value.map_or(0, |text| text.len());
    let config = length(serde_json::to_string(&spec.aerospike_config).ok());
    let storage = length(serde_json::to_string(&spec.storage).ok());
    let expanded = racks.saturating_mul(config + storage);
    (expanded > EXPANDED_LIMIT).then(|| {
        Finding::invalid(
            "SIZE-01",
            FieldPath::spec().children(&["rackConfig", "racks"]),
            format!(
                "the configuration and storage in force for {racks} racks take {} MiB together, and {} MiB is the most; \
                 use fewer racks",
                expanded >> 20,
                EXPANDED_LIMIT >> 20
            ),
        )
    })
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
    fn racks_times_configuration_is_limited() {
        let racks: Vec<Value> = (1..=400).map(|id| json!({"id": id})).collect();
        let spec = |bulk: usize| json!({"rackConfig": {"racks": racks}, "aerospikeConfig": {"service": {"pidfile": "x".repeat(bulk)}}});
        assert_eq!(created(&cluster(&spec(1))), [""; 0]);
        assert_eq!(
            created(&cluster(&spec(50_000))),
            ["SIZE-01 spec.rackConfig.racks"]
        );
    }
}
