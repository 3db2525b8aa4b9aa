//! Secondary indexes: their definitions only, for nothing is ever queried.

use serde::{Deserialize, Serialize};

use super::registry::{Answer, Call};
use crate::node::Node;

#[derive(Serialize, Deserialize)]
struct Index {
    set: String,
    bin: String,
    kind: String,
    of: String,
}

fn key(namespace: &str, name: &str) -> String {
    format!("sindex/{namespace}/{name}")
}

pub fn create(call: &mut Call<'_>) -> Answer {
    let (namespace, name) = named(call)?;
    let index = Index {
        set: call.optional("set", 63)?.unwrap_or("null").to_owned(),
        bin: call.optional("bin", 15)?.unwrap_or_default().to_owned(),
        kind: call.optional("type", 15)?.unwrap_or("numeric").to_owned(),
        of: call
            .optional("indextype", 15)?
            .unwrap_or("default")
            .to_owned(),
    };
    call.node.smd.put(&key(namespace, name), &index, call.now);
    call.node.smd_changed = true;
    Ok("ok".to_owned())
}

/// Deleting what is not there is done at once.
pub fn delete(call: &mut Call<'_>) -> Answer {
    let (namespace, name) = named(call)?;
    if call.node.smd.has(&key(namespace, name)) {
        call.node.smd.remove(&key(namespace, name), call.now);
        call.node.smd_changed = true;
    }
    Ok("ok".to_owned())
}

pub fn exists(call: &mut Call<'_>) -> Answer {
    let (namespace, name) = named(call)?;
    Ok(call.node.smd.has(&key(namespace, name)).to_string())
}

pub fn figures(call: &mut Call<'_>) -> Answer {
    const FIGURES: &str = "entries=0;used_bytes=16777216;entries_per_bval=0;entries_per_rec=0;load_pct=100;\
        load_time=0;stat_gc_recs=0";
    let (namespace, name) = named(call)?;
    if call.node.smd.has(&key(namespace, name)) {
        Ok(FIGURES.to_owned())
    } else {
        Err(call.error(201, "no index"))
    }
}

fn named<'a>(call: &mut Call<'a>) -> Result<(&'a str, &'a str), String> {
    let namespace = call.required_namespace()?;
    let name = call.required("indexname", 63)?;
    Ok((namespace, name))
}

/// The server's text is there twice when the namespace is unknown.
pub fn list(call: &mut Call<'_>) -> Answer {
    let asked = call
        .namespace()
        .map_err(|error| format!("{error};{error}"))?;
    let node = &*call.node;
    let known = node
        .smd
        .names("sindex")
        .filter_map(|name| name.split_once('/'));
    let lines = known.filter(|(namespace, _)| asked.is_none_or(|asked| asked == *namespace));
    Ok(lines
        .filter_map(|(namespace, name)| line(node, namespace, name))
        .collect::<Vec<_>>()
        .join(";"))
}

fn line(node: &Node, namespace: &str, name: &str) -> Option<String> {
    let Index { set, bin, kind, of } = node.smd.get(&key(namespace, name))?;
    Some(format!(
        "ns={namespace}:indexname={name}:set={set}:bin={bin}:type={kind}:indextype={of}:context=null:exp=null:state=RW"
    ))
}
