//! Clusters to build from.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    api::AerospikeCluster,
    resolve::{Desired, Settings, resolve},
};

/// A file or folder below `tests/data`.
pub fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path)
}

/// The sample `name`, resolved, after `change`.
pub fn sample_with(name: &str, change: impl FnOnce(&mut Value)) -> Desired {
    let text = fs::read_to_string(data(&format!("samples/{name}_cr.yaml"))).unwrap();
    let mut object: Value = serde_saphyr::from_str(&text).unwrap();
    object["metadata"]["uid"] = "5e1f0c1a-0000-4000-8000-000000000001".into();
    change(&mut object);
    let cluster: AerospikeCluster = serde_json::from_value(object).unwrap();
    let mut settings = Settings::default();
    settings.init_image.name_and_tag = "aerospike-operator:test".to_owned();
    resolve(&cluster, &settings).unwrap()
}

/// The sample `name`, resolved.
pub fn sample(name: &str) -> Desired {
    sample_with(name, |_| {})
}
