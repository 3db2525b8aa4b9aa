//! One server without its sockets: everything that info commands, logins and records read and change.

mod moves;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cluster::{
    Contact, Engine, Event, KnownRoster, NamespaceOffer, NodeId, Offer, Pulse, newest_roster,
};
use crate::conf::Settings;
use crate::conf::settings::namespace_key;
use crate::faults::{Fault, Faults, Planned};
use crate::info::Texts;
use crate::partitions::{Balances, Ownership, PARTITIONS};
use crate::records::{Record, Records};
use crate::security::{Access, Caller, Directory, Sessions};
use crate::smd::Smd;
use crate::version::{Release, Version};

pub use moves::Migrations;
pub use tally::Tally;

use moves::{Before, Incoming};

/// The first of January 2010 in milliseconds, from which the server counts.
pub const EPOCH: u64 = 1_262_304_000_000;

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// 0 is critical, 1 a warning, 2 information.
    pub level: usize,
    /// The server's module.
    pub context: &'static str,
    /// What happened.
    pub text: String,
}

/// Counts that the statistics show.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Requests in a form that a later version drops.
    pub deprecated: u64,
    /// Open connections of applications.
    pub client_connections: u64,
    /// Open connections of the admin port.
    pub admin_connections: u64,
    /// Info requests answered.
    pub info: u64,
    /// Reads, by namespace.
    pub reads: BTreeMap<String, Tally>,
    /// Writes, by namespace.
    pub writes: BTreeMap<String, Tally>,
    /// Requests that no server knows.
    pub unknown_info: u64,
}

/// Where a node can be reached.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// What other nodes and applications are told.
    pub contact: Contact,
    /// `host:port` of the admin port.
    pub admin: Vec<String>,
    /// `host:port` of the admin port with TLS.
    pub admin_tls: Vec<String>,
}

/// What a change of the node makes necessary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// The shared metadata was changed: it is to be written, and sent to the others.
    pub sharing: bool,
    /// Partitions were balanced anew: some are to be sent.
    pub moving: bool,
}

/// Which figures are in statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Figures {
    /// All that a server has.
    #[default]
    All,
    /// Those that move; what is always the same is left out, which is most.
    Moving,
}

/// What a node holds of a namespace, for nodes that keep no records to count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Records of which it is the master.
    pub master: u64,
    /// Records of which it is another replica.
    pub prole: u64,
    /// Records of which it has a copy that is none of the replicas.
    pub surplus: u64,
    /// Bytes of all of them.
    pub used_bytes: u64,
    /// Bytes of its storage.
    pub total_bytes: u64,
    /// Partitions that nobody may serve.
    pub unavailable: usize,
    /// Partitions of which all copies are mistrusted.
    pub dead: usize,
    /// Whether it takes no writes because it is full.
    pub stop_writes: bool,
}

/// The state of a server.
#[derive(Clone)]
pub struct Node {
    /// Configuration in force.
    pub settings: Settings,
    /// Membership.
    pub engine: Engine,
    /// Users, roles, rosters.
    pub smd: Smd,
    /// What the program around it has to do.
    pub due: Due,
    /// Logins.
    pub sessions: Sessions,
    /// Copies of records.
    pub records: Records,
    /// Own addresses.
    pub addresses: Addresses,
    /// Whether it wants to be last in every partition from the next rebalance on.
    pub pending_quiesce: bool,
    /// Nodes that were ever in the cluster.
    pub alumni: BTreeMap<NodeId, Contact>,
    /// Seeds of the mesh, as `host:port`.
    pub seeds: BTreeSet<String>,
    /// Moves with every change of the peers.
    pub peers_generation: u64,
    /// Moves with every balance; -1 before the first.
    pub partition_generation: i64,
    /// What is to move.
    pub migrations: BTreeMap<String, Migrations>,
    /// What is counted.
    pub counts: Counts,
    /// Lines not yet written.
    pub log: Vec<LogLine>,
    /// When it started, in milliseconds.
    pub started: u64,
    /// Whether unknown requests are violations.
    pub strict: bool,
    /// The figures that it tells.
    pub figures: Figures,
    /// Partitions of each namespace.
    pub partitions: usize,
    /// Balances that it shares with others.
    pub balances: Balances,
    /// What it holds by namespace; without it its records are counted, and moved by this node itself.
    pub holdings: Option<BTreeMap<String, Holding>>,
    /// What goes wrong with it.
    pub faults: Faults,
    /// The membership that it tells in the place of the one in force.
    pub stale: Option<Box<Engine>>,
    /// A crash that the last command brought about.
    pub crash: bool,
    /// Namespaces whose dead partitions are to be trusted again with the next rebalance.
    pub revived: BTreeSet<String>,
    /// Settings as they are told, which it shares with others.
    pub texts: Texts,
    ownership: BTreeMap<String, Arc<Ownership>>,
    before: Before,
    unsent: BTreeMap<String, BTreeSet<(usize, NodeId)>>,
    incoming: Incoming,
    rosters: BTreeMap<String, Vec<String>>,
}

impl Node {
    /// A node that has just started.
    #[must_use]
    pub fn new(settings: Settings, engine: Engine, addresses: Addresses, now: u64) -> Self {
        let seeds = |name: &str| settings.all(&format!("network.heartbeat.{name}")).to_vec();
        let seeds = [
            seeds("mesh-seed-address-port"),
            seeds("tls-mesh-seed-address-port"),
        ]
        .concat();
        let seeds = seeds.into_iter().collect();
        let mut node = Self {
            settings,
            engine,
            smd: Smd::default(),
            due: Due::default(),
            sessions: Sessions::default(),
            records: Records::default(),
            addresses,
            pending_quiesce: false,
            alumni: BTreeMap::new(),
            seeds,
            peers_generation: 1,
            partition_generation: -1,
            migrations: BTreeMap::new(),
            counts: Counts::default(),
            log: Vec::new(),
            started: now,
            strict: false,
            figures: Figures::default(),
            partitions: PARTITIONS,
            balances: Balances::default(),
            holdings: None,
            faults: Faults::default(),
            stale: None,
            crash: false,
            revived: BTreeSet::new(),
            texts: Texts::default(),
            ownership: BTreeMap::new(),
            before: Before::default(),
            unsent: BTreeMap::new(),
            incoming: Incoming::default(),
            rosters: BTreeMap::new(),
        };
        node.pending_quiesce = node.settings.is_true("service.stay-quiesced");
        node.renew_offer();
        node
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> Release {
        self.settings.release()
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.release().version
    }

    /// The node's id as answers show it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:X}", self.engine.me().id)
    }

    /// Whether there are users to log in as.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.settings.has_section("security")
    }

    /// Whether the caller may do something.
    #[must_use]
    pub fn allows(&self, caller: &Caller, access: Access<'_>) -> bool {
        let directory = Directory::of(&self.smd, self.version());
        !self.is_secured()
            || caller
                .user
                .as_ref()
                .is_some_and(|user| directory.allows(user, access))
    }

    /// Whether there is such a namespace here.
    #[must_use]
    pub fn has_namespace(&self, namespace: &str) -> bool {
        self.settings
            .namespaces()
            .iter()
            .any(|known| known == namespace)
    }

    /// Whether a namespace is strongly consistent.
    #[must_use]
    pub fn is_strong(&self, namespace: &str) -> bool {
        self.settings
            .is_true(&namespace_key(namespace, "strong-consistency"))
    }

    /// Who holds a namespace since the last balance.
    #[must_use]
    pub fn ownership(&self, namespace: &str) -> Option<&Ownership> {
        self.ownership.get(namespace).map(AsRef::as_ref)
    }

    /// The roster in force since the last balance.
    #[must_use]
    pub fn roster(&self, namespace: &str) -> &[String] {
        self.rosters.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// The roster for the next balance.
    #[must_use]
    pub fn pending_roster(&self, namespace: &str) -> Vec<String> {
        self.smd.get(&roster_key(namespace)).unwrap_or_default()
    }

    /// Whether this node is quiesced since the last balance.
    #[must_use]
    pub fn is_quiesced(&self) -> bool {
        self.engine
            .members()
            .get(&self.engine.me().id)
            .is_some_and(|offer| offer.quiesced)
    }

    /// Something is to go wrong from now on.
    pub fn inject(&mut self, planned: Planned) {
        if planned.fault == Fault::StaleView {
            self.stale = Some(Box::new(self.engine.clone()));
        }
        self.faults.add(planned);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&mut self) {
        self.faults.clear();
        self.stale = None;
    }

    /// Notes a line for the log.
    pub fn note(&mut self, level: usize, context: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.log.push(LogLine {
            level,
            context,
            text,
        });
    }

    /// Works what was changed into what the node brings at the next balance.
    pub fn renew_offer(&mut self) {
        let namespaces = self
            .settings
            .namespaces()
            .iter()
            .map(|name| self.namespace_offer(name))
            .collect();
        self.engine.set_offer(Offer {
            quiesced: self.pending_quiesce,
            compatibility: self.version().compatibility_id(),
            namespaces,
            contact: self.addresses.contact.clone(),
        });
    }

    fn namespace_offer(&self, namespace: &str) -> NamespaceOffer {
        let number = |name: &str, otherwise| {
            self.settings
                .number(&namespace_key(namespace, name), otherwise)
        };
        NamespaceOffer {
            name: namespace.to_owned(),
            replication_factor: usize::try_from(number("replication-factor", 2)).unwrap_or(2),
            rack: u32::try_from(number("rack-id", 0)).unwrap_or(0),
            active_rack: u32::try_from(number("active-rack", 0)).unwrap_or(0),
            strong: self.is_strong(namespace),
            roster: KnownRoster {
                age: self.smd.age(&roster_key(namespace)),
                nodes: self.pending_roster(namespace),
            },
        }
    }

    /// A pulse of another node arrived.
    pub fn hear(&mut self, pulse: Arc<Pulse>, now: u64) {
        self.engine.hear(pulse, now);
        self.follow_cluster();
    }

    /// Time passed.
    pub fn tick(&mut self, now: u64) {
        self.engine.tick(now);
        self.follow_cluster();
    }

    /// At once: nobody may see the new membership with the old balance.
    fn follow_cluster(&mut self) {
        for event in self.engine.take_events() {
            match event {
                Event::Rebalanced => self.rebalance(),
                Event::Warning(context, text) => self.note(1, context, text),
            }
        }
    }

    fn rebalance(&mut self) {
        self.due.moving = true;
        let namespaces = self.settings.namespaces().to_vec();
        self.before.ownership = std::mem::take(&mut self.ownership);
        let members = self.engine.members();
        let roster = |name: &String| newest_roster(members.values(), name).to_vec();
        self.rosters = namespaces
            .iter()
            .map(|name| (name.clone(), roster(name)))
            .collect();
        for name in &namespaces {
            let roster = self
                .is_strong(name)
                .then(|| roster_ids(&self.rosters[name]));
            let members = self.engine.members();
            let ownership =
                self.balances
                    .balance(members, name, roster.as_deref(), self.partitions);
            self.ownership.insert(name.clone(), ownership);
        }
        if self.holdings.is_none() {
            self.plan_migrations();
        }
        self.before.members = self.engine.incarnations();
        self.meet_peers();
        self.partition_generation = (self.partition_generation + 1).max(1);
        let size = self.engine.members().len();
        let text = format!(
            "data partitions rebalanced - cluster key {:X}, cluster size {size}",
            self.engine.key()
        );
        self.note(2, "partition", text);
    }

    fn meet_peers(&mut self) {
        let me = self.engine.me().id;
        let peers = self.engine.members().iter().filter(|(id, _)| **id != me);
        for (id, offer) in peers {
            if self.alumni.get(id) != Some(&offer.contact) {
                self.alumni.insert(*id, offer.contact.clone());
            }
        }
        self.peers_generation += 1;
    }

    /// Takes over newer shared metadata.
    pub fn learn(&mut self, smd: Smd) {
        self.due.sharing |= self.smd.merge(smd);
        self.renew_offer();
        let cuts: Vec<_> = self.smd.names("truncate").map(ToOwned::to_owned).collect();
        for cut in cuts {
            let until = self.smd.get::<u64>(&format!("truncate/{cut}")).unwrap_or(0);
            let (namespace, set) = cut.split_once('/').unwrap_or((&cut, ""));
            self.truncate(
                namespace,
                Some(set).filter(|set| !set.is_empty()),
                until + EPOCH,
            );
        }
    }

    /// Drops records of a namespace, or of a set in it, that were not changed after `until`.
    pub fn truncate(&mut self, namespace: &str, set: Option<&str>, until: u64) {
        let stays =
            |record: &Record| record.changed > until || set.is_some_and(|set| set != record.set);
        self.records.retain(namespace, |_, record| stays(record));
    }
}

/// Where a roster is among the shared metadata.
#[must_use]
pub fn roster_key(namespace: &str) -> String {
    format!("roster/{namespace}")
}

/// The node ids in a roster: racks and the mark of the active rack are left out.
#[must_use]
pub fn roster_ids(roster: &[String]) -> Vec<NodeId> {
    let ids = roster.iter().filter_map(|entry| {
        let entry = entry.rsplit('|').next().unwrap_or(entry);
        let id = entry.split('@').next().unwrap_or(entry);
        NodeId::from_str_radix(id, 16).ok()
    });
    ids.collect()
}
