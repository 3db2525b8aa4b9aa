//! An Aerospike server as far as an operator can see it.
//!
//! A pure model (`cluster`, `info`, `security`, `records`) and around it a thin program with sockets (`server`).

pub mod cli;
pub mod cluster;
pub mod conf;
pub mod info;
pub mod node;
pub mod partitions;
pub mod pid1;
pub mod records;
pub mod security;
pub mod server;
pub mod smd;
pub mod version;
pub mod wire;
