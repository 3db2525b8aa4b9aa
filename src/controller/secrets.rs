//! Passwords from Secrets, as hashes, and sessions with servers. Nothing here can be printed.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;

use super::Context;
use crate::{
    aerospike::{
        admin::{Session, Token},
        password::{Password, PasswordHash},
    },
    plan::{Wait, WaitReason},
};

/// How long a password that was read is taken to be still right.
const KEPT: Duration = Duration::from_mins(5);

/// Hashes of passwords, and sessions.
#[derive(Default)]
pub struct Vault {
    hashes: Mutex<HashMap<Place, Kept<PasswordHash>>>,
    sessions: Mutex<HashMap<String, Kept<Token>>>,
}

/// A value in a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Namespace of the Secret.
    pub namespace: String,
    /// Its name.
    pub secret: String,
    /// Key of the value.
    pub key: String,
}

struct Kept<T> {
    value: T,
    until: Instant,
}

impl Vault {
    /// A session with a pod's server that may still be good.
    #[must_use]
    pub fn session(&self, pod_uid: &str) -> Option<Token> {
        let sessions = locked(&self.sessions);
        let kept = sessions.get(pod_uid)?;
        (kept.until > Instant::now()).then(|| kept.value.clone())
    }

    /// Keeps a session for later connections.
    pub fn keep_session(&self, pod_uid: &str, session: &Session) {
        let now = Instant::now();
        let mut sessions = locked(&self.sessions);
        sessions.retain(|_, kept| kept.until > now);
        sessions.insert(
            pod_uid.to_owned(),
            Kept {
                value: session.token.clone(),
                until: now + session.usable_for(),
            },
        );
    }

    /// Forgets a session that its server did not take.
    pub fn forget_session(&self, pod_uid: &str) {
        locked(&self.sessions).remove(pod_uid);
    }

    /// Forgets a password that a server did not take, so that the Secret is read again.
    pub fn forget_password(&self, place: &Place) {
        locked(&self.hashes).remove(place);
    }

    fn hash(&self, place: &Place) -> Option<PasswordHash> {
        let hashes = locked(&self.hashes);
        let kept = hashes.get(place)?;
        (kept.until > Instant::now()).then(|| kept.value.clone())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Context {
    /// The hash of a password in a Secret.
    ///
    /// # Errors
    ///
    /// What is missing, and where.
    pub async fn password(&self, place: &Place) -> Result<PasswordHash, Wait> {
        if let Some(hash) = self.secrets.hash(place) {
            return Ok(hash);
        }
        let password = self.read(place).await?;
        // Hashing takes tens of milliseconds of work.
        let hash = tokio::task::spawn_blocking(move || password.hash())
            .await
            .map_err(|_| missing(place, "its password could not be hashed"))?;
        let kept = Kept {
            value: hash.clone(),
            until: Instant::now() + KEPT,
        };
        locked(&self.secrets.hashes).insert(place.clone(), kept);
        Ok(hash)
    }

    async fn read(&self, place: &Place) -> Result<Password, Wait> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &place.namespace);
        let secret = secrets
            .get_opt(&place.secret)
            .await
            .map_err(|error| missing(place, &format!("it cannot be read: {error}")))?
            .ok_or_else(|| missing(place, "it does not exist"))?;
        let bytes = secret
            .data
            .and_then(|mut data| data.remove(&place.key))
            .ok_or_else(|| missing(place, &format!("it has no key {:?}", place.key)))?;
        let text = String::from_utf8(bytes.0)
            .map_err(|_| missing(place, &format!("its key {:?} is no text", place.key)))?;
        Ok(Password::new(text))
    }
}

fn missing(place: &Place, why: &str) -> Wait {
    Wait::new(
        WaitReason::SecretMissing,
        format!("Secret {}/{}: {why}", place.namespace, place.secret),
    )
}
