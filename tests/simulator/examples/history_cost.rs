//! What a history costs: so many changes of a cluster of up to eight servers, each server asked every two seconds.
//!
//! `cargo run -p simulator --example history_cost -- [HISTORIES] [PARTITIONS] [NAMESPACES]`

use std::time::Instant;

use simulator::fleet::{Fleet, Launch, Namespace, Stop, Storage};

const CHANGES: usize = 30;

struct History {
    fleet: Fleet,
    names: Vec<String>,
    namespaces: usize,
    questions: usize,
    next: u64,
}

impl History {
    fn start(&mut self) {
        self.next += 1;
        let mut launch = Launch::new(self.next);
        for number in 0..self.namespaces {
            let disk = format!("disk-{}-{number}", self.next);
            let namespace = Namespace::new(&format!("ns{number}")).on(Storage::device(&disk));
            launch = launch.namespace(namespace);
        }
        let name = format!("node-{}", self.next);
        self.fleet.start(&name, &launch).expect("new disks");
        self.names.push(name);
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            self.fleet.advance(2000);
            let command = format!("cluster-stable:size={}", self.names.len());
            let mut stable = true;
            for name in &self.names {
                self.questions += 3;
                let key = self.fleet.info(name, &command);
                stable &= key.is_ok_and(|key| !key.starts_with("ERROR"));
                let _ = self.fleet.info(name, "statistics");
                let _ = self.fleet.info(name, "namespace/ns0");
            }
            if stable {
                return;
            }
        }
        panic!("it never settles");
    }

    fn take_down(&mut self, index: usize) -> String {
        let name = self.names.remove(index);
        let _ = self.fleet.info(&name, "quiesce:");
        for name in self.names.iter().chain([&name]) {
            let _ = self.fleet.info(name, "recluster:");
        }
        self.fleet.advance(6000);
        self.fleet.stop(&name, Stop::Clean);
        self.fleet.advance(3000);
        name
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|it| it.parse().ok());
    let histories = arguments.next().unwrap_or(100);
    let partitions = arguments.next().unwrap_or(256);
    let namespaces = arguments.next().unwrap_or(1);
    let (start, mut questions, mut harms, mut virtual_time) = (Instant::now(), 0, 0, 0);
    for seed in 0..histories {
        let fleet = Fleet::new(seed as u64).with_partitions(partitions);
        let began = fleet.now();
        let mut history = History {
            fleet,
            names: Vec::new(),
            namespaces,
            questions: 0,
            next: 0,
        };
        (0..3).for_each(|_| history.start());
        history.settle();
        for change in 0..CHANGES {
            let up = history.names.len() < 3 || history.names.len() < 8 && change % 3 != 0;
            if up {
                history.start();
            } else {
                history.take_down((seed + change) % history.names.len());
            }
            history.settle();
        }
        questions += history.questions;
        harms += history.fleet.record().len();
        virtual_time += history.fleet.now() - began;
    }
    let took = start.elapsed();
    let each = took.as_micros() / histories.max(1) as u128;
    println!(
        "{histories} histories of {CHANGES} changes, {partitions} partitions, {namespaces} namespaces: {each} µs each \
         ({} s of virtual time and {} questions each), {harms} violations",
        virtual_time / 1000 / histories.max(1) as u64,
        questions / histories.max(1),
    );
}
