//! What the Secret holds: the pair that is served, the one that will be next, and the authorities that are still trusted.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{ByteString, api::core::v1::Secret, jiff::Timestamp};
use kube::{ResourceExt, api::ObjectMeta};

use super::{
    Settings,
    pair::{Authority, Fault, Pair, authorities, bundle},
};
use crate::{
    plan::FIELD_MANAGER,
    tls::certificate::{CHAIN, KEY},
};

/// The label by which the Secret is known to be ours.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Every authority that may be trusted.
const AUTHORITIES: &str = "ca.crt";
/// The chain and the key that are served next.
const NEXT_CHAIN: &str = "next.crt";
/// The key of the next.
const NEXT_KEY: &str = "next.key";

/// What the certificates are, as far as they are good ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// What is served.
    pub current: Option<Pair>,
    /// What will be served once its authority is trusted everywhere.
    pub next: Option<Pair>,
    /// Authorities whose certificates may still be served somewhere.
    pub former: BTreeSet<Authority>,
}

impl Holdings {
    /// Everything that is to be trusted.
    #[must_use]
    pub fn authorities(&self) -> BTreeSet<Authority> {
        let pairs = [&self.current, &self.next].into_iter().flatten();
        let mut all = self.former.clone();
        all.extend(pairs.map(|pair| pair.authority.clone()));
        all
    }

    /// Without what nobody accepts any more.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.former.retain(|authority| authority.until >= now);
        self
    }
}

/// A pair of the Secret that is no good.
#[derive(Debug, thiserror::Error)]
#[error("{item} cannot be used")]
pub struct Broken {
    item: &'static str,
    source: Fault,
}

/// The Secret as it was read.
#[derive(Debug)]
pub enum Stored {
    /// There is none.
    Absent,
    /// Somebody else made it.
    Foreign,
    /// Ours.
    Ours {
        /// What is good of it.
        holdings: Box<Holdings>,
        /// What is not, and why.
        faults: Vec<Broken>,
        /// Whether its text is just that of its holdings.
        exact: bool,
    },
}

impl Stored {
    /// Reads the Secret.
    #[must_use]
    pub fn read(secret: Option<&Secret>, settings: &Settings) -> Self {
        let Some(secret) = secret else {
            return Self::Absent;
        };
        if secret.labels().get(MANAGED_BY).map(String::as_str) != Some(FIELD_MANAGER) {
            return Self::Foreign;
        }
        let text = |item: &str| {
            let bytes = secret.data.as_ref().and_then(|data| data.get(item));
            bytes.map_or_else(String::new, |bytes| {
                String::from_utf8_lossy(&bytes.0).into_owned()
            })
        };
        let mut faults = Vec::new();
        let mut pair = |item, key| {
            let (chain, key) = (text(item), text(key));
            if chain.is_empty() && key.is_empty() {
                return None;
            }
            let parsed = Pair::parse(&chain, &key, &settings.names());
            parsed
                .map_err(|source| faults.push(Broken { item, source }))
                .ok()
        };
        let (current, next) = (pair(CHAIN, KEY), pair(NEXT_CHAIN, NEXT_KEY));
        let mut holdings = Holdings {
            current,
            next,
            ..Holdings::default()
        };
        let known = holdings.authorities();
        let listed = authorities(&text(AUTHORITIES)).into_iter();
        holdings.former = listed
            .filter(|authority| !known.contains(authority))
            .collect();
        let exact = secret.data.as_ref() == Some(&data(&holdings));
        Self::Ours {
            holdings: Box::new(holdings),
            faults,
            exact,
        }
    }
}

/// The Secret that holds `holdings`; it takes the place of the one of this `version`, or is a new one.
#[must_use]
pub fn secret(holdings: &Holdings, version: Option<String>, settings: &Settings) -> Secret {
    let labels = BTreeMap::from([(MANAGED_BY.to_owned(), FIELD_MANAGER.to_owned())]);
    Secret {
        metadata: ObjectMeta {
            name: Some(settings.secret.clone()),
            namespace: Some(settings.namespace.clone()),
            resource_version: version,
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(data(holdings)),
        ..Secret::default()
    }
}

fn data(holdings: &Holdings) -> BTreeMap<String, ByteString> {
    let mut items = vec![(AUTHORITIES, bundle(&holdings.authorities()))];
    let places = [
        (&holdings.current, CHAIN, KEY),
        (&holdings.next, NEXT_CHAIN, NEXT_KEY),
    ];
    for (pair, chain, key) in places {
        if let Some(pair) = pair {
            items.push((chain, pair.chain.clone()));
            items.push((key, pair.key.to_string()));
        }
    }
    let bytes = |(item, text): (&str, String)| (item.to_owned(), ByteString(text.into_bytes()));
    items.into_iter().map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::issue::issue, *};
    use crate::{telemetry::chain, tls::self_managed::rotation::Schedule};

    fn settings() -> Settings {
        Settings {
            namespace: "ns".to_owned(),
            secret: "cert".to_owned(),
            service: "op".to_owned(),
            schedule: Schedule::default(),
        }
    }

    fn issued() -> Pair {
        issue(
            &settings().names(),
            "2026-01-01T00:00:00Z".parse().unwrap(),
            Duration::from_hours(1),
        )
        .unwrap()
    }

    fn full() -> Holdings {
        Holdings {
            current: Some(issued()),
            next: Some(issued()),
            former: BTreeSet::from([issued().authority]),
        }
    }

    fn told(secret: &Secret) -> (Holdings, Vec<String>, bool) {
        match Stored::read(Some(secret), &settings()) {
            Stored::Ours {
                holdings,
                faults,
                exact,
            } => (
                *holdings,
                faults.iter().map(|broken| chain(broken)).collect(),
                exact,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for holdings in [
            full(),
            Holdings::default(),
            Holdings {
                current: None,
                ..full()
            },
        ] {
            let secret = secret(&holdings, None, &settings());
            assert_eq!(told(&secret), (holdings, vec![], true));
        }
    }

    #[test]
    fn what_is_broken_is_told_and_the_rest_is_kept() {
        const TOLD: &str = "tls.crt cannot be used: the key is not PEM: no items found";
        let holdings = full();
        let mut secret = secret(&holdings, None, &settings());
        let data = secret.data.as_mut().unwrap();
        data.insert(KEY.to_owned(), ByteString(b"broken".to_vec()));
        data.insert("more".to_owned(), ByteString(b"x".to_vec()));
        let (read, faults, exact) = told(&secret);
        assert_eq!((faults, exact), (vec![TOLD.to_owned()], false));
        assert_eq!(read.next, holdings.next);
        assert_eq!(read.authorities(), holdings.authorities());
    }

    #[test]
    fn a_secret_without_our_label_is_somebody_elses() {
        let mut secret = secret(&full(), None, &settings());
        secret.metadata.labels = None;
        assert!(matches!(
            Stored::read(Some(&secret), &settings()),
            Stored::Foreign
        ));
        assert!(matches!(Stored::read(None, &settings()), Stored::Absent));
    }
}
