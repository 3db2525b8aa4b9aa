//! What one server says about itself and the cluster, asked in one request.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Build, Edition};
use super::command;
use super::info::{Answers, InfoValue, NoValue};
use super::latencies;
use super::list::{self, Pairs};
use super::room::Room;
use super::roster::RosterView;
use super::stability::Stability;

/// An answer that cannot be used. A node of which something is unknown is not a healthy one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A command without a value.
    #[error(transparent)]
    NoValue(#[from] NoValue),
    /// A list without a key, or with an odd value.
    #[error("the answer to {command:?} cannot be used")]
    Key {
        /// The command.
        command: String,
        /// Which key, and why.
        source: list::Error,
    },
    /// A version that cannot be read.
    #[error("the answer to \"build\" cannot be used")]
    Build(#[from] super::build::Error),
    /// A product that we do not know.
    #[error("unknown edition {text:?}, expected Community, Enterprise or Federal")]
    Edition {
        /// What the server calls itself.
        text: String,
    },
}

/// What to ask a server.
#[derive(Clone, Copy, Debug, Default)]
pub struct Questions<'a> {
    /// The namespaces to ask for.
    pub namespaces: &'a [&'a str],
    /// Those of them that are strongly consistent.
    pub strong: &'a [&'a str],
    /// The server's version as far as it is known already: each dialect has a command of its own for the edition, and
    /// counts or refuses the other's.
    pub known: Option<&'a Build>,
    /// How many members its cluster should have.
    pub members: usize,
    /// Whether the delay of fills matters, which Community servers do not have.
    pub fill_delay: bool,
    /// Whether it matters who still uses the server.
    pub traffic: bool,
    /// Commands that read the configuration, where it matters.
    pub configuration: &'a [String],
}

/// A server's view of itself and its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its version.
    pub build: Build,
    /// Its product.
    pub edition: Edition,
    /// Its id, in upper case without leading zeros.
    pub node: String,
    /// What it sees of the cluster.
    pub cluster: ClusterView,
    /// The namespaces that were asked for and that it has.
    pub namespaces: BTreeMap<String, NamespaceView>,
    /// Namespaces that it has and that were not asked for.
    pub other_namespaces: BTreeSet<String>,
    /// Seconds for which it does not fill nodes that lost their data, if that was asked.
    pub fill_delay: Option<u64>,
    /// The kinds of transactions that it serves now, if that was asked and the server knows.
    pub traffic: Option<Vec<String>>,
    /// Its answers to the commands that read the configuration, by command.
    pub configuration: BTreeMap<String, String>,
    /// Whether it finds the cluster stable at the size that was asked for. Asked after all else, so that nothing that
    /// it says is older than the stability.
    pub stability: Stability,
}

/// What a server sees of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// How many members, itself included; 0 on a node that has not joined yet.
    pub size: u32,
    /// The same on all members of one view, another one after each rebalance.
    pub key: String,
    /// Whether all members agree about who is in.
    pub integrity: bool,
    /// The member that starts rebalances.
    pub principal: Option<String>,
    /// Ids that two processes claim.
    pub duplicate_nodes: Vec<String>,
    /// False between a change of the cluster and the rebalance that follows.
    pub migrate_allowed: bool,
    /// What this node still has to send or to receive.
    pub migrate_partitions_remaining: u64,
    /// Seconds since the process started.
    pub uptime: u64,
}

/// What a server says about a namespace.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the answer"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceView {
    /// Members that hold it.
    pub cluster_size: Option<u32>,
    /// How many copies there really are.
    pub effective_replication_factor: Option<u32>,
    /// Partitions that nobody serves now.
    pub unavailable_partitions: u64,
    /// Partitions that nobody can serve without losing data.
    pub dead_partitions: u64,
    /// Records with copies yet to be made, under strong consistency.
    pub unreplicated_records: Option<u64>,
    /// Partitions that this node still has to send or to receive.
    pub migrate_partitions_remaining: u64,
    /// Whether the node will be quiesced at the next rebalance.
    pub pending_quiesce: bool,
    /// Whether the node is quiesced.
    pub is_quiesced: bool,
    /// How many nodes are quiesced.
    pub nodes_quiesced: Option<u32>,
    /// Whether writes are refused for lack of space.
    pub stop_writes: bool,
    /// How much space it has and uses, as far as it tells.
    pub room: Option<Room>,
    /// Whether only nodes on the roster hold it.
    pub strong_consistency: bool,
    /// Its roster, if that was asked and the server says it.
    pub roster: Option<RosterView>,
    /// How many copies are configured.
    pub replication_factor: Option<u32>,
    /// Records of this node, copies included.
    pub objects: Option<u64>,
}

impl NodeView {
    /// The commands of the one request.
    #[must_use]
    pub fn commands(questions: &Questions<'_>) -> Vec<String> {
        let edition = match questions.known.map(has_release) {
            Some(true) => &[command::RELEASE][..],
            Some(false) => &[command::EDITION],
            None => &[command::RELEASE, command::EDITION],
        };
        let fixed = [
            command::BUILD,
            command::NODE,
            command::STATISTICS,
            command::NAMESPACES,
        ];
        let asked = [
            (questions.fill_delay, command::SERVICE_CONFIG),
            (questions.traffic, command::LATENCIES),
        ];
        let asked = asked.iter().filter(|(asked, _)| *asked);
        let fixed = fixed
            .iter()
            .chain(edition)
            .chain(asked.map(|(_, text)| text));
        let fixed = fixed.map(|text| (*text).to_owned());
        let names = questions.namespaces.iter();
        let each = names.map(|name| command::namespace(name));
        let rosters = questions.strong.iter().map(|name| command::roster(name));
        let mut commands: Vec<_> = fixed.chain(each).chain(rosters).collect();
        for command in questions.configuration {
            if !commands.contains(command) {
                commands.push(command.clone());
            }
        }
        commands.push(stable(questions));
        commands
    }

    /// The view in the answers to [`NodeView::commands`].
    ///
    /// # Errors
    ///
    /// When a command was not answered, or something that every version says is missing.
    pub fn parse(answers: &Answers, questions: &Questions<'_>) -> Result<Self, Error> {
        let namespaces = questions.namespaces;
        let build = answers.value(command::BUILD)?.parse()?;
        let present: BTreeSet<_> = list::names(answers.value(command::NAMESPACES)?, ';').collect();
        let asked = namespaces.iter().filter_map(|name| {
            let view = namespace(answers, name).transpose()?;
            let roster = answers.value(&command::roster(name)).ok();
            let roster = roster.and_then(RosterView::parse);
            let named = |view| ((*name).to_owned(), NamespaceView { roster, ..view });
            Some(view.map(named))
        });
        let others = present
            .into_iter()
            .filter(|name| !namespaces.contains(name));
        Ok(Self {
            edition: edition(answers, &build)?,
            build,
            node: answers.value(command::NODE)?.to_ascii_uppercase(),
            cluster: cluster(answers)?,
            namespaces: asked.collect::<Result<_, _>>()?,
            other_namespaces: others.map(str::to_owned).collect(),
            fill_delay: fill_delay(answers, questions)?,
            traffic: answers.value(command::LATENCIES).ok().map(latencies::busy),
            configuration: configuration(answers, questions),
            stability: Stability::from(answers.answer(&stable(questions))),
        })
    }

    /// Whether the node is on its way out of the data path, or will be at the next rebalance.
    #[must_use]
    pub fn is_quiescing(&self) -> bool {
        self.namespaces
            .values()
            .any(|view| view.pending_quiesce || view.is_quiesced)
    }

    /// Whether quiesce makes a difference for a namespace of this node: one that is not on the roster owns none of it.
    #[must_use]
    pub fn owns(&self, namespace: &NamespaceView) -> bool {
        let roster = namespace.roster.as_ref();
        !namespace.strong_consistency || roster.is_none_or(|it| it.current.has(&self.node))
    }

    /// Whether this node alone sees nothing that is under way in a cluster of `size`.
    ///
    /// One node's word is not enough: for two seconds after a loss the others go on calling the old cluster
    /// stable. Ask all, and compare the keys.
    #[must_use]
    pub fn looks_settled(&self, size: u32) -> bool {
        let cluster = &self.cluster;
        cluster.size == size
            && cluster.integrity
            && cluster.migrate_allowed
            && cluster.migrate_partitions_remaining == 0
            && cluster.duplicate_nodes.is_empty()
    }

    /// Whether every partition of every namespace asked for is served.
    #[must_use]
    pub fn serves_all(&self) -> bool {
        let served =
            |view: &NamespaceView| view.unavailable_partitions == 0 && view.dead_partitions == 0;
        self.namespaces.values().all(served)
    }
}

fn stable(questions: &Questions<'_>) -> String {
    command::cluster_stable(questions.members, false, None)
}

/// Answers that are not there are left out.
fn configuration(answers: &Answers, questions: &Questions<'_>) -> BTreeMap<String, String> {
    let asked = questions.configuration.iter();
    let answered = asked.filter_map(|command| {
        let value = answers.value(command).ok()?;
        Some((command.clone(), value.to_owned()))
    });
    answered.collect()
}

fn fill_delay(answers: &Answers, questions: &Questions<'_>) -> Result<Option<u64>, Error> {
    if !questions.fill_delay || answers.answer(command::SERVICE_CONFIG) == &InfoValue::Missing {
        return Ok(None);
    }
    let pairs = Pairs::new(answers.value(command::SERVICE_CONFIG)?);
    pairs
        .optional_number(command::MIGRATE_FILL_DELAY)
        .map_err(|source| key(command::SERVICE_CONFIG, source))
}

fn has_release(build: &Build) -> bool {
    build.is_at_least([8, 1, 1, 0])
}

fn edition(answers: &Answers, build: &Build) -> Result<Edition, Error> {
    let text = if has_release(build) {
        let release = Pairs::new(answers.value(command::RELEASE)?);
        let edition = release.required("edition");
        edition.map_err(|source| key(command::RELEASE, source))?
    } else {
        answers.value(command::EDITION)?
    };
    let unknown = || Error::Edition {
        text: text.chars().take(60).collect(),
    };
    Edition::named_in(text).ok_or_else(unknown)
}

fn key(command: &str, source: list::Error) -> Error {
    let command = command.to_owned();
    Error::Key { command, source }
}

fn cluster(answers: &Answers) -> Result<ClusterView, Error> {
    let pairs = Pairs::new(answers.value(command::STATISTICS)?);
    cluster_view(&pairs).map_err(|source| key(command::STATISTICS, source))
}

fn cluster_view(pairs: &Pairs<'_>) -> Result<ClusterView, list::Error> {
    let duplicates = pairs.text("cluster_duplicate_nodes").unwrap_or_default();
    Ok(ClusterView {
        size: pairs.number("cluster_size")?,
        key: pairs.required("cluster_key")?.to_owned(),
        integrity: pairs.flag("cluster_integrity")?,
        principal: pairs.text("cluster_principal").map(str::to_owned),
        duplicate_nodes: list::names(duplicates, ',').map(str::to_owned).collect(),
        migrate_allowed: pairs.flag("migrate_allowed")?,
        migrate_partitions_remaining: pairs.number("migrate_partitions_remaining")?,
        uptime: pairs.number("uptime")?,
    })
}

/// None if the node does not have it.
fn namespace(answers: &Answers, name: &str) -> Result<Option<NamespaceView>, Error> {
    let command = command::namespace(name);
    let pairs = Pairs::new(answers.value(&command)?);
    if pairs.text("type") == Some("unknown") {
        return Ok(None);
    }
    let view = namespace_view(&pairs).map_err(|source| key(&command, source))?;
    Ok(Some(view))
}

fn namespace_view(pairs: &Pairs<'_>) -> Result<NamespaceView, list::Error> {
    let sent: u64 = pairs.number("migrate_tx_partitions_remaining")?;
    let received: u64 = pairs.number("migrate_rx_partitions_remaining")?;
    Ok(NamespaceView {
        cluster_size: pairs.optional_number("ns_cluster_size")?,
        effective_replication_factor: pairs.optional_number("effective_replication_factor")?,
        unavailable_partitions: pairs.number("unavailable_partitions")?,
        dead_partitions: pairs.number("dead_partitions")?,
        unreplicated_records: pairs.optional_number("unreplicated_records")?,
        migrate_partitions_remaining: sent.saturating_add(received),
        pending_quiesce: pairs.flag("pending_quiesce")?,
        is_quiesced: pairs.flag("effective_is_quiesced")?,
        nodes_quiesced: pairs.optional_number("nodes_quiesced")?,
        stop_writes: pairs.flag("stop_writes")?,
        room: Room::parse(pairs)?,
        strong_consistency: pairs.text("strong-consistency") == Some("true"),
        roster: None,
        replication_factor: pairs.optional_number("replication-factor")?,
        objects: pairs.optional_number("objects")?,
    })
}

#[cfg(test)]
mod tests;
