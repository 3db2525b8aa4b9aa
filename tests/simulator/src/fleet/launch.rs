//! What a server is started with.

use std::collections::BTreeMap;

use crate::cluster::NodeId;
use crate::conf::Settings;
use crate::conf::settings::namespace_key;
use crate::version::{Edition, Release};

/// Where a namespace keeps its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In the process.
    Memory,
    /// In memory of this name that outlives the process, until it is erased.
    SharedMemory(String),
    /// On devices or files: each its path and the disk that is there.
    Disks(Vec<(String, String)>),
}

impl Storage {
    /// One device.
    #[must_use]
    pub fn device(disk: &str) -> Self {
        Self::Disks(vec![("/dev/xvdf".to_owned(), disk.to_owned())])
    }
}

/// A namespace of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Copies.
    pub replication_factor: usize,
    /// Whether it is strongly consistent.
    pub strong: bool,
    /// The rack of this server; 0 for none.
    pub rack: u32,
    /// The rack for all masters; 0 for none.
    pub active_rack: u32,
    /// Where its records are.
    pub storage: Storage,
    /// How large that is.
    pub bytes: u64,
}

impl Namespace {
    /// Two copies in memory.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            replication_factor: 2,
            strong: false,
            rack: 0,
            active_rack: 0,
            storage: Storage::Memory,
            bytes: 1 << 30,
        }
    }

    /// With so many copies.
    #[must_use]
    pub fn copies(mut self, replication_factor: usize) -> Self {
        self.replication_factor = replication_factor;
        self
    }

    /// In a rack.
    #[must_use]
    pub fn rack(mut self, rack: u32) -> Self {
        self.rack = rack;
        self
    }

    /// Strongly consistent.
    #[must_use]
    pub fn strong(mut self) -> Self {
        self.strong = true;
        self
    }

    /// On a storage.
    #[must_use]
    pub fn on(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    fn put_into(&self, settings: &mut Settings) {
        settings.add_namespace(&self.name);
        let key = |name: &str| namespace_key(&self.name, name);
        let numbers = [
            ("replication-factor", self.replication_factor as u64),
            ("rack-id", self.rack.into()),
            ("active-rack", self.active_rack.into()),
        ];
        for (name, number) in numbers.into_iter().filter(|(_, number)| *number != 0) {
            settings.set(&key(name), number.to_string());
        }
        if self.strong {
            settings.set(&key("strong-consistency"), "true");
        }
        if let Storage::Disks(disks) = &self.storage {
            settings.set(&key("storage-engine"), "device");
            for (path, _) in disks {
                settings.append(&key("storage-engine.device"), path.clone());
            }
        } else {
            settings.set(&key("storage-engine"), "memory");
            settings.set(&key("storage-engine.data-size"), self.bytes.to_string());
        }
    }
}

/// A server to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Its configuration.
    pub settings: Settings,
    /// Its id.
    pub id: NodeId,
    /// Storage and size by namespace.
    pub storage: BTreeMap<String, (Storage, u64)>,
    /// Names under which seeds find it, beside its own.
    pub hosts: Vec<String>,
    /// Whether all servers know each other without seeds.
    pub known_to_all: bool,
    /// Where it keeps users, roles and rosters beyond its life.
    pub work: Option<String>,
    /// From its start to its first answer, in milliseconds.
    pub loading: u64,
    /// From the order to stop to its end, in milliseconds.
    pub flushing: u64,
}

impl Launch {
    /// A server of `id` without namespaces; all others find it.
    #[must_use]
    pub fn new(id: NodeId) -> Self {
        let release = Release {
            version: crate::version::Version::patch(8, 1, 2),
            edition: Edition::Enterprise,
        };
        let mut settings = Settings::empty(release);
        settings.set("service.node-id", format!("{id:x}"));
        settings.set("service.cluster-name", "simulated");
        settings.set("network.service.port", "3000");
        settings.set("network.heartbeat.port", "3002");
        settings.set("network.fabric.port", "3001");
        Self::with(settings, id)
    }

    fn with(settings: Settings, id: NodeId) -> Self {
        Self {
            settings,
            id,
            storage: BTreeMap::new(),
            hosts: Vec::new(),
            known_to_all: true,
            work: None,
            loading: 100,
            flushing: 100,
        }
    }

    /// A server with a parsed configuration, which must name a node id; `storage` says what is behind each namespace.
    /// It finds others by its seeds only.
    #[must_use]
    pub fn configured(
        settings: Settings,
        mut storage: impl FnMut(&str) -> (Storage, u64),
    ) -> Option<Self> {
        let id = settings.get("service.node-id")?;
        let id = NodeId::from_str_radix(id, 16).ok()?;
        let names = settings.namespaces().to_vec();
        let mut launch = Self::with(settings, id);
        launch.known_to_all = false;
        launch.storage = names
            .into_iter()
            .map(|name| {
                let storage = storage(&name);
                (name, storage)
            })
            .collect();
        Some(launch)
    }

    /// With a namespace more.
    #[must_use]
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        namespace.put_into(&mut self.settings);
        let storage = (namespace.storage, namespace.bytes);
        self.storage.insert(namespace.name, storage);
        self
    }

    /// In a cluster of this name.
    #[must_use]
    pub fn cluster_name(self, name: &str) -> Self {
        self.setting("service.cluster-name", name)
    }

    /// With a value in its configuration, at the key that [`Settings`] has for it.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.set(key, value);
        self
    }

    /// Of another release.
    #[must_use]
    pub fn release(mut self, release: Release) -> Self {
        self.settings.set_release(release);
        self
    }

    /// With `host:port` entries as the only way to find others.
    #[must_use]
    pub fn seeds(mut self, seeds: &[&str]) -> Self {
        self.known_to_all = false;
        for seed in seeds {
            let key = "network.heartbeat.mesh-seed-address-port";
            self.settings.append(key, (*seed).to_owned());
        }
        self
    }

    /// With a directory for users, roles and rosters that outlives it.
    #[must_use]
    pub fn work(mut self, directory: &str) -> Self {
        self.work = Some(directory.to_owned());
        self
    }
}
