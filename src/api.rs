//! Custom resources of group `asdb.aerospike.com`, as users write them and as they are stored.
//!
//! The types mirror the YAML. What AKO 4.5.0 always writes (`storage: {}`) is an `Option` here, filled in by
//! [`crate::resolve`] where the stored form needs it.

pub mod access_control;
pub mod client_cert;
pub mod cluster;
pub mod crd;
pub mod length;
pub mod lenient;
pub mod mirror;
pub mod network;
pub mod operations;
pub mod pod;
pub mod racks;
pub mod services;
pub mod status;
pub mod storage;

pub use cluster::{AerospikeCluster, AerospikeClusterSpec};
pub use status::AerospikeClusterStatus;

/// A free-form JSON object, such as `aerospikeConfig`. Keys are sorted bytewise.
pub type Tree = serde_json::Map<String, serde_json::Value>;

/// API group of every kind.
pub const GROUP: &str = "asdb.aerospike.com";
/// Kind of a cluster.
pub const KIND: &str = "AerospikeCluster";
/// Version of a cluster's kind that is served.
pub const VERSION: &str = "v1";
/// Holds a cluster back from removal until its claims are dealt with.
pub const FINALIZER: &str = "asdb.aerospike.com/storage-finalizer";
/// Label on the custom resource that names the API version it was written for.
pub const API_VERSION_LABEL: &str = "aerospike.com/api-version";
/// Field manager of every write but those to the status.
pub const FIELD_MANAGER: &str = "aerospike-operator";
/// Annotation by which a pod asks to be moved: when its eviction was first refused, RFC 3339.
pub const EVICTION_BLOCKED: &str = "aerospike.com/eviction-blocked";
