//! Runs work only while this process holds the lease. Losing it ends the process; what it may still write until then is
//! said by [`Lease`].

pub mod election;
pub mod gate;
pub mod lease;

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use k8s_openapi::{
    api::coordination::v1::{Lease as Object, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::telemetry::chain;
use election::{Next, Record, Sighting};
use lease::{DURATION, since_boot};
pub use lease::{Lease, NotOurs, Write};

/// Name of the lease. AKO's has another one, so that its holder can be told from us.
pub const LEASE: &str = "aerospike-operator";
/// How often the lease is renewed by who holds it, and looked at by the others.
const PERIOD: Duration = Duration::from_secs(3);
/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long a call about the lease may take.
const CALL_WITHIN: Duration = Duration::from_secs(4);
/// How long the release of the lease may take.
const RELEASE_WITHIN: Duration = Duration::from_secs(1);

/// One process among those that may lead.
#[derive(Debug)]
pub struct Candidate {
    leases: Api<Object>,
    identity: String,
    lease: Lease,
}

impl Candidate {
    /// A candidate of this `name`, such as its pod's. What `client` asks must not wait behind other calls.
    ///
    /// Something random is added to the name: a process that was started again is another one, and waits until the lease
    /// of the one before has run out.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: &str, lease: Lease) -> Self {
        let random = RandomState::new().hash_one(name);
        Self {
            leases: Api::namespaced(client, namespace),
            identity: format!("{name}_{random:016x}"),
            lease,
        }
    }

    /// Waits for the lease, then runs `work` until it ends, the lease is lost or `stop` is cancelled. The lease is
    /// released.
    ///
    /// # Errors
    ///
    /// If the lease was lost, or `work` failed; the process should exit and be restarted.
    pub async fn while_leading<F>(self, stop: &CancellationToken, work: F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let Some(mut held) = stop.run_until_cancelled(self.win()).await else {
            return Ok(());
        };
        tracing::info!(identity = self.identity, "Leading");
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            // Before the work: who was stopped for too long learns it first.
            lost = self.keep(&mut held) => Err(lost.into()),
            result = work => result,
        };
        self.lease.give_up();
        if !matches!(&result, Err(error) if error.is::<Lost>()) {
            self.release(held).await;
        }
        result
    }

    /// Waits until the lease is ours.
    async fn win(&self) -> Object {
        let mut sighting = None;
        loop {
            match self.attempt(&mut sighting).await {
                Ok(Some(held)) => return held,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "The lease cannot be taken");
                }
            }
            time::sleep(PERIOD).await;
        }
    }

    /// Looks at the lease, and takes it if it is free.
    async fn attempt(&self, sighting: &mut Option<Sighting>) -> kube::Result<Option<Object>> {
        let Some(object) = self.leases.get_opt(LEASE).await? else {
            return self.write(self.taken(None)).await;
        };
        let record = Record::of(&object);
        let seen = Sighting::again(sighting.take(), record, since_boot());
        let next = election::next(&seen, &self.identity, since_boot());
        *sighting = Some(seen);
        match next {
            Next::Wait => Ok(None),
            Next::Take => self.write(self.taken(Some(object))).await,
        }
    }

    /// Renews the lease for as long as that succeeds in time.
    async fn keep(&self, held: &mut Object) -> Lost {
        loop {
            let pause = match self.renew(held).await {
                Ok(()) => PERIOD,
                Err(Renewal::Lost(lost)) => return lost,
                Err(Renewal::Failed(error)) => {
                    tracing::warn!(error, "The lease could not be renewed");
                    RETRY
                }
            };
            time::sleep(pause.min(self.lease.until_last_write())).await;
            if self.lease.permit(Write::Upkeep).is_err() {
                return Lost::RanOut;
            }
        }
    }

    async fn renew(&self, held: &mut Object) -> Result<(), Renewal> {
        let within = CALL_WITHIN.min(self.lease.until_last_write());
        let written = time::timeout(within, self.write(renewed(held)));
        match written.await {
            Ok(Ok(Some(object))) => *held = object,
            Ok(Ok(None)) => *held = self.still_ours(within).await?,
            Ok(Err(error)) => return Err(Renewal::failed(&error)),
            Err(_) => return Err(Renewal::Failed("no answer in time".to_owned())),
        }
        Ok(())
    }

    /// Somebody else wrote the lease: be it another holder, or another's annotation.
    async fn still_ours(&self, within: Duration) -> Result<Object, Renewal> {
        let read = time::timeout(within, self.leases.get(LEASE)).await;
        let object = read.map_err(|elapsed| Renewal::failed(&elapsed))?;
        let object = object.map_err(|error| Renewal::failed(&error))?;
        let holder = Record::of(&object).holder;
        if holder == self.identity {
            return Ok(object);
        }
        Err(Renewal::Lost(Lost::Taken { holder }))
    }

    /// Writes the lease unless somebody was first; then it is none.
    async fn write(&self, object: Object) -> kube::Result<Option<Object>> {
        let asked = since_boot();
        let params = PostParams::default();
        let written = if object.metadata.resource_version.is_some() {
            self.leases.replace(LEASE, &params, &object).await
        } else {
            self.leases.create(&params, &object).await
        };
        match written {
            Ok(object) => {
                self.lease.renewed(asked);
                Ok(Some(object))
            }
            Err(kube::Error::Api(status))
                if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// `object` with us as its holder from now on.
    fn taken(&self, object: Option<Object>) -> Object {
        let mut object = object.unwrap_or_else(|| Object {
            metadata: ObjectMeta {
                name: Some(LEASE.to_owned()),
                ..ObjectMeta::default()
            },
            ..Object::default()
        });
        let before = object.spec.as_ref().and_then(|spec| spec.lease_transitions);
        let now = Some(MicroTime(Timestamp::now()));
        object.spec = Some(LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(DURATION.as_secs()).unwrap_or(i32::MAX)),
            lease_transitions: Some(before.map_or(0, |count| count.saturating_add(1))),
            acquire_time: now.clone(),
            renew_time: now,
            ..LeaseSpec::default()
        });
        object
    }

    /// Lets the others take the lease at once. Only called when nothing writes any more.
    async fn release(&self, mut held: Object) {
        if let Some(spec) = &mut held.spec {
            spec.holder_identity = None;
        }
        let params = PostParams::default();
        let released = self.leases.replace(LEASE, &params, &held);
        match time::timeout(RELEASE_WITHIN, released).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "The lease runs out"),
            Err(_) => tracing::warn!("The lease could not be released in time, and runs out"),
        }
    }
}

fn renewed(held: &Object) -> Object {
    let mut object = held.clone();
    let spec = object.spec.get_or_insert_default();
    spec.renew_time = Some(MicroTime(Timestamp::now()));
    object
}

/// Why the lease is not ours any more.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// It could not be renewed in time, or the process stood still.
    #[error("lost the lease: it was not renewed in time")]
    RanOut,
    /// Another process holds it.
    #[error("lost the lease to {holder:?}")]
    Taken {
        /// Which.
        holder: String,
    },
}

/// Why the lease was not renewed.
enum Renewal {
    Lost(Lost),
    Failed(String),
}

impl Renewal {
    fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(chain(error))
    }
}
