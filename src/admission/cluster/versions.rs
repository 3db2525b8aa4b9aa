//! Steps from one server version to another that the server itself does not survive, or that want preparation. The vendor's
//! operator knows none of them; each row is a fact of the server's release notes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Change, Told},
        subject::{Namespace, Subject},
    },
    api::{
        access_control::{AccessControl, AuthMode},
        racks::Rack,
    },
    finding::{FieldPath, Finding, Warning},
    resolve::{Version, image::version_of},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[],
    changes: &[no_crossing_breaks_the_cluster],
    advice: &[],
};

/// Which versions lie before and after a step.
enum Step {
    /// From below this version to it or above.
    Up(&'static [u64]),
    /// From this version or above to below it.
    Down(&'static [u64]),
    /// Away from a version at or above the first and below the second.
    Out(&'static [u64], &'static [u64]),
}

/// A step between versions, and when it matters.
struct Crossing {
    code: &'static str,
    step: Step,
    matters: fn(&Change<'_>) -> bool,
    message: &'static str,
}

/// Steps after which servers do not start with their disks, or lose data.
const BARRIERS: &[Crossing] = &[
    Crossing {
        code: "VER-01",
        step: Step::Up(&[6, 0]),
        matters: disks_stay,
        message: "version 6.0 does not read what older versions wrote to disk: give each rack with disks a new revision in \
                  the same change, or add racks with other ids and remove these after that",
    },
    Crossing {
        code: "VER-01",
        step: Step::Down(&[6, 0]),
        matters: disks_stay,
        message: "versions before 6.0 do not read what newer ones wrote to disk: give each rack with disks a new revision in \
                  the same change, or add racks with other ids and remove these after that",
    },
    Crossing {
        code: "VER-02",
        step: Step::Up(&[6, 4]),
        matters: single_bin_was_used,
        message: "version 6.4 does not start with the data of single-bin namespaces: back them up, restore them into namespaces \
                  without single-bin and data-in-index, remove the old ones, and change the image after that",
    },
    Crossing {
        code: "VER-03",
        step: Step::Down(&[7, 2]),
        matters: active_rack_was_used,
        message: "versions before 7.2 do not know active-rack, and place partitions differently from those that do: in two \
                  steps, remove active-rack and wait until status.phase is Completed, then change the image",
    },
    Crossing {
        code: "VER-04",
        step: Step::Down(&[8, 1, 0]),
        matters: users_had_no_password,
        message: "versions before 8.1.0 do not know users without a password (authMode PKIOnly): in two steps, remove these \
                  users and wait until status.phase is Completed, then change the image",
    },
    Crossing {
        code: "VER-05",
        step: Step::Down(&[8, 1, 1]),
        matters: masking_was_used,
        message: "versions before 8.1.1 do not know masking privileges: in two steps, take them from roles and users and wait \
                  until status.phase is Completed, then change the image",
    },
];

/// Steps that want preparation, or are hard to undo.
const CAUTIONS: &[Crossing] = &[
    Crossing {
        code: "VER-10",
        step: Step::Up(&[6, 1]),
        matters: always,
        message: "from 6.1 names of secondary indexes have 64 bytes at most: rename longer ones first",
    },
    Crossing {
        code: "VER-11",
        step: Step::Up(&[6, 3]),
        matters: licensed_features_are_used,
        message: "from 6.3 the feature key must name flash indexes, XDR and racks: put a key that does in place first",
    },
    Crossing {
        code: "VER-12",
        step: Step::Up(&[7, 1]),
        matters: always,
        message: "from 7.1 keys of maps must be strings, integers or bytes: look for others first",
    },
    Crossing {
        code: "VER-13",
        step: Step::Down(&[6, 1]),
        matters: always,
        message: "below 6.1 every server starts cold, which may take long",
    },
    Crossing {
        code: "VER-14",
        step: Step::Down(&[7, 0]),
        matters: always,
        message: "below 7.0 every server starts cold, which may take long; first drop indexes on blobs and persisted map \
                  indexes, and have no more than 1023 sets a namespace",
    },
    Crossing {
        code: "VER-15",
        step: Step::Down(&[8, 0]),
        matters: always,
        message: "versions before 8.0 do not know transactions: let all of them end first",
    },
    Crossing {
        code: "VER-16",
        step: Step::Out(&[6, 1, 0, 47], &[8, 1, 2]),
        matters: xdr_is_used,
        message: "some builds from 6.1.0.47 to 8.1.1 crash or damage data in a rolling upgrade with XDR (AER-6898): read the \
                  release notes of both versions first",
    },
];

fn no_crossing_breaks_the_cluster(change: &Change<'_>) -> Vec<Finding> {
    let crossed = crossed(change, BARRIERS);
    crossed
        .into_iter()
        .map(|(crossing, message)| Finding::forbidden(crossing.code, path(), message))
        .told()
}

/// Warns of steps that want preparation, or are hard to undo.
pub(super) fn crossings_to_prepare(change: &Change<'_>) -> Vec<Warning> {
    let crossed = crossed(change, CAUTIONS);
    crossed
        .into_iter()
        .map(|(crossing, message)| Warning {
            code: crossing.code,
            path: path(),
            message,
        })
        .told()
}

fn path() -> FieldPath {
    FieldPath::spec().child("image")
}

/// The crossings of `table` that the change makes and that matter to it, each with what is said about it.
fn crossed<'a>(change: &Change<'_>, table: &'a [Crossing]) -> Vec<(&'a Crossing, String)> {
    let version = |subject: &Subject<'_>| version_of(&subject.spec.image).ok();
    let (Some(from), Some(to)) = (version(change.old), version(change.new)) else {
        return Vec::new();
    };
    let made = table
        .iter()
        .filter(|crossing| crossing.step.is_made(&from, &to) && (crossing.matters)(change));
    made.map(|crossing| (crossing, format!("{from} to {to}: {}", crossing.message)))
        .collect()
}

impl Step {
    fn is_made(&self, from: &Version, to: &Version) -> bool {
        match self {
            Self::Up(version) => !from.at_least(version) && to.at_least(version),
            Self::Down(version) => from.at_least(version) && !to.at_least(version),
            Self::Out(first, end) => from != to && from.at_least(first) && !from.at_least(end),
        }
    }
}

fn always(_: &Change<'_>) -> bool {
    true
}

/// What was rolled out counts: a feature that was only asked for is no reason to refuse to undo that.
fn in_use<'a>(change: &Change<'a>) -> &'a Subject<'a> {
    change.rolled_out.unwrap_or(change.old)
}

/// Whether a rack keeps its disks.
fn disks_stay(change: &Change<'_>) -> bool {
    let identity = |rack: &'_ Rack| (rack.id, rack.revision.clone().unwrap_or_default());
    let stay: BTreeSet<_> = change.new.racks().iter().map(identity).collect();
    let mut racks = change.old.configured_racks();
    racks.any(|rack| {
        stay.contains(&identity(rack.placed.rack))
            && rack.namespaces().any(|namespace| has_disks(&namespace))
    })
}

fn has_disks(namespace: &Namespace<'_>) -> bool {
    let engine = namespace.config.get("storage-engine");
    let lists = ["devices", "files"].map(|list| engine.and_then(|engine| engine.get(list)));
    let mut lists = lists.into_iter().flatten().filter_map(Value::as_array);
    lists.any(|list| !list.is_empty())
}

fn single_bin_was_used(change: &Change<'_>) -> bool {
    let is_on =
        |namespace: &Namespace<'_>, key| namespace.config.get(key) == Some(&Value::Bool(true));
    let mut namespaces = change.old.namespaces();
    namespaces
        .any(|namespace| is_on(&namespace, "single-bin") || is_on(&namespace, "data-in-index"))
}

fn active_rack_was_used(change: &Change<'_>) -> bool {
    let mut namespaces = in_use(change).namespaces();
    namespaces.any(|namespace| {
        let rack = namespace.config.get("active-rack");
        rack.and_then(Value::as_f64).is_some_and(|rack| rack > 0.0)
    })
}

fn access<'a>(change: &Change<'a>) -> Option<&'a AccessControl> {
    in_use(change).spec.aerospike_access_control.as_ref()
}

fn users_had_no_password(change: &Change<'_>) -> bool {
    let mut users = access(change).into_iter().flat_map(|access| &access.users);
    users.any(|user| user.auth_mode == Some(AuthMode::PkiOnly))
}

fn masking_was_used(change: &Change<'_>) -> bool {
    let is_masking = |privilege: &String| {
        let privilege = privilege.split('.').next();
        matches!(
            privilege,
            Some("masking-admin" | "read-masked" | "write-masked")
        )
    };
    access(change).is_some_and(|access| {
        let of_roles = access.roles.iter().flat_map(|role| &role.privileges);
        let of_users = access.users.iter().flat_map(|user| &user.roles);
        of_roles.chain(of_users).any(is_masking)
    })
}

fn xdr_is_used(change: &Change<'_>) -> bool {
    let sides = [change.old, change.new];
    let mut racks = sides.into_iter().flat_map(Subject::configured_racks);
    racks.any(|rack| {
        rack.get(&["xdr", "dcs"])
            .and_then(Value::as_array)
            .is_some_and(|dcs| !dcs.is_empty())
    })
}

fn licensed_features_are_used(change: &Change<'_>) -> bool {
    let flash = |namespace: Namespace<'_>| {
        let index = namespace.config.get("index-type");
        index.and_then(|index| index.get("type")) == Some(&Value::from("flash"))
    };
    let spread = change
        .new
        .rack_config()
        .is_some_and(|config| !config.namespaces.is_empty());
    spread || xdr_is_used(change) || change.new.namespaces().any(flash)
}

#[cfg(test)]
mod tests;
