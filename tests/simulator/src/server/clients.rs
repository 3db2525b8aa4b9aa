//! Connections of applications and operators.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::tls::Tls;
use super::{Shared, routing};
use crate::faults::Fault;
use crate::info;
use crate::security::{self, Caller, Desk};
use crate::wire::admin::{Reply, Request};
use crate::wire::frame::{self, HEADER, Kind};
use crate::wire::info::commands;

/// Which port a connection came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Everything.
    Service,
    /// Info and logins only.
    Admin,
}

/// Serves connections, for ever.
pub async fn listen(shared: Arc<Shared>, listener: TcpListener, port: Port, tls: Option<Tls>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, from)) = listener.accept().await {
            connections.spawn(serve(Arc::clone(&shared), stream, from, port, tls.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    from: SocketAddr,
    port: Port,
    tls: Option<Tls>,
) {
    if shared.node().faults.strike(&Fault::Refuse) {
        return;
    }
    count(&shared, port, 1);
    let _ = stream.set_nodelay(true);
    let caller = Caller::from(from.ip());
    let outcome = match tls {
        None => converse(&shared, stream, caller, port).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => converse(&shared, stream, caller, port).await,
            Err(error) => Err(invalid(format!("TLS handshake failed: {error}"))),
        },
    };
    if let Err(error) = outcome
        && error.kind() == io::ErrorKind::InvalidData
    {
        shared.say(1, "proto", format!("{error} from {from}"));
    }
    count(&shared, port, -1);
}

fn count(shared: &Shared, port: Port, change: i64) {
    let counts = &mut shared.node().counts;
    let count = match port {
        Port::Service => &mut counts.client_connections,
        Port::Admin => &mut counts.admin_connections,
    };
    *count = count.saturating_add_signed(change);
}

/// Answers in order until the client has enough, or sends what closes the connection.
async fn converse(
    shared: &Shared,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut caller: Caller,
    port: Port,
) -> io::Result<()> {
    loop {
        let mut header = [0; HEADER];
        if stream.read_exact(&mut header).await.is_err() {
            return Ok(());
        }
        let (kind, length) = frame::read(header).map_err(invalid)?;
        let body = body(&mut stream, length).await?;
        if shared.node().faults.strike(&Fault::Stall) {
            return wait_for_the_end(&mut stream).await;
        }
        let mut answer = match kind {
            Kind::Info => frame::write(kind, answer_info(shared, &caller, port, &body).as_bytes()),
            Kind::Admin => frame::write(kind, &answer_admin(shared, &mut caller, &body)),
            Kind::Record if port == Port::Service => {
                frame::write(kind, &routing::answer(shared, &caller, &body).await)
            }
            Kind::Record => {
                return Err(invalid(
                    "expected info or security type on admin port, got 3",
                ));
            }
            Kind::Compressed => return Err(invalid("compressed messages are not simulated")),
        };
        let goes_on = go_wrong(shared, kind, &body, &mut answer);
        stream.write_all(&answer).await?;
        if !goes_on {
            return Ok(());
        }
    }
}

async fn wait_for_the_end(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? != 0 {}
    Ok(())
}

/// What the fault plan does to an answer; whether the connection goes on.
fn go_wrong(shared: &Shared, kind: Kind, body: &[u8], answer: &mut Vec<u8>) -> bool {
    let mut node = shared.node();
    if node.crash {
        // whoever asked sees the connection break
        std::process::abort();
    }
    if kind == Kind::Info && commands(body).any(|it| node.faults.loses_reply(&it)) {
        answer.clear();
        return false;
    }
    if node.faults.strike(&Fault::Truncate) {
        answer.truncate(answer.len() / 2);
        return false;
    }
    if node.faults.strike(&Fault::Garble) {
        answer[0] = u8::MAX;
    }
    true
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The body grows as it arrives: a header alone takes no memory.
async fn body(stream: &mut (impl AsyncRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(body)
    }
}

fn answer_info(shared: &Shared, caller: &Caller, port: Port, body: &[u8]) -> String {
    let now = shared.clock.now();
    let mut node = shared.node();
    if node.is_secured() && caller.user.is_none() {
        return info::answer_unauthenticated();
    }
    let by_admin_port = port == Port::Admin;
    let answer = info::answer(
        &mut info::Request {
            node: &mut node,
            caller,
            by_admin_port,
            now,
        },
        body,
    );
    drop(node);
    shared.flush_log();
    answer
}

fn answer_admin(shared: &Shared, caller: &mut Caller, body: &[u8]) -> Vec<u8> {
    let result = |result| Reply::default().finish(result);
    let mut node = shared.node();
    if node.release().is_community() {
        return result(security::result::NOT_SUPPORTED);
    }
    if !node.is_secured() {
        return result(security::result::NOT_ENABLED);
    }
    let Ok(request) = Request::read(body) else {
        return result(security::result::BAD_FIELD);
    };
    let node = &mut *node;
    let before = node.smd.clone();
    let mut desk = Desk {
        version: node.settings.release().version,
        quotas: node.settings.is_true("security.enable-quotas"),
        session_ttl: u32::try_from(node.settings.number("security.session-ttl", 86_400))
            .unwrap_or(86_400),
        now: shared.clock.now(),
        token: token(),
        smd: &mut node.smd,
        sessions: &mut node.sessions,
    };
    let answer = security::answer(&mut desk, caller, &request);
    node.due.sharing |= node.smd != before;
    answer
}

/// Bytes nobody can guess.
fn token() -> Vec<u8> {
    (0..4)
        .flat_map(|_| super::start::random().to_be_bytes())
        .collect()
}
