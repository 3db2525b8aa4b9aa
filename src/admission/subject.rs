//! What rules look at: an object with everything effective, its racks, and the database namespaces in them.

use serde_json::Value;

use crate::{
    admission::rules::Operation,
    api::{
        AerospikeClusterSpec, AerospikeClusterStatus, Tree,
        racks::{Rack, RackConfig},
        storage::StorageSpec,
    },
    finding::FieldPath,
    resolve::{
        RackId, RackIdentifier, Revision, Settings, effective,
        racks::{blame, distribute, rack_path},
    },
};

/// An object that rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is done with it.
    pub operation: Operation,
    /// Its name.
    pub name: &'a str,
    /// The Kubernetes namespace that it is in; empty where a file names none.
    pub namespace: &'a str,
    /// Its effective spec.
    pub spec: &'a AerospikeClusterSpec,
    /// Its status, as stored.
    pub status: Option<&'a AerospikeClusterStatus>,
    /// What the installation contributes.
    pub settings: &'a Settings,
}

/// A rack with its place in the list.
#[derive(Clone, Copy, Debug)]
pub struct PlacedRack<'a> {
    /// Its index.
    pub index: usize,
    /// The rack, effective members filled in.
    pub rack: &'a Rack,
    global: &'a Tree,
}

/// A rack whose configuration in force could be worked out.
#[derive(Clone, Copy, Debug)]
pub struct ConfiguredRack<'a> {
    /// The rack.
    pub placed: PlacedRack<'a>,
    /// Its configuration in force.
    pub config: &'a Tree,
}

/// A database namespace in the configuration in force of a rack.
#[derive(Clone, Copy, Debug)]
pub struct Namespace<'a> {
    /// The rack.
    pub rack: ConfiguredRack<'a>,
    /// Its index in the configuration in force.
    pub index: usize,
    /// Its name.
    pub name: &'a str,
    /// Its settings.
    pub config: &'a Tree,
}

impl<'a> Subject<'a> {
    /// The rack part of the spec.
    #[must_use]
    pub fn rack_config(&self) -> Option<&'a RackConfig> {
        self.spec.rack_config.as_ref()
    }

    /// The racks, at least one.
    #[must_use]
    pub fn racks(&self) -> &'a [Rack] {
        self.rack_config().map_or(&[], |config| &config.racks)
    }

    /// The racks with their places.
    pub fn placed_racks(&self) -> impl Iterator<Item = PlacedRack<'a>> + use<'a> {
        let global = &self.spec.aerospike_config;
        let racks = self.racks().iter().enumerate();
        racks.map(move |(index, rack)| PlacedRack {
            index,
            rack,
            global,
        })
    }

    /// Every storage in force once, however many racks share it, with the first rack that has it.
    pub fn storages(&self) -> impl Iterator<Item = (PlacedRack<'a>, &'a StorageSpec)> + use<'a> {
        let racks = first_and(self.placed_racks(), |placed| placed.rack.storage.is_none());
        racks.filter_map(|placed| Some((placed, placed.storage()?)))
    }

    /// The racks that get pods, with how many.
    pub fn racks_with_pods(&self) -> impl Iterator<Item = (PlacedRack<'a>, u32)> + use<'a> {
        let size = u32::try_from(self.spec.size).unwrap_or(0);
        let racks = u32::try_from(self.racks().len()).unwrap_or(u32::MAX);
        let sizes = distribute(size, racks);
        self.placed_racks().zip(sizes).filter(|(_, size)| *size > 0)
    }

    /// The racks whose configuration in force could be worked out.
    pub fn configured_racks(&self) -> impl Iterator<Item = ConfiguredRack<'a>> + use<'a> {
        self.placed_racks().filter_map(|placed| {
            let config = placed.rack.effective_aerospike_config.as_ref()?;
            Some(ConfiguredRack { placed, config })
        })
    }

    /// The racks of different configurations: those without changes of their own differ in nothing but the rack's number,
    /// so that the first of them stands for all.
    pub fn configurations(&self) -> impl Iterator<Item = ConfiguredRack<'a>> + use<'a> {
        let is_common = |rack: &ConfiguredRack<'_>| rack.placed.rack.aerospike_config.is_none();
        first_and(self.configured_racks(), is_common)
    }

    /// As [`Self::configurations`], but each with another configuration or another storage.
    pub fn stored_configurations(&self) -> impl Iterator<Item = ConfiguredRack<'a>> + use<'a> {
        let is_common = |rack: &ConfiguredRack<'_>| {
            let rack = rack.placed.rack;
            rack.aerospike_config.is_none() && rack.storage.is_none()
        };
        first_and(self.configured_racks(), is_common)
    }

    /// The database namespaces of [`Self::configurations`] that have a name.
    pub fn namespaces(&self) -> impl Iterator<Item = Namespace<'a>> + use<'a> {
        self.configurations().flat_map(ConfiguredRack::namespaces)
    }
}

/// Without those that are like another one before them.
fn first_and<T>(
    all: impl Iterator<Item = T>,
    is_common: fn(&T) -> bool,
) -> impl Iterator<Item = T> {
    let mut is_seen = false;
    all.filter(move |one| !(is_common(one) && std::mem::replace(&mut is_seen, true)))
}

impl<'a> PlacedRack<'a> {
    /// Id and revision as they stand in names.
    #[must_use]
    pub fn identifier(&self) -> RackIdentifier {
        RackIdentifier {
            id: RackId(self.rack.id),
            revision: Revision(self.rack.revision.clone().unwrap_or_default()),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> FieldPath {
        rack_path(self.index, self.rack)
    }

    /// The storage in force.
    #[must_use]
    pub fn storage(&self) -> Option<&'a StorageSpec> {
        self.rack.effective_storage.as_ref()
    }

    /// Where the storage in force stands: in the rack if it has its own, else in the cluster's.
    #[must_use]
    pub fn storage_path(&self) -> FieldPath {
        effective::storage_path(self.index, self.rack)
    }
}

impl<'a> ConfiguredRack<'a> {
    /// Where a value of the configuration in force was written; `path` is relative to `aerospikeConfig`.
    #[must_use]
    pub fn place(&self, path: &FieldPath) -> FieldPath {
        let PlacedRack {
            index,
            rack,
            global,
        } = self.placed;
        blame(global, index, rack, path)
    }

    /// As [`Self::place`], for members one below the other.
    #[must_use]
    pub fn place_of(&self, members: &[&str]) -> FieldPath {
        self.place(&FieldPath::default().children(members))
    }

    /// The value at members one below the other.
    #[must_use]
    pub fn get(&self, members: &[&str]) -> Option<&'a Value> {
        let (first, rest) = members.split_first()?;
        let first = self.config.get(*first)?;
        rest.iter()
            .try_fold(first, |value, member| value.get(*member))
    }

    /// The section at members one below the other.
    #[must_use]
    pub fn section(&self, members: &[&str]) -> Option<&'a Tree> {
        self.get(members)?.as_object()
    }

    /// The database namespaces that have a name.
    pub fn namespaces(self) -> impl Iterator<Item = Namespace<'a>> + use<'a> {
        let list = self.config.get("namespaces").and_then(Value::as_array);
        let elements = list.into_iter().flatten().enumerate();
        elements.filter_map(move |(index, element)| {
            let config = element.as_object()?;
            Some(Namespace {
                rack: self,
                index,
                name: config.get("name")?.as_str()?,
                config,
            })
        })
    }
}

impl Namespace<'_> {
    /// Whether it never answers with stale data, at the price of needing its roster.
    #[must_use]
    pub fn is_strongly_consistent(&self) -> bool {
        self.config.get("strong-consistency") == Some(&Value::Bool(true))
    }

    /// Relative to `aerospikeConfig`.
    #[must_use]
    pub fn path(&self) -> FieldPath {
        let list = FieldPath::default().child("namespaces");
        list.item(self.index, self.name)
    }

    /// Where one of its values was written, or, if it is missing, where it would stand.
    #[must_use]
    pub fn place_of(&self, members: &[&str]) -> FieldPath {
        self.rack.place(&self.path().children(members))
    }
}
