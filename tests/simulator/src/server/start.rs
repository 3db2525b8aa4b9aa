//! From a configuration file to a running server.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::addresses::{PLAIN, TLS};
use super::clients::{self, Port};
use super::clock::Clock;
use super::devices::{Devices, Unusable};
use super::log::{Log, format};
use super::names::Names;
use super::storage::Storage;
use super::tls::Tls;
use super::{Shared, addresses, control, fabric, feature_key, heartbeat};
use crate::cluster::{Engine, Incarnation, Offer, Timing};
use crate::conf::checks::{Machine, check};
use crate::conf::{self, Refusal, Settings};
use crate::node::{LogLine, Node};
use crate::security;
use crate::version::Release;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which server it plays.
    pub release: Release,
    /// Its configuration file.
    pub config_file: PathBuf,
    /// Whether unknown requests are violations.
    pub strict: bool,
    /// Where tests say what is to go wrong.
    pub control: Option<SocketAddr>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The file cannot be read.
    #[error("could not open configuration file {path}")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is refused; it has been said where the server says it.
    #[error("configuration refused")]
    Refused(#[source] Refusal),
    /// A device cannot be used: the server aborts.
    #[error("device")]
    Device(#[source] Unusable),
    /// An address is not one of this host: the server aborts.
    #[error("couldn't bind to {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server that runs until it is dropped.
pub struct Running {
    /// Its state.
    pub shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Stops it: all its connections end.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        self.shared.flush_devices();
    }
}

/// What is let pass, but not without a word.
fn warn(shared: &Shared) {
    let (mut warnings, version, admin, tls) = {
        let node = shared.node();
        let port = |name: &str| node.settings.port(&format!("network.{name}"));
        let admin = port("admin.port") != 0 || port("admin.tls-port") != 0;
        let tls = port("heartbeat.tls-port") != 0 || port("fabric.tls-port") != 0;
        (
            node.settings.warnings().to_vec(),
            node.version(),
            admin,
            tls,
        )
    };
    if version.at_least(8, 1) && !admin {
        warnings.push("failed admin-port check - admin section is not configured".to_owned());
    }
    if tls {
        warnings.push(
            "simulator: nodes talk to each other without encryption, on the TLS ports too"
                .to_owned(),
        );
    }
    for warning in warnings {
        shared.say(1, "config", warning);
    }
}

/// A crash loses what the server had not yet written: `flush-max-ms`.
const FLUSH: Duration = Duration::from_secs(1);

async fn flush(shared: Arc<Shared>) {
    loop {
        sleep(FLUSH).await;
        shared.flush_devices();
    }
}

/// A number that nobody can guess.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Starts a server.
///
/// # Errors
///
/// If the real one would exit.
pub async fn start(options: &Options) -> Result<Running, Failure> {
    let clock = Clock::set();
    let settings = read(options, clock)?;
    let log = Log::open(settings.sinks())
        .map_err(|text| loud(clock, Refusal::in_module("misc", text)))?;
    let quiet = |refusal: Refusal| {
        log.write(settings.sinks(), clock.now(), &line_of(&refusal));
        Failure::Refused(refusal)
    };
    check(&settings, machine()).map_err(&quiet)?;
    directories(&settings).map_err(&quiet)?;
    feature_key::check(&settings).map_err(|text| quiet(Refusal::of_all(text)))?;
    let names = Names::of_system();
    let invalid = |error: addresses::Invalid| quiet(Refusal::of_all(error.to_string()));
    let published = addresses::published(&settings, &names)
        .await
        .map_err(invalid)?;
    let listeners = Listeners::of(&settings, &names).await.map_err(&quiet)?;
    let storage = Storage::below(Path::new(work_directory(&settings)));
    let engine = engine(&settings, clock);
    let mut node = Node::new(settings, engine, published, clock.now());
    node.strict = options.strict;
    node.smd = storage.load();
    node.renew_offer();
    let devices = Devices::open(&node.settings).map_err(Failure::Device)?;
    devices.load(&mut node.records).map_err(Failure::Device)?;
    secure(&mut node).map_err(|text| loud(clock, Refusal::in_module("security", text)))?;
    let shared = Arc::new(Shared::new(node, clock, log, names, storage, devices));
    shared.say(
        2,
        "as",
        format!(
            "<><><><><><><><><><>  {} build {}  <><><><><><><><><><>",
            options.release.edition, options.release.version
        ),
    );
    warn(&shared);
    let mut tasks = listeners.bind(&shared).await?;
    tasks.spawn(flush(Arc::clone(&shared)));
    if let Some(address) = options.control {
        let bound = control::bind(address).await;
        let listener = bound.map_err(|source| Failure::Bind { address, source })?;
        tasks.spawn(control::listen(Arc::clone(&shared), listener));
    }
    shared.say(2, "as", "service ready: soon there will be cake!");
    Ok(Running { shared, tasks })
}

fn read(options: &Options, clock: Clock) -> Result<Settings, Failure> {
    let path = &options.config_file;
    let text = std::fs::read_to_string(path).map_err(|source| Failure::Unreadable {
        path: path.clone(),
        source,
    })?;
    conf::parse(options.release, &text).map_err(|refusal| loud(clock, refusal))
}

/// A refusal that the server tells on the standard error, before it has log sinks.
fn loud(clock: Clock, refusal: Refusal) -> Failure {
    eprintln!("{}", format(clock.now(), &line_of(&refusal)));
    Failure::Refused(refusal)
}

fn line_of(refusal: &Refusal) -> LogLine {
    let line = refusal
        .line
        .map(|line| format!("line {line} :: "))
        .unwrap_or_default();
    LogLine {
        level: 0,
        context: refusal.module,
        text: format!("{line}{}", refusal.text),
    }
}

fn machine() -> Machine {
    let open_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Machine {
        open_files: open_files.unwrap_or(u64::MAX),
        processors: processors as u64,
    }
}

fn work_directory(settings: &Settings) -> &str {
    settings
        .get("service.work-directory")
        .unwrap_or("/opt/aerospike")
}

fn directories(settings: &Settings) -> Result<(), Refusal> {
    let work = Path::new(work_directory(settings));
    for (path, what) in [
        (work.to_owned(), "work"),
        (work.join("smd"), "system metadata"),
    ] {
        if !path.is_dir() {
            let text = format!(
                "{what} directory '{}' is not set up properly: No such file or directory",
                path.display()
            );
            return Err(Refusal::in_module("as", text));
        }
    }
    Ok(())
}

fn engine(settings: &Settings, clock: Clock) -> Engine {
    let id = settings
        .get("service.node-id")
        .and_then(|id| u64::from_str_radix(id, 16).ok());
    let me = Incarnation {
        id: id.unwrap_or_else(|| random() & 0xffff_ffff_ffff),
        nonce: random(),
    };
    let number = |name: &str, otherwise| settings.number(name, otherwise);
    let timing = Timing::new(
        number("network.heartbeat.interval", 150),
        number("network.heartbeat.timeout", 10),
    );
    let name = settings.get("service.cluster-name").unwrap_or("null");
    let mut engine = Engine::new(me, name, timing, Offer::default(), clock.now())
        .with_largest_cluster(settings.release().largest_cluster());
    engine.set_least_cluster(usize::try_from(number("service.min-cluster-size", 1)).unwrap_or(1));
    engine
}

/// The hash of `admin` under the salt that all servers share.
const ADMIN_HASH: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";
const SALT: [u8; 16] = [
    0xf4, 0x6b, 0x0b, 0xbe, 0xcf, 0xfe, 0x8d, 0x1b, 0x06, 0x67, 0xd8, 0x4f, 0x6d, 0xc1, 0xd8, 0xa9,
];

fn secure(node: &mut Node) -> Result<(), String> {
    if !node.is_secured() {
        return Ok(());
    }
    let hash = match node.settings.get("security.default-password-file") {
        Some(file) => {
            let password = std::fs::read_to_string(file)
                .map_err(|error| format!("can't read {file}: {error}"))?;
            hash(password.trim_end()).map_err(|error| format!("can't use {file}: {error}"))?
        }
        None => ADMIN_HASH.to_owned(),
    };
    security::initialize(&mut node.smd, hash);
    Ok(())
}

fn hash(password: &str) -> Result<String, bcrypt::BcryptError> {
    const COST: u32 = 10;
    let parts = bcrypt::hash_with_salt(password, COST, SALT)?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

/// Ports for clients.
struct Door {
    port: Port,
    addresses: Vec<SocketAddr>,
    tls: Option<Tls>,
}

struct Listeners {
    fabric: Vec<SocketAddr>,
    heartbeat: Vec<SocketAddr>,
    doors: Vec<Door>,
}

impl Listeners {
    async fn of(settings: &Settings, names: &Names) -> Result<Self, Refusal> {
        let mut doors = Vec::new();
        for (name, port) in [("admin", Port::Admin), ("service", Port::Service)] {
            let plain = listeners(settings, names, name, PLAIN).await?;
            doors.push(Door {
                port,
                addresses: plain,
                tls: None,
            });
            let addresses = listeners(settings, names, name, TLS).await?;
            let tls = Tls::of(settings, name).map_err(|text| Refusal::in_module("tls", text))?;
            doors.push(Door {
                port,
                addresses,
                tls,
            });
        }
        let fabric = between_nodes(settings, names, "fabric").await?;
        let heartbeat = between_nodes(settings, names, "heartbeat").await?;
        Ok(Self {
            fabric,
            heartbeat,
            doors,
        })
    }

    /// In the server's order: a node is in the mesh a moment before its service port opens.
    async fn bind(self, shared: &Arc<Shared>) -> Result<JoinSet<()>, Failure> {
        let mut tasks = JoinSet::new();
        for listener in bind(shared, &self.fabric).await? {
            tasks.spawn(fabric::listen(Arc::clone(shared), listener));
        }
        let heartbeat = bind(shared, &self.heartbeat).await?;
        tasks.spawn(heartbeat::run(Arc::clone(shared), heartbeat));
        for door in self.doors {
            for listener in bind(shared, &door.addresses).await? {
                tasks.spawn(clients::listen(
                    Arc::clone(shared),
                    listener,
                    door.port,
                    door.tls.clone(),
                ));
            }
        }
        Ok(tasks)
    }
}

async fn listeners(
    settings: &Settings,
    names: &Names,
    name: &str,
    kind: &str,
) -> Result<Vec<SocketAddr>, Refusal> {
    let listeners = addresses::listeners(settings, names, name, kind).await;
    listeners.map_err(|error| Refusal::of_all(error.to_string()))
}

/// Nodes talk to each other plainly on all their ports: with TLS only its files are checked.
async fn between_nodes(
    settings: &Settings,
    names: &Names,
    name: &str,
) -> Result<Vec<SocketAddr>, Refusal> {
    Tls::of(settings, name).map_err(|text| Refusal::in_module("tls", text))?;
    let mut all = listeners(settings, names, name, PLAIN).await?;
    all.extend(listeners(settings, names, name, TLS).await?);
    Ok(all)
}

const PORT_IN_USE: Duration = Duration::from_secs(5);

async fn bind(shared: &Shared, addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(bind_one(shared, *address).await?);
    }
    Ok(listeners)
}

/// A port in use is no error: the server waits for it.
async fn bind_one(shared: &Shared, address: SocketAddr) -> Result<TcpListener, Failure> {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                shared.say(1, "socket", format!("Socket {address} in use, waiting"));
                sleep(PORT_IN_USE).await;
            }
            Err(source) => {
                let number = source.raw_os_error().unwrap_or_default();
                shared.say(
                    1,
                    "socket",
                    format!("Error while binding to {address}: {number} ({source})"),
                );
                shared.say(0, "service", "couldn't initialize service socket");
                return Err(Failure::Bind { address, source });
            }
        }
    }
}
