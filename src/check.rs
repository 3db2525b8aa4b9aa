//! The `check` command: connects to a cluster as an application would, says what a client sees, and with `--write`
//! writes, reads and deletes a record.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aerospike::{AdminPolicy, AuthMode, Client, ClientPolicy, Host, Node};
use tokio::time::{Instant, interval, timeout_at};

use crate::{aerospike::password::Password, stdout};

mod record;
mod report;

pub use report::{Report, SeenNode, render};

/// The variable that may hold the password.
const PASSWORD_VARIABLE: &str = "AEROSPIKE_PASSWORD";
/// How often to look whether all expected nodes have been found.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Connects to a cluster as an application would, and lists the nodes that a client sees.
///
/// The password is read from a file or from the variable `AEROSPIKE_PASSWORD`, never from the command line, which
/// other users of the machine can read. Seeds are IP addresses: this program resolves no names.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct CheckArgs {
    /// Service address to begin with, as `IP:PORT` or `[IPv6]:PORT`, not a name; may be repeated
    #[arg(long = "seed", required = true, value_name = "IP:PORT", value_parser = parse_seed)]
    pub seeds: Vec<SocketAddr>,
    /// Go on to the nodes' alternate addresses, as a client outside of Kubernetes would
    #[arg(long)]
    pub alternate: bool,
    /// User to log in as
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// File with the user's password; without it, the variable `AEROSPIKE_PASSWORD`
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// Wait for this many nodes, and fail if a client sees another number
    #[arg(long, value_name = "N")]
    pub expect_nodes: Option<usize>,
    /// Namespace that every node must have
    #[arg(long, value_name = "NS")]
    pub namespace: Option<String>,
    /// Write a record into the set `aerospike-operator-check` of the namespace, read it back and delete it
    #[arg(long, requires = "namespace")]
    pub write: bool,
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = parse_seconds)]
    pub timeout: Duration,
}

fn parse_seed(text: &str) -> Result<SocketAddr, String> {
    let wanted = "expected IP:PORT such as 10.0.0.1:3000; names are not resolved, so look the address up first";
    text.parse().map_err(|_| wanted.to_owned())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let wanted = "expected whole seconds from 1 to 3600";
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (1..=3600).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| wanted.to_owned())
}

/// Why the cluster is not as an application needs it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A user without a password.
    #[error(
        "no password for user {user:?}: set {PASSWORD_VARIABLE} or name a file with --password-file"
    )]
    NoPassword {
        /// The user.
        user: String,
    },
    /// The password cannot be read.
    #[error("failed to read the password from {}", path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No seed led to a cluster.
    #[error(
        "no cluster behind {seeds}: check that a server listens there and can be reached from here, that user and \
         password are right, and whether --alternate is needed"
    )]
    Connect {
        /// The seeds.
        seeds: String,
        /// What the client says.
        source: aerospike::Error,
    },
    /// A node that does not answer.
    #[error(
        "node {node} at {address} does not answer: check that its advertised address can be reached from here"
    )]
    Ask {
        /// Its id.
        node: String,
        /// Its address.
        address: String,
        /// What the client says.
        source: aerospike::Error,
    },
    /// More or fewer nodes than there should be.
    #[error(
        "a client sees {seen} of {expected} nodes ({names}): look at the pods, and at the addresses that the others advertise"
    )]
    Nodes {
        /// How many there are.
        seen: usize,
        /// How many there should be.
        expected: usize,
        /// Which.
        names: String,
    },
    /// A node without the namespace.
    #[error(
        "node {node} has no namespace {namespace:?}, it has {present}: check the name, and the node's configuration"
    )]
    Namespace {
        /// The node.
        node: String,
        /// What it lacks.
        namespace: String,
        /// What it has.
        present: String,
    },
    /// No record could be written, read or deleted.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// Not done in time.
    #[error(
        "timed out after {seconds} s while {doing}: try a longer --timeout, or look whether the servers answer"
    )]
    TimedOut {
        /// The limit.
        seconds: u64,
        /// What was being done.
        doing: &'static str,
    },
}

/// Runs the check, prints what came out, and says with the exit code whether all is well.
pub async fn run(args: &CheckArgs) -> ExitCode {
    let variable = std::env::var(PASSWORD_VARIABLE).ok();
    let checked = match password(args, variable) {
        Ok(password) => check(args, password.as_ref()).await,
        Err(error) => Err(error),
    };
    match checked {
        Ok(report) => {
            stdout::print(&render(&report));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("failed: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Connects, looks and, if asked to, writes.
///
/// # Errors
///
/// When an application could not work with this cluster.
pub async fn check(args: &CheckArgs, password: Option<&Password>) -> Result<Report, Error> {
    let limit = Limit::new(args.timeout);
    let client = limit.bound("connecting", connect(args, password)).await??;
    let looked = look(args, &client, &limit).await;
    // The client closes its connections by itself when the process ends; an error here says nothing about the cluster.
    let _ = limit.bound("closing", client.close()).await;
    looked
}

async fn look(args: &CheckArgs, client: &Client, limit: &Limit) -> Result<Report, Error> {
    await_nodes(args, client, limit).await?;
    let nodes = limit.bound("asking the nodes", ask(client)).await??;
    if let Some(namespace) = &args.namespace {
        all_have(&nodes, namespace)?;
    }
    if let (true, Some(namespace)) = (args.write, &args.namespace) {
        limit
            .bound("writing a record", record::round_trip(client, namespace))
            .await??;
    }
    Ok(Report {
        nodes,
        namespace: args.namespace.clone(),
        wrote: args.write,
    })
}

/// The one end of everything that is awaited.
struct Limit {
    seconds: u64,
    end: Instant,
}

impl Limit {
    fn new(limit: Duration) -> Self {
        let end = Instant::now() + limit;
        let seconds = limit.as_secs();
        Self { seconds, end }
    }

    async fn bound<T>(
        &self,
        doing: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let seconds = self.seconds;
        let done = timeout_at(self.end, work).await;
        done.map_err(|_| Error::TimedOut { seconds, doing })
    }
}

fn password(args: &CheckArgs, variable: Option<String>) -> Result<Option<Password>, Error> {
    let Some(user) = &args.user else {
        return Ok(None);
    };
    let text = match &args.password_file {
        Some(path) => read_password(path)?,
        None => variable.ok_or_else(|| Error::NoPassword { user: user.clone() })?,
    };
    Ok(Some(Password::new(text)))
}

/// Editors end a file with a line break; a password does not end with one.
fn read_password(path: &PathBuf) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::PasswordFile {
        path: path.clone(),
        source,
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

async fn connect(args: &CheckArgs, password: Option<&Password>) -> Result<Client, Error> {
    let auth_mode = match (&args.user, password) {
        (Some(user), Some(password)) => {
            AuthMode::Internal(user.clone(), password.reveal().to_owned())
        }
        _ => AuthMode::None,
    };
    let policy = ClientPolicy {
        auth_mode,
        use_services_alternate: args.alternate,
        ..ClientPolicy::default()
    };
    let host = |seed: &SocketAddr| Host::new(&seed.ip().to_string(), seed.port());
    let hosts: Vec<_> = args.seeds.iter().map(host).collect();
    Client::new(&policy, &hosts)
        .await
        .map_err(|source| Error::Connect {
            seeds: joined(&args.seeds),
            source,
        })
}

/// A client learns the other nodes from the seeds, one round after the other.
async fn await_nodes(args: &CheckArgs, client: &Client, limit: &Limit) -> Result<(), Error> {
    let Some(expected) = args.expect_nodes else {
        return Ok(());
    };
    let mut rounds = interval(LOOK_EVERY);
    let all_found = async {
        while client.nodes().len() != expected {
            rounds.tick().await;
        }
    };
    let found = limit.bound("waiting for all nodes", all_found).await;
    found.map_err(|_| {
        let names = client.node_names();
        Error::Nodes {
            seen: names.len(),
            expected,
            names: joined(&names),
        }
    })
}

async fn ask(client: &Client) -> Result<Vec<SeenNode>, Error> {
    let asked = client.nodes().into_iter().map(ask_node);
    let mut nodes = futures::future::try_join_all(asked).await?;
    nodes.sort();
    Ok(nodes)
}

async fn ask_node(node: Arc<Node>) -> Result<SeenNode, Error> {
    let commands = ["build", "namespaces"];
    let answers = node.info(&AdminPolicy::default(), &commands).await;
    let answers = answers.map_err(|source| Error::Ask {
        node: node.name().to_owned(),
        address: node.address().to_owned(),
        source,
    })?;
    let [build, namespaces] =
        commands.map(|command| answers.get(command).cloned().unwrap_or_default());
    Ok(SeenNode {
        name: node.name().to_owned(),
        address: node.address().to_owned(),
        build,
        namespaces: crate::aerospike::list::names(&namespaces, ';')
            .map(str::to_owned)
            .collect(),
    })
}

fn all_have(nodes: &[SeenNode], namespace: &str) -> Result<(), Error> {
    let lacks = nodes
        .iter()
        .find(|node| !node.namespaces.contains(namespace));
    lacks.map_or(Ok(()), |node| {
        Err(Error::Namespace {
            node: node.name.clone(),
            namespace: namespace.to_owned(),
            present: joined(&node.namespaces),
        })
    })
}

fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() {
        return "none".to_owned();
    }
    items.join(", ")
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests;
