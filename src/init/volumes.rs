//! What happens to each volume before the server starts: nothing, its init method, or its wipe method.

use std::{collections::BTreeMap, path::PathBuf};

use thiserror::Error;

use super::disks::Operation;
use crate::{
    api::{
        status::PodStatus,
        storage::{InitMethod, WipeMethod},
    },
    resources::init_document::{InitDocument, VolumeDocument, VolumeKindDocument},
};

/// Why it cannot be decided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VolumeError {
    /// The pod has no such claim.
    #[error("volume {volume} has no claim in the pod")]
    NoClaim {
        /// The volume.
        volume: String,
    },
    /// A method of the other kind of volume.
    #[error("{method} does not fit volume {volume}, which is {what}")]
    Misfit {
        /// The volume.
        volume: String,
        /// What it is.
        what: &'static str,
        /// The method.
        method: String,
    },
}

/// A claim, as far as it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its uid.
    pub uid: String,
    /// It carries the annotation [`INITIALIZED`](crate::resources::labels::INITIALIZED).
    pub initialized: bool,
}

/// What happens to the volumes, and what is known of them afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What is done, in the order of the document.
    pub jobs: Vec<Job>,
    /// `initializedVolumes` afterwards.
    pub initialized: Vec<String>,
    /// `dirtyVolumes` afterwards.
    pub dirty: Vec<String>,
}

/// Something to be done to a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The volume.
    pub volume: String,
    /// Where it is, below the folder of volumes.
    pub path: PathBuf,
    /// What is done.
    pub operation: Operation,
}

/// Where a volume is, below the folder of volumes.
#[must_use]
pub fn place(volume: &VolumeDocument) -> PathBuf {
    let folder = match volume.kind {
        VolumeKindDocument::Block => "block-volumes",
        VolumeKindDocument::Filesystem | VolumeKindDocument::Other => "filesystem-volumes",
    };
    PathBuf::from(folder).join(&volume.name)
}

/// The volumes that are claims.
pub fn claimed(document: &InitDocument) -> impl Iterator<Item = &VolumeDocument> {
    let volumes = document.volumes.iter();
    volumes.filter(|volume| volume.kind != VolumeKindDocument::Other)
}

/// Decides for all volumes; `claims` by volume.
///
/// # Errors
///
/// A claim is missing, or a method does not fit its volume.
pub fn decide(
    document: &InitDocument,
    entry: Option<&PodStatus>,
    claims: &BTreeMap<String, Claim>,
) -> Result<Decision, VolumeError> {
    let mut decision = Decision {
        jobs: Vec::new(),
        initialized: entry.map(records).unwrap_or_default(),
        dirty: entry.map_or_else(Vec::new, |entry| entry.dirty_volumes.clone()),
    };
    for volume in claimed(document) {
        let claim = claims
            .get(&volume.name)
            .ok_or_else(|| VolumeError::NoClaim {
                volume: volume.name.clone(),
            })?;
        one(document, volume, claim, &mut decision)?;
    }
    Ok(decision)
}

/// The entries that name a claim; older ones without a uid say nothing.
fn records(entry: &PodStatus) -> Vec<String> {
    let records = entry.initialized_volumes.iter();
    records
        .filter(|record| record.contains('@'))
        .cloned()
        .collect()
}

fn one(
    document: &InitDocument,
    volume: &VolumeDocument,
    claim: &Claim,
    decision: &mut Decision,
) -> Result<(), VolumeError> {
    let known = history(volume, claim, &decision.initialized);
    let dirty = decision.dirty.contains(&volume.name);
    let fate = fate(known, dirty, in_use(document, volume));
    let operation = match fate {
        Fate::Keep | Fate::KeepDirty => None,
        Fate::Initialise => initialisation(volume)?,
        Fate::Wipe => Some(wipe(volume)?),
    };
    decision.jobs.extend(operation.map(|operation| Job {
        volume: volume.name.clone(),
        path: place(volume),
        operation,
    }));
    if fate != Fate::KeepDirty {
        decision.dirty.retain(|name| name != &volume.name);
    }
    record(volume, claim, &mut decision.initialized);
    Ok(())
}

/// What is known of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    /// This claim was initialised, as the pod's status says.
    Recorded,
    /// The status knows another claim of this volume, or none; the claim itself says that it was initialised.
    Annotated { replaced: bool },
    /// Nothing was done to it yet.
    New,
}

fn history(volume: &VolumeDocument, claim: &Claim, records: &[String]) -> History {
    let of_volume = |record: &&String| record_of(record, &volume.name).is_some();
    let uid = records
        .iter()
        .filter(of_volume)
        .any(|record| record_of(record, &volume.name) == Some(&claim.uid));
    match (uid, claim.initialized) {
        (true, _) => History::Recorded,
        (false, true) => History::Annotated {
            replaced: records.iter().any(|record| of_volume(&record)),
        },
        (false, false) => History::New,
    }
}

/// The uid in a record, if it is of `volume`.
fn record_of<'a>(record: &'a str, volume: &str) -> Option<&'a str> {
    record.strip_prefix(volume)?.strip_prefix('@')
}

/// What becomes of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    KeepDirty,
    Initialise,
    Wipe,
}

/// A dirty mark concerns the claim for which it was made: it never erases one that took its place.
const fn fate(history: History, dirty: bool, in_use: bool) -> Fate {
    match (history, dirty, in_use) {
        (History::New, _, _) => Fate::Initialise,
        (History::Annotated { replaced: true }, _, _) | (_, false, _) => Fate::Keep,
        (_, true, true) => Fate::Wipe,
        (_, true, false) => Fate::KeepDirty,
    }
}

fn in_use(document: &InitDocument, volume: &VolumeDocument) -> bool {
    let path = volume.server_path.as_ref();
    volume.kind == VolumeKindDocument::Block
        && path.is_some_and(|path| document.devices.contains(path))
}

fn record(volume: &VolumeDocument, claim: &Claim, records: &mut Vec<String>) {
    let now = format!("{}@{}", volume.name, claim.uid);
    if !records.contains(&now) {
        records.retain(|record| record_of(record, &volume.name).is_none());
        records.push(now);
    }
}

fn initialisation(volume: &VolumeDocument) -> Result<Option<Operation>, VolumeError> {
    use VolumeKindDocument::{Block, Filesystem};
    Ok(match (volume.kind, volume.init) {
        (_, InitMethod::None) => None,
        (Block, InitMethod::Dd) => Some(Operation::Zero),
        (Block, InitMethod::HeaderCleanup) => Some(Operation::ZeroHeader),
        (Block, InitMethod::Blkdiscard) => Some(Operation::Discard),
        (Block, InitMethod::BlkdiscardWithHeaderCleanup) => Some(Operation::DiscardAndZeroHeader),
        (Filesystem, InitMethod::DeleteFiles) => Some(Operation::DeleteFiles),
        (_, method) => return Err(misfit(volume, &method)),
    })
}

fn wipe(volume: &VolumeDocument) -> Result<Operation, VolumeError> {
    use VolumeKindDocument::{Block, Filesystem};
    Ok(match (volume.kind, volume.wipe) {
        (Block, WipeMethod::Dd) => Operation::Zero,
        (Block, WipeMethod::Blkdiscard) => Operation::Discard,
        (Filesystem, WipeMethod::DeleteFiles) => Operation::DeleteFiles,
        (_, method) => return Err(misfit(volume, &method)),
    })
}

fn misfit(volume: &VolumeDocument, method: &impl serde::Serialize) -> VolumeError {
    let name = serde_json::to_value(method).ok();
    let name = name.and_then(|name| name.as_str().map(ToOwned::to_owned));
    VolumeError::Misfit {
        volume: volume.name.clone(),
        method: name.unwrap_or_default(),
        what: match volume.kind {
            VolumeKindDocument::Block => "a block device",
            VolumeKindDocument::Filesystem | VolumeKindDocument::Other => "a file system",
        },
    }
}

#[cfg(test)]
mod tests;
