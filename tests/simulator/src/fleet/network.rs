//! Who can talk to whom.

use std::collections::BTreeSet;

use super::Fleet;
use super::server::{Server, Stage};

/// Cuts between servers, by name.
#[derive(Debug, Clone, Default)]
pub struct Network {
    cuts: BTreeSet<(String, String)>,
    /// For each server those that it hears, as bits; none if that changed.
    links: Option<Vec<u32>>,
}

impl Network {
    /// Servers, seeds or cuts changed.
    pub fn moved(&mut self) {
        self.links = None;
    }

    /// Whether there are cuts.
    pub fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// Whether two servers cannot reach each other.
    pub fn parts(&self, one: &str, other: &str) -> bool {
        self.cuts
            .iter()
            .any(|(left, right)| (left == one && right == other) || (left == other && right == one))
    }

    /// Whom the server at an index hears.
    pub fn hears(&mut self, servers: &[Server], index: usize) -> u32 {
        if self.links.is_none() {
            self.links = Some(self.link(servers));
        }
        self.links.as_ref().map_or(0, |links| links[index])
    }

    /// Seeds lead to a server, and a server passes on all that it knows.
    fn link(&self, servers: &[Server]) -> Vec<u32> {
        let reaches = |one: usize, other: usize| {
            let (one, other) = (&servers[one], &servers[other]);
            one.beats() && other.beats() && !self.parts(&one.name, &other.name)
        };
        let mut known: Vec<u32> = vec![0; servers.len()];
        for one in 0..servers.len() {
            for other in 0..servers.len() {
                let named = names(&servers[one], &servers[other]);
                if one != other && reaches(one, other) && named {
                    known[one] |= 1 << other;
                    known[other] |= 1 << one;
                }
            }
        }
        for through in 0..servers.len() {
            for one in 0..servers.len() {
                if known[one] & 1 << through != 0 {
                    known[one] |= known[through];
                }
            }
        }
        for (one, known) in known.iter_mut().enumerate() {
            let reached = (0..servers.len()).filter(|other| *other != one && reaches(one, *other));
            *known &= reached.fold(0, |all, other| all | 1 << other);
        }
        known
    }
}

/// Whether a server has another's address among its seeds.
fn names(one: &Server, other: &Server) -> bool {
    one.launch.known_to_all || one.node.seeds.iter().any(|seed| leads_to(seed, other))
}

fn leads_to(seed: &str, server: &Server) -> bool {
    let (host, port) = seed.rsplit_once(':').unwrap_or((seed, ""));
    let own = server.node.addresses.contact.heartbeat.1.to_string();
    let named = server.name == host || server.launch.hosts.iter().any(|it| it == host);
    named && port == own
}

impl Fleet {
    /// Cuts the network between two groups of servers.
    pub fn cut(&mut self, some: &[&str], others: &[&str]) {
        for one in some {
            for other in others {
                let cut = ((*one).to_owned(), (*other).to_owned());
                self.network.cuts.insert(cut);
            }
        }
        self.network.moved();
    }

    /// Mends all that was cut.
    pub fn mend(&mut self) {
        self.network.cuts.clear();
        self.network.moved();
    }

    /// Seeds of a server that lead nowhere: it dials them again and again.
    #[must_use]
    pub fn dead_seeds(&self, name: &str) -> Vec<String> {
        let Some(index) = self.find(name) else {
            return Vec::new();
        };
        let alive = |seed: &&String| self.servers.iter().any(|it| leads_to(seed, it));
        let seeds = self.servers[index].node.seeds.iter();
        seeds.filter(|seed| !alive(seed)).cloned().collect()
    }

    /// Whether a server lives and may be talked to by others.
    pub(super) fn lives(server: &Server) -> bool {
        matches!(server.stage, Stage::Serving)
    }
}
