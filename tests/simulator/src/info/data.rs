//! Partitions, truncates, indexes: what is about records.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::registry::{Answer, Call};
use crate::node::{EPOCH, Node};

pub fn replicas(call: &mut Call<'_>) -> Answer {
    Ok(each_namespace(call.node, |node, name| {
        let copies = node.ownership(name).map_or(0, |it| it.copies).max(1);
        let maps: Vec<_> = (0..copies)
            .map(|replica| bitmap(node, name, replica))
            .collect();
        let regime = u8::from(node.is_strong(name));
        format!("{regime},{copies},{}", maps.join(","))
    }))
}

pub fn replicas_all(call: &mut Call<'_>) -> Answer {
    Ok(each_namespace(call.node, |node, name| {
        let copies = node.ownership(name).map_or(0, |it| it.copies).max(1);
        let maps: Vec<_> = (0..copies)
            .map(|replica| bitmap(node, name, replica))
            .collect();
        format!("{copies},{}", maps.join(","))
    }))
}

pub fn replicas_master(call: &mut Call<'_>) -> Answer {
    Ok(each_namespace(call.node, |node, name| {
        bitmap(node, name, 0)
    }))
}

fn each_namespace(node: &Node, text: impl Fn(&Node, &str) -> String) -> String {
    let names = node.settings.namespaces().iter();
    names
        .map(|name| format!("{name}:{}", text(node, name)))
        .collect::<Vec<_>>()
        .join(";")
}

/// The partitions in which this node has this place among the replicas.
fn bitmap(node: &Node, namespace: &str, replica: usize) -> String {
    let (mut bits, me) = (vec![0_u8; node.partitions.div_ceil(8)], node.engine.me().id);
    if let Some(ownership) = node.ownership(namespace) {
        let mine = |partition: &usize| ownership.place_of(me, *partition) == Some(replica);
        for partition in (0..node.partitions).filter(mine) {
            bits[partition / 8] |= 0x80 >> (partition % 8);
        }
    }
    STANDARD.encode(bits)
}

pub fn truncate(call: &mut Call<'_>) -> Answer {
    let namespace = call.required("namespace", 31)?;
    let set = call.required("set", 63)?;
    cut(call, namespace, Some(set))
}

pub fn truncate_namespace(call: &mut Call<'_>) -> Answer {
    let namespace = call.required("namespace", 31)?;
    cut(call, namespace, None)
}

fn cut(call: &mut Call<'_>, namespace: &str, set: Option<&str>) -> Answer {
    let until = match call.optional("lut", 20)? {
        Some(text) => text.parse::<u64>().unwrap_or(0) / 1_000_000,
        None => call.now,
    };
    if until == 0 {
        return Err(call.error(4, "would truncate to 0"));
    }
    call.node.truncate(namespace, set, until);
    let key = format!("truncate/{namespace}/{}", set.unwrap_or_default());
    call.node
        .smd
        .put(&key, &until.saturating_sub(EPOCH), call.now);
    call.node.due.sharing = true;
    Ok("ok".to_owned())
}

pub fn truncate_undo(call: &mut Call<'_>) -> Answer {
    let namespace = call.required("namespace", 31)?;
    let set = call.optional("set", 63)?.unwrap_or_default();
    call.node
        .smd
        .remove(&format!("truncate/{namespace}/{set}"), call.now);
    call.node.due.sharing = true;
    Ok("ok".to_owned())
}

pub fn accepted(_: &mut Call<'_>) -> Answer {
    Ok("ok".to_owned())
}

pub fn query_abort(call: &mut Call<'_>) -> Answer {
    Err(call.error(2, "trid not active"))
}

pub fn query_abort_all(_: &mut Call<'_>) -> Answer {
    Ok("OK - number of queries killed: 0".to_owned())
}

pub fn physical_devices(call: &mut Call<'_>) -> Answer {
    Err(call.error(2, "no device info"))
}

pub fn no_data_center(call: &mut Call<'_>) -> Answer {
    Err(call.error(4, "bad dc"))
}

pub fn smd_info(call: &mut Call<'_>) -> Answer {
    let engine = &call.node.engine;
    let principal = engine.principal().unwrap_or(0);
    let (nodes, key) = (engine.members().len(), engine.key());
    let families = ["evict", "sindex", "truncate", "UDF"];
    let families =
        families.map(|name| format!("{name}:committed_key=0,committed_tid=0,n_keys=0,state=npr;"));
    let head = format!(
        "smd:n_pending_sets=0,n_events=0,n_nodes={nodes},principal={principal:X},cluster_key={key:X};"
    );
    Ok(head + &families.concat())
}
