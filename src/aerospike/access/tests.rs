use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::aerospike::password::Password;

/// A server, as far as requests about users and roles change it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Server {
    roles: BTreeMap<String, DeclaredRole>,
    users: BTreeMap<String, BTreeSet<String>>,
    passwords: BTreeMap<String, PasswordHash>,
}

impl Server {
    /// One that has just been started: its administrator may manage users and no more.
    fn fresh() -> Self {
        let mut server = Self::default();
        server
            .users
            .insert(ADMIN.into(), ["user-admin".to_owned()].into());
        server
            .passwords
            .insert(ADMIN.into(), PasswordHash::bootstrap());
        server
    }

    fn installed(&self) -> Installed {
        let own = self.roles.values().map(|role| Role {
            name: role.name.clone(),
            privileges: role.privileges.iter().rev().cloned().collect(),
            whitelist: role.whitelist.iter().rev().cloned().collect(),
            read_quota: role.read_quota,
            write_quota: role.write_quota,
        });
        let predefined = PrivilegeCode::named().map(|(code, name)| Role {
            name: name.to_owned(),
            privileges: vec![global(code)],
            ..Role::default()
        });
        let users = self.users.iter().map(|(name, roles)| User {
            name: name.clone(),
            roles: roles.iter().rev().cloned().collect(),
            ..User::default()
        });
        Installed {
            roles: predefined.chain(own).collect(),
            users: users.collect(),
        }
    }

    fn role(&mut self, name: &str) -> &mut DeclaredRole {
        self.roles
            .get_mut(name)
            .expect("only roles that are there are changed")
    }

    fn user(&mut self, name: &str) -> &mut BTreeSet<String> {
        self.users
            .get_mut(name)
            .expect("only users that are there are changed")
    }

    fn must_have_roles(&self, roles: &[String]) {
        for role in roles {
            assert!(
                is_predefined(role) || self.roles.contains_key(role),
                "no role {role}"
            );
        }
    }

    /// Refuses, by a panic, whatever a real server would refuse or nobody needs.
    fn apply(&mut self, request: &Request) {
        match request.clone() {
            Request::CreateRole {
                role,
                privileges,
                whitelist,
                read_quota,
                write_quota,
            } => {
                assert!(!is_predefined(&role) && !self.roles.contains_key(&role));
                let made = DeclaredRole {
                    name: role.clone(),
                    privileges: privileges.into_iter().collect(),
                    whitelist: whitelist.into_iter().collect(),
                    read_quota,
                    write_quota,
                };
                self.roles.insert(role, made);
            }
            Request::GrantPrivileges { role, privileges } => {
                let new = privileges
                    .into_iter()
                    .all(|privilege| self.role(&role).privileges.insert(privilege));
                assert!(new, "granted twice");
            }
            Request::RevokePrivileges { role, privileges } => {
                let all = privileges
                    .iter()
                    .all(|privilege| self.role(&role).privileges.remove(privilege));
                assert!(all, "revoked twice");
            }
            Request::SetWhitelist { role, whitelist } => {
                self.role(&role).whitelist = whitelist.into_iter().collect();
            }
            Request::SetQuotas {
                role,
                read_quota,
                write_quota,
            } => {
                self.role(&role).read_quota = read_quota;
                self.role(&role).write_quota = write_quota;
            }
            Request::CreateUser {
                user,
                password,
                roles,
            } => {
                self.must_have_roles(&roles);
                self.passwords.insert(user.clone(), password);
                assert_eq!(self.users.insert(user, roles.into_iter().collect()), None);
            }
            Request::GrantRoles { user, roles } => {
                self.must_have_roles(&roles);
                assert!(
                    roles.into_iter().all(|role| self.user(&user).insert(role)),
                    "granted twice"
                );
            }
            Request::RevokeRoles { user, roles } => {
                assert!(
                    roles.iter().all(|role| self.user(&user).remove(role)),
                    "revoked twice"
                );
            }
            Request::ChangePassword { user, old, new } => {
                assert_eq!(self.passwords.insert(user, new), Some(old));
            }
            other => panic!("{other:?} is not part of this"),
        }
    }

    fn reach(&mut self, declared: &Declared) -> Vec<Request> {
        let requests = difference(declared, &self.installed(), |_| Some(secret()), None).unwrap();
        for request in &requests {
            self.apply(request);
        }
        requests
    }
}

fn secret() -> PasswordHash {
    PasswordHash::no_password()
}

fn global(code: PrivilegeCode) -> Privilege {
    Privilege {
        code,
        namespace: None,
        set: None,
    }
}

fn user(name: &str, roles: &[&str]) -> DeclaredUser {
    DeclaredUser {
        name: name.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        pki_only: false,
    }
}

fn reader() -> DeclaredRole {
    DeclaredRole {
        name: "reader".into(),
        privileges: ["read.test".parse().unwrap()].into(),
        whitelist: ["10.0.0.0/8".into()].into(),
        read_quota: 5,
        write_quota: 0,
    }
}

fn declared() -> Declared {
    Declared {
        roles: vec![reader()],
        users: vec![
            user(ADMIN, &["user-admin", "sys-admin"]),
            user("app", &["reader"]),
        ],
    }
}

#[test]
fn a_fresh_server_gets_roles_then_users_then_the_administrator_then_its_password() {
    let new = Password::new("new".into()).hash();
    let change = FirstPassword {
        bootstrap: PasswordHash::bootstrap(),
        declared: new.clone(),
    };
    let installed = Server::fresh().installed();
    let requests = difference(&declared(), &installed, |_| Some(secret()), Some(&change)).unwrap();
    let expected = vec![
        Request::CreateRole {
            role: "reader".into(),
            privileges: vec!["read.test".parse().unwrap()],
            whitelist: vec!["10.0.0.0/8".into()],
            read_quota: 5,
            write_quota: 0,
        },
        Request::CreateUser {
            user: "app".into(),
            password: secret(),
            roles: vec!["reader".into()],
        },
        Request::GrantRoles {
            user: ADMIN.into(),
            roles: vec!["sys-admin".into()],
        },
        Request::ChangePassword {
            user: ADMIN.into(),
            old: PasswordHash::bootstrap(),
            new,
        },
    ];
    assert_eq!(requests, expected);
}

#[test]
fn what_differs_and_only_that_is_changed() {
    let mut server = Server::fresh();
    server.reach(&declared());
    let mut wanted = declared();
    let role = &mut wanted.roles[0];
    role.privileges = ["write.test".parse().unwrap()].into();
    role.write_quota = 9;
    wanted.users[1] = user("app", &["read"]);
    let names: Vec<_> = server.reach(&wanted).iter().map(Request::name).collect();
    let expected = [
        "grant-privileges",
        "revoke-privileges",
        "set-quotas",
        "grant-roles",
        "revoke-roles",
    ];
    assert_eq!(names, expected);
}

#[test]
fn what_is_not_declared_is_left_alone() {
    let mut server = Server::fresh();
    server.reach(&declared());
    assert_eq!(server.reach(&Declared::default()), []);
}

#[test]
fn a_declared_role_with_a_predefined_name_is_left_alone() {
    let role = DeclaredRole {
        name: "read".into(),
        ..reader()
    };
    let declared = Declared {
        roles: vec![role],
        users: vec![],
    };
    assert_eq!(Server::fresh().reach(&declared), []);
}

#[test]
fn a_user_without_password_is_named() {
    let error = difference(&declared(), &Server::fresh().installed(), |_| None, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no password to create user \"app\" with"
    );
}

#[test]
fn a_user_by_certificate_needs_no_password() {
    let mut declared = declared();
    declared.users[1].pki_only = true;
    let requests = difference(&declared, &Server::fresh().installed(), |_| None, None).unwrap();
    let created = Request::CreateUser {
        user: "app".into(),
        password: PasswordHash::no_password(),
        roles: vec!["reader".into()],
    };
    assert_eq!(requests[1], created);
}

#[test]
fn a_password_that_is_the_first_one_is_not_changed() {
    let change = FirstPassword {
        bootstrap: PasswordHash::bootstrap(),
        declared: PasswordHash::bootstrap(),
    };
    let requests = difference(
        &Declared::default(),
        &Installed::default(),
        |_| None,
        Some(&change),
    );
    assert_eq!(requests, Ok(vec![]));
}

#[test]
fn what_somebody_else_did_first_is_done() {
    let create = Request::CreateUser {
        user: "u".into(),
        password: secret(),
        roles: vec![],
    };
    assert!(is_done_already(&create, ResultCode::USER_EXISTS));
    assert!(!is_done_already(&create, ResultCode::BAD_ROLE));
    assert!(!is_done_already(
        &Request::LoginPki,
        ResultCode::USER_EXISTS
    ));
}

fn any_role() -> impl Strategy<Value = DeclaredRole> {
    let privilege = (10..18u8, proptest::option::of("[ab]"));
    let privilege = privilege.prop_map(|(code, namespace)| Privilege {
        namespace,
        ..global(PrivilegeCode::from_number(code))
    });
    let privileges = proptest::collection::btree_set(privilege, 0..4);
    let whitelist = proptest::collection::btree_set("10.0.0.[1-3]", 0..3);
    (privileges, whitelist, 0..3u32, 0..3u32).prop_map(|(privileges, whitelist, read, write)| {
        DeclaredRole {
            name: String::new(),
            privileges,
            whitelist,
            read_quota: read,
            write_quota: write,
        }
    })
}

/// Roles r1 to r4 and users u1 to u4 and the administrator, whose roles are among these or predefined.
fn any_declared() -> impl Strategy<Value = Declared> {
    let roles = proptest::collection::btree_map("r[1-4]", any_role(), 0..4);
    let user = (
        proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        any::<bool>(),
    );
    let users = proptest::collection::btree_map("u[1-4]|admin", user, 0..4);
    (roles, users).prop_map(|(roles, users)| {
        let roles: Vec<_> = roles
            .into_iter()
            .map(|(name, role)| DeclaredRole { name, ..role })
            .collect();
        let own = roles.iter().map(|role| role.name.clone());
        let grantable: Vec<_> = own
            .chain(["read".to_owned(), "user-admin".to_owned()])
            .collect();
        let users = users
            .into_iter()
            .map(|(name, (picks, pki_only))| DeclaredUser {
                name,
                roles: picks
                    .iter()
                    .map(|pick| pick.get(&grantable).clone())
                    .collect(),
                pki_only,
            });
        Declared {
            users: users.collect(),
            roles,
        }
    })
}

fn subject(request: &Request) -> (bool, bool) {
    match request {
        Request::CreateUser { user, .. }
        | Request::GrantRoles { user, .. }
        | Request::RevokeRoles { user, .. } => (true, user == ADMIN),
        _ => (false, false),
    }
}

proptest! {
    #[test]
    fn from_any_state_the_declared_one_is_reached_and_kept(before in any_declared(), declared in any_declared()) {
        let mut server = Server::fresh();
        server.reach(&before);
        let old = server.clone();
        let requests = server.reach(&declared);
        let mut expected = old;
        for role in &declared.roles {
            expected.roles.insert(role.name.clone(), role.clone());
        }
        for user in &declared.users {
            expected.users.insert(user.name.clone(), user.roles.clone());
            expected.passwords.entry(user.name.clone()).or_insert_with(secret);
        }
        prop_assert_eq!(&server, &expected);
        prop_assert_eq!(server.reach(&declared), vec![]);
        prop_assert!(requests.iter().map(subject).is_sorted(), "{:?}", requests);
    }

    #[test]
    fn a_pass_that_dies_half_way_is_completed_by_the_next(declared in any_declared(), done in 0..8usize) {
        let mut whole = Server::fresh();
        whole.reach(&declared);
        let mut server = Server::fresh();
        let requests = difference(&declared, &server.installed(), |_| Some(secret()), None).unwrap();
        for request in requests.iter().take(done) {
            server.apply(request);
        }
        server.reach(&declared);
        prop_assert_eq!(server, whole);
    }
}
