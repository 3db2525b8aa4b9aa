//! Manifests as users have them: nothing of them is lost, and they come out as AKO would run them.

use std::{fs, path::PathBuf};

use aerospike_operator::{
    api::AerospikeCluster,
    resolve::{Desired, Settings, resolve},
};
use serde_json::{Value, json};

fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name]
        .iter()
        .collect()
}

/// Name and content of every sample.
fn samples() -> Vec<(String, Value)> {
    let files = fs::read_dir(folder("samples")).unwrap();
    let mut samples: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_saphyr::from_str(&text).unwrap())
        })
        .collect();
    samples.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(samples.len(), 8);
    samples
}

fn cluster(value: Value) -> AerospikeCluster {
    serde_json::from_value(value).unwrap()
}

fn desired(value: Value) -> Desired {
    resolve(&cluster(value), &Settings::default()).unwrap()
}

/// Every rack's configuration and hashes, in one text.
fn rendered(desired: &Desired) -> String {
    let racks = desired.racks.iter().map(|rack| {
        let hashes = &rack.hashes;
        format!(
            "# rack {}, {} pods\n# aerospikeConfHash {}\n# networkPolicyHash {}\n# podSpecHash {}\n{}",
            rack.identifier(),
            rack.size,
            hashes.config,
            hashes.network_policy,
            hashes.pod_spec,
            rack.template.text()
        )
    });
    racks.collect()
}

#[test]
fn samples_go_through_the_types_unchanged() {
    for (name, value) in samples() {
        let typed = serde_json::to_value(cluster(value.clone())).unwrap();
        assert_eq!(typed, value, "{name}");
    }
}

#[test]
fn samples_render_as_recorded() {
    for (name, value) in samples() {
        let text = rendered(&desired(value));
        let path = folder("golden").join(format!("{name}.conf"));
        if std::env::var_os("RECORD").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}");
    }
}

#[test]
fn members_of_the_configuration_that_nobody_knows_survive() {
    let (_, mut value) = samples().remove(0);
    value["spec"]["aerospikeConfig"]["service"]["a-new-switch"] = json!({"deep": [1, null, "x"]});
    let typed = serde_json::to_value(cluster(value.clone())).unwrap();
    assert_eq!(typed, value);
}

#[test]
fn a_quantity_may_be_a_number() {
    let (_, mut value) = samples().remove(0);
    value["spec"]["podSpec"]["aerospikeContainer"] = json!({"resources": {"limits": {"cpu": 2}}});
    let parsed = serde_json::from_value::<AerospikeCluster>(value);
    assert!(parsed.is_ok(), "{parsed:?}");
}
