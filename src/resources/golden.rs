//! Every object of some sample clusters, compared with `tests/data/objects`. With `UPDATE_GOLDEN=1` the files are written.
#![expect(
    clippy::needless_pass_by_value,
    reason = "literals are passed as they stand"
)]

use std::{collections::BTreeSet, fs};

use serde::Serialize;
use serde_json::{Value, json};

use super::{config_map, containment, names, rbac, services, stateful_set, testing};
use crate::resolve::{Desired, Rack};

const SAMPLES: [&str; 4] = [
    "dim_nostorage_cluster",
    "hdd_dim_storage_cluster",
    "podspec",
    "rack_enabled_cluster",
];

fn value(object: impl Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

fn objects(desired: &Desired) -> Vec<Value> {
    let mut all = vec![
        value(services::headless(desired)),
        value(rbac::service_account(desired)),
        value(rbac::role(desired, &rbac::RoleNames::wanted(desired))),
        value(rbac::role_binding(desired)),
    ];
    all.extend(services::load_balancer(desired).map(value));
    all.extend(services::disruption_budget(desired).map(value));
    all.extend(names::pods(desired).map(|pod| value(services::pod(desired, &pod))));
    for rack in &desired.racks {
        all.extend(of_rack(desired, rack));
    }
    all
}

fn of_rack(desired: &Desired, rack: &Rack) -> [Value; 2] {
    let peers = config_map::peers(desired, &BTreeSet::new());
    let replicas = i32::try_from(rack.size).unwrap();
    [
        value(config_map::config_map(desired, rack, &peers)),
        value(stateful_set::stateful_set(desired, rack, replicas)),
    ]
}

#[test]
fn every_object_is_as_recorded() {
    for sample in SAMPLES {
        let built = Value::from(objects(&testing::sample(sample)));
        let path = testing::data(&format!("objects/{sample}.json"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let text = serde_json::to_string_pretty(&built).unwrap() + "\n";
            fs::write(&path, text).unwrap();
        }
        let recorded: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let recorded = recorded.as_array().unwrap();
        assert_eq!(built.as_array().unwrap().len(), recorded.len(), "{sample}");
        for (built, recorded) in built.as_array().unwrap().iter().zip(recorded) {
            assert_eq!(built, recorded, "{sample}");
        }
    }
}

#[test]
fn nothing_is_written_without_saying_something() {
    for sample in SAMPLES {
        for object in objects(&testing::sample(sample)) {
            let name = format!("{sample} {}", object["kind"]);
            assert_telling(&object, &name);
        }
    }
}

/// An empty affinity and an empty folder are what they are; nothing else is empty.
fn assert_telling(value: &Value, path: &str) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}.{name}");
                let allowed = ["affinity", "emptyDir"].contains(&name.as_str());
                let empty = [json!(null), json!({}), json!([])].contains(value);
                assert!(!empty || allowed, "{path} is empty");
                assert_telling(value, &path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_telling(item, path)),
        _ => {}
    }
}

#[test]
fn every_object_is_contained_in_what_the_api_server_makes_of_it() {
    for sample in SAMPLES {
        for built in objects(&testing::sample(sample)) {
            let live = defaulted(built.clone());
            assert_ne!(built, live);
            assert!(containment::is_contained(&built, &live), "{sample} {built}");
            assert!(!containment::needs_apply(
                &built,
                &live,
                "aerospike-operator-rs"
            ));
        }
    }
}

/// The object with what an API server 1.35 adds.
fn defaulted(mut object: Value) -> Value {
    object["metadata"]["uid"] = json!("4b1e");
    object["metadata"]["resourceVersion"] = json!("7");
    object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    match object["kind"].as_str().unwrap() {
        "Service" => default_service(&mut object),
        "StatefulSet" => default_stateful_set(&mut object),
        "PodDisruptionBudget" => object["status"] = json!({"currentHealthy": 0}),
        _ => {}
    }
    object
}

fn add(object: &mut Value, defaults: Value) {
    let members = object.as_object_mut().unwrap();
    for (name, value) in defaults.as_object().unwrap() {
        members.entry(name).or_insert(value.clone());
    }
}

fn default_service(service: &mut Value) {
    let spec = &mut service["spec"];
    add(
        spec,
        json!({
            "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"], "type": "ClusterIP", "sessionAffinity": "None",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
        }),
    );
    for port in spec["ports"].as_array_mut().unwrap() {
        let target = port["port"].clone();
        add(port, json!({"targetPort": target, "nodePort": 30123}));
    }
    service["status"] = json!({"loadBalancer": {}});
}

fn default_stateful_set(set: &mut Value) {
    let spec = &mut set["spec"];
    add(
        spec,
        json!({
            "revisionHistoryLimit": 10,
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        }),
    );
    for claim in spec["volumeClaimTemplates"].as_array_mut().unwrap() {
        add(
            claim,
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}),
        );
    }
    default_pod(&mut spec["template"]["spec"]);
    set["status"] = json!({"replicas": 0});
}

fn default_pod(pod: &mut Value) {
    add(
        pod,
        json!({"restartPolicy": "Always", "schedulerName": "default-scheduler", "serviceAccount": "x"}),
    );
    for list in ["containers", "initContainers"] {
        for container in pod[list].as_array_mut().unwrap() {
            default_container(container);
        }
    }
    for volume in pod["volumes"].as_array_mut().unwrap() {
        for source in ["configMap", "secret", "projected"] {
            if let Some(source) = volume.get_mut(source) {
                add(source, json!({"defaultMode": 420}));
            }
        }
        if let Some(sources) = volume.pointer_mut("/projected/sources") {
            sources[0]["serviceAccountToken"]["expirationSeconds"] = json!(3600);
            sources[2]["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"] = json!("v1");
        }
    }
    pod["volumes"].as_array_mut().unwrap().reverse();
}

fn default_container(container: &mut Value) {
    add(
        container,
        json!({
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "resources": {},
        }),
    );
    if let Some(cpu) = container.pointer_mut("/resources/limits/cpu") {
        *cpu = json!("5");
    }
    for variable in container
        .get_mut("env")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            add(field, json!({"apiVersion": "v1"}));
        }
    }
    for port in container
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        add(port, json!({"protocol": "TCP"}));
    }
    if let Some(probe) = container.get_mut("readinessProbe") {
        add(
            probe,
            json!({"timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}),
        );
    }
}
