//! Pods and claims: what the stateful set controller, the scheduler and the kubelets do.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use serde_json::Value;

use super::{
    Kind, World, at,
    mishaps::{MISHAPS, Mishap},
};
use crate::{
    api::status::{InstanceSummary, PodStatus},
    init::status::last_restart,
    plan::{Pod, PodHealth, observed::Claim},
    resolve::{Rack, Template},
    resources::{config_map, names, stateful_set::stateful_set},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Pending,
    Unschedulable,
    Init,
    Failed,
    Starting,
    Sidecar,
    Ready,
    /// It was deleted; its server is given time to stop.
    Terminating,
}

/// How far a server came that is started anew in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarting {
    /// It was told to end, and goes on for a while.
    Told,
    /// It ends.
    Ends,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the pod"
)]
#[derive(Clone, Debug)]
pub struct SimPod {
    pub uid: String,
    pub stage: Stage,
    pub set: String,
    /// None until the scheduler found one.
    pub node: Option<&'static str>,
    /// Somebody wants to evict it.
    pub evicted: bool,
    /// Its node does not answer: nothing happens to the pod until it does again.
    pub node_lost: bool,
    /// Its server is started anew in it, and so far did this.
    pub restarting: Option<Restarting>,
    /// So often that was done.
    pub warm_restarts: u32,
    /// It served when the world was looked at last.
    pub served: bool,
    pub since: i64,
    created: i64,
    ip: u64,
    pub image: String,
    /// Hash of the pod spec that it was made for, if its template says so.
    pod_spec: Option<String>,
    /// Hash of the volumes that it was made with, if its template says so.
    volumes: Option<String>,
    /// Of the template that it was made by.
    revision: String,
    /// Of that template but for where its pods may run, which counts only while they look for a node.
    make: String,
    /// Where it may run, by that template.
    pub affinity: Value,
    /// Its init container reported it, once.
    pub reported: bool,
    /// Its init containers are done.
    initialised: bool,
    /// Hash of the configuration that is in its file, once its init container rendered it.
    pub config: Option<String>,
    /// The template of what is in its file.
    pub file: Template,
    /// The template that it says is in its file, if it says so.
    pub template: Option<Template>,
}

/// What befalls a pod that is ready.
fn mishap(stage: Stage, luck: u8) -> Option<Mishap> {
    let number = usize::from(luck.checked_sub(43)?);
    (stage == Stage::Ready).then(|| MISHAPS[number])
}

impl SimPod {
    pub fn serves(&self) -> bool {
        matches!(self.stage, Stage::Ready | Stage::Sidecar)
            && !self.node_lost
            && self.restarting.is_none()
    }

    /// Its fault is not that it was restarted.
    pub fn is_broken(&self) -> bool {
        let fails = matches!(self.stage, Stage::Failed | Stage::Unschedulable);
        fails || self.node_lost
    }

    /// Another one after whatever happens to it.
    pub fn version(&self) -> String {
        let Self {
            stage,
            since,
            node_lost,
            evicted,
            reported,
            ip,
            config,
            ..
        } = self;
        format!("{stage:?}-{since}-{node_lost}-{evicted}-{reported}-{ip}-{config:?}")
    }
}

/// Where a set has the variables of its pods' init container.
const INIT_VARIABLES: &str = "/spec/template/spec/initContainers/0/env";

/// What tells pods what they were made for.
const MARKS: [&str; 3] = [
    names::POD_SPEC_HASH_VARIABLE,
    names::SERVER_IMAGE_VARIABLE,
    names::VOLUMES_HASH_VARIABLE,
];

/// Takes from a set what tells its pods what they were made for.
fn remove_marks(set: &mut Value) {
    let variables = set.pointer_mut(INIT_VARIABLES).unwrap();
    let is_mark = |variable: &Value| MARKS.iter().any(|mark| variable["name"] == *mark);
    let variables = variables.as_array_mut().unwrap();
    variables.retain(|variable| !is_mark(variable));
}

impl World {
    /// All is as an operator left it whose templates did not tell pods what they were made for.
    pub fn age(&mut self) {
        let sets: Vec<_> = self.replicas().into_keys().collect();
        for set in sets {
            let version = self.fresh().to_string();
            let key = (Kind::StatefulSet, set.clone());
            let stored = self.objects.get_mut(&key).unwrap();
            stored.change(&version, |body| {
                remove_marks(body);
                body["status"]["updateRevision"] = revision(body).into();
            });
            self.templates.insert(set, stored.body().clone());
        }
        for pod in self.pods.values_mut() {
            pod.pod_spec = None;
            pod.volumes = None;
            pod.template = None;
            pod.revision = revision(&self.templates[&pod.set]);
            pod.make = make(&self.templates[&pod.set]);
        }
    }

    pub fn run_stateful_sets(&mut self) {
        let replicas = self.replicas();
        for (set, replicas) in &replicas {
            if !self.is_ours(Kind::StatefulSet, set) {
                continue;
            }
            self.note_template(set);
            for ordinal in 0..*replicas {
                let name = format!("{set}-{ordinal}");
                match self.pods.get(&name).map(|pod| pod.node) {
                    None => self.create_pod(set, name),
                    Some(None) => self.create_claims(set, &name),
                    Some(Some(_)) => {}
                }
            }
        }
        self.remove_pods();
    }

    /// Whether the set of a pod shall have it.
    pub fn is_of_its_set(&self, pod: &str) -> bool {
        let (set, ordinal) = pod.rsplit_once('-').unwrap();
        let set = self.objects.get(&(Kind::StatefulSet, set.to_owned()));
        set.is_some_and(|set| ordinal.parse::<i32>().unwrap() < set.replicas())
    }

    /// Pods that are too many are stopped. The controller of stateful sets may be slow, and the servers run on until then.
    fn remove_pods(&mut self) {
        let pods = self.pods.iter();
        let leaving: Vec<_> = pods
            .filter(|(name, pod)| pod.stage != Stage::Terminating && !self.is_of_its_set(name))
            .map(|(name, _)| name.clone())
            .collect();
        if self.faults.sets_stand_still || (!leaving.is_empty() && self.dice.roll(2) > 0) {
            return;
        }
        self.excuse_bad_luck(leaving.clone());
        for name in &leaving {
            let pod = self.pods.get_mut(name).unwrap();
            (pod.stage, pod.since) = (Stage::Terminating, self.now);
            if !pod.node_lost {
                self.servers.stop(name);
            }
        }
    }

    /// The controller takes note of a set's template, at once or a little later.
    fn note_template(&mut self, set: &str) {
        let key = (Kind::StatefulSet, set.to_owned());
        let body = self.objects[&key].body();
        let generation = body["metadata"]["generation"].clone();
        let is_new = body["status"]["observedGeneration"] != generation;
        let never = !self.templates.contains_key(set);
        if !is_new || (self.dice.roll(4) == 3 && !never) {
            return;
        }
        let body = self.objects[&key].body().clone();
        let revision = revision(&body);
        self.templates.insert(set.to_owned(), body);
        let version = self.fresh().to_string();
        let stored = self.objects.get_mut(&key).unwrap();
        stored.change(&version, |body| {
            body["status"]["observedGeneration"] = generation;
            body["status"]["updateRevision"] = revision.into();
        });
    }

    fn create_pod(&mut self, set: &str, name: String) {
        self.create_claims(set, &name);
        let body = self.templates[set].clone();
        let number = self.fresh();
        let containers = body["spec"]["template"]["spec"]["containers"].as_array();
        let variables = body.pointer(INIT_VARIABLES).unwrap().as_array();
        let variable = |name: &str| {
            let mut variables = variables.unwrap().iter();
            let variable = variables.find(|it| it["name"] == name);
            variable.map(|it| it["value"].as_str().unwrap().to_owned())
        };
        let pod = SimPod {
            uid: format!("uid-{number}"),
            stage: Stage::Pending,
            set: set.to_owned(),
            node: None,
            evicted: false,
            node_lost: false,
            restarting: None,
            warm_restarts: 0,
            served: false,
            since: self.now,
            created: self.now,
            ip: number % 250 + 1,
            image: containers.unwrap()[0]["image"].as_str().unwrap().to_owned(),
            pod_spec: variable(names::POD_SPEC_HASH_VARIABLE),
            volumes: variable(names::VOLUMES_HASH_VARIABLE),
            revision: revision(&body),
            make: make(&body),
            affinity: body["spec"]["template"]["spec"]["affinity"].clone(),
            reported: false,
            initialised: false,
            config: None,
            file: Template::default(),
            template: None,
        };
        self.pods.insert(name, pod);
    }

    fn create_claims(&mut self, set: &str, pod: &str) {
        let body = self.templates[set].clone();
        let templates = body["spec"]["volumeClaimTemplates"].as_array();
        for template in templates.into_iter().flatten() {
            self.create_claim(template, pod);
        }
    }

    fn create_claim(&mut self, template: &Value, pod: &str) {
        let volume = template["metadata"]["name"].as_str().unwrap();
        let name = names::claim(volume, pod);
        if !self.claims.contains_key(&name) {
            let claim = Claim {
                name: name.clone(),
                uid: format!("uid-{}", self.fresh()),
                volume: Some(volume.to_owned()),
                storage_class: template["spec"]["storageClassName"]
                    .as_str()
                    .map(str::to_owned),
                ..Claim::default()
            };
            self.claims.insert(name, claim);
        }
    }

    /// Deleted claims go when no pod that has a node uses them, and take what is on their disk with them.
    pub fn remove_claims(&mut self) {
        let pods = &self.pods;
        let in_use = |claim: &Claim| {
            let mut placed = pods.iter().filter(|(_, pod)| pod.node.is_some());
            placed.any(|(pod, _)| claim.name.ends_with(&format!("-{pod}")))
        };
        let going = |claim: &&Claim| claim.deleting && !in_use(claim);
        let going: Vec<_> = self.claims.values().filter(going).cloned().collect();
        for claim in going {
            if self.dice.roll(4) != 3 {
                self.claims.remove(&claim.name);
                self.servers.erase(&claim.uid);
            }
        }
    }

    pub fn advance_pods(&mut self) {
        let pods: Vec<_> = self.pods.keys().cloned().collect();
        for name in pods {
            self.advance_pod(&name);
        }
    }

    fn advance_pod(&mut self, name: &str) {
        let (stage, node_lost) = (self.pods[name].stage, self.pods[name].node_lost);
        if node_lost {
            if self.dice.roll(4) == 0 {
                self.find_node(name);
            }
            return;
        }
        if stage == Stage::Terminating {
            if !self.servers.runs(name) && self.dice.roll(3) != 2 {
                self.pods.remove(name);
            }
            return;
        }
        if let Some(restarting) = self.pods[name].restarting {
            self.end_server(name, restarting);
            return;
        }
        let luck = self.dice.roll(48);
        if let Some(mishap) = mishap(stage, luck).filter(|_| self.servers.runs(name)) {
            self.strike(name, mishap);
            return;
        }
        let mut next = self.next_stage(name, stage, luck);
        if next == Stage::Init && self.pods[name].node.is_none() && !self.place(name) {
            next = Stage::Unschedulable;
        }
        if next == Stage::Starting && stage == Stage::Init {
            self.report_pod(name);
        }
        if next == Stage::Ready && stage == Stage::Starting && !self.servers.runs(name) {
            self.start_server(name);
        }
        self.enter(name, next);
    }

    fn enter(&mut self, name: &str, stage: Stage) {
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(name).filter(|pod| pod.stage != stage) {
            (pod.stage, pod.since) = (stage, now);
        }
    }

    /// A server that was told to end ends sooner or later, and starts anew with what is in its file then.
    fn end_server(&mut self, name: &str, restarting: Restarting) {
        if !self.servers.runs(name) {
            self.pods.get_mut(name).unwrap().restarting = None;
            self.enter(name, Stage::Starting);
        } else if restarting == Restarting::Told && self.dice.roll(3) == 0 {
            self.excuse_bad_luck([name.to_owned()]);
            self.servers.stop(name);
            self.pods.get_mut(name).unwrap().restarting = Some(Restarting::Ends);
        }
    }

    /// A node is back: with it the server, if that lived on, else the kubelet starts the pod anew.
    fn find_node(&mut self, name: &str) {
        self.servers.reconnect(name);
        let pod = self.pods.get_mut(name).unwrap();
        pod.node_lost = false;
        match (pod.stage, self.servers.runs(name)) {
            (Stage::Terminating, true) => self.servers.stop(name),
            (Stage::Terminating, false) | (_, true) => {}
            (_, false) => self.start_anew(name),
        }
    }

    /// The same pod with another IP, whose init containers run again.
    pub fn start_anew(&mut self, name: &str) {
        let ip = self.fresh() % 250 + 1;
        let pod = self.pods.get_mut(name).unwrap();
        (pod.ip, pod.initialised, pod.restarting) = (ip, false, None);
        self.enter(name, Stage::Init);
    }

    fn next_stage(&self, name: &str, stage: Stage, luck: u8) -> Stage {
        let slow = !luck.is_multiple_of(3);
        match stage {
            Stage::Pending | Stage::Unschedulable if self.faults.no_node => Stage::Unschedulable,
            Stage::Pending if slow => Stage::Pending,
            Stage::Pending | Stage::Unschedulable => Stage::Init,
            Stage::Init if self.init_succeeds(name) => Stage::Starting,
            Stage::Init => Stage::Failed,
            Stage::Starting if self.faults.image_missing || luck >= 44 => Stage::Failed,
            Stage::Starting if slow => Stage::Starting,
            // Its server crashed, and the kubelet sees it now or later.
            Stage::Ready | Stage::Sidecar if !self.servers.runs(name) => {
                if slow {
                    stage
                } else {
                    Stage::Failed
                }
            }
            Stage::Ready if luck == 42 => Stage::Sidecar,
            Stage::Starting | Stage::Sidecar | Stage::Ready => Stage::Ready,
            Stage::Terminating => Stage::Terminating,
            // It is tried again; init containers that were done are not.
            Stage::Failed if self.pods[name].initialised => Stage::Starting,
            Stage::Failed => Stage::Pending,
        }
    }

    /// Whether all is there that an init container reads and writes.
    fn init_succeeds(&self, pod: &str) -> bool {
        let set = &self.pods[pod].set;
        self.may_read(pod, set) && self.status.is_some()
    }

    fn may_read(&self, pod: &str, set: &str) -> bool {
        let cluster = &self.desired.identity.name;
        let access = names::pod_access(cluster);
        let services = self.desired.network.has_pod_services();
        self.is_ours(Kind::ServiceAccount, &access)
            && self.is_ours(Kind::RoleBinding, &access)
            && self.is_ours(Kind::Service, &names::headless_service(cluster))
            && self.is_ours(Kind::ConfigMap, set)
            && self.role_names("pods", pod)
            && self.role_names("configmaps", set)
            && (!services || self.is_ours(Kind::Service, pod) && self.role_names("services", pod))
    }

    fn role_names(&self, resource: &str, name: &str) -> bool {
        let access = names::pod_access(&self.desired.identity.name);
        let Some(role) = self.objects.get(&(Kind::Role, access)) else {
            return false;
        };
        let has =
            |list: &Value, text: &str| list.as_array().is_some_and(|l| l.contains(&text.into()));
        let mut rules = role.body()["rules"].as_array().into_iter().flatten();
        rules.any(|rule| has(&rule["resources"], resource) && has(&rule["resourceNames"], name))
    }

    /// Nothing that new pods need comes after them.
    pub fn assert_ready_for_pods(&self, set: &str, from: i32, to: i32) {
        assert!(from < to, "{set} grows from {from} to {to}");
        assert!(self.status.is_some(), "pods come before the status");
        for ordinal in from..to {
            let pod = format!("{set}-{ordinal}");
            assert!(self.may_read(&pod, set), "{pod} comes before what it needs");
            assert!(
                !self.pods.contains_key(&pod),
                "{pod} of before is still there"
            );
        }
    }

    fn report_pod(&mut self, name: &str) {
        let set = self.pods[name].set.clone();
        let config = self.objects[&(Kind::ConfigMap, set)].body()["data"].clone();
        let text = |key: &str| config[key].as_str().unwrap().to_owned();
        let pod = self.pods.get_mut(name).unwrap();
        (pod.reported, pod.initialised) = (true, true);
        pod.config = Some(text(config_map::CONFIG_HASH));
        pod.file = text(config_map::TEMPLATE).into();
        pod.template = Some(pod.file.clone());
        let pod = &self.pods[name];
        let of_template = pod.pod_spec.clone();
        let claims = self.claims_of(name);
        let entries = &self.status.as_ref().unwrap().pods;
        let entry = PodStatus {
            aerospike: Some(InstanceSummary {
                node_id: format!("0{:x}", self.servers.node_id(name)),
                ..InstanceSummary::default()
            }),
            last_restart: entries.get(name).and_then(last_restart),
            image: pod.image.clone(),
            pod_ip: ip(pod),
            initialized_volumes: claims
                .map(|claim| format!("{}@{}", claim.volume.as_deref().unwrap(), claim.uid))
                .collect(),
            aerospike_config_hash: text(config_map::CONFIG_HASH),
            network_policy_hash: text(config_map::NETWORK_POLICY_HASH),
            pod_spec_hash: of_template.unwrap_or_else(|| text(config_map::POD_SPEC_HASH)),
            ..PodStatus::default()
        };
        let status = self.status.as_mut().unwrap();
        status.pods.insert(name.to_owned(), entry);
    }

    /// Whether a pod was made for what is wanted now and has it in its file, whatever it says of itself.
    pub fn is_as_wanted(&self, name: &str) -> bool {
        let pod = &self.pods[name];
        let config = pod.config.as_ref();
        let rack = self.rack_of(pod);
        let wanted = rack.map(|rack| &rack.hashes.config);
        let same_config = config.is_none() || wanted.is_none() || config == wanted;
        same_config && self.is_made_as_wanted(name)
    }

    fn rack_of(&self, pod: &SimPod) -> Option<&Rack> {
        let cluster = &self.desired.identity.name;
        let mut racks = self.desired.racks.iter();
        racks.find(|rack| names::stateful_set(cluster, &rack.identifier()) == pod.set)
    }

    /// Whether a pod was made by the template that is wanted now.
    pub fn is_made_as_wanted(&self, name: &str) -> bool {
        let pod = &self.pods[name];
        let Some(rack) = self.rack_of(pod) else {
            return true;
        };
        let set = stateful_set(&self.desired, rack, 0);
        let mut set = serde_json::to_value(set).unwrap();
        if pod.pod_spec.is_none() {
            remove_marks(&mut set);
        }
        // What fails before it tells anything may fail of anything.
        let in_doubt = pod.is_broken() && !pod.reported;
        if pod.node.is_none() || in_doubt {
            revision(&set) == pod.revision
        } else {
            make(&set) == pod.make
        }
    }

    pub fn observed_pods(&self) -> BTreeMap<String, Pod> {
        let pods = self.pods.iter();
        let pinned = |name: &str| {
            let mut claims = self.claims_of(name);
            claims.any(|claim| self.pins.contains_key(&claim.uid))
        };
        let observed = |(name, pod): (&String, &SimPod)| {
            let reason = if pinned(name) {
                "8 node(s) didn't match PersistentVolume's node affinity"
            } else {
                "as the dice fell"
            };
            let pod = observed_pod(pod, self.servers.runs(name), reason);
            (name.clone(), pod)
        };
        pods.map(observed).collect()
    }
}

fn ip(pod: &SimPod) -> String {
    format!("10.1.0.{}", pod.ip)
}

/// What names a template.
fn revision(set: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    hash_in_order(&set["spec"]["template"], &mut hasher);
    format!("{:x}", hasher.finish())
}

/// What names a template but for where its pods may run.
fn make(set: &Value) -> String {
    let mut set = set.clone();
    let pod = &mut set["spec"]["template"]["spec"];
    pod.as_object_mut().unwrap().remove("affinity");
    revision(&set)
}

/// The same for equal values, whatever the order of their members.
fn hash_in_order(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter().collect::<BTreeMap<_, _>>() {
                name.hash(hasher);
                hash_in_order(value, hasher);
            }
            members.len().hash(hasher);
        }
        Value::Array(items) => {
            for item in items {
                hash_in_order(item, hasher);
            }
            items.len().hash(hasher);
        }
        plain => plain.hash(hasher),
    }
}

fn observed_pod(pod: &SimPod, server_runs: bool, reason: &str) -> Pod {
    let since = at(pod.since);
    let reason = || reason.to_owned();
    let health = match pod.stage {
        Stage::Terminating => PodHealth::Terminating,
        _ if pod.node_lost => PodHealth::NotReady,
        Stage::Pending | Stage::Init | Stage::Starting => PodHealth::NotReady,
        Stage::Unschedulable => PodHealth::Unschedulable {
            reason: reason(),
            since,
        },
        Stage::Failed => PodHealth::Failed {
            reason: reason(),
            since,
        },
        Stage::Sidecar => PodHealth::SidecarNotReady {
            container: "sidecar".to_owned(),
            failure: None,
            since,
        },
        Stage::Ready => PodHealth::Ready,
    };
    Pod {
        uid: pod.uid.clone(),
        resource_version: pod.version(),
        ip: Some(ip(pod).parse().unwrap()),
        node: pod.node.map(str::to_owned),
        health,
        created: at(pod.created),
        image: Some(pod.image.clone()),
        pod_spec_hash: pod.pod_spec.clone(),
        volumes_hash: pod.volumes.clone(),
        init_image: None,
        template_revision: Some(pod.revision.clone()),
        config_template: pod.template.clone(),
        eviction_asked: pod.evicted.then(|| at(pod.since).to_string()),
        reported: pod.reported,
        // What was last heard of a lost node is that all was well.
        server_runs: server_runs || pod.node_lost,
        lost: pod.node_lost,
    }
}
