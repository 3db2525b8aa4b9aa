use serde_json::{Value, json};

use super::CAUTIONS;
use crate::{
    admission::{
        Operation, Proposal, Verdict, check,
        cluster::testing::{cluster, while_running},
    },
    api::AerospikeCluster,
    resolve::Settings,
};

fn at(version: &str, spec: &Value) -> AerospikeCluster {
    let mut cluster = cluster(spec);
    cluster.spec.image = format!("aerospike/aerospike-server-enterprise:{version}");
    cluster
}

/// Codes of what is refused, and of what is warned of.
fn step(old: &AerospikeCluster, new: &AerospikeCluster) -> (Vec<&'static str>, Vec<&'static str>) {
    let Verdict { findings, warnings } = check(&Proposal {
        operation: Operation::Update,
        new,
        old: Some(old),
        settings: &Settings::default(),
    });
    let own = |code: &&'static str| code.starts_with("VER-");
    (
        findings
            .iter()
            .map(|finding| finding.code)
            .filter(own)
            .collect(),
        warnings
            .iter()
            .map(|warning| warning.code)
            .filter(own)
            .collect(),
    )
}

fn refused(old: &AerospikeCluster, new: &AerospikeCluster) -> Vec<&'static str> {
    step(old, new).0
}

fn plain(from: &str, to: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    step(&at(from, &json!({})), &at(to, &json!({})))
}

#[test]
fn most_steps_need_nothing() {
    for (from, to) in [
        ("8.1.1.0", "8.1.2.0"),
        ("8.1.2.0", "8.1.2.0"),
        ("8.1.2.1", "8.0.0.0"),
        ("7.2.0.0", "8.1.2.0"),
    ] {
        assert_eq!(plain(from, to), (vec![], vec![]), "{from} to {to}");
    }
}

#[test]
fn a_step_that_wants_preparation_is_allowed_with_a_warning() {
    assert_eq!(
        plain("6.0.0.0", "7.1.0.0"),
        (vec![], vec!["VER-10", "VER-12"])
    );
    assert_eq!(plain("6.1.0.0", "6.0.0.0"), (vec![], vec!["VER-13"]));
    assert_eq!(plain("7.0.0.0", "6.4.0.0"), (vec![], vec!["VER-14"]));
    assert_eq!(plain("8.0.0.0", "7.2.0.0"), (vec![], vec!["VER-15"]));
    let spread = json!({"rackConfig": {"namespaces": ["test"], "racks": [{"id": 1}]}});
    let licensed = step(&at("6.2.0.0", &spread), &at("6.3.0.0", &spread));
    assert_eq!(licensed, (vec![], vec!["VER-11"]));
    let shipping = json!({"aerospikeConfig": {"xdr": {"dcs": [{"name": "dc"}]}}});
    let shipped = step(&at("8.0.0.0", &shipping), &at("8.1.2.0", &shipping));
    assert_eq!(shipped, (vec![], vec!["VER-16"]));
    let fixed = step(&at("8.1.2.0", &shipping), &at("8.1.2.1", &shipping));
    assert_eq!(fixed, (vec![], vec![]));
}

fn on_disk(revision: &str, settings: &Value) -> Value {
    let mut namespace =
        json!({"name": "test", "storage-engine": {"type": "device", "devices": ["/d"]}});
    json_patch::merge(&mut namespace, settings);
    json!({"aerospikeConfig": {"namespaces": [namespace]}, "rackConfig": {"racks": [{"id": 1, "revision": revision}]}})
}

#[test]
fn disks_of_before_6_0_need_a_new_revision() {
    let spec = |revision| on_disk(revision, &json!({}));
    let (old, new) = (at("5.7.0.8", &spec("v1")), at("6.4.0.0", &spec("v1")));
    assert_eq!(refused(&old, &new), ["VER-01"]);
    assert_eq!(refused(&new, &old), ["VER-01"]);
    assert_eq!(refused(&old, &at("6.4.0.0", &spec("v2"))), [""; 0]);
    assert_eq!(
        refused(&at("5.7.0.8", &json!({})), &at("6.4.0.0", &json!({}))),
        [""; 0]
    );
}

#[test]
fn single_bin_data_does_not_go_to_6_4() {
    let single = on_disk("v1", &json!({"single-bin": true}));
    let index = on_disk("v1", &json!({"data-in-index": true}));
    let multi = on_disk("v1", &json!({}));
    for old in [&single, &index] {
        assert_eq!(
            refused(&at("6.3.0.0", old), &at("6.4.0.0", &multi)),
            ["VER-02"]
        );
    }
    assert_eq!(
        refused(&at("6.3.0.0", &multi), &at("6.4.0.0", &multi)),
        [""; 0]
    );
    assert_eq!(
        refused(&at("6.2.0.0", &single), &at("6.3.0.0", &single)),
        [""; 0]
    );
}

/// In two steps: first without the feature, then with the other image.
#[test]
fn features_are_given_up_before_the_version_that_knows_them() {
    let active = on_disk("v1", &json!({"active-rack": 1}));
    let user = |roles: &[&str], mode: &str| json!({"users": [{"name": "u", "roles": roles, "authMode": mode}]});
    let masked = json!({"aerospikeAccessControl": user(&["read-masked"], "Internal")});
    let certified = json!({"aerospikeAccessControl": user(&["read"], "PKIOnly")});
    let mut role = json!({"aerospikeAccessControl": user(&["read"], "Internal")});
    role["aerospikeAccessControl"]["roles"] =
        json!([{"name": "r", "privileges": ["masking-admin.test"]}]);
    let cases = [
        (
            "VER-03",
            &active,
            on_disk("v1", &json!({})),
            "7.2.0.0",
            "7.1.0.0",
        ),
        ("VER-04", &certified, json!({}), "8.1.0.0", "8.0.0.0"),
        ("VER-05", &masked, json!({}), "8.1.1.0", "8.1.0.0"),
        ("VER-05", &role, json!({}), "8.1.1.0", "8.1.0.0"),
    ];
    for (code, with, without, from, to) in cases {
        let (running, given_up, below) = (at(from, with), at(from, &without), at(to, &without));
        assert_eq!(refused(&running, &below), [code]);
        assert_eq!(refused(&running, &given_up), [""; 0], "{code}");
        assert_eq!(refused(&given_up, &while_running(&running, &below)), [code]);
        assert_eq!(
            refused(&given_up, &while_running(&given_up, &below)),
            [""; 0],
            "{code}"
        );
        let undone = while_running(&below, &below);
        assert_eq!(refused(&running, &undone), [""; 0], "{code}");
    }
}

#[test]
fn every_caution_fits_into_a_warning() {
    for caution in CAUTIONS {
        assert!(
            caution.message.len() <= 200,
            "{}: {}",
            caution.code,
            caution.message.len()
        );
    }
}
