//! Answers compared with those that a real server gave.

use std::net::IpAddr;

use super::{Request, answer};
use crate::cluster::{Contact, Engine, Incarnation, Offer, Timing};
use crate::conf;
use crate::node::{Addresses, Node};
use crate::security::Caller;
use crate::version::{Edition, Release};
use proptest::prelude::*;

/// Section, node, request and answer, as recorded from three nodes of 8.1.2.0 Community.
pub const RECORDED: &str = include_str!("../../data/recorded/answers.tsv");

/// The cluster keys in the recording: sections 2 and 3 to 9.
pub const KEYS: [&str; 2] = ["EF78D5312CE3", "3D944EACCCFC"];

const NOW: u64 = 1_795_000_000_000;

pub fn configuration(node: u8, more: &str) -> String {
    format!(
        "service {{\n cluster-name ako-live\n node-id a{node}\n}}\n\
         logging {{\n file /run/asd.log {{\n context any info\n }}\n console {{\n context any info\n }}\n}}\n\
         network {{\n service {{\n address 127.0.0.{node}\n access-address 127.0.0.{node}\n port 3000\n }}\n\
         heartbeat {{\n mode mesh\n address 127.0.0.{node}\n port 3002\n interval 150\n timeout 10\n\
         mesh-seed-address-port 127.0.0.2 3002\n mesh-seed-address-port 127.0.0.3 3002\n }}\n\
         fabric {{\n address 127.0.0.{node}\n port 3001\n }}\n}}\n\
         namespace test {{\n replication-factor 2\n storage-engine memory {{\n data-size 512M\n }}\n {more}\n}}\n"
    )
}

fn node(release: Release, number: u8, more: &str) -> Node {
    let text = configuration(number, more);
    // 7.0 wants a larger one
    let text = if release.version.at_least(7, 1) {
        text
    } else {
        text.replace("512M", "1G")
    };
    let settings = conf::parse(release, &text).unwrap();
    let me = Incarnation {
        id: 0xa0 + u64::from(number),
        nonce: 1,
    };
    let engine = Engine::new(me, "ako-live", Timing::new(150, 10), Offer::default(), NOW);
    let host = format!("127.0.0.{number}");
    let contact = Contact {
        service: vec![format!("{host}:3000")],
        heartbeat: (host.clone(), 3002),
        fabric: (host, 3001),
        ..Contact::default()
    };
    Node::new(
        settings,
        engine,
        Addresses {
            contact,
            ..Addresses::default()
        },
        NOW,
    )
}

/// Nodes of one cluster, settled, and the time that is then.
fn cluster(release: Release, more: &str) -> (Vec<Node>, u64) {
    let mut nodes: Vec<_> = (1..=3).map(|number| node(release, number, more)).collect();
    let mut now = NOW;
    while now < NOW + 4000 {
        now += 50;
        step(&mut nodes, now);
    }
    (nodes, now)
}

fn step(nodes: &mut [Node], now: u64) {
    let pulses: Vec<_> = nodes.iter_mut().map(|node| node.engine.pulse()).collect();
    for node in nodes {
        for pulse in &pulses {
            node.hear(std::sync::Arc::clone(pulse), now);
        }
        node.tick(now);
    }
}

fn release(version: &str, edition: Edition) -> Release {
    Release {
        version: version.parse().unwrap(),
        edition,
    }
}

fn ask(node: &mut Node, now: u64, command: &str) -> Option<String> {
    let caller = Caller::from(IpAddr::from([127, 0, 0, 1]));
    let mut request = Request {
        node,
        caller: &caller,
        by_admin_port: false,
        now,
    };
    let text = answer(&mut request, format!("{command}\n").as_bytes());
    let value = text
        .strip_prefix(command)?
        .strip_prefix('\t')?
        .strip_suffix('\n')?;
    Some(value.to_owned())
}

/// The recorded requests, in order, to the nodes that they went to.
#[test]
fn a_community_cluster_answers_as_recorded() {
    let (mut nodes, mut now) = cluster(community("8.1.2.0"), "");
    for line in RECORDED.lines() {
        let cells: Vec<_> = line.split('\t').collect();
        let [_, number, command, recorded] = cells[..] else {
            panic!("{line}")
        };
        let key = format!("{:X}", nodes[0].engine.key());
        let node = &mut nodes[usize::from(number.as_bytes()[1] - b'1')];
        let recorded = if recorded == "(empty)" { "" } else { recorded };
        let expected = KEYS
            .iter()
            .fold(recorded.to_owned(), |text, old| text.replace(old, &key));
        assert_eq!(
            ask(node, now, command).as_deref(),
            Some(expected.as_str()),
            "{number} {command}"
        );
        if command.starts_with("recluster") {
            now = settle(&mut nodes, now);
        }
    }
}

fn settle(nodes: &mut [Node], now: u64) -> u64 {
    let times = (1..40).map(|tick| now + tick * 50);
    times.inspect(|now| step(nodes, *now)).last().unwrap_or(now)
}

fn community(version: &str) -> Release {
    release(version, Edition::Community)
}

fn enterprise(version: &str) -> Release {
    release(version, Edition::Enterprise)
}

fn keys(text: &str) -> Vec<String> {
    text.trim()
        .split(';')
        .filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()))
        .collect()
}

/// Of the machine and the way the recorded server was started.
const OF_THE_MACHINE: &[&str] = &[
    "pidfile",
    "work-directory",
    "proto-fd-max",
    "service.access-address",
    "admin.port",
    "admin.address",
];

#[test]
fn the_configuration_is_reported_as_recorded() {
    let recordings = [
        (
            "context=service",
            include_str!("../../data/recorded/get-config-service"),
        ),
        (
            "context=network",
            include_str!("../../data/recorded/get-config-network"),
        ),
        (
            "context=namespace;namespace=test",
            include_str!("../../data/recorded/get-config-namespace"),
        ),
    ];
    let (mut nodes, now) = cluster(community("8.1.2.0"), "");
    for (context, recorded) in recordings {
        let told = ask(&mut nodes[0], now, &format!("get-config:{context}")).unwrap();
        let general = |text: &str| -> Vec<String> {
            let pairs = text.trim().split(';').map(ToOwned::to_owned);
            pairs
                .filter(|pair| !OF_THE_MACHINE.contains(&pair.split('=').next().unwrap()))
                .collect()
        };
        assert_eq!(general(&told), general(recorded), "{context}");
    }
}

#[test]
fn statistics_have_the_recorded_keys_in_the_recorded_order() {
    let (mut nodes, now) = cluster(community("8.1.2.0"), "");
    let told = ask(&mut nodes[0], now, "statistics").unwrap();
    assert_eq!(
        keys(&told),
        keys(include_str!("../../data/recorded/statistics"))
    );
    let told = ask(&mut nodes[0], now, "namespace/test").unwrap();
    let recorded = keys(include_str!("../../data/recorded/namespace"));
    let recorded: Vec<_> = recorded
        .into_iter()
        .filter(|key| !key.starts_with("storage-engine.stripe"))
        .collect();
    let told: Vec<_> = keys(&told)
        .into_iter()
        .filter(|key| !key.starts_with("storage-engine.stripe"))
        .collect();
    assert_eq!(told, recorded);
}

#[test]
fn errors_have_the_text_of_their_version() {
    let texts = [
        (
            "8.1.2.0",
            "cluster-stable:size=9",
            Some("ERROR:7:cluster not specified size"),
        ),
        (
            "7.1.0.1",
            "cluster-stable:size=9",
            Some("ERROR::cluster-not-specified-size"),
        ),
        (
            "7.1.0.1",
            "cluster-stable:namespace=nope",
            Some("ERROR::unknown-namespace"),
        ),
        (
            "7.1.0.1",
            "set-config:context=service;nope=1",
            Some("error"),
        ),
        ("7.1.0.1", "quiesce:", Some("ERROR::enterprise-only")),
        ("7.1.0.1", "nosuch", Some("ERROR:4:unrecognized command")),
        ("7.0.0.1", "nosuch", None),
        ("7.0.0.1", "recluster", None),
        ("7.0.0.1", "recluster:", Some("ignored-by-non-principal")),
        ("7.0.0.1", "statistics:", None),
        (
            "8.0.0.1",
            "connection",
            Some("ERROR:4:unrecognized command"),
        ),
        ("8.1.0.1", "release", Some("ERROR:4:unrecognized command")),
        (
            "7.1.0.1",
            "tip-clear:host-port-list=10.0.0.1:3002",
            Some("error: 0 cleared, 1 not found"),
        ),
    ];
    for (version, command, expected) in texts {
        let (mut nodes, now) = cluster(community(version), "");
        assert_eq!(
            ask(&mut nodes[0], now, command).as_deref(),
            expected,
            "{version} {command}"
        );
    }
}

#[test]
fn yes_and_no_are_understood_up_to_7_1() {
    for (version, understood) in [("7.1.0.1", true), ("7.2.0.1", false)] {
        let (mut nodes, now) = cluster(community(version), "");
        let answer = ask(&mut nodes[0], now, "cluster-stable:ignore-migrations=yes").unwrap();
        assert_eq!(!answer.starts_with("ERROR"), understood, "{answer}");
    }
}

#[test]
fn old_versions_report_their_own_parameters() {
    let release = community("6.4.0.1");
    let text = configuration(1, "").replace(
        "storage-engine memory {\n data-size 512M\n }",
        "memory-size 1G\nstorage-engine memory",
    );
    let settings = conf::parse(release, &text).unwrap();
    let lines = super::config_read::namespace_lines(&settings, "test");
    assert!(lines.contains(&"memory-size=1073741824".to_owned()));
    assert!(lines.contains(&"storage-engine=memory".to_owned()));
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("indexes-memory-budget") || line.contains("stripe"))
    );
}

#[test]
fn a_quiesced_node_hands_over_with_the_next_recluster() {
    let (mut nodes, now) = cluster(enterprise("8.1.2.0"), "");
    assert_eq!(ask(&mut nodes[0], now, "quiesce:").as_deref(), Some("ok"));
    let figures = ask(&mut nodes[0], now, "namespace/test").unwrap();
    assert!(
        figures.contains(";pending_quiesce=true;effective_is_quiesced=false;nodes_quiesced=0;")
    );
    assert_eq!(ask(&mut nodes[2], now, "recluster:").as_deref(), Some("ok"));
    let now = settle(&mut nodes, now);
    let figures = ask(&mut nodes[0], now, "namespace/test").unwrap();
    assert!(figures.contains(";pending_quiesce=true;effective_is_quiesced=true;nodes_quiesced=1;"));
    assert!(
        ask(&mut nodes[1], now, "namespace/test")
            .unwrap()
            .contains(";effective_is_quiesced=false;nodes_quiesced=1;")
    );
    let masters = ask(&mut nodes[0], now, "replicas-master").unwrap();
    assert!(masters.starts_with("test:AAAAAAAA"));
}

#[test]
fn racks_are_told_as_they_were_at_the_last_rebalance() {
    let (mut nodes, now) = cluster(enterprise("8.1.2.0"), "rack-id 1");
    assert_eq!(
        ask(&mut nodes[0], now, "racks:").as_deref(),
        Some("ns=test:rack_1=A1,A2,A3")
    );
    assert_eq!(
        ask(
            &mut nodes[1],
            now,
            "set-config:context=namespace;namespace=test;rack-id=2"
        )
        .as_deref(),
        Some("ok")
    );
    assert_eq!(
        ask(&mut nodes[0], now, "racks:namespace=test").as_deref(),
        Some("rack_1=A1,A2,A3")
    );
    assert_eq!(ask(&mut nodes[2], now, "recluster:").as_deref(), Some("ok"));
    let now = settle(&mut nodes, now);
    assert_eq!(
        ask(&mut nodes[0], now, "racks:namespace=test").as_deref(),
        Some("rack_1=A1,A3:rack_2=A2")
    );
}

#[test]
fn a_roster_is_in_force_after_a_recluster() {
    let (mut nodes, now) = cluster(enterprise("8.1.2.0"), "strong-consistency true\nrack-id 1");
    let roster = ask(&mut nodes[0], now, "roster:namespace=test");
    assert_eq!(
        roster.as_deref(),
        Some("roster=null:pending_roster=null:observed_nodes=A3@1,A2@1,A1@1")
    );
    let set = "roster-set:namespace=test;nodes=A3@1,A2@1";
    assert_eq!(ask(&mut nodes[0], now, set).as_deref(), Some("ok"));
    let smd = nodes[0].smd.clone();
    for node in &mut nodes {
        node.learn(smd.clone());
    }
    let roster = ask(&mut nodes[1], now, "roster:");
    assert_eq!(
        roster.as_deref(),
        Some("ns=test:roster=null:pending_roster=A3@1,A2@1:observed_nodes=A3@1,A2@1,A1@1")
    );
    assert_eq!(ask(&mut nodes[2], now, "recluster:").as_deref(), Some("ok"));
    let now = settle(&mut nodes, now);
    let roster = ask(&mut nodes[1], now, "roster:namespace=test");
    assert_eq!(
        roster.as_deref(),
        Some("roster=A3@1,A2@1:pending_roster=A3@1,A2@1:observed_nodes=A3@1,A2@1,A1@1")
    );
    for (node, size) in [(0, 0), (1, 2)] {
        let figures = ask(&mut nodes[node], now, "namespace/test").unwrap();
        let told = format!("ns_cluster_size={size};");
        assert!(figures.starts_with(&told), "{figures}");
    }
}

#[test]
fn data_centers_are_created_filled_and_deleted() {
    let (mut nodes, now) = cluster(enterprise("8.1.2.0"), "");
    let mut tell = |command: &str| ask(&mut nodes[0], now, command).unwrap();
    let refused = "ERROR:4:invalid state or set-config parameter";
    assert_eq!(
        tell("set-config:context=xdr;dc=d;namespace=test;action=add"),
        refused
    );
    assert_eq!(tell("set-config:context=xdr;dc=d;action=create"), "ok");
    assert_eq!(tell("set-config:context=xdr;dc=d;action=create"), refused);
    assert_eq!(
        tell("set-config:context=xdr;dc=d;node-address-port=h:3000;action=add"),
        "ok"
    );
    assert_eq!(
        tell("set-config:context=xdr;dc=d;namespace=test;action=add"),
        "ok"
    );
    assert_eq!(
        tell("set-config:context=xdr;dc=d;namespace=test;ship-set=s"),
        "ok"
    );
    assert_eq!(tell("set-config:context=xdr;dc=d;period-ms=50"), "ok");
    let dc = tell("get-config:context=xdr;dc=d");
    assert!(
        dc.contains("period-ms=50") && dc.ends_with("namespaces=test"),
        "{dc}"
    );
    assert_eq!(tell("set-config:context=xdr;dc=d;action=delete"), "ok");
    assert_eq!(
        tell("get-config:context=xdr"),
        "dcs=;src-id=0;trace-sample=0"
    );
}

#[test]
fn what_nobody_knows_is_a_violation_in_strict_mode() {
    let mut node = node(community("8.1.2.0"), 1, "");
    node.strict = true;
    ask(&mut node, NOW, "nosuch");
    assert!(
        node.log
            .iter()
            .any(|line| line.text == "VIOLATION unknown-info 'nosuch'")
    );
}

proptest! {
    #[test]
    fn any_request_gets_an_answer(body in proptest::collection::vec(any::<u8>(), 0..80), pick in 0_usize..8) {
        const NAMES: [&str; 8] = ["set-config:", "get-config:", "cluster-stable:", "log-set:", "log/", "sets/",
            "roster-set:", "tip-clear:"];
        let mut node = node(enterprise("8.1.2.0"), 1, "");
        let caller = Caller::from(IpAddr::from([127, 0, 0, 1]));
        let mut request = Request { node: &mut node, caller: &caller, by_admin_port: false, now: NOW };
        let text = [NAMES[pick].as_bytes(), &body, b"\n"].concat();
        answer(&mut request, &text);
    }
}
