//! What a node's programs read: the pods' network, the kubelet's and the runtime's configuration.

use std::path::Path;

use serde_json::{Value, json};

use super::{Node, PAUSE};
use crate::addresses::{self, CONTROL_PLANE};
use crate::paths::{NAME, RUN};

/// A cable of its own for each pod, so that every packet passes the node's packet filter, also between two pods of one node.
pub fn cni(folder: &Path, node: Node) -> Value {
    let range = addresses::pods_of(node.number).to_string();
    json!({
        "cniVersion": "1.0.0",
        "name": NAME,
        "plugins": [
            {"type": "ptp", "ipMasq": false, "ipam": {
                "type": "host-local",
                "dataDir": folder.join("addresses"),
                "ranges": [[{"subnet": range}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            }},
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

/// No threshold evicts pods or images: the disk and the memory are shared by all nodes, and no registry could give an image back.
pub fn kubelet(folder: &Path, socket: &str, authority: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{NAME}"),
        "cgroupsPerQOS": false,
        "enforceNodeAllocatable": [],
        "failSwapOn": false,
        "containerRuntimeEndpoint": format!("unix://{socket}"),
        "clusterDNS": [CONTROL_PLANE],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        "podLogsDir": folder.join("logs"),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": false},
            "x509": {"clientCAFile": authority},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "1Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "nodeStatusUpdateFrequency": "4s",
    })
}

/// Where root lacks `CAP_SYS_RESOURCE`, containers start only with `restrict_oom_score_adj`.
pub fn containerd(folder: &Path, node: Node) -> String {
    format!(
        r#"version = 2
root = "{folder}/containerd"
state = "{RUN}/{name}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
"#,
        folder = folder.display(),
        name = node.name(),
        socket = node.socket(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::NODES;

    #[test]
    fn the_network_of_pods_gives_out_the_addresses_of_its_node() {
        let expected = json!({
            "cniVersion": "1.0.0",
            "name": "aerotest",
            "plugins": [
                {"type": "ptp", "ipMasq": false, "ipam": {
                    "type": "host-local",
                    "dataDir": "/state/node2/addresses",
                    "ranges": [[{"subnet": "10.244.12.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                }},
                {"type": "portmap", "capabilities": {"portMappings": true}},
            ],
        });
        assert_eq!(cni(Path::new("/state/node2"), NODES[1]), expected);
    }

    #[test]
    fn a_kubelet_trusts_the_api_server_only_and_evicts_nothing() {
        let expected = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": false,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": "/aerotest",
            "cgroupsPerQOS": false,
            "enforceNodeAllocatable": [],
            "failSwapOn": false,
            "containerRuntimeEndpoint": "unix:///run/n.sock",
            "clusterDNS": ["172.30.0.1"],
            "clusterDomain": "cluster.local",
            "resolvConf": "/dev/null",
            "podLogsDir": "/state/node1/logs",
            "authentication": {
                "anonymous": {"enabled": false},
                "webhook": {"enabled": false},
                "x509": {"clientCAFile": "/state/ca.crt"},
            },
            "authorization": {"mode": "AlwaysAllow"},
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {
                "memory.available": "1Mi",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
                "imagefs.inodesFree": "0%",
            },
            "nodeStatusUpdateFrequency": "4s",
        });
        let actual = kubelet(Path::new("/state/node1"), "/run/n.sock", "/state/ca.crt");
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_runtime_keeps_everything_in_places_of_its_node() {
        let expected = r#"version = 2
root = "/state/node3/containerd"
state = "/run/aerospike-operator/node3"
[grpc]
  address = "/run/aerospike-operator/node3.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/aerospike-operator-test/pause:1"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/state/node3/cni"
"#;
        assert_eq!(containerd(Path::new("/state/node3"), NODES[2]), expected);
    }
}
