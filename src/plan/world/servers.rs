//! Servers: how they find each other, what each says meanwhile, and their users and roles.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::World;
use crate::{
    aerospike::{
        access::{ADMIN, FirstPassword, Installed},
        admin::{Request, Role, User},
        build::Edition,
        node_view::{ClusterView, NodeView},
        password::{Password, PasswordHash},
    },
    plan::{Access, Observed, Server, Wait, WaitReason, access_control},
};

static DECLARED: LazyLock<PasswordHash> =
    LazyLock::new(|| Password::new("declared".to_owned()).hash());

/// The servers of the pods, as one.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    members: BTreeSet<String>,
    epoch: u64,
    forming: u8,
    moving: u64,
    roles: BTreeMap<String, Role>,
    users: BTreeMap<String, User>,
    pub has_declared_password: bool,
}

impl World {
    pub fn advance_servers(&mut self) {
        let pods = self.pods.iter().filter(|(_, pod)| pod.serves());
        let serving: BTreeSet<_> = pods.map(|(name, _)| name.clone()).collect();
        if serving != self.servers.members {
            self.servers.members = serving;
            self.servers.epoch += 1;
            self.servers.forming = 1 + self.dice.roll(3);
            self.servers.moving = u64::from(self.dice.roll(4)) * 100;
        } else if self.servers.forming > 0 {
            self.servers.forming -= 1;
        } else {
            self.servers.moving = self.servers.moving.saturating_sub(100);
        }
    }

    /// Whether all servers that shall be form one cluster in which nothing moves.
    pub fn servers_settled(&self) -> bool {
        let size: u32 = self.desired.racks.iter().map(|rack| rack.size).sum();
        let servers = &self.servers;
        let formed = servers.forming == 0 || size == 1;
        formed && servers.moving == 0 && servers.members.len() == size as usize
    }

    pub fn ask_servers(&mut self, observed: &mut Observed) {
        let secured = self.desired.security;
        if secured && self.faults.secret_missing {
            let wait = Wait::new(WaitReason::SecretMissing, "Secret auth is missing");
            observed.access = Access::Unknown(wait);
            return;
        }
        let serving: Vec<_> = self.pods.iter().filter(|(_, pod)| pod.serves()).collect();
        let serving: Vec<_> = serving.into_iter().map(|(name, _)| name.clone()).collect();
        for name in serving {
            let server = self.answer(&name);
            observed.servers.insert(name, server);
        }
        let due = access_control::pending(&self.desired, &observed.status).is_some();
        if due && self.all_whole(observed) {
            observed.access = self.known();
        }
    }

    fn all_whole(&self, observed: &Observed) -> bool {
        let size: u32 = self.desired.racks.iter().map(|rack| rack.size).sum();
        let whole = observed.views().filter(|view| view.cluster.size == size);
        whole.count() == size as usize && observed.cluster_keys().len() == 1
    }

    fn answer(&mut self, pod: &str) -> Server {
        if self.dice.roll(12) == 11 {
            return Server::Silent("timeout".to_owned());
        }
        let members = u8::try_from(self.servers.members.len()).unwrap();
        let (mut size, mut key) = (members, format!("K{}", self.servers.epoch));
        let known = self.servers.members.contains(pod);
        if !known || self.servers.forming > 0 {
            let alone = self.dice.roll(3) == 2;
            size = if alone {
                members
            } else {
                self.dice.roll(members.max(1))
            };
            key = format!("{pod}-{}", self.servers.epoch);
        }
        Server::Answered(Box::new(self.view(pod, size, key)))
    }

    fn view(&self, pod: &str, size: u8, key: String) -> NodeView {
        NodeView {
            build: "8.1.2.0".parse().unwrap(),
            edition: Edition::Enterprise,
            node: pod.to_owned(),
            cluster: ClusterView {
                size: size.into(),
                key,
                integrity: true,
                principal: None,
                duplicate_nodes: Vec::new(),
                migrate_allowed: true,
                migrate_partitions_remaining: self.servers.moving,
                uptime: 100,
            },
            namespaces: BTreeMap::new(),
            other_namespaces: BTreeSet::new(),
        }
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
