use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::aerospike::frame::{self, Kind};
use crate::aerospike::password::{Password, PasswordHash};

const NO_PASSWORD: &[u8] = b"$2a$10$7EqJtq98hPqEX7fNZaFWoOePA2sZy..tlOF99W2N0g5KZ3dLaw8WO";

fn hash() -> PasswordHash {
    PasswordHash::no_password()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn privilege(text: &str) -> Privilege {
    text.parse().unwrap()
}

fn sub_header(result: u8, command: u8, fields: u8) -> Vec<u8> {
    let mut bytes = vec![0, result, command, fields];
    bytes.resize(SUB_HEADER, 0);
    bytes
}

fn field(id: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 1).unwrap();
    [&length.to_be_bytes(), &[id][..], payload].concat()
}

fn message(result: u8, command: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(fields.len()).unwrap();
    [sub_header(result, command, count), fields.concat()].concat()
}

fn record(fields: &[Vec<u8>]) -> Vec<u8> {
    message(0, 0, fields)
}

fn end() -> Vec<u8> {
    message(50, 0, &[])
}

fn reply(request: &Request, frames: &[Vec<u8>]) -> Result<Reply, ReplyError> {
    let mut collector = Collector::new(request);
    for frame in frames {
        if collector.push(frame)? == Progress::Complete {
            return Ok(collector.into_reply());
        }
    }
    Err(ReplyError::Truncated {
        inside: "the stream of the test",
    })
}

#[test]
fn the_login_of_admin_is_the_known_one() {
    let credential = Password::new("admin".into()).hash();
    let request = Request::Login {
        user: "admin".into(),
        credential,
    };
    let body = encode(&request).unwrap();
    let mut expected = b"\x02\x02\0\0\0\0\0\x5b\0\0\x14\x02".to_vec();
    expected.extend([0; 12]);
    expected.extend(b"\0\0\0\x06\0admin\0\0\0\x3d\x03");
    expected.extend(b"$2a$10$7EqJtq98hPqEX7fNZaFWoO1mVO/4MLpGzsqojz6E9Gef6iXDjXdDa");
    assert_eq!(frame::encode(Kind::Admin, &body).unwrap(), expected);
}

type Known = (Request, u8, Vec<Vec<u8>>);

/// Every request with the number and the fields that the protocol gives it.
fn known_requests() -> Vec<Known> {
    [session_requests(), user_requests(), role_requests()].concat()
}

fn session_requests() -> Vec<Known> {
    let user = || "u".to_owned();
    let login = Request::Login {
        user: user(),
        credential: hash(),
    };
    let external = Request::LoginExternal {
        user: user(),
        credential: hash(),
        password: Password::new("pw".into()),
    };
    let authenticate = |user| Request::Authenticate {
        user,
        token: Token::new(b"tok".to_vec()),
    };
    let (u, credential, token) = (field(0, b"u"), field(3, NO_PASSWORD), field(5, b"tok"));
    vec![
        (login, 20, vec![u.clone(), credential.clone()]),
        (external, 20, vec![u.clone(), credential, field(4, b"pw")]),
        (Request::LoginPki, 20, vec![]),
        (authenticate(Some(user())), 0, vec![u, token.clone()]),
        (authenticate(None), 0, vec![token]),
    ]
}

fn user_requests() -> Vec<Known> {
    let user = || "u".to_owned();
    let both = || strings(&["read", "ro"]);
    let create = Request::CreateUser {
        user: user(),
        password: hash(),
        roles: both(),
    };
    let set = Request::SetPassword {
        user: user(),
        password: hash(),
    };
    let change = Request::ChangePassword {
        user: user(),
        old: hash(),
        new: hash(),
    };
    let [grant, revoke] = [true, false].map(|grant| {
        let (user, roles) = (user(), both());
        if grant {
            Request::GrantRoles { user, roles }
        } else {
            Request::RevokeRoles { user, roles }
        }
    });
    let u = || field(0, b"u");
    let roles = || field(10, b"\x02\x04read\x02ro");
    let password = || field(1, NO_PASSWORD);
    vec![
        (create, 1, vec![u(), password(), roles()]),
        (Request::DropUser { user: user() }, 2, vec![u()]),
        (set, 3, vec![u(), password()]),
        (change, 4, vec![u(), field(2, NO_PASSWORD), password()]),
        (grant, 5, vec![u(), roles()]),
        (revoke, 6, vec![u(), roles()]),
        (Request::QueryUsers { user: None }, 9, vec![]),
        (Request::QueryUsers { user: Some(user()) }, 9, vec![u()]),
    ]
}

fn role_requests() -> Vec<Known> {
    let role = || "r".to_owned();
    let texts = ["sys-admin", "read.ns.s", "write.ns"];
    let privileges = || texts.map(privilege).to_vec();
    let create = |privileges, whitelist: &[&str], read_quota, write_quota| Request::CreateRole {
        role: role(),
        privileges,
        whitelist: strings(whitelist),
        read_quota,
        write_quota,
    };
    let [grant, revoke] = [true, false].map(|grant| {
        let (role, privileges) = (role(), privileges());
        if grant {
            Request::GrantPrivileges { role, privileges }
        } else {
            Request::RevokePrivileges { role, privileges }
        }
    });
    let whitelist = |whitelist: &[&str]| Request::SetWhitelist {
        role: role(),
        whitelist: strings(whitelist),
    };
    let quotas = Request::SetQuotas {
        role: role(),
        read_quota: 0,
        write_quota: 7,
    };
    let r = || field(11, b"r");
    let list = || field(12, b"\x03\x01\x0a\x02ns\x01s\x0d\x02ns\0");
    let addresses = || field(13, b"10.0.0.0/8,1.2.3.4");
    let quota = |id, quota: u32| field(id, &quota.to_be_bytes());
    let whole = create(privileges(), &["10.0.0.0/8", "1.2.3.4"], 1, 256);
    let fields = vec![r(), list(), addresses(), quota(14, 1), quota(15, 256)];
    vec![
        (whole, 10, fields),
        (create(vec![], &[], 0, 0), 10, vec![r()]),
        (Request::DropRole { role: role() }, 11, vec![r()]),
        (grant, 12, vec![r(), list()]),
        (revoke, 13, vec![r(), list()]),
        (whitelist(&["::1"]), 14, vec![r(), field(13, b"::1")]),
        (whitelist(&[]), 14, vec![r()]),
        (quotas, 15, vec![r(), quota(14, 0), quota(15, 7)]),
        (Request::QueryRoles { role: None }, 16, vec![]),
        (Request::QueryRoles { role: Some(role()) }, 16, vec![r()]),
    ]
}

#[test]
fn every_request_has_its_number_and_fields() {
    for (request, command, fields) in known_requests() {
        let expected = message(0, command, &fields);
        let encoded = encode(&request).unwrap();
        assert_eq!(encoded.as_slice(), expected, "{}", request.name());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let roles = vec!["r".to_owned(); 256];
    let request = Request::GrantRoles {
        user: "u".into(),
        roles,
    };
    assert_eq!(encode(&request), Err(EncodeError::TooMany { count: 256 }));
    let roles = vec!["r".repeat(256)];
    let request = Request::GrantRoles {
        user: "u".into(),
        roles,
    };
    assert_eq!(
        encode(&request),
        Err(EncodeError::NameTooLong {
            name: "r".repeat(20)
        })
    );
}

#[test]
fn requests_print_no_secret() {
    for (request, ..) in known_requests() {
        let printed = format!("{request:?}");
        assert!(
            !printed.contains("$2a$") && !printed.contains("tok\"") && !printed.contains("pw"),
            "{printed}"
        );
    }
}

#[test]
fn a_login_gives_a_session() {
    let body = record(&[field(5, b"tok"), field(6, &[0, 1, 0x51, 0x80])]);
    let session = Session {
        token: Token::new(b"tok".to_vec()),
        ttl: Duration::from_hours(24),
    };
    assert_eq!(session.usable_for(), Duration::from_mins(24 * 60 - 1));
    assert_eq!(
        reply(&Request::LoginPki, &[body]),
        Ok(Reply::Session(session))
    );
    assert_eq!(
        reply(&Request::LoginPki, &[record(&[])]),
        Err(ReplyError::NoToken)
    );
}

#[test]
fn a_refusal_carries_its_code() {
    let refused = reply(
        &Request::DropUser { user: "u".into() },
        &[message(60, 0, &[])],
    );
    assert_eq!(refused, Err(ReplyError::Refused(ResultCode::BAD_USER)));
    let text = ReplyError::Refused(ResultCode::BAD_USER).to_string();
    assert_eq!(text, "bad user (result 60)");
    assert_eq!(ResultCode(91).to_string(), "LDAP failure (result 91)");
    assert_eq!(
        ResultCode(199).to_string(),
        "undocumented result (result 199)"
    );
}

#[test]
fn users_come_in_a_stream_of_messages() {
    let admin = record(&[
        field(0, b"admin"),
        field(10, b"\x02\x0auser-admin\x09sys-admin"),
    ]);
    let app = record(&[
        field(0, b"app"),
        field(10, b"\x01\x04read"),
        field(16, &[1, 0, 0, 0, 7]),
        field(17, &[0]),
        field(18, &[0, 0, 0, 3]),
        field(99, b"newer"),
    ]);
    let frames = [admin, [app, end()].concat()];
    let users = vec![
        User {
            name: "admin".into(),
            roles: strings(&["user-admin", "sys-admin"]),
            ..User::default()
        },
        User {
            name: "app".into(),
            roles: strings(&["read"]),
            reads: vec![7],
            writes: vec![],
            connections: 3,
        },
    ];
    assert_eq!(
        reply(&Request::QueryUsers { user: None }, &frames),
        Ok(Reply::Users(users))
    );
}

#[test]
fn roles_come_with_privileges_whitelist_and_quotas() {
    let role = record(&[
        field(11, b"r"),
        field(12, b"\x03\x00\x0a\x02ns\0\x2a\0\0"),
        field(13, b"10.0.0.0/8, 1.2.3.4"),
        field(14, &[0, 0, 0, 1]),
        field(15, &[0, 0, 1, 0]),
    ]);
    let unknown = Privilege {
        code: PrivilegeCode::Unknown(42),
        namespace: None,
        set: None,
    };
    let roles = vec![Role {
        name: "r".into(),
        privileges: vec![privilege("user-admin"), privilege("read.ns"), unknown],
        whitelist: strings(&["10.0.0.0/8", "1.2.3.4"]),
        read_quota: 1,
        write_quota: 256,
    }];
    assert_eq!(
        reply(&Request::QueryRoles { role: None }, &[role, end()]),
        Ok(Reply::Roles(roles))
    );
}

#[test]
fn a_query_that_fails_half_way_is_an_error() {
    let frames = [record(&[field(0, b"a")]), message(81, 0, &[])];
    let refused = Err(ReplyError::Refused(ResultCode::ROLE_VIOLATION));
    assert_eq!(reply(&Request::QueryUsers { user: None }, &frames), refused);
}

#[test]
fn a_query_without_end_is_cut_off() {
    let mut collector = Collector::new(&Request::QueryUsers { user: None });
    let pushes = (0..=(1 << 20) / SUB_HEADER).map(|_| collector.push(&[]));
    let last = pushes.last().unwrap();
    assert_eq!(last, Err(ReplyError::TooLong { limit: 1 << 20 }));
}

#[test]
fn privileges_read_and_print() {
    for text in [
        "read",
        "user-admin",
        "read-write.test",
        "write-masked.test.a.b",
    ] {
        assert_eq!(privilege(text).to_string(), text);
    }
    let code = PrivilegeCode::SysAdmin;
    assert_eq!(
        "sys-admin.test".parse::<Privilege>(),
        Err(PrivilegeError::NotScoped { code })
    );
    let text = "read.".to_owned();
    assert_eq!(
        "read.".parse::<Privilege>(),
        Err(PrivilegeError::EmptyScope { text })
    );
    let error = "reads.x".parse::<Privilege>().unwrap_err().to_string();
    assert!(
        error.starts_with("unknown privilege \"reads\", expected code"),
        "{error}"
    );
}

fn any_privilege() -> impl Strategy<Value = Privilege> {
    let codes: Vec<_> = PrivilegeCode::named().map(|(code, _)| code).collect();
    let name = || proptest::option::of("[a-z]{1,8}");
    (proptest::sample::select(codes), name(), name()).prop_map(|(code, namespace, set)| {
        let namespace = namespace.filter(|_| code.is_scoped());
        let set = set.filter(|_| namespace.is_some());
        Privilege {
            code,
            namespace,
            set,
        }
    })
}

proptest! {
    #[test]
    fn a_privilege_survives_its_text(privilege in any_privilege()) {
        prop_assert_eq!(privilege.to_string().parse(), Ok(privilege));
    }

    #[test]
    fn privileges_survive_the_wire(privileges in proptest::collection::vec(any_privilege(), 0..9), cut in 0..200usize) {
        let request = Request::GrantPrivileges { role: "r".into(), privileges: privileges.clone() };
        let body = encode(&request).unwrap();
        let query = Request::QueryRoles { role: None };
        let role = Role { name: "r".into(), privileges, ..Role::default() };
        let mut record = body.to_vec();
        record[2] = 0;
        prop_assert_eq!(reply(&query, &[record.clone(), end()]), Ok(Reply::Roles(vec![role])));
        let cut = cut.min(record.len() - 1).max(1);
        prop_assert!(reply(&query, &[record[..cut].to_vec()]).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(header in any::<[u8; 4]>(), body in proptest::collection::vec(any::<u8>(), 0..300), which in 0..4usize) {
        let requests = [
            Request::QueryUsers { user: None },
            Request::QueryRoles { role: None },
            Request::LoginPki,
            Request::DropUser { user: String::new() },
        ];
        let mut bytes = sub_header(header[0] % 2, header[1], header[2] % 8);
        bytes.extend(&body);
        let _ = reply(&requests[which], &[bytes]);
        let _ = reply(&requests[which], &[body]);
    }
}
