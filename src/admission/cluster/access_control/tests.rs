use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text, updated},
    api::{AerospikeCluster, status::Mirror},
    resolve::{Settings, effective},
};

const FEDERAL: &str = "aerospike/aerospike-server-federal:8.1.2.0";
const OLDER: &str = "aerospike/aerospike-server-enterprise:8.0.0.0";

/// A cluster with security, an administrator, and `access` merged over that.
fn secured(access: &Value) -> AerospikeCluster {
    let mut declared = json!({"users": [admin()]});
    json_patch::merge(&mut declared, access);
    cluster(&json!({"aerospikeConfig": {"security": {}}, "aerospikeAccessControl": declared}))
}

fn admin() -> Value {
    json!({"name": "admin", "secretName": "s", "roles": ["sys-admin", "user-admin"]})
}

/// With a role `profiler` into which `role` is merged.
fn with_role(role: &Value) -> AerospikeCluster {
    let mut all = json!({"name": "profiler", "privileges": ["read"]});
    json_patch::merge(&mut all, role);
    secured(&json!({"roles": [all]}))
}

/// With a user `bob` into which `user` is merged.
fn with_user(user: &Value) -> AerospikeCluster {
    let mut all = json!({"name": "bob", "secretName": "s", "roles": ["read"]});
    json_patch::merge(&mut all, user);
    secured(&json!({"users": [admin(), all]}))
}

fn under(place: &str, code: &str) -> String {
    format!("{code} spec.aerospikeAccessControl.{place}")
}

fn says(cluster: &AerospikeCluster, frags: &[&str]) {
    let text = text(cluster);
    for frag in frags {
        assert!(text.contains(frag), "{frag:?} in {text}");
    }
}

#[test]
fn security_and_access_control_come_together() {
    assert_eq!(created(&secured(&json!({}))), [""; 0]);
    let missing = cluster(&json!({"aerospikeConfig": {"security": {}}}));
    assert_eq!(created(&missing), ["ACL-01 spec.aerospikeAccessControl"]);
    says(
        &missing,
        &["security is enabled but access control is missing"],
    );
    let mut insecure = secured(&json!({}));
    insecure.spec.aerospike_config.remove("security");
    assert_eq!(created(&insecure), ["ACL-02 spec.aerospikeAccessControl"]);
    says(
        &insecure,
        &["security is disabled but access control is specified"],
    );
}

#[test]
fn security_is_disabled_while_access_control_stays() {
    let secure = secured(&json!({}));
    let mut off = secure.clone();
    off.spec.aerospike_config.remove("security");
    assert_eq!(updated(&secure, &off), [""; 0]);
    assert_eq!(updated(&off, &secure), [""; 0]);
}

#[test]
fn access_control_rests_while_security_is_off() {
    let bad = json!({"users": [], "roles": [{"name": "read", "privileges": ["x"]}]});
    let mut off = secured(&bad);
    off.spec.aerospike_config.remove("security");
    assert_eq!(updated(&off, &off), [""; 0]);
    let plain = cluster(&json!({}));
    assert_eq!(
        updated(&plain, &off),
        ["UPD-17 spec.aerospikeAccessControl"]
    );
}

#[test]
fn roles_have_names_of_their_own() {
    let good = secured(&json!({"roles": [{"name": "profiler", "privileges": ["read"]}]}));
    assert_eq!(created(&good), [""; 0]);
    let twice =
        json!([{"name": "a", "privileges": ["read"]}, {"name": "a", "privileges": ["write"]}]);
    assert_eq!(
        created(&secured(&json!({"roles": twice}))),
        [under("roles[1].name", "ACL-03")]
    );
    let cases = [
        (
            "sys-admin",
            "ACL-04",
            "cannot create or modify predefined role",
        ),
        (
            "write-masked",
            "ACL-04",
            "cannot create or modify predefined role",
        ),
        ("", "ACL-05", "role name cannot be empty"),
        ("  ", "ACL-05", "role name cannot be empty"),
        ("a;b", "ACL-06", "cannot contain ;"),
        ("a:b", "ACL-06", "cannot contain :"),
    ];
    for (name, code, frag) in cases {
        let cluster = with_role(&json!({"name": name}));
        assert_eq!(created(&cluster), [under("roles[0].name", code)], "{name}");
        says(&cluster, &[frag]);
    }
}

#[test]
fn quotas_need_their_switch() {
    let with = |security: Value, role: Value| {
        let mut cluster = with_role(&role);
        let config = &mut cluster.spec.aerospike_config;
        config.insert("security".to_owned(), security);
        cluster
    };
    let both = json!({"readQuota": 1, "writeQuota": 2});
    assert_eq!(
        created(&with(json!({"enable-quotas": true}), both.clone())),
        [""; 0]
    );
    assert_eq!(created(&with(json!({}), json!({"readQuota": 0}))), [""; 0]);
    let refused = [
        under("roles[0].readQuota", "ACL-07"),
        under("roles[0].writeQuota", "ACL-07"),
    ];
    let absent = with(json!({}), both.clone());
    assert_eq!(created(&absent), refused);
    says(
        &absent,
        &[
            "invalid aerospike.security conf.",
            "enable-quotas: not present",
        ],
    );
    let off = with(json!({"enable-quotas": false}), both.clone());
    assert_eq!(created(&off), refused);
    says(
        &off,
        &["security.enable-quotas is set to false but quota params are"],
    );
    let strange = with(json!({"enable-quotas": "yes"}), json!({"writeQuota": 2}));
    assert!(created(&strange).contains(&under("roles[0].writeQuota", "ACL-07")));
}

#[test]
fn privileges_are_known_and_hold_where_they_can() {
    let good = json!({"privileges": ["read", "read-write.test", "write.test.set", "sys-admin", "sindex-admin",
        "read-masked.test"]});
    assert_eq!(created(&with_role(&good)), [""; 0]);
    let cases: &[(&str, &[&str], &str)] = &[
        (
            "non-existing",
            &["ACL-09"],
            "invalid privilege 'non-existing'",
        ),
        ("", &["ACL-09"], "invalid privilege ''"),
        (
            "read.test.a.b",
            &["ACL-09"],
            "invalid privilege 'read.test.a.b'",
        ),
        ("sys-admin.test", &["ACL-10"], "namespace or set scope"),
        ("udf-admin.test.set", &["ACL-10"], "udf-admin.test.set"),
        (
            "read-write.missing",
            &["ACL-11"],
            "\"missing\" is not configured",
        ),
        ("read-write.", &["ACL-11"], "not configured"),
        (
            "read-write.test.",
            &["ACL-12"],
            "role 'profiler' has invalid privilege 'read-write.test.': invalid set name",
        ),
        (
            "read-write.missing. ",
            &["ACL-11", "ACL-12"],
            "invalid set name",
        ),
    ];
    for (privilege, codes, frag) in cases {
        let cluster = with_role(&json!({"privileges": ["read", privilege]}));
        let expected: Vec<_> = codes
            .iter()
            .map(|code| under("roles[0].privileges[1]", code))
            .collect();
        assert_eq!(created(&cluster), expected, "{privilege}");
        says(&cluster, &[frag, privilege]);
    }
    let twice = with_role(&json!({"privileges": ["read", "read"]}));
    assert_eq!(created(&twice), [under("roles[0].privileges[1]", "ACL-08")]);
}

#[test]
fn a_namespace_of_any_rack_will_do() {
    let mut cluster = with_role(&json!({"privileges": ["read.bar"]}));
    assert_eq!(
        created(&cluster),
        [under("roles[0].privileges[0]", "ACL-11")]
    );
    let engine = json!({"type": "memory", "data-size": 1_073_741_824});
    let own =
        json!({"namespaces": [{"name": "bar", "replication-factor": 2, "storage-engine": engine}]});
    let racks = json!({"racks": [{"id": 1}, {"id": 2, "aerospikeConfig": own}]});
    cluster.spec.rack_config = Some(serde_json::from_value(racks).unwrap());
    assert_eq!(created(&cluster), [""; 0]);
}

#[test]
fn a_whitelist_holds_addresses_and_networks() {
    let good = json!({"whitelist": ["8.8.8.8", "8.8.0.0/16", "0.0.0.0/0", "10.1.2.3/32", "::1", "2001:db8::/32", "::/0"]});
    assert_eq!(created(&with_role(&good)), [""; 0]);
    let cases = [
        ("8.8.8.8/16", "ACL-15", "write 8.8.0.0/16"),
        ("2001:db8::1/32", "ACL-15", "write 2001:db8::/32"),
        ("1.2.3.4/0", "ACL-15", "write 0.0.0.0/0"),
        ("8.8.0.0/33", "ACL-14", "invalid whitelist"),
        ("8.8.0.0/", "ACL-14", "invalid whitelist"),
        ("8.8.0.0/-1", "ACL-14", "invalid whitelist"),
        ("host", "ACL-14", "invalid whitelist"),
        ("", "ACL-14", "invalid whitelist"),
    ];
    for (entry, code, frag) in cases {
        let cluster = with_role(&json!({"whitelist": ["8.8.8.8", entry]}));
        assert_eq!(
            created(&cluster),
            [under("roles[0].whitelist[1]", code)],
            "{entry}"
        );
        says(&cluster, &["invalid whitelist", frag]);
    }
    let twice = with_role(&json!({"whitelist": ["8.8.8.8", "8.8.8.8"]}));
    assert_eq!(created(&twice), [under("roles[0].whitelist[1]", "ACL-13")]);
}

#[test]
fn users_have_names_of_their_own() {
    assert_eq!(created(&with_user(&json!({}))), [""; 0]);
    let twice = secured(&json!({"users": [admin(), admin()]}));
    assert_eq!(created(&twice), [under("users[1].name", "ACL-16")]);
    let cases = [
        ("", "ACL-17", "username cannot be empty"),
        (" ", "ACL-17", "username cannot be empty"),
        ("a;b", "ACL-18", "cannot contain ;"),
        ("a:b", "ACL-18", "cannot contain :"),
    ];
    for (name, code, frag) in cases {
        let cluster = with_user(&json!({"name": name}));
        assert_eq!(created(&cluster), [under("users[1].name", code)], "{name}");
        says(&cluster, &[frag]);
    }
}

#[test]
fn users_have_roles_that_exist() {
    let own = json!({"roles": [{"name": "profiler", "privileges": ["read"]}],
        "users": [admin(), {"name": "bob", "secretName": "s", "roles": ["profiler", "read"]}]});
    assert_eq!(created(&secured(&own)), [""; 0]);
    let missing = with_user(&json!({"roles": ["read", "missing"]}));
    assert_eq!(created(&missing), [under("users[1].roles[1]", "ACL-20")]);
    says(&missing, &["non-existent role \"missing\""]);
    let twice = with_user(&json!({"roles": ["read", "read"]}));
    assert_eq!(created(&twice), [under("users[1].roles[1]", "ACL-19")]);
}

#[test]
fn a_password_is_in_a_secret() {
    for name in [json!(""), json!(" "), Value::Null] {
        let cluster = with_user(&json!({"secretName": name}));
        assert_eq!(created(&cluster), [under("users[1].secretName", "ACL-23")]);
        says(&cluster, &["empty secret name"]);
    }
}

#[test]
fn the_operator_has_an_administrator() {
    let refused = [under("users", "ACL-24")];
    for users in [
        json!([]),
        json!([{"name": "root", "secretName": "s", "roles": ["sys-admin", "user-admin"]}]),
        json!([{"name": "admin", "secretName": "s", "roles": ["sys-admin"]}]),
    ] {
        let cluster = secured(&json!({"users": users}));
        assert_eq!(created(&cluster), refused);
        says(&cluster, &["no admin user with required roles"]);
    }
}

/// A cluster with TLS where every user has a certificate only.
fn certified() -> AerospikeCluster {
    let mut cluster = secured(&json!({"users": [
        {"name": "admin", "authMode": "PKIOnly", "roles": ["sys-admin", "user-admin"]}]}));
    with_tls(&mut cluster);
    cluster
}

fn with_tls(cluster: &mut AerospikeCluster) {
    let network = json!({
        "service": {"port": 3000, "tls-name": "t", "tls-port": 4333},
        "heartbeat": {"port": 3002}, "fabric": {"port": 3001},
        "tls": [{"name": "t", "cert-file": "/etc/aerospike/secret/c", "key-file": "/etc/aerospike/secret/k",
            "ca-file": "/etc/aerospike/secret/ca"}],
    });
    let config = &mut cluster.spec.aerospike_config;
    config.insert("network".to_owned(), network);
    let volume = json!({"name": "secret", "aerospike": {"path": "/etc/aerospike/secret"},
        "source": {"secret": {"secretName": "s"}}});
    let storage = cluster.spec.storage.get_or_insert_default();
    storage
        .volumes
        .push(serde_json::from_value(volume).unwrap());
    let cert = json!({"tlsClientName": "admin", "secretCertSource": {"secretName": "s", "clientCertFilename": "c",
        "clientKeyFilename": "k"}});
    cluster.spec.operator_client_cert = Some(serde_json::from_value(cert).unwrap());
}

fn authenticating(mut cluster: AerospikeCluster, clients: Value) -> AerospikeCluster {
    let network = cluster.spec.aerospike_config.get_mut("network").unwrap();
    network["service"]["tls-authenticate-client"] = clients;
    cluster
}

#[test]
fn a_certificate_stands_for_a_password() {
    assert_eq!(created(&certified()), [""; 0]);
    let mut both = certified();
    both.spec.aerospike_access_control.as_mut().unwrap().users[0].secret_name =
        Some("s".to_owned());
    assert_eq!(created(&both), [under("users[0].secretName", "ACL-21")]);
    says(
        &both,
        &["user admin cannot set secretName when authMode is PKIOnly"],
    );
}

#[test]
fn all_users_of_a_federal_server_have_certificates() {
    let mut federal = certified();
    federal.spec.image = FEDERAL.to_owned();
    assert_eq!(created(&federal), [""; 0]);
    let mut mixed = with_user(&json!({"secretName": null}));
    mixed.spec.image = FEDERAL.to_owned();
    assert_eq!(
        created(&mixed),
        [
            under("users[0].authMode", "ACL-22"),
            under("users[1].authMode", "ACL-22"),
        ]
    );
    says(
        &mixed,
        &["authMode for all users must be PKI with Federal Edition"],
    );
}

#[test]
fn certificates_alone_need_a_new_enough_server_with_tls() {
    let place = under("users[0].authMode", "PKI-01");
    let mut older = certified();
    older.spec.image = OLDER.to_owned();
    assert!(created(&older).contains(&place), "{:?}", created(&older));
    says(
        &older,
        &["PKIOnly authMode requires Enterprise Edition version 8.1.0.0 or later"],
    );
    let mut plain = secured(&json!({}));
    plain.spec.aerospike_access_control = certified().spec.aerospike_access_control;
    assert_eq!(created(&plain), [under("users[0].authMode", "PKI-02")]);
    says(
        &plain,
        &["PKIOnly authMode requires Aerospike cluster to be mTLS enabled"],
    );
}

#[test]
fn servers_ask_for_the_certificates_that_users_have() {
    let place = "spec.aerospikeConfig.network.service.tls-authenticate-client";
    for off in [json!("false"), json!(false)] {
        let found = created(&authenticating(certified(), off));
        assert_eq!(found, [format!("PKI-03 {place}")]);
    }
    for on in [json!("any"), json!(["admin"])] {
        assert_eq!(created(&authenticating(certified(), on)), [""; 0]);
    }
    let mut other = authenticating(certified(), json!(["admin"]));
    let cert = other.spec.operator_client_cert.as_mut().unwrap();
    cert.tls_client_name = Some("operator".to_owned());
    assert_eq!(
        created(&other),
        ["PKI-04 spec.operatorClientCert.tlsClientName"]
    );
}

#[test]
fn access_control_stays_once_it_is_set() {
    let old = secured(&json!({}));
    let gone = cluster(&json!({}));
    assert_eq!(updated(&old, &gone), ["UPD-16 spec.aerospikeAccessControl"]);
    let changed = with_user(&json!({}));
    assert_eq!(updated(&old, &changed), [""; 0]);
    let mut off = changed;
    off.spec.aerospike_config.remove("security");
    assert_eq!(updated(&old, &off), ["UPD-17 spec.aerospikeAccessControl"]);
}

#[test]
fn a_user_with_a_certificate_keeps_it() {
    let mut back = secured(&json!({}));
    with_tls(&mut back);
    assert_eq!(
        updated(&certified(), &back),
        [under("users[0].authMode", "UPD-18")]
    );
    assert_eq!(updated(&back, &certified()), [""; 0]);
}

/// `cluster` once `running` is rolled out.
fn over(mut cluster: AerospikeCluster, running: &AerospikeCluster) -> AerospikeCluster {
    let spec = effective(running, &Settings::default()).spec;
    cluster.status.get_or_insert_default().mirror = Mirror::of(&spec);
    cluster
}

#[test]
fn tls_comes_before_certificates_alone() {
    let plain = secured(&json!({}));
    let mut with_tls_only = plain.clone();
    with_tls(&mut with_tls_only);
    let place = "users[0].authMode";
    assert_eq!(
        updated(&over(plain.clone(), &plain), &over(certified(), &plain)),
        [under(place, "UPD-19"), under(place, "UPD-20")]
    );
    assert_eq!(
        updated(
            &over(with_tls_only.clone(), &plain),
            &over(certified(), &plain)
        ),
        [under(place, "UPD-19"), under(place, "UPD-20")]
    );
    assert_eq!(
        updated(
            &over(with_tls_only.clone(), &with_tls_only),
            &over(certified(), &with_tls_only)
        ),
        [""; 0]
    );
}
