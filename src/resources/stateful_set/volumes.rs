//! The volumes of a pod that are no claims.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, ConfigMapVolumeSource, DownwardAPIProjection, DownwardAPIVolumeFile,
    EmptyDirVolumeSource, KeyToPath, ObjectFieldSelector, ProjectedVolumeSource,
    ServiceAccountTokenProjection, Volume, VolumeProjection,
};

use crate::{
    resolve::{Desired, Rack, ResolvedVolume, VolumeKind},
    resources::names,
};

/// The `ConfigMap` with the API server's certificate authority, in every namespace.
const ROOT_CA: &str = "kube-root-ca.crt";

/// All volumes of a pod that are no claims.
pub fn volumes(desired: &Desired, rack: &Rack) -> Vec<Volume> {
    let users = rack.storage.volumes.iter().filter_map(volume);
    [conf(), configs(desired, rack), token()]
        .into_iter()
        .chain(users)
        .collect()
}

fn conf() -> Volume {
    Volume {
        name: names::CONF_VOLUME.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    }
}

fn configs(desired: &Desired, rack: &Rack) -> Volume {
    Volume {
        name: names::CONFIGS_VOLUME.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: names::config_map(&desired.identity.name, &rack.identifier()),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// What the API server puts into a pod by itself, for one container instead of all.
fn token() -> Volume {
    let sources = vec![token_file(), authority_file(), namespace_file()];
    Volume {
        name: names::TOKEN_VOLUME.to_owned(),
        projected: Some(ProjectedVolumeSource {
            sources: Some(sources),
            ..ProjectedVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn token_file() -> VolumeProjection {
    VolumeProjection {
        service_account_token: Some(ServiceAccountTokenProjection {
            path: "token".to_owned(),
            ..ServiceAccountTokenProjection::default()
        }),
        ..VolumeProjection::default()
    }
}

fn authority_file() -> VolumeProjection {
    VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: ROOT_CA.to_owned(),
            items: Some(vec![KeyToPath {
                key: "ca.crt".to_owned(),
                path: "ca.crt".to_owned(),
                mode: None,
            }]),
            optional: None,
        }),
        ..VolumeProjection::default()
    }
}

fn namespace_file() -> VolumeProjection {
    let file = DownwardAPIVolumeFile {
        path: "namespace".to_owned(),
        field_ref: Some(ObjectFieldSelector {
            field_path: "metadata.namespace".to_owned(),
            api_version: None,
        }),
        ..DownwardAPIVolumeFile::default()
    };
    VolumeProjection {
        downward_api: Some(DownwardAPIProjection {
            items: Some(vec![file]),
        }),
        ..VolumeProjection::default()
    }
}

fn volume(volume: &ResolvedVolume) -> Option<Volume> {
    let mut built = Volume {
        name: volume.name.clone(),
        ..Volume::default()
    };
    match volume.kind.clone() {
        VolumeKind::Block(_) | VolumeKind::Filesystem(_) => return None,
        VolumeKind::EmptyDir(source) => built.empty_dir = Some(source),
        VolumeKind::Secret(source) => built.secret = Some(source),
        VolumeKind::ConfigMap(source) => built.config_map = Some(source),
        VolumeKind::HostPath(source) => built.host_path = Some(source),
    }
    Some(built)
}
