//! An Aerospike server as far as an operator can see it.
//!
//! A pure model (`cluster`, `partitions`, `info`, `security`, `records`, all held by `node`), many of which make a
//! `fleet` in virtual time, and around one of them a thin program with sockets (`server`, `pid1`; feature `program`).
//! The program takes the place of the server in an image: linked as `asd` and as `tini`, it is started as those are.
//! The environment says which server it plays:
//!
//! - `AEROSPIKE_VERSION`, such as `8.1.2.0`;
//! - `AEROSPIKE_EDITION`, `enterprise` (which it is without it) or `community`;
//! - `SIMULATOR_STRICT=1`: requests that no server knows are logged as `VIOLATION unknown-info`.

#[cfg(feature = "program")]
pub mod cli;
pub mod cluster;
pub mod conf;
pub mod fleet;
pub mod info;
pub mod node;
pub mod partitions;
#[cfg(feature = "program")]
pub mod pid1;
pub mod records;
pub mod security;
#[cfg(feature = "program")]
pub mod server;
pub mod smd;
pub mod version;
pub mod wire;
