//! Processes: their start, their end, and what they leave behind.

use std::sync::Arc;

use super::disks::Refusal;
use super::record::{Cause, Harm};
use super::{Fleet, Launch};
use crate::cluster::{Engine, Incarnation, Offer, Pulse, Timing};
use crate::conf::Settings;
use crate::node::{Addresses, Node};

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// By the signal that asks it to.
    Clean,
    /// At once, and whoever did it is to blame for what follows.
    Killed,
    /// At once, by itself: only what is lost by it goes into the record.
    Crashed,
}

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It reads its storage until then, and answers nothing.
    Loading(u64),
    /// It serves.
    Serving,
    /// It stands still.
    Frozen,
    /// It writes until then what it has in its buffers.
    Stopping(u64),
}

/// A process.
#[derive(Clone)]
pub struct Server {
    pub name: String,
    pub launch: Launch,
    pub node: Node,
    pub me: Incarnation,
    pub stage: Stage,
    /// The place of its store by namespace.
    pub places: Vec<(String, u8)>,
    /// The key of the cluster that it is a member of.
    pub cluster: Option<u64>,
    /// The key that it had in force when somebody last looked.
    pub committed: u64,
    pub next_pulse: u64,
    pub pulse: Option<Arc<Pulse>>,
}

impl Server {
    /// Whether it takes part in the cluster.
    pub fn beats(&self) -> bool {
        self.stage == Stage::Serving
    }

    /// The place of its store of a namespace.
    pub fn place(&self, namespace: &str) -> Option<u8> {
        let places = self.places.iter();
        places
            .filter(|(name, _)| name == namespace)
            .map(|(_, place)| *place)
            .next()
    }
}

impl Fleet {
    /// Starts a server.
    ///
    /// # Errors
    ///
    /// If its disks are not what it left there.
    ///
    /// # Panics
    ///
    /// If there is one of that name.
    pub fn start(&mut self, name: &str, launch: &Launch) -> Result<(), Refusal> {
        assert!(self.find(name).is_none(), "{name} runs already");
        self.open_disks(launch)?;
        let me = Incarnation {
            id: launch.id,
            nonce: self.draw(),
        };
        let ready = self.now + launch.loading + self.indexing(launch);
        let server = Server {
            name: name.to_owned(),
            node: self.node(name, launch, me, ready),
            places: self.open_stores(launch, me),
            launch: launch.clone(),
            me,
            stage: Stage::Loading(ready),
            cluster: None,
            committed: 0,
            next_pulse: ready,
            pulse: None,
        };
        let at = self
            .servers
            .partition_point(|known| known.name.as_str() < name);
        self.servers.insert(at, server);
        self.network.moved();
        Ok(())
    }

    /// An index that was left whole is found again, once.
    fn indexing(&mut self, launch: &Launch) -> u64 {
        let index = launch.index.as_ref();
        let warm = index.is_some_and(|index| self.indexes.remove(index));
        if warm { 0 } else { launch.indexing }
    }

    fn node(&self, name: &str, launch: &Launch, me: Incarnation, ready: u64) -> Node {
        let settings = launch.settings.clone();
        let port = |key: &str| settings.port(key);
        let mut addresses = Addresses::default();
        addresses.contact.service = vec![format!("{name}:{}", port("network.service.port"))];
        addresses.contact.heartbeat = (name.to_owned(), port("network.heartbeat.port"));
        addresses.contact.fabric = (name.to_owned(), port("network.fabric.port"));
        let engine = engine(&settings, me, ready);
        let mut node = Node::new(settings, engine, addresses, ready);
        node.balances = self.balances.clone();
        node.texts = self.texts.clone();
        node.partitions = self.partitions;
        node.holdings = Some(std::collections::BTreeMap::new());
        node.strict = true;
        node.figures = self.figures;
        let work = launch.work.as_ref().and_then(|it| self.work.get(it));
        node.smd = work.cloned().unwrap_or_default();
        node.renew_offer();
        node
    }

    /// Ends a server; a clean stop takes the time that it needs to write what it has, and a second stop ends it at once.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn stop(&mut self, name: &str, how: Stop) {
        let index = self.index(name);
        let flushing = matches!(self.servers[index].stage, Stage::Stopping(_));
        match (how, self.servers[index].stage) {
            (Stop::Clean, Stage::Serving) => self.begin_stop(index),
            (Stop::Clean, Stage::Stopping(_) | Stage::Frozen) => {}
            (how, _) => {
                let cause = cause(how, name);
                if !flushing {
                    self.leave(index, &cause);
                }
                self.end(index, how, &cause);
            }
        }
    }

    fn begin_stop(&mut self, index: usize) {
        let cause = Cause::Stopped(self.servers[index].name.clone());
        self.leave(index, &cause);
        let server = &mut self.servers[index];
        server.stage = Stage::Stopping(self.now + server.launch.flushing);
        self.network.moved();
    }

    /// The server answers nothing any more.
    fn leave(&mut self, index: usize, cause: &Cause) {
        if matches!(cause, Cause::Crashed(_)) {
            return;
        }
        let places = self.servers[index].places.clone();
        for (namespace, place) in &places {
            let partitions = self.client.expects(namespace, *place);
            self.note(Harm::ClientVisible, namespace, partitions, cause.clone());
            let silenced = self.silenced_by(index, namespace);
            self.note(Harm::Unavailable, namespace, silenced, cause.clone());
        }
    }

    /// The process is gone, and what was in it.
    pub(super) fn end(&mut self, index: usize, how: Stop, cause: &Cause) {
        let server = self.servers.remove(index);
        self.network.moved();
        if let Some(work) = &server.launch.work {
            self.work.insert(work.clone(), server.node.smd.clone());
        }
        if let (Some(index), Stop::Clean) = (&server.launch.index, how) {
            self.indexes.insert(index.clone());
        }
        self.close_stores(&server, how, cause);
        self.forget_clusters();
    }

    /// Stops the clock of a server, which goes on living.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn freeze(&mut self, name: &str) {
        let index = self.index(name);
        if self.servers[index].stage == Stage::Serving {
            self.servers[index].stage = Stage::Frozen;
            self.network.moved();
        }
    }

    /// Lets a frozen server go on.
    ///
    /// # Panics
    ///
    /// If there is none of that name.
    pub fn thaw(&mut self, name: &str) {
        let index = self.index(name);
        if self.servers[index].stage == Stage::Frozen {
            self.servers[index].stage = Stage::Serving;
            self.network.moved();
        }
    }

    /// The names of all processes.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.servers.iter().map(|it| it.name.as_str())
    }

    /// Whether there is a process of that name, whatever it does.
    #[must_use]
    pub fn runs(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether there is a process of that name that answers.
    #[must_use]
    pub fn serves(&self, name: &str) -> bool {
        self.find(name)
            .is_some_and(|index| self.servers[index].beats())
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.servers.iter().position(|it| it.name == name)
    }

    pub(super) fn index(&self, name: &str) -> usize {
        self.find(name)
            .unwrap_or_else(|| panic!("there is no server {name}"))
    }
}

fn cause(how: Stop, name: &str) -> Cause {
    let name = name.to_owned();
    match how {
        Stop::Clean => Cause::Stopped(name),
        Stop::Killed => Cause::Killed(name),
        Stop::Crashed => Cause::Crashed(name),
    }
}

fn engine(settings: &Settings, me: Incarnation, now: u64) -> Engine {
    let number = |name: &str, otherwise| settings.number(name, otherwise);
    let timing = Timing::new(
        number("network.heartbeat.interval", 150),
        number("network.heartbeat.timeout", 10),
    );
    let name = settings.get("service.cluster-name").unwrap_or("null");
    let mut engine = Engine::new(me, name, timing, Offer::default(), now)
        .with_largest_cluster(settings.release().largest_cluster());
    engine.set_least_cluster(usize::try_from(number("service.min-cluster-size", 1)).unwrap_or(1));
    engine
}
