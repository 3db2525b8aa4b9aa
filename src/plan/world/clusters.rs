//! Desired clusters to try, small in every dimension that matters.

use std::{collections::BTreeMap, sync::Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{resolve::Desired, resources::testing};

static RESOLVED: Mutex<BTreeMap<String, Desired>> = Mutex::new(BTreeMap::new());

/// What a user may ask for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the spec"
)]
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub size: u32,
    pub racks: u32,
    pub security: bool,
    pub multi_pod_per_host: bool,
    pub load_balancer: bool,
    pub disable_pdb: bool,
    pub proto_fd_max: u32,
    pub copies: u32,
    pub device: bool,
    pub keeps_claims: bool,
    pub community: bool,
    pub fill_delay: u32,
    pub batch: Option<u32>,
    pub version: &'static str,
    pub pod_label: u32,
    pub ignorable: Option<u32>,
    /// Pods have one volume more.
    pub more_volumes: bool,
    /// The revision of the first rack, if it is not 0.
    pub revision: u32,
    /// The configuration changes without restarts where it can.
    pub dynamic: bool,
    /// Seconds after which records expire.
    pub ttl: u32,
    /// The operation on demand of this number, if it is not 0: every other one is for two pods only.
    pub operation: u32,
    /// Claims are bound to nodes, and go whenever their pod is restarted if so.
    pub local: Option<bool>,
    /// What is bound to a node that takes no pods is given up, where others have it.
    pub recovers: bool,
    /// Nodes that are to carry no pods: the first ones.
    pub blocked: u32,
    /// The rack that has all masters, if it is not 0.
    pub active_rack: u32,
    /// The namespace is held by the nodes on its roster, on devices.
    pub strong: bool,
    /// Ids of nodes that are kept off the roster.
    pub off_roster: &'static [&'static str],
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            size: 2,
            racks: 1,
            security: true,
            multi_pod_per_host: true,
            load_balancer: false,
            disable_pdb: false,
            proto_fd_max: 15000,
            copies: 2,
            device: false,
            keeps_claims: false,
            community: false,
            fill_delay: 0,
            batch: None,
            version: "8.1.2.0",
            pod_label: 0,
            ignorable: None,
            more_volumes: false,
            revision: 0,
            dynamic: false,
            ttl: 0,
            operation: 0,
            local: None,
            recovers: false,
            blocked: 0,
            active_rack: 0,
            strong: false,
            off_roster: &[],
        }
    }
}

impl Wish {
    pub fn of(size: u32, racks: u32) -> Self {
        Self {
            size,
            racks,
            ..Self::default()
        }
    }

    /// The cluster that is wished for; each is worked out once.
    pub fn resolve(&self) -> Desired {
        let key = format!("{self:?}");
        if let Some(known) = RESOLVED.lock().unwrap().get(&key) {
            return known.clone();
        }
        let desired = testing::sample_with("dim_nostorage_cluster", |object| {
            self.write(&mut object["spec"]);
        });
        RESOLVED.lock().unwrap().insert(key, desired.clone());
        desired
    }

    fn write(&self, spec: &mut Value) {
        spec["size"] = self.size.into();
        spec["disablePDB"] = self.disable_pdb.into();
        if self.dynamic {
            spec["enableDynamicConfigUpdate"] = true.into();
        }
        spec["podSpec"]["multiPodPerHost"] = self.multi_pod_per_host.into();
        spec["aerospikeConfig"]["service"]["proto-fd-max"] = self.proto_fd_max.into();
        let racks: Vec<_> = (1..=self.racks).map(|id| json!({"id": id})).collect();
        spec["rackConfig"] = json!({"racks": racks});
        if self.revision > 0 {
            spec["rackConfig"]["racks"][0]["revision"] = format!("v{}", self.revision).into();
        }
        spec["storage"]["filesystemVolumePolicy"]["cascadeDelete"] = (!self.keeps_claims).into();
        if self.more_volumes {
            let volume =
                json!({"name": "keys", "source": {"emptyDir": {}}, "aerospike": {"path": "/keys"}});
            let volumes = spec["storage"]["volumes"].as_array_mut().unwrap();
            volumes.push(volume);
        }
        let namespace = &mut spec["aerospikeConfig"]["namespaces"][0];
        namespace["replication-factor"] = self.copies.into();
        if self.ttl > 0 {
            namespace["default-ttl"] = self.ttl.into();
            namespace["nsup-period"] = 120.into();
        }
        if self.active_rack > 0 {
            namespace["active-rack"] = self.active_rack.into();
        }
        if self.strong {
            namespace["strong-consistency"] = true.into();
        }
        if self.device {
            namespace["storage-engine"] = json!({"type": "device", "files": ["/opt/aerospike/data/test.dat"], "filesize": 1 << 30});
        }
        if self.fill_delay > 0 {
            spec["aerospikeConfig"]["service"]["migrate-fill-delay"] = self.fill_delay.into();
        }
        let edition = if self.community { "" } else { "-enterprise" };
        spec["image"] = format!("aerospike/aerospike-server{edition}:{}", self.version).into();
        if !self.community {
            spec["rackConfig"]["namespaces"] = json!(["test"]);
        }
        if let Some(batch) = self.batch.filter(|_| self.racks > 1) {
            spec["rackConfig"]["scaleDownBatchSize"] = batch.into();
            spec["rackConfig"]["rollingUpdateBatchSize"] = batch.into();
        }
        if self.pod_label > 0 {
            spec["podSpec"]["metadata"] = json!({"labels": {"edit": self.pod_label.to_string()}});
        }
        if let Some(pods) = self.ignorable {
            spec["rackConfig"]["maxIgnorablePods"] = pods.into();
        }
        if let Some(recycled) = self.local {
            spec["storage"]["localStorageClasses"] = json!(["ssd"]);
            spec["storage"]["deleteLocalStorageOnRestart"] = recycled.into();
            spec["storage"]["deleteLocalStorageOnPodRecovery"] = self.recovers.into();
        }
        if self.blocked > 0 {
            let nodes: Vec<_> = (0..self.blocked)
                .map(|number| format!("node-{number}"))
                .collect();
            spec["k8sNodeBlockList"] = json!(nodes);
        }
        if !self.off_roster.is_empty() {
            spec["rosterNodeBlockList"] = json!(self.off_roster);
        }
        if self.operation > 0 {
            spec["operations"] = json!([self.operation()]);
        }
        if self.load_balancer {
            spec["seedsFinderServices"] =
                json!({"loadBalancer": {"externalTrafficPolicy": "Local"}});
        }
        if self.security {
            spec["aerospikeAccessControl"] = access_control();
        } else {
            let members = spec.as_object_mut().unwrap();
            members.remove("aerospikeAccessControl");
            let config = members["aerospikeConfig"].as_object_mut().unwrap();
            config.remove("security");
        }
    }
}

impl Wish {
    fn operation(&self) -> Value {
        let id = format!("restart-{}", self.operation);
        if self.operation.is_multiple_of(2) {
            json!({"kind": "WarmRestart", "id": id})
        } else {
            let rack = match self.revision {
                0 => "1".to_owned(),
                revision => format!("1-v{revision}"),
            };
            let pods = [1, 0].map(|ordinal| format!("aerocluster-{rack}-{ordinal}"));
            json!({"kind": "PodRestart", "id": id, "podList": pods})
        }
    }
}

fn access_control() -> Value {
    json!({
        "roles": [{"name": "profiler", "privileges": ["read.test"], "whitelist": ["10.0.0.0/8"]}],
        "users": [
            {"name": "admin", "secretName": "auth", "roles": ["sys-admin", "user-admin"]},
            {"name": "app", "secretName": "auth", "roles": ["profiler", "read-write"]},
        ],
    })
}

pub fn wishes() -> impl Strategy<Value = Wish> {
    let switches = any::<[bool; 4]>();
    (1u32..=8, 1u32..=3, switches).prop_map(|(size, racks, switches)| Wish {
        size,
        racks,
        security: switches[0],
        multi_pod_per_host: switches[1],
        load_balancer: switches[2],
        disable_pdb: switches[3],
        ..Wish::default()
    })
}

/// Clusters whose servers can be restarted without loss.
pub fn edited_wishes() -> impl Strategy<Value = Wish> {
    let batch = prop::option::of(1u32..3);
    (wishes(), 2u32..=6, batch, any::<bool>()).prop_map(|(wish, size, batch, device)| Wish {
        size,
        device,
        batch,
        ..wish
    })
}

/// Something that restarts pods, if it changes anything.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    version: &'static str,
    proto_fd_max: u32,
    pod_label: u32,
    more_volumes: bool,
}

impl Edit {
    /// The wish with this in it.
    pub fn of(self, wish: &Wish) -> Wish {
        Wish {
            version: self.version,
            proto_fd_max: self.proto_fd_max,
            pod_label: self.pod_label,
            more_volumes: self.more_volumes,
            ..wish.clone()
        }
    }
}

pub fn edits() -> impl Strategy<Value = Edit> {
    let versions = prop::sample::select(vec!["8.1.2.0", "8.1.0.1", "7.2.0.5"]);
    let edits = (versions, any::<bool>(), 0u32..2, any::<bool>());
    edits.prop_map(|(version, more, pod_label, more_volumes)| Edit {
        version,
        proto_fd_max: 15_000 + u32::from(more),
        pod_label,
        more_volumes,
    })
}

/// What chance brings before all goes well.
pub fn throws() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}
