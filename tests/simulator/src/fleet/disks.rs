//! Disks: what they were made for, and what a server says to one that it does not know.

use std::collections::BTreeMap;

use super::launch::Storage;
use super::record::{Cause, Harm};
use super::server::{Server, Stop};
use super::{Fleet, Launch};
use crate::cluster::{Incarnation, NodeId};
use crate::conf::settings::namespace_key;
use crate::version::Version;

/// Why a server does not start: the last line of its log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CRITICAL (drv_ssd): {0}")]
pub struct Refusal(pub String);

/// What a server writes at the beginning of a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    namespace: String,
    format: Format,
    strong: bool,
    node: NodeId,
    index: usize,
    /// The first disk of the set: all of a set name the same.
    set: String,
}

/// The way records are written, which changed with 6.0 and 7.0; only the first change needs erased disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Old,
    Flat,
}

impl Format {
    fn of(version: Version) -> Self {
        if version.at_least(6, 0) {
            Self::Flat
        } else {
            Self::Old
        }
    }
}

/// A disk, or memory that outlives a process.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    header: Option<Header>,
    /// Where its contents are: namespace and store.
    store: Option<(String, String)>,
}

impl Fleet {
    /// Deletes the claim of a disk, or wipes it. Shared memory goes the same way.
    ///
    /// # Panics
    ///
    /// If a server has it open.
    pub fn erase(&mut self, disk: &str) {
        assert!(!self.is_open(disk), "{disk} is in use");
        let Some(old) = self.disks.remove(disk) else {
            return;
        };
        if let Some((namespace, store)) = old.store {
            self.empty_store(&namespace, &store, &Cause::Erased(disk.to_owned()));
        }
    }

    /// In how many partitions, of which namespace, a disk is the last that holds some write.
    #[must_use]
    pub fn last_holder(&self, disk: &str) -> BTreeMap<String, usize> {
        let store = self.disks.get(disk).and_then(|it| it.store.as_ref());
        let last = store.and_then(|(namespace, store)| {
            let space = self.spaces.get(namespace)?;
            let partitions = space.depending_on(space.find(store)?);
            (partitions > 0).then(|| (namespace.clone(), partitions))
        });
        last.into_iter().collect()
    }

    /// Whether a server has a disk open.
    #[must_use]
    pub fn is_open(&self, disk: &str) -> bool {
        let mut storages = self
            .servers
            .iter()
            .flat_map(|server| server.launch.storage.values());
        storages.any(|(storage, _)| match storage {
            Storage::Memory => false,
            Storage::SharedMemory(name) => name == disk,
            Storage::Disks(disks) => disks.iter().any(|(_, name)| name == disk),
        })
    }

    pub(super) fn open_disks(&mut self, launch: &Launch) -> Result<(), Refusal> {
        for (namespace, (storage, _)) in &launch.storage {
            if let Storage::Disks(disks) = storage {
                self.check_set(launch, namespace, disks)?;
            }
        }
        for (namespace, (storage, _)) in &launch.storage {
            if let Storage::Disks(disks) = storage {
                self.mark_set(launch, namespace, disks);
            }
        }
        Ok(())
    }

    fn check_set(
        &self,
        launch: &Launch,
        namespace: &str,
        disks: &[(String, String)],
    ) -> Result<(), Refusal> {
        let mut first: Option<(&String, &Header)> = None;
        for (index, (path, disk)) in disks.iter().enumerate() {
            let header = self.disks.get(disk).and_then(|it| it.header.as_ref());
            let Some(header) = header else { continue };
            let expected = expected(launch, namespace, index, &header.set);
            if let Some(text) = mismatch(path, header, &expected) {
                return Err(Refusal(text));
            }
            match first {
                Some((other, known)) if known.set != header.set => {
                    return Err(Refusal(format!(
                        "{{{namespace}}} devices {other} and {path} have different signatures"
                    )));
                }
                _ => first = Some((path, header)),
            }
        }
        Ok(())
    }

    fn mark_set(&mut self, launch: &Launch, namespace: &str, disks: &[(String, String)]) {
        let known = disks.iter().find_map(|(_, disk)| {
            let header = self.disks.get(disk)?.header.as_ref()?;
            Some(header.set.clone())
        });
        let fresh = || disks.first().map(|(_, disk)| disk.clone());
        let Some(set) = known.or_else(fresh) else {
            return;
        };
        for (index, (_, disk)) in disks.iter().enumerate() {
            let header = expected(launch, namespace, index, &set);
            let store = Some((namespace.to_owned(), set.clone()));
            let header = Some(header);
            self.disks.insert(disk.clone(), Disk { header, store });
        }
    }

    /// The places of the stores of a server, by namespace.
    pub(super) fn open_stores(&mut self, launch: &Launch, me: Incarnation) -> Vec<(String, u8)> {
        let mut places = Vec::new();
        for (namespace, (storage, _)) in &launch.storage {
            let store = match storage {
                Storage::Memory => process_store(me),
                Storage::SharedMemory(name) => {
                    let disk = self.disks.entry(name.clone()).or_default();
                    disk.store = Some((namespace.clone(), name.clone()));
                    name.clone()
                }
                Storage::Disks(disks) => self.set_of(disks),
            };
            let place = self.space(namespace).place(&store);
            places.push((namespace.clone(), place));
        }
        places
    }

    fn set_of(&self, disks: &[(String, String)]) -> String {
        let first = disks.first().and_then(|(_, disk)| self.disks.get(disk));
        first
            .and_then(|disk| disk.store.as_ref())
            .map(|(_, store)| store.clone())
            .unwrap_or_default()
    }

    pub(super) fn close_stores(&mut self, server: &Server, how: Stop, cause: &Cause) {
        for (namespace, (storage, _)) in &server.launch.storage {
            let key = namespace_key(namespace, "storage-engine.commit-to-device");
            let committed = server.node.settings.is_true(&key);
            match storage {
                Storage::Memory => {
                    self.empty_store(namespace, &process_store(server.me), cause);
                }
                Storage::Disks(_) if how != Stop::Clean && !committed => {
                    self.lose_buffers(server, namespace, cause);
                }
                Storage::SharedMemory(_) | Storage::Disks(_) => {}
            }
        }
    }

    fn empty_store(&mut self, namespace: &str, store: &str, cause: &Cause) {
        let Some(space) = self.spaces.get_mut(namespace) else {
            return;
        };
        let Some(place) = space.find(store) else {
            return;
        };
        let lost = space.erase(place);
        self.client.forget(namespace, place);
        self.note(Harm::DataLoss, namespace, lost, cause.clone());
    }
}

fn process_store(me: Incarnation) -> String {
    format!("{:X} since start {:x}", me.id, me.nonce)
}

fn expected(launch: &Launch, namespace: &str, index: usize, set: &str) -> Header {
    let key = namespace_key(namespace, "strong-consistency");
    Header {
        namespace: namespace.to_owned(),
        format: Format::of(launch.settings.release().version),
        strong: launch.settings.is_true(&key),
        node: launch.id,
        index,
        set: set.to_owned(),
    }
}

/// What a server says to a header that is not its own. The first two texts are those of 8.1; how it words the others is
/// not known.
fn mismatch(path: &str, found: &Header, expected: &Header) -> Option<String> {
    let (old, new) = (&found.namespace, &expected.namespace);
    if old != new {
        return Some(format!(
            "{path}: previous namespace {old} now {new} - check config or erase device"
        ));
    }
    if found.format != expected.format {
        return Some(format!(
            "{path}: Aerospike device has old format - must erase device to upgrade"
        ));
    }
    if found.strong != expected.strong {
        return Some(format!(
            "{{{new}}} {path}: strong-consistency changed from {} to {}",
            found.strong, expected.strong
        ));
    }
    if found.node != expected.node {
        return Some(format!(
            "{{{new}}} {path}: belongs to node {:X}, not {:X}",
            found.node, expected.node
        ));
    }
    (found.index != expected.index).then(|| {
        format!(
            "{{{new}}} {path}: was device {} and is now {}",
            found.index, expected.index
        )
    })
}
