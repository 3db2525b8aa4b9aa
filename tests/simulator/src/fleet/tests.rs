//! Histories of small clusters, each in virtual time.

mod bugs;
mod model;
mod timelines;

use super::*;

/// A few servers, and the few things that tests do with them.
struct Scene {
    fleet: Fleet,
    /// For each server its number and its namespace; the id is the number behind an `a`.
    namespace: fn(u64) -> Namespace,
}

impl Scene {
    fn of(numbers: &[u64], namespace: fn(u64) -> Namespace) -> Self {
        let fleet = Fleet::new(7).with_partitions(256);
        let mut scene = Self { fleet, namespace };
        for number in numbers {
            scene.start(*number);
        }
        scene
    }

    /// As `of`, and nothing moves any more.
    fn settled(numbers: &[u64], namespace: fn(u64) -> Namespace) -> Self {
        let mut scene = Self::of(numbers, namespace);
        scene.settle(numbers);
        scene.fleet.advance(2000);
        scene
    }

    fn start(&mut self, number: u64) {
        let launch = Launch::new(0xa0 + number).namespace((self.namespace)(number));
        self.fleet.start(&name(number), &launch).unwrap();
    }

    fn stop(&mut self, number: u64, how: Stop) {
        self.fleet.stop(&name(number), how);
    }

    fn ask(&mut self, number: u64, command: &str) -> String {
        let answer = self.fleet.info(&name(number), command);
        answer.unwrap_or_else(|silence| silence.to_string())
    }

    fn figure(&mut self, number: u64, command: &str, key: &str) -> String {
        let answer = self.ask(number, command);
        let pairs = answer.split(';').filter_map(|pair| pair.split_once('='));
        let found = pairs.clone().find(|(known, _)| *known == key);
        found.map_or(String::new(), |(_, value)| value.to_owned())
    }

    fn is_stable(&mut self, number: u64, size: usize) -> bool {
        let command = format!("cluster-stable:size={size};ignore-migrations=false");
        let key = self.ask(number, &command);
        !key.is_empty() && key.chars().all(|it| it.is_ascii_hexdigit())
    }

    /// Until all of these say that they are all, and that nothing moves; the milliseconds that it took.
    fn settle(&mut self, numbers: &[u64]) -> u64 {
        let start = self.fleet.now();
        while !numbers.iter().all(|it| self.is_stable(*it, numbers.len())) {
            self.fleet.advance(50);
            assert!(self.fleet.now() < start + 120_000, "it never settles");
        }
        self.fleet.now() - start
    }

    fn recluster(&mut self, numbers: &[u64]) {
        let answers: Vec<_> = numbers
            .iter()
            .map(|it| self.ask(*it, "recluster:"))
            .collect();
        assert!(answers.iter().any(|it| it == "ok"), "{answers:?}");
    }

    /// As a careful operator takes a server down.
    fn take_down(&mut self, number: u64, all: &[u64]) {
        self.settle(all);
        assert_eq!(self.ask(number, "quiesce:"), "ok");
        self.recluster(all);
        self.fleet.advance(500);
        self.settle(all);
        self.fleet.advance(1500);
        self.stop(number, Stop::Clean);
        self.fleet.advance(3000);
    }

    fn harms(&self) -> Vec<Harm> {
        let mut harms: Vec<_> = self.fleet.record().iter().map(|it| it.harm).collect();
        harms.sort_unstable();
        harms.dedup();
        harms
    }

    fn lines(&self) -> Vec<String> {
        self.fleet
            .record()
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}

fn name(number: u64) -> String {
    format!("node-{number}")
}

fn in_memory(_: u64) -> Namespace {
    Namespace::new("test")
}

fn on_device(number: u64) -> Namespace {
    Namespace::new("test").on(Storage::device(&format!("claim-{number}")))
}
