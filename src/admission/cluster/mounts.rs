//! Files and folders that the server needs: each must be on a volume.

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::{ConfiguredRack, PlacedRack, Subject},
        volumes::{ServerVolumes, folder_of, is_within},
    },
    api::storage::Volume,
    finding::{FieldPath, Finding, shortened},
    resolve::racks::WORK_DIRECTORY,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        work_directory_is_on_a_volume,
        default_password_is_in_a_file,
        files_are_on_volumes,
        default_password_is_in_a_secret,
    ],
    changes: &[],
    advice: &[],
};

const WORK_DIRECTORY_KEY: [&str; 2] = ["service", "work-directory"];
const DEFAULT_PASSWORD: [&str; 2] = ["security", "default-password-file"];
/// What the server asks a secret manager for.
const SECRET_MANAGERS: [&str; 2] = ["secrets:", "vault:"];
/// So many characters of a path are quoted.
const QUOTED: usize = 200;

fn is_from_a_secret_manager(path: &str) -> bool {
    SECRET_MANAGERS
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

fn racks_with_volumes<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (ConfiguredRack<'a>, ServerVolumes<'a>)> + use<'a> {
    let racks = subject.stored_configurations();
    racks.filter_map(|rack| Some((rack, ServerVolumes::of(rack.placed.storage()?))))
}

fn work_directory_is_on_a_volume(subject: &Subject<'_>) -> Vec<Finding> {
    let policy = subject.spec.validation_policy.as_ref();
    let may_be_lost = policy.is_some_and(|policy| policy.skip_work_dir_validate);
    racks_with_volumes(subject)
        .filter_map(|(rack, volumes)| {
            let folder = match rack.get(&WORK_DIRECTORY_KEY) {
                Some(folder) => folder.as_str()?,
                None if may_be_lost => return None,
                None => WORK_DIRECTORY,
            };
            if may_be_lost {
                work_directory(rack, "FILE-02", folder, volumes.hold(folder), ON_ANY)
            } else {
                work_directory(rack, "FILE-01", folder, volumes.keep(folder), ON_CLAIM)
            }
        })
        .told()
}

const ON_ANY: &str = "no volume: add one with an aerospike.path at or above it";
const ON_CLAIM: &str = "no persistent filesystem volume, so that the server's own state would be lost with its pod: add a volume \
                        with persistentVolume, volumeMode Filesystem and an aerospike.path at or above it";

fn work_directory(
    rack: ConfiguredRack<'_>,
    code: &'static str,
    folder: &str,
    is_covered: bool,
    otherwise: &str,
) -> Option<Finding> {
    let quoted = shortened(folder, QUOTED);
    if !folder.starts_with('/') {
        return Some(Finding::invalid(
            code,
            rack.place_of(&WORK_DIRECTORY_KEY),
            format!("work directory {quoted:?} must be absolute: begin it with '/'"),
        ));
    }
    (!is_covered).then(|| {
        Finding::required(
            code,
            rack.placed.storage_path().child("volumes"),
            format!("work directory {quoted} is on {otherwise}"),
        )
    })
}

fn default_password(rack: ConfiguredRack<'_>) -> Option<&str> {
    rack.get(&DEFAULT_PASSWORD)?.as_str()
}

fn default_password_is_in_a_file(subject: &Subject<'_>) -> Vec<Finding> {
    let racks = subject.stored_configurations();
    let managed =
        racks.filter(|rack| default_password(*rack).is_some_and(is_from_a_secret_manager));
    managed
        .map(|rack| {
            Finding::invalid(
                "FILE-03",
                rack.place_of(&DEFAULT_PASSWORD),
                "a secret manager is not supported for default-password-file: name a file on a volume with a Secret",
            )
        })
        .told()
}

/// A path that the server's configuration names.
struct Named<'a> {
    place: Place<'a>,
    path: &'a str,
    /// It may be the name of a secret in a secret manager.
    may_be_managed: bool,
    is_folder: bool,
}

/// Where in the configuration a path is named.
enum Place<'a> {
    /// By a member of a section, at that index if it has several.
    Section([&'static str; 2], Option<usize>),
    /// By a member of an entry of `network.tls`.
    Tls(usize, &'a Value, &'static str),
}

impl Named<'_> {
    fn place(&self, rack: ConfiguredRack<'_>) -> FieldPath {
        match self.place {
            Place::Section(members, None) => rack.place_of(&members),
            Place::Section(members, Some(index)) => rack.place_of(&members).index(index),
            Place::Tls(index, entry, member) => {
                let list = FieldPath::default().children(&["network", "tls"]);
                let entry = match entry.get("name").and_then(Value::as_str) {
                    Some(name) => list.item(index, name),
                    None => list.index(index),
                };
                rack.place(&entry.child(member))
            }
        }
    }

    fn is_on(&self, volumes: &ServerVolumes<'_>) -> bool {
        let folder = if self.is_folder {
            self.path
        } else {
            folder_of(self.path)
        };
        volumes.hold(folder) || self.may_be_managed && is_from_a_secret_manager(self.path)
    }
}

/// The files of a section's member, which is a text or a list of texts.
fn of_section<'a>(
    rack: ConfiguredRack<'a>,
    members: [&'static str; 2],
) -> impl Iterator<Item = Named<'a>> {
    let value = rack.get(&members);
    let single = value.and_then(Value::as_str).map(|path| (None, path));
    let several = value.and_then(Value::as_array).into_iter().flatten();
    let several = several.enumerate();
    let several = several.filter_map(|(index, item)| Some((Some(index), item.as_str()?)));
    single
        .into_iter()
        .chain(several)
        .map(move |(index, path)| Named {
            place: Place::Section(members, index),
            path,
            may_be_managed: true,
            is_folder: false,
        })
}

fn feature_keys(rack: ConfiguredRack<'_>) -> impl Iterator<Item = Named<'_>> {
    let single = ["service", "feature-key-file"];
    let is_single = rack.get(&single).is_some();
    of_section(
        rack,
        if is_single {
            single
        } else {
            ["service", "feature-key-files"]
        },
    )
}

fn of_tls(rack: ConfiguredRack<'_>) -> impl Iterator<Item = Named<'_>> {
    /// Whether a secret manager may hold it, and whether it is a folder.
    const MEMBERS: [(&str, bool, bool); 4] = [
        ("cert-file", true, false),
        ("key-file", true, false),
        ("ca-file", false, false),
        ("ca-path", false, true),
    ];
    let entries = rack.get(&["network", "tls"]).and_then(Value::as_array);
    let entries = entries.into_iter().flatten().enumerate();
    entries.flat_map(|(index, entry)| {
        MEMBERS
            .iter()
            .filter_map(move |(member, may_be_managed, is_folder)| {
                Some(Named {
                    place: Place::Tls(index, entry, member),
                    path: entry.get(member)?.as_str()?,
                    may_be_managed: *may_be_managed,
                    is_folder: *is_folder,
                })
            })
    })
}

fn files_are_on_volumes(subject: &Subject<'_>) -> Vec<Finding> {
    racks_with_volumes(subject)
        .flat_map(|(rack, volumes)| {
            let named = feature_keys(rack)
                .chain(of_tls(rack))
                .chain(of_section(rack, DEFAULT_PASSWORD));
            let missing = named.filter(|named| !named.is_on(&volumes));
            let told = missing.map(|named| not_mounted(named.place(rack), named.path));
            told.told()
        })
        .told()
}

fn not_mounted(place: FieldPath, path: &str) -> Finding {
    Finding::invalid(
        "FILE-04",
        place,
        format!(
            "feature-key-file paths or tls paths or default-password-file path are not mounted: create an entry for '{}' in \
             'storage.volumes', with an aerospike.path above it",
            shortened(path, QUOTED)
        ),
    )
}

fn default_password_is_in_a_secret(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .stored_configurations()
        .filter_map(|rack| {
            let path = default_password(rack).filter(|path| !is_from_a_secret_manager(path))?;
            let (index, volume) = volume_of(rack.placed, path)?;
            let source = volume.source.as_ref();
            let is_secret = source.is_some_and(|source| source.secret.is_some());
            (!is_secret).then(|| {
                let volumes = rack.placed.storage_path().child("volumes");
                Finding::invalid(
                    "FILE-05",
                    volumes.item(index, &volume.name).child("source"),
                    format!(
                        "default-password-file path {} volume source should be secret in storage config, volume {} is not: use a \
                         Secret, so that the password is in no other place",
                        shortened(path, QUOTED),
                        shortened(&volume.name, QUOTED)
                    ),
                )
            })
        })
        .told()
}

/// The volume that a file is on: of several whose paths are above it the one with the greatest path.
fn volume_of<'a>(rack: PlacedRack<'a>, file: &str) -> Option<(usize, &'a Volume)> {
    let folder = folder_of(file);
    let volumes = rack.storage()?.volumes.iter().enumerate();
    let seen = volumes.filter_map(|(index, volume)| {
        let path = volume.aerospike.as_ref()?.path.as_str();
        is_within(path, folder).then_some((path, index, volume))
    });
    let (_, index, volume) = seen.max_by_key(|(path, _, _)| *path)?;
    Some((index, volume))
}

#[cfg(test)]
mod tests;
