//! Racks: how pods are spread over them, and everything that holds for one.

use std::fmt;

use crate::{
    api::{
        AerospikeClusterSpec, Tree,
        racks::{Rack as RackSpec, RackConfig, RackPodSpec},
        storage::StorageSpec,
    },
    config,
    finding::{FieldPath, Finding, Told},
    resolve::{Rack, Scheduling, Template, effective, hash, storage},
};

/// Where the server keeps its own state unless configured.
pub const WORK_DIRECTORY: &str = "/opt/aerospike";

/// Bytes of a rack's files in its `ConfigMap`, with room left for the names of 256 pods.
const CONFIG_MAP_LIMIT: usize = 850 << 10;
/// Bytes in which a volume is told to `init`.
const VOLUME_LENGTH: usize = 512;

/// Number of a rack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RackId(pub i64);

impl fmt::Display for RackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Revision of a rack; empty if it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub String);

impl Revision {
    /// The revision as text, if there is one.
    #[must_use]
    pub fn as_deref(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|revision| !revision.is_empty())
    }
}

/// Id and revision, as they stand in the names of a rack's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RackIdentifier {
    /// The number.
    pub id: RackId,
    /// The revision.
    pub revision: Revision,
}

impl RackIdentifier {
    /// That of a rack of a spec.
    #[must_use]
    pub fn of(rack: &RackSpec) -> Self {
        Self {
            id: RackId(rack.id),
            revision: Revision(rack.revision.clone().unwrap_or_default()),
        }
    }

    /// The rack of this identifier, if a spec has it.
    #[must_use]
    pub fn find<'a>(&self, config: Option<&'a RackConfig>) -> Option<&'a RackSpec> {
        let mut racks = config?.racks.iter();
        racks.find(|rack| Self::of(rack) == *self)
    }

    /// Reads `1` or `1-v2`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, revision) = text.split_once('-').unwrap_or((text, ""));
        Some(Self {
            id: RackId(id.parse().ok().filter(|id| *id >= 0)?),
            revision: Revision(revision.to_owned()),
        })
    }
}

impl fmt::Display for RackIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_deref() {
            Some(revision) => write!(f, "{}-{revision}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// Pods of each of `racks` racks: evenly, the first ones get what is left over.
#[must_use]
pub fn distribute(size: u32, racks: u32) -> Vec<u32> {
    if racks == 0 {
        return Vec::new();
    }
    (0..racks)
        .map(|rack| size / racks + u32::from(rack < size % racks))
        .collect()
}

/// The racks of an effective spec that get pods.
pub(super) fn resolve(spec: &AerospikeClusterSpec) -> Result<Vec<Rack>, Vec<Finding>> {
    let racks = spec.rack_config.as_ref().map_or(&[][..], |c| &c.racks);
    let sizes = distribute(
        u32::try_from(spec.size).unwrap_or(0),
        u32::try_from(racks.len()).unwrap_or(u32::MAX),
    );
    let mut problems = Vec::new();
    let mut resolved = Vec::new();
    for (index, (rack, size)) in racks.iter().zip(sizes).enumerate() {
        match resolve_rack(spec, index, rack, size) {
            Ok(rack) if size > 0 => resolved.push(rack),
            Ok(_) => {}
            Err(findings) => problems.extend(findings),
        }
    }
    if problems.is_empty() {
        Ok(resolved)
    } else {
        Err(problems)
    }
}

/// What keeps racks of an effective spec from being resolved. Racks without configuration and storage of their own differ
/// in nothing but their number, so that the first of them stands for all.
pub(super) fn problems(spec: &AerospikeClusterSpec) -> Vec<Finding> {
    let racks = spec.rack_config.iter().flat_map(|config| &config.racks);
    let mut is_common_seen = false;
    let different = racks.enumerate().filter(|(_, rack)| {
        let is_common = rack.aerospike_config.is_none() && rack.storage.is_none();
        !(is_common && std::mem::replace(&mut is_common_seen, true))
    });
    different
        .flat_map(|(index, rack)| template(spec, index, rack).err().unwrap_or_default())
        .told()
}

/// `aerospike.template.conf` of a rack whose storage can be resolved too.
fn template(
    spec: &AerospikeClusterSpec,
    index: usize,
    rack: &RackSpec,
) -> Result<String, Vec<Finding>> {
    let (no_config, no_storage) = (Tree::default(), StorageSpec::default());
    let config = rack
        .effective_aerospike_config
        .as_ref()
        .unwrap_or(&no_config);
    let storage = rack.effective_storage.as_ref().unwrap_or(&no_storage);
    let mut problems = storage::problems(storage, &effective::storage_path(index, rack));
    let template = config::render::template(config).unwrap_or_else(|wrong| {
        let place = |path: &FieldPath| match path.depth() {
            0 => rack_path(index, rack),
            _ => blame(&spec.aerospike_config, index, rack, path),
        };
        problems.extend(wrong.into_iter().map(|it| it.into_finding(place)));
        String::new()
    });
    if problems.is_empty() {
        problems.extend(too_long(index, rack, &template, storage.volumes.len()));
    }
    if problems.is_empty() {
        Ok(template)
    } else {
        Err(problems)
    }
}

fn resolve_rack(
    spec: &AerospikeClusterSpec,
    index: usize,
    rack: &RackSpec,
    size: u32,
) -> Result<Rack, Vec<Finding>> {
    let template = template(spec, index, rack)?;
    let config = rack.effective_aerospike_config.clone().unwrap_or_default();
    let storage = storage::resolve(
        &rack.effective_storage.clone().unwrap_or_default(),
        &effective::storage_path(index, rack),
    )?;
    let template = Template::from(template);
    let hashes = hash::hashes(spec, rack, &template);
    let RackIdentifier { id, revision } = RackIdentifier::of(rack);
    Ok(Rack {
        id,
        revision,
        size,
        scheduling: scheduling(spec, rack),
        work_directory: work_directory(&config),
        config,
        template,
        hashes,
        storage,
    })
}

/// A rack's configuration and what `init` is told of its volumes share one `ConfigMap`.
fn too_long(index: usize, rack: &RackSpec, template: &str, volumes: usize) -> Option<Finding> {
    let length = template.len() + volumes * VOLUME_LENGTH;
    (length > CONFIG_MAP_LIMIT).then(|| {
        Finding::invalid(
            "SIZE-03",
            rack_path(index, rack),
            format!(
                "configuration and volumes of rack {} take {} KiB as files, and a ConfigMap has room for {} KiB: \
                 use less of them",
                rack.id,
                length >> 10,
                CONFIG_MAP_LIMIT >> 10
            ),
        )
    })
}

fn work_directory(config: &Tree) -> String {
    config
        .get("service")
        .and_then(|service| service.get("work-directory"))
        .and_then(serde_json::Value::as_str)
        .unwrap_or(WORK_DIRECTORY)
        .to_owned()
}

fn scheduling(spec: &AerospikeClusterSpec, rack: &RackSpec) -> Scheduling {
    let global = spec.pod_spec.clone().unwrap_or_default();
    let RackPodSpec {
        affinity,
        tolerations,
        node_selector,
    } = rack.effective_pod_spec.clone().unwrap_or_default();
    Scheduling {
        zone: rack.zone.clone(),
        region: rack.region.clone(),
        rack_label: rack.rack_label.clone(),
        node_name: rack.node_name.clone(),
        affinity: affinity.or(global.affinity).unwrap_or_default(),
        tolerations: if tolerations.is_empty() {
            global.tolerations
        } else {
            tolerations
        },
        node_selector: if node_selector.is_empty() {
            global.node_selector
        } else {
            node_selector
        },
    }
}

/// The place of `path`, which is relative to a rack's configuration in force: in the rack's own configuration where that
/// supplies the value, else in the cluster's. Of a missing value the place is where its nearest parent stands.
#[must_use]
pub fn blame(global: &Tree, index: usize, rack: &RackSpec, path: &FieldPath) -> FieldPath {
    let common = config::follow(global, path);
    let own = rack.aerospike_config.as_ref();
    let own = own.map(|own| config::follow(own, path));
    let steps = path.depth();
    match own.filter(|own| own.known == steps || own.known > common.known) {
        Some(own) => rack_path(index, rack)
            .child("aerospikeConfig")
            .join(&own.place),
        None => FieldPath::spec()
            .child("aerospikeConfig")
            .join(&common.place),
    }
}

/// The place of a rack.
#[must_use]
pub fn rack_path(index: usize, rack: &RackSpec) -> FieldPath {
    FieldPath::spec()
        .children(&["rackConfig", "racks"])
        .item(index, rack.id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_racks_get_what_is_left_over() {
        assert_eq!(distribute(7, 3), [3, 2, 2]);
        assert_eq!(distribute(1, 3), [1, 0, 0]);
        assert_eq!(distribute(4, 0), [0; 0]);
    }

    #[test]
    fn an_identifier_reads_back() {
        for text in ["0", "1-v2", "12-a-b"] {
            let identifier = RackIdentifier::parse(text).unwrap();
            assert_eq!(identifier.to_string(), text);
        }
        assert_eq!(RackIdentifier::parse("x-1"), None);
    }

    #[test]
    fn what_no_config_map_holds_is_refused_with_its_size() {
        let rack = RackSpec::default();
        assert_eq!(too_long(0, &rack, "short", 10), None);
        let finding = too_long(0, &rack, &"x".repeat(CONFIG_MAP_LIMIT), 1).unwrap();
        assert_eq!(finding.path.to_string(), "spec.rackConfig.racks[0]");
        assert!(finding.message.contains("850 KiB"), "{}", finding.message);
    }

    proptest! {
        #[test]
        fn every_pod_has_a_rack_and_racks_differ_by_one_at_most(size in 0u32..300, racks in 1u32..20) {
            let sizes = distribute(size, racks);
            prop_assert_eq!(sizes.iter().sum::<u32>(), size);
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
        }
    }
}
