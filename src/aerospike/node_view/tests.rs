use proptest::prelude::*;

use super::*;
use crate::aerospike::info;

/// From a Community server 8.1.2.0, shortened to what is read and its neighbours.
const STATISTICS: &str = "failed_best_practices=true;cluster_size=3;cluster_key=3D944EACCCFC;cluster_generation=1;\
    cluster_principal=A3;cluster_integrity=true;cluster_is_member=true;cluster_duplicate_nodes=null;uptime=4;\
    batch_index_queue=0:0,0:0;paxos_principal=A3;migrate_allowed=true;migrate_partitions_remaining=0";
const NAMESPACE: &str = "ns_cluster_size=3;effective_replication_factor=2;objects=13619;unreplicated_records=0;\
    dead_partitions=0;unavailable_partitions=0;clock_skew_stop_writes=false;stop_writes=false;\
    data_total_bytes=536870912;data_used_bytes=14599568;replication-factor=2;pending_quiesce=false;effective_is_quiesced=false;nodes_quiesced=0;migrate_tx_partitions_remaining=2;\
    migrate_rx_partitions_remaining=3";

const QUESTIONS: Questions<'_> = Questions {
    strong: &[],
    namespaces: &["test", "gone"],
    known: None,
    members: 3,
    fill_delay: true,
    traffic: true,
    configuration: &[],
};

fn body(build: &str, statistics: &str, namespace: &str) -> String {
    format!(
        "build\t{build}\nnode\tA1\nstatistics\t{statistics}\nnamespaces\tbar;test\n\
         release\tedition=Aerospike Community Edition;version={build}\n\
         edition\tAerospike Enterprise Edition\n\
         get-config:context=service\tproto-fd-max=15000;migrate-fill-delay=60\n\
         latencies:\tbatch-index:;{{test}}-read:msec,3.5,0.00\n\
         namespace/test\t{namespace}\nnamespace/gone\ttype=unknown\n\
         cluster-stable:size=3;ignore-migrations=false\t3D944EACCCFC\n"
    )
}

fn view(body: &str) -> Result<NodeView, Error> {
    let commands = NodeView::commands(&QUESTIONS);
    let commands: Vec<_> = commands.iter().map(String::as_str).collect();
    let answers = info::parse(&commands, body.as_bytes()).unwrap();
    NodeView::parse(&answers, &QUESTIONS)
}

fn expected() -> NodeView {
    let namespace = NamespaceView {
        cluster_size: Some(3),
        effective_replication_factor: Some(2),
        unavailable_partitions: 0,
        dead_partitions: 0,
        unreplicated_records: Some(0),
        migrate_partitions_remaining: 5,
        pending_quiesce: false,
        is_quiesced: false,
        nodes_quiesced: Some(0),
        stop_writes: false,
        room: Some(Room {
            used: 14_599_568,
            limit: 375_809_630,
        }),
        strong_consistency: false,
        roster: None,
        replication_factor: Some(2),
        objects: Some(13619),
    };
    let cluster = ClusterView {
        size: 3,
        key: "3D944EACCCFC".into(),
        integrity: true,
        principal: Some("A3".into()),
        duplicate_nodes: vec![],
        migrate_allowed: true,
        migrate_partitions_remaining: 0,
        uptime: 4,
    };
    NodeView {
        build: "8.1.2.0".parse().unwrap(),
        edition: Edition::Community,
        node: "A1".into(),
        cluster,
        namespaces: [("test".into(), namespace)].into(),
        other_namespaces: ["bar".into()].into(),
        fill_delay: Some(60),
        traffic: Some(vec!["{test}-read".into()]),
        configuration: BTreeMap::new(),
        stability: Stability::Stable {
            key: "3D944EACCCFC".into(),
        },
    }
}

#[test]
fn one_answer_holds_the_whole_view() {
    let view = view(&body("8.1.2.0", STATISTICS, NAMESPACE)).unwrap();
    assert_eq!(view, expected());
    assert!(view.looks_settled(3) && !view.looks_settled(2) && view.serves_all());
}

#[test]
fn an_older_server_names_its_edition_by_another_command() {
    let view = view(&body("8.1.0.1", STATISTICS, NAMESPACE)).unwrap();
    assert_eq!(view.edition, Edition::Enterprise);
}

#[test]
fn only_the_edition_command_of_the_known_version_is_sent() {
    let fixed = ["build", "node", "statistics", "namespaces"];
    let commands = |build: &str| {
        NodeView::commands(&Questions {
            namespaces: &["a"],
            known: Some(&build.parse().unwrap()),
            members: 2,
            ..Questions::default()
        })
    };
    let stable = "cluster-stable:size=2;ignore-migrations=false";
    let expected = |edition| [&fixed[..], &[edition, "namespace/a", stable]].concat();
    assert_eq!(commands("8.1.1.0"), expected("release"));
    assert_eq!(commands("8.1.0.9"), expected("edition"));
}

#[test]
fn the_configuration_is_asked_for_once_and_kept_as_it_came() {
    let network = "get-config:context=network".to_owned();
    let configuration = [command::SERVICE_CONFIG.to_owned(), network.clone()];
    let questions = Questions {
        configuration: &configuration,
        ..QUESTIONS
    };
    let commands = NodeView::commands(&questions);
    let asked = |text: &str| commands.iter().filter(|it| *it == text).count();
    assert_eq!((asked(command::SERVICE_CONFIG), asked(&network)), (1, 1));
    let commands: Vec<_> = commands.iter().map(String::as_str).collect();
    let body = body("8.1.2.0", STATISTICS, NAMESPACE);
    let answers = info::parse(&commands, body.as_bytes()).unwrap();
    let view = NodeView::parse(&answers, &questions).unwrap();
    let service = "proto-fd-max=15000;migrate-fill-delay=60".to_owned();
    let expected = BTreeMap::from([(command::SERVICE_CONFIG.to_owned(), service)]);
    assert_eq!(view.configuration, expected);
}

#[test]
fn a_node_that_has_not_joined_is_not_settled() {
    let statistics = STATISTICS.replace("cluster_size=3", "cluster_size=0");
    let statistics = statistics.replace("cluster_integrity=true", "cluster_integrity=false");
    let view = view(&body("8.1.2.0", &statistics, NAMESPACE)).unwrap();
    assert!(!view.looks_settled(0) && !view.looks_settled(3));
}

#[test]
fn two_processes_with_one_id_are_seen() {
    let statistics = STATISTICS.replace("nodes=null", "nodes=A2,A3");
    let view = view(&body("8.1.2.0", &statistics, NAMESPACE)).unwrap();
    assert_eq!(view.cluster.duplicate_nodes, ["A2", "A3"]);
    assert!(!view.looks_settled(3));
}

#[test]
fn an_unserved_partition_is_seen() {
    let namespace = NAMESPACE.replace("unavailable_partitions=0", "unavailable_partitions=4096");
    let view = view(&body("8.1.2.0", STATISTICS, &namespace)).unwrap();
    assert!(!view.serves_all());
}

#[test]
fn what_is_missing_is_an_error_and_not_zero() {
    let namespace = NAMESPACE.replace("dead_partitions=0;", "");
    let source = list::Error::Missing {
        key: "dead_partitions".into(),
    };
    let error = view(&body("8.1.2.0", STATISTICS, &namespace));
    assert_eq!(error, Err(key("namespace/test", source)));
}

#[test]
fn a_refused_command_is_an_error() {
    let whole = body("8.1.2.0", "ERROR:81:role violation", NAMESPACE);
    let source = info::InfoError {
        code: Some(81),
        text: "role violation".into(),
    };
    let error = Error::NoValue(NoValue::Failed {
        command: "statistics".into(),
        source,
    });
    assert_eq!(view(&whole), Err(error));
}

proptest! {
    #[test]
    fn no_values_make_it_panic(values in proptest::collection::vec("[a-z_=;0-9]{0,30}", 2), number in any::<u64>()) {
        let namespace = NAMESPACE.replace("=0", &format!("={number}")).replace("remaining=2", &format!("remaining={number}"));
        let statistics = format!("{STATISTICS};{}", values[0]);
        if let Ok(view) = view(&body("8.1.2.0", &statistics, &namespace)) {
            let _ = view.serves_all();
        }
        let _ = view(&body(&values[1], &values[0], &values[1]));
    }
}
