//! What is: read once a pass, in types that hold just what the plan needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::{Access, FIELD_MANAGER, Kind};
use crate::{aerospike::node_view::NodeView, api::AerospikeClusterStatus, resolve::Template};

/// How long a pod may be without a node, or fail, before it counts as not coming up by itself: seconds.
const GRACE: i64 = 60;

/// Everything that a decision needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// When the pass began.
    pub now: Timestamp,
    /// The status of the custom resource.
    pub status: AerospikeClusterStatus,
    /// Objects with names that we would give, or with our owner reference.
    pub objects: BTreeMap<(Kind, String), Live>,
    /// The cluster's pods by name.
    pub pods: BTreeMap<String, Pod>,
    /// The cluster's claims.
    pub claims: Vec<Claim>,
    /// What the servers of ready pods answered, by pod.
    pub servers: BTreeMap<String, Server>,
    /// Users and roles of the servers.
    pub access: Access,
    /// The pods' service account may read nodes.
    pub may_read_nodes: bool,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            now: Timestamp::UNIX_EPOCH,
            status: AerospikeClusterStatus::default(),
            objects: BTreeMap::new(),
            pods: BTreeMap::new(),
            claims: Vec::new(),
            servers: BTreeMap::new(),
            access: Access::default(),
            may_read_nodes: false,
        }
    }
}

/// An object as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Live {
    /// Its uid.
    pub uid: String,
    /// Its version.
    pub resource_version: String,
    /// Uid of its controlling owner.
    pub owner: Option<String>,
    /// It is being deleted.
    pub deleting: bool,
    /// All of it.
    pub body: Arc<Value>,
}

impl Live {
    /// Reads an object of the API.
    #[must_use]
    pub fn of(body: Value) -> Self {
        let metadata = &body["metadata"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            uid: text(&metadata["uid"]),
            resource_version: text(&metadata["resourceVersion"]),
            owner: controller_of(metadata),
            deleting: metadata["deletionTimestamp"].is_string(),
            body: Arc::new(body),
        }
    }

    /// The revision of a set's template by which its controller makes pods; none while it has not taken note of the
    /// template.
    #[must_use]
    pub fn template_revision(&self) -> Option<&str> {
        let status = &self.body["status"];
        let generation = self.body["metadata"]["generation"].as_i64()?;
        let noted = status["observedGeneration"].as_i64()? >= generation;
        status["updateRevision"].as_str().filter(|_| noted)
    }

    /// `spec.replicas`, 1 if absent.
    #[must_use]
    pub fn replicas(&self) -> i32 {
        let replicas = self.body["spec"]["replicas"].as_i64().unwrap_or(1);
        i32::try_from(replicas).unwrap_or(i32::MAX)
    }

    /// When we changed the number of its pods last, by the clock of the API server; none if we never did.
    #[must_use]
    pub fn scaled(&self) -> Option<Timestamp> {
        let writes = self.body["metadata"]["managedFields"].as_array()?;
        let ours = writes.iter().find(|write| {
            write["manager"] == FIELD_MANAGER
                && write["operation"] == "Update"
                && write["fieldsV1"]["f:spec"]["f:replicas"].is_object()
        })?;
        ours["time"].as_str()?.parse().ok()
    }
}

fn controller_of(metadata: &Value) -> Option<String> {
    let owners = metadata["ownerReferences"].as_array()?;
    let controller = owners
        .iter()
        .find(|owner| owner["controller"].as_bool() == Some(true))?;
    Some(controller["uid"].as_str()?.to_owned())
}

/// A database pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its uid.
    pub uid: String,
    /// Version that was seen.
    pub resource_version: String,
    /// Its IP, once it has one.
    pub ip: Option<IpAddr>,
    /// The node that it runs on, once it has one.
    pub node: Option<String>,
    /// How it is.
    pub health: PodHealth,
    /// When it was created.
    pub created: Timestamp,
    /// Server image that it was made for.
    pub image: Option<String>,
    /// Hash of the pod spec that it was made for; pods of older templates do not tell.
    pub pod_spec_hash: Option<String>,
    /// Hash of the volumes that it was made with; pods of older templates do not tell.
    pub volumes_hash: Option<String>,
    /// Image of its init container, which tells whether it is one of ours.
    pub init_image: Option<String>,
    /// Revision of the template that it was made by.
    pub template_revision: Option<String>,
    /// The template of the configuration in its file, as it says itself; old pods do not.
    pub config_template: Option<Template>,
    /// When somebody wanted to evict it, as the webhook noted on it.
    pub eviction_asked: Option<String>,
    /// Its init container got as far as to report it.
    pub reported: bool,
    /// The process of its server runs, be it ready or not.
    pub server_runs: bool,
    /// It was ready and is not, though its server was not started anew, or it should be gone and is not: its node does not
    /// answer.
    pub lost: bool,
}

impl Pod {
    /// Whether its server takes connections.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(
            self.health,
            PodHealth::Ready | PodHealth::SidecarNotReady { .. }
        ) && self.ip.is_some()
    }
}

/// How a pod is, in the order in which the answers are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodHealth {
    /// It is being deleted.
    Terminating,
    /// It fails: an image that cannot be pulled, a container that crashes.
    Failed {
        /// Why, from its containers.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// No node takes it.
    Unschedulable {
        /// Why, from the scheduler.
        reason: String,
        /// Since when.
        since: Timestamp,
    },
    /// It starts, or does not answer.
    NotReady,
    /// The server is ready, another container is not.
    SidecarNotReady {
        /// The container.
        container: String,
        /// Why it fails, if it does.
        failure: Option<String>,
        /// Since when.
        since: Timestamp,
    },
    /// All is well.
    Ready,
}

/// A claim of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The volume that it belongs to, from its annotations.
    pub volume: Option<String>,
    /// Its storage class.
    pub storage_class: Option<String>,
    /// It is a raw device.
    pub block: bool,
    /// Its volume was prepared.
    pub initialized: bool,
    /// It is being deleted.
    pub deleting: bool,
}

/// What a server has in force, by the command that reads it.
pub type Configuration = BTreeMap<String, String>;

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Server {
    /// Its view.
    Answered(Box<NodeView>),
    /// Why there is none.
    Silent(String),
}

impl Observed {
    /// The object, if it is there and not on its way out.
    #[must_use]
    pub fn live(&self, kind: Kind, name: &str) -> Option<&Live> {
        self.objects
            .get(&(kind, name.to_owned()))
            .filter(|live| !live.deleting)
    }

    /// The views of all servers that answered.
    pub fn views(&self) -> impl Iterator<Item = &NodeView> {
        self.views_by_pod().map(|(_, view)| view)
    }

    /// The views of all servers that answered, with their pods.
    pub fn views_by_pod(&self) -> impl Iterator<Item = (&str, &NodeView)> {
        self.servers
            .iter()
            .filter_map(|(pod, server)| match server {
                Server::Answered(view) => Some((pod.as_str(), view.as_ref())),
                Server::Silent(_) => None,
            })
    }

    /// The view of one pod's server, if it answered.
    #[must_use]
    pub fn view(&self, pod: &str) -> Option<&NodeView> {
        match self.servers.get(pod)? {
            Server::Answered(view) => Some(view),
            Server::Silent(_) => None,
        }
    }

    /// The pods whose servers answered and say this of themselves.
    #[must_use]
    pub fn pods_where(&self, says: impl Fn(&NodeView) -> bool) -> Vec<String> {
        let views = self.views_by_pod().filter(|(_, view)| says(view));
        views.map(|(pod, _)| pod.to_owned()).collect()
    }

    /// Whether no rebalance is under way that another one would only prolong.
    #[must_use]
    pub fn may_recluster(&self) -> bool {
        self.cluster_keys().len() == 1 && self.views().all(|view| view.cluster.migrate_allowed)
    }

    /// Whether what fails since then will not mend itself any more.
    #[must_use]
    pub fn is_past_grace(&self, since: Timestamp) -> bool {
        self.now.as_second() - since.as_second() >= GRACE
    }

    /// The cluster keys that the servers name.
    #[must_use]
    pub fn cluster_keys(&self) -> BTreeSet<&str> {
        self.views().map(|view| view.cluster.key.as_str()).collect()
    }
}
