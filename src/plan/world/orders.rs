//! Steps, as they are carried out or refused, with what must hold before each.

mod configuration;
mod restarts;

use std::{collections::BTreeMap, fmt::Debug};

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Kind, World, api_server::Refused, at, mishaps::Mishap, pods::SimPod};
use crate::{
    plan::{Order, Resize, Step, deletion::goes_with_its_pod},
    resolve::{Edition, Rack},
    resources::names,
};

pub use restarts::Restarts;

/// The pods that a step stops.
pub fn stopped_by(step: &Step) -> Vec<String> {
    match step {
        Step::Restart(restart) => restart.pods.iter().map(|it| it.pod.clone()).collect(),
        Step::Shrink(to) => (to.to..to.from)
            .map(|ordinal| format!("{}-{ordinal}", to.set))
            .collect(),
        _ => Vec::new(),
    }
}

/// Copies of each record.
fn copies(rack: &Rack) -> i64 {
    let namespace = &rack.config["namespaces"][0];
    namespace["replication-factor"].as_i64().unwrap()
}

impl World {
    /// # Errors
    ///
    /// If the world changed since.
    pub fn take(&mut self, step: &Step) -> Result<(), Refused> {
        self.relied_on.clone_from(&self.ran);
        match step {
            Step::Grow(to) => {
                self.check_resize(to)?;
                self.assert_ready_for_pods(&to.set, to.from, to.to);
                self.assert_does_not_swell(to);
                self.resize(to);
            }
            Step::Shrink(to) => {
                self.check_resize(to)?;
                self.assert_may_stop(to);
                self.excuse_bad_luck(stopped_by(step));
                self.resize(to);
            }
            Step::Restart(restart) => self.restart(restart)?,
            Step::Configure(to) => self.configure(to)?,
            Step::Confirm(of) => self.confirm(of)?,
            Step::Drain(drain) => self.obey(&drain.order)?,
            Step::SetRoster(to) => {
                for order in &to.orders {
                    self.obey(order)?;
                    if self.died {
                        return Err(Refused);
                    }
                }
            }
            Step::DeleteClaims { claims } => {
                for (claim, uid) in claims {
                    self.delete_claim(claim, uid)?;
                    if self.dice.roll(16) == 15 {
                        return self.die();
                    }
                }
            }
            Step::Forget { pods, orders } => {
                for order in orders {
                    let _ = self.obey(order);
                }
                if self.died {
                    return Err(Refused);
                }
                self.forget(pods)?;
            }
            Step::RemoveRack {
                set,
                uid,
                resource_version,
                ..
            } => self.remove_set(set, uid, resource_version)?,
        }
        Ok(())
    }

    fn check_resize(&self, to: &Resize) -> Result<(), Refused> {
        let stored = self.objects.get(&(Kind::StatefulSet, to.set.clone()));
        let fits = stored.is_some_and(|stored| {
            stored.uid() == to.uid
                && stored.version() == to.resource_version.as_str()
                && stored.replicas() == to.from
        });
        fits.then_some(()).ok_or(Refused)
    }

    fn resize(&mut self, resize: &Resize) {
        let version = self.fresh().to_string();
        let time = at(self.now).to_string();
        let key = (Kind::StatefulSet, resize.set.clone());
        let stored = self.objects.get_mut(&key).unwrap();
        stored.resize(resize.to, &version, &time);
    }

    /// Racks grow before others shrink, as far as those with another revision leave room, and none below what is wanted.
    fn assert_may_stop(&self, to: &Resize) {
        assert!(to.to < to.from, "{to:?} is no shrinking");
        assert!(
            self.wanted_of(&to.set) <= to.to,
            "{to:?} goes below what is wanted"
        );
        let replicas = self.replicas();
        for rack in &self.desired.racks {
            let set = names::stateful_set(&self.desired.identity.name, &rack.identifier());
            let grown = replicas[&set] + self.of_other_revisions(rack);
            let size = i32::try_from(rack.size).unwrap();
            assert!(grown >= size, "{set} has not grown while {to:?}");
        }
        self.assert_moves_few(to);
        self.assert_others_serve(&[], to);
    }

    /// Pods that other revisions of a rack have.
    fn of_other_revisions(&self, rack: &Rack) -> i32 {
        let cluster = &self.desired.identity.name;
        let replicas = self.replicas().into_iter();
        let others = replicas.filter(|(set, _)| {
            let other = names::parse_stateful_set(cluster, set).unwrap();
            other.id == rack.id && other != rack.identifier()
        });
        others.map(|(_, replicas)| replicas).sum()
    }

    /// The rack that takes the place of the one with this set.
    fn successor_of(&self, set: &str) -> Option<&Rack> {
        let old = names::parse_stateful_set(&self.desired.identity.name, set).unwrap();
        let mut racks = self.desired.racks.iter();
        racks.find(|rack| rack.id == old.id && rack.revision != old.revision)
    }

    /// A rack that moves to another revision lacks no more pods than may restart together, and there are as many servers
    /// as copies.
    fn assert_moves_few(&self, to: &Resize) {
        let Some(rack) = self.successor_of(&to.set) else {
            return;
        };
        let config = self.desired.spec.rack_config.as_ref();
        let batch = config.and_then(|config| config.rolling_update_batch_size.as_ref());
        let batch = match batch {
            Some(IntOrString::Int(count)) => *count,
            _ => 1,
        };
        assert!(to.from - to.to <= batch, "{to:?} moves more than {batch}");
        let left = self.replicas().values().sum::<i32>() - (to.from - to.to);
        let copies = copies(rack);
        let least = copies.min(self.servers_for_data());
        assert!(
            i64::from(left) >= least,
            "{left} servers are left for {copies} copies after {to:?}"
        );
    }

    /// A rack that moves to another revision has no more pods than it shall have; one more if no more servers may hold data
    /// than there are copies. Community servers may be called back.
    fn assert_does_not_swell(&self, to: &Resize) {
        let rack = names::parse_stateful_set(&self.desired.identity.name, &to.set).unwrap();
        let community = self.desired.image.edition == Edition::Community;
        let Some(rack) = self.desired.rack(&rack).filter(|_| !community) else {
            return;
        };
        let older = self.of_other_revisions(rack);
        let spare = i32::from(self.servers_for_data() <= copies(rack));
        let most = i32::try_from(rack.size).unwrap() + spare;
        assert!(
            older == 0 || to.to + older <= most,
            "{to:?} beside {older} pods of another revision"
        );
    }

    /// How many servers shall hold data.
    fn servers_for_data(&self) -> i64 {
        let wanted: u32 = self.desired.racks.iter().map(|rack| rack.size).sum();
        let blocked = self.desired.spec.roster_node_block_list.len();
        i64::from(wanted) - i64::try_from(blocked).unwrap()
    }

    /// Nothing beside `batch` is down but pods that the user lets us ignore, and those that are too many and of which
    /// nobody knew when it was decided.
    fn assert_others_serve(&self, batch: &[&str], to: &impl Debug) {
        let mut ignored: BTreeMap<&str, usize> = BTreeMap::new();
        let others = self.pods.iter();
        for (name, pod) in
            others.filter(|(name, pod)| !pod.served && !batch.contains(&name.as_str()))
        {
            let (_, ordinal) = name.rsplit_once('-').unwrap();
            let too_many = ordinal.parse::<i32>().unwrap() >= self.wanted_of(&pod.set);
            if too_many && !self.known.contains(name) {
                continue;
            }
            let count = ignored.entry(&pod.set).or_default();
            *count += 1;
            assert!(
                *count <= self.ignorable_pods(),
                "{name} is down ({pod:?}) while {to:?}"
            );
        }
        let serving = self.pods.values().filter(|pod| pod.served).count();
        assert!(
            ignored.is_empty() || serving >= 2,
            "{serving} servers are to judge while {to:?}"
        );
    }

    /// How many broken pods of a rack the user lets us do without.
    pub fn ignorable_pods(&self) -> usize {
        let racks = self.desired.spec.rack_config.as_ref();
        match racks.and_then(|racks| racks.max_ignorable_pods.as_ref()) {
            Some(IntOrString::Int(count)) => usize::try_from(*count).unwrap(),
            _ => 0,
        }
    }

    /// Nobody can look and stop in one, and the controller of stateful sets may stop pods later than it is told. Where
    /// another was cut off since we looked, a drained server is in use again; one that did not run then is in use for the
    /// first time; and of Community servers, which stop undrained, two are down at once where another crashed. Nothing may
    /// be lost all the same.
    pub fn excuse_bad_luck(&mut self, victims: impl IntoIterator<Item = String>) {
        let victims: Vec<_> = victims.into_iter().collect();
        let ran = |pod: &String| self.relied_on.contains(pod) || self.servers.is_cut_off(pod);
        let late = victims.iter().filter(|pod| !ran(pod)).cloned();
        self.excused.extend(late.collect::<Vec<_>>());
        let community = self.desired.image.edition == Edition::Community;
        let crashed = |pod: &String| community && !self.servers.runs(pod);
        let mut others = self.relied_on.iter().filter(|pod| !victims.contains(pod));
        if others.any(|pod| self.servers.is_cut_off(pod) || crashed(pod)) {
            self.excused.extend(victims);
        }
    }

    fn wanted_of(&self, set: &str) -> i32 {
        let cluster = &self.desired.identity.name;
        let mut racks = self.desired.racks.iter();
        let rack = racks.find(|rack| names::stateful_set(cluster, &rack.identifier()) == set);
        rack.map_or(0, |rack| i32::try_from(rack.size).unwrap())
    }

    /// Servers do what they are told; some do not hear it, some crash after it, and the controller may die on the way.
    pub fn obey(&mut self, order: &Order) -> Result<(), Refused> {
        for pod in &order.pods {
            let luck = self.dice.roll(64);
            match luck {
                63 => return Err(Refused),
                62 => continue,
                61 => return self.die(),
                _ => {}
            }
            let told = self.servers.tell(pod, &order.command);
            if luck == 60 {
                self.strike(pod, Mishap::Crash);
            }
            told.map_err(|()| Refused)?;
        }
        Ok(())
    }

    /// The controller dies in the middle of a step.
    pub fn die(&mut self) -> Result<(), Refused> {
        self.died = true;
        Err(Refused)
    }

    /// A claim goes only when its pod was removed, and its policy says so.
    fn delete_claim(&mut self, name: &str, uid: &str) -> Result<(), Refused> {
        let claim = self
            .claims
            .get(name)
            .filter(|claim| claim.uid == uid)
            .ok_or(Refused)?;
        let volume = claim.volume.as_deref().unwrap();
        let pod = name.strip_prefix(&format!("{volume}-")).unwrap().to_owned();
        assert!(!self.pods.contains_key(&pod), "{name} goes before its pod");
        let (set, ordinal) = pod.rsplit_once('-').unwrap();
        let ordinal: i32 = ordinal.parse().unwrap();
        let replicas = self.replicas();
        assert!(
            ordinal >= replicas[set],
            "{name} goes and {pod} will be made anew"
        );
        assert!(
            ordinal >= self.wanted_of(set),
            "{name} goes and {pod} is wanted"
        );
        let storage = self.desired.spec.storage.as_ref().unwrap();
        assert!(goes_with_its_pod(claim, storage), "{name} is to be kept");
        self.claims.get_mut(name).unwrap().deleting = true;
        Ok(())
    }

    fn forget(&mut self, pods: &[(String, String)]) -> Result<(), Refused> {
        let entries = &mut self.status.as_mut().ok_or(Refused)?.pods;
        let fits = |(pod, ip): &(String, String)| {
            entries.get(pod).is_some_and(|entry| entry.pod_ip == *ip)
        };
        if !pods.iter().all(fits) {
            return Err(Refused);
        }
        for (pod, _) in pods {
            assert!(!self.pods.contains_key(pod), "{pod} is forgotten and there");
            entries.remove(pod);
        }
        Ok(())
    }

    fn remove_set(&mut self, set: &str, uid: &str, version: &str) -> Result<(), Refused> {
        let key = (Kind::StatefulSet, set.to_owned());
        let stored = self.objects.get(&key).ok_or(Refused)?;
        if stored.uid() != uid || stored.version() != version {
            return Err(Refused);
        }
        assert!(
            self.is_ours(Kind::StatefulSet, set),
            "{set} belongs to somebody else"
        );
        assert_eq!(self.wanted_of(set), 0, "{set} is wanted");
        let is_of_set = |pod: &SimPod| pod.set == set;
        assert!(!self.pods.values().any(is_of_set), "{set} still has pods");
        self.objects.remove(&key);
        self.templates.remove(set);
        Ok(())
    }
}
