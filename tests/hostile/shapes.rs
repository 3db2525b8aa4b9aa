//! Objects that nobody writes by hand, each of one shape that would take long if work grew faster than what is sent.

use serde_json::{Map, Value, json};

/// A name, and what is merged over the spec of a small cluster to fill about so many bytes.
pub type Shape = (&'static str, fn(usize) -> Value);

/// A small valid cluster with `changes` merged over its spec.
pub fn cluster(changes: &Value) -> Value {
    let mut object: Value = serde_saphyr::from_str(include_str!("../data/plain.yaml")).unwrap();
    json_patch::merge(&mut object, &json!({"spec": changes}));
    object
}

/// A review of `new`, in the place of `old` if there is one.
pub fn review(new: &Value, old: Option<&Value>) -> Vec<u8> {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    let request = json!({"uid": "u", "operation": operation, "name": "db", "namespace": "ns",
        "object": new, "oldObject": old});
    json!({"request": request}).to_string().into_bytes()
}

/// As many items as take `bytes`.
fn items(bytes: usize, item: impl Fn(usize) -> Value) -> Value {
    let length = item(10_000).to_string().len() + 1;
    (0..bytes / length).map(item).collect()
}

/// As many members as take `bytes`.
fn members(bytes: usize, member: impl Fn(usize) -> (String, Value)) -> Value {
    let (key, value) = member(10_000);
    let length = key.len() + value.to_string().len() + 4;
    let members: Map<_, _> = (0..bytes / length).map(member).collect();
    members.into()
}

/// `value` as a member of a member.
fn under(outer: &str, inner: &str, value: Value) -> Value {
    let mut object = json!({});
    object[outer][inner] = value;
    object
}

fn volumes(volumes: Value) -> Value {
    under("storage", "volumes", volumes)
}

fn sidecar(member: &str, value: Value) -> Value {
    let mut sidecar = json!({"name": "s", "image": "i"});
    sidecar[member] = value;
    under("podSpec", "sidecars", vec![sidecar].into())
}

fn config(section: &str, value: Value) -> Value {
    under("aerospikeConfig", section, value)
}

fn racks(racks: Value) -> Value {
    under("rackConfig", "racks", racks)
}

fn access(list: &str, items: Value) -> Value {
    let mut spec = json!({"aerospikeConfig": {"security": {}}, "aerospikeAccessControl": {"users": [
        {"name": "admin", "secretName": "s", "roles": ["sys-admin", "user-admin"]}]}});
    spec["aerospikeAccessControl"][list] = items;
    spec
}

/// The largest that is accepted, or nearly: everything in order.
pub fn in_order(bytes: usize) -> Value {
    let sets = items(
        bytes / 4,
        |n| json!({"name": format!("s{n}"), "stop-writes-count": n}),
    );
    let users = items(
        bytes / 3,
        |n| json!({"name": format!("u{n}"), "secretName": "s", "roles": ["read", "write"]}),
    );
    let labels = members(bytes / 20, |n| (format!("example.com/a{n}"), json!("v")));
    let sidecars = items(
        bytes / 20,
        |n| json!({"name": format!("c{n}"), "image": "i", "env": [{"name": "A", "value": "1"}]}),
    );
    let mut spec = access("roles", json!([]));
    json_patch::merge(
        &mut spec,
        &json!({
            "podSpec": {"sidecars": sidecars, "metadata": {"annotations": labels}},
            "aerospikeConfig": {"namespaces": [{"name": "test", "replication-factor": 2, "sets": sets,
                "storage-engine": {"type": "memory", "data-size": 1_073_741_824}}]},
        }),
    );
    let Value::Array(mut users) = users else {
        return spec;
    };
    users.push(json!({"name": "admin", "secretName": "s", "roles": ["sys-admin", "user-admin"]}));
    spec["aerospikeAccessControl"]["users"] = users.into();
    spec
}

/// Every shape.
pub const SHAPES: &[Shape] = &[
    ("everything in order", in_order),
    ("volumes without a name", |b| {
        volumes(items(b, |_| json!({"name": ""})))
    }),
    ("volumes without a source", |b| {
        volumes(items(b, |n| json!({"name": format!("v{n}")})))
    }),
    ("volumes with options that are ignored", |b| {
        volumes(items(b, |n| {
            json!({"name": format!("v{n}"), "source": {"emptyDir": {}},
        "aerospike": {"path": format!("/v{n}"), "mountOptions": {"readOnly": true}}})
        }))
    }),
    ("volumes at one path", |b| {
        volumes(items(
            b,
            |_| json!({"name": "v", "source": {"emptyDir": {}}, "aerospike": {"path": "/a"}}),
        ))
    }),
    ("attachments to one container", |b| {
        volumes(json!([{"name": "v", "source": {"emptyDir": {}},
        "sidecars": items(b, |_| json!({"containerName": "c", "path": "/a"}))}]))
    }),
    ("paths with many parts", |b| {
        volumes(items(b, |_| {
            json!({"name": "v", "source": {"emptyDir": {}},
        "aerospike": {"path": "/a".repeat(2000)}})
        }))
    }),
    (
        "sidecars without a name",
        |b| json!({"podSpec": {"sidecars": items(b, |_| json!({"name": ""}))}}),
    ),
    ("variables without a name", |b| {
        sidecar("env", items(b, |_| json!({"name": ""})))
    }),
    ("variables in order", |b| {
        sidecar("env", items(b, |n| json!({"name": format!("v{n}")})))
    }),
    ("variables with two sources", |b| {
        sidecar("env", items(b, |_| json!({"name": "a", "valueFrom": {}})))
    }),
    ("ports of one number", |b| {
        sidecar(
            "ports",
            items(b, |_| json!({"containerPort": 1, "hostPort": 1})),
        )
    }),
    ("mounts of unknown volumes", |b| {
        sidecar(
            "volumeMounts",
            items(b, |n| json!({"name": format!("v{n}"), "mountPath": "/a"})),
        )
    }),
    ("mounts and devices of one name", |b| {
        json!({"podSpec": {"sidecars": [{"name": "s", "image": "i",
        "volumeMounts": items(b / 2, |n| json!({"name": format!("v{n}"), "mountPath": "/a"})),
        "volumeDevices": items(b / 2, |n| json!({"name": format!("w{n}"), "devicePath": "/b"}))}]}})
    }),
    ("mounts in many racks", |b| {
        json!({
        "podSpec": {"sidecars": [{"name": "s", "image": "i",
            "volumeMounts": items(b / 2, |n| json!({"name": "v", "mountPath": format!("/a{n}")}))}]},
        "rackConfig": {"racks": (1..1000).map(|id| json!({"id": id, "storage": {"volumes": [{"name": "v"}]}})).collect::<Value>()}})
    }),
    (
        "tolerations without a key",
        |b| json!({"podSpec": {"tolerations": items(b, |_| json!({}))}}),
    ),
    (
        "labels of nodes",
        |b| json!({"podSpec": {"nodeSelector": members(b, |n| (format!("-{n}"), json!("-")))}}),
    ),
    ("affinity to pods", |b| {
        json!({"podSpec": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        items(b, |_| json!({"topologyKey": ""}))}}}})
    }),
    ("affinity to nodes", |b| {
        json!({"podSpec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": [{"matchExpressions": items(b, |_| json!({"key": "", "operator": ""}))}]}}}}})
    }),
    (
        "annotations",
        |b| json!({"podSpec": {"metadata": {"annotations": members(b, |n| (format!("-{n}"), json!("")))}}}),
    ),
    (
        "sysctls",
        |b| json!({"podSpec": {"securityContext": {"sysctls": items(b, |_| json!({"name": "", "value": ""}))}}}),
    ),
    (
        "search domains",
        |b| json!({"podSpec": {"dnsConfig": {"searches": items(b, |_| json!("-"))}}}),
    ),
    ("namespaces without a name", |b| {
        config("namespaces", items(b, |_| json!({})))
    }),
    ("namespaces with nothing but a name", |b| {
        config("namespaces", items(b, |n| json!({"name": format!("n{n}")})))
    }),
    ("namespaces of one name", |b| {
        config("namespaces", items(b, |_| json!({"name": "n"})))
    }),
    ("namespaces that are numbers", |b| {
        config("namespaces", items(b, |_| json!(1)))
    }),
    ("a namespace with a long name", |b| {
        config("namespaces", json!([{"name": "n".repeat(b)}]))
    }),
    ("devices", |b| {
        config(
            "namespaces",
            json!([{"name": "n", "storage-engine":
        {"type": "device", "devices": items(b, |n| json!(format!("/d{n}")))}}]),
        )
    }),
    ("namespaces with devices", |b| {
        config(
            "namespaces",
            items(b, |n| {
                json!({"name": format!("n{n}"), "storage-engine":
        {"type": "device", "devices": ["/a", "/b", "/c"]}})
            }),
        )
    }),
    ("unknown parameters", |b| {
        config("service", members(b, |n| (format!("p{n}"), json!(1))))
    }),
    ("unknown parameters with long names", |b| {
        config(
            "service",
            members(b, |n| {
                (
                    format!("enable-benchmarks-fabric-and-more-of-the-same-{n}"),
                    json!(1),
                )
            }),
        )
    }),
    (
        "unknown sections",
        |b| json!({"aerospikeConfig": members(b, |n| (format!("s{n}"), json!({"a": 1})))}),
    ),
    ("values of wrong types", |b| {
        config(
            "xdr",
            json!({"dcs": items(b, |n| json!({"name": format!("d{n}"), "period-ms": "x"}))}),
        )
    }),
    (
        "dotted keys",
        |b| json!({"aerospikeConfig": members(b, |n| (format!("a.b.c.d.e.f{n}"), json!(1)))}),
    ),
    ("a deep tree", |b| {
        config(
            "service",
            (0..100).fold(
                members(b, |n| (format!("p{n}"), json!(1))),
                |below, _| json!({"s": below}),
            ),
        )
    }),
    ("sinks that are no objects", |b| {
        config("logging", items(b, |_| json!(1)))
    }),
    ("sinks with parameters of syslog", |b| {
        config(
            "logging",
            items(b, |n| json!({"name": format!("/f{n}"), "tag": "t"})),
        )
    }),
    ("names of clients", |b| {
        json!({"aerospikeConfig": {"network": {"service": {"tls-name": "t", "tls-port": 1,
        "tls-authenticate-client": items(b, |_| json!("1.1.1.1"))}}}})
    }),
    (
        "TLS entries",
        |b| json!({"aerospikeConfig": {"network": {"tls": items(b, |n| json!({"name": format!("t{n}"), "cert-file": "/a"}))}}}),
    ),
    ("bare racks", |b| racks(items(b, |n| json!({"id": n})))),
    ("as many bare racks as there may be", |_| {
        racks((1..1000).map(|id| json!({"id": id})).collect())
    }),
    ("racks of one id", |_| {
        racks((1..1000).map(|_| json!({"id": 1})).collect())
    }),
    ("racks with a long affinity", |b| {
        json!({"rackConfig": {"racks": items(b / 2, |n| json!({"id": n}))},
        "podSpec": {"nodeSelector": members(b / 2, |n| (format!("a{n}"), json!("")))}})
    }),
    ("racks with long sidecars", |b| {
        json!({
        "rackConfig": {"racks": (1..256).map(|id| json!({"id": id})).collect::<Value>()}, "size": 256,
        "podSpec": {"sidecars": items(b, |n| json!({"name": format!("c{n}"), "image": "i"}))}})
    }),
    ("racks with configuration in order", |b| {
        json!({
        "rackConfig": {"racks": (1..20).map(|id| json!({"id": id, "aerospikeConfig": {"service": {"proto-fd-max": 15_000}}})).collect::<Value>()},
        "aerospikeConfig": {"namespaces": [{"name": "test", "replication-factor": 2,
            "sets": items((b / 10).min(90_000), |n| json!({"name": format!("s{n}"), "stop-writes-count": n})),
            "storage-engine": {"type": "memory", "data-size": 1_073_741_824}}]}})
    }),
    ("racks with namespaces that are wrong", |_| {
        json!({
        "rackConfig": {"racks": (1..400).map(|id| json!({"id": id, "aerospikeConfig": {"x": 1}})).collect::<Value>()},
        "aerospikeConfig": {"namespaces": items(3000, |n| json!({"name": format!("n{n}")}))}})
    }),
    ("racks that change every namespace", |b| {
        json!({
        "rackConfig": {"racks": [{"id": 1, "aerospikeConfig": {"namespaces": items(b / 2, |n| json!({"name": format!("n{n}"), "a": 1}))}}]},
        "aerospikeConfig": {"namespaces": items(b / 2, |n| json!({"name": format!("n{n}")}))}})
    }),
    ("racks with other namespaces", |b| {
        json!({
            "rackConfig": {"racks": [{"id": 1, "aerospikeConfig":
                {"namespaces": items(b / 2, |n| json!({"name": format!("m{n}"), "a": 1}))}}]},
            "aerospikeConfig": {"namespaces": items(b / 2, |n| json!({"name": format!("n{n}")}))}})
    }),
    (
        "namespaces of racks with spaces",
        |b| json!({"rackConfig": {"namespaces": items(b, |_| json!(" "))}}),
    ),
    ("namespaces spread over racks", |b| {
        json!({
        "rackConfig": {"namespaces": items(b / 2, |n| json!(format!("m{n}"))), "racks": [{"id": 1}, {"id": 2}]},
        "aerospikeConfig": {"namespaces": items(b / 2, |n| json!({"name": format!("n{n}")}))}})
    }),
    ("users without a name", |b| {
        access("users", items(b, |_| json!({"name": "", "roles": []})))
    }),
    ("a user with many roles and a long name", |b| {
        access(
            "users",
            json!([{"name": "n".repeat(b / 2), "secretName": "s",
        "roles": items(b / 2, |n| json!(format!("r{n}")))}]),
        )
    }),
    ("roles with privileges that are none", |b| {
        access(
            "roles",
            json!([{"name": "r", "privileges": items(b, |n| json!(format!("p{n}")))}]),
        )
    }),
    ("roles with privileges of unknown namespaces", |b| {
        access(
            "roles",
            json!([{"name": "r", "privileges": items(b, |n| json!(format!("read.n{n}")))}]),
        )
    }),
    ("roles with networks that are none", |b| {
        access(
            "roles",
            json!([{"name": "r", "privileges": [], "whitelist": items(b, |_| json!("x"))}]),
        )
    }),
    (
        "ids of nodes that are none",
        |b| json!({"rosterNodeBlockList": items(b, |_| json!("x"))}),
    ),
    ("custom networks", |b| {
        json!({"aerospikeNetworkPolicy": {"access": "customInterface",
        "customAccessNetworkNames": items(b, |n| json!(format!("n{n}")))}})
    }),
    ("an operation on many pods", |b| {
        json!({"operations": [{"id": "1", "kind": "PodRestart",
        "podList": items(b, |n| json!(format!("p{n}")))}]})
    }),
];
