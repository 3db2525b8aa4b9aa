//! Figures about the server, its namespaces and their sets.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::cluster::{dead, unavailable};
use super::registry::{Answer, Call};
use crate::conf::settings::namespace_key;
use crate::faults::Fault;
use crate::node::{EPOCH, Figures, Migrations, Node, Tally};
use crate::partitions::{Ownership, partition_of};

/// What a fresh 8.1.2 answers; what differs is put in its place.
static STATISTICS: LazyLock<Form> =
    LazyLock::new(|| Form::of(include_str!("../../data/keys/statistics")));
static NAMESPACE: LazyLock<Form> =
    LazyLock::new(|| Form::of(include_str!("../../data/keys/namespace-statistics")));

/// Keys and the values that they have unless something is known.
struct Form {
    lines: Vec<(&'static str, &'static str)>,
    places: HashMap<&'static str, usize>,
}

impl Form {
    fn of(text: &'static str) -> Self {
        let lines: Vec<_> = text.lines().filter_map(|it| it.split_once('=')).collect();
        let keys = lines.iter().map(|(key, _)| *key);
        let places = keys.zip(0..).collect();
        Self { lines, places }
    }

    /// The pairs, with the values that are known in the place of its own.
    fn filled(&self, values: &BTreeMap<&str, String>, figures: Figures) -> String {
        if figures == Figures::Moving {
            let moving = values
                .iter()
                .filter(|(key, _)| self.places.contains_key(*key));
            return joined(moving.map(|(key, value)| (*key, value.as_str())));
        }
        let mut known = vec![None; self.lines.len()];
        for (key, value) in values {
            if let Some(place) = self.places.get(key) {
                known[*place] = Some(value.as_str());
            }
        }
        let lines = self.lines.iter().zip(known);
        joined(lines.map(|((key, value), known)| (*key, known.unwrap_or(value))))
    }
}

fn joined<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::with_capacity(pairs.size_hint().1.unwrap_or(0) * 40);
    for (key, value) in pairs {
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(key);
        text.push('=');
        text.push_str(value);
    }
    text
}

pub fn nothing(_: &mut Call<'_>) -> Answer {
    Ok(String::new())
}

pub fn statistics(call: &mut Call<'_>) -> Answer {
    let known = figures(call.node, call.now);
    Ok(STATISTICS.filled(&known, call.node.figures))
}

fn figures(node: &Node, now: u64) -> BTreeMap<&'static str, String> {
    let seconds = |since: u64| (now.saturating_sub(since) / 1000).to_string();
    let remaining: usize = node.migrations.values().map(|it| it.remaining()).sum();
    let objects: usize = node
        .settings
        .namespaces()
        .iter()
        .map(|name| objects(node, name).all)
        .sum();
    let mut figures = BTreeMap::from([
        ("uptime", seconds(node.started)),
        ("time_since_rebalance", seconds(node.engine.rebalanced_at())),
        (
            "migrate_allowed",
            node.engine.migrations_allowed().to_string(),
        ),
        ("migrate_partitions_remaining", remaining.to_string()),
        ("objects", objects.to_string()),
        (
            "client_connections",
            node.counts.client_connections.to_string(),
        ),
        (
            "admin_connections",
            node.counts.admin_connections.to_string(),
        ),
        (
            "heartbeat_connections",
            node.engine.heard().count().to_string(),
        ),
        ("info_complete", node.counts.info.to_string()),
        ("deprecated_requests", node.counts.deprecated.to_string()),
    ]);
    figures.extend(membership_figures(node));
    figures.extend(compatibility_figures(node));
    figures
}

fn membership_figures(node: &Node) -> [(&'static str, String); 8] {
    let engine = &node.engine;
    let principal = engine
        .principal()
        .map_or_else(|| "0".to_owned(), |id| format!("{id:X}"));
    let duplicates: Vec<_> = engine.duplicates().map(|id| format!("{id:X}")).collect();
    let duplicates = if duplicates.is_empty() {
        "null".to_owned()
    } else {
        duplicates.join(",")
    };
    [
        ("cluster_size", engine.members().len().to_string()),
        ("cluster_key", format!("{:X}", engine.key())),
        ("cluster_generation", engine.generation().to_string()),
        ("cluster_principal", principal.clone()),
        ("paxos_principal", principal),
        ("cluster_integrity", engine.has_integrity().to_string()),
        (
            "cluster_is_member",
            (engine.has_integrity() && engine.key() != 0).to_string(),
        ),
        ("cluster_duplicate_nodes", duplicates),
    ]
}

fn compatibility_figures(node: &Node) -> [(&'static str, String); 2] {
    let ids = node
        .engine
        .members()
        .values()
        .map(|offer| offer.compatibility);
    let own = node.version().compatibility_id();
    [
        (
            "cluster_min_compatibility_id",
            ids.clone().min().unwrap_or(own).to_string(),
        ),
        (
            "cluster_max_compatibility_id",
            ids.max().unwrap_or(own).to_string(),
        ),
    ]
}

pub fn namespace(call: &mut Call<'_>) -> Answer {
    let name = call.command.rest;
    if !call.node.has_namespace(name) {
        return Ok("type=unknown".to_owned());
    }
    let known = namespace_figures(call.node, name, call.now);
    let figures = NAMESPACE.filled(&known, call.node.figures);
    let settings = call.node.texts.of(&call.node.settings, name);
    Ok([&figures, ";", &settings].concat())
}

/// Copies of a node, by what they are for it.
#[derive(Default)]
struct Objects {
    all: usize,
    master: usize,
    prole: usize,
    surplus: usize,
    tombstones: usize,
}

fn objects(node: &Node, namespace: &str) -> Objects {
    if let Some(holdings) = &node.holdings {
        let holding = holdings.get(namespace).copied().unwrap_or_default();
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        return Objects {
            all: count(holding.master + holding.prole + holding.surplus),
            master: count(holding.master),
            prole: count(holding.prole),
            surplus: count(holding.surplus),
            tombstones: 0,
        };
    }
    let (me, ownership) = (node.engine.me().id, node.ownership(namespace));
    let mut count = Objects::default();
    for (digest, record) in node.records.all(namespace) {
        let place = ownership.and_then(|it| it.place_of(me, partition_of(digest)));
        count.tombstones += usize::from(record.deleted);
        let kind = match place {
            _ if record.deleted => continue,
            Some(0) => &mut count.master,
            Some(_) => &mut count.prole,
            None => &mut count.surplus,
        };
        *kind += 1;
        count.all += 1;
    }
    count
}

fn namespace_figures(node: &Node, name: &str, now: u64) -> BTreeMap<&'static str, String> {
    let size = node
        .settings
        .number(&namespace_key(name, "storage-engine.data-size"), 512 << 20);
    let total = |counts: &BTreeMap<String, Tally>| {
        counts.get(name).map_or(0, |tally| tally.total).to_string()
    };
    let mut figures = BTreeMap::from([
        (
            "current_time",
            (now.saturating_sub(EPOCH) / 1000).to_string(),
        ),
        ("data_total_bytes", size.to_string()),
        ("client_read_success", total(&node.counts.reads)),
        ("client_write_success", total(&node.counts.writes)),
    ]);
    figures.extend(object_figures(node, name));
    figures.extend(space_figures(node, name));
    figures.extend(ownership_figures(node, name));
    figures.extend(migration_figures(
        node.migrations.get(name).copied().unwrap_or_default(),
    ));
    figures
}

fn object_figures(node: &Node, name: &str) -> [(&'static str, String); 8] {
    let objects = objects(node, name);
    [
        ("objects", objects.all.to_string()),
        ("tombstones", objects.tombstones.to_string()),
        ("master_objects", objects.master.to_string()),
        ("prole_objects", objects.prole.to_string()),
        ("non_replica_objects", objects.surplus.to_string()),
        ("index_used_bytes", (objects.all * 64).to_string()),
        ("data_used_bytes", (objects.all * 1024).to_string()),
        ("data_used_pct", "0".to_owned()),
    ]
}

/// How full the storage is, where somebody knows.
fn space_figures(node: &Node, name: &str) -> Vec<(&'static str, String)> {
    let holdings = node.holdings.as_ref();
    let full = node.faults.is_on(&Fault::FullDisk);
    let Some(holding) = holdings.and_then(|holdings| holdings.get(name)) else {
        let figures = [("stop_writes", "true"), ("data_avail_pct", "0")];
        let figures = figures.into_iter().filter(|_| full);
        return figures
            .map(|(key, value)| (key, value.to_owned()))
            .collect();
    };
    let percent = (holding.used_bytes * 100)
        .checked_div(holding.total_bytes)
        .unwrap_or(0)
        .min(100);
    vec![
        ("data_total_bytes", holding.total_bytes.to_string()),
        ("data_used_bytes", holding.used_bytes.to_string()),
        ("data_used_pct", percent.to_string()),
        (
            "data_avail_pct",
            if full { 0 } else { 100 - percent }.to_string(),
        ),
        ("stop_writes", (full || holding.stop_writes).to_string()),
    ]
}

fn ownership_figures(node: &Node, name: &str) -> [(&'static str, String); 7] {
    // One that is not on the roster counts nobody.
    let me = node.engine.me().id;
    let counts = |it: &&Ownership| !node.is_strong(name) || it.nodes.contains(&me);
    let (size, active, copies) = node
        .ownership(name)
        .filter(counts)
        .map_or((0, 0, 0), |it| (it.nodes.len(), it.active, it.copies));
    [
        ("ns_cluster_size", size.to_string()),
        ("effective_replication_factor", copies.to_string()),
        (
            "unavailable_partitions",
            unavailable(node, name).to_string(),
        ),
        ("dead_partitions", dead(node, name).to_string()),
        ("pending_quiesce", node.pending_quiesce.to_string()),
        ("effective_is_quiesced", node.is_quiesced().to_string()),
        ("nodes_quiesced", (size - active).to_string()),
    ]
}

fn migration_figures(migrations: Migrations) -> [(&'static str, String); 7] {
    [
        (
            "migrate_tx_partitions_initial",
            migrations.send_initial.to_string(),
        ),
        (
            "migrate_tx_partitions_remaining",
            migrations.send.to_string(),
        ),
        (
            "migrate_tx_partitions_lead_remaining",
            migrations.lead.to_string(),
        ),
        (
            "migrate_tx_partitions_active",
            usize::from(migrations.send > 0).to_string(),
        ),
        (
            "migrate_rx_partitions_initial",
            migrations.receive_initial.to_string(),
        ),
        (
            "migrate_rx_partitions_remaining",
            migrations.receive.to_string(),
        ),
        (
            "migrate_rx_partitions_active",
            usize::from(migrations.receive > 0).to_string(),
        ),
    ]
}

pub fn best_practices(_: &mut Call<'_>) -> Answer {
    Ok("failed_best_practices=max-map-count,min-free-kbytes,swappiness".to_owned())
}

pub fn index_pressure(call: &mut Call<'_>) -> Answer {
    let names = call.node.settings.namespaces().iter();
    Ok(names
        .map(|name| format!("{name}:0:0"))
        .collect::<Vec<_>>()
        .join(";"))
}

pub fn latencies(call: &mut Call<'_>) -> Answer {
    const KINDS: [&str; 8] = [
        "read",
        "write",
        "udf",
        "batch-sub-read",
        "batch-sub-write",
        "batch-sub-udf",
        "pi-query",
        "si-query",
    ];
    let (asked, node) = (call.command.argument("hist"), &*call.node);
    let mut lines = Vec::from(["batch-index:".to_owned()]);
    for name in node.settings.namespaces() {
        let histogram =
            |kind: &str| format!("{{{name}}}-{kind}:{}", rate_of(node, name, kind, call.now));
        lines.extend(KINDS.map(histogram));
    }
    let wanted = |line: &String| asked.is_none_or(|asked| line.split(':').next() == Some(asked));
    Ok(lines
        .into_iter()
        .filter(wanted)
        .collect::<Vec<_>>()
        .join(";"))
}

/// Operations a second, all of them fast; nothing if there were none.
fn rate_of(node: &Node, namespace: &str, kind: &str, now: u64) -> String {
    let tally = match kind {
        "read" => node.counts.reads.get(namespace),
        "write" => node.counts.writes.get(namespace),
        _ => None,
    };
    let rate = tally.and_then(|tally| tally.rate(now));
    rate.map(|rate| format!("msec,{rate}.0{}", ",0.00".repeat(17)))
        .unwrap_or_default()
}

pub fn get_stats(call: &mut Call<'_>) -> Answer {
    match call.command.argument("context") {
        Some("xdr") => Ok(String::new()),
        _ => Err(call.error(4, "unknown context")),
    }
}
