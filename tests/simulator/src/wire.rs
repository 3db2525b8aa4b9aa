//! The bytes between a client and a server.

pub mod admin;
pub mod cursor;
pub mod frame;
pub mod info;
pub mod record;
