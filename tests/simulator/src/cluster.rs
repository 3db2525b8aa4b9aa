//! Who is in the cluster: a state machine in virtual time, without any IO.
//!
//! Each node has an [`Engine`]. The program around it feeds it what it hears ([`Engine::hear`]) and the time
//! ([`Engine::tick`]), and sends [`Engine::pulse`] to everybody in turn.

mod engine;
mod message;

pub use engine::{Engine, Event, Recluster, Timing};
pub use message::{
    Contact, Incarnation, KnownRoster, NamespaceOffer, NodeId, Offer, Pulse, View, newest_roster,
};

#[cfg(test)]
mod tests;
