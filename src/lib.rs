//! The operator.

pub mod aerospike;
pub mod check;
