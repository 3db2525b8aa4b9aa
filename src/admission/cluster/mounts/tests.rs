use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text},
    api::AerospikeCluster,
};

fn claim(name: &str, path: &str) -> Value {
    json!({"name": name, "aerospike": {"path": path},
        "source": {"persistentVolume": {"volumeMode": "Filesystem", "size": "1Gi"}}})
}

fn secret(name: &str, path: &str) -> Value {
    json!({"name": name, "aerospike": {"path": path}, "source": {"secret": {"secretName": "s"}}})
}

fn with(skip: bool, config: &Value, volumes: &Value) -> AerospikeCluster {
    cluster(
        &json!({"validationPolicy": {"skipWorkDirValidate": skip}, "aerospikeConfig": config,
        "storage": {"volumes": volumes}}),
    )
}

fn work_in(folder: &str) -> Value {
    json!({"service": {"work-directory": folder}})
}

#[test]
fn the_work_directory_outlives_its_pod() {
    let none = json!({});
    for path in ["/", "/opt", "/opt/aerospike", "/opt/aerospike/"] {
        assert_eq!(
            created(&with(false, &none, &json!([claim("w", path)]))),
            [""; 0],
            "{path}"
        );
    }
    let missing = "FILE-01 spec.storage.volumes";
    for path in ["/opt/aero", "/opt/aerospike/smd"] {
        assert_eq!(
            created(&with(false, &none, &json!([claim("w", path)]))),
            [missing],
            "{path}"
        );
    }
    assert_eq!(
        created(&with(false, &none, &json!([secret("w", "/opt/aerospike")]))),
        [missing]
    );
    let own = with(false, &work_in("/work"), &json!([claim("w", "/work")]));
    assert_eq!(created(&own), [""; 0]);
    let relative = with(false, &work_in("work"), &json!([claim("w", "/work")]));
    assert_eq!(
        created(&relative),
        ["FILE-01 spec.aerospikeConfig.service.work-directory"]
    );
}

#[test]
fn a_work_directory_that_may_be_lost_is_on_some_volume() {
    assert_eq!(created(&with(true, &json!({}), &json!([]))), [""; 0]);
    let at = |folder: &str| {
        created(&with(
            true,
            &work_in(folder),
            &json!([secret("w", "/work")]),
        ))
    };
    assert_eq!(at("/work/deep"), [""; 0]);
    assert_eq!(at("/opt/aerospike"), ["FILE-02 spec.storage.volumes"]);
    assert_eq!(
        at("work"),
        ["FILE-02 spec.aerospikeConfig.service.work-directory"]
    );
}

#[test]
fn each_rack_has_its_work_directory_on_its_own_volumes() {
    let racks = json!([{"id": 1, "aerospikeConfig": work_in("relative")},
        {"id": 2, "storage": {"volumes": [secret("w", "/opt/aerospike")]}}]);
    let cluster = cluster(&json!({"validationPolicy": {"skipWorkDirValidate": false},
        "storage": {"volumes": [claim("w", "/opt/aerospike")]}, "rackConfig": {"racks": racks}}));
    assert_eq!(
        created(&cluster),
        [
            "FILE-01 spec.rackConfig.racks[0].aerospikeConfig.service.work-directory",
            "FILE-01 spec.rackConfig.racks[1].storage.volumes",
        ]
    );
}

/// A cluster with security, its users, and the configuration `config`.
fn with_files(config: &Value) -> AerospikeCluster {
    with(true, config, &json!([secret("s", "/etc/aerospike/secret")]))
}

#[test]
fn feature_keys_are_on_volumes() {
    let single =
        |path: Value| created(&with_files(&json!({"service": {"feature-key-file": path}})));
    assert_eq!(
        single(json!("/etc/aerospike/secret/features.conf")),
        [""; 0]
    );
    assert_eq!(single(json!("secrets:a:b")), [""; 0]);
    assert_eq!(single(json!("vault:a")), [""; 0]);
    let place = "FILE-04 spec.aerospikeConfig.service.feature-key-file";
    for missing in ["/features.conf", "features.conf", "/etc/aerospike/secret"] {
        assert_eq!(single(json!(missing)), [place], "{missing}");
    }
    let several = json!(["/etc/aerospike/secret/a", "/b", "/c/d"]);
    let cluster = with_files(&json!({"service": {"feature-key-files": several}}));
    assert_eq!(
        created(&cluster),
        [
            "FILE-04 spec.aerospikeConfig.service.feature-key-files[1]",
            "FILE-04 spec.aerospikeConfig.service.feature-key-files[2]",
        ]
    );
    let text = text(&cluster);
    assert!(text.contains(
        "feature-key-file paths or tls paths or default-password-file path are not mounted"
    ));
    assert!(text.contains("create an entry for '/c/d' in 'storage.volumes'"));
}

#[test]
fn certificates_are_on_volumes_and_authorities_in_no_secret_manager() {
    let with_tls = |entry: Value| {
        let mut tls = json!({"name": "t"});
        json_patch::merge(&mut tls, &entry);
        with_files(&json!({"network": {"tls": [tls]}}))
    };
    let good = json!({"cert-file": "/etc/aerospike/secret/c", "key-file": "secrets:a:b", "ca-path": "/etc/aerospike/secret"});
    assert_eq!(created(&with_tls(good)), [""; 0]);
    let bad = json!({"cert-file": "/c", "key-file": "/k", "ca-file": "secrets:Test-secret:Key"});
    let cluster = with_tls(bad);
    let place = "FILE-04 spec.aerospikeConfig.network.tls[0]";
    let expected = ["ca-file", "cert-file", "key-file"].map(|member| format!("{place}.{member}"));
    assert_eq!(created(&cluster), expected);
    assert!(
        text(&cluster)
            .contains("create an entry for 'secrets:Test-secret:Key' in 'storage.volumes'")
    );
    let folder = with_tls(json!({"ca-path": "/etc/aerospike"}));
    assert_eq!(created(&folder), [format!("{place}.ca-path")]);
}

fn with_password(path: &str, volumes: &Value) -> AerospikeCluster {
    let mut cluster = with(
        true,
        &json!({"security": {"default-password-file": path}}),
        volumes,
    );
    let users = json!({"users": [{"name": "admin", "secretName": "s", "roles": ["sys-admin", "user-admin"]}]});
    cluster.spec.aerospike_access_control = serde_json::from_value(users).unwrap();
    cluster
}

#[test]
fn a_default_password_is_a_file_of_a_secret() {
    let volumes = json!([claim("w", "/etc"), secret("s", "/etc/aerospike/secret")]);
    let at = |path: &str| created(&with_password(path, &volumes));
    let place = "spec.aerospikeConfig.security.default-password-file";
    assert_eq!(at("/etc/aerospike/secret/password"), [""; 0]);
    assert_eq!(at("secrets:a:b"), [format!("FILE-03 {place}")]);
    assert_eq!(at("vault:a"), [format!("FILE-03 {place}")]);
    assert_eq!(at("/password"), [format!("FILE-04 {place}")]);
    assert_eq!(
        at("/etc/password"),
        ["FILE-05 spec.storage.volumes[0].source"]
    );
    let text = text(&with_password("/etc/password", &volumes));
    assert!(text.contains("default-password-file path /etc/password"));
    assert!(text.contains("volume source should be secret in storage config, volume w"));
}

#[test]
fn what_is_no_path_is_left_to_the_rules_about_types() {
    let odd = json!({"service": {"work-directory": 1, "feature-key-file": {}, "feature-key-files": [1, null]},
        "network": {"tls": [null, "a", {"cert-file": 1}]}});
    let codes = created(&with_files(&odd));
    assert!(
        codes.iter().all(|code| !code.starts_with("FILE")),
        "{codes:?}"
    );
}
