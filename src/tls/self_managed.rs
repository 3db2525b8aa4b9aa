//! The webhooks' certificate without anybody's help. One Secret holds it; any replica makes the Secret if there is none, and
//! each reads it again and again. The leader keeps the authorities in the webhook configurations, and replaces the
//! certificate in time: the new one lies in the Secret as the next until both configurations have trusted its authority
//! for a minute, then it is served, and the old authority goes when it has expired.
//!
//! An authority signs one certificate, and its key is never written down.

pub mod issue;
pub mod leader;
pub mod pair;
pub mod registration;
pub mod replica;
pub mod rotation;
pub mod stored;

pub use replica::Replica;

/// Where the certificate is, for whom it is, and how long it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Namespace of the operator.
    pub namespace: String,
    /// Name of the Secret.
    pub secret: String,
    /// Name of the webhooks' service.
    pub service: String,
    /// When certificates are replaced.
    pub schedule: rotation::Schedule,
}

impl Settings {
    /// The names by which the API server may call the webhooks.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        let host = format!("{}.{}.svc", self.service, self.namespace);
        [host.clone(), format!("{host}.cluster.local")]
    }

    /// The Secret, for people.
    #[must_use]
    pub fn place(&self) -> String {
        format!("Secret {}/{}", self.namespace, self.secret)
    }
}
