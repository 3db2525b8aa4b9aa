//! Kubernetes operator for Aerospike: admission webhooks that answer with every finding at once, and a controller that
//! takes clusters through every change of their life.

pub mod admission;
pub mod aerospike;
pub mod api;
pub mod check;
pub mod cli;
pub mod client;
pub mod config;
pub mod controller;
pub mod docs;
pub mod explain;
pub mod finding;
pub mod init;
pub mod leader;
mod nearest_name;
pub mod plan;
pub mod preview;
pub mod process;
pub mod reference;
pub mod resolve;
pub mod resources;
pub mod stdout;
pub mod telemetry;
pub mod tls;
pub mod validate;
pub mod webhook;

/// Histories make and drop millions of small values: the C library's allocator took a fifth of their time.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
