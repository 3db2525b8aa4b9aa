//! The program around the model: files, sockets, clock and signals.

pub mod addresses;
mod clients;
mod clock;
mod control;
mod devices;
mod fabric;
mod feature_key;
mod frames;
mod heartbeat;
mod log;
mod migrate;
mod names;
mod routing;
mod shared;
mod start;
mod storage;
mod tls;

pub use control::{Inspection, Order};
pub use devices::Unusable;
pub use shared::Shared;
pub use start::{Failure, Options, Running, start};
