//! One connection: HTTP/2 or 1.1 as agreed in the handshake, ended when nothing is asked for too long.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{net::TcpStream, sync::watch, time};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::Limits;

/// Requests at a time on one connection.
const STREAMS: u32 = 250;
/// A peer that vanished without a word is noticed by unanswered pings.
const PING_EVERY: Duration = Duration::from_secs(30);
/// A peer that never asked anything gets so long to take note of the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Requests of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    in_flight: u32,
    began: bool,
}

/// Serves a connection until the peer leaves, asks nothing for too long, or `stop`.
pub(super) async fn serve(
    stream: TlsStream<TcpStream>,
    address: SocketAddr,
    router: Router,
    limits: Limits,
    stop: &CancellationToken,
) {
    let (traffic, watched) = watch::channel(Traffic::default());
    let began = watched.clone();
    let counted = router.layer(middleware::from_fn_with_state(traffic, count));
    let builder = builder(&stream, limits);
    let service = TowerToHyperService::new(counted);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Ok(ended),
        () = silence(watched, limits) => Err(()),
        () = stop.cancelled() => Err(()),
    };
    let ended = if let Ok(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        let patience = farewell(*began.borrow(), limits);
        time::timeout(patience, connection).await.unwrap_or(Ok(()))
    };
    if let Err(error) = ended {
        tracing::debug!(%address, error, "Connection failed");
    }
}

/// How long a connection may take to end.
fn farewell(traffic: Traffic, limits: Limits) -> Duration {
    if traffic.began {
        limits.drain
    } else {
        limits.drain.min(FAREWELL)
    }
}

fn builder(stream: &TlsStream<TcpStream>, limits: Limits) -> Builder<TokioExecutor> {
    let builder = Builder::new(TokioExecutor::new());
    let agreed = stream.get_ref().1.alpn_protocol();
    let mut builder = if agreed == Some(b"h2") {
        builder.http2_only()
    } else {
        builder.http1_only()
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(limits.head);
    builder
}

async fn count(
    State(traffic): State<watch::Sender<Traffic>>,
    request: Request,
    next: Next,
) -> Response {
    let _counted = Counted::new(&traffic);
    next.run(request).await
}

/// Counts a request for as long as it lives, also when its client goes away in the middle.
struct Counted<'a>(&'a watch::Sender<Traffic>);

impl<'a> Counted<'a> {
    fn new(traffic: &'a watch::Sender<Traffic>) -> Self {
        traffic.send_modify(|traffic| {
            traffic.in_flight += 1;
            traffic.began = true;
        });
        Self(traffic)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|traffic| traffic.in_flight -= 1);
    }
}

/// Returns when no request has been in flight for too long.
async fn silence(mut traffic: watch::Receiver<Traffic>, limits: Limits) {
    loop {
        let Traffic { in_flight, began } = *traffic.borrow_and_update();
        let patience = if began { limits.idle } else { limits.head };
        let changed = traffic.changed();
        let changed = if in_flight > 0 {
            Ok(changed.await)
        } else {
            time::timeout(patience, changed).await
        };
        if !matches!(changed, Ok(Ok(()))) {
            return;
        }
    }
}
