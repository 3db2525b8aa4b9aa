//! Rosters: the nodes that hold a strongly consistent namespace, as servers list them and take them.

use std::{
    collections::BTreeSet,
    fmt::{self, Display, Formatter},
};

/// What a list without nodes is called.
const NOBODY: &str = "null";

/// A node of a roster, `<id>[@<rack>]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RosterNode {
    /// Its id, in upper case without leading zeros.
    pub id: String,
    /// Its rack; 0 if it has none.
    pub rack: u32,
}

/// A list of nodes, `null` or `[M<rack>|]<node>{,<node>}`. In which order they come does not matter.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// The rack that has all masters, from 7.2 on.
    pub active_rack: Option<u32>,
    /// The nodes, in the order of the server.
    pub nodes: Vec<RosterNode>,
}

/// What a server says of the roster of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterView {
    /// In force since the last rebalance.
    pub current: Roster,
    /// Comes into force with the next one.
    pub pending: Roster,
    /// The members that hold the namespace, as of the last one.
    pub observed: Roster,
}

impl RosterNode {
    fn parse(text: &str) -> Option<Self> {
        let (id, rack) = text.split_once('@').unwrap_or((text, "0"));
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then_some(())?;
        Some(Self {
            id: node_id(id),
            rack: rack.parse().ok()?,
        })
    }
}

/// A node's id as servers write it: in upper case without leading zeros.
#[must_use]
pub fn node_id(text: &str) -> String {
    text.trim_start_matches('0').to_ascii_uppercase()
}

impl Roster {
    fn parse(text: &str) -> Option<Self> {
        if text == NOBODY {
            return Some(Self::default());
        }
        let (active_rack, nodes) = match text.split_once('|') {
            Some((active, nodes)) => (Some(active.strip_prefix('M')?.parse().ok()?), nodes),
            None => (None, text),
        };
        let nodes: Option<Vec<_>> = nodes.split(',').map(RosterNode::parse).collect();
        Some(Self {
            active_rack,
            nodes: nodes?,
        })
    }

    /// Whether a node is on it, in whatever rack.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.nodes.iter().any(|node| node.id == id)
    }

    /// Without the nodes for which `goes`.
    #[must_use]
    pub fn without(&self, goes: impl Fn(&RosterNode) -> bool) -> Self {
        let stays = self.nodes.iter().filter(|node| !goes(node));
        Self {
            active_rack: self.active_rack,
            nodes: stays.cloned().collect(),
        }
    }

    fn as_set(&self) -> BTreeSet<&RosterNode> {
        self.nodes.iter().collect()
    }
}

impl PartialEq for Roster {
    fn eq(&self, other: &Self) -> bool {
        self.active_rack == other.active_rack && self.as_set() == other.as_set()
    }
}

impl Eq for Roster {}

impl Display for Roster {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.nodes.is_empty() {
            return f.write_str(NOBODY);
        }
        if let Some(rack) = self.active_rack {
            write!(f, "M{rack}|")?;
        }
        let text = |node: &RosterNode| match node.rack {
            0 => node.id.clone(),
            rack => format!("{}@{rack}", node.id),
        };
        let nodes: Vec<_> = self.nodes.iter().map(text).collect();
        f.write_str(&nodes.join(","))
    }
}

impl RosterView {
    /// What is in the answer to [`super::command::roster`]; none if something of it is missing or odd.
    #[must_use]
    pub fn parse(answer: &str) -> Option<Self> {
        let parts: Vec<_> = answer.split(':').collect();
        let list = |key: &str| {
            let mut values = parts.iter().filter_map(|part| part.strip_prefix(key));
            Roster::parse(values.next()?)
        };
        Some(Self {
            current: list("roster=")?,
            pending: list("pending_roster=")?,
            observed: list("observed_nodes=")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_servers_say_is_read_and_written_back() {
        let answer = "roster=null:pending_roster=M2|2A1@2,A0:observed_nodes=M2|2A1@2,A0,1A0@1";
        let view = RosterView::parse(answer).unwrap();
        assert_eq!(view.current, Roster::default());
        assert_eq!(view.pending.active_rack, Some(2));
        assert_eq!(view.observed.to_string(), "M2|2A1@2,A0,1A0@1");
        assert!(view.pending.has("2A1") && !view.pending.has("1A0"));
        assert_eq!(view.current.to_string(), "null");
    }

    #[test]
    fn the_order_does_not_matter_and_racks_do() {
        let roster = |text| Roster::parse(text).unwrap();
        assert_eq!(roster("A1,A2@1"), roster("A2@1,A1"));
        for other in ["A1,A2", "A1", "M1|A1,A2@1"] {
            assert_ne!(roster("A1,A2@1"), roster(other), "{other}");
        }
        assert_eq!(roster("A1,A2").without(|it| it.id == "A1"), roster("A2"));
    }

    #[test]
    fn what_is_no_roster_is_not_taken_for_an_empty_one() {
        for text in ["", "A1,", "A1@x", "x", "2|A1", "M|A1", "A1:B"] {
            assert!(Roster::parse(text).is_none(), "{text}");
        }
        for answer in ["", "ok", "roster=A1:pending_roster=A1", "roster=A1"] {
            assert!(RosterView::parse(answer).is_none(), "{answer}");
        }
    }

    #[test]
    fn ids_are_written_as_servers_write_them() {
        assert_eq!(node_id("0a3"), "A3");
    }

    proptest! {
        #[test]
        fn nothing_can_make_it_panic(text in ".{0,80}") {
            let _ = RosterView::parse(&text);
        }
    }
}
