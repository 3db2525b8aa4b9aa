//! What `resolve` makes of a spec depends on what its author wrote, and on nothing that AKO or a webhook adds.

use aerospike_operator::{
    api::AerospikeCluster,
    resolve::{Desired, Effective, Settings, effective, resolve},
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn cluster(spec: &Value) -> AerospikeCluster {
    serde_json::from_value(json!({
        "apiVersion": "asdb.aerospike.com/v1",
        "kind": "AerospikeCluster",
        "metadata": {"name": "c1", "namespace": "ns1", "uid": "u"},
        "spec": spec,
    }))
    .unwrap()
}

fn effective_spec(spec: &Value) -> Effective {
    effective(&cluster(spec), &Settings::default())
}

fn resolved(spec: &Value) -> Desired {
    resolve(&cluster(spec), &Settings::default()).unwrap()
}

/// One of `choices`, or nothing.
fn maybe(choices: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::of(prop::sample::select(choices))
}

/// An object with some of the members.
fn members(choices: Vec<(&'static str, Vec<Value>)>) -> impl Strategy<Value = Value> {
    let members: Vec<_> = choices
        .into_iter()
        .map(|(name, values)| maybe(values).prop_map(move |value| (name, value)))
        .collect();
    members.prop_map(|members| {
        let given = members.into_iter();
        let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(given.collect())
    })
}

fn policies() -> Vec<Value> {
    vec![
        json!({}),
        json!({"initMethod": "dd", "cascadeDelete": true}),
        json!({"wipeMethod": "blkdiscard", "initMethod": "none", "cascadeDelete": false}),
    ]
}

fn storages() -> impl Strategy<Value = Value> {
    let volumes = vec![
        json!([{"name": "secret", "source": {"secret": {"secretName": "s"}}, "aerospike": {"path": "/s"}}]),
        json!([
            {"name": "data", "source": {"persistentVolume": {"storageClass": "ssd", "volumeMode": "Block", "size": "5Gi"}},
             "aerospike": {"path": "/dev/x"}, "initMethod": "headerCleanup"},
            {"name": "work", "source": {"persistentVolume": {"storageClass": "ssd", "volumeMode": "Filesystem", "size": "1Gi"}},
             "aerospike": {"path": "/opt/aerospike"}, "sidecars": [{"containerName": "s", "path": "/w"}]},
            {"name": "tmp", "source": {"emptyDir": {}}, "cascadeDelete": true},
        ]),
    ];
    members(vec![
        ("filesystemVolumePolicy", policies()),
        ("blockVolumePolicy", policies()),
        ("cleanupThreads", vec![json!(0), json!(1), json!(4)]),
        ("localStorageClasses", vec![json!(["local"]), json!([])]),
        ("volumes", volumes),
    ])
}

fn scheduling() -> Vec<(&'static str, Vec<Value>)> {
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]}}});
    vec![
        ("affinity", vec![json!({}), affinity]),
        (
            "tolerations",
            vec![json!([]), json!([{"key": "k", "operator": "Exists"}])],
        ),
        ("nodeSelector", vec![json!({}), json!({"disk": "ssd"})]),
    ]
}

fn pods() -> impl Strategy<Value = Value> {
    let mut choices = scheduling();
    choices.extend([
        ("multiPodPerHost", vec![json!(true), json!(false)]),
        ("hostNetwork", vec![json!(true), json!(false)]),
        ("dnsPolicy", vec![json!("ClusterFirst"), json!("None")]),
        (
            "aerospikeInitContainer",
            vec![json!({}), json!({"resources": {}})],
        ),
        (
            "securityContext",
            vec![json!({}), json!({"fsGroup": 5}), json!({"runAsUser": 7})],
        ),
        ("metadata", vec![json!({}), json!({"labels": {"a": "<b>"}})]),
        (
            "sidecars",
            vec![
                json!([{"name": "s", "image": "i", "ports": [{"containerPort": 80}]}]),
                json!([{"name": "s", "resources": {"limits": {"memory": "1024Mi", "cpu": "0.1"}}}]),
            ],
        ),
    ]);
    members(choices)
}

fn rack(id: i64) -> impl Strategy<Value = Value> {
    let configs = vec![
        json!({}),
        json!({"service": {"proto-fd-max": 18000}}),
        json!({"namespaces": [{"name": "test", "replication-factor": 1}, {"name": "extra", "storage-engine": {"type": "memory"}}]}),
    ];
    let plain = members(vec![
        ("revision", vec![json!("v1")]),
        ("zone", vec![json!("z1")]),
        ("aerospikeConfig", configs),
    ]);
    (
        plain,
        prop::option::of(storages()),
        prop::option::of(members(scheduling())),
    )
        .prop_map(move |(mut rack, storage, pod)| {
            rack["id"] = id.into();
            if let Some(storage) = storage {
                rack["storage"] = storage;
            }
            if let Some(pod) = pod {
                rack["podSpec"] = pod;
            }
            rack
        })
}

fn racks() -> impl Strategy<Value = Option<Value>> {
    let one = (rack(1), any::<bool>()).prop_map(|(one, spread)| (vec![one], spread));
    let two = (rack(3), rack(2), any::<bool>()).prop_map(|(a, b, spread)| (vec![a, b], spread));
    let config = prop_oneof![one, two].prop_map(|(racks, spread)| {
        let namespaces = if spread { vec!["test"] } else { vec![] };
        json!({"namespaces": namespaces, "racks": racks})
    });
    prop_oneof![
        Just(None),
        Just(Some(json!({}))),
        Just(Some(json!({"racks": [{"id": 0}]}))),
        config.prop_map(Some),
    ]
}

fn rest() -> impl Strategy<Value = Value> {
    members(vec![
        ("disablePDB", vec![json!(true), json!(false)]),
        ("maxUnavailable", vec![json!(2), json!("30%")]),
        ("rosterNodeBlockList", vec![json!(["00a1", "b2"])]),
        (
            "validationPolicy",
            vec![json!({"skipWorkDirValidate": true})],
        ),
        (
            "headlessService",
            vec![json!({}), json!({"metadata": {"labels": {"a": "b"}}})],
        ),
        (
            "aerospikeNetworkPolicy",
            vec![
                json!({}),
                json!({"access": "pod"}),
                json!({"access": "customInterface", "customAccessNetworkNames": [" net1 ", "other/net2"]}),
            ],
        ),
        ("operatorClientCert", vec![json!({"tlsClientName": "op"})]),
    ])
}

fn configurations() -> impl Strategy<Value = Value> {
    let services = vec![
        json!({"port": 3000}),
        json!({"port": 3000, "tls-name": "n", "tls-port": 4333, "tls-authenticate-client": ["app"]}),
        json!({"tls-name": "n", "tls-port": 4333}),
    ];
    let namespaces = vec![
        json!([{"name": "test", "storage-engine": {"type": "memory", "data-size": 1_073_741_824}}]),
        json!([{"name": "bar", "rack-id": 0}, {"name": "test", "storage-engine": {"type": "device", "devices": ["/dev/x"]}}]),
    ];
    let more = members(vec![
        (
            "service",
            vec![json!({}), json!({"feature-key-file": "/f"})],
        ),
        (
            "security",
            vec![json!({}), json!({"ldap": {"user-dn-pattern": "uid=${un}"}})],
        ),
        (
            "logging",
            vec![
                json!([{"name": "/var/log/a", "any": "info"}]),
                json!([{"name": "console", "tls": "debug"}]),
            ],
        ),
    ]);
    let chosen = (
        prop::sample::select(services),
        prop::sample::select(namespaces),
        more,
    );
    chosen.prop_map(|(service, namespaces, mut config)| {
        config["network"] =
            json!({"service": service, "heartbeat": {"port": 3002}, "fabric": {"port": 3001}});
        config["namespaces"] = namespaces;
        config
    })
}

/// A spec that resolves.
fn specs() -> impl Strategy<Value = Value> {
    let parts = (
        1..7i32,
        configurations(),
        racks(),
        prop::option::of(storages()),
        prop::option::of(pods()),
        rest(),
    );
    parts.prop_map(|(size, config, racks, storage, pod, mut spec)| {
        let image = "aerospike/aerospike-server-enterprise:8.1.2.0";
        let optional = [
            ("rackConfig", racks),
            ("storage", storage),
            ("podSpec", pod),
        ];
        let given = optional
            .into_iter()
            .filter_map(|(name, part)| Some((name, part?)));
        let required = [
            ("size", size.into()),
            ("image", image.into()),
            ("aerospikeConfig", config),
        ];
        for (name, part) in given.chain(required) {
            spec[name] = part;
        }
        spec
    })
}

/// What the mutating webhook adds.
fn with_webhook(mut spec: Value) -> Value {
    let defaults = [
        ("validationPolicy", json!({"skipWorkDirValidate": false})),
        (
            "aerospikeNetworkPolicy",
            json!({
                "access": "hostInternal", "alternateAccess": "hostExternal",
                "tlsAccess": "hostInternal", "tlsAlternateAccess": "hostExternal",
            }),
        ),
        (
            "storage",
            json!({
                "filesystemVolumePolicy": {"initMethod": "none", "wipeMethod": "deleteFiles", "cascadeDelete": false},
                "blockVolumePolicy": {"initMethod": "none", "wipeMethod": "dd", "cascadeDelete": false},
            }),
        ),
    ];
    for (name, value) in defaults {
        fill(spec.as_object_mut().unwrap(), name, value);
    }
    spec
}

/// Adds the members of `value` that are not there.
fn fill(tree: &mut Map<String, Value>, name: &str, value: Value) {
    match (tree.get_mut(name), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (name, value) in new {
                fill(old, &name, value);
            }
        }
        (Some(_), _) => {}
        (None, value) => {
            tree.insert(name.to_owned(), value);
        }
    }
}

/// Writes nonsense into every computed member.
fn with_garbage(mut spec: Value) -> Value {
    if let Some(pod) = spec.get_mut("podSpec") {
        pod["effectiveDNSPolicy"] = "Garbage".into();
    }
    let racks = spec
        .pointer_mut("/rackConfig/racks")
        .and_then(Value::as_array_mut);
    for rack in racks.into_iter().flatten() {
        rack["effectiveAerospikeConfig"] = json!({"security": {}, "namespaces": 5});
        rack["effectiveStorage"] = json!({"cleanupThreads": 77, "volumes": [{"name": "ghost"}]});
        rack["effectivePodSpec"] = json!({"nodeSelector": {"garbage": "yes"}});
        if let Some(storage) = rack.get_mut("storage") {
            garbage_in_policies(storage);
        }
    }
    if let Some(storage) = spec.get_mut("storage") {
        garbage_in_policies(storage);
    }
    spec
}

fn garbage_in_policies(storage: &mut Value) {
    let garbage = |policy: &mut Value| {
        policy["effectiveInitMethod"] = "blkdiscard".into();
        policy["effectiveWipeMethod"] = "blkdiscard".into();
        policy["effectiveCascadeDelete"] = true.into();
    };
    for name in ["filesystemVolumePolicy", "blockVolumePolicy"] {
        storage.get_mut(name).into_iter().for_each(garbage);
    }
    let volumes = storage.get_mut("volumes").and_then(Value::as_array_mut);
    volumes.into_iter().flatten().for_each(garbage);
}

#[test]
fn a_quantity_in_another_notation_is_the_same_quantity() {
    let spec = |size: Value, cpu: Value, memory: &str| {
        json!({
            "size": 1,
            "image": "aerospike/aerospike-server-enterprise:8.1.2.0",
            "storage": {"volumes": [{"name": "v", "aerospike": {"path": "/v"}, "source": {"persistentVolume":
                {"storageClass": "ssd", "volumeMode": "Filesystem", "size": size}}}]},
            "podSpec": {
                "aerospikeContainer": {"resources": {"limits": {"cpu": cpu, "memory": memory}}},
                "sidecars": [{"name": "s", "resources": {"requests": {"memory": memory}}}],
            },
            "aerospikeConfig": {
                "network": {"service": {"port": 3000}, "heartbeat": {"port": 3002}, "fabric": {"port": 3001}},
                "namespaces": [{"name": "test", "storage-engine": {"type": "memory"}}],
            },
        })
    };
    let written = resolved(&spec(json!("1.5Gi"), json!("0.1"), "1024Mi"));
    let stored = resolved(&spec(json!("1536Mi"), json!("100m"), "1Gi"));
    assert_eq!(written, stored);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_effective_spec_of_the_effective_spec_is_itself(spec in specs()) {
        let once = effective_spec(&spec);
        prop_assert_eq!(&once.problems, &[]);
        let stored = serde_json::to_value(&once.spec).unwrap();
        prop_assert_eq!(effective_spec(&stored), once);
    }

    #[test]
    fn computed_members_of_the_input_do_not_count(spec in specs()) {
        prop_assert_eq!(effective_spec(&with_garbage(spec.clone())), effective_spec(&spec));
    }

    #[test]
    fn the_form_in_which_ako_stores_a_spec_resolves_alike(spec in specs()) {
        let desired = resolved(&spec);
        let stored = serde_json::to_value(&desired.spec).unwrap();
        prop_assert_eq!(resolved(&stored), desired);
    }

    #[test]
    fn what_the_mutating_webhook_adds_changes_nothing_that_runs(spec in specs()) {
        let (plain, defaulted) = (resolved(&spec), resolved(&with_webhook(spec)));
        prop_assert_eq!(plain.racks, defaulted.racks);
        prop_assert_eq!(plain.network, defaulted.network);
    }
}
