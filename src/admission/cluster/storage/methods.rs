//! How volumes are prepared and erased: what can be done to a raw device cannot be done to a file system, nor the other
//! way round. Nothing is done to what is no claim.

use serde::Serialize;

use super::{PlacedVolume, volumes};
use crate::{
    admission::{rules::Told, subject::Subject},
    api::storage::{InitMethod, VolumeMode, VolumePolicy, WipeMethod},
    finding::{FieldPath, Finding},
};

/// What can be done to volumes of a mode, and where it is said.
struct Methods<M: 'static> {
    code: &'static str,
    mode: VolumeMode,
    member: &'static str,
    fitting: &'static [M],
    given: fn(&VolumePolicy) -> Option<M>,
    in_force: fn(&VolumePolicy) -> Option<M>,
}

const BLOCK_INIT: Methods<InitMethod> = Methods {
    code: "STO-06",
    mode: VolumeMode::Block,
    member: "initMethod",
    fitting: &[
        InitMethod::None,
        InitMethod::Dd,
        InitMethod::HeaderCleanup,
        InitMethod::Blkdiscard,
        InitMethod::BlkdiscardWithHeaderCleanup,
    ],
    given: |policy| policy.init_method,
    in_force: |policy| policy.effective_init_method,
};
const BLOCK_WIPE: Methods<WipeMethod> = Methods {
    code: "STO-07",
    mode: VolumeMode::Block,
    member: "wipeMethod",
    fitting: &[WipeMethod::Dd, WipeMethod::Blkdiscard],
    given: |policy| policy.wipe_method,
    in_force: |policy| policy.effective_wipe_method,
};

const FILESYSTEM_INIT: Methods<InitMethod> = Methods {
    code: "STO-08",
    mode: VolumeMode::Filesystem,
    fitting: &[InitMethod::None, InitMethod::DeleteFiles],
    ..BLOCK_INIT
};
const FILESYSTEM_WIPE: Methods<WipeMethod> = Methods {
    code: "STO-09",
    mode: VolumeMode::Filesystem,
    fitting: &[WipeMethod::DeleteFiles],
    ..BLOCK_WIPE
};

pub(super) fn block_volumes_can_be_prepared(subject: &Subject<'_>) -> Vec<Finding> {
    unfit(subject, &BLOCK_INIT)
}

pub(super) fn block_volumes_can_be_erased(subject: &Subject<'_>) -> Vec<Finding> {
    unfit(subject, &BLOCK_WIPE)
}

pub(super) fn filesystems_can_be_prepared(subject: &Subject<'_>) -> Vec<Finding> {
    unfit(subject, &FILESYSTEM_INIT)
}

pub(super) fn filesystems_can_be_erased(subject: &Subject<'_>) -> Vec<Finding> {
    unfit(subject, &FILESYSTEM_WIPE)
}

fn unfit<M: Copy + PartialEq + Serialize>(
    subject: &Subject<'_>,
    methods: &Methods<M>,
) -> Vec<Finding> {
    let claimed = volumes(subject).filter(|placed| placed.is_claimed_as(methods.mode));
    claimed
        .filter_map(|placed| {
            let method = (methods.in_force)(&placed.volume.policy)?;
            (!methods.fitting.contains(&method)).then(|| finding(&placed, methods, method))
        })
        .told()
}

fn finding<M: Copy + Serialize>(
    placed: &PlacedVolume<'_>,
    methods: &Methods<M>,
    method: M,
) -> Finding {
    let fitting: Vec<_> = methods.fitting.iter().copied().map(word).collect();
    Finding::invalid(
        methods.code,
        place(placed, methods),
        format!(
            "invalid {} {} for {} volume {}: use {}",
            methods.member,
            word(method),
            of_mode(methods.mode).1,
            placed.name(),
            fitting.join(", ")
        ),
    )
}

/// Where the method is given: by the volume, or by the policy for all of its mode.
fn place<M>(placed: &PlacedVolume<'_>, methods: &Methods<M>) -> FieldPath {
    let holder = match (methods.given)(&placed.volume.policy) {
        Some(_) => placed.path(),
        None => placed.storage.child(of_mode(methods.mode).0),
    };
    holder.child(methods.member)
}

/// The policy for volumes of a mode, and what they are called.
const fn of_mode(mode: VolumeMode) -> (&'static str, &'static str) {
    match mode {
        VolumeMode::Block => ("blockVolumePolicy", "block"),
        VolumeMode::Filesystem => ("filesystemVolumePolicy", "filesystem"),
    }
}

/// The method as users write it.
fn word(method: impl Serialize) -> String {
    let word = serde_json::to_value(method).ok();
    let word = word.as_ref().and_then(|word| word.as_str());
    word.unwrap_or_default().to_owned()
}
