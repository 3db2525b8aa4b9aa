//! What nodes tell each other by heartbeat.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identity of a node; shown in upper-case hex.
pub type NodeId = u64;

/// A run of a node: the same id with another nonce is the node after a restart, or a second node with its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    /// The id.
    pub id: NodeId,
    /// Drawn at start.
    pub nonce: u64,
}

/// A proposed or accepted membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The cluster key.
    pub key: u64,
    /// Who is in.
    pub members: BTreeSet<Incarnation>,
}

impl View {
    /// The member with the highest id.
    #[must_use]
    pub fn principal(&self) -> Option<Incarnation> {
        self.members.last().copied()
    }
}

/// Where a node can be reached, as it says itself; an empty host means "where you hear me from".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// `host:port` for applications.
    pub service: Vec<String>,
    /// `host:port` for applications elsewhere.
    pub alternate: Vec<String>,
    /// `host:port` for applications that use TLS.
    pub tls_service: Vec<String>,
    /// `host:port` for applications elsewhere that use TLS.
    pub tls_alternate: Vec<String>,
    /// The name that its certificate has.
    pub tls_name: String,
    /// Host and port of the heartbeat listener.
    pub heartbeat: (String, u16),
    /// Host and port of the fabric listener.
    pub fabric: (String, u16),
}

/// What a node offers in one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceOffer {
    /// Its name.
    pub name: String,
    /// The configured number of copies.
    pub replication_factor: usize,
    /// The rack of this node.
    pub rack: u32,
    /// The rack that should hold all masters; 0 for none.
    pub active_rack: u32,
    /// Whether it is strongly consistent.
    pub strong: bool,
    /// The roster that it knows of.
    pub roster: KnownRoster,
}

/// A roster as a node was told it or learned it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRoster {
    /// The newer of two is greater.
    pub age: (u64, u64),
    /// Its nodes, each as it was given.
    pub nodes: Vec<String>,
}

/// What a node brings into a cluster; taken once for each change of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Whether it wants to be last in every partition.
    pub quiesced: bool,
    /// Its compatibility id.
    pub compatibility: u32,
    /// Its namespaces.
    pub namespaces: Vec<NamespaceOffer>,
    /// Its addresses.
    pub contact: Contact,
}

/// The newest roster that a member knows of: a node that was away follows the others.
#[must_use]
pub fn newest_roster<'a>(
    members: impl IntoIterator<Item = &'a Arc<Offer>>,
    namespace: &str,
) -> &'a [String] {
    let offers = members.into_iter().filter_map(|it| it.namespace(namespace));
    let newest = offers.map(|it| &it.roster).max_by_key(|it| it.age);
    newest.map_or(&[], |it| it.nodes.as_slice())
}

impl Offer {
    /// What it offers in `namespace`.
    #[must_use]
    pub fn namespace(&self, namespace: &str) -> Option<&NamespaceOffer> {
        self.namespaces.iter().find(|offer| offer.name == namespace)
    }
}

/// One heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// The name of the sender's cluster.
    pub cluster_name: String,
    /// The sender.
    pub from: Incarnation,
    /// The membership that it is in or brings about.
    pub view: Option<View>,
    /// What it brings.
    pub offer: Arc<Offer>,
}
