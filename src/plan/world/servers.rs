//! Servers: the simulator's, asked by the operator's own commands and read by its own parsers; and their users and
//! roles.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use simulator::{
    faults::Fault,
    fleet::{Cause, Fleet, Harm, Launch, Namespace, Silence, Stop, Storage, Violation},
    version::{Edition, Release, Version},
};

use super::World;
use crate::{
    aerospike::{
        access::{ADMIN, FirstPassword, Installed},
        admin::{Request, Role, User},
        build::Edition as Product,
        command, info,
        node_view::{NodeView, Questions},
        password::{Password, PasswordHash},
    },
    api::AerospikeClusterStatus,
    config::statements::{Key, Statements},
    plan::{
        Access, Observed, Server, Wait, WaitReason, access_control, configuration, members,
        namespaces, quiesce, stopping,
    },
    resolve::{Desired, image::version_of},
    resources::names,
};

static DECLARED: LazyLock<PasswordHash> =
    LazyLock::new(|| Password::new("declared".to_owned()).hash());

/// Milliseconds after which a cluster has noticed a loss and is balanced anew.
const REBALANCED: u64 = 5_000;
/// Partitions of a namespace: fewer than a real one has, for the sake of speed.
const PARTITIONS: usize = 64;
/// The one namespace.
const NAMESPACE: &str = "test";

thread_local! {
    /// Who holds what in which cluster is worked out once.
    static FIRST: Fleet = Fleet::new(0);
}

/// The servers of the pods.
#[derive(Clone, Debug)]
pub struct Servers {
    fleet: Fleet,
    desired: Box<Desired>,
    roles: BTreeMap<String, Role>,
    users: BTreeMap<String, User>,
    pub has_declared_password: bool,
    /// What does not change while a server runs and nobody changes it, by pod.
    known: BTreeMap<String, String>,
    /// The one that the others do not hear.
    alone: Option<String>,
    /// Something may be wrong with answers.
    lie: bool,
}

/// Commands to which a server answers the same until its configuration is changed.
const CONSTANT: [&str; 5] = [
    command::SERVICE_CONFIG,
    command::BUILD,
    command::NODE,
    command::NAMESPACES,
    command::RELEASE,
];

impl Servers {
    /// None yet. All that ever start have the configuration of `desired`.
    pub fn new(desired: &Desired, seed: u64) -> Self {
        let fleet = FIRST.with(|first| Fleet::new(seed).sharing_work_with(first));
        Self {
            fleet: fleet.with_partitions(PARTITIONS).with_terse_figures(),
            desired: Box::new(desired.clone()),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            has_declared_password: false,
            known: BTreeMap::new(),
            alone: None,
            lie: false,
        }
    }

    pub fn runs(&self, pod: &str) -> bool {
        self.fleet.runs(pod)
    }

    /// Whether the others hear it, if it runs.
    pub fn is_cut_off(&self, pod: &str) -> bool {
        self.alone.as_deref() == Some(pod)
    }

    /// The server is asked to stop, and takes its time.
    pub fn stop(&mut self, pod: &str) {
        if self.runs(pod) {
            self.fleet.stop(pod, Stop::Clean);
        }
    }

    pub fn crash(&mut self, pod: &str) {
        if self.runs(pod) {
            self.fleet.stop(pod, Stop::Crashed);
        }
    }

    pub fn erase(&mut self, claim: &str) {
        self.fleet.erase(claim);
    }

    pub fn advance(&mut self, milliseconds: u64) {
        self.fleet.advance(milliseconds);
    }

    /// Whether nothing is lost if this one crashes where `doomed` stop too.
    pub fn can_do_without(&self, pod: &str, doomed: &[String]) -> bool {
        if !self.runs(pod) || doomed.iter().any(|doomed| doomed == pod) {
            return true;
        }
        let mut trial = self.fleet.clone();
        for doomed in doomed.iter().filter(|doomed| self.runs(doomed)) {
            trial.stop(doomed, Stop::Crashed);
        }
        trial.take_record();
        trial.stop(pod, Stop::Crashed);
        // What the others trust is found out when they form a cluster without it.
        if trial.record().is_empty() && self.is_strong() {
            trial.advance(REBALANCED);
        }
        trial.record().is_empty()
    }

    /// Whether a write is in no other store.
    pub fn holds_something_alone(&self, pod: &str) -> bool {
        self.runs(pod) && !self.fleet.held_only_by(pod).is_empty()
    }

    /// The others do not hear this one any more, nor it them.
    pub fn cut_off(&mut self, pod: &str) {
        let others: Vec<_> = self.fleet.servers().map(str::to_owned).collect();
        for other in others.iter().filter(|other| *other != pod) {
            self.fleet.cut(&[pod], &[other]);
        }
        self.alone = Some(pod.to_owned());
    }

    pub fn reconnect(&mut self, pod: &str) {
        if self.alone.take_if(|alone| alone == pod).is_some() {
            self.fleet.mend();
        }
    }

    pub fn inject(&mut self, pod: &str, fault: &Fault, calls: Option<u32>) {
        self.fleet.inject(pod, fault.clone(), calls);
        self.lie = true;
    }

    /// All answer rightly again.
    pub fn heal(&mut self) {
        if std::mem::take(&mut self.lie) {
            let all: Vec<_> = self.all().map(str::to_owned).collect();
            for pod in all {
                self.fleet.heal(&pod);
            }
        }
    }

    /// These servers, with nothing wrong about their answers.
    pub fn truthful(&self) -> Self {
        let mut servers = self.clone();
        servers.heal();
        servers
    }

    /// The pods of all processes.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.fleet.servers()
    }

    /// What went wrong so far.
    pub fn record(&self) -> &[Violation] {
        self.fleet.record()
    }

    /// What a server says; nothing if it is not there.
    pub fn say(&mut self, pod: &str, command: &str) -> Option<String> {
        self.fleet.info(pod, command).ok()
    }

    /// What a server says to questions that are asked together, as it comes over the wire.
    fn ask(&mut self, pod: &str, commands: &[&str]) -> Result<String, Silence> {
        let (constant, moving): (Vec<_>, Vec<_>) = commands
            .iter()
            .copied()
            .partition(|command| CONSTANT.contains(command));
        let said = self.fleet.ask(pod, &moving)?;
        if !self.known.contains_key(pod) {
            // Old servers do not know their release.
            let understood =
                |command: &&str| *command != command::RELEASE || constant.contains(command);
            let constants: Vec<_> = CONSTANT.into_iter().filter(understood).collect();
            let constants = self.fleet.ask(pod, &constants)?;
            self.known.insert(pod.to_owned(), constants);
        }
        let known = self.known[pod].lines().filter(|line| {
            let (command, _) = line.split_once('\t').unwrap();
            constant.contains(&command)
        });
        Ok(said + &known.flat_map(|line| [line, "\n"]).collect::<String>())
    }

    /// Sends a change of the configuration; nothing if no answer came.
    pub fn set(&mut self, pod: &str, command: &str) -> Option<String> {
        self.forget_answers(pod);
        self.say(pod, command)
    }

    /// Sends a command that has to be obeyed.
    pub fn tell(&mut self, pod: &str, command: &str) -> Result<(), ()> {
        if command.starts_with("set-config") {
            self.forget_answers(pod);
        }
        let said = self.say(pod, command).ok_or(())?;
        let obeyed = said == "ok" || command.starts_with("recluster");
        obeyed.then_some(()).ok_or(())
    }

    fn are_settled(&mut self, size: u32, fill_delay: u64) -> bool {
        let pods: Vec<_> = self.all().map(str::to_owned).collect();
        let stable = format!("cluster-stable:size={size}");
        let keys: BTreeSet<_> = pods.iter().map(|pod| self.say(pod, &stable)).collect();
        let one_key = keys.len() == 1 && keys.iter().flatten().any(|key| !key.starts_with("ERROR"));
        let configured = |pod| self.is_as_configured(pod, fill_delay);
        pods.len() == size as usize && one_key && pods.iter().map(String::as_str).all(configured)
    }

    fn is_as_configured(&mut self, pod: &str, fill_delay: u64) -> bool {
        let stats = self.say(pod, "namespace/test").unwrap();
        let quiet = ["pending_quiesce=true", "effective_is_quiesced=true"];
        let quiet = !quiet.iter().any(|flag| stats.contains(flag));
        let mut given_back = || {
            let config = self.say(pod, command::SERVICE_CONFIG).unwrap();
            config.contains(&format!("migrate-fill-delay={fill_delay};"))
        };
        quiet && (fill_delay == 0 || given_back())
    }

    /// Whether the namespace is strongly consistent, which it is from the first server on.
    pub fn is_strong(&self) -> bool {
        !namespaces::strong(&self.desired, &AerospikeClusterStatus::default()).is_empty()
    }

    fn forget_answers(&mut self, pod: &str) {
        self.known.remove(pod);
    }

    /// What the init container of a pod works out.
    pub fn node_id(&self, pod: &str) -> u64 {
        let (rack, ordinal) = names::parse_pod(&self.desired.identity.name, pod).unwrap();
        let letter = if rack.revision.0.is_empty() { 'a' } else { 'b' };
        u64::from_str_radix(&format!("{}{letter}{ordinal}", rack.id), 16).unwrap()
    }

    fn launch(&self, pod: &str, image: &str, disk: Option<&str>) -> Launch {
        let (rack, _) = names::parse_pod(&self.desired.identity.name, pod).unwrap();
        let config = &self.desired.racks[0].config["namespaces"][0];
        let copies = config["replication-factor"].as_u64().unwrap();
        let community = self.desired.image.edition == Product::Community;
        let mut namespace = Namespace::new(NAMESPACE).copies(usize::try_from(copies).unwrap());
        if !community {
            namespace = namespace.rack(u32::try_from(rack.id.0).unwrap());
        }
        if let Some(disk) = disk.filter(|_| config["storage-engine"]["type"] == "device") {
            namespace = namespace.on(Storage::device(disk));
        }
        if config["strong-consistency"] == true {
            namespace = namespace.strong();
        }
        let edition = if community {
            Edition::Community
        } else {
            Edition::Enterprise
        };
        let [major, minor, patch] = version_of(image).unwrap().release();
        let part = |number: u64| u16::try_from(number).unwrap();
        let version = Version::patch(part(major), part(minor), part(patch));
        let launch = Launch::new(self.node_id(pod))
            .namespace(namespace)
            .release(Release { version, edition })
            .work(disk.unwrap_or(pod));
        match quiesce::fill_delay(&self.desired) {
            0 => launch,
            delay => launch.setting("service.migrate-fill-delay", &delay.to_string()),
        }
    }
}

/// What histories change without a restart: the statement, where the server keeps it, and what it is where nothing is said.
const CHANGED: [(&str, &str, &str); 4] = [
    ("service > proto-fd-max", "service.proto-fd-max", "15000"),
    (
        "namespace test > nsup-period",
        "namespaces.{test}.nsup-period",
        "0",
    ),
    (
        "namespace test > default-ttl",
        "namespaces.{test}.default-ttl",
        "0",
    ),
    (
        "namespace test > active-rack",
        "namespaces.{test}.active-rack",
        "0",
    ),
];

/// A server reads its file when it starts.
fn configured(launch: Launch, file: &Statements) -> Launch {
    CHANGED.iter().fold(launch, |launch, (key, setting, _)| {
        match file.values(&Key::parse(key)).last() {
            Some(value) => launch.setting(setting, value),
            None => launch,
        }
    })
}

fn all_whole(observed: &Observed, members: usize) -> bool {
    let whole = observed
        .views()
        .filter(|view| view.cluster.size as usize == members);
    whole.count() == members && observed.cluster_keys().len() == 1
}

impl World {
    pub fn start_server(&mut self, pod: &str) {
        self.excused.remove(pod);
        let disk = self.claims.get(&names::claim("workdir", pod));
        let disk = disk.map(|claim| claim.uid.clone());
        let image = self.pods[pod].image.clone();
        let file = self.pods[pod].file.clone();
        let launch = self.servers.launch(pod, &image, disk.as_deref());
        let launch = configured(launch, file.statements());
        self.servers.forget_answers(pod);
        let started = self.servers.fleet.start(pod, &launch);
        started.unwrap_or_else(|refusal| panic!("{pod} does not start: {refusal}"));
        if let Some(alone) = self.servers.alone.clone() {
            self.servers.fleet.cut(&[&alone], &[pod]);
        }
    }

    /// Nothing that was done since it was asked last did harm.
    pub fn assert_no_harm(&mut self) {
        let record = self.servers.record();
        let mut new = record[self.judged..].iter();
        let harm = new.find(|it| !self.is_excused(it));
        assert!(harm.is_none(), "{}", harm.unwrap());
        self.judged = record.len();
    }

    /// Community servers cannot be stopped unseen, nor can one that took over from another that was cut off since.
    fn is_excused(&self, it: &Violation) -> bool {
        let community = self.desired.image.edition == Product::Community;
        match (it.harm, &it.cause) {
            (Harm::ClientVisible, _) if community => true,
            (Harm::ClientVisible | Harm::Unavailable, Cause::Stopped(pod)) => {
                self.excused.contains(pod)
            }
            _ => false,
        }
    }

    /// Every server has in force what is wanted, whatever its pod says.
    pub fn assert_configured(&mut self) {
        let racks = self.desired.racks.clone();
        let mut servers = self.servers.truthful();
        for rack in &racks {
            let wanted = rack.template.statements();
            for pod in names::pods_of(&self.desired, rack) {
                let service = servers.say(&pod, command::SERVICE_CONFIG).unwrap();
                let namespace = servers.say(&pod, "namespace/test").unwrap();
                let told = format!(";{service};{namespace};");
                for (key, _, default) in CHANGED {
                    let key = Key::parse(key);
                    let value = wanted.values(&key).last();
                    let value = value.map_or(default, String::as_str);
                    let expected = format!(";{}={value};", key.name);
                    assert!(told.contains(&expected), "{pod} has not {expected}: {told}");
                }
            }
        }
    }

    /// Whether all servers that shall be form one cluster in which nothing moves, and nothing is left of what was done
    /// to them.
    pub fn servers_settled(&mut self) -> bool {
        let size: u32 = self.desired.racks.iter().map(|rack| rack.size).sum();
        let delay = quiesce::fill_delay(&self.desired);
        if self.servers.lie {
            self.servers.truthful().are_settled(size, delay)
        } else {
            self.servers.are_settled(size, delay)
        }
    }

    pub fn ask_servers(&mut self, observed: &mut Observed) {
        let secured = self.desired.security;
        if secured && self.faults.secret_missing {
            let wait = Wait::new(WaitReason::SecretMissing, "Secret auth is missing");
            observed.access = Access::Unknown(wait);
            return;
        }
        let strong = namespaces::strong(&self.desired, &observed.status);
        let strong: Vec<_> = strong.iter().map(String::as_str).collect();
        let questions = Questions {
            namespaces: &[NAMESPACE],
            strong: strong.as_slice(),
            known: None,
            members: members::expected(&self.desired, observed).len(),
            fill_delay: quiesce::fill_delay(&self.desired) > 0,
            traffic: stopping::is_under_way(&self.desired, observed),
            configuration: &[],
        };
        let asked = configuration::questions(&self.desired, observed);
        let asked: BTreeMap<_, _> = asked.into_iter().collect();
        let serving = observed.pods.iter().filter(|(_, pod)| pod.serves());
        for (name, _) in serving {
            let image = &self.pods[name].image;
            let known = version_of(image).unwrap().to_string().parse().unwrap();
            let known = Some(&known);
            let configuration = asked.get(name).map_or(&[][..], Vec::as_slice);
            let questions = Questions {
                known,
                configuration,
                ..questions
            };
            let server = self.answer(name, &questions);
            observed.servers.insert(name.clone(), server);
        }
        let due = access_control::pending(&self.desired, &observed.status).is_some();
        if due && all_whole(observed, questions.members) {
            observed.access = self.known();
        }
    }

    fn answer(&mut self, pod: &str, questions: &Questions<'_>) -> Server {
        let commands = NodeView::commands(questions);
        let commands: Vec<_> = commands.iter().map(String::as_str).collect();
        let garbled = self.dice.roll(32);
        let view = self
            .servers
            .ask(pod, &commands)
            .map_err(|why| why.to_string());
        let view = view.and_then(|body| {
            let body = garble(body, garbled);
            let answers = info::parse(&commands, body.as_bytes()).map_err(|e| e.to_string())?;
            NodeView::parse(&answers, questions).map_err(|e| e.to_string())
        });
        view.map_or_else(Server::Silent, |view| Server::Answered(Box::new(view)))
    }

    fn known(&self) -> Access {
        let declared = self.desired.spec.aerospike_access_control.as_ref();
        let names = declared.into_iter().flat_map(|access| &access.users);
        let first = FirstPassword {
            bootstrap: PasswordHash::bootstrap(),
            declared: DECLARED.clone(),
        };
        let admin = User {
            name: ADMIN.to_owned(),
            roles: vec!["user-admin".to_owned()],
            ..User::default()
        };
        let mut users = self.servers.users.clone();
        users.entry(ADMIN.to_owned()).or_insert(admin);
        Access::Known {
            installed: Installed {
                roles: self.servers.roles.values().cloned().collect(),
                users: users.into_values().collect(),
            },
            passwords: names
                .map(|user| (user.name.clone(), DECLARED.clone()))
                .collect(),
            first_password: (!self.servers.has_declared_password).then_some(first),
        }
    }

    /// Every request but the last leaves the administrator able to log in as before; a crash may come in between.
    pub fn administer(&mut self, requests: &[Request]) {
        let changes = requests
            .iter()
            .position(|r| matches!(r, Request::ChangePassword { .. }));
        assert!(
            changes.is_none_or(|at| at + 1 == requests.len()),
            "{requests:?}"
        );
        for request in requests {
            self.answer_request(request);
            if self.dice.roll(8) == 7 {
                return;
            }
        }
    }

    fn answer_request(&mut self, request: &Request) {
        match request {
            Request::CreateRole {
                role,
                privileges,
                whitelist,
                read_quota,
                write_quota,
            } => {
                let created = Role {
                    name: role.clone(),
                    privileges: privileges.clone(),
                    whitelist: whitelist.clone(),
                    read_quota: *read_quota,
                    write_quota: *write_quota,
                };
                self.servers.roles.entry(role.clone()).or_insert(created);
            }
            Request::CreateUser { user, roles, .. } | Request::GrantRoles { user, roles } => {
                self.assert_roles_exist(roles);
                let found = self.servers.users.entry(user.clone()).or_default();
                found.name.clone_from(user);
                found.roles.extend(roles.iter().cloned());
            }
            Request::RevokeRoles { user, roles } => {
                let found = self.servers.users.entry(user.clone()).or_default();
                found.name.clone_from(user);
                found.roles.retain(|role| !roles.contains(role));
            }
            Request::ChangePassword { user, old, .. } => {
                assert_eq!((user.as_str(), old), (ADMIN, &PasswordHash::bootstrap()));
                self.servers.has_declared_password = true;
            }
            other => panic!("{other:?} is not asked for"),
        }
    }

    fn assert_roles_exist(&self, roles: &[String]) {
        for role in roles {
            let known = self.servers.roles.contains_key(role);
            assert!(
                known || crate::aerospike::access::is_predefined(role),
                "{role}"
            );
        }
    }
}

/// What arrives of `body`, as the dice fell: nothing, half of it, all of it twice, or with another cluster key.
fn garble(body: String, luck: u8) -> String {
    match luck {
        31 => String::new(),
        30 => body[..body.len() / 2].to_owned(),
        29 => body.repeat(2),
        28 => body.replacen("cluster_key=", "cluster_key=F", 1),
        _ => body,
    }
}
