//! Figures about the server, its namespaces and their sets.

use std::collections::BTreeMap;

use super::cluster::unavailable;
use super::config_read;
use super::registry::{Answer, Call};
use crate::conf::settings::namespace_key;
use crate::node::{EPOCH, Node};
use crate::partitions::partition_of;

/// What a fresh 8.1.2 answers; what differs is put in its place.
const STATISTICS: &str = include_str!("../../data/keys/statistics");
const NAMESPACE: &str = include_str!("../../data/keys/namespace-statistics");

pub fn nothing(_: &mut Call<'_>) -> Answer {
    Ok(String::new())
}

pub fn statistics(call: &mut Call<'_>) -> Answer {
    let figures = figures(call.node, call.now);
    Ok(filled(STATISTICS, &figures).join(";"))
}

/// The lines of a form, with the values that are known in the place of its own.
fn filled(form: &str, values: &BTreeMap<&str, String>) -> Vec<String> {
    let lines = form.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(key, value)| format!("{key}={}", values.get(key).map_or(value, String::as_str)))
        .collect()
}

fn figures(node: &Node, now: u64) -> BTreeMap<&'static str, String> {
    let seconds = |since: u64| (now.saturating_sub(since) / 1000).to_string();
    let principal = node
        .engine
        .principal()
        .map_or_else(|| "0".to_owned(), |id| format!("{id:X}"));
    let duplicates: Vec<_> = node
        .engine
        .duplicates()
        .map(|id| format!("{id:X}"))
        .collect();
    let compatibility = node
        .engine
        .members()
        .values()
        .map(|offer| offer.compatibility);
    let own = node.version().compatibility_id();
    let remaining: usize = node.migrations.values().map(|it| it.remaining()).sum();
    let objects: usize = node
        .settings
        .namespaces()
        .iter()
        .map(|name| objects(node, name).all)
        .sum();
    BTreeMap::from([
        ("cluster_size", node.engine.members().len().to_string()),
        ("cluster_key", format!("{:X}", node.engine.key())),
        ("cluster_generation", node.engine.generation().to_string()),
        ("cluster_principal", principal.clone()),
        ("paxos_principal", principal),
        (
            "cluster_min_compatibility_id",
            compatibility.clone().min().unwrap_or(own).to_string(),
        ),
        (
            "cluster_max_compatibility_id",
            compatibility.max().unwrap_or(own).to_string(),
        ),
        ("cluster_integrity", node.engine.has_integrity().to_string()),
        (
            "cluster_is_member",
            (node.engine.has_integrity() && node.engine.key() != 0).to_string(),
        ),
        (
            "cluster_duplicate_nodes",
            if duplicates.is_empty() {
                "null".to_owned()
            } else {
                duplicates.join(",")
            },
        ),
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
        ("failed_best_practices", "true".to_owned()),
    ])
}

pub fn namespace(call: &mut Call<'_>) -> Answer {
    let name = call.command.rest;
    if !call.node.has_namespace(name) {
        return Ok("type=unknown".to_owned());
    }
    let mut lines = filled(NAMESPACE, &namespace_figures(call.node, name, call.now));
    lines.extend(config_read::namespace_lines(&call.node.settings, name));
    Ok(lines.join(";"))
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
    let (me, ownership) = (node.engine.me().id, node.ownership(namespace));
    let mut count = Objects::default();
    for (digest, record) in node.records.all(namespace) {
        let replicas = ownership
            .map(|it| it.replicas(partition_of(digest)))
            .unwrap_or_default();
        count.tombstones += usize::from(record.deleted);
        let kind = match replicas.iter().position(|id| *id == me) {
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
    let ownership = node.ownership(name).cloned().unwrap_or_default();
    let (objects, migrations) = (
        objects(node, name),
        node.migrations.get(name).copied().unwrap_or_default(),
    );
    let size = node
        .settings
        .number(&namespace_key(name, "storage-engine.data-size"), 512 << 20);
    let count = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0).to_string();
    let quiesced = if node.engine.key() == 0 {
        0
    } else {
        ownership.nodes.len() - ownership.active
    };
    BTreeMap::from([
        ("ns_cluster_size", ownership.nodes.len().to_string()),
        ("effective_replication_factor", ownership.copies.to_string()),
        ("objects", objects.all.to_string()),
        ("tombstones", objects.tombstones.to_string()),
        ("master_objects", objects.master.to_string()),
        ("prole_objects", objects.prole.to_string()),
        ("non_replica_objects", objects.surplus.to_string()),
        (
            "unavailable_partitions",
            unavailable(node, name).to_string(),
        ),
        (
            "current_time",
            (now.saturating_sub(EPOCH) / 1000).to_string(),
        ),
        ("index_used_bytes", (objects.all * 64).to_string()),
        ("data_total_bytes", size.to_string()),
        ("data_used_bytes", (objects.all * 1024).to_string()),
        ("data_used_pct", "0".to_owned()),
        ("pending_quiesce", node.pending_quiesce.to_string()),
        ("effective_is_quiesced", node.is_quiesced().to_string()),
        ("nodes_quiesced", quiesced.to_string()),
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
            migrations.send.to_string(),
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
        ("client_read_success", count(&node.counts.reads)),
        ("client_write_success", count(&node.counts.writes)),
    ])
}

pub fn sets(call: &mut Call<'_>) -> Answer {
    let (namespace, set) = call
        .command
        .rest
        .split_once('/')
        .unwrap_or((call.command.rest, ""));
    if !namespace.is_empty() && !call.node.has_namespace(namespace) {
        return Ok("ns_type=unknown".to_owned());
    }
    if !set.is_empty() {
        return Ok(set_line(call.node, namespace, set));
    }
    let names = call
        .node
        .settings
        .namespaces()
        .iter()
        .filter(|name| namespace.is_empty() || *name == namespace);
    let lines = names.flat_map(|name| {
        let line = |set: String| format!("ns={name}:set={set}:{}", set_line(call.node, name, &set));
        sets_of(call.node, name)
            .into_iter()
            .map(line)
            .collect::<Vec<_>>()
    });
    Ok(lines.collect())
}

fn sets_of(node: &Node, namespace: &str) -> Vec<String> {
    let key = namespace_key(namespace, "sets");
    let configured = node.settings.section_names(&key).map(ToOwned::to_owned);
    let used = node
        .records
        .all(namespace)
        .map(|(_, record)| record.set.clone())
        .filter(|set| !set.is_empty());
    configured
        .chain(used)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Parameters of a set as its line shows them, with what they are if nobody sets them.
const SET_PARAMETERS: [(&str, &str); 6] = [
    ("default-read-touch-ttl-pct", "0"),
    ("default-ttl", "0"),
    ("disable-eviction", "false"),
    ("enable-index", "false"),
    ("stop-writes-count", "0"),
    ("stop-writes-size", "0"),
];

fn set_line(node: &Node, namespace: &str, set: &str) -> String {
    let in_set = node
        .records
        .all(namespace)
        .filter(|(_, record)| record.set == set);
    let (dead, alive): (Vec<_>, Vec<_>) = in_set.partition(|(_, record)| record.deleted);
    let (objects, tombstones) = (alive.len(), dead.len());
    let cut = node
        .smd
        .get::<u64>(&format!("truncate/{namespace}/{set}"))
        .unwrap_or(0);
    let parameters = SET_PARAMETERS.map(|(name, default)| {
        let key = namespace_key(namespace, &format!("sets.{{{set}}}.{name}"));
        format!("{name}={}", node.settings.get(&key).unwrap_or(default))
    });
    format!(
        "objects={objects}:tombstones={tombstones}:data_used_bytes={}:truncate_lut={cut}:sindexes=0:\
         index_populating=false:truncating=false:{};",
        objects * 1024,
        parameters.join(":")
    )
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
    let names = call.node.settings.namespaces().iter();
    let lines = names.flat_map(|name| KINDS.map(|kind| format!("{{{name}}}-{kind}:")));
    Ok(["batch-index:".to_owned()]
        .into_iter()
        .chain(lines)
        .collect::<Vec<_>>()
        .join(";"))
}

pub fn get_stats(call: &mut Call<'_>) -> Answer {
    match call.command.argument("context") {
        Some("xdr") => Ok(String::new()),
        _ => Err(call.error(4, "unknown context")),
    }
}
