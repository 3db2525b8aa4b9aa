//! The program with its sockets and the fleet in virtual time, held to the same answers.

mod support;

use simulator::fleet::{self, Launch, Namespace, Stop};
use simulator::version::{Edition, Release};
use support::Fleet;

/// The same servers twice.
struct Both {
    real: Fleet,
    model: fleet::Fleet,
}

fn name(number: u8) -> String {
    format!("node-{number}")
}

impl Both {
    async fn of(numbers: &[u8]) -> Self {
        let version = "8.1.2.0";
        let size = u8::try_from(numbers.len()).unwrap();
        let real = Fleet::new(version, Edition::Enterprise, size);
        let mut both = Self {
            real: real.started().await,
            model: fleet::Fleet::new(1),
        };
        for number in numbers {
            both.start_in_model(*number);
        }
        both.settle(numbers).await;
        both
    }

    fn start_in_model(&mut self, number: u8) {
        let release = Release {
            version: "8.1.2.0".parse().unwrap(),
            edition: Edition::Enterprise,
        };
        let launch = Launch::new(0xa0 + u64::from(number))
            .release(release)
            .cluster_name("ako-live")
            .namespace(Namespace::new("test"));
        self.model.start(&name(number), &launch).unwrap();
    }

    async fn settle(&mut self, numbers: &[u8]) {
        self.real.settled(numbers).await;
        let command = format!("cluster-stable:size={}", numbers.len());
        let took = self.model.until(60_000, |model| {
            let mut stable = numbers.iter().map(|it| model.info(&name(*it), &command));
            stable.all(|key| key.is_ok_and(|key| !key.starts_with("ERROR")))
        });
        assert!(took.is_some(), "the model never settles");
    }

    async fn stop(&mut self, number: u8) {
        self.real.stop(number).await;
        self.model.stop(&name(number), Stop::Clean);
        self.model.advance(3000);
    }

    async fn start(&mut self, number: u8) {
        self.real.start(number).await;
        self.start_in_model(number);
        self.model.advance(3000);
    }

    /// The answers of both, which are one.
    async fn ask(&mut self, number: u8, command: &str) -> String {
        let real = self.real.info(number, command).await;
        let model = self.model.info(&name(number), command).unwrap();
        assert_eq!(model, real, "{number} {command}");
        real
    }

    /// What both say about some keys.
    async fn compare(&mut self, number: u8, command: &str, keys: &[&str]) {
        let real = self.real.info(number, command).await;
        let model = self.model.info(&name(number), command).unwrap();
        let pick = |text: &str| -> Vec<String> {
            let pairs = text.split(';').filter(|pair| {
                let key = pair.split('=').next().unwrap_or_default();
                keys.contains(&key)
            });
            pairs.map(ToOwned::to_owned).collect()
        };
        assert_eq!(pick(&model), pick(&real), "{number} {command}");
        assert_eq!(pick(&model).len(), keys.len(), "{number} {command}");
        let all = |text: &str| -> Vec<String> {
            let keys = text
                .split(';')
                .map(|pair| pair.split('=').next().unwrap_or_default());
            keys.map(ToOwned::to_owned).collect()
        };
        assert_eq!(all(&model), all(&real), "{number} {command}");
    }

    async fn compare_figures(&mut self, numbers: &[u8]) {
        const CLUSTER: &[&str] = &[
            "cluster_size",
            "cluster_principal",
            "cluster_integrity",
            "cluster_is_member",
            "cluster_duplicate_nodes",
            "cluster_min_compatibility_id",
            "migrate_allowed",
            "migrate_partitions_remaining",
        ];
        const NAMESPACE: &[&str] = &[
            "ns_cluster_size",
            "effective_replication_factor",
            "unavailable_partitions",
            "dead_partitions",
            "pending_quiesce",
            "effective_is_quiesced",
            "nodes_quiesced",
            "migrate_tx_partitions_remaining",
            "migrate_rx_partitions_remaining",
            "replication-factor",
            "rack-id",
        ];
        for number in numbers {
            self.compare(*number, "statistics", CLUSTER).await;
            self.compare(*number, "namespace/test", NAMESPACE).await;
        }
    }
}

/// What each server is told or asked in a life of a cluster, and what must not depend on who answers.
const SCRIPT: &[(u8, &str)] = &[
    (1, "build"),
    (2, "edition"),
    (3, "node"),
    (1, "get-sl"),
    (2, "namespaces"),
    (3, "cluster-name"),
    (1, "racks:"),
    (2, "roster:namespace=test"),
    (1, "cluster-stable:size=2"),
    (1, "cluster-stable:size=3;namespace=nope"),
    (2, "replicas-master"),
    (3, "replicas"),
    (1, "set-config:context=service;migrate-fill-delay=30"),
    (1, "set-config:context=service;migrate-threads=1000"),
    (1, "set-config:context=namespace;namespace=test;nope=1"),
    (1, "tip-clear:host-port-list=nowhere:3002"),
    (2, "services-alumni-reset"),
    (1, "quiesce:"),
    (1, "recluster:"),
    (2, "recluster:"),
    (3, "recluster:"),
];

#[tokio::test]
async fn both_give_the_same_answers_through_the_life_of_a_cluster() {
    let all = [1, 2, 3];
    let mut both = Both::of(&all).await;
    both.compare_figures(&all).await;
    for (number, command) in SCRIPT {
        both.ask(*number, command).await;
    }
    both.model.advance(1000);
    both.settle(&all).await;
    both.compare_figures(&all).await;
    both.ask(2, "replicas-master").await;
    both.stop(1).await;
    both.settle(&[2, 3]).await;
    both.compare_figures(&[2, 3]).await;
    both.ask(2, "replicas").await;
    both.start(1).await;
    both.settle(&all).await;
    both.compare_figures(&all).await;
    both.ask(1, "replicas-master").await;
}
