use std::net::IpAddr;

use super::*;
use crate::smd::Smd;
use crate::version::Version;
use crate::wire::admin::{Request, field, names};
use proptest::prelude::*;

const ADMIN: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa";
const SECRET: &str = "$2a$10$7EqJtq98hPqEX7fNZaFWoOqUH6KN8IKy3Yk5Kz..RHGKNAUCoP/LG";

struct Office {
    smd: Smd,
    sessions: Sessions,
    caller: Caller,
    quotas: bool,
}

impl Office {
    fn new() -> Self {
        let mut smd = Smd::default();
        initialize(&mut smd, ADMIN.to_owned());
        Self {
            smd,
            sessions: Sessions::default(),
            caller: stranger(),
            quotas: false,
        }
    }

    fn logged_in() -> Self {
        let mut office = Self::new();
        assert_eq!(
            office.ask(
                20,
                &[
                    (field::USER, b"admin"),
                    (field::CREDENTIAL, ADMIN.as_bytes())
                ]
            ),
            result::OK
        );
        office
    }

    fn send(&mut self, request: &Request) -> Vec<u8> {
        let mut desk = Desk {
            smd: &mut self.smd,
            sessions: &mut self.sessions,
            version: Version::patch(8, 1, 2),
            quotas: self.quotas,
            session_ttl: 86_400,
            now: 1000,
            token: b"token".to_vec(),
        };
        answer(&mut desk, &mut self.caller, request)
    }

    fn ask(&mut self, command: u8, fields: &[(u8, &[u8])]) -> u8 {
        let fields = fields
            .iter()
            .map(|(id, content)| (*id, content.to_vec()))
            .collect();
        self.send(&Request { command, fields })[1]
    }
}

fn stranger() -> Caller {
    Caller::from(IpAddr::from([10, 0, 0, 9]))
}

fn roles(list: &[&'static str]) -> Vec<u8> {
    names(list.iter().copied())
}

#[test]
fn nobody_does_anything_before_a_login() {
    let mut office = Office::new();
    assert_eq!(office.ask(9, &[]), result::NOT_AUTHENTICATED);
    assert_eq!(
        office.ask(20, &[(field::USER, b"nobody"), (field::CREDENTIAL, b"x")]),
        result::BAD_USER
    );
    assert_eq!(
        office.ask(20, &[(field::USER, b"admin"), (field::CREDENTIAL, b"x")]),
        result::BAD_PASSWORD
    );
    assert_eq!(
        office.ask(0, &[(field::USER, b"admin"), (field::SESSION_TOKEN, b"x")]),
        result::EXPIRED_SESSION
    );
    assert_eq!(office.ask(99, &[]), result::BAD_COMMAND);
}

#[test]
fn a_token_spares_the_next_connection_the_password() {
    let mut office = Office::logged_in();
    office.caller = stranger();
    assert_eq!(
        office.ask(
            0,
            &[(field::USER, b"admin"), (field::SESSION_TOKEN, b"token")]
        ),
        result::OK
    );
    assert_eq!(office.caller.user.as_deref(), Some("admin"));
}

#[test]
fn users_are_created_once_changed_and_dropped() {
    let mut office = Office::logged_in();
    let both = roles(&["sys-admin", "read"]);
    let user: &[(u8, &[u8])] = &[
        (field::USER, b"app"),
        (field::PASSWORD, SECRET.as_bytes()),
        (field::ROLES, &both),
    ];
    assert_eq!(office.ask(1, user), result::OK);
    assert_eq!(office.ask(1, user), result::USER_EXISTS);
    assert_eq!(
        office.ask(
            5,
            &[(field::USER, b"app"), (field::ROLES, &roles(&["nope"]))]
        ),
        result::BAD_ROLE
    );
    assert_eq!(
        office.ask(
            6,
            &[(field::USER, b"app"), (field::ROLES, &roles(&["read"]))]
        ),
        result::OK
    );
    let app = Directory::of(&office.smd, Version::new(8, 1))
        .user("app")
        .unwrap();
    assert!(app.roles.iter().eq(["sys-admin"]));
    assert_eq!(office.ask(2, &[(field::USER, b"app")]), result::OK);
    assert_eq!(office.ask(2, &[(field::USER, b"app")]), result::BAD_USER);
}

#[test]
fn only_user_admins_administer_users_but_everybody_changes_the_own_password() {
    let mut office = Office::logged_in();
    office.ask(
        1,
        &[
            (field::USER, b"app"),
            (field::PASSWORD, SECRET.as_bytes()),
            (field::ROLES, &roles(&["read"])),
        ],
    );
    office.caller = stranger();
    assert_eq!(
        office.ask(
            20,
            &[
                (field::USER, b"app"),
                (field::CREDENTIAL, SECRET.as_bytes())
            ]
        ),
        result::OK
    );
    assert_eq!(
        office.ask(2, &[(field::USER, b"admin")]),
        result::ROLE_VIOLATION
    );
    assert_eq!(office.ask(9, &[]), result::ROLE_VIOLATION);
    assert_eq!(office.ask(9, &[(field::USER, b"app")]), result::OK);
    let change: &[(u8, &[u8])] = &[
        (field::USER, b"app"),
        (field::OLD_PASSWORD, SECRET.as_bytes()),
        (field::PASSWORD, ADMIN.as_bytes()),
    ];
    assert_eq!(office.ask(4, change), result::OK);
    assert_eq!(office.ask(4, change), result::BAD_PASSWORD);
}

#[test]
fn roles_have_privileges_whitelists_and_quotas() {
    let mut office = Office::logged_in();
    let read = Privilege {
        code: Code(10),
        namespace: "test".to_owned(),
        set: String::new(),
    };
    let list = Privilege::write_list([&read].into_iter());
    let role: &[(u8, &[u8])] = &[(field::ROLE, b"reader"), (field::PRIVILEGES, &list)];
    assert_eq!(office.ask(10, role), result::OK);
    assert_eq!(office.ask(10, role), result::ROLE_EXISTS);
    assert_eq!(office.ask(11, &[(field::ROLE, b"read")]), result::BAD_ROLE);
    assert_eq!(
        office.ask(
            14,
            &[
                (field::ROLE, b"reader"),
                (field::WHITELIST, b"10.0.0.0/24,::1")
            ]
        ),
        result::OK
    );
    assert_eq!(
        office.ask(14, &[(field::ROLE, b"reader"), (field::WHITELIST, b"")]),
        result::BAD_WHITELIST
    );
    assert_eq!(
        office.ask(15, &[(field::ROLE, b"reader")]),
        result::QUOTAS_NOT_ENABLED
    );
    office.quotas = true;
    assert_eq!(
        office.ask(
            15,
            &[(field::ROLE, b"reader"), (field::READ_QUOTA, &[0, 0, 0, 9])]
        ),
        result::OK
    );
    assert_eq!(
        office.ask(
            12,
            &[
                (field::ROLE, b"reader"),
                (field::PRIVILEGES, &[1, 99, 0, 0])
            ]
        ),
        result::BAD_PRIVILEGE
    );
    let directory = Directory::of(&office.smd, Version::new(8, 1));
    let role = directory.role("reader").unwrap();
    assert_eq!(
        (role.whitelist.as_str(), role.read_quota),
        ("10.0.0.0/24,::1", 9)
    );
}

#[test]
fn a_whitelist_keeps_other_addresses_out() {
    let mut office = Office::logged_in();
    office.ask(
        10,
        &[(field::ROLE, b"near"), (field::WHITELIST, b"10.0.1.0/24")],
    );
    office.ask(
        1,
        &[
            (field::USER, b"app"),
            (field::PASSWORD, SECRET.as_bytes()),
            (field::ROLES, &roles(&["near"])),
        ],
    );
    office.caller = stranger();
    let login: &[(u8, &[u8])] = &[
        (field::USER, b"app"),
        (field::CREDENTIAL, SECRET.as_bytes()),
    ];
    assert_eq!(office.ask(20, login), result::NOT_WHITELISTED);
    office.caller = Caller::from(IpAddr::from([10, 0, 1, 200]));
    assert_eq!(office.ask(20, login), result::OK);
}

#[test]
fn a_query_for_somebody_unknown_says_so_and_others_end_in_an_end_mark() {
    let mut office = Office::logged_in();
    assert_eq!(office.ask(9, &[(field::USER, b"ghost")]), result::BAD_USER);
    assert_eq!(office.ask(16, &[(field::ROLE, b"ghost")]), result::BAD_ROLE);
    let answer = office.send(&Request {
        command: 16,
        fields: vec![],
    });
    assert_eq!(answer[answer.len() - 15], result::END);
}

proptest! {
    #[test]
    fn any_request_gets_an_answer(command: u8, fields in proptest::collection::vec(
        (0_u8..20, proptest::collection::vec(any::<u8>(), 0..40)), 0..5)) {
        let mut office = Office::logged_in();
        let answer = office.send(&Request { command, fields });
        prop_assert!(answer.len() >= 16);
    }
}
