//! Info commands: questions and orders in lines of text.
#![allow(
    clippy::unnecessary_wraps,
    reason = "all commands have one signature, so that a table can hold them"
)]

mod cluster;
mod config_read;
mod config_write;
mod data;
mod identity;
mod indexes;
mod logs;
mod registry;
mod services;
mod sets;
mod statistics;
mod texts;

pub use config_read::Texts;
pub use registry::{Request, answer, answer_unauthenticated};

#[cfg(test)]
pub(crate) mod tests;
