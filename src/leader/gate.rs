//! A client that writes only while the lease is ours: whatever the controller and its libraries send passes here last.
//! Calls pass [`Gate`]; what they handed to a connection, which sends it at its own time, stops with [`Connections`].

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use axum::http::{Method, Request};
use futures::future::BoxFuture;
use kube::client::Body;
use tower::{BoxError, Layer, Service};

use super::{Lease, Write};

/// Lets calls that change something pass only while the lease is ours.
#[derive(Clone, Debug)]
pub struct Gate(pub Lease);

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            inner,
            lease: self.0.clone(),
        }
    }
}

/// A service behind a [`Gate`].
#[derive(Clone, Debug)]
pub struct Gated<S> {
    inner: S,
    lease: Lease,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let lease = changes(&request).then(|| self.lease.clone());
        let permit = move || lease.as_ref().map_or(Ok(()), |l| l.permit(Write::Upkeep));
        if let Err(not_ours) = permit() {
            return Box::pin(async move { Err(not_ours.into()) });
        }
        let mut answer = Box::pin(self.inner.call(request));
        // Below, a call may be sent later, or again: each time that it moves on, the lease must be ours.
        Box::pin(poll_fn(move |context| match permit() {
            Ok(()) => answer.as_mut().poll(context).map_err(Into::into),
            Err(not_ours) => Poll::Ready(Err(not_ours.into())),
        }))
    }
}

/// Runs the connections of a client for as long as the lease has not run out. A process that stood still may have calls in
/// them that are not on the wire yet.
#[derive(Clone, Debug)]
pub struct Connections(pub Lease);

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

impl hyper::rt::Executor<Connection> for Connections {
    fn execute(&self, connection: Connection) {
        tokio::spawn(while_ours(self.0.clone(), connection));
    }
}

/// Goes on with `connection` each time only if the lease has not run out, and drops it if it has.
async fn while_ours(lease: Lease, mut connection: Connection) {
    poll_fn(move |context| {
        if lease.ran_out() {
            return Poll::Ready(());
        }
        connection.as_mut().poll(context)
    })
    .await;
}

/// Whether a call changes something. What runs in a container is asked for with a `GET`.
fn changes(request: &Request<Body>) -> bool {
    request.method() != Method::GET || request.uri().path().ends_with("/exec")
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::any};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{Api, Client, api::PostParams};

    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::leader::lease::{DURATION, since_boot};

    fn config_maps(lease: &Lease) -> Api<ConfigMap> {
        let map = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}"#;
        let router = Router::new().fallback(any(move || async move { (StatusCode::OK, map) }));
        let gated = Gate(lease.clone()).layer(router);
        Api::default_namespaced(Client::new(gated, "default"))
    }

    /// A connection that wants to go on for ever, and how often it did.
    fn busy() -> (Connection, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let connection = async move {
            loop {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        (Box::pin(connection), count)
    }

    #[tokio::test]
    async fn a_connection_ends_when_the_lease_has_run_out() {
        let lease = Lease::default();
        lease.renewed(since_boot().saturating_sub(DURATION));
        let (connection, count) = busy();
        while_ours(lease, connection).await;
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_connection_of_a_replica_that_never_led_goes_on() {
        for lease in [Lease::default(), held()] {
            let (connection, count) = busy();
            let ended = while_ours(lease, connection);
            let ended = tokio::time::timeout(Duration::from_millis(50), ended).await;
            assert!(ended.is_err() && count.load(Ordering::SeqCst) > 1);
        }
    }

    fn held() -> Lease {
        let lease = Lease::default();
        lease.renewed(since_boot());
        lease
    }

    #[test]
    fn commands_in_containers_count_as_changes() {
        let changes = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path);
            changes(&request.body(Body::empty()).unwrap())
        };
        let pod = "/api/v1/namespaces/n/pods/p";
        assert!(!changes(Method::GET, pod) && !changes(Method::GET, "/api/v1/pods?watch=true"));
        assert!(changes(Method::PATCH, pod) && changes(Method::DELETE, pod));
        assert!(changes(Method::GET, &format!("{pod}/exec?command=x")));
    }

    #[tokio::test]
    async fn without_the_lease_everything_is_read_and_nothing_written() {
        let lease = Lease::default();
        let maps = config_maps(&lease);
        let write = || async {
            let params = PostParams::default();
            maps.create(&params, &ConfigMap::default()).await
        };
        assert!(maps.get("c").await.is_ok());
        let error = write().await.unwrap_err();
        assert!(
            matches!(error, kube::Error::Service(cause) if cause.is::<super::super::NotOurs>())
        );
        lease.renewed(since_boot());
        assert!(write().await.is_ok());
        lease.give_up();
        assert!(write().await.is_err());
    }
}
