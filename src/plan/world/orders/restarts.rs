//! Restarts: each was needed, happens once, and leaves all other racks alone.

use std::collections::{BTreeMap, BTreeSet};

use super::configuration::has_file_of;
use crate::{
    api::{
        operations::OperationKind,
        status::{DynamicConfigUpdateStatus, WarmRestart},
    },
    plan::{
        Renewal, Restart,
        outdated::{Change, Remedy},
        warm_restart,
        world::{
            self, World,
            api_server::Refused,
            pods::{Restarting, SimPod, Stage},
        },
    },
    resolve::RackIdentifier,
    resources::names,
};

/// What the operator restarted so far.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    /// How often, by the generation of the spec and the pod.
    counted: BTreeMap<(i64, String), u32>,
    /// Pods with servers that ran when they were deleted, which are not back yet.
    pub away: BTreeSet<String>,
    /// The operation on demand, if there is one.
    operation: Asked,
}

/// An operation on demand, with what it found.
#[derive(Clone, Debug, Default)]
struct Asked {
    id: String,
    /// Its pods whose servers have run since it was asked for, each with what tells it from those after it.
    ran: BTreeMap<String, String>,
    /// The same when the controller noted it.
    found: Option<BTreeMap<String, String>>,
}

impl World {
    pub fn restart(&mut self, restart: &Restart) -> Result<(), Refused> {
        let set = names::stateful_set(&self.desired.identity.name, &restart.rack);
        self.excuse_bad_luck(restart.pods.iter().map(|renewal| renewal.pod.clone()));
        for renewal in &restart.pods {
            let pod = self.pods.get(&renewal.pod).ok_or(Refused)?;
            if pod.uid != renewal.uid || pod.version() != renewal.resource_version {
                return Err(Refused);
            }
            assert_eq!(pod.set, set, "{renewal:?} is of another rack");
            self.assert_needed(renewal);
            let counts = self.counts(&renewal.pod);
            let note = renewal.note(world::at(self.now));
            let status = self.status.as_mut().unwrap();
            if let Some(entry) = status.pods.get_mut(&renewal.pod) {
                entry.last_restart = Some(note);
            }
            for (claim, uid) in &renewal.claims {
                self.delete_bound_claim(&renewal.pod, claim, uid)?;
                if self.dice.roll(16) == 15 {
                    return self.die();
                }
            }
            if self.servers.runs(&renewal.pod) {
                self.assert_rack_may_lose(&set, restart);
                self.restarts.away.insert(renewal.pod.clone());
            }
            // The controller may die before it tells the server, which is no restart.
            if renewal.keeps_pod() && self.dice.roll(16) == 15 {
                return self.die();
            }
            if counts {
                self.count(renewal);
            }
            if renewal.keeps_pod() {
                self.restart_server(&restart.rack, &renewal.pod)?;
            } else {
                self.delete_pod(&renewal.pod);
            }
            // The controller may die between two of them.
            if self.dice.roll(16) == 15 {
                return Err(Refused);
            }
        }
        Ok(())
    }

    /// The program in the pod writes the file and has the server ended; then the entry says so, then the pod what is in its
    /// file. The controller may die after it and in between.
    fn restart_server(&mut self, rack: &RackIdentifier, name: &str) -> Result<(), Refused> {
        let rack = self.desired.rack(rack).unwrap();
        let (template, hash) = (rack.template.clone(), rack.hashes.config.clone());
        assert!(self.servers.runs(name), "{name} has no server to restart");
        let pod = self.pods.get_mut(name).unwrap();
        pod.restarting = Some(Restarting::Told);
        pod.warm_restarts += 1;
        pod.file.clone_from(&template);
        pod.config = Some(hash.clone());
        match self.dice.roll(16) {
            15 => return self.die(),
            14 => return Err(Refused),
            _ => {}
        }
        let status = self.status.as_mut().unwrap();
        let entry = status.pods.get_mut(name).ok_or(Refused)?;
        entry.last_restart.as_mut().unwrap().warm_restart = Some(WarmRestart::Told);
        has_file_of(entry, hash);
        if self.dice.roll(16) == 15 {
            return self.die();
        }
        self.pods.get_mut(name).unwrap().template = Some(template);
        Ok(())
    }

    /// The operator found a server back.
    pub fn note_return(&mut self, name: &str, ip: &str) -> Result<(), Refused> {
        let pod = self.pods.get(name).ok_or(Refused)?;
        assert!(pod.restarting.is_none(), "{name} is not back");
        let entry = self.entry(name, ip)?;
        let restart = entry.last_restart.as_mut().ok_or(Refused)?;
        restart.warm_restart = Some(WarmRestart::Done);
        Ok(())
    }

    /// The user may have asked for an operation, of a cluster that was rolled out.
    pub fn ask(&mut self) {
        let known = self.restarts.operation.id.clone();
        let operation = self.desired.spec.operations.first();
        if operation.is_some_and(|it| it.id == known) {
            return;
        }
        let mirror = self.status.as_ref().map(|status| &status.mirror);
        let rolled_out = mirror.filter(|it| it.aerospike_config.is_some());
        let is_new = rolled_out.is_some_and(|it| it.operations != self.desired.spec.operations);
        let operation = operation.filter(|_| is_new);
        self.restarts.operation = operation.map_or_else(Asked::default, |it| Asked {
            id: it.id.clone(),
            ran: self.lives(|name, pod| pod.serves() && self.servers.runs(name)),
            found: None,
        });
    }

    /// The pods that are asked for, each with what tells it from those after it.
    fn lives(&self, is: impl Fn(&str, &SimPod) -> bool) -> BTreeMap<String, String> {
        let operation = self.desired.spec.operations.first();
        let listed = operation.map_or(&[][..], |it| &it.pod_list);
        let asked_for = |name: &String| listed.is_empty() || listed.contains(name);
        let pods = self.pods.iter();
        let pods = pods.filter(|(name, pod)| asked_for(name) && is(name, pod));
        pods.map(|(name, _)| (name.clone(), self.life(name)))
            .collect()
    }

    /// For an operation that restarts servers, a pod is another one with each restart of its server.
    fn life(&self, name: &str) -> String {
        let pod = &self.pods[name];
        let operation = self.desired.spec.operations.first();
        match operation.map(|it| it.kind) {
            Some(OperationKind::WarmRestart) => format!("{}/{}", pod.uid, pod.warm_restarts),
            _ => pod.uid.clone(),
        }
    }

    /// What the status says of the operation is written.
    pub fn note_operation(&mut self) {
        let noted = self.status.as_ref().map(|it| &it.operation_in_progress);
        if noted.is_some_and(Option::is_some) && self.restarts.operation.found.is_none() {
            self.restarts.operation.found = Some(self.lives(|_, _| true));
        }
    }

    /// The server of a pod does not run any more, whatever was asked for.
    pub fn forget_operation(&mut self, pod: &str) {
        self.restarts.operation.ran.remove(pod);
    }

    /// Every pod that an operation was for is another one. One that was broken meanwhile may have been done without.
    pub fn assert_operation_done(&self) {
        if self.ignorable_pods() > 0 {
            return;
        }
        for (name, before) in &self.restarts.operation.ran {
            let now = self.pods.get(name).map(|_| self.life(name));
            assert_ne!(now.as_ref(), Some(before), "{name} was not restarted");
        }
    }

    /// Whether the operation on demand is for the pod as it is.
    fn is_asked_for(&self, name: &str) -> bool {
        let found = self.restarts.operation.found.as_ref();
        found.is_some_and(|found| found.get(name) == Some(&self.life(name)))
    }

    /// The pod was made for another spec, or the user asked for it.
    fn assert_needed(&self, renewal: &Renewal) {
        let evicted = self.pods[&renewal.pod].evicted;
        let blocked = self.is_blocked(self.pods[&renewal.pod].node);
        // Of a server that failed nobody can ask what it has, nor know whether it starts with what its entry says.
        let failed = self.pods[&renewal.pod].stage == Stage::Failed;
        let told = renewal.changes.iter().map(Change::remedy).max();
        let in_doubt = self.is_in_doubt(&renewal.pod);
        let is_unknown = failed && told == Some(Remedy::AtRunTime) || in_doubt;
        let is_outdated = !self.is_as_wanted(&renewal.pod) && !self.can_be_told(&renewal.pod);
        let asked_for = self.is_asked_for(&renewal.pod);
        let recovers = self.recovers(&renewal.pod);
        assert!(
            recovers || is_unknown || is_outdated || asked_for || evicted || blocked,
            "{renewal:?} is needless"
        );
        for change in &renewal.changes {
            let holds = match change {
                // Only the world knows whether the server was told before the controller died.
                Change::Operation(..) => asked_for || in_doubt,
                Change::Eviction => evicted,
                Change::BlockedNode => blocked,
                Change::LostNode => recovers,
                _ => true,
            };
            assert!(holds, "nobody asked for {renewal:?}");
        }
    }

    /// A pod is evicted as often as somebody wants to, and leaves lost nodes; else one spec restarts it once.
    fn counts(&self, pod: &str) -> bool {
        !self.pods[pod].evicted && !self.recovers(pod) && !self.is_in_doubt(pod)
    }

    fn count(&mut self, renewal: &Renewal) {
        let counted = &mut self.restarts.counted;
        let count = counted
            .entry((self.generation, renewal.pod.clone()))
            .or_default();
        *count += 1;
        assert_eq!(*count, 1, "{renewal:?} was restarted before");
    }

    /// Whether a restart of its server began, and the controller died before it could say how it went on.
    fn is_in_doubt(&self, name: &str) -> bool {
        let entry = self.status.as_ref().and_then(|it| it.pods.get(name));
        entry.is_some_and(warm_restart::is_in_doubt)
    }

    /// A claim goes with its pod only if it would keep it where it shall not be, or the user says so.
    fn delete_bound_claim(&mut self, pod: &str, name: &str, uid: &str) -> Result<(), Refused> {
        let claim = self.claims.get(name).filter(|claim| claim.uid == uid);
        let claim = claim.ok_or(Refused)?;
        assert!(self.is_local(claim), "{name} does not keep {pod} anywhere");
        let storage = self.desired.spec.storage.as_ref().unwrap();
        let always = storage.delete_local_storage_on_restart == Some(true);
        let SimPod { evicted, node, .. } = self.pods[pod];
        let moves = evicted || self.is_blocked(node) || self.recovers(pod);
        assert!(moves || always, "{name} goes and {pod} stays");
        self.claims.get_mut(name).unwrap().deleting = true;
        Ok(())
    }

    /// Whether no node takes the pod, whose local volumes the user would rather lose then.
    fn recovers(&self, pod: &str) -> bool {
        let storage = self.desired.spec.storage.as_ref().unwrap();
        let is_stuck = self.pods[pod].stage == Stage::Unschedulable;
        is_stuck && storage.delete_local_storage_on_pod_recovery == Some(true)
    }

    /// Whether the configuration is all that differs, and its server can be told: one that runs and did not refuse. Some
    /// pods do not say what is in their files.
    fn can_be_told(&self, name: &str) -> bool {
        let Some(entry) = self.status.as_ref().and_then(|it| it.pods.get(name)) else {
            return false;
        };
        let partly = Some(DynamicConfigUpdateStatus::PartiallyFailed);
        let pod = &self.pods[name];
        let is_known = pod.template.as_ref() == Some(&pod.file);
        let refused = entry.dynamic_config_update_status == partly;
        let dynamic = self.desired.spec.enable_dynamic_config_update == Some(true);
        dynamic && is_known && !refused && self.servers.runs(name) && self.is_made_as_wanted(name)
    }

    /// All others of the batch's rack and of every other run, but for those that were found broken.
    fn assert_rack_may_lose(&self, set: &str, restart: &Restart) {
        let is_of_batch = |name: &String| restart.pods.iter().any(|it| it.pod == *name);
        let ignored = |name: &&String| {
            let broken = self.pods.get(*name).is_some_and(SimPod::is_broken);
            broken && self.ignorable_pods() > 0
        };
        for name in self.restarts.away.iter().filter(|name| !ignored(name)) {
            let same_rack = self.pods.get(name).is_none_or(|pod| pod.set == *set);
            assert!(
                is_of_batch(name) && same_rack,
                "{name} is not back while {restart:?}"
            );
        }
        let batch: Vec<_> = restart.pods.iter().map(|it| it.pod.as_str()).collect();
        self.assert_others_serve(&batch, restart);
    }

    fn delete_pod(&mut self, name: &str) {
        let now = self.now;
        self.servers.stop(name);
        let pod = self.pods.get_mut(name).unwrap();
        (pod.stage, pod.since) = (Stage::Terminating, now);
    }

    /// Those that are back.
    pub fn welcome_back(&mut self) {
        let replicas = self.replicas();
        let pods = &self.pods;
        let is_away = |name: &String| {
            let (set, ordinal) = name.rsplit_once('-').unwrap();
            let asked_for = replicas.get(set).copied().unwrap_or(0);
            let serves = pods.get(name).is_some_and(SimPod::serves);
            !serves && ordinal.parse::<i32>().unwrap() < asked_for
        };
        self.restarts.away.retain(is_away);
    }

    /// How many of the pods were restarted for the present spec.
    pub fn restarted(&self) -> BTreeMap<String, u32> {
        let counted = self.restarts.counted.iter();
        let now = counted.filter(|((generation, _), _)| *generation == self.generation);
        now.map(|((_, pod), count)| (pod.clone(), *count)).collect()
    }
}
