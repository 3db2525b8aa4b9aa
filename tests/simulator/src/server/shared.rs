//! What all tasks of a server share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::fabric::Fabric;
use super::log::Log;
use super::names::Names;
use super::storage::Storage;
use crate::node::{LogLine, Node};

/// A running server.
pub struct Shared {
    /// The time.
    pub(super) clock: Clock,
    /// Connections to the other nodes.
    pub(super) fabric: Fabric,
    /// Host names.
    pub(super) names: Names,
    pub(super) storage: Storage,
    log: Log,
    node: Mutex<Node>,
}

impl Shared {
    pub(super) fn new(node: Node, clock: Clock, log: Log, names: Names, storage: Storage) -> Self {
        Self {
            clock,
            fabric: Fabric::default(),
            names,
            storage,
            log,
            node: Mutex::new(node),
        }
    }

    /// The node. Never held over an await.
    pub fn node(&self) -> MutexGuard<'_, Node> {
        // a task that panicked must not take the whole server with it
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what the node noted.
    pub(super) fn flush_log(&self) {
        let (lines, sinks) = {
            let mut node = self.node();
            let lines = std::mem::take(&mut node.log);
            if lines.is_empty() {
                return;
            }
            (lines, node.settings.sinks().to_vec())
        };
        for line in &lines {
            self.log.write(&sinks, self.clock.now(), line);
        }
    }

    /// Writes one line.
    pub fn say(&self, level: usize, context: &'static str, text: impl Into<String>) {
        let text = text.into();
        let sinks = self.node().settings.sinks().to_vec();
        self.log.write(
            &sinks,
            self.clock.now(),
            &LogLine {
                level,
                context,
                text,
            },
        );
    }

    /// Opens log files again.
    pub fn roll_log(&self) {
        self.log.roll();
        self.say(2, "as", "SIGHUP received, rolling log");
    }
}
