use serde_json::{Value, json};

use crate::admission::cluster::testing::{cluster, created};

/// What is said about a cluster with `pod` as its pod spec.
fn pod(pod: &Value) -> Vec<String> {
    let findings = created(&cluster(&json!({"podSpec": pod})));
    let short = |finding: String| finding.replacen(" spec.podSpec.", " ", 1);
    findings.into_iter().map(short).collect()
}

fn check(cases: &[(Value, &[&str])]) {
    for (members, expected) in cases {
        assert_eq!(pod(members), *expected, "{members}");
    }
}

#[test]
fn what_kubernetes_takes_is_silent() {
    let full = json!({
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.1", "fd00::1", "010.0.0.1"], "searches": ["a.b.", "_x.y", "."], "options": [{"name": "ndots", "value": "2"}]},
        "metadata": {"labels": {"a.b/c": "D_e", "x": ""}, "annotations": {"A.b/C": "anything ä"}},
        "securityContext": {"fsGroup": 0, "supplementalGroups": [1, 2], "fsGroupChangePolicy": "OnRootMismatch",
            "sysctls": [{"name": "net.core.somaxconn", "value": "1"}, {"name": "net/ipv4/x_y", "value": "1"}],
            "seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": "s"}],
    });
    assert_eq!(pod(&full), [""; 0]);
}

#[test]
fn security_context() {
    let of = |context: Value| json!({"securityContext": context});
    check(&[
        (
            of(json!({"fsGroup": -1})),
            &["POD-36 securityContext.fsGroup"],
        ),
        (
            of(json!({"supplementalGroups": [1, -2]})),
            &["POD-36 securityContext.supplementalGroups[1]"],
        ),
        (
            of(json!({"fsGroupChangePolicy": "never"})),
            &["POD-39 securityContext.fsGroupChangePolicy"],
        ),
        (
            of(json!({"supplementalGroupsPolicy": "x"})),
            &["POD-39 securityContext.supplementalGroupsPolicy"],
        ),
        (
            of(json!({"seccompProfile": {"type": "x"}})),
            &["POD-38 securityContext.seccompProfile.type"],
        ),
        (
            of(
                json!({"sysctls": [{"name": "a", "value": ""}, {"name": "a", "value": ""}, {"name": "A.b", "value": ""}]}),
            ),
            &[
                "POD-40 securityContext.sysctls[1].name",
                "POD-40 securityContext.sysctls[2].name",
            ],
        ),
    ]);
}

#[test]
fn dns() {
    let of = |config: Value| json!({"dnsConfig": config});
    let many = |text: &str, count: usize| vec![text.to_owned(); count];
    check(&[
        (json!({"dnsPolicy": "clusterFirst"}), &["POD-41 dnsPolicy"]),
        (
            json!({"dnsPolicy": "None", "dnsConfig": {}}),
            &["POD-42 dnsConfig.nameservers"],
        ),
        (
            of(json!({"nameservers": ["a.b"]})),
            &["POD-42 dnsConfig.nameservers[0]"],
        ),
        (
            of(json!({"nameservers": ["1.2.3.256"]})),
            &["POD-42 dnsConfig.nameservers[0]"],
        ),
        (
            of(json!({"nameservers": many("1.2.3.4", 4)})),
            &["POD-42 dnsConfig.nameservers"],
        ),
        (
            of(json!({"searches": ["a..b"]})),
            &["POD-43 dnsConfig.searches[0]"],
        ),
        (
            of(json!({"searches": many("a", 33)})),
            &["POD-43 dnsConfig.searches"],
        ),
        (
            of(json!({"options": [{"value": "1"}]})),
            &["POD-43 dnsConfig.options[0].name"],
        ),
    ]);
}

#[test]
fn labels_and_annotations() {
    let of = |kind: &str, key: &str, value: &str| json!({"metadata": {kind: {key: value}}});
    check(&[
        (of("labels", "a b", "c"), &["POD-44 metadata.labels[a b]"]),
        (of("labels", "a", "b/c"), &["POD-44 metadata.labels[a]"]),
        (
            of("annotations", "a/b/c", ""),
            &["POD-45 metadata.annotations[a/b/c]"],
        ),
        (
            of("annotations", "a", &"x".repeat(262_144)),
            &["POD-45 metadata.annotations"],
        ),
    ]);
}
