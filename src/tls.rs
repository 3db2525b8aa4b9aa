//! HTTPS for the webhooks: a certificate that is replaced while the process runs, be it ours or that of files, and
//! connections none of which can hold up another or the end of the process.

pub mod certificate;
mod connection;
pub mod files;
pub mod self_managed;
pub mod validity;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use certificate::Served;
pub use files::Files;

/// How long a client may take, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, the first one and those after it in a row of bytes.
    pub head: Duration,
    /// Without a request.
    pub idle: Duration,
    /// For the requests in flight when the process stops.
    pub drain: Duration,
    /// Connections at a time; further ones wait in the socket's queue.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            drain: Duration::from_secs(15),
            connections: 1024,
        }
    }
}

/// After a failed `accept` (no file descriptors left) it is tried again so much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What every connection shares.
#[derive(Clone)]
struct Shared {
    acceptor: TlsAcceptor,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
}

/// Serves `router` on `tcp` until `stop`; then takes no new connection, answers what was asked, and returns.
pub async fn serve(
    tcp: TcpListener,
    certificate: Arc<Served>,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let shared = Shared {
        acceptor: TlsAcceptor::from(Arc::new(certificate.server_config())),
        router,
        limits,
        stop: stop.clone(),
    };
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let accepted = stop.run_until_cancelled(accept_all(&tcp, &room, &connections, &shared));
    accepted.await;
    drop(tcp);
    connections.close();
    if time::timeout(limits.drain, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "Leaving connections that did not end"
        );
    }
}

async fn accept_all(
    tcp: &TcpListener,
    room: &Arc<Semaphore>,
    connections: &TaskTracker,
    shared: &Shared,
) {
    while let Ok(permit) = room.clone().acquire_owned().await {
        match tcp.accept().await {
            Ok((stream, address)) => {
                connections.spawn(converse(shared.clone(), stream, address, permit));
            }
            Err(error) => {
                tracing::warn!(%error, "Accepting a connection failed");
                // Ends early with the process, which drops this future.
                let _ = time::timeout(ACCEPT_PAUSE, std::future::pending::<()>()).await;
            }
        }
    }
}

async fn converse(
    shared: Shared,
    stream: TcpStream,
    address: SocketAddr,
    _permit: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    if let Some(stream) = greet(&shared, stream, address).await {
        connection::serve(stream, address, shared.router, shared.limits, &shared.stop).await;
    }
}

async fn greet(
    shared: &Shared,
    stream: TcpStream,
    address: SocketAddr,
) -> Option<TlsStream<TcpStream>> {
    let handshake = time::timeout(shared.limits.handshake, shared.acceptor.accept(stream));
    match shared.stop.run_until_cancelled(handshake).await? {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "TLS handshake failed");
            None
        }
        Err(_) => {
            tracing::debug!(%address, "TLS handshake timed out");
            None
        }
    }
}
