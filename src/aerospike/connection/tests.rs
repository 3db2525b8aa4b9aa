use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use proptest::prelude::*;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::aerospike::admin::{Session, Token};
use crate::aerospike::password::PasswordHash;

const SUB_HEADER: usize = 16;

/// What a server does after its last answer.
#[derive(Clone, Copy)]
enum Then {
    Close,
    FallSilent,
}

/// Answers each message with the next of `answers`; in the end gives back the bodies that came.
async fn serve<S: Stream>(mut stream: S, answers: Vec<Vec<u8>>, then: Then) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let mut answers = answers.into_iter();
    let mut header = [0; frame::HEADER];
    while stream.read_exact(&mut header).await.is_ok() {
        let mut body = vec![0; usize::from(u16::from_be_bytes([header[6], header[7]]))];
        stream.read_exact(&mut body).await.unwrap();
        bodies.push(body);
        match (answers.next(), then) {
            (Some(answer), _) => stream.write_all(&answer).await.unwrap(),
            (None, Then::Close) => return bodies,
            (None, Then::FallSilent) => {}
        }
    }
    bodies
}

fn server(answers: &[Vec<u8>], then: Then) -> (DuplexStream, JoinHandle<Vec<Vec<u8>>>) {
    let (ours, theirs) = duplex(1 << 16);
    (ours, tokio::spawn(serve(theirs, answers.to_vec(), then)))
}

fn connection(stream: DuplexStream) -> Connection<DuplexStream> {
    Connection::over(stream, Deadline::within(Duration::from_mins(1)))
}

/// One that is over before the server gets a turn.
fn over() -> Deadline {
    Deadline::at(Instant::now())
}

fn info(text: &str) -> Vec<u8> {
    frame::encode(Kind::Info, text.as_bytes()).unwrap()
}

fn admin(result: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = vec![0, result, 0, u8::try_from(fields.len()).unwrap()];
    body.resize(SUB_HEADER, 0);
    for (id, payload) in fields {
        body.extend(u32::try_from(payload.len() + 1).unwrap().to_be_bytes());
        body.push(*id);
        body.extend(*payload);
    }
    frame::encode(Kind::Admin, &body).unwrap()
}

fn session() -> Session {
    Session {
        token: Token::new(b"tok".to_vec()),
        ttl: Duration::from_secs(256),
    }
}

fn session_answer() -> Vec<u8> {
    admin(0, &[(5, b"tok"), (6, &[0, 0, 1, 0])])
}

fn login(token: Option<Token>) -> Login {
    let identity = Identity::Internal {
        user: "admin".into(),
        hash: PasswordHash::bootstrap(),
    };
    Login {
        identity,
        token,
        accept_no_security: false,
    }
}

fn commands(bodies: &[Vec<u8>]) -> Vec<u8> {
    bodies.iter().map(|body| body[2]).collect()
}

#[tokio::test]
async fn several_commands_go_in_one_message() {
    let (stream, server) = server(&[info("build\t8.1.2.0\nnode\tA1\n")], Then::FallSilent);
    let mut connection = connection(stream);
    let answers = connection.info(&["build", "node"]).await.unwrap();
    assert_eq!(
        (answers.value("build"), answers.value("node")),
        (Ok("8.1.2.0"), Ok("A1"))
    );
    drop(connection);
    assert_eq!(server.await.unwrap(), [b"build\nnode\n"]);
}

#[tokio::test]
async fn a_login_returns_a_session() {
    let (stream, server) = server(&[session_answer()], Then::FallSilent);
    let security = connection(stream).login(&login(None)).await.unwrap();
    assert_eq!(security, Security::LoggedIn(session()));
    assert_eq!(commands(&server.await.unwrap()), [20]);
}

#[tokio::test]
async fn a_server_without_security_will_do_only_where_the_caller_says_so() {
    for code in [51, 52] {
        for accept_no_security in [true, false] {
            let (stream, _server) = server(&[admin(code, &[])], Then::FallSilent);
            let login = Login {
                accept_no_security,
                ..login(None)
            };
            let security = connection(stream).login(&login).await;
            if accept_no_security {
                assert_eq!(security.unwrap(), Security::Off);
            } else {
                assert_eq!(security.unwrap_err().refusal(), Some(ResultCode(code)));
            }
        }
    }
}

#[tokio::test]
async fn nobody_sends_no_login() {
    let (stream, server) = server(&[], Then::FallSilent);
    let security = connection(stream).login(&Login::nobody()).await.unwrap();
    assert_eq!(security, Security::NotAsked);
    assert!(server.await.unwrap().is_empty());
}

/// Opens a connection to servers that give these answers, one after the other.
async fn open_to(answers: &[Vec<u8>]) -> (Result<Security, Error>, Vec<Vec<u8>>) {
    let (streams, servers): (Vec<_>, Vec<_>) = answers
        .iter()
        .map(|answer| server(std::slice::from_ref(answer), Then::Close))
        .unzip();
    let streams = RefCell::new(streams.into_iter());
    let dial = || async { Ok(streams.borrow_mut().next().expect("a server to dial")) };
    let login = login(Some(session().token));
    let opened = open(dial, &login, Deadline::within(Duration::from_mins(1))).await;
    let security = opened.map(|(_, security)| security);
    drop(streams);
    let mut asked = Vec::new();
    for server in servers {
        asked.push(commands(&server.await.unwrap()));
    }
    (security, asked)
}

#[tokio::test]
async fn a_session_saves_the_login() {
    let (security, asked) = open_to(&[admin(0, &[])]).await;
    assert_eq!(security.unwrap(), Security::Resumed);
    assert_eq!(asked, [[0]]);
}

#[tokio::test]
async fn a_session_that_is_over_leads_to_a_login_on_a_new_connection() {
    for code in [65, 66, 80] {
        let (security, asked) = open_to(&[admin(code, &[]), session_answer()]).await;
        assert_eq!(security.unwrap(), Security::LoggedIn(session()));
        assert_eq!(asked, [[0], [20]]);
    }
}

#[tokio::test]
async fn another_refusal_of_a_session_is_the_answer() {
    let (security, asked) = open_to(&[admin(82, &[])]).await;
    assert_eq!(
        security.unwrap_err().refusal(),
        Some(ResultCode::NOT_WHITELISTED)
    );
    assert_eq!(asked, [[0]]);
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_usable() {
    let answers = [admin(60, &[]), info("node\tA1\n")];
    let (stream, _server) = server(&answers, Then::FallSilent);
    let mut connection = connection(stream);
    let request = Request::DropUser { user: "u".into() };
    let refused = connection.admin(&request).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(ResultCode::BAD_USER));
    assert!(connection.info(&["node"]).await.is_ok());
}

#[tokio::test]
async fn a_query_is_read_over_several_messages() {
    let answers = [[
        admin(0, &[(0, b"a")]),
        admin(0, &[(0, b"b")]),
        admin(50, &[]),
    ]
    .concat()];
    let (stream, _server) = server(&answers, Then::FallSilent);
    let reply = connection(stream)
        .admin(&Request::QueryUsers { user: None })
        .await
        .unwrap();
    let Reply::Users(users) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        users
            .iter()
            .map(|user| user.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[tokio::test]
async fn a_mute_server_is_given_up_and_its_connection_never_used_again() {
    let (stream, _server) = server(&[], Then::FallSilent);
    let mut connection = connection(stream);
    connection.set_deadline(over());
    let error = connection.info(&["node"]).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::TimedOut {
                doing: "info request"
            }
        ),
        "{error:?}"
    );
    connection.set_deadline(Deadline::within(Duration::from_mins(1)));
    assert!(matches!(
        connection.info(&["node"]).await,
        Err(Error::Unusable)
    ));
}

#[test]
fn a_step_ends_at_its_limit_or_at_the_deadline() {
    let now = Instant::now();
    let deadline = Deadline::at(now + Duration::from_secs(3));
    assert_eq!(deadline.of_step(now, CONNECT_WITHIN), now + CONNECT_WITHIN);
    assert_eq!(
        deadline.of_step(now, ANSWER_WITHIN),
        now + Duration::from_secs(3)
    );
}

#[tokio::test]
async fn a_dropped_request_leaves_the_connection_unusable() {
    let (stream, _server) = server(&[], Then::FallSilent);
    let mut connection = connection(stream);
    {
        let commands = ["node"];
        let mut request = Box::pin(connection.info(&commands));
        assert!(futures::poll!(request.as_mut()).is_pending());
    }
    assert!(!connection.is_usable());
}

async fn answer_to_node(answer: &[u8]) -> Error {
    let (stream, _server) = server(&[answer.to_vec()], Then::Close);
    let mut connection = connection(stream);
    // A second request makes the server close, so that nothing waits for the rest of a cut message.
    connection.stream.write_all(&info("x\n")).await.unwrap();
    let error = connection.info(&["node"]).await.unwrap_err();
    assert!(!connection.is_usable());
    error
}

#[tokio::test]
async fn a_lost_or_cut_answer_is_an_error() {
    let whole = info("node\tA1\n");
    for end in 0..whole.len() {
        let error = answer_to_node(&whole[..end]).await;
        assert!(matches!(error, Error::Lost { .. }), "{end}: {error:?}");
    }
}

#[tokio::test]
async fn a_lying_length_is_an_error() {
    let error = answer_to_node(b"\x02\x01\xff\xff\xff\xff\xff\xff").await;
    assert!(
        matches!(error, Error::Frame(frame::Error::TooLong { .. })),
        "{error:?}"
    );
    let error = answer_to_node(b"\x02\x01\0\0\0\x3f\xff\xffnode").await;
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn what_speaks_another_protocol_is_told() {
    let error = answer_to_node(b"HTTP/1.1 400 Bad Request\r\n").await;
    assert!(
        matches!(error, Error::Frame(frame::Error::Version(b'H'))),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_answer_to_another_question_ends_the_connection() {
    let error = answer_to_node(&info("build\t8.1.2.0\n")).await;
    assert!(
        matches!(error, Error::Info(info::Error::NotAsked { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_command_that_cannot_be_sent_harms_nothing() {
    let (stream, _server) = server(&[], Then::FallSilent);
    let mut connection = connection(stream);
    assert!(matches!(
        connection.info(&["a\nb"]).await,
        Err(Error::Info(_))
    ));
    assert!(connection.is_usable());
}

/// A TLS listener whose certificate bears `name`, which takes one connection and a login, and a client configuration that trusts it.
async fn tls_server(name: &str) -> (SocketAddr, Arc<ClientConfig>, JoinHandle<()>) {
    let provider = Arc::new(ring::default_provider());
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let server = ServerConfig::builder_with_provider(provider.clone());
    let server = server
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let server = server
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider);
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        if let Ok(stream) = TlsAcceptor::from(Arc::new(server)).accept(tcp).await {
            serve(stream, vec![session_answer()], Then::FallSilent).await;
        }
    });
    (address, Arc::new(client), task)
}

fn tls_target(address: SocketAddr, config: Arc<ClientConfig>, name: &'static str) -> Target {
    let name = ServerName::try_from(name).unwrap();
    Target {
        address,
        tls: Some(Tls { config, name }),
        login: login(None),
    }
}

#[tokio::test]
async fn tls_is_checked_against_the_tls_name_and_not_the_address() {
    let (address, config, _task) = tls_server("aerospike-a-0.test").await;
    let target = tls_target(address, config, "aerospike-a-0.test");
    let (_, security) = connect(&target, Deadline::within(Duration::from_mins(1)))
        .await
        .unwrap();
    assert_eq!(security, Security::LoggedIn(session()));
}

#[tokio::test]
async fn another_tls_name_is_refused() {
    let (address, config, _task) = tls_server("aerospike-a-0.test").await;
    let target = tls_target(address, config, "other.test");
    let error = connect(&target, Deadline::within(Duration::from_mins(1)))
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), "TlsFailed");
    assert_eq!(
        error.to_string(),
        format!("TLS handshake with {address} as other.test failed")
    );
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = Target {
        address,
        tls: None,
        login: Login::nobody(),
    };
    let error = connect(&target, Deadline::within(Duration::from_mins(1)))
        .await
        .err()
        .unwrap();
    assert_eq!(error.reason(), "Unreachable");
}

#[tokio::test]
async fn connections_can_be_made_on_any_thread() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let target = Target {
        address,
        tls: None,
        login: Login::nobody(),
    };
    let task = tokio::spawn(async move {
        let (mut connection, _) = connect(&target, over()).await?;
        connection.admin(&Request::LoginPki).await?;
        connection.info(&["node"]).await
    });
    assert!(task.await.unwrap().is_err());
}

/// What a client makes of a server that sends these bytes, whatever it is asked.
fn read(bytes: &[u8], request: &Request) -> [bool; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = || Box::pin(tokio::io::join(bytes, tokio::io::sink()));
        let deadline = Deadline::within(Duration::from_mins(1));
        let info = Connection::over(stream(), deadline).info(&["node"]).await;
        let admin = Connection::over(stream(), deadline).admin(request).await;
        [info.is_ok(), admin.is_ok()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_it_panic(start in 1..3u8, length in 0..80u8, rest in proptest::collection::vec(any::<u8>(), 0..90)) {
        let bytes = [&[2, start, 0, 0, 0, 0, 0, length][..], &rest].concat();
        let request = Request::QueryRoles { role: None };
        let _ = read(&bytes, &request);
        let _ = read(&rest, &request);
    }

    #[test]
    fn a_cut_answer_is_never_taken_for_a_whole_one(end in 0..200usize) {
        let users = [admin(0, &[(0, b"admin"), (10, b"\x01\x04read")]), admin(50, &[])].concat();
        let end = end % users.len();
        let request = Request::QueryUsers { user: None };
        prop_assert_eq!(read(&users[..end], &request), [false, false]);
        prop_assert_eq!(read(&users, &request), [false, true]);
    }
}
