//! A real Kubernetes on one machine, without Docker: etcd, a control plane and three nodes, each in a network namespace of its own with its own kubelet and
//! container runtime. Tests start it, fill it with images made from the checkout, and break it.

pub mod addresses;
pub mod audit;
pub mod bench;
mod cache;
mod clean;
mod cluster;
mod control_plane;
pub mod demo;
mod digest;
mod identity;
pub mod image;
pub mod images;
pub mod install;
mod lock;
pub mod machine;
mod network;
pub mod node;
pub mod operators;
pub mod paths;
mod process;
pub mod programs;
mod review_client;
pub mod run;
pub mod scenarios;
pub mod simulated;
pub mod volumes;

pub use cluster::Cluster;
pub use machine::why_not_here;
pub use run::{Output, wait_until};

/// Tells the person who waits what happens now.
fn progress(what: &str) {
    eprintln!("cluster: {what}");
}
