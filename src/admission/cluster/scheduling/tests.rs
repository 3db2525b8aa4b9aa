use serde_json::{Value, json};

use crate::admission::cluster::testing::{cluster, created};

/// What is said about a cluster with `pod` as its pod spec, and, at the same places of a rack, about a rack that has it.
fn pod(pod: &Value) -> Vec<String> {
    let short = |findings: Vec<String>, prefix: &str| -> Vec<_> {
        let short = |finding: String| finding.replacen(&format!(" {prefix}."), " ", 1);
        findings.into_iter().map(short).collect()
    };
    let of_cluster = created(&cluster(&json!({"podSpec": pod})));
    let of_rack = created(&cluster(
        &json!({"rackConfig": {"racks": [{"id": 1, "podSpec": pod}]}}),
    ));
    let of_cluster = short(of_cluster, "spec.podSpec");
    assert_eq!(
        short(of_rack, "spec.rackConfig.racks[0].podSpec"),
        of_cluster
    );
    of_cluster
}

fn check(cases: &[(Value, &[&str])]) {
    for (members, expected) in cases {
        assert_eq!(pod(members), *expected, "{members}");
    }
}

fn node(required: &Value) -> Value {
    json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required}}}})
}

fn near(term: &Value) -> Value {
    json!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}})
}

const NODE: &str =
    "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
const NEAR: &str = "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";

#[test]
fn what_kubernetes_takes_is_silent() {
    let full = json!({
        "tolerations": [{"operator": "Exists"}, {"key": "a/b", "value": "c", "effect": "NoSchedule"},
            {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
                    "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "c", "operator": "Gt", "values": ["1"]},
                        {"key": "d", "operator": "Exists"}],
                    "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {
                    "matchExpressions": [{"key": "a", "operator": "In", "values": ["no label"]}]}}]},
            "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {
                "topologyKey": "kubernetes.io/hostname", "namespaces": ["a"], "matchLabelKeys": ["x"],
                "labelSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}}]}},
    });
    assert_eq!(pod(&full), [""; 0]);
}

#[test]
fn tolerations() {
    let of = |toleration: Value| json!({"tolerations": [toleration]});
    check(&[
        (
            of(json!({"key": "a b", "operator": "Exists"})),
            &["POD-50 tolerations[0].key"],
        ),
        (of(json!({})), &["POD-50 tolerations[0].operator"]),
        (
            of(json!({"key": "a", "operator": "exists"})),
            &["POD-50 tolerations[0].operator"],
        ),
        (
            of(json!({"key": "a", "operator": "Exists", "value": "b"})),
            &["POD-50 tolerations[0].value"],
        ),
        (
            of(json!({"key": "a", "value": "b c"})),
            &["POD-50 tolerations[0].value"],
        ),
        (
            of(json!({"key": "a", "effect": "NoRun"})),
            &["POD-50 tolerations[0].effect"],
        ),
        (
            of(json!({"key": "a", "effect": "NoSchedule", "tolerationSeconds": 1})),
            &["POD-50 tolerations[0].effect"],
        ),
    ]);
}

#[test]
fn node_selector() {
    check(&[
        (
            json!({"nodeSelector": {"a b": "c"}}),
            &["POD-51 nodeSelector[a b]"],
        ),
        (
            json!({"nodeSelector": {"a": "b c"}}),
            &["POD-51 nodeSelector[a]"],
        ),
    ]);
}

#[test]
fn node_affinity() {
    let expression = |asked: Value| node(&json!([{"matchExpressions": [asked]}]));
    let field = |asked: Value| node(&json!([{"matchFields": [asked]}]));
    let at = |code: &str, rest: &str| format!("{code} {NODE}{rest}");
    let cases = [
        (node(&json!([])), at("POD-52", "")),
        (
            expression(json!({"key": "a", "operator": "In"})),
            at("POD-53", "[0].matchExpressions[0].values"),
        ),
        (
            expression(json!({"key": "a", "operator": "Exists", "values": ["b"]})),
            at("POD-53", "[0].matchExpressions[0].values"),
        ),
        (
            expression(json!({"key": "a", "operator": "Lt", "values": ["1", "2"]})),
            at("POD-53", "[0].matchExpressions[0].values"),
        ),
        (
            expression(json!({"key": "a", "operator": "in"})),
            at("POD-53", "[0].matchExpressions[0].operator"),
        ),
        (
            expression(json!({"key": "", "operator": "Exists"})),
            at("POD-53", "[0].matchExpressions[0].key"),
        ),
        (
            expression(json!({"key": "a", "operator": "In", "values": ["b", "c d"]})),
            at("POD-53", "[0].matchExpressions[0].values[1]"),
        ),
        (
            field(json!({"key": "metadata.uid", "operator": "In", "values": ["b"]})),
            at("POD-53", "[0].matchFields[0].key"),
        ),
        (
            field(json!({"key": "metadata.name", "operator": "Exists", "values": ["b"]})),
            at("POD-53", "[0].matchFields[0].operator"),
        ),
        (
            field(json!({"key": "metadata.name", "operator": "In"})),
            at("POD-53", "[0].matchFields[0].values"),
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(pod(&members), [expected], "{members}");
    }
    let weight = json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 0, "preference": {}}]}}});
    let list = "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]";
    assert_eq!(pod(&weight), [format!("POD-54 {list}.weight")]);
}

#[test]
fn pod_affinity() {
    let term = |members: Value| {
        let mut term = json!({"topologyKey": "a", "labelSelector": {"matchLabels": {"a": "b"}}});
        json_patch::merge(&mut term, &members);
        near(&term)
    };
    let at = |code: &str, rest: &str| vec![format!("{code} {NEAR}.{rest}")];
    let cases = [
        (
            term(json!({"topologyKey": ""})),
            at("POD-55", "topologyKey"),
        ),
        (
            term(json!({"namespaces": ["A"]})),
            at("POD-55", "namespaces[0]"),
        ),
        (
            term(json!({"labelSelector": {"matchLabels": {"a": "b c"}}})),
            at("POD-56", "labelSelector.matchLabels[a]"),
        ),
        (
            term(
                json!({"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}}),
            ),
            at("POD-56", "namespaceSelector.matchExpressions[0].operator"),
        ),
        (
            term(json!({"matchLabelKeys": ["a b"]})),
            at("POD-57", "matchLabelKeys[0]"),
        ),
        (
            term(json!({"mismatchLabelKeys": ["a"], "labelSelector": null})),
            at("POD-57", "mismatchLabelKeys"),
        ),
        (
            term(json!({"mismatchLabelKeys": ["a"], "matchLabelKeys": ["a"]})),
            at("POD-57", "matchLabelKeys[0]"),
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(pod(&members), expected, "{members}");
    }
    let weighted = json!({"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 101, "podAffinityTerm": {"topologyKey": "a"}}]}}});
    let list = "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]";
    assert_eq!(pod(&weighted), [format!("POD-54 {list}.weight")]);
}
