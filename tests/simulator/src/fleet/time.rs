//! Time, and what happens in it by itself.

use std::sync::Arc;

use super::Fleet;
use super::record::Cause;
use super::server::{Server, Stage, Stop};
use crate::cluster::Pulse;

impl Fleet {
    /// Milliseconds between two looks at the clock while something is going on.
    const STEP: u64 = 50;
    /// The same while nothing but partitions moves.
    const STRIDE: u64 = 500;

    /// Lets so many milliseconds pass.
    pub fn advance(&mut self, milliseconds: u64) {
        let end = self.now + milliseconds;
        while self.now < end {
            let calm = self.is_calm();
            let next = if calm {
                self.next_event(end)
            } else {
                end.min(self.now + Self::STEP)
            };
            self.pass_to(next, calm);
        }
    }

    /// Lets time pass until `holds`, at most so many milliseconds; how many it took, if it came to be.
    pub fn until(&mut self, most: u64, mut holds: impl FnMut(&mut Self) -> bool) -> Option<u64> {
        let start = self.now;
        loop {
            if holds(self) {
                return Some(self.now - start);
            }
            if self.now >= start + most {
                return None;
            }
            self.advance(Self::STEP);
        }
    }

    fn pass_to(&mut self, next: u64, calm: bool) {
        let elapsed = next - self.now;
        self.now = next;
        self.work(elapsed);
        self.run_processes();
        if calm {
            for server in self.servers.iter_mut().filter(|it| it.beats()) {
                server.node.engine.rest(next);
                server.next_pulse = next;
            }
        }
        self.beat();
        self.write();
        self.tend();
    }

    /// When something happens though all is calm.
    fn next_event(&self, end: u64) -> u64 {
        let processes = self.servers.iter().filter_map(|it| match it.stage {
            Stage::Loading(until) | Stage::Stopping(until) => Some(until),
            Stage::Serving | Stage::Frozen => None,
        });
        let tend = self.client.stale.then_some(self.client.next_tend);
        let moving = self.is_moving().then_some(self.now + Self::STRIDE);
        let events = processes.chain(tend).chain(moving).chain([end]);
        events.min().unwrap_or(end).clamp(self.now + 1, end)
    }

    fn run_processes(&mut self) {
        let mut index = 0;
        while index < self.servers.len() {
            let server = &mut self.servers[index];
            match server.stage {
                Stage::Loading(until) if until <= self.now => {
                    server.stage = Stage::Serving;
                    self.network.moved();
                }
                Stage::Stopping(until) if until <= self.now => {
                    let cause = Cause::Stopped(server.name.clone());
                    self.end(index, Stop::Clean, &cause);
                    continue;
                }
                _ => {}
            }
            index += 1;
        }
    }

    /// Whether all that beat hear each other say what they said before.
    fn is_calm(&mut self) -> bool {
        let count = self.servers.len();
        (0..count).all(|index| {
            if !self.servers[index].beats() {
                return true;
            }
            let heard = self.network.hears(&self.servers, index) | 1 << index;
            let said: Vec<_> = in_set(heard)
                .filter_map(|it| self.servers[it].pulse.as_ref())
                .collect();
            said.len() == heard.count_ones() as usize
                && self.servers[index].node.engine.is_calm(&said)
        })
    }

    /// Everybody says what is due, and what follows from it at once.
    fn beat(&mut self) {
        const ROUNDS: usize = 8;
        self.tick();
        for round in 0..ROUNDS {
            let mut said = false;
            for index in 0..self.servers.len() {
                if let Some(pulse) = self.due(index, round == 0) {
                    said = true;
                    self.deliver(index, &pulse);
                }
            }
            self.form_clusters();
            if !said {
                return;
            }
        }
    }

    fn tick(&mut self) {
        let now = self.now;
        for server in self.servers.iter_mut().filter(|it| it.beats()) {
            server.node.tick(now);
            server.node.log.clear();
        }
    }

    fn due(&mut self, index: usize, by_clock: bool) -> Option<Arc<Pulse>> {
        let now = self.now;
        let server = &mut self.servers[index];
        let clock = by_clock && now >= server.next_pulse;
        if !server.beats() || !(server.node.engine.take_urgent() || clock) {
            return None;
        }
        server.next_pulse = now + server.node.engine.interval();
        let pulse = server.node.engine.pulse();
        server.pulse = Some(Arc::clone(&pulse));
        is_loud(server).then_some(pulse)
    }

    fn deliver(&mut self, from: usize, pulse: &Arc<Pulse>) {
        let hearers = self.network.hears(&self.servers, from);
        let now = self.now;
        for to in in_set(hearers) {
            if is_loud(&self.servers[to]) {
                let node = &mut self.servers[to].node;
                node.hear(Arc::clone(pulse), now);
            }
        }
    }
}

fn is_loud(server: &Server) -> bool {
    server.node.settings.get("network.heartbeat.protocol") != Some("none")
}

/// The indexes in a set of bits.
pub fn in_set(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |index| set & 1 << index != 0)
}
