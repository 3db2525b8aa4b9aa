//! The machine's network for the cluster: one bridge, and for each node a network namespace with a cable to it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::addresses::{self, CONTROL_PLANE, SERVICES};
use crate::node::{NODES, Node};
use crate::paths::NAME;
use crate::run::{Output, SHORT, command, output, run};

/// The bridge in the root network namespace.
#[must_use]
pub fn bridge() -> String {
    format!("{NAME}0")
}

/// Says who has our addresses, or our packet filter's tables, already.
///
/// # Errors
/// If something else has them.
pub fn check_free(state: &Path) -> Result<()> {
    let routes = run("ip", &["-4", "route", "show"])?;
    if let Some(route) = addresses::taken(&routes, &bridge()) {
        bail!(
            "this machine routes addresses that the cluster needs ({}, {}, {}) elsewhere: `{route}`; remove that route or use another machine",
            addresses::MACHINES,
            addresses::PODS,
            SERVICES
        );
    }
    if !made_rules(state) && has_service_rules() {
        bail!(
            "another Kubernetes keeps its service rules in this machine's packet filter (chain KUBE-SERVICES); end it, and run `kube-proxy --cleanup`"
        );
    }
    Ok(())
}

/// Makes the bridge, and the way to cluster IPs, unless they are there.
///
/// # Errors
/// If the kernel refuses.
pub fn ensure_bridge() -> Result<()> {
    let bridge = bridge();
    if !exists(&bridge) {
        ip(&format!("link add {bridge} type bridge"))?;
    }
    ip(&format!("address replace {CONTROL_PLANE}/24 dev {bridge}"))?;
    ip(&format!("link set {bridge} up"))?;
    ip(&format!(
        "route replace {SERVICES} dev {bridge} src {CONTROL_PLANE}"
    ))?;
    if !forwarding("--check").success {
        forwarding("--insert")
            .ok()
            .context("the packet filter could not be changed")?;
    }
    Ok(())
}

/// Whether a node's network namespace is there.
#[must_use]
pub fn has_space(node: &Node) -> bool {
    Path::new("/run/netns").join(node.space()).exists()
}

/// Makes a node's network namespace, its cable and its routes, unless they are there.
///
/// # Errors
/// If the kernel refuses.
pub fn ensure_node(node: &Node) -> Result<()> {
    let (space, cable, bridge) = (node.space(), node.cable(), bridge());
    if !has_space(node) {
        ip(&format!("netns add {space}"))?;
    }
    if !exists(&cable) {
        ip(&format!(
            "link add {cable} type veth peer name eth0 netns {space}"
        ))?;
    }
    ip(&format!("link set {cable} master {bridge} up"))?;
    ip(&format!(
        "-n {space} address replace {}/24 dev eth0",
        addresses::node(node.number)
    ))?;
    ip(&format!("-n {space} link set eth0 up"))?;
    ip(&format!("-n {space} link set lo up"))?;
    ip(&format!(
        "-n {space} route replace default via {CONTROL_PLANE}"
    ))?;
    let space = format!("--net=/run/netns/{space}");
    run(
        "nsenter",
        &[&space, "sysctl", "-qw", "net.ipv4.ip_forward=1"],
    )?;
    route_pods(node)
}

/// Cuts a node off from all others, as if its cable were pulled, or plugs it in again.
///
/// # Errors
/// If the kernel refuses.
pub fn set_cable(node: &Node, plugged_in: bool) -> Result<()> {
    let state = if plugged_in { "up" } else { "down" };
    ip(&format!("link set {} {state}", node.cable()))
}

/// Removes what the functions above made.
///
/// # Errors
/// If the kernel refuses.
pub fn remove() -> Result<()> {
    while forwarding("--delete").success {}
    let devices = NODES.iter().map(Node::cable).chain([bridge()]);
    for device in devices.filter(|device| exists(device)) {
        let deleted = ip(&format!("link delete {device}"));
        deleted.or_else(|error| if exists(&device) { Err(error) } else { Ok(()) })?;
    }
    for node in NODES.iter().filter(|node| has_space(node)) {
        ip(&format!("netns delete {}", node.space()))?;
    }
    Ok(())
}

/// Every other node, and the root network namespace, reaches this node's pods by way of the node.
fn route_pods(node: &Node) -> Result<()> {
    let route = format!(
        "route replace {} via {}",
        addresses::pods_of(node.number),
        addresses::node(node.number)
    );
    ip(&format!("{route} dev {}", bridge()))?;
    let others = NODES.iter().filter(|other| *other != node);
    for other in others.filter(|other| has_space(other)) {
        ip(&format!("-n {} {route}", other.space()))?;
        let back = format!(
            "route replace {} via {}",
            addresses::pods_of(other.number),
            addresses::node(other.number)
        );
        ip(&format!("-n {} {back}", node.space()))?;
    }
    Ok(())
}

/// Where other software has the packet filter look into bridges, and drop what is forwarded, nodes need this rule to reach each other.
fn forwarding(change: &str) -> Output {
    let bridge = bridge();
    let rule = ["-i", &bridge, "-o", &bridge, "-j", "ACCEPT"];
    let mut iptables = command("iptables");
    iptables.args(["-w", change, "FORWARD"]).args(rule);
    output(&mut iptables, "", SHORT)
}

/// Whether a service proxy of ours has been in the root network namespace.
#[must_use]
pub fn made_rules(state: &Path) -> bool {
    exists(&bridge()) || state.join("proxy.log").exists()
}

fn has_service_rules() -> bool {
    let mut list = command("iptables");
    output(
        list.args(["-w", "-t", "nat", "-S", "KUBE-SERVICES"]),
        "",
        SHORT,
    )
    .success
}

fn exists(device: &str) -> bool {
    Path::new("/sys/class/net").join(device).exists()
}

fn ip(arguments: &str) -> Result<()> {
    let words: Vec<_> = arguments.split(' ').collect();
    run("ip", &words)
        .map(drop)
        .context("the network of the cluster could not be changed")
}
