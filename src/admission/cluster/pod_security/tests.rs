use serde_json::{Value, json};

use crate::{
    admission::{
        Operation, Proposal, check,
        cluster::testing::{cluster, created, created_under},
    },
    api::AerospikeCluster,
    resolve::{PodPolicy, Settings},
};

fn under(policy: PodPolicy) -> Settings {
    Settings {
        pod_policy: policy,
        ..Settings::default()
    }
}

/// A cluster whose pods meet the standard at `level`, with `spec` merged over it.
fn meeting(level: PodPolicy, spec: &Value) -> AerospikeCluster {
    let mut pod = json!({"multiPodPerHost": true});
    if level == PodPolicy::Restricted {
        let own = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
        json_patch::merge(
            &mut pod,
            &json!({
                "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
                "aerospikeContainer": {"securityContext": own},
                "aerospikeInitContainer": {"securityContext": own},
            }),
        );
    }
    let mut all = json!({"podSpec": pod});
    json_patch::merge(&mut all, spec);
    cluster(&all)
}

/// What each level, baseline first, has against a cluster that met the standard before `pod` was merged into it. What
/// Kubernetes itself has against it is not asked here.
fn found(pod: &Value) -> [Vec<String>; 2] {
    [PodPolicy::Baseline, PodPolicy::Restricted].map(|level| {
        let cluster = meeting(level, &json!({"podSpec": pod}));
        let mut breaches = created_under(&under(level), &cluster);
        breaches.retain(|breach| breach.starts_with("PSS-"));
        breaches
    })
}

/// Where contexts stand: of the pod, of the operator's containers, of the user's.
fn in_each_context(context: &Value) -> Vec<(String, Value)> {
    let mut all = vec![(
        "spec.podSpec.securityContext".to_owned(),
        json!({"securityContext": context}),
    )];
    all.extend(in_each_container(context));
    all
}

fn in_each_container(context: &Value) -> Vec<(String, Value)> {
    let mut container = json!({"name": "a", "image": "i", "securityContext":
        {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}});
    json_patch::merge(&mut container, &json!({"securityContext": context}));
    let own = ["aerospikeContainer", "aerospikeInitContainer"].map(|member| {
        let pod = json!({member: {"securityContext": context}});
        (format!("spec.podSpec.{member}.securityContext"), pod)
    });
    let users = ["sidecars", "initContainers"].map(|member| {
        let path = format!("spec.podSpec.{member}[0].securityContext");
        (path, json!({member: [container]}))
    });
    own.into_iter().chain(users).collect()
}

#[test]
fn without_a_policy_pods_may_ask_for_everything() {
    let pod = json!({"hostNetwork": true, "aerospikeContainer": {"securityContext": {"privileged": true}}});
    assert_eq!(created(&cluster(&json!({"podSpec": pod}))), [""; 0]);
}

#[test]
fn pods_that_meet_the_standard_are_accepted() {
    assert_eq!(found(&json!({})), [vec![], vec![]] as [Vec<String>; 2]);
}

#[test]
fn a_plain_cluster_opens_ports_of_its_nodes() {
    let settings = under(PodPolicy::Baseline);
    assert_eq!(
        created_under(&settings, &cluster(&json!({}))),
        ["PSS-06 spec.podSpec.multiPodPerHost"]
    );
    let pod_only = json!({"access": "pod", "alternateAccess": "pod"});
    let pod_only = cluster(&json!({"aerospikeNetworkPolicy": pod_only}));
    assert_eq!(created_under(&settings, &pod_only), [""; 0]);
}

#[test]
fn the_default_init_container_is_not_restricted() {
    let settings = under(PodPolicy::Restricted);
    let bare = cluster(
        &json!({"podSpec": {"multiPodPerHost": true, "initContainers": [{"name": "aerospike-init"}]}}),
    );
    let expected = ["aerospikeContainer", "aerospikeInitContainer"].map(|member| {
        [
            ("PSS-13", "allowPrivilegeEscalation"),
            ("PSS-17", "capabilities.drop"),
            ("PSS-14", "runAsNonRoot"),
            ("PSS-16", "seccompProfile"),
        ]
        .map(|(code, field)| format!("{code} spec.podSpec.{member}.securityContext.{field}"))
    });
    assert_eq!(created_under(&settings, &bare), expected.concat());
}

#[test]
fn contexts_of_pod_and_containers_are_held_to_the_baseline() {
    let cases = [
        (
            "PSS-01",
            "windowsOptions.hostProcess",
            json!({"windowsOptions": {"hostProcess": true}}),
        ),
        (
            "PSS-08",
            "appArmorProfile.type",
            json!({"appArmorProfile": {"type": "Unconfined"}}),
        ),
        (
            "PSS-09",
            "seLinuxOptions.type",
            json!({"seLinuxOptions": {"type": "spc_t"}}),
        ),
        (
            "PSS-09",
            "seLinuxOptions.user",
            json!({"seLinuxOptions": {"user": "u"}}),
        ),
        (
            "PSS-09",
            "seLinuxOptions.role",
            json!({"seLinuxOptions": {"role": "r"}}),
        ),
        (
            "PSS-11",
            "seccompProfile.type",
            json!({"seccompProfile": {"type": "Unconfined"}}),
        ),
    ];
    for (code, field, context) in cases {
        for (path, pod) in in_each_context(&context) {
            let expected = vec![format!("{code} {path}.{field}")];
            assert_eq!(found(&pod), [expected.clone(), expected]);
        }
    }
    let local = json!({"type": "Localhost", "localhostProfile": "p"});
    let allowed = json!({"windowsOptions": {"hostProcess": false}, "appArmorProfile": local,
        "seLinuxOptions": {"type": "container_t", "level": "s0"}, "seccompProfile": local});
    for (_, pod) in in_each_context(&allowed) {
        assert_eq!(found(&pod), [vec![], vec![]] as [Vec<String>; 2]);
    }
}

#[test]
fn containers_are_held_to_the_baseline() {
    let cases = [
        ("PSS-03", "privileged", json!({"privileged": true})),
        (
            "PSS-04",
            "capabilities.add[1]",
            json!({"capabilities": {"add": ["NET_BIND_SERVICE", "SYS_ADMIN"]}}),
        ),
        ("PSS-10", "procMount", json!({"procMount": "Unmasked"})),
    ];
    for (code, field, context) in cases {
        for (path, pod) in in_each_container(&context) {
            let expected = vec![format!("{code} {path}.{field}")];
            assert_eq!(found(&pod), [expected.clone(), expected]);
        }
    }
    let allowed = json!({"privileged": false, "procMount": "Default", "capabilities": {"add": ["NET_BIND_SERVICE"]}});
    for (_, pod) in in_each_container(&allowed) {
        assert_eq!(found(&pod), [vec![], vec![]] as [Vec<String>; 2]);
    }
}

#[test]
fn restricted_containers_give_up_what_they_could_have() {
    let cases = [
        (
            "PSS-13",
            "allowPrivilegeEscalation",
            json!({"allowPrivilegeEscalation": true}),
        ),
        (
            "PSS-13",
            "allowPrivilegeEscalation",
            json!({"allowPrivilegeEscalation": null}),
        ),
        ("PSS-14", "runAsNonRoot", json!({"runAsNonRoot": false})),
        ("PSS-15", "runAsUser", json!({"runAsUser": 0})),
        (
            "PSS-17",
            "capabilities.drop",
            json!({"capabilities": {"drop": ["CHOWN"]}}),
        ),
        (
            "PSS-17",
            "capabilities.add[0]",
            json!({"capabilities": {"add": ["CHOWN"]}}),
        ),
    ];
    for (code, field, context) in cases {
        for (path, pod) in in_each_container(&context) {
            let expected = vec![format!("{code} {path}.{field}")];
            assert_eq!(found(&pod), [vec![], expected]);
        }
    }
}

#[test]
fn what_the_pod_does_not_say_each_container_does() {
    let containers = |code: &str, field: &str| {
        ["aerospikeContainer", "aerospikeInitContainer"]
            .map(|member| format!("{code} spec.podSpec.{member}.securityContext.{field}"))
            .to_vec()
    };
    let unset = json!({"securityContext": {"runAsNonRoot": null}});
    assert_eq!(
        found(&unset),
        [vec![], containers("PSS-14", "runAsNonRoot")]
    );
    let unset = json!({"securityContext": {"seccompProfile": null}});
    assert_eq!(
        found(&unset),
        [vec![], containers("PSS-16", "seccompProfile")]
    );
    let each = json!({"runAsNonRoot": true, "seccompProfile": {"type": "Localhost", "localhostProfile": "p"}});
    let each = json!({"securityContext": {"runAsNonRoot": null, "seccompProfile": null},
        "aerospikeContainer": {"securityContext": each}, "aerospikeInitContainer": {"securityContext": each}});
    assert_eq!(found(&each), [vec![], vec![]] as [Vec<String>; 2]);
    let root = json!({"securityContext": {"runAsUser": 0}});
    let expected = "PSS-15 spec.podSpec.securityContext.runAsUser".to_owned();
    assert_eq!(found(&root), [vec![], vec![expected]]);
}

#[test]
fn pods_keep_off_the_host() {
    let network = json!({"multiPodPerHost": null, "hostNetwork": true});
    let expected = vec!["PSS-02 spec.podSpec.hostNetwork".to_owned()];
    assert_eq!(found(&network), [expected.clone(), expected]);

    let port = |port: u16| {
        json!({"aerospikeContainer": {}, "sidecars": [{"name": "a", "image": "i", "ports": [
        {"containerPort": 80}, {"containerPort": 81, "hostPort": port}]}]})
    };
    let [baseline, _] = found(&port(81));
    assert_eq!(
        baseline,
        ["PSS-06 spec.podSpec.sidecars[0].ports[1].hostPort"]
    );
    assert_eq!(found(&port(0))[0], [""; 0]);

    let sysctls = json!({"securityContext": {"sysctls": [
        {"name": "net.ipv4.tcp_rmem", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}]}});
    let expected = vec!["PSS-12 spec.podSpec.securityContext.sysctls[1].name".to_owned()];
    assert_eq!(found(&sysctls), [expected.clone(), expected]);
}

#[test]
fn probes_and_hooks_stay_in_the_pod() {
    let http = json!({"httpGet": {"host": "10.0.0.1", "port": 80}});
    let tcp = json!({"tcpSocket": {"host": "10.0.0.1", "port": 80}});
    let own = json!({"httpGet": {"host": "", "port": 80}});
    let sidecar = json!({"name": "a", "image": "i", "livenessProbe": http, "readinessProbe": tcp, "startupProbe": own,
        "lifecycle": {"postStart": tcp, "preStop": http}});
    let [baseline, _] = found(&json!({"sidecars": [sidecar]}));
    assert_eq!(
        baseline,
        [
            "lifecycle.postStart.tcpSocket",
            "lifecycle.preStop.httpGet",
            "livenessProbe.httpGet",
            "readinessProbe.tcpSocket",
        ]
        .map(|member| format!("PSS-07 spec.podSpec.sidecars[0].{member}.host"))
    );
}

#[test]
fn app_armor_is_not_switched_off_by_annotation() {
    let prefix = "container.apparmor.security.beta.kubernetes.io";
    let annotations = json!({format!("{prefix}/a"): "runtime/default", format!("{prefix}/b"): "localhost/p",
        format!("{prefix}/c"): "unconfined", "other": "unconfined"});
    let expected = vec![format!(
        "PSS-08 spec.podSpec.metadata.annotations[{prefix}/c]"
    )];
    assert_eq!(
        found(&json!({"metadata": {"annotations": annotations}})),
        [expected.clone(), expected]
    );
}

#[test]
fn volumes_are_not_folders_of_the_host() {
    let volumes = json!([{"name": "h", "source": {"hostPath": {"path": "/x"}},
        "aerospike": {"path": "/x", "mountOptions": {"readOnly": true}}}]);
    let storage = json!({"volumes": volumes});
    for level in [PodPolicy::Baseline, PodPolicy::Restricted] {
        let global = meeting(
            level,
            &json!({"storage": storage, "rackConfig": {"racks": [{"id": 1}, {"id": 2}]}}),
        );
        assert_eq!(
            created_under(&under(level), &global),
            ["PSS-05 spec.storage.volumes[0].source.hostPath"]
        );
        let own = meeting(
            level,
            &json!({"rackConfig": {"racks": [{"id": 1, "storage": storage}]}}),
        );
        assert!(created_under(&under(level), &own).contains(
            &"PSS-05 spec.rackConfig.racks[0].storage.volumes[0].source.hostPath".to_owned()
        ));
    }
}

#[test]
fn clusters_that_were_there_before_the_policy_go_on() {
    let settings = under(PodPolicy::Restricted);
    let (old, new) = (cluster(&json!({})), cluster(&json!({"size": 3})));
    let verdict = check(&Proposal {
        operation: Operation::Update,
        new: &new,
        old: Some(&old),
        settings: &settings,
    });
    assert_eq!(verdict.findings, []);
    assert!(
        verdict
            .warnings
            .iter()
            .all(|warning| warning.code.starts_with("PSS-"))
    );
    assert_eq!(verdict.warnings.len(), 9);
}
