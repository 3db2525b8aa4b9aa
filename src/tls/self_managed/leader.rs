//! What the leader does beside: reads Secret and configurations, decides, writes one of them, and looks again.

use std::time::Duration;

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use kube::{Api, Client, api::PostParams};
use tokio::time;

use super::{
    issue::{self, issue},
    pair::{Pair, bundle},
    registration::Configuration,
    replica::Replica,
    rotation::{self, Observed, Registered, Sighting, Write},
    stored::{Holdings, Stored, secret},
};
use crate::{leader::lease::since_boot, telemetry::chain};

/// How often Secret and configurations are looked at.
const PERIOD: Duration = Duration::from_secs(5);

/// Why nothing was written that should have been.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something could not be read.
    #[error("failed to read {what}")]
    Read {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// Something could not be written.
    #[error("failed to write {what}")]
    Write {
        /// What.
        what: String,
        /// Why.
        source: kube::Error,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] issue::Error),
}

impl Error {
    /// Whether somebody else wrote since it was read. A patch whose test fails is called invalid.
    fn is_race(&self) -> bool {
        let Self::Write {
            what,
            source: kube::Error::Api(status),
        } = self
        else {
            return false;
        };
        let patched = Configuration::ALL.iter().any(|one| one.name() == what);
        status.is_conflict() || status.is_already_exists() || patched && status.is_invalid()
    }
}

/// Keeps certificate and configurations right.
pub struct Rotation<'a> {
    replica: &'a Replica,
    client: Client,
    sighting: Sighting,
}

impl<'a> Rotation<'a> {
    /// Of what `replica` serves. What `client` writes must pass the lease.
    #[must_use]
    pub fn new(replica: &'a Replica, client: Client) -> Self {
        Self {
            replica,
            client,
            sighting: Sighting::default(),
        }
    }

    /// Looks and writes for as long as it is polled.
    pub async fn run(mut self) {
        loop {
            match self.step().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "The certificate is not looked after");
                }
            }
            time::sleep(PERIOD).await;
        }
    }

    /// Looks, and makes the next write; whether there was one.
    ///
    /// # Errors
    ///
    /// If something could not be read or written. That somebody else wrote meanwhile is none: it is looked at again.
    pub async fn step(&mut self) -> Result<bool, Error> {
        let settings = &self.replica.settings;
        let found = self.secrets().get_opt(&settings.secret).await;
        let found = found.map_err(|source| Error::Read {
            what: settings.place(),
            source,
        })?;
        let stored = Stored::read(found.as_ref(), settings);
        let registered = self.registered().await?;
        let held = self.replica.held();
        let observed = Observed {
            stored: &stored,
            registered: &registered,
            held: held.as_ref(),
            unchanged_for: self.sighting.again(&stored, &registered, since_boot()),
            now: Timestamp::now(),
        };
        let Some(write) = rotation::next(&observed, &settings.schedule) else {
            return Ok(false);
        };
        let version = found.and_then(|secret| secret.metadata.resource_version);
        match self.write(write, version, &registered).await {
            Err(error) if error.is_race() => Ok(false),
            result => result.map(|()| true),
        }
    }

    async fn registered(&self) -> Result<Vec<Registered>, Error> {
        let mut all = Vec::new();
        for configuration in Configuration::ALL {
            let read = configuration.read(&self.client).await;
            let what = configuration.name().to_owned();
            all.extend(read.map_err(|source| Error::Read { what, source })?);
        }
        Ok(all)
    }

    async fn write(
        &self,
        write: Write,
        version: Option<String>,
        registered: &[Registered],
    ) -> Result<(), Error> {
        match write {
            Write::Announce(holdings) => {
                let next = Some(self.issued()?);
                tracing::info!("Storing the next certificate");
                self.store(&Holdings { next, ..holdings }, version).await
            }
            Write::Store(holdings) => {
                tracing::info!(current = ?holdings.current, next = ?holdings.next, "Storing certificates");
                self.store(&holdings, version).await
            }
            Write::Trust {
                configuration,
                authorities,
            } => {
                let what = configuration.name();
                tracing::info!(
                    configuration = what,
                    authorities = authorities.len(),
                    "Trusting"
                );
                let Some(read) = registered
                    .iter()
                    .find(|one| one.configuration == configuration)
                else {
                    return Ok(());
                };
                let text = bundle(&authorities);
                let written = configuration.trust(read, &text, &self.client).await;
                written.map_err(|source| Error::Write {
                    what: what.to_owned(),
                    source,
                })
            }
        }
    }

    fn issued(&self) -> Result<Pair, Error> {
        let settings = &self.replica.settings;
        let lifetime = settings.schedule.lifetime();
        Ok(issue(&settings.names(), Timestamp::now(), lifetime)?)
    }

    /// Writes the Secret, if it still is of `version`.
    async fn store(&self, holdings: &Holdings, version: Option<String>) -> Result<(), Error> {
        let settings = &self.replica.settings;
        let new = version.is_none();
        let object = secret(holdings, version, settings);
        let params = PostParams::default();
        let written = if new {
            self.secrets().create(&params, &object).await
        } else {
            self.secrets()
                .replace(&settings.secret, &params, &object)
                .await
        };
        written.map(drop).map_err(|source| Error::Write {
            what: settings.place(),
            source,
        })
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.replica.settings.namespace)
    }
}
