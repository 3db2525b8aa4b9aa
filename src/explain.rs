//! What each rule is, why it exists, and what breaks and keeps it.

pub mod table;
