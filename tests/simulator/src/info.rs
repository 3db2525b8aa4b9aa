//! Info commands: questions and orders in lines of text.

mod cluster;
mod config_read;
mod config_write;
mod data;
mod identity;
mod logs;
mod registry;
mod services;
mod statistics;
mod texts;

pub use registry::{Request, answer, answer_unauthenticated};

#[cfg(test)]
mod tests;
