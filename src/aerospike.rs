//! Talking to Aerospike servers: info, login and administration over one small client.
//!
//! Encoding, parsing and deciding are pure; [`connection`] alone does IO.

pub mod access;
pub mod admin;
pub mod build;
pub mod command;
pub mod connection;
pub mod frame;
pub mod info;
pub mod latencies;
pub mod list;
pub mod node_view;
pub mod password;
pub mod room;
pub mod roster;
pub mod stability;
