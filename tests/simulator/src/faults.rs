//! What is to go wrong with one server, as data.

use serde::{Deserialize, Serialize};

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// It takes no connection.
    Refuse,
    /// It takes connections, and says nothing.
    Stall,
    /// Its answers end in the middle of a frame.
    Truncate,
    /// Its answers are of a protocol version that nobody knows.
    Garble,
    /// It does not do what begins with `command`, and answers `text`.
    Error {
        /// The beginning of commands.
        command: String,
        /// The answer.
        text: String,
    },
    /// It does what begins with `command`, and the answer never arrives.
    LoseReply {
        /// The beginning of commands.
        command: String,
    },
    /// It says that it is not the principal: asked of all at once, this is a principal that changes meanwhile.
    DenyPrincipal,
    /// It describes the cluster as it was when the fault began.
    StaleView,
    /// Its disks are full: it takes no writes.
    FullDisk,
    /// It sends no partitions.
    FreezeMigrations,
    /// What another node asks of it about records gets lost.
    DeafFabric,
    /// It crashes at a point.
    Crash {
        /// Where.
        point: Point,
    },
}

/// Where a server may crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// When it was told to quiesce.
    AfterQuiesce,
    /// When it was told a roster, before any recluster.
    AfterRosterSet,
    /// When it was told to recluster.
    AfterRecluster,
    /// While it has partitions to send or to receive.
    DuringMigration,
    /// Before it has kept changed users, roles or rosters.
    BeforeMetadataIsKept,
}

impl Point {
    /// The point behind a command.
    #[must_use]
    pub fn after(command: &str) -> Option<Self> {
        match command {
            "quiesce" => Some(Self::AfterQuiesce),
            "roster-set" => Some(Self::AfterRosterSet),
            "recluster" => Some(Self::AfterRecluster),
            _ => None,
        }
    }
}

/// A fault, and how often it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// How often; without it always.
    #[serde(default)]
    pub calls: Option<u32>,
}

/// The faults of a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Planned>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, planned: Planned) {
        self.0.push(planned);
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All that are left.
    #[must_use]
    pub fn all(&self) -> &[Planned] {
        &self.0
    }

    /// Whether a fault is on.
    #[must_use]
    pub fn is_on(&self, fault: &Fault) -> bool {
        self.0.iter().any(|planned| planned.fault == *fault)
    }

    /// Whether it crashes at a point.
    #[must_use]
    pub fn crashes(&self, point: Point) -> bool {
        self.is_on(&Fault::Crash { point })
    }

    /// Lets a fault happen once, if it is on.
    pub fn strike(&mut self, fault: &Fault) -> bool {
        self.take(|known| known == fault).is_some()
    }

    /// What is answered to a command in the place of the truth.
    pub fn error(&mut self, command: &str) -> Option<String> {
        let fault = self.take(|fault| match fault {
            Fault::Error { command: start, .. } => command.starts_with(start),
            Fault::DenyPrincipal => command.starts_with("recluster"),
            _ => false,
        });
        Some(match fault? {
            Fault::Error { text, .. } => text,
            _ => "ignored-by-non-principal".to_owned(),
        })
    }

    /// Whether the answer to a command gets lost.
    pub fn loses_reply(&mut self, command: &str) -> bool {
        let fault = self.take(|fault| {
            matches!(fault, Fault::LoseReply { command: start } if command.starts_with(start))
        });
        fault.is_some()
    }

    fn take(&mut self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(|planned| wanted(&planned.fault))?;
        let planned = &mut self.0[at];
        let fault = planned.fault.clone();
        if let Some(calls) = &mut planned.calls {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.0.remove(at);
            }
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_planned() {
        let mut faults = Faults::default();
        let planned =
            r#"{"fault": "error", "command": "quiesce", "text": "ERROR:4:no", "calls": 2}"#;
        faults.add(serde_json::from_str(planned).unwrap());
        assert_eq!(faults.error("recluster:"), None);
        assert_eq!(faults.error("quiesce:").as_deref(), Some("ERROR:4:no"));
        assert_eq!(faults.error("quiesce:").as_deref(), Some("ERROR:4:no"));
        assert_eq!(faults.error("quiesce:"), None);
    }

    #[test]
    fn a_fault_without_a_number_stays() {
        let mut faults = Faults::default();
        faults.add(serde_json::from_str(r#"{"fault": "stall"}"#).unwrap());
        assert!(faults.strike(&Fault::Stall) && faults.strike(&Fault::Stall));
        assert!(!faults.strike(&Fault::Refuse));
        faults.clear();
        assert_eq!(faults.all(), []);
    }

    #[test]
    fn crashes_are_named_by_their_point() {
        let planned = r#"{"fault": "crash", "point": "after-roster-set"}"#;
        let planned: Planned = serde_json::from_str(planned).unwrap();
        let point = Point::after("roster-set").unwrap();
        assert_eq!(planned.fault, Fault::Crash { point });
    }
}
