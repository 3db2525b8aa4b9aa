//! All servers of one cluster, and all their disks, in virtual time.
//!
//! A [`Fleet`] is made of the same nodes as the program with its sockets, but the network, the clock and the records
//! are pretended. It knows who holds which writes, and keeps a [record](Fleet::record) of what went wrong:
//!
//! ```
//! use simulator::fleet::{Fleet, Launch, Namespace, Stop};
//!
//! let mut fleet = Fleet::new(1).with_partitions(64);
//! for (name, id) in [("one", 0xa1), ("two", 0xa2), ("three", 0xa3)] {
//!     fleet.start(name, &Launch::new(id).namespace(Namespace::new("test"))).unwrap();
//! }
//! fleet.advance(5000);
//! assert!(fleet.info("one", "cluster-stable:size=3").is_ok_and(|key| !key.starts_with("ERROR")));
//! fleet.stop("one", Stop::Clean);
//! fleet.stop("two", Stop::Clean);
//! fleet.advance(1000);
//! assert!(fleet.record().iter().any(|it| it.to_string().starts_with("VIOLATION data-loss ns=test")));
//! ```

mod client;
mod consistency;
mod data;
mod disks;
mod epochs;
mod info;
mod launch;
mod layout;
mod network;
mod placement;
mod record;
mod server;
mod space;
mod time;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use crate::info::Texts;
use crate::node::Figures;
use crate::partitions::{Balances, PARTITIONS};
use crate::smd::Smd;
use client::Client;
use data::Cluster;
use disks::Disk;
use network::Network;
use server::Server;
use space::Space;

pub use disks::Refusal;
pub use info::Silence;
pub use launch::{Launch, Namespace, Storage};
pub use record::{Cause, Harm, Violation};
pub use server::Stop;

/// The servers of a cluster.
#[derive(Clone)]
pub struct Fleet {
    now: u64,
    random: u64,
    partitions: usize,
    figures: Figures,
    pace: u64,
    balances: Balances,
    texts: Texts,
    servers: Vec<Server>,
    network: Network,
    disks: BTreeMap<String, Disk>,
    work: BTreeMap<String, Smd>,
    spaces: BTreeMap<String, Space>,
    sizes: BTreeMap<String, u64>,
    /// Indexes in shared memory that servers left whole.
    indexes: BTreeSet<String>,
    clusters: BTreeMap<u64, Cluster>,
    client: Client,
    record: Vec<Violation>,
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let servers: Vec<_> = self.servers.iter().map(|it| it.name.as_str()).collect();
        f.debug_struct("Fleet")
            .field("now", &self.now)
            .field("servers", &servers)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl Fleet {
    /// The first of January 2026: servers count from 2010 and do not like to be before that.
    const START: u64 = 1_767_225_600_000;

    /// No servers yet; all that is random follows from `seed`. A client writes and reads all the time.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: Self::START,
            random: seed,
            partitions: PARTITIONS,
            figures: Figures::default(),
            pace: 1,
            balances: Balances::default(),
            texts: Texts::default(),
            servers: Vec::new(),
            network: Network::default(),
            disks: BTreeMap::new(),
            work: BTreeMap::new(),
            spaces: BTreeMap::new(),
            sizes: BTreeMap::new(),
            indexes: BTreeSet::new(),
            clusters: BTreeMap::new(),
            client: Client::default(),
            record: Vec::new(),
        }
    }

    /// With fewer partitions than a server has. Migrations take the same time all the same.
    #[must_use]
    pub fn with_partitions(mut self, partitions: usize) -> Self {
        self.partitions = partitions;
        self
    }

    /// With servers that leave out figures that are always the same, which are most of their answers.
    #[must_use]
    pub fn with_terse_figures(mut self) -> Self {
        self.figures = Figures::Moving;
        self
    }

    /// With migrations that take `factor` times as long as those of three nodes with little in them, which are done
    /// after three seconds.
    #[must_use]
    pub fn with_slow_migrations(mut self, factor: u64) -> Self {
        self.pace = factor.max(1);
        self
    }

    /// With a client that writes so often a second, and reads as often; none rests.
    #[must_use]
    pub fn with_client(mut self, rate: Option<u64>) -> Self {
        self.client.rate = rate;
        self
    }

    /// Shares what another fleet worked out, which saves time and changes nothing.
    #[must_use]
    pub fn sharing_work_with(mut self, other: &Self) -> Self {
        self.balances = other.balances.clone();
        self.texts = other.texts.clone();
        self
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// What went wrong so far, the oldest first.
    #[must_use]
    pub fn record(&self) -> &[Violation] {
        &self.record
    }

    /// What went wrong since the last call.
    pub fn take_record(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.record)
    }

    /// Splitmix.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn note(&mut self, harm: Harm, subject: &str, partitions: usize, cause: Cause) {
        if partitions > 0 {
            self.record.push(Violation {
                at: self.now,
                harm,
                subject: subject.to_owned(),
                partitions,
                cause,
            });
        }
    }
}

#[cfg(test)]
mod tests;
