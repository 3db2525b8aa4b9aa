use k8s_openapi::api::core::v1::{Container, PodSpec, VolumeMount};
use serde_json::{Value, json};

use super::*;
use crate::resources::testing;

fn built(sample: &str, change: impl FnOnce(&mut Value)) -> StatefulSet {
    let desired = testing::sample_with(sample, change);
    stateful_set(&desired, &desired.racks[0], 1)
}

fn pod(sample: &str, change: impl FnOnce(&mut Value)) -> PodSpec {
    let spec = built(sample, change).spec.unwrap();
    spec.template.spec.unwrap()
}

fn value(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

fn names_of(containers: &[Container]) -> Vec<&str> {
    let names = containers.iter().map(|container| container.name.as_str());
    names.collect()
}

fn mount_at<'a>(container: &'a Container, path: &str) -> &'a VolumeMount {
    let mut mounts = container.volume_mounts.iter().flatten();
    mounts.find(|mount| mount.mount_path == path).unwrap()
}

const SAMPLE: &str = "dim_nostorage_cluster";

#[test]
fn the_init_container_is_first_unless_the_user_gives_it_a_place() {
    let order = |names: &[&str]| {
        let listed: Vec<_> = names
            .iter()
            .map(|name| json!({"name": name, "image": "i"}))
            .collect();
        let pod = pod(SAMPLE, |cr| {
            cr["spec"]["podSpec"]["initContainers"] = json!(listed);
        });
        let containers = pod.init_containers.unwrap();
        assert!(containers.iter().all(|container| container.image.is_some()));
        names_of(&containers).join(" ")
    };
    assert_eq!(order(&[]), "aerospike-init");
    assert_eq!(order(&["a", "b"]), "aerospike-init a b");
    assert_eq!(order(&["a", "aerospike-init", "b"]), "a aerospike-init b");
}

#[test]
fn a_placeholder_says_nothing_but_its_place() {
    let pod = pod(SAMPLE, |cr| {
        cr["spec"]["podSpec"]["initContainers"] =
            json!([{"name": "aerospike-init", "image": "evil", "command": ["sh"]}]);
    });
    let init = &pod.init_containers.unwrap()[0];
    assert_eq!(
        init.image.as_deref(),
        Some("docker.io/aerospike/aerospike-operator:test")
    );
    assert_eq!(
        init.command.as_deref().unwrap(),
        ["/manager", "init", "cold-restart"]
    );
}

#[test]
fn only_the_init_container_sees_the_token() {
    let pod = pod("podspec", |_| {});
    assert_eq!(pod.automount_service_account_token, Some(false));
    let sees = |container: &Container| {
        let mut mounts = container.volume_mounts.iter().flatten();
        mounts.any(|mount| mount.name == names::TOKEN_VOLUME)
    };
    assert!(!pod.containers.iter().any(sees));
    assert!(pod.init_containers.iter().flatten().all(sees));
}

#[test]
fn operator_labels_win_and_annotations_are_the_users() {
    let set = built(SAMPLE, |cr| {
        cr["spec"]["podSpec"]["metadata"] =
            json!({"labels": {"app": "mine", "team": "x"}, "annotations": {"a": "1"}});
    });
    let metadata = set.spec.unwrap().template.metadata.unwrap();
    assert_eq!(
        value(metadata),
        json!({
            "annotations": {"a": "1"},
            "labels": {"app": "aerospike-cluster", "aerospike.com/cr": "aerocluster", "aerospike.com/rack-id": "0", "team": "x"},
        })
    );
}

#[test]
fn a_volume_outside_the_work_directory_is_mounted_once() {
    let pod = pod(SAMPLE, |cr| {
        cr["spec"]["aerospikeConfig"]["service"]["work-directory"] = json!("/work");
    });
    assert_eq!(
        mount_at(&pod.containers[0], "/opt/aerospike").sub_path,
        None
    );
}

#[test]
fn options_of_the_servers_mounts_count_for_folders_of_the_node_only() {
    let options = |source: Value| {
        let pod = pod(SAMPLE, |cr| {
            let volumes = cr["spec"]["storage"]["volumes"].as_array_mut().unwrap();
            volumes.push(json!({
                "name": "v", "source": source,
                "aerospike": {"path": "/v", "mountOptions": {"readOnly": true, "subPath": "s"}},
            }));
        });
        let init = &pod.init_containers.as_ref().unwrap()[0];
        let mounts = [
            mount_at(&pod.containers[0], "/v"),
            mount_at(init, "/workdir/filesystem-volumes/v"),
        ];
        mounts.map(|mount| (mount.read_only, mount.sub_path.clone()))
    };
    let given = (Some(true), Some("s".to_owned()));
    assert_eq!(
        options(json!({"hostPath": {"path": "/h"}})),
        [given.clone(), given]
    );
    assert_eq!(
        options(json!({"emptyDir": {}})),
        [(None, None), (None, None)]
    );
}

#[test]
fn a_sidecar_keeps_its_own_mounts_beside_those_of_the_storage() {
    let pod = pod("podspec", |cr| {
        cr["spec"]["podSpec"]["sidecars"][0]["volumeMounts"] = json!([
            {"name": "confdir", "mountPath": "/z"}, {"name": "x", "mountPath": "/para/tomcat1"},
        ]);
        cr["spec"]["storage"]["volumes"][1]["sidecars"][0]["mountOptions"] =
            json!({"readOnly": true});
    });
    assert_eq!(
        value(&pod.containers[1].volume_mounts),
        json!([
            {"mountPath": "/para/tomcat1", "name": "sidecar-volume1", "readOnly": true},
            {"mountPath": "/para/tomcat2", "name": "sidecar-volume2"},
            {"mountPath": "/z", "name": "confdir"},
        ])
    );
}

#[test]
fn the_rack_and_the_block_list_restrict_every_term_of_the_user() {
    let pod = pod("rack_enabled_cluster", |cr| {
        let spec = &mut cr["spec"];
        spec["k8sNodeBlockList"] = json!(["n1", "n2"]);
        let zone =
            |zone| json!({"matchExpressions": [{"key": "k", "operator": "In", "values": [zone]}]});
        spec["podSpec"]["affinity"] = json!({"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [zone("a"), zone("b")]},
        }});
    });
    let added = [
        json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["us-west1-a"]}),
        json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["n1", "n2"]}),
    ];
    let affinity = value(pod.affinity);
    let terms = affinity
        .pointer("/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    for term in terms.unwrap().as_array().unwrap() {
        assert_eq!(term["matchExpressions"].as_array().unwrap()[1..], added);
    }
}

#[test]
fn pods_keep_apart_unless_they_may_share_a_node() {
    let apart = pod(SAMPLE, |cr| cr["spec"]["podSpec"] = json!({}));
    assert_eq!(
        value(apart.affinity),
        json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
            "labelSelector": {"matchLabels": {"app": "aerospike-cluster", "aerospike.com/cr": "aerocluster"}},
            "topologyKey": "kubernetes.io/hostname",
        }]}})
    );
    assert_eq!(value(pod(SAMPLE, |_| {}).affinity), json!({}));
}
