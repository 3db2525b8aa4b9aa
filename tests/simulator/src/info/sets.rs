//! Sets of a namespace.

use std::collections::BTreeSet;

use super::registry::{Answer, Call};
use crate::conf::settings::namespace_key;
use crate::node::Node;

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
        .collect::<BTreeSet<_>>()
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
