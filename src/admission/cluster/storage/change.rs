//! What may become of volumes: claims stay as they were made, but for their size; all else may change.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{QUOTED, claim};
use crate::{
    admission::{
        rules::{Change, Told},
        subject::PlacedRack,
    },
    api::{
        racks::Rack,
        storage::{ObjectMetadata, PersistentVolumeSpec, StorageSpec, Volume},
    },
    finding::{FieldPath, Finding, Warning, shortened},
    resolve::quantity::Amount,
};

/// A rack that was there before.
struct Matched<'a> {
    placed: PlacedRack<'a>,
    old: &'a Rack,
}

/// How the claims of two storages differ.
enum Difference<'a> {
    /// A volume of the same name is claimed differently, or on one side only.
    Changed(usize, &'a Volume, String),
    /// A claim that was not there.
    Added(usize, &'a Volume),
    /// A claim that is no longer there.
    Removed(&'a Volume),
}

fn matched<'a>(change: &Change<'a>) -> impl Iterator<Item = Matched<'a>> + use<'a> {
    let old: BTreeMap<_, _> = change.old.racks().iter().map(|it| (it.id, it)).collect();
    let racks = change.new.placed_racks();
    racks.filter_map(move |placed| {
        let old = *old.get(&placed.rack.id)?;
        Some(Matched { placed, old })
    })
}

fn revision(rack: &Rack) -> &str {
    rack.revision.as_deref().unwrap_or_default()
}

impl<'a> Matched<'a> {
    fn keeps_its_revision(&self) -> bool {
        revision(self.old) == revision(self.placed.rack)
    }

    /// The storage in force, before and after.
    fn storages(&self) -> Option<(&'a StorageSpec, &'a StorageSpec)> {
        Some((self.old.effective_storage.as_ref()?, self.placed.storage()?))
    }

    fn finding(&self, difference: &Difference<'_>) -> Finding {
        let list = self.placed.storage_path().child("volumes");
        let source = |index: usize, volume: &Volume| list.item(index, &volume.name).child("source");
        let (code, path, volume, what) = match difference {
            Difference::Changed(index, volume, what) => {
                ("UPD-30", source(*index, volume), volume, what.as_str())
            }
            Difference::Added(index, volume) => (
                "UPD-31",
                source(*index, volume),
                volume,
                "cannot add persistent volume",
            ),
            Difference::Removed(volume) => {
                ("UPD-32", list, volume, "cannot remove persistent volume")
            }
        };
        Finding::forbidden(
            code,
            path,
            format!(
                "rack storage config cannot be updated: {what}: volume {}, rack {}. A rack keeps the claims that it was made \
                 with; give it a new revision, or add a new rack and then remove this one",
                shortened(&volume.name, QUOTED),
                self.placed.rack.id
            ),
        )
    }
}

fn differences<'a>(
    old: &'a StorageSpec,
    new: &'a StorageSpec,
) -> impl Iterator<Item = Difference<'a>> + use<'a> {
    let before: HashMap<_, _> = old.volumes.iter().map(|it| (&it.name, it)).collect();
    let names: HashSet<_> = new.volumes.iter().map(|it| &it.name).collect();
    let kept = new.volumes.iter().enumerate();
    let kept = kept.filter_map(move |(index, volume)| match before.get(&volume.name) {
        Some(old) => what_changed(claim(old), claim(volume))
            .map(|what| Difference::Changed(index, volume, what)),
        None => claim(volume).map(|_| Difference::Added(index, volume)),
    });
    let gone = old.volumes.iter();
    let gone = gone.filter(move |volume| claim(volume).is_some() && !names.contains(&volume.name));
    kept.chain(gone.map(Difference::Removed))
}

fn what_changed(
    old: Option<&PersistentVolumeSpec>,
    new: Option<&PersistentVolumeSpec>,
) -> Option<String> {
    let (old, new) = match (old, new) {
        (None, None) => return None,
        (Some(_), None) => ("persistentVolume".to_owned(), "another source".to_owned()),
        (None, Some(_)) => ("another source".to_owned(), "persistentVolume".to_owned()),
        (Some(old), Some(new)) => {
            let members = differing(old, new);
            if members.is_empty() {
                return None;
            }
            let given = |claim| described(claim, &members);
            (given(old), given(new))
        }
    };
    Some(format!("cannot change volumes old {old}, new {new}"))
}

/// The members that differ and must not. The size may.
fn differing(old: &PersistentVolumeSpec, new: &PersistentVolumeSpec) -> Vec<&'static str> {
    let none = ObjectMetadata::default();
    let (before, after) = (old.metadata.as_ref(), new.metadata.as_ref());
    let equal = [
        (
            "metadata",
            before.unwrap_or(&none) == after.unwrap_or(&none),
        ),
        ("storageClass", old.storage_class == new.storage_class),
        ("volumeMode", old.volume_mode == new.volume_mode),
        ("accessModes", old.access_modes == new.access_modes),
        ("selector", old.selector == new.selector),
    ];
    let differ = equal.into_iter().filter(|(_, equal)| !equal);
    differ.map(|(member, _)| member).collect()
}

/// The members of a claim, as users write them.
fn described(claim: &PersistentVolumeSpec, members: &[&str]) -> String {
    let claim = serde_json::to_value(claim).unwrap_or_default();
    let given = members.iter().map(|member| match claim.get(member) {
        Some(value) => format!("{member} {value}"),
        None => format!("no {member}"),
    });
    shortened(&given.collect::<Vec<_>>().join(", "), QUOTED)
}

pub(super) fn claims_stay(change: &Change<'_>) -> Vec<Finding> {
    let kept = matched(change).filter(Matched::keeps_its_revision);
    let changed = kept.filter_map(|rack| {
        let (old, new) = rack.storages()?;
        let differences = differences(old, new);
        Some(differences.map(move |difference| rack.finding(&difference)))
    });
    changed.flatten().told()
}

/// A rack may go back to a revision that still has pods: then to its claims too.
pub(super) fn an_earlier_revision_keeps_its_claims(change: &Change<'_>) -> Vec<Finding> {
    let status = change.old.status;
    let known = status.and_then(|status| status.mirror.rack_config.as_ref());
    let known = known.map_or(&[][..], |config| &config.racks);
    let identity = |rack: &Rack| (rack.id, revision(rack).to_owned());
    let known: HashMap<_, _> = known.iter().map(|it| (identity(it), it)).collect();
    let moved = matched(change).filter(|rack| !rack.keeps_its_revision());
    moved
        .filter_map(|Matched { placed, .. }| {
            let old = known.get(&identity(placed.rack))?;
            let (old, new) = (old.effective_storage.as_ref()?, placed.storage()?);
            differences(old, new)
                .next()
                .is_some()
                .then(|| reused(&placed))
        })
        .told()
}

fn reused(placed: &PlacedRack<'_>) -> Finding {
    let (id, revision) = (placed.rack.id, revision(placed.rack));
    Finding::forbidden(
        "UPD-33",
        placed.path().child("revision"),
        format!(
            "old rack with same revision {} already exists with different storage: rack {id} has pods with those claims; \
             give it a revision that it never had, or the storage of then",
            shortened(revision, QUOTED)
        ),
    )
}

/// Claims never shrink below what they have, and only the controller sees how much that is.
#[must_use]
pub fn shrinking_claims(change: &Change<'_>) -> Vec<Warning> {
    let kept = matched(change).filter(Matched::keeps_its_revision);
    let shrunk = kept.filter_map(|rack| {
        let (old, new) = rack.storages()?;
        Some(shrunk(
            old,
            new,
            &rack.placed.storage_path().child("volumes"),
        ))
    });
    let mut warnings = shrunk.flatten().told();
    warnings.sort_by(|a, b| a.path.cmp(&b.path));
    warnings.dedup_by(|a, b| a.path == b.path);
    warnings
}

fn shrunk(old: &StorageSpec, new: &StorageSpec, list: &FieldPath) -> Vec<Warning> {
    let size = |volume| Some(&claim(volume)?.size.0);
    let before: HashMap<_, _> = old.volumes.iter().map(|it| (&it.name, it)).collect();
    let pairs = new
        .volumes
        .iter()
        .enumerate()
        .filter_map(|(index, volume)| {
            let (old, new) = (size(before.get(&volume.name)?)?, size(volume)?);
            (Amount::parse(new)? < Amount::parse(old)?).then_some((index, volume, old, new))
        });
    pairs
        .map(|(index, volume, old, new)| Warning {
            code: "UPD-30",
            path: list
                .item(index, &volume.name)
                .children(&["source", "persistentVolume", "size"]),
            message: format!(
                "{old} becomes {new}: claims do not shrink below the capacity that they have; this undoes an expansion that \
                 failed, and the controller reports if it cannot"
            ),
        })
        .told()
}

#[cfg(test)]
mod tests;
