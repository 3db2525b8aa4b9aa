//! The mesh: every node has a connection to every other, and tells it each interval that it lives.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::fabric::host_port;
use super::{Shared, fabric, frames, migrate};
use crate::cluster::{Incarnation, NodeId, Pulse};

/// How often the engine is told the time.
const TICK: Duration = Duration::from_millis(15);
const REDIAL: Duration = Duration::from_millis(500);
const CONNECT: Duration = Duration::from_secs(1);
/// A connection on which nothing comes has lost its other end.
const SILENCE: Duration = Duration::from_secs(30);

/// What goes over a connection: a pulse, and where the others are.
#[derive(Serialize, Deserialize)]
struct Beat {
    pulse: Pulse,
    known: Vec<(NodeId, String)>,
}

#[derive(Default)]
struct Mesh {
    links: HashMap<u64, Link>,
    next_link: u64,
    targets: HashMap<String, Target>,
    learned: HashMap<NodeId, String>,
}

struct Link {
    lines: UnboundedSender<Arc<Vec<u8>>>,
    peer: Option<Incarnation>,
}

enum Target {
    Linked,
    Myself,
    Again(Instant),
}

impl Mesh {
    fn linked(&self) -> BTreeSet<NodeId> {
        let peers = self.links.values().filter_map(|link| link.peer);
        peers.map(|peer| peer.id).collect()
    }

    /// Only who is alive is passed on: otherwise the dead would be dialled for ever.
    fn linked_addresses(&self) -> Vec<(NodeId, String)> {
        let linked = self.linked();
        let addresses = self.learned.iter().filter(|(id, _)| linked.contains(id));
        addresses
            .map(|(id, address)| (*id, address.clone()))
            .collect()
    }

    fn forget(&mut self, target: &str) {
        let linked = self.linked();
        self.learned
            .retain(|id, address| address != target || linked.contains(id));
    }
}

struct Heart {
    shared: Arc<Shared>,
    mesh: Mutex<Mesh>,
}

/// Listens, dials, and beats, for ever.
pub async fn run(shared: Arc<Shared>, listeners: Vec<TcpListener>) {
    let heart = Arc::new(Heart {
        shared,
        mesh: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    for listener in listeners {
        tasks.spawn(accept(Arc::clone(&heart), listener));
    }
    tasks.spawn(beat(Arc::clone(&heart)));
    tasks.spawn(dial(heart));
    tasks.join_all().await;
}

async fn accept(heart: Arc<Heart>, listener: TcpListener) {
    let mut links = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let heart = Arc::clone(&heart);
            links.spawn(async move { heart.link(stream, None).await });
        }
        while links.try_join_next().is_some() {}
    }
}

async fn dial(heart: Arc<Heart>) {
    let mut links = JoinSet::new();
    let mut ticks = interval(Duration::from_millis(50));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for target in heart.wanted() {
            let heart = Arc::clone(&heart);
            links.spawn(async move { heart.dial(target).await });
        }
        while links.try_join_next().is_some() {}
    }
}

async fn beat(heart: Arc<Heart>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = 0;
    let mut work = JoinSet::new();
    loop {
        ticks.tick().await;
        let now = heart.shared.clock.now();
        let (urgent, every) = {
            let mut node = heart.shared.node();
            node.tick(now);
            (node.engine.take_urgent(), node.engine.interval())
        };
        if urgent || now >= due {
            due = now + every;
            heart.send();
        }
        heart.follow(&mut work);
        while work.try_join_next().is_some() {}
    }
}

impl Heart {
    fn mesh(&self) -> std::sync::MutexGuard<'_, Mesh> {
        self.mesh.lock().expect("no holder panics")
    }

    fn is_silent(&self) -> bool {
        self.shared
            .node()
            .settings
            .get("network.heartbeat.protocol")
            == Some("none")
    }

    /// Acts on changes of the cluster and of the shared metadata.
    fn follow(&self, work: &mut JoinSet<()>) {
        let (balanced, changed) = {
            let mut node = self.shared.node();
            (
                migrate::follow(&mut node),
                std::mem::take(&mut node.due.sharing),
            )
        };
        if changed {
            let smd = self.shared.node().smd.clone();
            if let Err(error) = self.shared.storage.keep(&smd) {
                self.shared
                    .say(1, "smd", format!("failed to write metadata: {error}"));
            }
        }
        if changed || balanced.is_some() {
            work.spawn(fabric::share(Arc::clone(&self.shared)));
        }
        if let Some(plan) = balanced {
            work.spawn(migrate::run(Arc::clone(&self.shared), plan));
        }
        self.shared.flush_log();
    }

    fn send(&self) {
        if self.is_silent() {
            return;
        }
        let pulse = Pulse::clone(&self.shared.node().engine.pulse());
        let mesh = self.mesh();
        let known = mesh.linked_addresses();
        let Ok(bytes) = frames::encode(&Beat { pulse, known }) else {
            return;
        };
        let bytes = Arc::new(bytes);
        for link in mesh.links.values() {
            // a link that is gone takes itself off the list
            let _ = link.lines.send(Arc::clone(&bytes));
        }
    }

    /// Addresses to dial now; they count as linked from here on.
    fn wanted(&self) -> Vec<String> {
        let seeds: Vec<_> = self.shared.node().seeds.iter().cloned().collect();
        let mut mesh = self.mesh();
        let linked = mesh.linked();
        let learned = mesh.learned.iter().filter(|(id, _)| !linked.contains(id));
        let targets: Vec<_> = seeds
            .into_iter()
            .chain(learned.map(|(_, address)| address.clone()))
            .collect();
        let now = Instant::now();
        let due = |mesh: &Mesh, target: &String| match mesh.targets.get(target) {
            None => true,
            Some(Target::Again(at)) => *at <= now,
            Some(Target::Linked | Target::Myself) => false,
        };
        let due: Vec<_> = targets
            .into_iter()
            .filter(|target| due(&mesh, target))
            .collect();
        for target in &due {
            mesh.targets.insert(target.clone(), Target::Linked);
        }
        due
    }

    async fn dial(&self, target: String) {
        let again = if let Ok(stream) = self.connect(&target).await {
            self.link(stream, Some(&target)).await
        } else {
            self.mesh().forget(&target);
            true
        };
        let state = if again {
            Target::Again(Instant::now() + REDIAL)
        } else {
            Target::Myself
        };
        self.mesh().targets.insert(target, state);
    }

    async fn connect(&self, target: &str) -> io::Result<TcpStream> {
        let (host, port) = target.rsplit_once(':').ok_or(io::ErrorKind::InvalidInput)?;
        let port: u16 = port.parse().map_err(io::Error::other)?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let addresses = self.shared.names.resolve(host).await;
        if addresses.is_empty() {
            let text =
                format!("Error while converting address '{host}': Name or service not known");
            self.shared.say(1, "socket", text);
        }
        for address in addresses {
            match timeout(CONNECT, TcpStream::connect((address, port))).await? {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Serves a connection until it ends; whether it is worth dialling again.
    async fn link(&self, stream: TcpStream, dialled: Option<&str>) -> bool {
        let _ = stream.set_nodelay(true);
        let Ok(remote) = stream.peer_addr() else {
            return true;
        };
        let (lines, waiting) = unbounded_channel();
        let id = self.add_link(lines);
        let (mut reader, writer) = stream.into_split();
        self.send();
        let myself = tokio::select! {
            myself = self.read(id, &mut reader, remote.ip()) => myself,
            () = write(writer, waiting) => false,
        };
        self.mesh().links.remove(&id);
        !(myself && dialled.is_some())
    }

    fn add_link(&self, lines: UnboundedSender<Arc<Vec<u8>>>) -> u64 {
        let mut mesh = self.mesh();
        mesh.next_link += 1;
        let id = mesh.next_link;
        mesh.links.insert(id, Link { lines, peer: None });
        id
    }

    /// Hears until the connection ends; whether the other end is this node itself.
    async fn read(
        &self,
        id: u64,
        reader: &mut (impl tokio::io::AsyncRead + Unpin),
        remote: IpAddr,
    ) -> bool {
        while let Ok(Ok(beat)) = timeout(SILENCE, frames::read::<Beat>(reader)).await {
            if beat.pulse.from == self.shared.node().engine.me() {
                return true;
            }
            if !self.is_silent() {
                self.hear(id, beat, remote);
            }
        }
        false
    }

    fn hear(&self, id: u64, mut beat: Beat, remote: IpAddr) {
        let contact = &mut Arc::make_mut(&mut beat.pulse.offer).contact;
        for host in [&mut contact.heartbeat.0, &mut contact.fabric.0] {
            if host.is_empty() {
                *host = remote.to_canonical().to_string();
            }
        }
        let me = self.shared.node().engine.me().id;
        let mut mesh = self.mesh();
        if let Some(link) = mesh.links.get_mut(&id) {
            link.peer = Some(beat.pulse.from);
        }
        mesh.learned
            .insert(beat.pulse.from.id, host_port(&contact.heartbeat));
        for (id, address) in beat.known.into_iter().filter(|(id, _)| *id != me) {
            mesh.learned.entry(id).or_insert(address);
        }
        drop(mesh);
        let now = self.shared.clock.now();
        self.shared.node().hear(Arc::new(beat.pulse), now);
    }
}

async fn write(
    mut writer: impl tokio::io::AsyncWrite + Unpin,
    mut waiting: UnboundedReceiver<Arc<Vec<u8>>>,
) {
    while let Some(bytes) = waiting.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
