use serde_json::{Value, json};

use crate::{
    admission::cluster::testing::{cluster, created, text},
    api::AerospikeCluster,
};

/// A cluster with a container named `a` in `list` that has `members` too (`null` removes).
fn with(list: &str, members: &Value) -> AerospikeCluster {
    let mut container = json!({"name": "a", "image": "b:1"});
    json_patch::merge(&mut container, members);
    cluster(&json!({"podSpec": {list: [container]}}))
}

/// What is said about a sidecar that has `members` too, places relative to it.
fn sidecar(members: &Value) -> Vec<String> {
    within("sidecars", members)
}

fn within(list: &str, members: &Value) -> Vec<String> {
    let findings = created(&with(list, members));
    let prefix = format!("spec.podSpec.{list}[0]");
    let short = |finding: String| finding.replacen(&format!(" {prefix}."), " ", 1);
    findings.into_iter().map(short).collect()
}

/// Each of `cases` is a sidecar's members, and what is said about it.
fn check(cases: &[(Value, &[&str])]) {
    for (members, expected) in cases {
        assert_eq!(sidecar(members), *expected, "{members}");
    }
}

#[test]
fn a_container_that_can_run_is_silent() {
    let full = json!({
        "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
        "ports": [{"name": "http", "containerPort": 8080, "hostPort": 8080, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
        "env": [
            {"name": "A", "value": "x"},
            {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app.kubernetes.io/name']"}}},
            {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": ".k"}}},
            {"name": "D", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
        ],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}],
        "volumeMounts": [{"name": "confdir", "mountPath": "/conf", "subPath": "a/b", "mountPropagation": "None"}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http", "httpHeaders": [{"name": "X-A", "value": "b"}]}, "failureThreshold": 3},
        "readinessProbe": {"exec": {"command": ["true"]}, "successThreshold": 2},
        "startupProbe": {"grpc": {"port": 1}, "terminationGracePeriodSeconds": 5},
        "lifecycle": {"preStop": {"sleep": {"seconds": 0}}, "postStart": {"tcpSocket": {"port": 80}}},
        "resources": {"requests": {"cpu": "100m", "memory": 1000}, "limits": {"cpu": 1, "memory": "1Ki", "a.com/gpu": "1", "hugepages-2Mi": "2Mi"}},
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": false, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "seccompProfile": {"type": "Localhost", "localhostProfile": "a.json"}, "appArmorProfile": {"type": "RuntimeDefault"}},
    });
    assert_eq!(sidecar(&full), [""; 0]);
}

#[test]
fn names_and_images() {
    check(&[
        (json!({"name": "A"}), &["POD-10 name"]),
        (json!({"name": ""}), &["POD-10 name"]),
        (json!({"image": null}), &["POD-11 image"]),
        (json!({"image": " b"}), &["POD-11 image"]),
    ]);
    let text = text(&with("sidecars", &json!({"name": "My_Exporter"})));
    assert!(
        text.contains("\"My_Exporter\" is no name of a container"),
        "{text}"
    );
}

#[test]
fn words_that_nobody_knows() {
    check(&[
        (
            json!({"imagePullPolicy": "always"}),
            &["POD-12 imagePullPolicy"],
        ),
        (
            json!({"terminationMessagePolicy": "x"}),
            &["POD-12 terminationMessagePolicy"],
        ),
        (json!({"restartPolicy": "x"}), &["POD-12 restartPolicy"]),
        (
            json!({"resizePolicy": [{"resourceName": "disk", "restartPolicy": "x"}]}),
            &[
                "POD-12 resizePolicy[0].resourceName",
                "POD-12 resizePolicy[0].restartPolicy",
            ],
        ),
        (
            json!({"ports": [{"containerPort": 1, "protocol": "tcp"}]}),
            &["POD-15 ports[0].protocol"],
        ),
        (
            json!({"volumeMounts": [{"name": "confdir", "mountPath": "/c", "recursiveReadOnly": "Yes", "mountPropagation": "x"}]}),
            &[
                "POD-22 volumeMounts[0].mountPropagation",
                "POD-22 volumeMounts[0].recursiveReadOnly",
            ],
        ),
        (
            json!({"securityContext": {"procMount": "x"}}),
            &["POD-37 securityContext.procMount"],
        ),
    ]);
    let text = text(&with("sidecars", &json!({"imagePullPolicy": "always"})));
    assert!(
        text.contains("\"always\" is none of Always, IfNotPresent, Never"),
        "{text}"
    );
}

#[test]
fn ports() {
    check(&[
        (
            json!({"ports": [{"containerPort": 0}]}),
            &["POD-13 ports[0].containerPort"],
        ),
        (
            json!({"ports": [{"containerPort": 1, "hostPort": 65536}]}),
            &["POD-13 ports[0].hostPort"],
        ),
        (
            json!({"ports": [{"containerPort": 1, "name": "a_b"}]}),
            &["POD-14 ports[0].name"],
        ),
        (
            json!({"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]}),
            &["POD-14 ports[1].name"],
        ),
        (
            json!({"ports": [{"containerPort": 1, "hostPort": 9}, {"containerPort": 2, "hostPort": 9}]}),
            &["POD-16 ports[1].hostPort"],
        ),
    ]);
}

#[test]
fn on_the_nodes_network_every_port_is_one_of_the_node() {
    let two = |port: Value, other: Value| {
        let container =
            |name: &str, port: Value| json!({"name": name, "image": "b", "ports": [port]});
        let sidecars = [container("a", port), container("b", other)];
        created(&cluster(
            &json!({"podSpec": {"hostNetwork": true, "multiPodPerHost": false, "sidecars": sidecars}}),
        ))
    };
    let port = |number: i32| json!({"containerPort": number});
    assert_eq!(two(port(9000), port(9001)), [""; 0]);
    assert_eq!(
        two(port(9000), port(9000)),
        ["POD-16 spec.podSpec.sidecars[1].ports[0].containerPort"]
    );
    let other = json!({"containerPort": 9001, "hostPort": 9002});
    assert_eq!(
        two(port(9000), other),
        ["POD-16 spec.podSpec.sidecars[1].ports[0].hostPort"]
    );
}

#[test]
fn variables() {
    let from = |source: Value| json!({"env": [{"name": "A", "valueFrom": source}]});
    check(&[
        (json!({"env": [{"name": "A=B"}]}), &["POD-17 env[0].name"]),
        (json!({"env": [{"name": ""}]}), &["POD-17 env[0].name"]),
        (from(json!({})), &["POD-18 env[0].valueFrom"]),
        (
            from(
                json!({"secretKeyRef": {"name": "s", "key": "k"}, "fieldRef": {"fieldPath": "metadata.name"}}),
            ),
            &["POD-18 env[0].valueFrom"],
        ),
        (
            json!({"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
            &["POD-18 env[0].valueFrom"],
        ),
        (
            from(json!({"secretKeyRef": {"key": "a/b"}})),
            &[
                "POD-18 env[0].valueFrom.secretKeyRef.key",
                "POD-18 env[0].valueFrom.secretKeyRef.name",
            ],
        ),
        (
            from(json!({"configMapKeyRef": {"name": "A", "key": "k"}})),
            &["POD-18 env[0].valueFrom.configMapKeyRef.name"],
        ),
        (
            from(json!({"fieldRef": {"fieldPath": "status.phase"}})),
            &["POD-18 env[0].valueFrom.fieldRef.fieldPath"],
        ),
        (
            from(json!({"fieldRef": {"fieldPath": "spec.labels['a']"}})),
            &["POD-18 env[0].valueFrom.fieldRef.fieldPath"],
        ),
        (
            from(json!({"resourceFieldRef": {"resource": "cpu"}})),
            &["POD-18 env[0].valueFrom.resourceFieldRef.resource"],
        ),
        (
            json!({"envFrom": [{}, {"prefix": "=", "secretRef": {}}]}),
            &[
                "POD-19 envFrom[0]",
                "POD-19 envFrom[1].prefix",
                "POD-19 envFrom[1].secretRef.name",
            ],
        ),
    ]);
}

#[test]
fn mounts_and_devices() {
    let mount = |members: Value| {
        let mut mount = json!({"name": "confdir", "mountPath": "/c"});
        json_patch::merge(&mut mount, &members);
        json!({"volumeMounts": [mount]})
    };
    check(&[
        (
            mount(json!({"mountPath": ""})),
            &["POD-20 volumeMounts[0].mountPath"],
        ),
        (mount(json!({"name": ""})), &["POD-20 volumeMounts[0].name"]),
        (
            mount(json!({"subPath": "/a"})),
            &["POD-21 volumeMounts[0].subPath"],
        ),
        (
            mount(json!({"subPath": "a", "subPathExpr": "../b"})),
            &["POD-21 volumeMounts[0].subPathExpr"],
        ),
        (
            mount(json!({"mountPropagation": "Bidirectional"})),
            &["POD-22 volumeMounts[0].mountPropagation"],
        ),
        (
            mount(json!({"name": "nothing"})),
            &["POD-24 volumeMounts[0].name"],
        ),
        (
            json!({"volumeDevices": [{"name": "nothing", "devicePath": "/dev/../a"}]}),
            &[
                "POD-23 volumeDevices[0].devicePath",
                "POD-24 volumeDevices[0].name",
            ],
        ),
        (
            json!({"volumeDevices": [{"name": "", "devicePath": "/a"}]}),
            &["POD-23 volumeDevices[0].name"],
        ),
    ]);
    let mut privileged = mount(json!({"mountPropagation": "Bidirectional"}));
    privileged["securityContext"] = json!({"privileged": true});
    assert_eq!(sidecar(&privileged), [""; 0]);
}

#[test]
fn a_volume_is_one_of_the_storage_of_every_rack() {
    let claim = |mode: &str| json!({"persistentVolume": {"storageClass": "s", "volumeMode": mode, "size": "1Gi"}});
    let storage = json!({"volumes": [
        {"name": "dev", "source": claim("Block"), "sidecars": [{"containerName": "a", "path": "/other"}]},
        {"name": "dir", "source": {"emptyDir": {}}, "sidecars": [{"containerName": "a", "path": "/dir"}]}]});
    let uses = json!([{"name": "a", "image": "b", "volumeDevices": [{"name": "dev", "devicePath": "/dev/a"}],
        "volumeMounts": [{"name": "dir", "mountPath": "/mnt"}]}]);
    let spec = |racks: Value| json!({"storage": storage, "podSpec": {"sidecars": uses}, "rackConfig": {"racks": racks}});
    let pods = |spec: &Value| {
        let findings = created(&cluster(spec)).into_iter();
        findings
            .filter(|finding| finding.starts_with("POD-"))
            .collect::<Vec<_>>()
    };
    assert_eq!(pods(&spec(json!([{"id": 1}]))), [""; 0]);
    assert_eq!(
        pods(&spec(
            json!([{"id": 1}, {"id": 2, "storage": {"volumes": []}}])
        )),
        [
            "POD-24 spec.podSpec.sidecars[0].volumeDevices[0].name",
            "POD-24 spec.podSpec.sidecars[0].volumeMounts[0].name",
        ]
    );
    let mut both = spec(json!([{"id": 1}]));
    both["podSpec"]["sidecars"][0]["volumeMounts"] =
        json!([{"name": "dev", "mountPath": "/dev/a"}]);
    assert_eq!(
        pods(&both),
        [
            "POD-23 spec.podSpec.sidecars[0].volumeDevices[0].devicePath",
            "POD-23 spec.podSpec.sidecars[0].volumeDevices[0].name",
        ]
    );
}

#[test]
fn probes_and_hooks() {
    let exec = json!({"exec": {"command": ["true"]}});
    let probe = |kind: &str, members: Value| {
        let mut probe = exec.clone();
        json_patch::merge(&mut probe, &members);
        json!({kind: probe})
    };
    check(&[
        (json!({"livenessProbe": {}}), &["POD-25 livenessProbe"]),
        (
            probe("readinessProbe", json!({"grpc": {"port": 1}})),
            &["POD-25 readinessProbe"],
        ),
        (
            json!({"startupProbe": {"exec": {}}}),
            &["POD-25 startupProbe.exec.command"],
        ),
        (
            json!({"livenessProbe": {"httpGet": {"port": 0, "scheme": "ftp", "httpHeaders": [{"name": "a b", "value": ""}]}}}),
            &[
                "POD-25 livenessProbe.httpGet.httpHeaders[0].name",
                "POD-25 livenessProbe.httpGet.port",
                "POD-25 livenessProbe.httpGet.scheme",
            ],
        ),
        (
            json!({"livenessProbe": {"tcpSocket": {"port": "A"}}}),
            &["POD-25 livenessProbe.tcpSocket.port"],
        ),
        (
            json!({"livenessProbe": {"grpc": {"port": 70000}}}),
            &["POD-25 livenessProbe.grpc.port"],
        ),
        (
            probe("livenessProbe", json!({"successThreshold": 2})),
            &["POD-26 livenessProbe.successThreshold"],
        ),
        (
            probe("startupProbe", json!({"periodSeconds": -1})),
            &["POD-26 startupProbe.periodSeconds"],
        ),
        (
            probe(
                "readinessProbe",
                json!({"terminationGracePeriodSeconds": 5}),
            ),
            &["POD-26 readinessProbe.terminationGracePeriodSeconds"],
        ),
        (
            probe("livenessProbe", json!({"terminationGracePeriodSeconds": 0})),
            &["POD-26 livenessProbe.terminationGracePeriodSeconds"],
        ),
        (
            json!({"lifecycle": {"preStop": {}}}),
            &["POD-27 lifecycle.preStop"],
        ),
        (
            json!({"lifecycle": {"postStart": {"sleep": {"seconds": -1}}}}),
            &["POD-27 lifecycle.postStart.sleep.seconds"],
        ),
    ]);
}

#[test]
fn an_init_container_is_probed_only_if_it_stays() {
    let probed = json!({"livenessProbe": {"exec": {"command": ["true"]}}, "lifecycle": {}});
    assert_eq!(
        within("initContainers", &probed),
        ["POD-28 lifecycle", "POD-28 livenessProbe"]
    );
    let mut staying = probed;
    staying["restartPolicy"] = json!("Always");
    assert_eq!(within("initContainers", &staying), [""; 0]);
    assert_eq!(within("initContainers", &json!({})), [""; 0]);
}

#[test]
fn what_marks_the_place_of_our_init_container_is_none() {
    assert_eq!(
        within(
            "initContainers",
            &json!({"name": "aerospike-init", "image": null})
        ),
        [""; 0]
    );
    assert_eq!(sidecar(&json!({"image": null})), ["POD-11 image"]);
}

#[test]
fn resources() {
    let of = |resources: Value| json!({"resources": resources});
    check(&[
        (
            of(json!({"limits": {"cpus": "1"}})),
            &["POD-30 resources.limits.cpus"],
        ),
        (
            of(json!({"limits": {"requests.a.com/b": "1"}})),
            &["POD-30 resources.limits.requests.a.com/b"],
        ),
        (
            of(json!({"limits": {"cpu": "one"}})),
            &["POD-31 resources.limits.cpu"],
        ),
        (
            of(json!({"requests": {"memory": "-1"}})),
            &["POD-31 resources.requests.memory"],
        ),
        (
            of(json!({"limits": {"a.com/gpu": "500m"}})),
            &["POD-31 resources.limits.a.com/gpu"],
        ),
        (
            of(json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1001m"}})),
            &["POD-32 resources.requests.cpu"],
        ),
        (
            of(json!({"requests": {"a.com/gpu": "1"}})),
            &["POD-32 resources.requests.a.com/gpu"],
        ),
        (
            of(json!({"limits": {"a.com/gpu": "2"}, "requests": {"a.com/gpu": "1"}})),
            &["POD-32 resources.requests.a.com/gpu"],
        ),
        (
            of(json!({"limits": {"hugepages-2Mi": "2Mi"}})),
            &["POD-33 resources"],
        ),
        (
            of(json!({"claims": [{"name": "x"}]})),
            &["POD-34 resources.claims"],
        ),
    ]);
    let text = text(&with(
        "sidecars",
        &of(json!({"limits": {"cpu": "1"}, "requests": {"cpu": "2"}})),
    ));
    assert!(
        text.contains("request \"2\" must not exceed the limit \"1\""),
        "{text}"
    );
}

#[test]
fn the_server_and_our_init_container_are_looked_at_too() {
    for name in ["aerospikeContainer", "aerospikeInitContainer"] {
        let spec = json!({"podSpec": {name: {"resources": {"limits": {"cpus": "1"}}, "securityContext": {"runAsUser": -1}}}});
        let path = format!("spec.podSpec.{name}");
        assert_eq!(
            created(&cluster(&spec)),
            [
                format!("POD-30 {path}.resources.limits.cpus"),
                format!("POD-36 {path}.securityContext.runAsUser"),
            ]
        );
    }
}

#[test]
fn security_contexts() {
    let of = |context: Value| json!({"securityContext": context});
    check(&[
        (
            of(json!({"privileged": true, "allowPrivilegeEscalation": false})),
            &["POD-35 securityContext.allowPrivilegeEscalation"],
        ),
        (
            of(
                json!({"allowPrivilegeEscalation": false, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}),
            ),
            &["POD-35 securityContext.allowPrivilegeEscalation"],
        ),
        (of(json!({"privileged": true})), &[]),
        (
            of(json!({"runAsGroup": 2_147_483_648_i64})),
            &["POD-36 securityContext.runAsGroup"],
        ),
        (
            of(json!({"seccompProfile": {"type": ""}})),
            &["POD-38 securityContext.seccompProfile.type"],
        ),
        (
            of(json!({"seccompProfile": {"type": "x"}})),
            &["POD-38 securityContext.seccompProfile.type"],
        ),
        (
            of(json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "/a"}})),
            &["POD-38 securityContext.seccompProfile.localhostProfile"],
        ),
        (
            of(json!({"appArmorProfile": {"type": "Localhost"}})),
            &["POD-38 securityContext.appArmorProfile.localhostProfile"],
        ),
        (
            of(json!({"appArmorProfile": {"type": "Unconfined", "localhostProfile": "a"}})),
            &["POD-38 securityContext.appArmorProfile.localhostProfile"],
        ),
        (
            of(json!({"appArmorProfile": {"type": "Localhost", "localhostProfile": " a"}})),
            &["POD-38 securityContext.appArmorProfile.localhostProfile"],
        ),
    ]);
}

#[test]
fn no_value_of_a_variable_is_shown() {
    let secret = json!({"env": [{"name": "A", "value": "hunter2", "valueFrom": {}}, {"name": "=", "value": "hunter2"}]});
    let text = text(&with("sidecars", &secret));
    assert!(
        text.contains("POD-17") && text.contains("POD-18") && !text.contains("hunter2"),
        "{text}"
    );
}
