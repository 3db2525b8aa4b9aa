//! The templates of a rack's claims.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use kube::api::ObjectMeta;

use crate::{
    api::storage::{AccessMode, PersistentVolumeSpec, VolumeMode},
    resolve::{Desired, Rack},
    resources::{filled, labels},
};

/// One template for each volume that is a claim, in the order of the volumes.
pub fn templates(desired: &Desired, rack: &Rack) -> Vec<PersistentVolumeClaim> {
    let volumes = rack.storage.volumes.iter();
    volumes
        .filter_map(|volume| Some((&volume.name, volume.kind.claim()?)))
        .map(|(name, claim)| template(&desired.identity.namespace, name, claim))
        .collect()
}

fn template(namespace: &str, name: &str, claim: &PersistentVolumeSpec) -> PersistentVolumeClaim {
    let user = claim.metadata.clone().unwrap_or_default();
    let mut annotations = BTreeMap::from([(labels::STORAGE_VOLUME.to_owned(), name.to_owned())]);
    annotations.extend(user.annotations);
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: filled(user.labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        },
        spec: Some(spec(claim)),
        status: None,
    }
}

fn spec(claim: &PersistentVolumeSpec) -> PersistentVolumeClaimSpec {
    let mode = match claim.volume_mode {
        VolumeMode::Block => "Block",
        VolumeMode::Filesystem => "Filesystem",
    };
    let size = BTreeMap::from([("storage".to_owned(), claim.size.clone())]);
    PersistentVolumeClaimSpec {
        access_modes: Some(access_modes(&claim.access_modes)),
        resources: Some(VolumeResourceRequirements {
            requests: Some(size),
            limits: None,
        }),
        selector: claim.selector.clone(),
        storage_class_name: claim.storage_class.clone(),
        volume_mode: Some(mode.to_owned()),
        ..PersistentVolumeClaimSpec::default()
    }
}

fn access_modes(given: &[AccessMode]) -> Vec<String> {
    let modes = if given.is_empty() {
        &[AccessMode::ReadWriteOnce]
    } else {
        given
    };
    modes.iter().map(|mode| mode.as_str().to_owned()).collect()
}
