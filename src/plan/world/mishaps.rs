//! What goes wrong by itself: servers crash, nodes are lost or cut off, answers get lost or are not true. One pod at a
//! time is struck, and never one that alone holds data: what is lost all the same, the plan has lost.

use simulator::faults::Fault;

use super::{World, pods::Stage};

/// What may become of a pod that was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Its server crashes.
    Crash,
    /// Its server crashes, and the kubelet has not looked yet.
    SilentCrash,
    /// Somebody deletes it by force.
    Loss,
    /// Its node dies, and comes back.
    NodeLost,
    /// Its node is cut off from the others and lives on.
    CutOff,
}

pub const MISHAPS: [Mishap; 5] = [
    Mishap::Crash,
    Mishap::SilentCrash,
    Mishap::Loss,
    Mishap::NodeLost,
    Mishap::CutOff,
];

/// What may be wrong with the answers of one server, and how often; without a number until it is over.
fn faults() -> [(Fault, Option<u32>); 13] {
    let lost = |command: &str| Fault::LoseReply {
        command: command.to_owned(),
    };
    let error = |command: &str, text: &str| Fault::Error {
        command: command.to_owned(),
        text: text.to_owned(),
    };
    [
        (Fault::StaleView, None),
        (Fault::FullDisk, None),
        (Fault::FreezeMigrations, None),
        (Fault::Refuse, Some(2)),
        (Fault::Stall, Some(1)),
        (Fault::Truncate, Some(2)),
        (lost("quiesce"), Some(1)),
        (lost("recluster"), Some(2)),
        (lost("set-config"), Some(1)),
        (
            error("set-config", "ERROR:4:invalid set-config parameter"),
            Some(2),
        ),
        (error("quiesce", "ERROR:4:no"), Some(1)),
        (error("cluster-stable", "ERROR:7:unstable cluster"), Some(1)),
        (Fault::DenyPrincipal, Some(1)),
    ]
}

impl World {
    /// Something happens to a pod, if the others can do without it.
    pub fn strike(&mut self, name: &str, mishap: Mishap) {
        if !self.is_only_one_down(name) {
            return;
        }
        // What a server that is cut off lets clients write is lost where the others stop just then.
        // Nor does a strongly consistent namespace serve what only that one has.
        let may_be_alone = self.in_hand.is_empty()
            && self.comes_back(name)
            && (!self.servers.is_strong() || self.servers.can_do_without(name, &[]));
        match mishap {
            Mishap::CutOff if may_be_alone => self.servers.cut_off(name),
            _ if self.servers.can_do_without(name, &self.in_hand) && self.may_lose_disk(name) => {
                self.servers.crash(name);
                self.forget_operation(name);
            }
            _ => return,
        }
        let now = self.now;
        let Some(pod) = self.pods.get_mut(name) else {
            return;
        };
        match mishap {
            Mishap::Crash => (pod.stage, pod.since) = (Stage::Failed, now),
            Mishap::SilentCrash => {}
            Mishap::Loss => {
                self.pods.remove(name);
            }
            Mishap::NodeLost | Mishap::CutOff => pod.node_lost = true,
        }
    }

    /// Whether others have all that is on its disk, which is given up where no node takes the pod and the user says so:
    /// nobody can ask what was on it.
    fn may_lose_disk(&self, name: &str) -> bool {
        let storage = self.desired.spec.storage.as_ref().unwrap();
        let recovers = storage.delete_local_storage_on_pod_recovery == Some(true);
        !recovers || !self.servers.holds_something_alone(name)
    }

    /// Whether all others serve.
    fn is_only_one_down(&self, name: &str) -> bool {
        let mut others = self.pods.iter().filter(|(other, _)| *other != name);
        others.all(|(other, pod)| pod.serves() && self.servers.runs(other))
    }

    /// Whether operations wait for a pod that does not answer, so that what is written to it meanwhile is not given up. Those
    /// for one that its set no longer has are done.
    fn comes_back(&self, name: &str) -> bool {
        self.servers.runs(name) && self.ignorable_pods() == 0 && self.is_of_its_set(name)
    }

    /// Servers begin to answer wrongly, and to answer rightly again.
    pub fn bend_answers(&mut self) {
        match self.dice.roll(16) {
            _ if self.dice.is_used_up() => self.servers.heal(),
            15 => self.bend_one(),
            12..15 => self.servers.heal(),
            _ => {}
        }
    }

    fn bend_one(&mut self) {
        let faults = faults();
        let (fault, calls) = faults[self.pick(faults.len())].clone();
        let running: Vec<_> = self.servers.all().map(str::to_owned).collect();
        if running.is_empty() {
            return;
        }
        // Whoever is asked denies it: the principal changes meanwhile.
        if fault == Fault::DenyPrincipal {
            for pod in &running {
                self.servers.inject(pod, &fault, calls);
            }
        } else {
            let pod = &running[self.pick(running.len())];
            self.servers.inject(pod, &fault, calls);
        }
    }

    /// One of so many.
    fn pick(&mut self, count: usize) -> usize {
        let sides = u8::try_from(count).unwrap();
        usize::from(self.dice.roll(sides))
    }
}
