//! What every replica does: serves what the Secret holds, and makes the Secret if there is none.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use kube::{Api, Client, api::PostParams};
use tokio::time;

use super::{
    Settings,
    issue::{self, issue},
    pair::Pair,
    rotation,
    stored::{Holdings, Stored, secret},
};
use crate::{
    telemetry::chain,
    tls::{Served, certificate},
};

/// How often the Secret is read.
pub const PERIOD: Duration = Duration::from_secs(5);
/// How often while there is nothing to serve.
const AT_FIRST: Duration = Duration::from_secs(1);

/// Why the certificate is not that of the Secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Secret could not be read or made.
    #[error("failed to read or make the Secret of the certificate")]
    Api(#[from] kube::Error),
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] issue::Error),
    /// It could not be served.
    #[error(transparent)]
    Certificate(#[from] certificate::Fault),
}

#[derive(Debug, Default)]
struct State {
    held: Option<Pair>,
    wrong: Option<String>,
}

/// The certificate as this replica serves it.
#[derive(Debug)]
pub struct Replica {
    /// Where the certificate is.
    pub settings: Settings,
    secrets: Api<Secret>,
    served: Arc<Served>,
    state: Mutex<State>,
}

impl Replica {
    /// Puts what the Secret holds in use in `served`, once it was looked at.
    #[must_use]
    pub fn new(settings: Settings, client: Client, served: Arc<Served>) -> Self {
        Self {
            secrets: Api::namespaced(client, &settings.namespace),
            settings,
            served,
            state: Mutex::default(),
        }
    }

    /// Looks at the Secret for as long as it is polled.
    pub async fn follow(&self) {
        loop {
            self.look().await;
            let nothing = self.held().is_none();
            time::sleep(if nothing { AT_FIRST } else { PERIOD }).await;
        }
    }

    /// Looks at the Secret once. What is wrong is kept for [`Self::wrong`], and logged when it changes.
    pub async fn look(&self) {
        let wrong = self
            .take_up()
            .await
            .unwrap_or_else(|error| Some(chain(&error)));
        let mut state = self.state();
        if state.wrong != wrong {
            if let Some(wrong) = &wrong {
                tracing::warn!(wrong, "The certificate is not as it should be");
            } else {
                tracing::info!("The certificate is as it should be");
            }
            state.wrong = wrong;
        }
    }

    /// What this replica serves.
    #[must_use]
    pub fn held(&self) -> Option<Pair> {
        self.state().held.clone()
    }

    /// What is wrong with the Secret, if something is.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        self.state().wrong.clone()
    }

    async fn take_up(&self) -> Result<Option<String>, Error> {
        let place = self.settings.place();
        let secret = self.secrets.get_opt(&self.settings.secret).await?;
        let held = self.held();
        match Stored::read(secret.as_ref(), &self.settings) {
            Stored::Absent if held.is_some() => {
                Ok(Some(format!("{place} is gone; the leader makes it anew")))
            }
            Stored::Absent => {
                let made = self.make().await?;
                self.put(&made, None)?;
                Ok(None)
            }
            Stored::Foreign => Ok(Some(format!(
                "{place} was not made by this operator, and is not touched: delete it, name another with \
                 --cert-secret, or use the files of a mounted one with --cert-mode=files"
            ))),
            Stored::Ours {
                holdings, faults, ..
            } => {
                self.put(&holdings, held.as_ref())?;
                let told = faults.iter().map(|fault| chain(fault)).collect::<Vec<_>>();
                Ok((!told.is_empty()).then(|| format!("{place} is broken: {}", told.join("; "))))
            }
        }
    }

    /// The Secret with a first certificate; if somebody was first, the next look finds theirs.
    async fn make(&self) -> Result<Holdings, Error> {
        let lifetime = self.settings.schedule.lifetime();
        let pair = issue(&self.settings.names(), Timestamp::now(), lifetime)?;
        let holdings = Holdings {
            next: Some(pair),
            ..Holdings::default()
        };
        let new = secret(&holdings, None, &self.settings);
        match self.secrets.create(&PostParams::default(), &new).await {
            Ok(_) => {
                tracing::info!(secret = self.settings.secret, "Made a certificate");
                Ok(holdings)
            }
            Err(kube::Error::Api(status)) if status.is_already_exists() || status.is_conflict() => {
                Ok(Holdings::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn put(&self, holdings: &Holdings, held: Option<&Pair>) -> Result<(), Error> {
        let Some(pair) = rotation::serves(holdings, held, Timestamp::now()) else {
            return Ok(());
        };
        if held == Some(pair) {
            return Ok(());
        }
        self.served.put(pair.certified()?);
        tracing::info!(until = %pair.until, "Reloaded certificate");
        self.state().held = Some(pair.clone());
        Ok(())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
