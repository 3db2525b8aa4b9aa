//! What is missing between the claims and the volumes that there are. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::PROVISIONER;

/// The storage class of volumes that follow their pod to any node.
pub const CLASS: &str = "ssd";
/// The storage class of volumes that stay on the node that the scheduler chose for their first pod.
pub const LOCAL_CLASS: &str = "local-ssd";
/// What the scheduler notes on a claim of which the volume waits for its first pod.
const CHOSEN: &str = "volume.kubernetes.io/selected-node";

/// A claim that gets a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// A block volume.
    pub block: bool,
    /// What it asks for, as it is written.
    pub size: String,
    /// The same in bytes.
    pub bytes: u64,
    modes: Value,
    class: String,
    /// The only node that has it.
    node: Option<String>,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A claim has no volume yet.
    Make(Claim),
    /// A claim asks for more than its volume has.
    Grow(Claim),
    /// A volume whose claim is gone.
    Remove {
        /// The volume.
        volume: String,
        /// The uid of the claim that it was made for.
        uid: String,
    },
}

/// What is to be done.
#[must_use]
pub fn missing(claims: &[Value], volumes: &[Value]) -> Vec<Deed> {
    let ours = volumes.iter().filter(|volume| {
        volume["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == PROVISIONER
    });
    let ours: BTreeMap<_, _> = ours
        .filter_map(|volume| Some((volume["metadata"]["name"].as_str()?, volume)))
        .collect();
    let wanted = claims.iter().filter_map(Claim::read);
    let served = wanted.filter_map(|claim| match ours.get(claim.volume_name().as_str()) {
        None => Some(Deed::Make(claim)),
        Some(volume) => (capacity(volume) < claim.bytes).then_some(Deed::Grow(claim)),
    });
    let left = ours
        .iter()
        .filter(|(_, volume)| volume["status"]["phase"] == "Released")
        .map(|(name, volume)| Deed::Remove {
            volume: (*name).to_owned(),
            uid: text(&volume["spec"]["claimRef"]["uid"]),
        });
    served.chain(left).collect()
}

fn capacity(volume: &Value) -> u64 {
    let capacity = volume["spec"]["capacity"]["storage"].as_str();
    capacity.and_then(bytes).unwrap_or(0)
}

impl Claim {
    /// Reads a claim of one of the classes that is not on its way out, and whose node is known if it has one.
    fn read(claim: &Value) -> Option<Self> {
        let (metadata, spec) = (&claim["metadata"], &claim["spec"]);
        let class = spec["storageClassName"].as_str()?;
        let node = metadata["annotations"][CHOSEN].as_str().map(str::to_owned);
        let node = match class {
            CLASS => None,
            LOCAL_CLASS => Some(node?),
            _ => return None,
        };
        if !metadata["deletionTimestamp"].is_null() {
            return None;
        }
        let size = spec["resources"]["requests"]["storage"].as_str()?;
        Some(Self {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            uid: text(&metadata["uid"]),
            block: spec["volumeMode"] == "Block",
            bytes: bytes(size)?,
            size: size.to_owned(),
            modes: spec["accessModes"].clone(),
            class: class.to_owned(),
            node,
        })
    }

    /// The name of its volume.
    #[must_use]
    pub fn volume_name(&self) -> String {
        format!("pvc-{}", self.uid)
    }

    /// Its volume, which lies at `source`.
    #[must_use]
    pub fn volume(&self, source: &Value) -> Value {
        let (key, value) = match &self.node {
            Some(node) => ("kubernetes.io/hostname", node.as_str()),
            None => ("kubernetes.io/os", "linux"),
        };
        let mut volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {
                "name": self.volume_name(),
                "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
            },
            "spec": {
                "storageClassName": self.class,
                "capacity": {"storage": self.size},
                "accessModes": self.modes,
                "volumeMode": if self.block { "Block" } else { "Filesystem" },
                "persistentVolumeReclaimPolicy": "Delete",
                "claimRef": {
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "namespace": self.namespace, "name": self.name, "uid": self.uid,
                },
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": key, "operator": "In", "values": [value]},
                ]}]}},
            },
        });
        for (kind, place) in source.as_object().into_iter().flatten() {
            volume["spec"][kind] = place.clone();
        }
        volume
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Reads `3Gi`, `500M`, `1024`.
fn bytes(quantity: &str) -> Option<u64> {
    let end = quantity.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = quantity.split_at(end.unwrap_or(quantity.len()));
    let (base, power) = match unit {
        "" => (1, 1),
        "k" => (1000, 1),
        "Ki" => (1024, 1),
        "M" => (1000, 2),
        "Mi" => (1024, 2),
        "G" => (1000, 3),
        "Gi" => (1024, 3),
        "T" => (1000, 4),
        "Ti" => (1024, 4),
        _ => return None,
    };
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(u64::pow(base, power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(changes: &Value) -> Value {
        let mut claim = json!({
            "metadata": {"namespace": "ns", "name": "c", "uid": "u"},
            "spec": {"storageClassName": "ssd", "volumeMode": "Block", "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "2Gi"}}},
        });
        for (key, value) in changes.as_object().unwrap() {
            claim[key] = value.clone();
        }
        claim
    }

    fn volume(size: &str, phase: &str) -> Value {
        let made = Claim::read(&claim(&json!({}))).unwrap();
        let mut volume = made.volume(&json!({"local": {"path": "/dev/loop0"}}));
        volume["spec"]["capacity"]["storage"] = size.into();
        volume["status"]["phase"] = phase.into();
        volume
    }

    #[test]
    fn a_claim_gets_one_volume_of_its_size() {
        let claims = [claim(&json!({}))];
        let wanted = Claim::read(&claims[0]).unwrap();
        assert_eq!(wanted.bytes, 2 << 30);
        assert_eq!(missing(&claims, &[]), [Deed::Make(wanted)]);
        assert_eq!(missing(&claims, &[volume("2Gi", "Bound")]), []);
    }

    #[test]
    fn a_local_volume_waits_for_the_node_of_its_pod_and_stays_there() {
        let mut local = claim(&json!({}));
        local["spec"]["storageClassName"] = LOCAL_CLASS.into();
        assert_eq!(missing(&[local.clone()], &[]), []);
        local["metadata"]["annotations"] = json!({CHOSEN: "node2"});
        let volume = Claim::read(&local).unwrap().volume(&json!({}));
        let terms = &volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"];
        let expression =
            json!({"key": "kubernetes.io/hostname", "operator": "In", "values": ["node2"]});
        assert_eq!(*terms, json!([{"matchExpressions": [expression]}]));
        assert_eq!(volume["spec"]["storageClassName"], LOCAL_CLASS);
    }

    #[test]
    fn a_claim_that_asks_for_more_grows() {
        let claims = [claim(&json!({}))];
        let deeds = missing(&claims, &[volume("1Gi", "Bound")]);
        assert!(matches!(deeds.as_slice(), [Deed::Grow(claim)] if claim.size == "2Gi"));
    }

    #[test]
    fn a_volume_goes_when_its_claim_is_gone() {
        let gone = Deed::Remove {
            volume: "pvc-u".to_owned(),
            uid: "u".to_owned(),
        };
        assert_eq!(missing(&[], &[volume("2Gi", "Released")]), [gone]);
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let other = json!({"spec": {"storageClassName": "other"}});
        assert_eq!(missing(&[claim(&other)], &[]), []);
        let mut foreign = volume("1Gi", "Released");
        foreign["metadata"]["annotations"] = json!({});
        assert_eq!(missing(&[], &[foreign]), []);
    }
}
