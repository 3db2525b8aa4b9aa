//! Servers: the simulator's, asked by the operator's own commands and read by its own parsers; and their users and
//! roles.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use simulator::{
    fleet::{Fleet, Harm, Launch, Namespace, Stop, Storage, Violation},
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
    plan::{
        Access, Observed, Server, Wait, WaitReason, access_control, members, quiesce, stopping,
    },
    resolve::{Desired, image::version_of},
    resources::names,
};

static DECLARED: LazyLock<PasswordHash> =
    LazyLock::new(|| Password::new("declared".to_owned()).hash());

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
    /// What does not change while a server runs and nobody changes it, by pod and command.
    known: BTreeMap<(String, String), String>,
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
            fleet: fleet.with_partitions(PARTITIONS),
            desired: Box::new(desired.clone()),
            roles: BTreeMap::new(),
            users: BTreeMap::new(),
            has_declared_password: false,
            known: BTreeMap::new(),
        }
    }

    pub fn runs(&self, pod: &str) -> bool {
        self.fleet.runs(pod)
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

    /// Whether nothing is lost if this one crashes, also when the disks that nobody uses go.
    pub fn can_do_without(&self, pod: &str, unused: &[String]) -> bool {
        let mut trial = self.fleet.clone();
        trial.take_record();
        if trial.runs(pod) {
            trial.stop(pod, Stop::Crashed);
        }
        for disk in unused {
            trial.erase(disk);
        }
        trial.record().is_empty()
    }

    /// What went wrong so far.
    pub fn record(&self) -> &[Violation] {
        self.fleet.record()
    }

    /// What a server says; nothing if it is not there.
    pub fn say(&mut self, pod: &str, command: &str) -> Option<String> {
        if !CONSTANT.contains(&command) || !self.fleet.serves(pod) {
            return self.fleet.info(pod, command).ok();
        }
        let key = (pod.to_owned(), command.to_owned());
        if !self.known.contains_key(&key) {
            let value = self.fleet.info(pod, command).ok()?;
            self.known.insert(key.clone(), value);
        }
        self.known.get(&key).cloned()
    }

    /// Sends a command that has to be obeyed.
    pub fn tell(&mut self, pod: &str, command: &str) -> Result<(), ()> {
        self.forget_answers(pod);
        let said = self.say(pod, command).ok_or(())?;
        let obeyed = said == "ok" || command.starts_with("recluster");
        obeyed.then_some(()).ok_or(())
    }

    fn forget_answers(&mut self, pod: &str) {
        self.known.retain(|(known, _), _| known != pod);
    }

    fn launch(&self, pod: &str, image: &str, disk: Option<&str>) -> Launch {
        let (rack, ordinal) = names::parse_pod(&self.desired.identity.name, pod).unwrap();
        let id = u64::from_str_radix(&format!("{}a{ordinal}", rack.id), 16).unwrap();
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
        let edition = if community {
            Edition::Community
        } else {
            Edition::Enterprise
        };
        let [major, minor, patch] = version_of(image).unwrap().release();
        let part = |number: u64| u16::try_from(number).unwrap();
        let version = Version::patch(part(major), part(minor), part(patch));
        let launch = Launch::new(id)
            .namespace(namespace)
            .release(Release { version, edition });
        match quiesce::fill_delay(&self.desired) {
            0 => launch,
            delay => launch.setting("service.migrate-fill-delay", &delay.to_string()),
        }
    }
}

fn all_whole(observed: &Observed, members: usize) -> bool {
    let whole = observed
        .views()
        .filter(|view| view.cluster.size as usize == members);
    whole.count() == members && observed.cluster_keys().len() == 1
}

impl World {
    pub fn start_server(&mut self, pod: &str) {
        let disk = self.claims.get(&names::claim("workdir", pod));
        let disk = disk.map(|claim| claim.uid.clone());
        let image = self.pods[pod].image.clone();
        let launch = self.servers.launch(pod, &image, disk.as_deref());
        self.servers.forget_answers(pod);
        let started = self.servers.fleet.start(pod, &launch);
        started.unwrap_or_else(|refusal| panic!("{pod} does not start: {refusal}"));
    }

    /// Nothing that was done so far did harm. Community servers cannot be stopped unseen.
    pub fn assert_no_harm(&self) {
        let community = self.desired.image.edition == Product::Community;
        let mut record = self.servers.record().iter();
        let harm = record.find(|it| !(community && it.harm == Harm::ClientVisible));
        assert!(harm.is_none(), "{}", harm.unwrap());
    }

    /// Whether all servers that shall be form one cluster in which nothing moves, and nothing is left of what was done
    /// to them.
    pub fn servers_settled(&mut self) -> bool {
        let size: u32 = self.desired.racks.iter().map(|rack| rack.size).sum();
        let pods: Vec<_> = self.servers.fleet.servers().map(str::to_owned).collect();
        let stable = format!("cluster-stable:size={size}");
        let keys: std::collections::BTreeSet<_> = pods
            .iter()
            .map(|pod| self.servers.say(pod, &stable))
            .collect();
        let one_key = keys.len() == 1 && keys.iter().flatten().any(|key| !key.starts_with("ERROR"));
        pods.len() == size as usize && one_key && pods.iter().all(|pod| self.is_as_configured(pod))
    }

    fn is_as_configured(&mut self, pod: &str) -> bool {
        let stats = self.servers.say(pod, "namespace/test").unwrap();
        let quiet = ["pending_quiesce=true", "effective_is_quiesced=true"];
        let quiet = quiet.iter().all(|flag| !stats.contains(flag));
        let delay = quiesce::fill_delay(&self.desired);
        let config = self.servers.say(pod, "get-config:context=service").unwrap();
        quiet && (delay == 0 || config.contains(&format!("migrate-fill-delay={delay};")))
    }

    pub fn ask_servers(&mut self, observed: &mut Observed) {
        let secured = self.desired.security;
        if secured && self.faults.secret_missing {
            let wait = Wait::new(WaitReason::SecretMissing, "Secret auth is missing");
            observed.access = Access::Unknown(wait);
            return;
        }
        let questions = Questions {
            namespaces: &[NAMESPACE],
            known: None,
            members: members::expected(&self.desired, observed).len(),
            fill_delay: quiesce::fill_delay(&self.desired) > 0,
            traffic: stopping::is_under_way(&self.desired, observed),
        };
        let serving = observed.pods.iter().filter(|(_, pod)| pod.serves());
        for (name, _) in serving {
            let image = &self.pods[name].image;
            let known = version_of(image).unwrap().to_string().parse().unwrap();
            let known = Some(&known);
            let server = self.answer(name, &Questions { known, ..questions });
            observed.servers.insert(name.clone(), server);
        }
        let due = access_control::pending(&self.desired, &observed.status).is_some();
        if due && all_whole(observed, questions.members) {
            observed.access = self.known();
        }
    }

    fn answer(&mut self, pod: &str, questions: &Questions<'_>) -> Server {
        if self.dice.roll(24) == 23 {
            return Server::Silent("timeout".to_owned());
        }
        let commands = NodeView::commands(questions);
        let mut body = String::new();
        for command in &commands {
            let Some(value) = self.servers.say(pod, command) else {
                return Server::Silent("connection refused".to_owned());
            };
            body.extend([command, "\t", &value, "\n"]);
        }
        let commands: Vec<_> = commands.iter().map(String::as_str).collect();
        let answers = info::parse(&commands, body.as_bytes()).unwrap();
        Server::Answered(Box::new(NodeView::parse(&answers, questions).unwrap()))
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
