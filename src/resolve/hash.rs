//! What tells whether a pod runs the wanted configuration, network policy and pod spec: AKO's three hashes, byte for byte;
//! and whether it has the wanted volumes: a hash of ours.

mod config_text;
mod go_json;

use std::fmt::Write as _;

use ripemd::{Digest, Ripemd160};
use serde::Serialize;
use serde_json::{Value, json};

use super::Template;
use crate::api::{AerospikeClusterSpec, network::NetworkPolicy, pod::PodSpec, racks::Rack};

/// RIPEMD-160 hashes in lower-case hex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// `aerospikeConfHash`
    pub config: String,
    /// `networkPolicyHash`
    pub network_policy: String,
    /// `podSpecHash`
    pub pod_spec: String,
    /// Of the volumes: their sources, but for those of claims, and where containers see them.
    pub volumes: String,
}

/// The hashes of a rack of an effective spec, whose configuration renders to `template`.
#[must_use]
pub fn hashes(spec: &AerospikeClusterSpec, rack: &Rack, template: &Template) -> Hashes {
    Hashes {
        config: template.hash().to_owned(),
        network_policy: digest(&network_policy_text(spec)),
        pod_spec: digest(&pod_spec_text(spec, rack)),
        volumes: of_volumes(rack),
    }
}

/// The hash of a configuration, as it is rendered before its placeholders are filled in.
#[must_use]
pub fn of_config(template: &str) -> String {
    digest(&config_text::normalised(template))
}

/// The hash of the volumes of a rack of an effective spec.
#[must_use]
pub fn of_volumes(rack: &Rack) -> String {
    digest(&volumes_text(rack))
}

fn digest(text: &str) -> String {
    let mut hex = String::with_capacity(40);
    for byte in Ripemd160::digest(text.as_bytes()) {
        write!(hex, "{byte:02x}").expect("writing to a String does not fail");
    }
    hex
}

/// The policy's members stand in the order of AKO's encoder.
fn network_policy_text(spec: &AerospikeClusterSpec) -> String {
    let none = NetworkPolicy::default();
    let policy = spec.aerospike_network_policy.as_ref().unwrap_or(&none);
    go_json::escape(&serde_json::to_string(policy).expect("a policy is plain data"))
}

fn pod_spec_text(spec: &AerospikeClusterSpec, rack: &Rack) -> String {
    go_json::object("PodSpec", &pod_spec(spec, rack))
        .replace("\"aerospikeInitContainer\":{},", "")
        .replace("\"multiPodPerHost\":false,", "")
}

/// The pod spec with the rack's scheduling in the place of its own.
fn pod_spec(spec: &AerospikeClusterSpec, rack: &Rack) -> Value {
    let none = PodSpec::default();
    let mut pod = json(spec.pod_spec.as_ref().unwrap_or(&none));
    let scheduling = rack.effective_pod_spec.as_ref().map(json);
    for member in ["affinity", "tolerations", "nodeSelector"] {
        let effective = scheduling.as_ref().and_then(|it| it.get(member));
        pod[member] = effective.cloned().unwrap_or_default();
    }
    pod
}

/// The volumes by name. What claims are made of never changes, and how they are prepared and erased concerns no pod that
/// runs.
fn volumes_text(rack: &Rack) -> String {
    let storage = rack.effective_storage.as_ref();
    let volumes = storage.map_or(&[][..], |storage| &storage.volumes);
    let texts = volumes.iter().map(|volume| {
        let source = volume.source.as_ref();
        let source = source.filter(|source| source.persistent_volume.is_none());
        let text = json!([
            volume.name,
            source,
            volume.aerospike,
            volume.sidecars,
            volume.init_containers
        ]);
        text.to_string()
    });
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.concat()
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a pod spec is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::racks::RackPodSpec;

    fn spec(pod: Value) -> (AerospikeClusterSpec, Rack) {
        let pod: PodSpec = serde_json::from_value(pod).unwrap();
        let rack = Rack {
            effective_pod_spec: Some(RackPodSpec {
                affinity: pod.affinity.clone(),
                tolerations: pod.tolerations.clone(),
                node_selector: pod.node_selector.clone(),
            }),
            ..Rack::default()
        };
        let spec = AerospikeClusterSpec {
            pod_spec: Some(pod),
            ..AerospikeClusterSpec::default()
        };
        (spec, rack)
    }

    fn pod_spec_hash(pod: Value) -> String {
        let (spec, rack) = spec(pod);
        hashes(&spec, &rack, &Template::default()).pod_spec
    }

    #[test]
    fn pod_specs_hash_as_in_ako() {
        let plain = "c728d38473b65bc1bc695832ad6fd34952adb74f";
        let cases = [
            (json!({"effectiveDNSPolicy": "ClusterFirst"}), plain),
            (
                json!({"effectiveDNSPolicy": "ClusterFirst", "multiPodPerHost": false, "aerospikeInitContainer": {}}),
                plain,
            ),
            (
                json!({"effectiveDNSPolicy": "ClusterFirst", "multiPodPerHost": true}),
                "972dc2a779fe9ab407212b547d54d3a72ecef259",
            ),
            (
                json!({"effectiveDNSPolicy": "ClusterFirstWithHostNet", "hostNetwork": true}),
                "a83d53bde1747ad8bc80a521c5716ffe38f5670c",
            ),
        ];
        for (mut pod, hash) in cases {
            pod["securityContext"] = json!({"fsGroup": 0});
            assert_eq!(pod_spec_hash(pod), hash);
        }
    }

    fn volumes_hash(volumes: &Value) -> String {
        let storage = json!({"volumes": volumes});
        let rack = Rack {
            effective_storage: Some(serde_json::from_value(storage).unwrap()),
            ..Rack::default()
        };
        hashes(
            &AerospikeClusterSpec::default(),
            &rack,
            &Template::default(),
        )
        .volumes
    }

    #[test]
    fn volumes_hash_by_what_pods_see_of_them() {
        let secret = |name: &str, path: &str| json!({"name": "keys", "source": {"secret": {"secretName": name}}, "aerospike": {"path": path}});
        let claim = |size: &str, method: &str| json!({"name": "data", "source": {"persistentVolume": {"storageClass": "ssd", "volumeMode": "Filesystem", "size": size}}, "initMethod": method});
        let hash = volumes_hash(&json!([secret("a", "/keys"), claim("1Gi", "none")]));
        let same = [
            json!([claim("1Gi", "none"), secret("a", "/keys")]),
            json!([claim("2Gi", "deleteFiles"), secret("a", "/keys")]),
        ];
        assert!(same.into_iter().all(|it| volumes_hash(&it) == hash));
        let others = [
            json!([secret("b", "/keys"), claim("1Gi", "none")]),
            json!([secret("a", "/other"), claim("1Gi", "none")]),
            json!([claim("1Gi", "none")]),
        ];
        assert!(others.into_iter().all(|it| volumes_hash(&it) != hash));
    }

    #[test]
    fn network_policies_hash_as_in_ako() {
        let cases = [
            ("hostInternal", "acbbfab3668e1fceeed201139d1173f00095667e"),
            ("pod", "81741310bd4d1a10e3ccea7f3d42d61e5cffbe73"),
        ];
        for (access, hash) in cases {
            let policy = json!({
                "access": access,
                "alternateAccess": "hostExternal",
                "tlsAccess": "hostInternal",
                "tlsAlternateAccess": "hostExternal",
                "customFabricNetworkNames": [],
            });
            let spec = AerospikeClusterSpec {
                aerospike_network_policy: Some(serde_json::from_value(policy).unwrap()),
                ..AerospikeClusterSpec::default()
            };
            assert_eq!(
                hashes(&spec, &Rack::default(), &Template::default()).network_policy,
                hash
            );
        }
    }

    /// The expected text was written by Go's encoder from the structs of Kubernetes 1.35.
    #[test]
    fn a_pod_spec_with_everything_in_it_is_written_as_by_go() {
        let pod = serde_json::from_str(include_str!("hash/testdata/pod_spec.json")).unwrap();
        let (spec, rack) = spec(pod);
        assert_eq!(
            pod_spec_text(&spec, &rack),
            include_str!("hash/testdata/pod_spec.go.json")
        );
    }

    #[test]
    fn the_scheduling_of_the_rack_takes_the_place_of_the_pod_specs() {
        let pod = json!({"nodeSelector": {"a": "1"}, "tolerations": [{"key": "k"}]});
        let (spec, _) = spec(pod);
        let rack = Rack {
            effective_pod_spec: Some(RackPodSpec::default()),
            ..Rack::default()
        };
        assert_eq!(
            pod_spec_text(&spec, &rack),
            r#"{"aerospikeContainer":{},"metadata":{}}"#
        );
    }
}
