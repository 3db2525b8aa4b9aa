//! Membership, quiesce, racks and rosters.

use std::collections::BTreeMap;

use super::registry::{Answer, Call};
use crate::cluster::Recluster;
use crate::conf::values::boolean;
use crate::node::{Node, roster_ids, roster_key};

pub fn cluster_stable(call: &mut Call<'_>) -> Answer {
    let unstable = call.error(7, "unstable cluster");
    if !call.node.engine.migrations_allowed() {
        return Err(unstable);
    }
    if let Some(size) = call.optional("size", 3)? {
        let size: usize = size.parse().map_err(|_| call.error(4, "bad size"))?;
        if size != call.node.engine.members().len() {
            return Err(call.error(7, "cluster not specified size"));
        }
    }
    if !ignores_migrations(call)? && owed(call)? != 0 {
        return Err(unstable);
    }
    Ok(format!("{:X}", call.node.engine.key()))
}

fn ignores_migrations(call: &Call<'_>) -> Result<bool, String> {
    let Some(word) = call.optional("ignore-migrations", 5)? else {
        return Ok(false);
    };
    boolean(call.node.version(), word).ok_or_else(|| call.error(4, "bad ignore migrations"))
}

/// What has to move, and what nobody has, in the namespace asked about or in all.
fn owed(call: &mut Call<'_>) -> Result<usize, String> {
    let asked = call.namespace()?;
    let node = &*call.node;
    let names = node
        .settings
        .namespaces()
        .iter()
        .filter(|name| asked.is_none_or(|asked| *name == asked));
    let owed = names.map(|name| {
        let migrations = node.migrations.get(name).copied().unwrap_or_default();
        migrations.remaining() + unavailable(node, name) + dead(node, name)
    });
    Ok(owed.sum())
}

/// Partitions of a namespace that nobody serves.
pub fn unavailable(node: &Node, namespace: &str) -> usize {
    if !node.engine.has_integrity() || node.engine.key() == 0 {
        return node.partitions;
    }
    if let Some(holdings) = &node.holdings {
        return holdings.get(namespace).map_or(0, |it| it.unavailable);
    }
    let roster = roster_ids(node.roster(namespace));
    let present = roster
        .iter()
        .filter(|id| node.engine.members().contains_key(id))
        .count();
    let minority = node.is_strong(namespace) && present * 2 < roster.len();
    if minority { node.partitions } else { 0 }
}

/// Partitions of a namespace of which no copy is trusted.
pub fn dead(node: &Node, namespace: &str) -> usize {
    let holdings = node.holdings.as_ref();
    let holding = holdings.and_then(|holdings| holdings.get(namespace));
    holding.map_or(0, |it| it.dead)
}

pub fn recluster(call: &mut Call<'_>) -> Answer {
    match call.node.engine.recluster(call.now) {
        Recluster::Begun => Ok("ok".to_owned()),
        Recluster::NotPrincipal => Ok("ignored-by-non-principal".to_owned()),
        Recluster::Busy => Err("ERROR::unknown".to_owned()),
    }
}

pub fn succession_list(call: &mut Call<'_>) -> Answer {
    let ids = call.node.engine.members().keys().rev();
    Ok(ids
        .map(|id| format!("{id:X}"))
        .collect::<Vec<_>>()
        .join(","))
}

pub fn cluster_generation(call: &mut Call<'_>) -> Answer {
    Ok(call.node.engine.generation().to_string())
}

pub fn rebalance_generation(call: &mut Call<'_>) -> Answer {
    Ok(call.node.engine.generation().to_string())
}

pub fn partition_generation(call: &mut Call<'_>) -> Answer {
    Ok(call.node.partition_generation.to_string())
}

pub fn quiesce(call: &mut Call<'_>) -> Answer {
    if call.node.settings.is_true("service.stay-quiesced") {
        return Err(call.error(22, "permanently quiesced"));
    }
    want_quiesce(call.node, true);
    Ok("ok".to_owned())
}

pub fn quiesce_undo(call: &mut Call<'_>) -> Answer {
    if call.node.settings.is_true("service.stay-quiesced") {
        return Ok("ignored-permanently-quiesced".to_owned());
    }
    want_quiesce(call.node, false);
    Ok("ok".to_owned())
}

fn want_quiesce(node: &mut Node, wanted: bool) {
    node.pending_quiesce = wanted;
    node.renew_offer();
    let text = if wanted {
        "quiesced this node"
    } else {
        "un-quiesced this node"
    };
    node.note(2, "info", text);
}

pub fn racks(call: &mut Call<'_>) -> Answer {
    if let Some(namespace) = call.namespace()? {
        return Ok(racks_of(call.node, namespace));
    }
    let names = call.node.settings.namespaces().iter();
    Ok(names
        .map(|name| format!("ns={name}:{}", racks_of(call.node, name)))
        .collect::<Vec<_>>()
        .join(";"))
}

fn racks_of(node: &Node, namespace: &str) -> String {
    let mut racks: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (id, offer) in node.engine.members() {
        if let Some(offer) = offer.namespace(namespace) {
            racks.entry(offer.rack).or_default().push(format!("{id:X}"));
        }
    }
    let present = racks
        .iter()
        .map(|(rack, nodes)| format!("rack_{rack}={}", nodes.join(",")));
    let listed = roster_racks(node, namespace);
    let listed = listed
        .iter()
        .map(|(rack, nodes)| format!("roster_rack_{rack}={}", nodes.join(",")));
    present.chain(listed).collect::<Vec<_>>().join(":")
}

fn roster_racks(node: &Node, namespace: &str) -> BTreeMap<String, Vec<String>> {
    let mut racks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in node.roster(namespace) {
        let entry = entry.rsplit('|').next().unwrap_or(entry);
        let (id, rack) = entry.split_once('@').unwrap_or((entry, "0"));
        racks
            .entry(rack.to_owned())
            .or_default()
            .push(id.to_owned());
    }
    racks
}

pub fn rack_ids(call: &mut Call<'_>) -> Answer {
    let (node, me) = (&*call.node, call.node.engine.me().id);
    let mine = node
        .engine
        .members()
        .get(&me)
        .map(|offer| offer.namespaces.as_slice())
        .unwrap_or_default();
    Ok(mine
        .iter()
        .map(|offer| format!("{}:{}", offer.name, offer.rack))
        .collect::<Vec<_>>()
        .join(";"))
}

pub fn roster(call: &mut Call<'_>) -> Answer {
    if let Some(namespace) = call.namespace()? {
        return Ok(roster_of(call.node, namespace));
    }
    let names = call.node.settings.namespaces().iter();
    Ok(names
        .map(|name| format!("ns={name}:{}", roster_of(call.node, name)))
        .collect::<Vec<_>>()
        .join(";"))
}

fn roster_of(node: &Node, namespace: &str) -> String {
    if !node.is_strong(namespace) {
        return "roster=null:pending_roster=null:observed_nodes=null".to_owned();
    }
    let list = |nodes: &[String]| {
        if nodes.is_empty() {
            "null".to_owned()
        } else {
            nodes.join(",")
        }
    };
    let (now, next) = (
        list(node.roster(namespace)),
        list(&node.pending_roster(namespace)),
    );
    let observed = list(&observed(node, namespace));
    format!("roster={now}:pending_roster={next}:observed_nodes={observed}")
}

fn observed(node: &Node, namespace: &str) -> Vec<String> {
    let members = node.engine.members().iter().rev();
    let offers = members.filter_map(|(id, offer)| Some((id, offer.namespace(namespace)?)));
    let mut nodes: Vec<_> = offers
        .map(|(id, offer)| match (offer.rack, offer.active_rack) {
            (0, _) => (format!("{id:X}"), 0),
            (rack, active) => (format!("{id:X}@{rack}"), active),
        })
        .collect();
    let active = nodes.iter().map(|(_, active)| *active).max().unwrap_or(0);
    if let (Some((first, _)), true) = (nodes.first_mut(), active != 0) {
        *first = format!("M{active}|{first}");
    }
    nodes.into_iter().map(|(node, _)| node).collect()
}

pub fn roster_set(call: &mut Call<'_>) -> Answer {
    let namespace = call.required_namespace()?;
    let nodes = call.required("nodes", 4096)?;
    let list: Vec<_> = nodes.split(',').map(ToOwned::to_owned).collect();
    if !call.node.is_strong(namespace) || roster_ids(&list).len() != list.len() {
        return Err(call.error(4, "bad roster"));
    }
    call.node.smd.put(&roster_key(namespace), &list, call.now);
    call.node.renew_offer();
    call.node.due.sharing = true;
    Ok("ok".to_owned())
}

/// It counts with the next rebalance.
pub fn revive(call: &mut Call<'_>) -> Answer {
    let asked = call.namespace()?;
    if !call.node.engine.migrations_allowed() {
        return Err(call.error(7, "failed revive"));
    }
    let names = call.node.settings.namespaces().iter();
    let names: Vec<_> = names
        .filter(|name| asked.is_none_or(|asked| *name == asked))
        .cloned()
        .collect();
    call.node.revived.extend(names);
    Ok("ok".to_owned())
}
