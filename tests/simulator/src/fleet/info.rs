//! Questions to a server.

use std::net::{IpAddr, Ipv4Addr};

use super::Fleet;
use super::record::{Cause, Harm};
use super::server::{Stage, Stop};
use crate::conf::settings::namespace_key;
use crate::faults::{Fault, Planned, Point};
use crate::info::{self, Request};
use crate::node::Holding;
use crate::security::Caller;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// There is no such server, or it is on its way up or down.
    #[error("connection refused")]
    Refused,
    /// It takes the connection and says nothing.
    #[error("no answer in time")]
    Stalled,
    /// The connection ends in the middle of the answer.
    #[error("the connection broke")]
    Broken,
    /// The answer lacks the line of this command, as those of old servers do for what they do not know.
    #[error("the answer does not have the command")]
    Unanswered,
}

impl Fleet {
    /// The value that a server answers to a command; an error of its own is a value too.
    ///
    /// # Errors
    ///
    /// If nothing comes back.
    pub fn info(&mut self, name: &str, command: &str) -> Result<String, Silence> {
        let text = self.ask(name, &[command])?;
        let value = text.strip_suffix('\n').and_then(|it| it.split_once('\t'));
        let (_, value) = value.ok_or(Silence::Unanswered)?;
        Ok(value.to_owned())
    }

    /// What a server answers to commands that are asked together: a line each, the command and a tab before the value.
    ///
    /// # Errors
    ///
    /// If nothing comes back.
    pub fn ask(&mut self, name: &str, commands: &[&str]) -> Result<String, Silence> {
        let index = self.find(name).ok_or(Silence::Refused)?;
        match self.servers[index].stage {
            Stage::Serving => {}
            Stage::Frozen => return Err(Silence::Stalled),
            Stage::Loading(_) | Stage::Stopping(_) => return Err(Silence::Refused),
        }
        let faults = &mut self.servers[index].node.faults;
        if faults.strike(&Fault::Refuse) {
            return Err(Silence::Refused);
        }
        if faults.strike(&Fault::Stall) {
            return Err(Silence::Stalled);
        }
        self.count_holdings(index);
        let server = &mut self.servers[index];
        let unknown = server.node.counts.unknown_info;
        let text = answer(&mut server.node, commands, self.now);
        server.node.log.clear();
        if server.node.counts.unknown_info > unknown {
            let subject = commands.join(" ");
            self.note(
                Harm::UnknownInfo,
                &subject,
                1,
                Cause::Asked(name.to_owned()),
            );
        }
        if commands.iter().any(|command| command.starts_with("tip")) {
            self.network.moved();
        }
        if let Some(silence) = self.go_wrong(index, commands) {
            return Err(silence);
        }
        self.follow(index);
        Ok(text)
    }

    /// What goes wrong after commands were carried out.
    fn go_wrong(&mut self, index: usize, commands: &[&str]) -> Option<Silence> {
        let node = &mut self.servers[index].node;
        let keeps = node.faults.crashes(Point::BeforeMetadataIsKept) && node.due.sharing;
        if std::mem::take(&mut node.crash) || keeps {
            let name = self.servers[index].name.clone();
            if keeps {
                // what it was told is nowhere but in its memory
                self.servers[index].launch.work = None;
            } else {
                self.follow(index);
            }
            self.stop(&name, Stop::Crashed);
            return Some(Silence::Broken);
        }
        let lost = commands.iter().any(|it| node.faults.loses_reply(it));
        let broken = node.faults.strike(&Fault::Truncate) || node.faults.strike(&Fault::Garble);
        if lost || broken {
            self.follow(index);
        }
        match (lost, broken) {
            (true, _) => Some(Silence::Stalled),
            (_, true) => Some(Silence::Broken),
            _ => None,
        }
    }

    /// Something is to go wrong with a server, so many times, or from now on.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn inject(&mut self, name: &str, fault: Fault, calls: Option<u32>) {
        let index = self.index(name);
        let node = &mut self.servers[index].node;
        node.inject(Planned { fault, calls });
    }

    /// Nothing goes wrong with a server any more.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn heal(&mut self, name: &str) {
        let index = self.index(name);
        self.servers[index].node.heal();
    }

    /// Tells the node what it has, which it cannot count.
    fn count_holdings(&mut self, index: usize) {
        let server = &self.servers[index];
        let (mut holdings, mut migrations) = (Vec::new(), Vec::new());
        for (namespace, place) in &server.places {
            let key = namespace_key(namespace, "storage-engine.data-size");
            let size = server.launch.storage[namespace].1;
            let size = server.node.settings.number(&key, size);
            let (holding, moves) = self.holding(index, namespace, *place, size);
            holdings.push((namespace.clone(), holding));
            migrations.push((namespace.clone(), moves));
        }
        let node = &mut self.servers[index].node;
        node.holdings = Some(holdings.into_iter().collect());
        node.migrations = migrations.into_iter().collect();
    }

    /// Tells how many bytes the records of a namespace have, each counted once.
    pub fn set_bytes(&mut self, namespace: &str, bytes: u64) {
        self.sizes.insert(namespace.to_owned(), bytes);
    }

    pub(super) fn bytes_of(&self, namespace: &str) -> u64 {
        self.sizes.get(namespace).copied().unwrap_or(4 << 20)
    }
}

impl Holding {
    /// Of so many partitions each, in which there are `bytes` in all.
    pub(super) fn of(counts: [usize; 3], partitions: usize, bytes: u64, total_bytes: u64) -> Self {
        /// Bytes of a record.
        const RECORD: u64 = 1024;
        let [master, prole, surplus] =
            counts.map(|count| bytes * count as u64 / RECORD / partitions.max(1) as u64);
        let used_bytes = (master + prole + surplus) * RECORD;
        Self {
            master,
            prole,
            surplus,
            used_bytes,
            total_bytes,
            stop_writes: total_bytes > 0 && used_bytes * 100 / total_bytes > 70,
            ..Self::default()
        }
    }
}

fn answer(node: &mut crate::node::Node, commands: &[&str], now: u64) -> String {
    let caller = Caller::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut request = Request {
        node,
        caller: &caller,
        by_admin_port: false,
        now,
    };
    let body: String = commands.iter().flat_map(|it| [*it, "\n"]).collect();
    info::answer(&mut request, body.as_bytes())
}
